"""Functions that are only ever parts of others: compiled with those, once.

numba optimises each function with everything it calls, and turns that into machine code, before it does the same for each caller: deep
trees of calls are compiled as often as they are deep. It also compiles a function anew for every constant and width of integer it is
called with. A `Part` is only translated, for 64-bit integers; whatever is entered from outside, a `Unit`, a strategy's loop or a call
from Python, is optimised as a whole with its parts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numba
from numba import types
from numba.core.ccallback import CFunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, CompileResult
from numba.core.registry import CPUDispatcher

from framework.machine.kept import Kept


class _Library(JITCodeLibrary):
    """The translated code of a part, and which other parts it calls."""

    _shared_module: Any

    def finalize(self) -> None:
        self._parts: dict[int, _Library] = {}  # those that are called stand before their callers
        for library in self._linking_libraries:
            self._reload_init.update(library._reload_init)
            if isinstance(library, _Library):
                self._parts |= library._parts
                self._parts[id(library)] = library
            else:
                self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalize_dynamic_globals()
        self._finalized = True

    def _get_module_for_linking(self) -> Any:
        """The code with that of all parts below, for a caller that is optimised as a whole."""
        self._ensure_finalized()
        if self._shared_module is None:
            whole = self._final_module.clone()
            for part in reversed(self._parts.values()):  # what nobody calls yet is not linked where it comes from disk
                whole.link_in(part._final_module, preserve=True)
            for function in whole.functions:
                if not function.is_declaration and function.linkage == llvm.Linkage.external:
                    function.linkage = "linkonce_odr"  # callers may bring the same part twice
            self._shared_module = whole
        return self._shared_module

    @classmethod
    def read(cls, codegen: Any, name: str, bitcode: bytes) -> _Library:
        """What was kept on disk, with all parts below."""
        self = cls(codegen, name)
        self._final_module = self._shared_module = llvm.parse_bitcode(bitcode)
        self._parts, self._finalized = {}, True
        return self


class _WholeLibrary(JITCodeLibrary):
    """The code of what is entered from outside, with its parts, which nobody else calls."""

    def _optimize_final_module(self) -> None:
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == llvm.Linkage.linkonce_odr:
                function.linkage = llvm.Linkage.internal
        super()._optimize_final_module()


class Whole(Compiler):
    """Optimises a function as a whole with its parts, whose single callers take them in."""

    def compile_extra(self, func: Callable[..., Any]) -> Any:
        """Compile a function, its parts linked in before anything is optimised."""
        self.state.library = _WholeLibrary(self.state.targetctx.codegen(), func.__qualname__)
        self.state.library.enable_object_caching()
        return super().compile_extra(func)


class _Place:
    """What callers know a part by, where other functions of numba have an entry for Python."""


class _PartCompiler(Compiler):
    """Stops after the translation."""

    stays_apart = False

    def compile_extra(self, func: Callable[..., Any]) -> Any:
        """Translate a function and let callers know it."""
        self.state.library = _Library(self.state.targetctx.codegen(), func.__qualname__)
        self.state.flags.no_compile = True
        result = super().compile_extra(func)
        if self.stays_apart:
            result.library.get_function(result.fndesc.llvm_func_name).add_function_attribute("noinline")
        result.library.finalize()
        place = _Place()
        result.target_context.insert_user_function(place, result.fndesc, [result.library])
        return result._replace(entry_point=place)


class _ApartCompiler(_PartCompiler):
    stays_apart = True


class _KeptPart(Kept):
    """Writes and reads a part as bitcode."""

    def reduce(self, result: Any) -> Any:
        """The translation with that of all parts below."""
        library, fndesc = result.library, result.fndesc
        fndesc.typemap = fndesc.calltypes = None  # as numba does: they are not needed by callers
        return library.name, library._get_module_for_linking().as_bitcode(), fndesc, result.signature, result.reload_init

    def rebuild(self, target_context: Any, payload: Any) -> Any:
        """What callers need of a part."""
        name, bitcode, fndesc, signature, reload_init = payload
        for load in reload_init:
            load()
        fields = dict.fromkeys(CompileResult._fields)
        fields.update(
            target_context=target_context,
            typing_context=target_context.typing_context,
            library=_Library.read(target_context.codegen(), name, bitcode),
            entry_point=_Place(),
            fndesc=fndesc,
            signature=signature,
            objectmode=False,
            lifted=(),
            reload_init=reload_init,
        )
        return CompileResult(**fields)


class _KeptWhole(Kept):
    """Writes and reads what is entered from outside: its machine code alone.

    numba keeps the bitcode beside it, for callers that would take it in; nobody does, and reading it takes longer than the machine code.
    """

    def reduce(self, result: Any) -> Any:
        """What numba keeps, with an empty module for the bitcode, and the names that this had defined."""
        (name, form, (machine_code, _)), *others = result._reduce()
        whole = result.library._get_module_for_linking()
        names = {value.name for values in (whole.functions, whole.global_variables) for value in values if not value.is_declaration}
        return names, ((name, form, (machine_code, llvm.parse_assembly("").as_bitcode())), *others)

    def rebuild(self, target_context: Any, payload: Any) -> Any:
        """The compiled function; numba looks for no name that it does not know to be defined."""
        names, kept = payload
        target_context.codegen()._engine._defined_symbols |= names
        return super().rebuild(target_context, kept)


def _widened(argument: Any) -> Any:
    """The type a part takes: integers that 64 bits hold, constants or not, are one type."""
    argument = types.unliteral(argument)
    return types.int64 if isinstance(argument, types.Integer) and argument != types.uint64 else argument


class Part(CPUDispatcher):
    """A compiled function for other compiled functions. Called from Python, it is compiled once more, with an entry for Python.

    Args:
        py_func: what to compile.
        options: of `numba.njit`.
        stays_apart: whether it remains a function of its own in the machine code of its callers.
        is_kept: whether its translation is kept on disk; its source is one of the kernel's then.
    """

    def __init__(self, py_func: Callable[..., Any], options: dict[str, Any], *, stays_apart: bool = False, is_kept: bool = True) -> None:
        inner = {**options, "nopython": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        super().__init__(py_func, targetoptions=inner, pipeline_class=_ApartCompiler if stays_apart else _PartCompiler)
        self._options, self._is_kept = options, is_kept
        self._for_python: Any = None
        if is_kept:
            self._cache = _KeptPart(py_func, {**inner, "stays_apart": stays_apart}, _file_of(py_func), covered=True)

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """How a call from compiled code is typed."""
        return super().get_call_template(tuple(map(_widened, args)), {name: _widened(value) for name, value in kws.items()})

    def add_overload(self, cres: Any) -> None:
        """Keep what was translated for callers; Python cannot call it."""
        self.overloads[tuple(cres.signature.args)] = cres

    def _compile_for_args(self, *args: Any) -> Any:
        with _lock:
            if self._for_python is None:
                for_python = numba.njit(**self._options, pipeline_class=Whole)(self.py_func)
                if self._is_kept:
                    for_python._cache = _KeptWhole(self.py_func, self._options, f"entries/{_file_of(self.py_func)}", covered=True)
                self._for_python = for_python
        compiled = self._for_python._compile_for_args(*args)
        self._insert([self.typeof_pyval(value)._code for value in args], compiled)
        return compiled


_lock = threading.Lock()


def _file_of(function: Callable[..., Any]) -> str:
    return Path(function.__code__.co_filename).stem


def whole(function: Callable[..., Any], options: dict[str, Any], folder: str = "") -> Any:
    """Compile a function that Python calls, as a whole with its parts.

    Args:
        folder: where it is kept on disk, by all that it depends on; by default nowhere.
    """
    dispatcher = numba.njit(**options, pipeline_class=Whole)(function)
    if folder:
        dispatcher._cache = _KeptWhole(function, options, folder)
    return dispatcher


def unit(function: Callable[..., Any], kind: Any, options: dict[str, Any]) -> Any:
    """Compile a part of the kernel that is called by address, or load what was kept.

    Args:
        kind: its signature.
    """
    made: Any = CFunc(function, (kind.args, kind.return_type), {}, options, pipeline_class=Whole)
    made._cache = _KeptWhole(function, options, _file_of(function), covered=True)
    made.compile()
    return made
