"""How much the server takes, and how long it waits."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Every bound of the server.

    Attributes:
        body: bytes of a request.
        bodies: bytes of all requests that are being received, together.
        inputs: texts of a request. They are computed in several batches if they are many.
        tokens: of a request, after the model's length limit cut its texts.
        requests: accepted and not answered yet.
        waiting_tokens: accepted and not computed yet. A request that comes before this is reached
            is taken whole, so that many texts are refused no sooner than one.
        batch_tokens: computed together.
        ahead: batches in the worker, of which it computes the first.
        body_seconds: for a request to arrive.
        head_seconds: for the first line and the headers of a request to arrive.
        send_seconds: for a client to take a part of its answer.
        hung_seconds: for the worker to compute a batch; then it is replaced.
        health_seconds: for the model to answer a question about its health.
        drain_seconds: for accepted requests, when the server is asked to stop.
    """

    body: int = 8 << 20
    bodies: int = 128 << 20
    inputs: int = 2048
    tokens: int = 1_000_000
    requests: int = 512
    waiting_tokens: int = 262_144
    batch_tokens: int = 4096
    ahead: int = 2
    body_seconds: float = 30.0
    head_seconds: float = 10.0
    send_seconds: float = 30.0
    hung_seconds: float = 60.0
    health_seconds: float = 10.0
    drain_seconds: float = 25.0
