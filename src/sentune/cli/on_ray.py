"""``--ray``: the option, its early check, and the runner of a verb."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from sentune.cli.output import say
from sentune.errors import ArgumentError

if TYPE_CHECKING:
    from sentune.encoding.runners.runner import Runner
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["Ray", "refuse_beside_ray", "require_ray", "runner_on_ray"]


Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS|local",
        help="Encode on the machines of a Ray cluster (HOST:PORT), or of one started here.",
    ),
]


def require_ray(address: str) -> None:
    """Check before any work that there is a cluster. Raises ArgumentError, PoolError."""
    from sentune.encoding.runners.ray_cluster import require_cluster

    require_cluster(address)


def refuse_beside_ray(address: str | None, **given: object) -> None:
    """Refuse options that decide where to compute, or that need this process. By their names.

    Raises:
        ArgumentError: one of them is given together with ``--ray``.
    """
    for name, value in given.items():
        if address is not None and value:
            raise ArgumentError(
                f"--{name} and --ray",
                expected="one of the two: the processors of a cluster compute vectors of texts",
                fix=f"leave --{name} out, or leave out --ray",
            )


@contextmanager
def runner_on_ray(address: str | None, model: SentenceTransformer) -> Iterator[Runner | None]:
    """A runner in the cluster, which is said; None without an address. Raises PoolError."""
    if address is None:
        yield None
        return
    from sentune.encoding.runners.ray_cluster import join_cluster
    from sentune.encoding.runners.ray_runner import RayRunner

    with join_cluster(address) as cluster:
        say(cluster.describe())
        yield RayRunner(cluster, model)
