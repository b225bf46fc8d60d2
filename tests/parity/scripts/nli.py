"""Softmax loss on three labels, then STS evaluation, in one fit call."""

import math
import sys
from pathlib import Path

import torch
from sentence_transformers import InputExample, SentenceTransformer, losses, models
from sentence_transformers.evaluation import EmbeddingSimilarityEvaluator, LabelAccuracyEvaluator
from torch.utils.data import DataLoader

numbers = {"contradiction": 0, "entailment": 1, "neutral": 2}
rows = [
    ("the file is read", "a file is read", "entailment"),
    ("a list of names", "no list", "contradiction"),
    ("the number of words", "the words", "neutral"),
    ("the end", "an end", "entailment"),
]
w = models.Transformer(sys.argv[1])
p = models.Pooling(
    w.get_word_embedding_dimension(),
    pooling_mode_mean_tokens=True,
    pooling_mode_cls_token=False,
    pooling_mode_max_tokens=False,
)
m = SentenceTransformer(modules=[w, p], device="cpu")
ex = [InputExample(texts=[a, b], label=numbers[label]) for a, b, label in rows]
torch.manual_seed(4)
loss = losses.SoftmaxLoss(
    model=m,
    sentence_embedding_dimension=m.get_sentence_embedding_dimension(),
    num_labels=len(numbers),
)
ev = EmbeddingSimilarityEvaluator(
    [r[0] for r in rows], [r[1] for r in rows], [1, 0, 0.5, 1], name="sts-dev", batch_size=16
)
dl = DataLoader(ex, shuffle=False, batch_size=4)
m.fit(
    train_objectives=[(dl, loss)],
    evaluator=ev,
    epochs=2,
    evaluation_steps=10,
    warmup_steps=math.ceil(len(dl) * 0.1),
    output_path="out",
    optimizer_params={"lr": 1e-3},
)
print([round(float(x), 2) for x in SentenceTransformer("out", device="cpu").encode("a file")[:6]])
print(Path("out/eval/similarity_evaluation_sts-dev_results.csv").read_text().split("\n")[0])
acc = LabelAccuracyEvaluator(
    DataLoader(ex, batch_size=2, collate_fn=m.smart_batching_collate),
    name="acc",
    softmax_model=loss,
)
print({k: round(float(v), 2) for k, v in acc(m).items()} if isinstance(acc(m), dict) else acc(m))
