"""Which tensor of a file is which weight of the encoder, by the names that people's files have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sentune.errors import ModelError, UnsupportedModelError
from sentune.network.architectures.architecture import Architecture

__all__ = ["WeightNames", "find_weights", "refuse", "shown"]

_NO_WEIGHTS = "embeddings.position_ids"  # a buffer of old versions
# Parts of names, or their beginnings, in the files of peft.
_OF_ADAPTERS = ("lora_", "base_layer", "hada_", "ia3_", "oft_", "vera_", "adapter_", "boft_")


@dataclass(frozen=True, slots=True)
class WeightNames:
    """What the tensors of a file are.

    Attributes:
        stored: the name in the bare encoder, in today's spelling → the name in the file.
        kept: the same for weights that are not computed with but saved again.
        left_out: the names in the file of the rest, such as those of a head.
    """

    stored: dict[str, str]
    kept: dict[str, str]
    left_out: list[str]


def find_weights(
    names: Iterable[str], wanted: Collection[str], architecture: Architecture, source: str
) -> WeightNames:
    """Find the weights that are ``wanted`` among the tensors of a file.

    The encoder may be a part of another model, under any prefix. ``source`` is the file, for
    messages.

    Raises:
        ModelError: a weight is not there, or twice.
        UnsupportedModelError: the file has the weights of an adapter, or of several encoders.
    """
    names = list(names)
    _refuse_adapters(names, source)
    current = {name: architecture.current_name(name) for name in names}
    prefix = _prefix(current.values(), wanted, source)
    current = {name: ours.removeprefix(prefix) for name, ours in current.items()}
    used = {
        name: ours
        for name, ours in current.items()
        if ours in wanted or ours.startswith(architecture.kept)
    }
    times = Counter(used.values())
    twice = [ours for ours, count in times.items() if count > 1]
    refuse(twice, source, "spells twice", "each weight once")
    found = {ours: name for name, ours in used.items()}
    missing = [ours for ours in wanted if ours not in found]
    refuse(missing, source, "has no weights for", "all weights that config.json describes")
    rest = [name for name, ours in current.items() if name not in used and ours != _NO_WEIGHTS]
    kept = {ours: name for ours, name in found.items() if ours not in wanted}
    return WeightNames({ours: found[ours] for ours in wanted}, kept, rest)


def _prefix(names: Collection[str], wanted: Collection[str], source: str) -> str:
    """What stands before every wanted name; nothing where they stand alone or are not there."""
    first = next(iter(wanted), None)
    if first is None or first in names:
        return ""
    before = sorted(name.removesuffix(first) for name in names if name.endswith(f".{first}"))
    if len(before) > 1:
        raise UnsupportedModelError(
            f"{source} has the weights of {len(before)} encoders, under {', '.join(before)}",
            expected="those of one encoder",
            fix="save the one that you need in a folder of its own",
        )
    return before[0] if before else ""


def _refuse_adapters(names: Iterable[str], source: str) -> None:
    for name in names:
        if any(part.startswith(_OF_ADAPTERS) for part in name.split(".")):
            raise UnsupportedModelError(
                f"{source} has the weights of an adapter that is not merged ({name})",
                expected="the weights of a model, and adapters in adapter_model.safetensors only",
                fix="merge it where it was trained, with merge_and_unload() of peft, and save it "
                "again",
            )


def refuse(
    names: list[str],
    source: str,
    problem: str,
    expected: str,
    fix: str = "copy the folder again from the source of the model",
) -> None:
    """Raise ModelError if there are names; it shows up to three of them."""
    if names:
        raise ModelError(
            f"{source} {problem} {shown(names)}",
            expected=expected,
            fix=fix,
        )


def shown(names: list[str]) -> str:
    """Up to three names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
