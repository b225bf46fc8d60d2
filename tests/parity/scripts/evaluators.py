"""Four evaluators of one model."""

import sys

from sentence_transformers import SentenceTransformer
from sentence_transformers.evaluation import (
    BinaryClassificationEvaluator,
    EmbeddingSimilarityEvaluator,
    InformationRetrievalEvaluator,
    SequentialEvaluator,
    SimilarityFunction,
    TripletEvaluator,
)

model = SentenceTransformer(sys.argv[1], device="cpu")
first = ["the file is read", "a list of names", "the number of words", "the block is closed"]
second = ["the file was read", "an error in the text", "how many words", "a name is found"]
similar = EmbeddingSimilarityEvaluator(
    first, second, [0.9, 0.1, 0.8, 0.2], main_similarity=SimilarityFunction.COSINE, name="sts"
)
binary = BinaryClassificationEvaluator(first, second, [1, 0, 1, 0], name="pairs")
triplets = TripletEvaluator(first, second, list(reversed(second)), name="triplets")
retrieval = InformationRetrievalEvaluator(
    queries={str(i): text for i, text in enumerate(first)},
    corpus={str(i): text for i, text in enumerate(second)},
    relevant_docs={str(i): {str(i)} for i in range(4)},
    name="ir",
    show_progress_bar=False,
)
together = SequentialEvaluator([similar, binary, triplets, retrieval])
for name, value in sorted(model.evaluate(together, "out").items()):
    print(f"{name}: {float(value):.3f}")
