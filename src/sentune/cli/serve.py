"""``sentune serve``: a model behind HTTP, for the clients that people have."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from sentune.cli.options import Model
from sentune.cli.output import print_line, say
from sentune.errors import ArgumentError, MissingExtraError

__all__ = ["NAME", "command"]

NAME = "serve"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def command(
    model: Model,
    index: Annotated[
        str | None, typer.Option(help="An index of this model, for the route /search.")
    ] = None,
    compare: Annotated[
        str | None, typer.Option(help="The base model, whose vectors the index has too.")
    ] = None,
    reranker: Annotated[
        str | None,
        typer.Option(help="A cross-encoder for the route /rerank; without it the late stage."),
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 for all networks.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="The port; 0 for any that is free.")] = 8080,
    api_key_env: Annotated[
        str | None,
        typer.Option(help="The environment variable with the key that clients must send."),
    ] = None,
) -> None:
    """Answer the clients of OpenAI, Cohere, ollama and others.

    It listens to HTTP until it is stopped.
    """
    _require_packages()
    _require_sense(index, compare, port)
    key = _key(api_key_env)
    _require_there(model, reranker, index)
    from sentune.serving.plan import Plan
    from sentune.serving.server import serve

    if key is None and host not in _LOOPBACK:
        say("note: whoever reaches this machine can use the model; --api-key-env asks for a key")
    serve(
        Plan(model, index, compare, reranker),
        host=host,
        port=port,
        key=key,
        ready=lambda address, _: _say_ready(address),
    )
    say("stopped")


def _say_ready(address: str) -> None:
    print_line(f"serving at {address} (Ctrl-C stops it)")
    sys.stdout.flush()


def _require_packages() -> None:
    from importlib.util import find_spec

    for package in ("fastapi", "uvicorn", "prometheus_client"):
        if find_spec(package) is None:
            raise MissingExtraError(package.replace("_", "-"), "server")


def _require_sense(index: str | None, compare: str | None, port: int) -> None:
    from sentune.checks import require_whole

    require_whole("--port", port, least=0, most=65535, fix="choose another port, such as 8080")
    if compare is not None and index is None:
        raise ArgumentError(
            "--compare without --index",
            expected="an index that has the vectors of both models",
            fix="add --index INDEX, or leave --compare out",
        )


def _require_there(model: str, reranker: str | None, index: str | None) -> None:
    """Names of nothing are found here, before PyTorch is loaded. Raises SentuneError."""
    from sentune.model_folder.resolve import resolve

    for name in (model, *([] if reranker is None else [reranker])):
        resolve(name)
    if index is not None:
        from sentune.index.storage import store_at

        store_at(index).current()


def _key(name: str | None) -> str | None:
    if name is None:
        return None
    key = os.environ.get(name, "")
    if not key.strip() or not key.isascii() or not key.isprintable():
        given = "is not set" if name not in os.environ else "has no key that can be sent"
        raise ArgumentError(
            f"--api-key-env {name}, and {name} {given}",
            expected="an environment variable with a key, in printable ASCII",
            fix=f"set it: export {name}=KEY",
        )
    return key
