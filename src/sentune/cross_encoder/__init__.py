"""Pairs of texts → scores, with a model that reads both texts together.

::

    pairs ─ token ids and segments ─ pack ─ encoder ─ head ─ activation ─ scores
    folder, weights: a model's files    arguments, activations: what people pass and name
    card: its README.md                 losses, trainer, fit: training    evaluation: metrics

The names below load on first use.
"""

from __future__ import annotations

from sentune.old_paths import install

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sentune.cross_encoder.card import CrossEncoderModelCardData
    from sentune.cross_encoder.model import CrossEncoder
    from sentune.cross_encoder.trainer import CrossEncoderTrainer
    from sentune.cross_encoder.training_args import CrossEncoderTrainingArguments

_HOMES = {
    "CrossEncoder": "model",
    "CrossEncoderModelCardData": "card",
    "CrossEncoderTrainer": "trainer",
    "CrossEncoderTrainingArguments": "training_args",
}
_MODULES = ("evaluation", "losses")

__all__ = [
    "CrossEncoder",
    "CrossEncoderModelCardData",
    "CrossEncoderTrainer",
    "CrossEncoderTrainingArguments",
]


def __getattr__(name: str) -> object:
    import importlib

    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        from sentune.left_out import not_there

        return not_there(__name__, name)
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *_MODULES]


install()
