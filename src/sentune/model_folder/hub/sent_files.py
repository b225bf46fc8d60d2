"""Which files of a folder are the model: what is sent to a hub, and nothing else.

A folder of ``tune`` also has ``run.yaml`` and ``evaluation.json``, a folder of a trainer has
checkpoints, and people put their data beside both. So the files that are sent are listed, and the
others are named as left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from sentune.errors import ArgumentError, ModelError
from sentune.model_folder.json_files import read_json, read_object
from sentune.model_folder.weight_files import files_of, has_weights, require_weights

__all__ = ["SentFiles", "sent_files"]

CARD = "README.md"
_ADAPTER = "adapter_model.safetensors"
_CLASSIFIER = ("classifier.json", "classifier.safetensors")
_BESIDE = (CARD, "LICENSE*", "NOTICE*")
_NAMES = (
    *("config.json", "modules.json", "config_sentence_transformers.json"),
    *("sentence_*_config.json", "tokenizer.json", "tokenizer_config.json"),
    *("special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt"),
    *("spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "model.safetensors"),
    *("model-*-of-*.safetensors", "model.safetensors.index.json"),
    *("adapter_config.json", _ADAPTER, *_BESIDE),
)
_GRAPHS = ("*.onnx", "*.onnx_data", "*.onnx.data")
_TEXTS_ON_CARD = ("* Samples", "\nwidget:")


@dataclass(frozen=True, slots=True)
class SentFiles:
    """The files of a model.

    Attributes:
        files: name in the repository → file, in alphabetical order.
        left_out: other entries of the folder; a folder's name ends in a slash.
        shows_texts: whether the model card has examples of the texts that were trained on.
    """

    files: dict[str, Path]
    left_out: tuple[str, ...]
    shows_texts: bool

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.files.values())


def sent_files(folder: Path, include: Sequence[str] = ()) -> SentFiles:
    """Find the files of a model: of texts, of pairs, a classifier, or an adapter.

    Args:
        folder: a model folder.
        include: further files of it, as paths inside the folder.

    Raises:
        ModelError: it is no model folder, its weights are missing, cut off or a pickle, or a file
            is a link that leads out of the folder.
        ArgumentError: a file of ``include`` is not in the folder.
    """
    if not folder.is_dir():
        raise ModelError(
            f"{str(folder)!r} is not a folder",
            expected="the folder of a model",
            fix="check the path, or save the model first",
        )
    found = sorted(_of_model(folder))
    asked = [_asked(folder, name) for name in include]
    files = {name: _inside(folder, name) for name in sorted({*found, *asked})}
    card = files.get(CARD)
    text = card.read_text(encoding="utf-8", errors="replace") if card is not None else ""
    return SentFiles(files, _left_out(folder, files), any(mark in text for mark in _TEXTS_ON_CARD))


def _of_model(folder: Path) -> Iterator[str]:
    """The names of the model's files, as paths with slashes."""
    if (folder / _CLASSIFIER[0]).is_file():
        yield from _matching(folder, "", (*_CLASSIFIER, *_BESIDE))
        yield from (f"encoder/{name}" for name in _of_model(folder / "encoder"))
        return
    parts = _parts(folder)
    _require_weights(folder / parts[0])
    for part in dict.fromkeys(["", *parts]):
        yield from _matching(folder, part, _NAMES)
    yield from _matching(folder, "onnx", _GRAPHS)


def _parts(folder: Path) -> list[str]:
    """The folders of the modules, that of the transformer first."""
    listing = folder / "modules.json"
    if not listing.is_file():
        return ["0_Transformer" if (folder / "0_Transformer").is_dir() else ""]
    try:
        paths = [str(entry.get("path", "")) for entry in read_json(listing)]
    except (TypeError, AttributeError):
        paths = []
    if not paths or any(".." in PurePosixPath(path).parts for path in paths):
        raise ModelError(
            f"{listing} is not a list of modules in this folder",
            expected="an entry with a path for each module",
            fix="copy it again from the source of the model",
        )
    return paths


def _require_weights(transformer: Path) -> None:
    """Raise ModelError unless the weights are there and whole."""
    from safetensors import SafetensorError, safe_open

    read_object(transformer / "config.json", required=has_weights(transformer))
    adapter = transformer / _ADAPTER
    if adapter.is_file() and not has_weights(transformer):
        files = [adapter]
    else:
        weights = require_weights(transformer)
        listed = files_of(weights)
        files = [weights] if listed is None else [transformer / name for name in listed]
    for file in files:
        try:
            with safe_open(file, framework="numpy"):
                pass
        except (SafetensorError, OSError) as error:
            raise ModelError(
                f"{file} is not whole",
                expected="weights that can be read",
                fix="save the model again, or copy the file again from its source",
            ) from error


def _matching(folder: Path, part: str, names: Sequence[str]) -> Iterator[str]:
    place = folder / part
    if not place.is_dir():
        return
    for path in place.iterdir():
        if path.is_file() and any(fnmatchcase(path.name, name) for name in names):
            yield str(PurePosixPath(part, path.name))


def _asked(folder: Path, name: str) -> str:
    path = PurePosixPath(Path(name).as_posix())
    if path.is_absolute() or ".." in path.parts or not (folder / path).is_file():
        raise ArgumentError(
            f"--include {name}",
            expected=f"a file in {folder}",
            fix="write its path as seen from the folder",
        )
    return str(path)


def _inside(folder: Path, name: str) -> Path:
    """The file; only a cache of the hub keeps the content elsewhere, behind links."""
    path = (folder / name).resolve()
    blobs = folder.resolve().parent.parent / "blobs"
    if not path.is_relative_to(folder.resolve()) and path.parent != blobs:
        raise ModelError(
            f"{folder / name} is a link to {path}, outside the folder",
            expected="files in the folder",
            fix="put the file itself there, if it is meant to be sent",
        )
    return folder / name


def _left_out(folder: Path, files: dict[str, Path]) -> tuple[str, ...]:
    """Every other entry; a folder without any file that is sent is one entry."""
    holding = {str(parent) for name in files for parent in PurePosixPath(name).parents}

    def entries(place: Path, above: str) -> Iterator[str]:
        for path in sorted(place.iterdir()):
            name = str(PurePosixPath(above, path.name))
            if name in holding:
                yield from entries(path, name)
            elif path.is_dir():
                # Normalize has an empty folder, which a repository cannot hold and needs not.
                yield from [f"{name}/"] if any(path.iterdir()) else ()
            elif name not in files:
                yield name

    return tuple(entries(folder, ""))
