"""``sentune doctor``: what this machine has, and what will be used."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from sentune.cli.output import show

__all__ = ["NAME", "command"]

NAME = "doctor"

_PACKAGES = {
    "core": ("torch", "tokenizers", "safetensors", "huggingface-hub", "numpy"),
    "train": ("transformers", "accelerate", "datasets"),
    "evaluate": ("bm25s", "PyStemmer"),
    "tasks": ("scikit-learn",),
    "index": ("lancedb", "pyarrow"),
    "s3": ("obstore",),
    "export": ("onnx", "onnxscript", "onnxruntime"),
    "documents": (
        *("markdown-it-py", "pdf-inspector", "pypdfium2", "python-calamine"),
        *("python-docx", "python-pptx", "selectolax"),
    ),
    "questions": ("openai", "scikit-learn"),
    "server": ("fastapi", "uvicorn", "httptools", "prometheus-client"),
    "ray": ("ray",),
    "langchain": ("langchain-core",),
    "llama-index": ("llama-index-core",),
    "haystack": ("haystack-ai",),
}


def command() -> None:
    """Print what this machine has and what sentune will use.

    Processor, device, number format, versions, base model.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in (*_machine(), *_versions(), _base_model()):
        table.add_row(name, Text(value))
    show(table)


def _machine() -> list[tuple[str, str]]:
    import torch

    from sentune.machine.hardware import choose_compute, processor_features

    compute = choose_compute()
    return [
        ("system", f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"),
        ("processor", ", ".join(processor_features()) or "no known features"),
        ("threads", str(torch.get_num_threads())),
        ("device", str(compute.device)),
        ("number format", f"{compute.dtype_name}: {compute.reason}"),
    ]


def _versions() -> list[tuple[str, str]]:
    return [("sentune", version("sentune"))] + [
        (extra, ", ".join(f"{package} {_version(package)}" for package in packages))
        for extra, packages in _PACKAGES.items()
    ]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _base_model() -> tuple[str, str]:
    from sentune.errors import ModelError
    from sentune.model_folder.resolve import DEFAULT_BASE_MODEL, resolve

    try:
        found = resolve(DEFAULT_BASE_MODEL)
    except ModelError as error:
        return "base model", str(error)
    return "base model", f"{found.name} from {found.origin}: {found.folder}"
