"""The part of a ``config.json`` that the encoder computes with, and how it is read.

Names are those of Hugging Face's BERT. The other names of an architecture are in its table in
``architectures``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sentune.errors import ModelError, UnsupportedModelError

__all__ = [
    "GROUPED_FROM",
    "AttentionKind",
    "ConfigReader",
    "EncoderConfig",
    "report_unknown",
]

logger = logging.getLogger(__name__)

# Tokens of a text from which on attention in bfloat16 computes in groups on a CPU.
GROUPED_FROM = 64


@dataclass(frozen=True, slots=True)
class AttentionKind:
    """How attention in a layer uses positions.

    Attributes:
        window: a token sees the tokens at most this far from it; the whole text when None.
        rotary_theta: base of the angles by which queries and keys are rotated; None without them.
        rotary_scale: divides the angles.
    """

    window: int | None = None
    rotary_theta: float | None = None
    rotary_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Sizes and options of an encoder.

    Attributes:
        model_type: the architecture, as ``config.json`` names it; the key of its table.
        type_vocab_size: segments; 0 where the architecture has none.
        embedding_size: width of the tables, where a linear layer makes vectors of ``hidden_size``
            of them; 0 where they have that width themselves.
        layer_groups: layers with weights of their own, where several in a row have the same
            weights; 0 where each has its own.
        padding_id: the padding token where positions start at the number after it, else None.
        relative_buckets: buckets of distances of the learned attention bias; 0 without one.
        dropout: name → probability, where the architecture has dropout: ``embeddings``; in a layer
            ``attention`` (its weights), ``attention_output``, and ``inner`` and ``output`` of the
            perceptron.
        attention_kinds: layer i uses ``attention_kinds[i % len(attention_kinds)]``.
        norm_first: normalize the inputs of attention and perceptron and the last layer's result,
            not the outputs of each.
        gated: the perceptron multiplies one half of its width by the activation of the other.
        activated_last: the activation is that of the second half.
        attention_bias, norm_bias: whether these layers add a bias.
        up_bias, down_bias: the same for the two layers of the perceptron.
    """

    model_type: str
    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    hidden_act: str
    layer_norm_eps: float
    type_vocab_size: int = 0
    embedding_size: int = 0
    layer_groups: int = 0
    padding_id: int | None = None
    relative_buckets: int = 0
    dropout: Mapping[str, float] = field(default_factory=dict)
    attention_kinds: tuple[AttentionKind, ...] = (AttentionKind(),)
    norm_first: bool = False
    gated: bool = False
    activated_last: bool = False
    attention_bias: bool = True
    up_bias: bool = True
    down_bias: bool = True
    norm_bias: bool = True

    @property
    def rotary(self) -> bool:
        """Whether positions are angles, and not rows of a table."""
        return any(kind.rotary_theta is not None for kind in self.attention_kinds)

    def attention_kind(self, number: int) -> AttentionKind:
        """The kind of a layer; the first is 0."""
        return self.attention_kinds[number % len(self.attention_kinds)]

    @property
    def distinct_layers(self) -> int:
        """Layers with weights of their own."""
        return self.layer_groups or self.num_hidden_layers

    def weights_of(self, number: int) -> int:
        """Which of the distinct layers has the weights of a layer; the first is 0."""
        return int(number / (self.num_hidden_layers / self.distinct_layers))

    @property
    def longest_text(self) -> int:
        """The most tokens of a text, by the number of positions."""
        taken = 0 if self.padding_id is None else self.padding_id + 1
        return self.max_position_embeddings - taken

    @property
    def attention_probs_dropout_prob(self) -> float:
        """Dropout of attention weights."""
        return self.dropout.get("attention", 0.0)

    @property
    def hidden_dropout_prob(self) -> float:
        """Dropout of hidden states; the largest where an architecture has several."""
        return max((p for name, p in self.dropout.items() if name != "attention"), default=0.0)


# fmt: off
# Keys that say nothing about the vectors of an encoder: how it was trained and saved, what its
# heads do, what a call returns, how text is generated.
_HARMLESS = frozenset({
    "_attn_implementation", "_commit_hash", "_name_or_path", "add_pooling_layer", "architectures",
    "attn_implementation", "auto_map", "begin_suppress_tokens", "bos_token_id",
    "chunk_size_feed_forward", "classifier_activation", "classifier_bias", "classifier_dropout",
    "classifier_dropout_prob", "classifier_pooling", "cls_token_id", "cross_attention_hidden_size",
    "decoder_bias", "decoder_start_token_id", "deterministic_flash_attn", "directionality", "dtype",
    "eos_token_id", "finetuning_task", "global_attn_every_n_layers", "global_rope_theta",
    "gradient_checkpointing", "id2label", "initializer_cutoff_factor", "initializer_range",
    "keys_to_ignore_at_inference", "label2id", "language", "local_rope_theta", "mask_token_id",
    "model_max_length", "model_type", "name", "num_labels", "output_attentions",
    "output_hidden_states", "output_past", "pad_token_id", "pooler_fc_size",
    "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type",
    "prefix", "problem_type", "qa_dropout", "reference_compile", "repad_logits_with_grad",
    "return_dict", "sbert_ce_default_activation_function", "sentence_transformers", "sep_token_id",
    "seq_classif_dropout", "sinusoidal_pos_embds", "sparse_pred_ignore_index", "sparse_prediction",
    "suppress_tokens", "task_specific_params", "tf_legacy_loss", "tie_encoder_decoder",
    "tie_word_embeddings", "tokenizer_class", "torch_dtype", "torchscript", "transformers_version",
    "use_bfloat16", "use_cache", "use_return_dict",
    # of text generation
    "bad_words_ids", "diversity_penalty", "do_sample", "early_stopping",
    "encoder_no_repeat_ngram_size", "exponential_decay_length_penalty", "forced_bos_token_id",
    "forced_eos_token_id", "length_penalty", "max_length", "min_length", "no_repeat_ngram_size",
    "num_beam_groups", "num_beams", "num_return_sequences", "output_scores",
    "remove_invalid_values", "repetition_penalty", "return_dict_in_generate", "temperature",
    "top_k", "top_p", "typical_p",
})
# fmt: on
# Keys that change what is computed whenever they are set.
_REFUSED = {
    "is_decoder": "false: decoders are not computed",
    "is_encoder_decoder": "false: decoders are not computed",
    "add_cross_attention": "false: decoders are not computed",
    "pruned_heads": "no pruned heads",
    "quantization_config": "weights that are not quantized",
}

_GREATEST_SIZE = 10**8  # the product of two still fits into 64 bits


class ConfigReader:
    """Values of a ``config.json`` by the encoder's names, each checked as it is taken.

    ``spelling``: the encoder's name → the file's, where they differ; of several names, the first
    that the file has counts.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        source: str,
        spelling: Mapping[str, str | tuple[str, ...]],
    ) -> None:
        self.values = values
        self.used: set[str] = set()
        self.source = source
        self._spelling = spelling

    def name(self, ours: str) -> str:
        """Its name in the file."""
        names = self._names(ours)
        return next((name for name in names if name in self.values), names[0])

    def _names(self, ours: str) -> tuple[str, ...]:
        names = self._spelling.get(ours, ours)
        return (names,) if isinstance(names, str) else names

    def get(self, ours: str, default: Any = None) -> Any:
        """The value in the file, unchecked; ``default`` when it has none."""
        self.used.update(self._names(ours))
        return self.values.get(self.name(ours), default)

    def finish(self) -> None:
        """Refuse what changes the computation, and log what no one knows.

        To be called when all values are taken. Raises UnsupportedModelError.
        """
        for name, expected in _REFUSED.items():
            if self.values.get(name) and name not in self.used:
                raise self.unsupported(name, expected)
        report_unknown(self.source, self.values, self.used | _HARMLESS | _REFUSED.keys())

    def size(
        self, ours: str, default: int | None = None, *, least: int = 1, most: int = _GREATEST_SIZE
    ) -> int:
        """A whole number. Raises ModelError."""
        value = self.get(ours, default)
        if type(value) is not int or not least <= value <= most:
            raise self.wrong(ours, f"a whole number from {least} to {most:,}")
        return value

    def flag(self, ours: str, default: bool) -> bool:
        """True or false. Raises ModelError."""
        value = self.get(ours, default)
        if not isinstance(value, bool):
            raise self.wrong(ours, "true or false")
        return value

    def fraction(self, ours: str, default: float) -> float:
        """A number from 0 to below 1. Raises ModelError."""
        value = self.get(ours, default)
        if type(value) not in (int, float) or not 0 <= value < 1:
            raise self.wrong(ours, "a number from 0 to below 1")
        return float(value)

    def choice(self, ours: str, default: str, allowed: tuple[str, ...]) -> str:
        """A name. Raises UnsupportedModelError where it is not one of those allowed."""
        value = self.get(ours, default)
        if not isinstance(value, str) or value not in allowed:
            raise self.unsupported(ours, f"one of {', '.join(allowed)}")
        return value

    def wrong(self, ours: str, expected: str) -> ModelError:
        """The error for a value that is wrong in any model."""
        return ModelError(
            f"{self.source}, {self.name(ours)} is {self.get(ours)!r}",
            expected=expected,
            fix="copy config.json again from where the model came from",
        )

    def unsupported(self, ours: str, expected: str) -> UnsupportedModelError:
        """The error for a value that sentune does not compute with."""
        return UnsupportedModelError(
            f"{self.source}, {self.name(ours)} is {self.get(ours)!r}",
            expected=expected,
            fix="choose another base model; docs/models.md lists those that run",
        )


def report_unknown(path: object, values: Iterable[str], known: Iterable[str]) -> None:
    """Log the keys of a file that sentune does not know and so does not use, once in a process."""
    unknown = sorted({str(key) for key in values} - {*known})
    if unknown:
        _warn(str(path), ", ".join(unknown))


@cache
def _warn(path: str, unknown: str) -> None:
    logger.warning("%s: not used, because sentune does not know what it means: %s", path, unknown)
