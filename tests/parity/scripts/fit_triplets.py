"""Training with triplets, and the evaluator of triplets before and after."""

import sys

from sentence_transformers import InputExample, SentenceTransformer, losses
from sentence_transformers.evaluation import TripletEvaluator
from torch.utils.data import DataLoader

model = SentenceTransformer(sys.argv[1], device="cpu")
rows = [
    ["the file is read", "the file was read", "a list of names"],
    ["the number of words", "how many words there are", "the file is closed"],
    ["an error is raised", "it raises an error", "the name of the list"],
]
train_examples = [InputExample(texts=row) for row in rows]
train_dataloader = DataLoader(train_examples, shuffle=False, batch_size=3)
train_loss = losses.TripletLoss(
    model=model, distance_metric=losses.TripletDistanceMetric.COSINE, triplet_margin=0.5
)
evaluator = TripletEvaluator.from_input_examples(train_examples, name="train")
print(sorted(evaluator(model)))
model.fit(
    [(train_dataloader, train_loss)],
    epochs=4,
    warmup_steps=0,
    optimizer_params={"lr": 1e-3},
    show_progress_bar=False,
)
print(f"{float(evaluator(model)['train_cosine_accuracy']):.2f}")
for anchor, positive, negative in rows:
    scores = model.similarity(model.encode([anchor]), model.encode([positive, negative]))
    print([round(value, 2) for value in scores[0].tolist()])
