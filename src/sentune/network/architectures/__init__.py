"""The architectures that the encoder computes, one table each.

A table says what a ``config.json`` and a weight file of that architecture call the parts of
:class:`~sentune.network.encoder.Encoder`, and which of its options are on. To add one, write its
table and list it here. Only where it computes what no option covers, the encoder needs one more.
"""

from __future__ import annotations

from typing import Any

from sentune.errors import UnsupportedModelError
from sentune.network.architectures.architecture import Architecture
from sentune.network.architectures.bert import BERT, CAMEMBERT, ROBERTA, XLM_ROBERTA
from sentune.network.architectures.distilbert import DISTILBERT
from sentune.network.architectures.modernbert import MODERNBERT
from sentune.network.architectures.mpnet import MPNET
from sentune.network.config import EncoderConfig

__all__ = ["ARCHITECTURES", "Architecture", "read_config"]

ARCHITECTURES = {
    architecture.model_type: architecture
    for architecture in (BERT, ROBERTA, XLM_ROBERTA, CAMEMBERT, MPNET, DISTILBERT, MODERNBERT)
}


def read_config(values: dict[str, Any], source: str) -> EncoderConfig:
    """Read the content of a ``config.json``.

    Args:
        values: the content.
        source: the file, for messages.

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
