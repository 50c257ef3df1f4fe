"""What a checked hook may use: types that compute as in Python, and functions that stay within their arrays whatever they are given.

numba compiles its own forms of numpy's functions without looking at indices, and computes otherwise than Python with numbers
of less than 64 bits. So nothing passes that was not tried with wrong arguments; `tests/engine/test_compiled_admission.py` tries all.
"""

from __future__ import annotations

import builtins
import difflib
from collections.abc import Container, Iterator
from typing import Any

import numpy as np
from numba import types
from numba.core import ir
from numba.core.errors import UnsupportedError

_NUMPY = """
abs absolute fabs sign sqrt square exp expm1 exp2 log log1p log2 log10 sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh
arcsinh arccosh arctanh hypot floor ceil trunc rint round around isnan isinf isfinite signbit copysign negative
add subtract multiply maximum minimum fmax fmin equal not_equal less less_equal greater greater_equal
logical_and logical_or logical_not logical_xor sum prod mean std var median min max amin amax argmin argmax any all cumsum cumprod
nansum nanmean nanstd nanvar nanmin nanmax zeros ones full zeros_like ones_like full_like arange linspace array asarray copy
sort diff where dot
"""
NUMPY = frozenset(_NUMPY.split())
"""The functions of numpy that a checked hook may call. None takes an index; each was tried with empty, short and unlike arrays."""

_METHODS = "sum prod mean std var min max argmin argmax any all cumsum cumprod copy ravel flatten"
METHODS, ATTRIBUTES = frozenset(_METHODS.split()), frozenset(("T", "shape", "size", "ndim", "dtype"))
"""What a checked hook may call on an array, and read of it."""

_PYTHON = """
abs all any bool chr complex dict divmod enumerate filter float getattr hasattr int isinstance iter len list map max min
next pow print range repr reversed round slice sorted str sum tuple type zip
"""
_AS_BUILTIN = {"float64": "float", "int64": "int", "bool": "bool"}
_UNCHECKED = "decorate with @compiled(checks=False)"


def _found(module: Any, names: frozenset[str]) -> list[Any]:
    return [getattr(module, name) for name in names]


_MAKERS = (np.array, np.asarray, np.full, np.full_like)
_ADMITTED = (*_found(np, NUMPY), *_found(builtins, frozenset(_PYTHON.split())))


def admit(statement: Any, typemap: Any, registered: Container[Any]) -> None:
    """Refuse a statement of a checked function if what it makes is of a type or a function that such functions may not use.

    Args:
        statement: an assignment.
        typemap: the type of each variable.
        registered: the functions that are compiled with checks of their own.

    Raises:
        UnsupportedError: names the type or function and what to use instead.
    """
    value, kind = statement.value, typemap.get(statement.target.name)
    reason = None
    if isinstance(value, ir.Expr) and value.op == "getattr" and isinstance(typemap[value.value.name], types.Array):
        reason = _of_array(value.attr)
    elif isinstance(value, ir.Expr) and value.op == "call" and isinstance(typemap[value.func.name], types.NumberClass):
        reason = _of_number(typemap[value.func.name])
    elif isinstance(value, ir.Expr) and value.op == "call":
        given = [typemap[name.name] for name in (*value.args, *(name for _, name in value.kws))]
        reason = _of_arguments(getattr(typemap[value.func.name], "typing_key", None), given, kind)
    elif isinstance(kind, types.Function):
        reason = _of_function(kind.typing_key, registered)
    elif isinstance(kind, types.ExternalFunctionPointer):
        reason = f"{kind} is a function of another language, which nothing checks: call it from on_start, or {_UNCHECKED}"
    reason = reason or next((found for inner in _inside(kind) if (found := _of_type(inner))), None)
    if reason is not None:
        raise UnsupportedError(reason, loc=statement.loc)


def refuse_function(function: Any, registered: Container[Any], loc: Any) -> None:
    """Refuse a call of what `admit` would refuse, if that is known by name: numba would compile it first, some for half a minute.

    Args:
        function: what is called; None where it is not known.
        registered: the functions that are compiled with checks of their own.
        loc: the place of the call.

    Raises:
        UnsupportedError: names the function and what to use instead.
    """
    if function is id:
        raise UnsupportedError("id(...) is another number in each run: use a number of your own", loc=loc)
    is_of_numpy = isinstance(function, np.ufunc) or _module_of(function).split(".")[0] == "numpy"
    if is_of_numpy and not isinstance(function, type) and (reason := _of_function(function, registered)):
        raise UnsupportedError(reason, loc=loc)


def _module_of(function: Any) -> str:
    return str(getattr(function, "__module__", None) or type(getattr(function, "__self__", function)).__module__)


def _of_array(name: str) -> str | None:
    if name in ATTRIBUTES or name in METHODS:
        return None
    near = _nearest(name, ATTRIBUTES | METHODS)
    return f"array.{name} is not checked in machine code: write it as a loop over indices, or {_UNCHECKED}{near}"


def _of_number(kind: Any) -> str:
    name = str(kind.instance_type)
    plain = _AS_BUILTIN.get(name, "int" if isinstance(kind.instance_type, types.Integer) else "float")
    return f"np.{name}(...) does not compute as in Python: write {plain}(...), or {_UNCHECKED}"


def _of_arguments(function: Any, given: list[Any], result: Any) -> str | None:
    """What is wrong with arguments of these types; numba makes a whole number of NaN, and an array without values of infinity."""
    has_float = any(isinstance(inner, types.Float) for kind in given if not isinstance(kind, types.NumberClass) for inner in _inside(kind))
    if function is np.arange and has_float:
        return f"np.arange of floats does not fail as in Python: use whole numbers or np.linspace, or {_UNCHECKED}"
    is_made_whole = isinstance(result, types.Array) and isinstance(result.dtype, types.Integer)
    if has_float and is_made_whole and any(function is one for one in _MAKERS):
        return f"np.{function.__name__} puts floats into an array of whole numbers: write int(...) of each, or {_UNCHECKED}"
    return None


def _of_function(function: Any, registered: Container[Any]) -> str | None:
    if any(function is admitted for admitted in _ADMITTED):
        return None
    module = _module_of(function)
    if module.split(".")[0] in ("framework", "math", "operator", "_operator") or _is_in(function, registered):
        return None
    name = str(getattr(function, "__name__", function))
    if "random" in module:
        return (
            f"{module}.{name}: draws would not be those of Python. Draw in on_start, or keep the state of a generator of your own in "
            "State[int], as in `self.seed = (self.seed * 1103515245 + 12345) % 2147483648`"
        )
    if module == "builtins":
        return f"{name}(...) is not the same in machine code: use a tuple, a list, a dict or a number, or {_UNCHECKED}"
    near = _nearest(name, NUMPY, "np.") if module.startswith("numpy") or isinstance(function, np.ufunc) else ""
    full = f"np.{name}" if near or module == "numpy" else f"{module}.{name}"
    return f"{full} is not checked in machine code: write it as a loop, or {_UNCHECKED}{near}"


def _is_in(function: Any, registered: Container[Any]) -> bool:
    try:
        return function in registered
    except TypeError:  # not hashable or of no lasting life: nothing of ours
        return False


def _nearest(name: str, names: frozenset[str], prefix: str = "") -> str:
    near = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.0)
    return f". The nearest that is checked: {prefix}{near[0]}" if near else ""


def _inside(kind: Any) -> Iterator[Any]:
    """A type and those of what it holds."""
    if not isinstance(kind, types.Type):
        return
    yield kind
    if isinstance(kind, types.BaseTuple):
        for inner in kind.types:
            yield from _inside(inner)
    elif isinstance(kind, types.Record):
        for field in kind.fields.values():
            yield from _inside(field.type)
    elif isinstance(kind, types.DictType):
        yield from _inside(kind.value_type)
    elif isinstance(kind, types.NumberClass):
        yield kind.instance_type
    elif isinstance(kind, types.Optional):
        yield from _inside(kind.type)
    elif not isinstance(kind, types.Set):
        yield from _inside(getattr(kind, "dtype", None))


def _of_type(kind: Any) -> str | None:
    if isinstance(kind, types.Set):
        return f"a set, whose order is another one in machine code: use a tuple, as in `x in (1, 2)`, a list or a dict, or {_UNCHECKED}"
    if isinstance(kind, types.DictType) and any(isinstance(inner, types.Float | types.Complex) for inner in _inside(kind.key_type)):
        return f"a dict with floats as keys, among which NaN is found in Python only: use whole numbers as keys, or {_UNCHECKED}"
    is_odd_whole = isinstance(kind, types.Integer) and (not kind.signed or kind.bitwidth < 64)
    if is_odd_whole or (isinstance(kind, types.Float) and kind.bitwidth < 64) or kind == types.complex64:
        wide = "int64" if is_odd_whole else "float64"
        return f"a number of type {types.unliteral(kind)}, which computes differently in Python: use {wide}, or {_UNCHECKED}"
    return None
