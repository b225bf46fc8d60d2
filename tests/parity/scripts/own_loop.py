"""A training loop by hand: the model's collate function, a loss, an optimizer."""

import sys

import torch
from sentence_transformers import InputExample, SentenceTransformer, losses
from sentence_transformers.util import batch_to_device
from torch.utils.data import DataLoader

model = SentenceTransformer(sys.argv[1], device="cpu")
examples = [
    InputExample(texts=["how is a file read", "open reads a file"], label=1.0),
    InputExample(texts=["what is a list", "an error"], label=0.0),
    InputExample(texts=["how many words", "the number of words"], label=0.9),
    InputExample(texts=["what is raised", "a list of names"], label=0.2),
]
loader = DataLoader(examples, shuffle=False, batch_size=2)
loader.collate_fn = model.smart_batching_collate
loss = losses.CosineSimilarityLoss(model)
optimizer = torch.optim.AdamW(loss.parameters(), lr=1e-3)
model.train()
for _ in range(2):
    for features, labels in loader:
        moved = [batch_to_device(each, model.device) for each in features]
        value = loss(moved, labels.to(model.device))
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        print(round(value.item(), 3))
model.eval()
print([round(value, 2) for value in model.encode("a file").tolist()[:6]])
