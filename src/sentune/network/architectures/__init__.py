"""The architectures that the encoder computes, one table each.

A table has the names of the parts of :class:`~sentune.network.encoder.Encoder` in ``config.json``
and in weight files, and the options of the encoder. To add an architecture, write its table and
list it here; the encoder changes only where no option computes the same.
"""

from __future__ import annotations

from typing import Any

from sentune.errors import UnsupportedModelError
from sentune.network.architectures.albert import ALBERT
from sentune.network.architectures.architecture import Architecture
from sentune.network.architectures.bert import BERT, CAMEMBERT, ROBERTA, XLM_ROBERTA
from sentune.network.architectures.distilbert import DISTILBERT
from sentune.network.architectures.electra import ELECTRA
from sentune.network.architectures.gte import GTE, NEW
from sentune.network.architectures.modernbert import MODERNBERT
from sentune.network.architectures.mpnet import MPNET
from sentune.network.architectures.nomic_bert import NOMIC_BERT
from sentune.network.config import EncoderConfig

__all__ = ["ARCHITECTURES", "Architecture", "read_config"]

ARCHITECTURES = {
    architecture.model_type: architecture
    for architecture in (
        *(BERT, ROBERTA, XLM_ROBERTA, CAMEMBERT, MPNET, DISTILBERT, ELECTRA, ALBERT),
        *(MODERNBERT, NOMIC_BERT, GTE, NEW),
    )
}


def read_config(values: dict[str, Any], source: str) -> EncoderConfig:
    """Read the content of a ``config.json``; ``source`` is the file, for messages.

    Raises:
        UnsupportedModelError: an architecture, or an option of one, that is not computed.
        ModelError: a size is missing, or a value is out of its range.
    """
    named = values.get("model_type") or (values.get("architectures") or "unnamed")
    known = ARCHITECTURES.get(named) if isinstance(named, str) else None
    if known is None:
        raise UnsupportedModelError(
            f"{source} describes the architecture {named!r}",
            expected=f"a model_type of {', '.join(ARCHITECTURES)}",
            fix="choose another base model; docs/models.md lists those that run",
        )
    return known.read(values, source)
