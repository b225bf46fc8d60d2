"""The table of an architecture, and how a ``config.json`` is read with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sentune.network.config import ConfigReader, EncoderConfig
from sentune.network.names import ACTIVATION_NAMES

__all__ = ["Architecture", "Options"]

Options = dict[str, Any]

_SIZES = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
)
_OLD_SUFFIXES = {".gamma": ".weight", ".beta": ".bias"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The names in an architecture's files, and what it computes.

    Attributes:
        model_type: its name in ``config.json``.
        model_class: the class of the bare encoder in transformers.
        names: module of our encoder → module in weight files, ``{}`` for the number of the layer.
            Several are stacked, in this order, along the first axis.
        prefix: before the names of the encoder in the file of a model with a head.
        older_prefix: the same in files that the code of the hub has written.
        heads: prefixes of the weights of heads, which are left out.
        kept: prefixes of weights that are not computed with but saved again.
        spelling: name in :class:`EncoderConfig` → name in ``config.json``, where they differ; of
            several names, the first that the file has counts.
        dropout: name in :class:`EncoderConfig` → name in ``config.json``.
        usual_dropout: the default where ``config.json`` has none.
        fixed: name in ``config.json`` → the only value that is computed.
        options: the rest of :class:`EncoderConfig`, read from the file or the same for all.
        ignored: names in ``config.json`` that say nothing about vectors, beside those of all.
        other_versions: entries that ``config.json`` gets for other versions of transformers.
    """

    model_type: str
    model_class: str
    names: Mapping[str, str | tuple[str, ...]]
    prefix: str
    older_prefix: str = ""
    heads: tuple[str, ...]
    kept: tuple[str, ...] = ()
    spelling: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    dropout: Mapping[str, str]
    usual_dropout: float = 0.1
    fixed: Mapping[str, Any] = field(default_factory=dict)
    options: Callable[[ConfigReader], Options]
    ignored: tuple[str, ...] = ()
    other_versions: Callable[[EncoderConfig], Options] = lambda _: {}

    def current_name(self, name: str) -> str:
        """A weight's name in a file → its name in the bare encoder, in today's spelling."""
        name = name.removeprefix(self.prefix).removeprefix(self.older_prefix)
        for old, new in _OLD_SUFFIXES.items():
            if name.endswith(old):
                return name.removesuffix(old) + new
        return name

    def read(self, values: dict[str, Any], source: str) -> EncoderConfig:
        """Read the content of a ``config.json`` of this architecture; errors as ``read_config``."""
        given = ConfigReader(values, source, self.spelling)
        for name, only in self.fixed.items():
            if given.get(name) not in (None, only):
                raise given.unsupported(name, f"{only!r} for the architecture {self.model_type}")
        values_for_all: Options = {
            "model_type": self.model_type,
            **{name: given.size(name) for name in _SIZES},
            "hidden_act": given.choice("hidden_act", "gelu", ACTIVATION_NAMES),
            "dropout": {p: given.fraction(n, self.usual_dropout) for p, n in self.dropout.items()},
        }
        config = EncoderConfig(**{**values_for_all, **self.options(given)})
        _require_consistent(config, given)
        given.used.update(self.ignored)
        given.finish()
        return config


def _require_consistent(config: EncoderConfig, given: ConfigReader) -> None:
    heads = f"{given.name('num_attention_heads')} {config.num_attention_heads}"
    size, rest = divmod(config.hidden_size, config.num_attention_heads)
    if rest:
        raise given.wrong("hidden_size", f"a multiple of {heads}")
    if config.rotary and size % 2:
        raise given.wrong("hidden_size", f"an even multiple of {heads}: angles rotate pairs")
    if config.longest_text < 1:
        padding = f"{given.name('pad_token_id')} {config.padding_id}"
        raise given.wrong("max_position_embeddings", f"more than one above {padding}")
