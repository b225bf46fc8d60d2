"""What decides a model's vectors, in a few values that can be stored beside them.

A classifier or an index gives wrong results with the vectors of another model, and no error shows
it, because they have the same shape. So each stores the fingerprint of its model, and compares it
when it is opened again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from sentune.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.tokens.tokenizer import Tokenizer

__all__ = ["Fingerprint", "fingerprint", "tokenizer_digest", "weights_digest"]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Models with equal fingerprints give equal vectors, up to rounding on other hardware.

    Attributes:
        weights: SHA-256 of the weights of the encoder and of the modules after pooling, of the
            buffers of stages of one's own, and of what these compute.
        tokenizer: SHA-256 of the tokenizer, without its length limit.
        pooling: modes, joined by ``+``.
        normalize: whether the model scales its vectors to unit length.
        dimension: of a vector, after ``truncate_dim``.
        max_seq_length: in tokens.
        query_prompt, document_prompt: of ``encode_query`` and ``encode_document``.
        similarity: the name of the similarity function.
        number_format: ``float32``, ``bfloat16`` or ``int8``; in bfloat16 vectors differ from
            those in float32 by about 1e-3.
    """

    weights: str
    tokenizer: str
    pooling: str
    normalize: bool
    dimension: int
    max_seq_length: int
    query_prompt: str
    document_prompt: str
    similarity: str
    number_format: str

    def to_json(self) -> dict[str, Any]:
        """Names and values, ready for :func:`json.dumps`."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Fingerprint:
        """The inverse of ``to_json``. Raises ModelError for anything else."""
        kinds = {field.name: _KINDS[str(field.type)] for field in fields(cls)}
        known = value if isinstance(value, dict) else {}
        wrong = [name for name, kind in kinds.items() if type(known.get(name)) is not kind]
        unknown = [str(name) for name in known if name not in kinds]
        if wrong or unknown:
            listed = [f"no valid {name!r}" for name in wrong] + [f"unknown {n!r}" for n in unknown]
            raise ModelError(
                f"a model's fingerprint is damaged ({', '.join(listed)})",
                expected=f"{', '.join(kinds)}, as sentune writes them",
                fix="copy the folder again, or make a new one",
            )
        return cls(**known)

    def differences(self, other: Fingerprint, *, ignoring: Collection[str] = ()) -> list[str]:
        """In words, each value of ``other`` that differs from this one; empty when all are equal.

        This one is the stored one, ``other`` that of the model in use; ``ignoring`` has names.
        """
        mine, theirs = self.to_json(), other.to_json()
        return [
            f"the {name} differ{'' if name == 'weights' else 's'}"
            if name in _HASHES
            else f"{_WORDS.get(name, name.replace('_', ' '))} {_shown(name, theirs[name])} "
            f"instead of {_shown(name, mine[name])}"
            for name in mine
            if name not in ignoring and mine[name] != theirs[name]
        ]


_KINDS: dict[str, type] = {"str": str, "bool": bool, "int": int}
_HASHES = ("weights", "tokenizer")
_WORDS = {"normalize": "scaling to unit length", "max_seq_length": "length limit"}


def _shown(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value == "":
        return "none"
    return repr(value) if name.endswith("prompt") else str(value)


def fingerprint(model: SentenceTransformer) -> Fingerprint:
    """The fingerprint of a model in memory, with its weights as they are now.

    Cost: one SHA-256 over the weights: 0.1 to 0.3 s for 90 MB, once a call.
    """
    excluded = "" if model.pooling.include_prompt else " without the prompt"
    return Fingerprint(
        weights=_weights(model),
        tokenizer=tokenizer_digest(model.tokenizer),
        pooling="+".join(model.pooling.modes) + excluded,
        normalize=model.normalize,
        dimension=model.get_embedding_dimension(),
        max_seq_length=model.max_seq_length,
        query_prompt=model.query_prompt,
        document_prompt=model.document_prompt,
        similarity=model.similarity_fn_name,
        number_format=model.compute.dtype_name,
    )


def _weights(model: SentenceTransformer) -> str:
    from sentune.encoding.stages.own import OwnStages  # loads PyTorch
    from sentune.encoding.stages.own_folder import stage_entries

    stages = model.following_stages()
    of_modules: list[tuple[str, Tensor]] = [
        *model.pooling.named_parameters(),
        *model.after_pooling.named_parameters(),
    ]
    if isinstance(model.pooling, OwnStages):
        of_modules += model.pooling.named_buffers()  # sentune's own modules have none
    else:
        stages = stages[1:]  # the pooling has a place of its own
    weights = map(_weight, [*sorted(model.encoder.named_parameters()), *of_modules])
    computed = [(e.kind, e.config) for e in stage_entries(stages) if e.kind != "Dropout"]
    if computed in ([], [("Normalize", {})]):  # these are told apart by ``normalize``
        computed = []
    return weights_digest(weights, computed)


def _weight(named: tuple[str, Tensor]) -> tuple[str, str, Sequence[int], list[bytes | memoryview]]:
    name, parameter = named
    values = parameter.detach().cpu()
    number_format = str(parameter.dtype).removeprefix("torch.")
    if not values.is_floating_point():  # buffers: whole numbers may not fit into float32
        return name, number_format, values.shape, [values.contiguous().numpy().tobytes()]
    exact = np.ascontiguousarray(values.float().contiguous().numpy(), dtype="<f4")
    return name, number_format, values.shape, [exact.data]


def weights_digest(
    weights: Iterable[tuple[str, str, Sequence[int], Iterable[bytes | memoryview]]],
    modules: Sequence[tuple[str, Mapping[str, object]]] = (),
) -> str:
    """What ``fingerprint`` says of weights: name, number format, shape and float32 values of each.

    They come in the order of their names, the values in pieces. ``modules`` are the kinds and
    settings of what follows pooling, unless that is at most one Normalize.
    """
    digest = hashlib.sha256()
    for name, number_format, shape, pieces in weights:
        digest.update(json.dumps([name, list(shape), number_format]).encode())
        for piece in pieces:
            digest.update(piece)
    if modules:
        digest.update(json.dumps(modules).encode())
    return digest.hexdigest()


def tokenizer_digest(tokenizer: Tokenizer) -> str:
    """What ``fingerprint`` says of a tokenizer."""
    content = json.loads(tokenizer.to_json())
    # The limit is an attribute of its own; padding does not change the vectors.
    kept = {name: part for name, part in content.items() if name not in ("truncation", "padding")}
    usual = tokenizer.truncation_side == "right" and not tokenizer.split_special_tokens
    if not usual:
        kept["side"] = tokenizer.truncation_side
        kept["split"] = tokenizer.split_special_tokens
    # False: the tokenizer itself lowers the case, and older indexes have the pair.
    text = json.dumps([False, kept], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
