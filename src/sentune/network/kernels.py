"""PyTorch's kernels without its Python modules, whose import takes a second.

The library itself loads in .2 s. It is called through the C interface that PyTorch keeps for
compiled extensions (``torch/csrc/stable/c/shim.h``, ``inductor/aoti_torch/c/shim.h``). So a text
has the bits of :mod:`sentune.network.encoder`. Kernels that sum in another order would not do: in
bfloat16 that flips roundings, and after six layers vectors differ by 1e-3.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from ctypes import byref, c_char_p, c_double, c_int64, c_uint64, c_void_p
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["KernelError", "Kernels", "Tensor"]

_INTERFACE = (2 << 56) | (13 << 48)  # 2.13, as the calls below are written
# The versions that this was run with: a changed signature would be a crash, not an error.
_RUN_WITH = ("2.13.",)


class KernelError(Exception):
    """PyTorch's library is not there, lacks a kernel, or refused an input."""


class Tensor:
    """A tensor in PyTorch's library; freed with this object, and its memory kept until then."""

    def __init__(
        self, library: Any, handle: int, shape: tuple[int, ...], memory: object = None
    ) -> None:
        self._library, self._memory = library, memory
        self.handle, self.shape = c_void_p(handle), shape

    def __del__(self) -> None:
        self._library.aoti_torch_delete_tensor_object(self.handle)


class Kernels:
    """The kernels that an encoder needs, on the processor; use :meth:`load`.

    All raise KernelError.
    """

    def __init__(self, library: Any) -> None:
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
        try:
            if not version("torch").startswith(_RUN_WITH):
                raise KernelError(f"torch {version('torch')}")
            library = ctypes.CDLL(str(Path(found.origin).with_name("lib") / "libtorch_cpu.so"))
            library._Znwm.restype = c_void_p
            return cls(library)
        except (OSError, AttributeError, PackageNotFoundError) as error:
            raise KernelError(str(error)) from error

    def tensor(self, array: NDArray[np.float32]) -> Tensor:
        """A float32 tensor over the memory of an array."""
        array = np.ascontiguousarray(array)
        count, address = array.ndim, c_void_p(array.ctypes.data)
        sizes = (c_int64 * count)(*array.shape)
        strides = (c_int64 * count)(*(stride // array.itemsize for stride in array.strides))
        where = (sizes, strides, c_int64(0), self.float32, 0, 0)
        handle = self._new("aoti_torch_create_tensor_from_blob", address, c_int64(count), *where)
        return Tensor(self._library, handle, array.shape, array)

    def array(self, x: Tensor) -> NDArray[np.float32]:
        """A copy of a float32 tensor."""
        numbers = ctypes.c_float * int(np.prod(x.shape))
        address = self._new("aoti_torch_get_data_ptr", x.handle)
        return np.array(numbers.from_address(address), np.float32).reshape(x.shape)

    def cast(self, x: Tensor, dtype: int) -> Tensor:
        """A copy in a number format."""
        return self._operator("aten::to", "dtype", x.shape, x, dtype, 0, 1, None)

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        """The sum of two tensors of the same shape."""
        handle = self._new("aoti_torch_cpu_add_Tensor", x.handle, y.handle, c_double(1))
        return Tensor(self._library, handle, x.shape)

    def linear(
        self, x: Tensor, weight: Tensor, bias: Tensor, activation: tuple[str, str]
    ) -> Tensor:
        """oneDNN's product with an activation in the same pass, as in ``linear.fused_linear``."""
        attribute, algorithm = (c_char_p(name.encode()) for name in activation)
        given = (x.handle, weight.handle, byref(bias.handle), attribute)
        name, scalars = "aoti_torch_cpu__linear_pointwise", (None, c_int64(0))
        handle = self._new(name, *given, *scalars, byref(algorithm))
        return Tensor(self._library, handle, (x.shape[0], weight.shape[0]))

    def layer_norm(self, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        """Over the last dimension."""
        given = (self._optional(weight), self._optional(bias))
        return self._operator("aten::layer_norm", "", x.shape, x, x.shape[-1:], *given, eps, 0)

    def attention(self, qkv: Tensor, heads: int) -> Tensor:
        """Of a text to itself, (tokens, 3 · hidden) → (tokens, hidden)."""
        tokens, hidden = qkv.shape[0], qkv.shape[1] // 3
        split = (1, tokens, 3, heads, hidden // heads)
        whole = self._operator("aten::reshape", "", split, qkv, split)
        parts = (self._operator("aten::select", "int", (), whole, 2, part) for part in range(3))
        turned = [self._operator("aten::transpose", "int", (), part, 1, 2) for part in parts]
        name = "aten::scaled_dot_product_attention"
        mixed = self._operator(name, "", (), *turned, None, 0.0, 0, None, 0)
        mixed = self._operator("aten::transpose", "int", (), mixed, 1, 2)
        return self._operator("aten::reshape", "", (tokens, hidden), mixed, (tokens, hidden))

    def _operator(self, name: str, overload: str, shape: tuple[int, ...], *given: Any) -> Tensor:
        """Call an operator through PyTorch's dispatcher, which takes every argument as 64 bits."""
        stack = (c_uint64 * len(given))(*(self._packed(each) for each in given))
        names = (name.encode(), overload.encode())
        self._call("torch_call_dispatcher", *names, stack, c_uint64(_INTERFACE))
        return Tensor(self._library, stack[0], shape)

    def _packed(self, value: Tensor | tuple[int, ...] | float | None) -> int:
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

    def _optional(self, tensor: Tensor) -> int:
        """The address of a tensor, which the callee deletes as C++ does."""
        address: int = self._library._Znwm(ctypes.c_size_t(8))  # operator new
        c_uint64.from_address(address).value = self._packed(tensor)
        return address

    def _new(self, name: str, *given: Any) -> int:
        """What a function writes to its last argument, an address."""
        result = c_void_p()
        self._call(name, *given, byref(result))
        return result.value or 0

    def _call(self, name: str, *given: Any) -> None:
        try:
            failed = getattr(self._library, name)(*given)
        except AttributeError as error:  # another version of PyTorch
            raise KernelError(name) from error
        if failed:
            raise KernelError(name)
