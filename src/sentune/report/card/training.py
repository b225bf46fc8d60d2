"""The section on training: data, loss, settings, log, device and versions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sentune.report.card.dataset import dataset_lines
from sentune.report.card.facts import CardFacts
from sentune.report.card.settings import stated_settings
from sentune.report.card.text import fenced, inline, table
from sentune.report.card.versions import installed_versions
from sentune.wording import counted, duration

if TYPE_CHECKING:
    from sentune.training.arguments import SentenceTransformerTrainingArguments
    from sentune.training.losses.base import EmbeddingLoss

__all__ = ["log_blocks", "loss_lines", "settings_blocks", "training_blocks", "versions_blocks"]

_OPEN_LOG = 20  # rows shown without a click


def training_blocks(facts: CardFacts) -> list[str]:
    """Everything that a person needs to repeat the run."""
    discarded = "This describes the tuning that was tried; the folder holds nothing of its result."
    return [
        "## Training Details",
        *([discarded] if facts.kept == "base" else []),
        "### Training Dataset",
        "#### Unnamed Dataset",
        "\n".join([*dataset_lines(facts), *loss_lines(facts.loss)]),
        *settings_blocks(facts.arguments),
        *log_blocks(facts.loss_log),
        "### Training Run",
        f"{_recipe(facts)}- Steps: {facts.steps:,}\n"
        f"- Time: {duration(facts.seconds)}, for the training alone\n"
        f"- Number format and device: {inline(facts.compute)}\n"
        f"- Dropout: {_dropout(facts)}",
        *versions_blocks(),
    ]


def settings_blocks(arguments: SentenceTransformerTrainingArguments) -> list[str]:
    """The settings that differ from the defaults, and all settings."""
    settings = stated_settings(arguments)
    return [
        "### Training Hyperparameters",
        "#### Non-Default Hyperparameters",
        _listed(settings.changed) or "None: every setting had its default.",
        "#### All Hyperparameters",
        _folded("Click to expand", _listed(settings.all)),
    ]


def versions_blocks() -> list[str]:
    """What was installed."""
    return [
        "### Framework Versions",
        "\n".join(f"- {label}: {number}" for label, number in installed_versions().items()),
    ]


def _recipe(facts: CardFacts) -> str:
    """The way to train and what it made of the pairs, from which the number of steps follows."""
    if not facts.recipe:
        return ""
    rows = counted(len(facts.training), "pair")
    if facts.sentences:
        used = counted(facts.sentences, "sentence")
        rows += f" and {used} of passages as questions, {facts.rows_an_epoch:,} of both an epoch"
    batch = facts.arguments.per_device_train_batch_size
    lines = [f"- Recipe: `{facts.recipe}`, on {rows}, in batches of up to {batch}"]
    lines += (f"  - {inline(note)}" for note in facts.prepared)
    return "\n".join(lines) + "\n"


def loss_lines(loss: EmbeddingLoss) -> list[str]:
    """The loss and its parameters, as an item of a list."""
    parameters = fenced(json.dumps(loss.describe(), indent=4), "json")
    return [
        f"* Loss: `{type(loss).__name__}` with these parameters:",
        "\n".join(f"  {line}" for line in parameters.splitlines()),
    ]


def _listed(settings: Mapping[str, str]) -> str:
    return "\n".join(f"- `{name}`: {inline(value)}".rstrip() for name, value in settings.items())


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def log_blocks(log: Sequence[tuple[float, int, float]]) -> list[str]:
    """The losses of the run as a table; nothing without any."""
    if not log:
        return []
    rows = [[f"{epoch:.4f}", f"{step}", f"{loss:.4f}"] for epoch, step, loss in log]
    shown = table(["Epoch", "Step", "Training Loss"], rows)
    return [
        "### Training Logs",
        shown if len(rows) <= _OPEN_LOG else _folded("Click to expand", shown),
    ]


def _dropout(facts: CardFacts) -> str:
    if facts.arguments.dropout is not None:
        return f"{facts.arguments.dropout:g} throughout"
    config = facts.model.encoder.config
    return (
        f"{config.hidden_dropout_prob:g} of the hidden states and "
        f"{config.attention_probs_dropout_prob:g} of the attention, as the base model has it"
    )
