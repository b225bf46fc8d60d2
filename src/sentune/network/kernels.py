"""PyTorch's kernels without its Python modules, whose import takes a second.

The library itself loads in .2 s. It is called through the C interface that PyTorch keeps for
compiled extensions (``torch/csrc/stable/c/shim.h``) and for models that it compiled ahead of time
(``inductor/aoti_torch``). So a text gets the same bits here as in :mod:`sentune.network.encoder`,
in bfloat16 too: there every sum in another order flips roundings, and vectors then differ by 1e-3.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Sequence
from ctypes import byref, c_char_p, c_double, c_int64, c_uint64, c_void_p
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["KernelError", "Kernels", "Tensor"]

_INTERFACE = (2 << 56) | (13 << 48)  # what this is written for: PyTorch translates from it


class KernelError(Exception):
    """PyTorch's library is not there, lacks a kernel, or refused an input."""


class Tensor:
    """A handle of a tensor in PyTorch's library, freed with this object."""

    def __init__(
        self, library: ctypes.CDLL, handle: c_void_p, shape: tuple[int, ...], memory: object = None
    ) -> None:
        self._library, self._memory = library, memory
        self.handle, self.shape = handle, shape

    def __del__(self) -> None:
        self._library.aoti_torch_delete_tensor_object(self.handle)


class Kernels:
    """The kernels that an encoder needs, on the processor; use :meth:`load`."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self.float32: int = library.aoti_torch_dtype_float32()
        self.bfloat16: int = library.aoti_torch_dtype_bfloat16()

    @classmethod
    @cache
    def load(cls) -> Kernels:
        """Load the library, once in a process. Raises KernelError where that is not possible."""
        found = find_spec("torch")
        if sys.platform != "linux" or found is None or found.origin is None:
            raise KernelError("no library of a known name")
        path = Path(found.origin).with_name("lib") / "libtorch_cpu.so"
        try:
            library = ctypes.CDLL(str(path))
            library._Znwm.restype = c_void_p
            return cls(library)
        except (OSError, AttributeError) as error:
            raise KernelError(str(error)) from error

    def tensor(self, array: NDArray[np.float32]) -> Tensor:
        """A float32 tensor over the memory of an array."""
        array = np.ascontiguousarray(array)
        strides = [stride // array.itemsize for stride in array.strides]
        return self._over(array.ctypes.data, self.float32, array.shape, strides, array)

    def parts(self, x: Tensor, count: int, heads: int, dtype: int) -> list[Tensor]:
        """(rows, count · width) → views (1, heads, rows, width / heads), for attention."""
        rows, width = x.shape[0], x.shape[1] // count
        size = width // heads
        itemsize = 4 if dtype == self.float32 else 2
        return [
            self._over(
                self._address(x) + part * width * itemsize,
                dtype,
                (1, heads, rows, size),
                (rows * x.shape[1], size, x.shape[1], 1),
                x,
            )
            for part in range(count)
        ]

    def array(self, x: Tensor) -> NDArray[np.float32]:
        """A copy of a float32 tensor."""
        numbers = ctypes.c_float * int(np.prod(x.shape))
        return np.array(numbers.from_address(self._address(x)), np.float32).reshape(x.shape)

    def cast(self, x: Tensor, dtype: int) -> Tensor:
        """The same numbers in another format."""
        return self._operator("aten::to", "dtype", x.shape, x, dtype, 0, 1, None)  # 1: a copy

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of two tensors of the same shape."""
        return self._shim("aoti_torch_cpu_add_Tensor", x.shape, x.handle, y.handle, c_double(1))

    def linear(
        self, x: Tensor, weight: Tensor, bias: Tensor, attribute: str, algorithm: str
    ) -> Tensor:
        """oneDNN's product with an activation in the same pass, as in ``linear.fused_linear``."""
        return self._shim(
            "aoti_torch_cpu__linear_pointwise",
            (x.shape[0], weight.shape[0]),
            x.handle,
            weight.handle,
            byref(bias.handle),
            attribute.encode(),
            None,
            c_int64(0),
            byref(c_char_p(algorithm.encode())),
        )

    def layer_norm(self, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        """Over the last dimension."""
        given = (self._given(weight), self._given(bias))
        return self._operator("aten::layer_norm", "", x.shape, x, x.shape[-1:], *given, eps, 0)

    def attention(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Three (1, heads, rows, size) → (rows, heads · size)."""
        _, heads, rows, size = query.shape
        name = "aten::scaled_dot_product_attention"
        mixed = self._operator(name, "", query.shape, query, key, value, None, 0.0, 0, None, 0)
        shape = (rows, heads * size)
        turned = self._operator("aten::transpose", "int", (1, rows, heads, size), mixed, 1, 2)
        return self._operator("aten::reshape", "", shape, turned, shape)

    def _operator(self, name: str, overload: str, shape: tuple[int, ...], *given: Any) -> Tensor:
        """Call an operator through PyTorch's dispatcher, which takes every argument as 64 bits."""
        stack = (c_uint64 * len(given))(*(self._packed(each) for each in given))
        names = (name.encode(), overload.encode())
        self._call("torch_call_dispatcher", *names, stack, c_uint64(_INTERFACE))
        return Tensor(self._library, c_void_p(stack[0]), shape)

    def _packed(self, value: Tensor | Sequence[int] | float | None) -> int:
        """The callee frees what it is given: a new handle of a tensor, a new list."""
        if isinstance(value, Tensor):
            return self._new("aoti_torch_new_tensor_handle", value.handle)
        if isinstance(value, float):
            return int.from_bytes(struct.pack("=d", value), sys.byteorder)
        if isinstance(value, int) or value is None:
            return value or 0
        numbers = self._new("torch_new_list_reserve_size", len(value))
        for number in value:
            self._call("torch_list_push_back", c_void_p(numbers), c_uint64(number))
        return numbers

    def _given(self, tensor: Tensor) -> int:
        """A tensor for an optional argument: the callee deletes the address as C++ does."""
        address: int = self._library._Znwm(ctypes.c_size_t(8))  # operator new
        c_uint64.from_address(address).value = self._packed(tensor)
        return address

    def _shim(self, name: str, shape: tuple[int, ...], *given: Any) -> Tensor:
        return Tensor(self._library, c_void_p(self._new(name, *given)), shape)

    def _over(
        self, address: int, dtype: int, shape: Sequence[int], strides: Sequence[int], memory: object
    ) -> Tensor:
        sizes, steps = ((c_int64 * len(each))(*each) for each in (shape, strides))
        name, start = "aoti_torch_create_tensor_from_blob", c_int64(0)
        count = c_int64(len(shape))
        handle = self._new(name, c_void_p(address), count, sizes, steps, start, dtype, 0, 0)
        return Tensor(self._library, c_void_p(handle), tuple(shape), memory)

    def _address(self, x: Tensor) -> int:
        return self._new("aoti_torch_get_data_ptr", x.handle)

    def _new(self, name: str, *given: Any) -> int:
        """What a function writes to its last argument, an address."""
        result = c_void_p()
        self._call(name, *given, byref(result))
        return result.value or 0

    def _call(self, name: str, *given: Any) -> None:
        try:
            status = getattr(self._library, name)(*given)
        except AttributeError as error:  # another version of PyTorch
            raise KernelError(name) from error
        if status:
            raise KernelError(name)
