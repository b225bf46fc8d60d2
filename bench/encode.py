"""Encoding beside the reference library and OpenVINO: speed, accuracy, share of the peak.

    .venv/bin/python -m bench.encode [--rounds 5] [--texts 128] [--threads 2] [--busy 0]

Four workloads of real text (docstrings of the installed packages): passages of 256 tokens, short
questions, a mixed length distribution, and one question at a time. All systems take turns in one
process; printed are medians over rounds, the ratios of ours to each other system in the same round,
the least cosine to the reference's vectors, and how well each of our formats finds passages.
``reference, best`` and bfloat16 are measured only where the processor multiplies bfloat16:
emulated, it is hundreds of times slower.

``--busy N`` starts N processes that spin, and measures only bfloat16 and the reference: what a
machine gives that others use too. No variable of the environment is set for that.

OpenVINO is no part of the development packages: ``pip install openvino`` beside them to have it
measured too.

The floor counts the encoder's matrix products over real tokens, at the speed of PyTorch's best
product of that size measured in the same run.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import islice
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from bench.corpus import real_passages
from bench.neighbours import busy
from numpy.typing import NDArray

from sentune import SentenceTransformer
from sentune.data import python_docs
from sentune.evaluation import RetrievalTask
from sentune.evaluation.retrieval import question_metrics
from sentune.machine.hardware import choose_compute, int8_is_exact
from sentune.model_folder.resolve import DEFAULT_BASE_MODEL, resolve
from sentune.ranking.rank import rank

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]
_PASSAGE, _QUESTION = 256, range(16, 23)
_ONE_BY_ONE = 32
_ON_A_BUSY_MACHINE = ("sentune, bfloat16", "reference, default", "reference, best")
_PEAKS = {"sentune, float32": torch.float32, "sentune, bfloat16": torch.bfloat16}


def main() -> None:
    """Print a table for each workload."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--texts", type=int, default=128, help="in each workload")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--busy", type=int, default=0, help="processes that spin meanwhile")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(given.threads)
    model = SentenceTransformer(compute_dtype="float32")
    systems = _systems(given.threads)
    print(f"auto: {choose_compute().dtype_name}; {given.threads} threads\n")
    workloads = _workloads(model, given.texts)
    if given.busy:
        systems = {name: systems[name] for name in _ON_A_BUSY_MACHINE if name in systems}
    with busy(given.busy):
        for name, texts in workloads.items():
            _compare(name, texts, systems, model, given.rounds)
    if not given.busy:
        _retrieval(systems)


def _workloads(model: SentenceTransformer, count: int) -> dict[str, list[str]]:
    real = real_passages(40 * count)
    lengths = [len(ids) for ids in model.tokenizer(real)[0]]
    joined = (f"{first}\n{second}" for first, second in zip(real[::2], real[1::2], strict=False))
    long = (text for text in joined if len(model.tokenizer([text])[0][0]) == _PASSAGE)
    short = [text for text, length in zip(real, lengths, strict=True) if length in _QUESTION]
    return {
        "passages": list(islice(long, count)),
        "questions": (short * count)[: 8 * count],
        "mixed": real[: 2 * count],
        "one question": short[:_ONE_BY_ONE],
    }


def _systems(threads: int) -> dict[str, Encode]:
    from sentence_transformers import SentenceTransformer as Reference

    folder = str(resolve(DEFAULT_BASE_MODEL).folder)
    plain, ours = Reference(folder, device="cpu"), SentenceTransformer(compute_dtype="float32")
    found: dict[str, Encode] = {
        "sentune, float32": ours.encode,
        "reference, default": lambda texts: np.asarray(plain.encode(list(texts))),
    }
    compiled = find_spec("openvino") is not None
    if compiled:
        found["OpenVINO, float32"] = _openvino(plain, "f32", threads)
    if int8_is_exact():
        found["sentune, int8"] = SentenceTransformer(compute_dtype="int8").encode
    if choose_compute().dtype != torch.bfloat16:
        return found
    reduced = Reference(folder, device="cpu", model_kwargs={"dtype": torch.bfloat16})
    found = {
        "sentune, bfloat16": SentenceTransformer(compute_dtype="bfloat16").encode,
        **found,
        "reference, best": lambda texts: np.asarray(reduced.encode(list(texts))),
    }
    if compiled:
        found["OpenVINO, bfloat16"] = _openvino(plain, "bf16", threads)
    return found


def _openvino(reference: Any, precision: str, threads: int) -> Encode:
    """The reference's encoder compiled by OpenVINO, in padded batches of similar lengths."""
    import openvino

    transformer = reference[0].auto_model.eval()
    example = {
        name: torch.ones(2, 8, dtype=torch.int64) for name in ("input_ids", "attention_mask")
    }
    with torch.no_grad():
        converted = openvino.convert_model(transformer, example_input=example)
    compiled = openvino.Core().compile_model(
        converted,
        "CPU",
        {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads},
    )

    def encode(texts: Sequence[str]) -> Vectors:
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        vectors = np.empty((len(texts), 384), np.float32)
        for start in range(0, len(texts), 32):
            places = order[start : start + 32]
            features = reference.tokenize([texts[place] for place in places])
            mask = features["attention_mask"].numpy()
            given = {"input_ids": features["input_ids"].numpy(), "attention_mask": mask}
            tokens = compiled(given)[0]
            pooled = (tokens * mask[..., None]).sum(axis=1)
            vectors[places] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return vectors

    return encode


def _compare(
    name: str,
    texts: list[str],
    systems: dict[str, Encode],
    model: SentenceTransformer,
    rounds: int,
) -> None:
    alone = name == "one question"
    batches = [[text] for text in texts] if alone else [texts]
    seconds: dict[str, list[float]] = {system: [] for system in systems}
    vectors: dict[str, Vectors] = {}
    for number in range(rounds + 1):
        for system, encode in systems.items():
            started = time.perf_counter()
            vectors[system] = np.concatenate([encode(batch) for batch in batches])
            if number:  # the first round compiles and fills caches
                seconds[system].append(time.perf_counter() - started)
    lengths = [len(ids) for ids in model.tokenizer(texts)[0]]
    print(f"{name}: {len(texts)} texts, {min(lengths)} to {max(lengths)} tokens")
    truth = vectors["reference, default"]
    ours = [system for system in systems if system.startswith("sentune")]
    print(f"  {'':20} {'ms a text':>9}  cosine    times as fast: {', '.join(ours)}")
    for system, times in seconds.items():
        cosine = float((vectors[system] * truth).sum(axis=1).min())
        ratios = [
            statistics.median(b / a for a, b in zip(seconds[mine], times, strict=True))
            for mine in ours
        ]
        shown = "  ".join(f"{ratio:5.2f}" for ratio in ratios)
        each = 1000 * statistics.median(times) / len(texts)
        print(f"  {system:20} {each:9.2f}  {cosine:.6f}  {shown}")
    for mine in (name for name in ours if name in _PEAKS):
        share = _floor(model, lengths, _PEAKS[mine]) / min(seconds[mine])
        print(f"  {mine}: {share:.0%} of the matrix peak", flush=True)
    print(flush=True)


def _retrieval(systems: dict[str, Encode]) -> None:
    """How well each of our formats finds the passages of Python's documentation."""
    _, _, test = python_docs().split_by_module()
    task = RetrievalTask.from_pairs(test)
    for system, encode in systems.items():
        if system.startswith("sentune"):
            scores = encode(task.questions) @ encode(task.passages).T
            value = question_metrics(rank(scores), task.relevant)["ndcg@10"].mean()
            print(f"{system}: nDCG@10 {value:.4f} on {len(task.questions)} questions", flush=True)


def _floor(model: SentenceTransformer, lengths: Sequence[int], dtype: torch.dtype) -> float:
    """Seconds that the encoder's products would take at the peak."""
    config = model.encoder.config
    hidden, inner = config.hidden_size, config.intermediate_size
    each_token = 2 * hidden * (4 * hidden + 2 * inner)
    operations = config.num_hidden_layers * sum(
        length * each_token + 4 * length * length * hidden for length in lengths
    )
    rows = min(4096, sum(lengths))
    x, weight = (torch.rand(size, hidden).to(dtype) for size in (rows, inner))
    best = min(_timed(lambda: torch.nn.functional.linear(x, weight)) for _ in range(10))
    return operations * best / (2 * rows * hidden * inner)


def _timed(run: Callable[[], Any]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
