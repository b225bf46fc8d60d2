"""A callback, early stopping, frozen layers and learning rates."""

import sys
from pathlib import Path

from datasets import Dataset
from sentence_transformers.evaluation.TripletEvaluator import TripletEvaluator
from sentence_transformers.losses.MultipleNegativesRankingLoss import MultipleNegativesRankingLoss
from sentence_transformers.SentenceTransformer import SentenceTransformer
from sentence_transformers.trainer import SentenceTransformerTrainer
from sentence_transformers.training_args import BatchSamplers, SentenceTransformerTrainingArguments
from transformers import EarlyStoppingCallback, TrainerCallback


class Say(TrainerCallback):
    def on_evaluate(self, args, state, control, metrics=None, model=None, **kw):
        print(
            "eval",
            state.global_step,
            {k: round(float(v), 2) for k, v in metrics.items() if "accuracy" in k},
            type(model).__name__,
        )

    def on_epoch_end(self, args, state, control, **kw):
        print("epoch", state.epoch, sorted(kw)[:2])

    def on_train_begin(
        self, args, state, control, model=None, optimizer=None, lr_scheduler=None, **kw
    ):
        print(len(optimizer.param_groups), [g["weight_decay"] for g in optimizer.param_groups])


model = SentenceTransformer(sys.argv[1], device="cpu")
for p in model[0].auto_model.embeddings.parameters():
    p.requires_grad = False
print(sum(p.requires_grad for p in model[0].auto_model.embeddings.parameters()))
d = Dataset.from_dict(
    {
        "anchor": ["how is a file read", "what is a list", "how many words", "what is raised"],
        "positive": ["open reads a file", "a list of names", "the number of words", "an error"],
        "negative": ["x", "y", "z", "an end"],
    }
)
ev = TripletEvaluator(
    anchors=d["anchor"][:], positives=d["positive"][:], negatives=d["negative"][:], name="tri"
)
a = SentenceTransformerTrainingArguments(
    output_dir="out",
    num_train_epochs=6,
    per_device_train_batch_size=4,
    weight_decay=0.01,
    learning_rate=1e-3,
    eval_strategy="steps",
    eval_steps=1,
    save_steps=1,
    save_strategy="steps",
    save_total_limit=2,
    load_best_model_at_end=True,
    metric_for_best_model="eval_tri_cosine_accuracy",
    greater_is_better=True,
    batch_sampler=BatchSamplers.NO_DUPLICATES,
    report_to="none",
    use_cpu=True,
    logging_steps=2,
    disable_tqdm=True,
)
t = SentenceTransformerTrainer(
    model=model,
    args=a,
    train_dataset=d,
    eval_dataset=d,
    loss=MultipleNegativesRankingLoss(model),
    evaluator=ev,
    callbacks=[Say(), EarlyStoppingCallback(early_stopping_patience=2)],
)
r = t.train()
print(r.global_step, sorted(r.metrics), t.state.best_metric)
print(sorted(t.evaluate().keys() - {"epoch"}))
print(sorted(path.name for path in Path("out").iterdir()))
