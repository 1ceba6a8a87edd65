"""Reading pickles of strangers: numpy arrays, scalars and builtin containers, nothing else.

No function that a pickle names is ever called. The names that numpy's arrays and
scalars need are answered by stand-ins of this module, which only note what they
are given; the arrays are then built here, from raw bytes, with plain numeric and
string types. Opcodes are checked before the first one is executed.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from glassbench.contract.errors import SourceError

REFUSED_OPCODES = {
    "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4"
}  # fmt: skip
MEMO_OPCODES = {"PUT", "BINPUT", "LONG_BINPUT"}
MAX_MEMO = 10_000_000
DTYPE_KINDS = "biufcSU"
CONTAINERS: dict[str, Callable[..., object]] = {"set": set, "frozenset": frozenset}


class _Refused(pickle.UnpicklingError):
    """The pickle asks for something that is not admitted."""


class _StandIn:
    """What a name in a pickle is answered with: it can be called, and not be changed."""

    __slots__ = ("_function",)
    _function: Callable[..., object]

    def __init__(self, function: Callable[..., object]) -> None:
        object.__setattr__(self, "_function", function)

    def __call__(self, *arguments: object) -> object:
        return self._function(*arguments)

    def __setattr__(self, name: str, value: object) -> None:
        raise _Refused(f"sets the attribute {name} of a function")

    def __setstate__(self, state: object) -> None:
        raise _Refused("changes a function")


class _Dtype:
    """Notes the arguments of `numpy.dtype`; only plain types become one."""

    __slots__ = ("dtype",)

    def __init__(self, text: object, align: object = False, copy: object = True) -> None:
        if not isinstance(text, str):
            raise _Refused("asks for a numpy type that is not given by name")
        try:
            self.dtype = np.dtype(text)
        except (TypeError, ValueError) as error:
            raise _Refused(f"asks for the numpy type {text!r}") from error
        if self.dtype.kind not in DTYPE_KINDS:
            raise _Refused(f"asks for the numpy type {text!r}")

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise _Refused("holds a numpy type in an unknown form")
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class _Noted:
    """Holds an array or scalar until the whole pickle is read, out of the pickle's reach."""

    __slots__ = ("value",)

    def __init__(self, value: object = None) -> None:
        self.value = value

    def __setstate__(self, state: object) -> None:
        if self.value is not None or not isinstance(state, tuple) or len(state) != 5:
            raise _Refused("holds an array in an unknown form")
        _, shape, dtype, fortran, content = state
        self.value = _build(shape, dtype, "F" if fortran else "C", content)


def _never_called(*_: object) -> None:
    raise _Refused("calls numpy.ndarray")


_NDARRAY = _StandIn(_never_called)


def _reconstruct(kind: object, shape: object, code: object) -> _Noted:
    if kind is not _NDARRAY:
        raise _Refused("holds an array of a class that is not numpy.ndarray")
    return _Noted()


def _scalar(dtype: object, content: object) -> _Noted:
    return _Noted(_build((), dtype, "C", content)[()])


def _from_buffer(content: object, dtype: object, shape: object, order: object) -> _Noted:
    return _Noted(_build(shape, dtype, "F" if order == "F" else "C", content))


def _encode(text: object, encoding: object) -> bytes:
    """Answer `_codecs.encode`, by which old protocols spell bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise _Refused("asks for a codec other than latin1")
    return text.encode("latin1")


def _bytes(content: object = b"") -> bytes:
    if not isinstance(content, bytes):
        raise _Refused("makes bytes of what is no bytes")
    return content


def _bytearray(content: object = b"") -> bytearray:
    if not isinstance(content, (bytes, bytearray)):
        raise _Refused("makes a bytearray of what is no bytes")
    return bytearray(content)


def _complex(real: object, imaginary: object = 0.0) -> complex:
    if not isinstance(real, float) or not isinstance(imaginary, (int, float)):
        raise _Refused("makes a complex number of what is no number")
    return complex(real, imaginary)


def _build(shape: object, dtype: object, order: Literal["C", "F"], content: object) -> np.ndarray:
    if not isinstance(dtype, _Dtype):
        raise _Refused("holds an array without a plain numpy type")
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise _Refused(f"holds an array of the shape {shape!r}")
    if not isinstance(content, (bytes, bytearray)):
        raise _Refused("holds an array whose content is no bytes")
    if len(content) != dtype.dtype.itemsize * math.prod(shape):
        raise _Refused(f"holds an array of the shape {shape} with {len(content)} bytes")
    flat = np.frombuffer(bytes(content), dtype=dtype.dtype)
    return flat.reshape(shape, order=order).copy(order=order)


_FUNCTIONS: dict[tuple[str, str], Callable[..., object]] = {
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
    **{
        (module, name): function
        for module in ("builtins", "__builtin__")
        for name, function in (
            *CONTAINERS.items(),
            ("bytes", _bytes),
            ("bytearray", _bytearray),
            ("complex", _complex),
        )
    },
    **{
        (f"numpy.{core}.{module}", name): function
        for core in ("core", "_core")
        for module, name, function in (
            ("multiarray", "_reconstruct", _reconstruct),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _from_buffer),
        )
    },
}
ADMITTED = {("numpy", "ndarray"): _NDARRAY, **{k: _StandIn(f) for k, f in _FUNCTIONS.items()}}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        try:
            return ADMITTED[module, name]
        except KeyError:
            raise _Refused(f"asks for `{module}.{name}`") from None


def load_restricted(path: Path) -> object:
    """Return what a pickle holds: arrays, scalars and builtin containers, or a SourceError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error}") from error
    try:
        _check_opcodes(content)
        return _built(_Unpickler(io.BytesIO(content)).load(), {})
    except _Refused as error:
        raise SourceError(
            f"{path} is refused: it {error}. Only numpy arrays, numbers, strings and containers "
            "are read from pickles, since others can run programs"
        ) from error
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError) as error:
        raise SourceError(f"{path} is cut off or no pickle ({error}): fetch it again") from error
    except (TypeError, AttributeError, OverflowError, MemoryError, RecursionError) as error:
        raise SourceError(f"{path} is refused: its parts do not fit together ({error})") from error


def _check_opcodes(content: bytes) -> None:
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name in REFUSED_OPCODES:
            raise _Refused(f"uses the opcode {opcode.name}")
        if opcode.name in MEMO_OPCODES and int(argument or 0) > MAX_MEMO:
            raise _Refused(f"uses the memo slot {argument}")
        if opcode.name == "GLOBAL" and tuple(str(argument).split(" ", 1)) not in ADMITTED:
            raise _Refused(f"asks for `{str(argument).replace(' ', '.')}`")


def _built(value: object, seen: dict[int, object]) -> object:
    """Return `value` with noted arrays replaced by arrays; refuse what is no plain value."""
    if id(value) in seen:
        return seen[id(value)]
    if isinstance(value, _Noted):
        if value.value is None:
            raise _Refused("holds an array without content")
        return value.value
    if isinstance(value, dict):
        filled: dict = {}
        seen[id(value)] = filled
        for key, item in value.items():
            filled[_built(key, seen)] = _built(item, seen)
        return filled
    if isinstance(value, list):
        items: list = []
        seen[id(value)] = items
        items.extend(_built(item, seen) for item in value)
        return items
    if isinstance(value, (tuple, set, frozenset)):
        seen[id(value)] = type(value)(_built(item, seen) for item in value)
        return seen[id(value)]
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, bytearray)):
        return value
    raise _Refused(f"holds a {type(value).__name__.strip('_')} where a value should be")
