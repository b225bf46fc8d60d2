"""A pooling of one's own class, trained with the rest of the model, and saved by itself."""

import sys

import torch
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
    losses,
    models,
)
from torch import nn


class WeightedPooling(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim, self.weigh = dim, nn.Linear(dim, 1)
        nn.init.constant_(self.weigh.weight, 0.05)
        nn.init.zeros_(self.weigh.bias)

    def forward(self, features):
        tokens, mask = features["token_embeddings"], features["attention_mask"]
        weights = self.weigh(tokens).squeeze(-1).masked_fill(mask == 0, -1e9)
        weights = torch.softmax(weights, dim=1).unsqueeze(-1)
        features.update({"sentence_embedding": (tokens * weights).sum(dim=1)})
        return features

    def get_sentence_embedding_dimension(self):
        return self.dim

    def save(self, output_path):
        print("saved by itself")


words = models.Transformer(sys.argv[1], max_seq_length=32)
pooling = WeightedPooling(words.get_word_embedding_dimension())
model = SentenceTransformer(modules=[words, pooling, models.Normalize()], device="cpu")
print(len(model), type(model[1]).__name__, model.get_sentence_embedding_dimension())
print([round(value, 3) for value in model.encode(["a file", "the list"])[1].tolist()[:6]])
pairs = Dataset.from_dict(
    {
        "anchor": ["how is a file read", "what is a list", "how many words", "what is raised"],
        "positive": ["open reads a file", "a list of names", "the number of words", "an error"],
    }
)
args = SentenceTransformerTrainingArguments(
    output_dir="out",
    num_train_epochs=3,
    per_device_train_batch_size=4,
    learning_rate=1e-3,
    batch_sampler="no_duplicates",
    logging_steps=1,
    save_strategy="no",
    report_to="none",
    use_cpu=True,
)
loss = losses.MultipleNegativesRankingLoss(model)
trainer = SentenceTransformerTrainer(model=model, args=args, train_dataset=pairs, loss=loss)
trainer.train()
print([round(entry["loss"], 2) for entry in trainer.state.log_history if "loss" in entry])
print([round(value, 2) for value in model.encode("a file read").tolist()[:6]])
print([round(value, 3) for value in pooling.weigh.weight[0, :4].tolist()])
model.save_pretrained("saved")
