"""Training with several data sets, each with its loss, and evaluation by the loss of two."""

import sys
from pathlib import Path

from datasets import Dataset, DatasetDict
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerModelCardData,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.losses import CoSENTLoss, MultipleNegativesRankingLoss
from sentence_transformers.training_args import BatchSamplers, MultiDatasetBatchSamplers

card = SentenceTransformerModelCardData(language="en", license="apache-2.0", model_name="files")
model = SentenceTransformer(sys.argv[1], device="cpu", model_card_data=card)
pairs = Dataset.from_dict(
    {
        "anchor": ["how is a file read", "what is a list", "how many words", "what is raised"],
        "positive": ["open reads a file", "a list of names", "the number of words", "an error"],
    }
)
scored = Dataset.from_dict(
    {
        "sentence1": ["the file is read", "a list of names", "the end"],
        "sentence2": ["the file was read", "an error in the text", "a block"],
        "score": [0.9, 0.1, 0.5],
    }
)
args = SentenceTransformerTrainingArguments(
    "out",
    num_train_epochs=2,
    per_device_train_batch_size=2,
    batch_sampler=BatchSamplers.NO_DUPLICATES,
    multi_dataset_batch_sampler=MultiDatasetBatchSamplers.ROUND_ROBIN,
    eval_strategy="epoch",
    report_to=[],
    use_cpu=True,
    disable_tqdm=True,
)
trainer = SentenceTransformerTrainer(
    model=model,
    args=args,
    train_dataset=DatasetDict({"pairs": pairs, "scored": scored}),
    eval_dataset={"pairs": pairs, "scored": scored},
    loss={"pairs": MultipleNegativesRankingLoss(model), "scored": CoSENTLoss(model)},
)
trainer.train()
print(trainer.state.global_step, sorted(path.name for path in Path("out").iterdir()))
found = trainer.evaluate()
print(sorted(name for name in found if name.endswith("_loss")))
print(args.save_strategy == "steps", args.save_steps, args.logging_steps, args.warmup_steps)
