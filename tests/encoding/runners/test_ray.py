"""What of ``--ray`` needs no Ray: addresses, threads, and that its absence is said."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentune.encoding.runners import ray_probe
from sentune.encoding.runners.ray_cluster import Machine, require_cluster
from sentune.encoding.runners.ray_probe import why_not_ray
from sentune.encoding.runners.ray_runner import threads_of_a_task
from sentune.errors import ArgumentError, MissingExtraError, PoolError

SETTINGS = b"\0\0\0\x04\0\0\0\0\0"
ACCEPTED = b"\0\0\x01\x01\x04\0\0\0\x01\x88"  # a frame of headers: 200
REFUSED = b"\0\0\x01\x01\x04\0\0\0\x01\x8d"  # 404


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package ``ray`` that can be imported, and nothing else."""
    monkeypatch.setitem(sys.modules, "ray", ModuleType("ray"))


@contextmanager
def server(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """A port that answers one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def test_what_answers_as_ray_does_is_accepted() -> None:
    with server(lambda connection: connection.sendall(SETTINGS + ACCEPTED)) as port:
        assert why_not_ray("127.0.0.1", port) == ""


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", SETTINGS + REFUSED, b"", b"SSH-2.0-OpenSSH_9\n"]
)
def test_other_servers_are_not(answer: bytes) -> None:
    with server(lambda connection: connection.sendall(answer)) as port:
        assert why_not_ray("127.0.0.1", port) == "another kind of server"


def test_silence_ends_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_probe, "_SECONDS", 0.1)
    with server(lambda _: time.sleep(0.3)) as port:
        assert why_not_ray("127.0.0.1", port) == "no answer in 0 seconds"

    def dripping(connection: socket.socket) -> None:
        with suppress(ConnectionError):  # nobody waits any more
            for byte in 5 * SETTINGS:
                connection.sendall(bytes([byte]))
                time.sleep(0.01)

    with server(dripping) as port:  # each byte in time, but not all of them
        assert why_not_ray("127.0.0.1", port) == "no answer in 0 seconds"


@pytest.mark.usefixtures("ray")
def test_an_address_where_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(PoolError) as caught:
        require_cluster(f"127.0.0.1:{port}")
    assert str(caught.value) == (
        f"no Ray answers at 127.0.0.1:{port} (connection refused): expected the first machine of a "
        "cluster, started with 'ray start --head'. Check the address, and that the cluster runs; "
        "'local' needs no cluster."
    )


@pytest.mark.usefixtures("ray")
@pytest.mark.parametrize(
    "address", ["", "auto", "ray://10.0.0.1:10001", "10.0.0.1", "host:", "host:0", "host:65536"]
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ArgumentError, match="HOST:PORT"):
        require_cluster(address)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'sentune\[ray\]'"):
        require_cluster("local")


@given(
    st.lists(st.builds(Machine, st.integers(1, 200), st.integers(1, 1 << 40)), min_size=1),
    st.integers(0, 1 << 34),
)
def test_a_task_fits_on_every_machine(machines: list[Machine], weights: int) -> None:
    threads = threads_of_a_task(machines, weights)
    assert 1 <= threads <= min(each.processors for each in machines)


def test_a_task_takes_one_processor_unless_memory_is_short() -> None:
    gigabyte = 1 << 30
    small = 90 << 20
    assert threads_of_a_task([Machine(64, 128 * gigabyte)], small) == 1
    assert threads_of_a_task([Machine(64, 12 * gigabyte)], small) == 5  # 12 copies of .77 GB… fit
    assert threads_of_a_task([Machine(64, 128 * gigabyte), Machine(2, gigabyte)], small) == 2
