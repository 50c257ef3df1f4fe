"""What becomes of a user's source before it is compiled: checked operators, bounds, lines and loops that can be left.

numba hands each function to this as statements, before it finds types. Only functions that were registered here are changed: hooks,
and the functions that `@compiled` makes callable from them.
"""

from __future__ import annotations

import dis
import inspect
import math
from collections.abc import Callable, Iterable
from types import CodeType, FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from numba import types
from numba.core import ir
from numba.core.analysis import compute_cfg_from_blocks
from numba.core.errors import UnsupportedError
from numba.core.rewrites import Rewrite, register_rewrite, rewrite_registry
from numba.extending import intrinsic

from framework.engine.compiled_admission import admit, refuse_function
from framework.engine.compiled_assigned import refuse_unassigned
from framework.engine.compiled_cell import emit_failure_if, note_line, pass_loop
from framework.engine.compiled_math import CALLS, EXTREMES, SAME
from framework.engine.compiled_numbers import OPERATORS
from framework.engine.compiled_statements import check_field, check_stored, line_at, prints, refuse_raise
from framework.engine.failures import Failure, line_in
from framework.engine.view import View
from framework.errors import ConfigError
from framework.machine.disk import CHECKS

_registered: WeakKeyDictionary[FunctionType, bool] = WeakKeyDictionary()
"""The functions to change, and whether their numbers and indices are checked."""

_DIVIDES = ("truediv", "floordiv", "mod", "itruediv", "ifloordiv", "imod")
_POSITIONAL = {"order": 2, "bracket": 2, "replace": 1}
"""How many arguments the view's words take without their names."""


def register(function: Callable[..., Any], *, checks: bool) -> FunctionType:
    """Let a function be changed before numba compiles it; it is returned."""
    if not isinstance(function, FunctionType):
        raise ConfigError(f"@compiled on {function!r}: not a function written in Python, so it cannot be compiled")
    if function.__code__.co_exceptiontable:
        raise ConfigError(
            f"{function.__qualname__} has a `try` or `with`, which compiled code does not: ask before the call that may fail, as in "
            "`if view.bar_count(i) >= 20`"
        )
    _registered[function] = checks and CHECKS
    return function


def checks_of(function: FunctionType) -> bool | None:
    """Whether a registered function is checked; None of one that is not registered."""
    return _registered.get(function)


def unchecked(functions: Iterable[FunctionType]) -> list[str]:
    """Which of these registered functions and those that they call are not checked."""
    return sorted(function.__qualname__ for function in _reached(functions) if not _registered[function])


def may_loop(function: FunctionType) -> bool:
    """Whether a registered function, or one that it calls, has a loop."""
    codes = (code for reached in _reached([function]) for code in _codes(reached.__code__))
    return any("JUMP_BACKWARD" in step.opname for code in codes for step in dis.get_instructions(code))


def _reached(functions: Iterable[FunctionType]) -> list[FunctionType]:
    """These registered functions and those that they call, by the names in their code."""
    found: list[FunctionType] = []
    to_see = list(functions)
    while to_see:
        function = to_see.pop()
        if function in found or function not in _registered:
            continue
        found.append(function)
        names = {name for code in _codes(function.__code__) for name in code.co_names}
        values = [function.__globals__.get(name) for name in names] + list(inspect.getclosurevars(function).nonlocals.values())
        values += [vars(value).get(name) for value in values if isinstance(value, ModuleType) for name in names]
        plain = [getattr(value, "py_func", value) for value in values]  # a helper of a driver is compiled already
        to_see += [value for value in plain if isinstance(value, FunctionType)]
    return found


def _codes(code: CodeType) -> list[CodeType]:
    return [code, *(inner for constant in code.co_consts if isinstance(constant, CodeType) for inner in _codes(constant))]


@intrinsic
def check_index(typingctx: Any, array: Any, index: Any) -> Any:
    """Fail where a whole number is no index of an array with one dimension; numba's own check covers the others."""
    is_checked = isinstance(array, types.Array) and array.ndim == 1 and isinstance(index, types.Integer) and index.signed

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if is_checked:
            value = context.make_array(array)(context, builder, args[0])
            at, size = context.cast(builder, args[1], index, types.int64), builder.extract_value(value.shape, 0)
            is_off = builder.or_(builder.icmp_signed(">=", at, size), builder.icmp_signed("<", at, builder.neg(size)))
            emit_failure_if(context, builder, is_off, Failure.INDEX, at, size)
        return context.get_dummy_value()

    return types.void(array, index), codegen


@register_rewrite("before-inference")
class HookRewrite(Rewrite):
    """Changes the blocks of registered functions, each once."""

    def __init__(self, state: Any = None) -> None:
        self._state = state
        self._changed: set[int] = set()
        self._headers: set[Any] | None = None

    def match(self, func_ir: Any, block: Any, typemap: Any, calltypes: Any) -> bool:
        """Whether a block is one of a registered function and not yet changed."""
        checks = _registered.get(func_ir.func_id.func)
        if checks is None or id(block) in self._changed:
            return False
        if self._headers is None:
            if checks:
                refuse_unassigned(func_ir)
            self._headers = {id(func_ir.blocks[loop.header]) for loop in compute_cfg_from_blocks(func_ir.blocks).loops().values()}
        self._ir, self._block, self._checks = func_ir, block, checks
        return True

    def apply(self) -> Any:
        """The block in its new form."""
        made = ir.Block(self._block.scope, self._block.loc)
        self._made, self._line = made, -1
        if id(self._block) in (self._headers or ()):
            self._call(pass_loop, (), self._block.loc)
        for statement in self._block.body:
            self._take(statement)
        self._changed.add(id(made))
        for context in (self._state.typingctx, self._state.targetctx):
            context.refresh()  # the functions that note lines are new to it
        self._keep = [*getattr(self, "_keep", ()), made, self._block]  # an id is that of one block only while it lives
        return made

    def _call(self, function: Any, arguments: tuple[Any, ...], loc: Any, target: Any = None) -> None:
        scope = self._block.scope
        name = scope.redefine("$checked", loc)
        self._made.append(ir.Assign(ir.Global("checked", function, loc), name, loc))
        call = ir.Expr.call(name, arguments, (), loc)
        self._made.append(ir.Assign(call, target if target is not None else scope.redefine("$nothing", loc), loc))

    def _take(self, statement: Any) -> None:
        value = statement.value if isinstance(statement, ir.Assign) else None
        if isinstance(statement, ir.Jump | ir.Branch | ir.Return | ir.Del):
            self._made.append(statement)
            return
        is_read = isinstance(value, ir.Expr) and value.op in ("getattr", "cast", "build_tuple", "phi")
        may_fail = not (is_read or isinstance(value, ir.Const | ir.Global | ir.FreeVar | ir.Var | ir.Arg))
        if CHECKS and may_fail and statement.loc.line != self._line:
            self._line = statement.loc.line
            self._call(note_line(line_in(statement.loc.filename, self._line)), (), statement.loc)
        if isinstance(value, ir.Expr) and self._took_expression(statement, value):
            return
        if self._checks and isinstance(statement, ir.SetItem | ir.StaticSetItem):
            self._see_index(statement.target, statement.index if isinstance(statement, ir.SetItem) else statement.index_var, statement.loc)
            self._call(
                check_stored(self._state_name(statement.target), line_at(statement)), (statement.target, statement.value), statement.loc
            )
        if isinstance(statement, ir.SetAttr):
            self._call(check_field(statement.attr, line_at(statement)), (statement.target, statement.value), statement.loc)
        refuse_raise(statement)
        if isinstance(statement, ir.Print):
            for function, arguments in prints(statement):
                self._call(function, arguments, statement.loc)
            return
        self._made.append(statement)

    def _state_name(self, array: Any) -> str:
        """The name of the state that an array is; empty where it is something else."""
        try:
            definition = self._ir.get_definition(array)
            is_of_argument = isinstance(definition, ir.Expr) and definition.op == "getattr" and self._ir.get_definition(definition.value)
        except KeyError:
            return ""
        return definition.attr if isinstance(is_of_argument, ir.Arg) else ""

    def _took_expression(self, statement: Any, value: Any) -> bool:
        """Write an expression's checked form, if it has one of its own; what is checked beside it is written here too."""
        if self._checks and value.op == "make_function":
            raise UnsupportedError(
                "a function inside a hook that is not called by its name there: decorate it outside with @compiled", value.loc
            )
        if value.op == "call":
            if not self._is_word_of_view(value.func):
                self._line = -1  # what is called notes lines of its own
            return self._took_call(statement, value)
        if not self._checks:
            return False
        if value.op in ("binop", "inplace_binop", "unary"):
            checked = OPERATORS.get(value.fn)
            if checked is None or self._is_constant(value):
                return False
            arguments = (value.value,) if value.op == "unary" else (value.lhs, value.rhs)
            self._call(checked, arguments, statement.loc, statement.target)
            return True
        if value.op in ("getitem", "static_getitem"):
            self._see_index(value.value, value.index if value.op == "getitem" else value.index_var, statement.loc)
        return False

    def _see_index(self, array: Any, index: Any, loc: Any) -> None:
        if index is not None:  # a tuple that is taken apart has no index of its own
            self._call(check_index, (array, index), loc)

    def _is_constant(self, value: Any) -> bool:
        """Whether an expression is one of constants, which numba may have to know; what fails is none."""
        used = (value.value,) if value.op == "unary" else (value.lhs, value.rhs)
        meant = [self._meant(name) for name in used]
        fails = value.fn.__name__ in _DIVIDES and not isinstance(meant[-1], str) and meant[-1] == 0
        return all(isinstance(one, int | float | str) for one in meant) and value.fn.__name__ not in ("pow", "ipow") and not fails

    def _is_word_of_view(self, name: Any) -> bool:
        """Whether what is called is one of the view's words, by its name and what it is asked of: none of them notes lines."""
        try:
            definition = self._ir.get_definition(name)
            asked = self._ir.get_definition(definition.value) if isinstance(definition, ir.Expr) and definition.op == "getattr" else None
        except KeyError:
            return False
        return isinstance(asked, ir.Arg) and hasattr(View, definition.attr)

    def _meant(self, name: Any) -> Any:
        """What a name stands for where that is known: a constant, a function, a module's function; else None."""
        try:
            definition = self._ir.get_definition(name)
        except KeyError:
            return None
        if isinstance(definition, ir.Const | ir.Global | ir.FreeVar):
            return definition.value
        if isinstance(definition, ir.Expr) and definition.op == "getattr" and self._meant(definition.value) is math:
            return getattr(math, definition.attr, None)
        return None

    def _found(self, name: Any) -> Any:
        """What a name stands for where it is read from outside the function, through modules or not; else None."""
        try:
            definition = self._ir.get_definition(name)
        except KeyError:
            return None
        if isinstance(definition, ir.Expr) and definition.op == "getattr":
            module = self._found(definition.value)
            return getattr(module, definition.attr, None) if isinstance(module, ModuleType) else None
        return definition.value if isinstance(definition, ir.Global | ir.FreeVar) else None

    def _took_call(self, statement: Any, value: Any) -> bool:
        if self._checks:
            refuse_function(self._found(value.func), _registered, value.loc)
        function = self._meant(value.func)
        if function is None:
            self._see_names(value)
            return False
        try:
            checked = EXTREMES.get(function) or CALLS.get(function)
        except TypeError:  # not hashable: nothing of ours
            return False
        if checked is None and getattr(function, "__module__", "") == "math" and function not in SAME:
            raise UnsupportedError(f"math.{function.__name__} is not the same in machine code; compute it otherwise", loc=value.loc)
        if not self._checks or checked is None or value.kws or value.vararg:
            return False
        if isinstance(checked, dict):
            if len(value.args) not in checked:
                raise UnsupportedError(f"{function.__name__} of more than three numbers", loc=value.loc)
            checked = checked[len(value.args)]
        self._call(checked, tuple(value.args), statement.loc, statement.target)
        return True

    def _see_names(self, value: Any) -> None:
        """Refuse arguments of the view's words that Python wants by name."""
        try:
            definition = self._ir.get_definition(value.func)
        except KeyError:
            return
        if isinstance(definition, ir.Expr) and definition.op == "getattr" and definition.attr in _POSITIONAL:
            most = _POSITIONAL[definition.attr]
            if len(value.args) > most:
                raise UnsupportedError(
                    f"{definition.attr} takes {most} arguments without a name, {len(value.args)} are given", loc=value.loc
                )


class Admission(Rewrite):
    """Looks through the types in checked functions and refuses what they may not use. Changes nothing."""

    def __init__(self, state: Any = None) -> None:
        self._state = state

    def match(self, func_ir: Any, block: Any, typemap: Any, calltypes: Any) -> bool:
        """Never; what numba has put in from functions of its own is not looked at."""
        if _registered.get(func_ir.func_id.func):
            for statement in block.body:
                if isinstance(statement, ir.Assign) and statement.loc.filename == func_ir.loc.filename:
                    admit(statement, typemap, _registered)
        return False

    def apply(self) -> Any:
        """Not called: nothing matches."""
        raise NotImplementedError


rewrite_registry.rewrites["after-inference"].insert(0, Admission)  # before numba's own, which take array expressions apart
