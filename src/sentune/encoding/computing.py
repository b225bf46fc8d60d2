"""What every model has around its encoder: a device, a number format, and who computes now."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from sentune.machine.hardware import Compute
from sentune.machine.process import disable_cudnn_attention
from sentune.network.encoder import Encoder
from sentune.network.linear import use_eight_bits

__all__ = ["Computing"]


class Computing(nn.Module):
    """A module with an encoder.

    Attributes:
        encoder: token ids → token vectors.
        compute: device, number format and the reason for it.
        compute_dtype: the requested number format.
    """

    encoder: Encoder
    compute: Compute
    compute_dtype: str

    def __init__(self) -> None:
        super().__init__()
        self._encoding = _Encoding()

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.encoder.embeddings.word.weight.device

    @property
    def reduced_dtype(self) -> torch.dtype | None:
        """The format to cast the weights to; None to use them as they are."""
        # float32 means "as the weights are", so that a model cast to float64 computes in float64.
        return None if self.compute.dtype == torch.float32 else self.compute.dtype

    def compute_as(self, compute: Compute) -> None:
        """Change the number format, and move the weights to the device."""
        self.compute = compute
        if compute.device.type == "cuda":
            disable_cudnn_attention()
        self.to(compute.device)
        use_eight_bits(self.encoder, compute.eight_bit)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Dropout is off while any thread encodes; after the last one it is as it was before."""
        state = self._encoding
        with state.lock:
            if not state.threads:
                state.was_training = self.training
                if self.training:
                    self.eval()
            state.threads += 1
        try:
            yield
        finally:
            with state.lock:
                state.threads -= 1
                if not state.threads and state.was_training:
                    self.train()


class _Encoding:
    """The threads that encode with a model now."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.threads = 0
        self.was_training = False

    def __reduce__(self) -> tuple[type[_Encoding], tuple[()]]:
        return _Encoding, ()  # no thread encodes with a copy of the model
