"""One training step beside the reference's trainer, on the same batch, with dropout off."""

from __future__ import annotations

import gc
import warnings
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch

from sentune import SentenceTransformer
from sentune.model_folder.resolve import resolve
from sentune.model_folder.weights import export_weights
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.losses import MultipleNegativesRankingLoss
from sentune.training.trainer import SentenceTransformerTrainer

SETTINGS: dict[str, Any] = {
    "per_device_train_batch_size": 8,
    "max_steps": 1,
    "learning_rate": 5e-5,
    "weight_decay": 0.01,
    "max_grad_norm": 1.0,
    "disable_tqdm": True,
    "save_strategy": "no",
    "report_to": "none",
    "use_cpu": True,
}


@pytest.fixture(scope="module")
def columns(real_texts: list[str]) -> dict[str, list[str]]:
    short = [text for text in real_texts if 20 < len(text) < 80][:8]
    longer = [text for text in real_texts if 200 < len(text) < 900][:8]
    return {"anchor": short, "positive": longer}


@pytest.mark.filterwarnings("ignore")
def test_one_step_changes_the_weights_as_the_reference_does(
    tmp_path: Path, columns: dict[str, list[str]]
) -> None:
    from sentence_transformers import SentenceTransformer as Reference
    from sentence_transformers import SentenceTransformerTrainer as ReferenceTrainer
    from sentence_transformers import SentenceTransformerTrainingArguments as ReferenceArguments
    from sentence_transformers.sentence_transformer.losses import (
        MultipleNegativesRankingLoss as ReferenceLoss,
    )

    reference = Reference(str(resolve("all-MiniLM-L6-v2").folder), device="cpu")
    for module in reference.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    reference[0].auto_model.config.attention_probs_dropout_prob = 0.0
    for layer in reference[0].auto_model.encoder.layer:
        layer.attention.self.attention_dropout = 0.0
    before = {n: p.detach().clone() for n, p in reference[0].auto_model.named_parameters()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ReferenceTrainer(
            model=reference,
            args=ReferenceArguments(output_dir=str(tmp_path / "reference"), **SETTINGS),
            train_dataset=datasets.Dataset.from_dict(columns),
            loss=ReferenceLoss(reference),
        ).train()
    gc.collect()  # its optimizer has twice the weights
    model = SentenceTransformer(compute_dtype="float32")
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(tmp_path / "ours"), dropout=0.0, **SETTINGS
    )
    SentenceTransformerTrainer(
        model, arguments, columns, loss=MultipleNegativesRankingLoss(model)
    ).train()
    ours = export_weights(model.encoder)
    after = dict(reference[0].auto_model.named_parameters())
    # Adam's first step is the sign of the gradient, so a gradient of rounding noise may go either
    # way; where the reference's step is clear of that, ours must agree.
    for name, start in before.items():
        # The pooler is not computed with; a bias on all keys moves every score alike, so its
        # gradient is zero but for rounding.
        if name.startswith("pooler.") or name.endswith("key.bias"):
            continue
        theirs, mine = after[name].detach() - start, ours[name] - start
        clear = theirs.abs() > 4.9e-5
        agree = (theirs - mine).abs()[clear] < 1e-6
        assert agree.float().mean() > 0.999, name
        assert (theirs - mine).abs().median() < 1e-7, name
