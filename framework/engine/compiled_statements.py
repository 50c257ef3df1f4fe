"""What a hook stores, prints and raises: refused with the line of the source where machine code would do otherwise than Python."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from numba import types
from numba.core import ir
from numba.extending import intrinsic

from framework.engine.compiled_cell import is_whole
from framework.engine.compiled_own import OwnType
from framework.engine.failures import HookRefusal, ParameterRefusal, line_in


def line_at(statement: Any) -> str:
    """The line of a statement as errors name it."""
    return line_in(statement.loc.filename, statement.loc.line)


@cache
def check_stored(name: str, line: str) -> Any:
    """A compiled function of an array and a value that refuses a float where whole numbers are kept: its fraction would be lost in silence.

    Args:
        name: of the state that the array is; empty where it is something else.
        line: that errors name.
    """

    @intrinsic
    def check(typingctx: Any, array: Any, value: Any) -> Any:
        if isinstance(array, types.Array) and isinstance(array.dtype, types.Integer) and isinstance(value, types.Float):
            if not name:
                raise HookRefusal("a float is put among whole numbers: write int(...) or make it an array of floats", line)
            raise HookRefusal(f"{name} is PerInstrument[int] and is set to a float: write int(...) or declare PerInstrument[float]", line)
        return types.void(array, value), lambda context, builder, signature, args: context.get_dummy_value()

    return check


@cache
def check_field(name: str, line: str) -> Any:
    """A compiled function of `self` and a value that refuses to set parameters, and a float for a whole number of state."""

    @intrinsic
    def check(typingctx: Any, own: Any, value: Any) -> Any:
        if isinstance(own, OwnType) and own.is_parameter(name):
            raise ParameterRefusal(name, line)
        if isinstance(own, OwnType) and isinstance(own.kind_of(name), types.Integer) and isinstance(value, types.Float):
            raise HookRefusal(f"{name} is State[int] and is set to a float: write int(...) or declare State[float]", line)
        return types.void(own, value), lambda context, builder, signature, args: context.get_dummy_value()

    return check


def refuse_raise(statement: Any) -> None:
    """Refuse an exception whose arguments are not known before the run: they are part of the machine code."""
    if isinstance(statement, ir.DynamicRaise | ir.Raise):
        raise HookRefusal(
            "`raise` and `assert` in a compiled hook take an exception that is written out with constant texts and numbers, no f-string "
            'and no value of the run, as in raise ValueError("too late"): print the value before it, or run .python()',
            line_at(statement),
        )


def prints(statement: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The compiled functions, each with its arguments, that print what a statement of numba's prints, as Python does."""
    line = line_at(statement)
    if statement.vararg is not None:
        raise HookRefusal(_UNPRINTABLE, line)
    text = ""
    for number, name in enumerate(statement.args):
        text += " " if number else ""
        constant = statement.consts.get(number)
        if isinstance(constant, str | int | float):
            text += str(constant)
            continue
        if text:
            yield _print_text(text), ()
        yield _print_value(line), (name,)
        text = ""
    yield _print_text(text + "\n"), ()


_UNPRINTABLE = (
    'print in a compiled hook takes constant texts and numbers with commas between them, as in print("close", bar.close), no f-string '
    "and no objects: name the numbers, or run .python()"
)


@cache
def _print_text(text: str) -> Any:
    """A compiled function that prints a text."""

    @intrinsic
    def write(typingctx: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            form, given = (context.insert_const_string(builder.module, each) for each in ("%s", text))
            context.get_python_api(builder).sys_write_stdout(form, given)
            return context.get_dummy_value()

        return types.void(), codegen

    return write


@cache
def _print_value(line: str) -> Any:
    """A compiled function that prints a number, through an object of Python, which alone knows how its text is."""

    @intrinsic
    def write(typingctx: Any, value: Any) -> Any:
        if not (is_whole(value) or value == types.float64):
            raise HookRefusal(_UNPRINTABLE, line)

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            python = context.get_python_api(builder)
            if isinstance(value, types.Boolean):
                made = python.bool_from_bool(args[0])
            elif value == types.float64:
                made = python.float_from_double(args[0])
            else:
                made = python.long_from_longlong(context.cast(builder, args[0], value, types.int64))
            python.print_object(made)
            python.decref(made)
            return context.get_dummy_value()

        return types.void(value), codegen

    return write
