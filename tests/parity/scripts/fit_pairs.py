"""Training with scored pairs in one call, as before version 3."""

import sys

import torch
from sentence_transformers import InputExample, SentenceTransformer, evaluation, losses, util
from torch.utils.data import DataLoader

torch.manual_seed(3)
model = SentenceTransformer(sys.argv[1], device="cpu")
rows = [
    ("the file is read", "the file was read", 5.0),
    ("a list of names", "an error in the text", 1.0),
    ("the number of words", "how many words there are", 4.0),
    ("the block is closed", "a name is found", 0.0),
]
examples = [InputExample(texts=[a, b], label=score / 5.0) for a, b, score in rows]
dataloader = DataLoader(examples, shuffle=True, batch_size=4)
loss = losses.CosineSimilarityLoss(model)
evaluator = evaluation.EmbeddingSimilarityEvaluator.from_input_examples(examples, name="dev")
before = evaluator(model)
model.fit(
    train_objectives=[(dataloader, loss)],
    evaluator=evaluator,
    epochs=5,
    warmup_steps=0,
    optimizer_params={"lr": 1e-3},
    output_path="out/model",
    show_progress_bar=False,
)
print({name: round(float(value), 3) for name, value in sorted(before.items())})
again = SentenceTransformer("out/model", device="cpu")
for a, b, _ in rows:
    print(f"{float(util.cos_sim(again.encode(a), again.encode(b))):.2f}")
