"""Matryoshka training, and evaluation at several dimensions."""

import sys

from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.evaluation import (
    EmbeddingSimilarityEvaluator,
    SequentialEvaluator,
    SimilarityFunction,
)
from sentence_transformers.losses import MatryoshkaLoss, MultipleNegativesRankingLoss
from sentence_transformers.training_args import BatchSamplers

model = SentenceTransformer(sys.argv[1], device="cpu")
dims = [32, 16, 8]
d = Dataset.from_dict(
    {
        "anchor": ["how is a file read", "what is a list", "how many words", "what is raised"],
        "positive": ["open reads a file", "a list of names", "the number of words", "an error"],
    }
)
inner = MultipleNegativesRankingLoss(model)
loss = MatryoshkaLoss(model, inner, matryoshka_dims=dims)
evs = [
    EmbeddingSimilarityEvaluator(
        d["anchor"][:],
        d["positive"][:],
        [0.1, 0.9, 0.5, 0.3],
        main_similarity=SimilarityFunction.COSINE,
        name=f"dev-{k}",
        truncate_dim=k,
    )
    for k in dims
]
ev = SequentialEvaluator(evs, main_score_function=lambda s: s[0])
print({k: round(float(v), 3) for k, v in ev(model).items()})
a = SentenceTransformerTrainingArguments(
    output_dir="out",
    num_train_epochs=3,
    per_device_train_batch_size=4,
    warmup_ratio=0.1,
    learning_rate=1e-3,
    batch_sampler=BatchSamplers.NO_DUPLICATES,
    eval_strategy="epoch",
    save_strategy="epoch",
    save_total_limit=1,
    load_best_model_at_end=True,
    metric_for_best_model="eval_dev-32_spearman_cosine",
    report_to="none",
    use_cpu=True,
    logging_steps=1,
)
t = SentenceTransformerTrainer(
    model=model, args=a, train_dataset=d, eval_dataset=d, loss=loss, evaluator=ev
)
t.train()
print(round(t.state.best_metric, 3), t.state.best_global_step)
for k in dims:
    m = SentenceTransformer(model[0].auto_model.config._name_or_path, truncate_dim=k, device="cpu")
    print(m.encode("a file").shape, m.get_sentence_embedding_dimension())
model.save_pretrained("final")
