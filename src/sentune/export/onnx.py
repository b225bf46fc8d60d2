"""Model → a model folder with an ONNX graph that is checked against the model."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import MissingExtraError, ModelError
from sentune.export.padded import PaddedEncoder
from sentune.files import make_folder, new_folder, require_free, write_bytes
from sentune.machine.hardware import choose_compute
from sentune.network.pack import pack

__all__ = ["Exported", "export_onnx"]

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_LARGEST = 2**31 - 1  # bytes of a protobuf message
_TOLERANCE = 1e-4
_TEXTS = (
    "A sentence of an ordinary length to compare the two with.",
    "Short.",
    "Où est la bibliothèque ? 図書館はどこですか。",
    "",
    " ".join(f"Paragraph {number} of a text that has to be cut." for number in range(200)),
)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        folder: the model folder.
        graph: the ONNX file in it.
        difference: the largest difference between a component of the graph's and of the model's
            vectors, divided by the largest component if that is above 1. It is measured on texts
            from empty to longer than the limit, in one padded batch and alone.
    """

    folder: Path
    graph: Path
    difference: float


def export_onnx(model: SentenceTransformer, out: str | Path) -> Exported:
    """Write a model folder with ``onnx/model.onnx``, the path that other runtimes read.

    The graph's inputs are ``input_ids`` and ``attention_mask``, int64 (texts, length), padding
    last. Its outputs are ``last_hidden_state`` (texts, length, hidden) and ``sentence_embedding``
    (texts, dim), as the model computes them, in float32. The caller must add prompts
    and cut texts at the folder's ``max_seq_length``. Before the folder appears, ONNX Runtime runs
    the graph, and its vectors are compared with the model's.

    Cost: some seconds, and three times the weights in memory.

    Raises:
        MissingExtraError: onnx, onnxscript or onnxruntime is not installed.
        UnsupportedModelError: the model leaves prompts out of its pooling.
        ModelError: the weights are above 2 GiB, or the graph computes other vectors.
        OutputError: ``out`` exists and is not empty, or cannot be written.
    """
    for package in _PACKAGES:
        if find_spec(package) is None:
            raise MissingExtraError(package, "export")
    require_free(out)
    size = sum(weights.numel() * 4 for weights in model.parameters())
    if size >= _LARGEST:
        raise ModelError(
            f"the model has {size / 2**30:.1f} GiB of weights",
            expected="less than 2 GiB, the limit of an ONNX file",
            fix="export a smaller model",
        )
    exact = copy.deepcopy(model).eval().requires_grad_(False)
    exact.compute_as(choose_compute("float32", "cpu"))
    content = _graph(PaddedEncoder(exact), model.max_seq_length)
    difference = _difference(content, exact)
    if not difference <= _TOLERANCE:
        raise ModelError(
            f"the ONNX graph's vectors differ from the model's by up to {difference:.2g}",
            expected=f"at most {_TOLERANCE:g}",
            fix="use the model with sentune, and report this as a bug",
        )
    with new_folder(out) as folder:
        model.write_into(folder)
        make_folder(folder / "onnx")
        write_bytes(folder / "onnx" / "model.onnx", content)
    return Exported(Path(out), Path(out) / "onnx" / "model.onnx", difference)


def _graph(padded: PaddedEncoder, longest: int) -> bytes:
    ids = torch.ones(2, min(longest, 8), dtype=torch.int64)
    mask = torch.ones_like(ids)
    mask[1, -1] = 0
    shape = {0: torch.export.Dim("texts"), 1: torch.export.Dim("length", max=longest)}
    # Gradients are on because layers then avoid kernels that ONNX has no operator for.
    with _silenced(), torch.enable_grad():
        program: Any = torch.onnx.export(
            padded,
            (ids, mask),
            dynamo=True,
            dynamic_shapes=(shape, shape),
            input_names=["input_ids", "attention_mask"],
            output_names=["last_hidden_state", "sentence_embedding"],
            verbose=False,
        )
    content: bytes = program.model_proto.SerializeToString()
    return content


@contextmanager
def _silenced() -> Iterator[None]:
    """Hide what the exporter logs about its parts and about packages that it does not need."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _difference(content: bytes, model: SentenceTransformer) -> float:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    token_ids = model.tokenizer(list(_TEXTS))[0]
    with torch.inference_mode():
        expected = model(pack(token_ids))[:, : model.truncate_dim].numpy()
    together = _run(session, token_ids)
    alone = np.concatenate([_run(session, [ids]) for ids in token_ids])
    largest = np.abs(np.stack([together, alone]) - expected).max()  # NaN if any component is NaN
    return float(largest / max(1.0, np.abs(expected).max()))


def _run(session: Any, token_ids: Sequence[list[int]]) -> Any:
    longest = max(map(len, token_ids))
    ids, mask = (np.zeros((len(token_ids), longest), np.int64) for _ in range(2))
    for row, text in enumerate(token_ids):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return session.run(["sentence_embedding"], {"input_ids": ids, "attention_mask": mask})[0]
