"""A loss of one's own in the trainer, and training by hand with the model inside a module."""

import sys

import torch
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
    util,
)
from torch import nn


class Ranking(nn.Module):
    def __init__(self, model, scale=20.0):
        super().__init__()
        self.model, self.scale, self.loss = model, scale, nn.CrossEntropyLoss()

    def forward(self, sentence_features, labels):
        first, second = (self.model(part)["sentence_embedding"] for part in sentence_features)
        scores = util.cos_sim(first, second) * self.scale
        return self.loss(scores, torch.arange(len(scores), device=scores.device))


class Classifier(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.out = nn.Linear(encoder.get_sentence_embedding_dimension(), 2)

    def forward(self, texts):
        features = util.batch_to_device(self.encoder.tokenize(texts), self.encoder.device)
        return self.out(self.encoder(features)["sentence_embedding"])


model = SentenceTransformer(sys.argv[1], device="cpu")
pairs = Dataset.from_dict(
    {
        "anchor": ["how is a file read", "what is a list", "how many words", "what is raised"],
        "positive": ["open reads a file", "a list of names", "the number of words", "an error"],
    }
)
args = SentenceTransformerTrainingArguments(
    output_dir="out",
    max_steps=3,
    per_device_train_batch_size=4,
    learning_rate=1e-3,
    logging_strategy="no",
    save_strategy="no",
    report_to="none",
    use_cpu=True,
    disable_tqdm=True,
)
trainer = SentenceTransformerTrainer(model, args, pairs, loss=Ranking(model))
print(round(trainer.train().training_loss, 3))
torch.manual_seed(0)
classifier = Classifier(model)
optimizer = torch.optim.SGD(classifier.parameters(), lr=0.1)
classifier.train()
for _ in range(3):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(classifier(["a file", "a name"]), torch.tensor([0, 1]))
    loss.backward()
    optimizer.step()
print(round(loss.item(), 3))
classifier.eval()
with torch.no_grad():
    print(classifier(["the file", "names"]).argmax(1).tolist())
