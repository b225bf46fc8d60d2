"""What a worker of a Ray cluster does: one chunk of texts → their vectors.

PyTorch is imported only when the number of threads is known. Importing this module costs nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["encode_chunk_of", "versions"]

_PREFIX = "sentune-ray-worker-"
_BITS_DEPEND_ON = ("sentune", "torch", "tokenizers")
_kept: list[tuple[str, SentenceTransformer]] = []  # the model of the last task, by its job


def encode_chunk_of(
    files: dict[str, bytes], greeting: dict[str, Any], head: dict[str, Any], content: bytes
) -> tuple[dict[str, Any], bytes]:
    """Encode texts (JSON) with the model in ``files``: a message as a pool's workers send it.

    An error of ours is such a message too, with the key ``error``.
    """
    _share_processors(greeting["threads"])
    from sentune.encoding.encode import EncodeSettings, encode_chunk
    from sentune.encoding.runners.frames import error_record, frame_of

    try:
        model = _model(files, greeting)
        if model.max_seq_length != head["max_seq_length"]:
            model.max_seq_length = head["max_seq_length"]
        settings = EncodeSettings(**head["settings"])
        return frame_of(encode_chunk(model, json.loads(content), settings, lambda _: None))
    except Exception as error:  # noqa: BLE001 — whoever waits must get every error
        return error_record(error), b""


def versions() -> dict[str, str]:
    """The versions that the bits of a vector depend on."""
    found = {}
    for package in _BITS_DEPEND_ON:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _share_processors(threads: int) -> None:
    """Set as many threads as Ray gave processors; call it before PyTorch is loaded."""
    from sentune.machine.process import share_processor

    share_processor()
    for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[name] = str(threads)
    import torch

    torch.set_num_threads(threads)


def _model(files: dict[str, bytes], greeting: dict[str, Any]) -> SentenceTransformer:
    key = json.dumps(greeting) + _job()
    if not _kept or _kept[0][0] != key:
        _require_same(greeting["versions"])
        _kept[:] = [(key, _loaded(files, greeting))]
    return _kept[0][1]


def _job() -> str:
    """What tells the models of two callers apart: a worker serves one caller at a time."""
    import ray

    return str(ray.get_runtime_context().get_job_id())


def _require_same(wanted: dict[str, str]) -> None:
    from sentune.errors import PoolError

    here = versions()
    for package, number in wanted.items():
        if here.get(package) != number:
            raise PoolError(
                f"a machine of the cluster has {package} {here.get(package)}",
                expected=f"version {number}, which the caller has",
                fix="install the same versions on every machine: vectors may differ otherwise",
            )


def _loaded(files: dict[str, bytes], greeting: dict[str, Any]) -> SentenceTransformer:
    from sentune.encoding.sentence_transformer import SentenceTransformer

    _remove_of_the_dead()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return SentenceTransformer(
            folder,
            device="cpu",
            compute_dtype=greeting["compute_dtype"],
            batch_invariant=greeting["batch_invariant"],
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _remove_of_the_dead() -> None:
    """Remove files of workers of this machine that were killed while they loaded."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        process = path.name.removeprefix(_PREFIX).partition("-")[0]
        if process.isdigit() and not _lives(int(process)):
            shutil.rmtree(path, ignore_errors=True)
