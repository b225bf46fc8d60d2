"""A cluster of Ray: whether it answers, how to join it, and what it has.

Ray itself waits minutes for an address where nothing listens. So the address is asked first, with
a deadline.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from sentune.encoding.runners.ray_probe import why_not_ray
from sentune.errors import ArgumentError, MissingExtraError, PoolError
from sentune.wording import counted

__all__ = ["LOCAL", "Cluster", "join_cluster", "ray_module", "require_cluster"]

logger = logging.getLogger(__name__)

LOCAL = "local"
_KEPT_IN = ".ray/auth_token"
_PRINTING = "print_to_stdstream"
_ADDRESS = re.compile(r"([^\s:/@]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine of a cluster offers: processors, and bytes of memory for tasks."""

    processors: int
    memory: int


class Cluster:
    """A cluster that this process has joined. ``ray`` is the module."""

    def __init__(self, ray: Any, address: str) -> None:
        self.ray = ray
        self.address = address

    def machines(self) -> list[Machine]:
        """The machines that are there now and have a processor to compute with."""
        alive = (node["Resources"] for node in self.ray.nodes() if node["Alive"])
        found = (Machine(int(has.get("CPU", 0)), int(has.get("memory", 0))) for has in alive)
        return [machine for machine in found if machine.processors]

    def describe(self) -> str:
        """The number of machines and processors, for people."""
        machines = self.machines()
        processors = counted(sum(machine.processors for machine in machines), "processor")
        where = "on this machine" if self.address == LOCAL else f"at {self.address}"
        return f"Ray {where}: {counted(len(machines), 'machine')}, {processors}"


def ray_module() -> Any:
    """Import Ray. Raises MissingExtraError."""
    try:
        return import_module("ray")
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise MissingExtraError("ray", "ray") from None


def require_cluster(address: str) -> None:
    """Check before long work that ``join_cluster`` can be tried.

    Cost: one connection; at most 8 seconds where nothing answers.

    Raises:
        ArgumentError: ``address`` is neither ``local`` nor ``HOST:PORT``.
        PoolError: nothing answers there, or something that is not Ray.
        MissingExtraError: Ray is not installed.
    """
    _use_token(address)
    ray_module()
    if address == LOCAL:
        return
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found[2]) < 65536:
        raise ArgumentError(
            f"the Ray address {address!r}",
            expected="'local', or the address of a cluster's first machine as HOST:PORT",
            fix="give the address that 'ray start --head' printed, for example 192.0.2.10:6379",
        )
    reason = why_not_ray(found[1].strip("[]"), int(found[2]))
    if reason:
        raise PoolError(
            f"no Ray answers at {address} ({reason})",
            expected="the first machine of a cluster, started with 'ray start --head'",
            fix="check the address, and that the cluster runs; 'local' needs no cluster",
        )


@contextmanager
def join_cluster(address: str) -> Iterator[Cluster]:
    """Join a cluster for the time of a block; ``local`` starts one on this machine, and ends it.

    Cost: some seconds. A local cluster has the processors that this process may use. Nothing is
    sent to the makers of Ray. While the block runs, Ray's messages of workers that ended are
    logged as one short line.

    Raises:
        MissingExtraError: Ray is not installed.
        PoolError: this machine does not belong to the cluster, its versions differ, the cluster
            has no processor, or this process uses Ray already.
    """
    _use_token(address)
    ray = ray_module()
    if ray.is_initialized():
        raise PoolError(
            "this process is connected to Ray already",
            expected="a process that is not",
            fix="call ray.shutdown() first",
        )
    with _short_messages():
        try:
            cluster = _joined(ray, address)
            if not cluster.machines():
                raise PoolError(
                    f"the cluster at {address} has no processors to compute with",
                    expected="at least one machine with a processor for tasks",
                    fix="start 'ray start --address=HOST:PORT' on other machines",
                )
            yield cluster
        finally:
            ray.shutdown()


def _joined(ray: Any, address: str) -> Cluster:
    options = {"include_dashboard": False} if address == LOCAL else {}
    try:
        with _own_signals():
            ray.init(
                address=address, log_to_driver=False, logging_level=logging.CRITICAL, **options
            )
    except (ray.exceptions.RayError, OSError, RuntimeError, ValueError) as error:
        raise _cannot_join(address, error) from error
    return Cluster(ray, address)


def _use_token(address: str) -> None:
    """Show a cluster the token that this user has, as Ray does for clusters that it finds itself.

    Ray reads the environment when it is imported. What the user has set stays.
    """
    token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / _KEPT_IN)
    if address != LOCAL and (token.is_file() or os.environ.get("RAY_AUTH_TOKEN")):
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _cannot_join(address: str, error: Exception) -> PoolError:
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if "AuthToken" in str(cause) or "authentication token" in str(cause):
        return PoolError(
            f"Ray at {address} does not know this user",
            expected="the token of the cluster in ~/.ray/auth_token",
            fix="copy that file from the first machine, and set RAY_AUTH_MODE=token",
        )
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    reason = (lines or [type(cause).__name__])[-1]
    return PoolError(
        f"Ray at {address} fails ({reason.rstrip('. ')[:200]})",
        expected="a machine of that cluster, with the same versions of Ray and Python",
        fix="use 'local', or run 'ray start --address=HOST:PORT' on this machine first",
    )


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep this process's answer to SIGTERM, which Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _short_messages() -> Iterator[None]:
    """Log Ray's long messages of dead workers as a line; Ray prints them to standard output.

    There is no public name for this. Where the private one is gone, Ray prints.
    """
    worker = import_module("ray._private.worker")
    printing = getattr(worker, _PRINTING, None)
    if printing is not None:
        setattr(worker, _PRINTING, _log_message)
    try:
        yield
    finally:
        if printing is not None:
            setattr(worker, _PRINTING, printing)


def _log_message(data: dict[str, Any], *_: object, **__: object) -> None:
    text = " ".join(str(line) for line in data.get("lines", ()))
    if "retr" in text:
        logger.warning("a worker ended; its texts are encoded again")
    else:
        logger.debug("Ray says: %s", text)
