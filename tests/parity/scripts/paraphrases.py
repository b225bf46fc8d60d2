"""The most similar pairs of some texts, and the log on standard output."""

import logging
import sys

from sentence_transformers import LoggingHandler, SentenceTransformer, util

logger = logging.getLogger("script")
logger.setLevel(logging.INFO)
logger.addHandler(LoggingHandler())
logger.propagate = False
model = SentenceTransformer(sys.argv[1], device="cpu")
sentences = [
    "the file is read",
    "the file was read",
    "a list of names",
    "the list of the names",
    "an error in the text",
]
logger.info("%d sentences", len(sentences))
for score, i, j in util.paraphrase_mining(model, sentences, top_k=2, max_pairs=4):
    print(f"{sentences[i]} \t {sentences[j]} \t Score: {score:.3f}")
pairs = util.paraphrase_mining_embeddings(model.encode(sentences, convert_to_tensor=True))
print(len(pairs), [pair[1:] for pair in pairs[:3]])
