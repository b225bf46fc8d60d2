"""Training with the trainer, its arguments and a data set of pairs."""

import sys

from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.losses import MultipleNegativesRankingLoss
from sentence_transformers.training_args import BatchSamplers

model = SentenceTransformer(sys.argv[1], device="cpu")
train_dataset = Dataset.from_dict(
    {
        "anchor": ["how is a file read", "what is a list", "how many words", "what is raised"],
        "positive": ["open reads a file", "a list of names", "the number of words", "an error"],
    }
)
args = SentenceTransformerTrainingArguments(
    output_dir="out/run",
    num_train_epochs=4,
    per_device_train_batch_size=4,
    learning_rate=1e-3,
    batch_sampler=BatchSamplers.NO_DUPLICATES,
    save_strategy="no",
    report_to="none",
    disable_tqdm=True,
    logging_strategy="no",
    use_cpu=True,
)
trainer = SentenceTransformerTrainer(
    model=model, args=args, train_dataset=train_dataset, loss=MultipleNegativesRankingLoss(model)
)
trainer.train()
model.save_pretrained("out/final")
print(trainer.state.global_step)
embeddings = SentenceTransformer("out/final", device="cpu").encode(
    train_dataset["anchor"][:] + train_dataset["positive"][:]
)
scores = model.similarity(embeddings[:4], embeddings[4:])
print([round(value, 2) for value in scores.diagonal().tolist()])
