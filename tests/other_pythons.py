"""Checks of Python versions for which there is no CPU build of torch here.

    python tests/other_pythons.py 3.12 3.13

For each version: every package of ``constraints.txt``, torch included, has a wheel (a dry run of
pip). Where an interpreter is found, in ``PATH`` or in pyenv, all packages but torch are installed
in ``.venv-VERSION``, every file of sentune is compiled, and every module is imported; a module may
fail only because torch is missing. Exits with 1 on any failure.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_SOURCE = _ROOT / "src"
_WITHOUT = {"torch"}
_IMPORTS = """
import compileall, importlib, pathlib, sys
assert compileall.compile_dir(sys.argv[1], quiet=1, force=True)
sys.path.insert(0, sys.argv[1])
source = pathlib.Path(sys.argv[1])
imported, without_torch = [], []
for path in sorted(source.rglob("*.py")):
    name = ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
    try:
        importlib.import_module(name)
        imported.append(name)
    except ImportError as error:
        cause = error
        while cause is not None and getattr(cause, "name", None) != "torch":
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
        without_torch.append(name)
for name in sys.argv[2:]:
    importlib.import_module(name)
print(f"{len(imported)} modules imported, {len(without_torch)} need torch;", end=" ")
print(f"{len(sys.argv[2:])} packages imported")
"""
# What sentune imports, and what works without torch.
_PACKAGES: tuple[str, ...] = (
    "transformers",
    "bm25s",
    "Stemmer",
    "sklearn",
    "scipy",
    "lancedb",
    "pyarrow",
    "onnx",
)
_PACKAGES += ("onnxruntime", "tokenizers", "safetensors", "huggingface_hub", "filelock", "yaml")
_PACKAGES += ("obstore", "markdown_it", "pdf_inspector", "pypdfium2", "python_calamine", "docx")
_PACKAGES += (
    "pptx",
    "selectolax",
    "openai",
    "fastapi",
    "httptools",
    "prometheus_client",
    "uvicorn",
)


def _pins() -> list[str]:
    text = (_ROOT / "constraints.txt").read_text(encoding="utf-8")
    return re.findall(r"^[\w.-]+==\S+$", text, re.MULTILINE)


def _require_wheels(version: str) -> None:
    """Raise CalledProcessError unless pip finds a wheel of every pinned package."""
    target = ["--dry-run", "--quiet", "--target", tempfile.gettempdir(), "--no-deps"]
    only = ["--python-version", version, "--only-binary=:all:", "--ignore-installed"]
    subprocess.run([sys.executable, "-m", "pip", "install", *target, *only, *_pins()], check=True)
    print(f"Python {version}: all {len(_pins())} pinned packages have wheels")


def _interpreter(version: str) -> str | None:
    """A Python that starts, from ``PATH`` or from pyenv's folder of versions."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found = [*pyenv.glob(f"{version}.*/bin/python")]
    if in_path := shutil.which(f"python{version}"):
        found.insert(0, Path(in_path))
    for path in found:
        started = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        if started.returncode == 0 and f" {version}." in started.stdout:
            return str(path)
    return None


def _require_imports(version: str, interpreter: str) -> None:
    folder = _ROOT / f".venv-{version}"
    python = str(folder / "bin" / "python")
    subprocess.run([interpreter, "-m", "venv", folder], check=True)
    pins = [pin for pin in _pins() if pin.partition("==")[0] not in _WITHOUT]
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*install, *pins], check=True)
    code = [python, "-W", "error::SyntaxWarning", "-c", _IMPORTS, str(_SOURCE), *_PACKAGES]
    subprocess.run(code, check=True)


def main() -> None:
    """Check the versions that are named on the command line."""
    for version in sys.argv[1:]:
        _require_wheels(version)
        interpreter = _interpreter(version)
        if interpreter is None:
            print(f"Python {version}: no interpreter here, nothing was imported")
        else:
            _require_imports(version, interpreter)


if __name__ == "__main__":
    main()
