"""Refuses a compiled function that may read a variable before it has a value: Python raises there, machine code reads what lies there."""

from __future__ import annotations

from typing import Any

from numba.core import ir
from numba.core.analysis import compute_cfg_from_blocks
from numba.core.errors import UnsupportedError


def refuse_unassigned(func_ir: Any) -> None:
    """Refuse a function in which a variable is read that has no value on some way through the statements to it.

    Args:
        func_ir: numba's statements, before variables are given a name for each of their values.

    Raises:
        UnsupportedError: names the first such variable and its line.
    """
    blocks = func_ir.blocks
    graph = compute_cfg_from_blocks(blocks)
    gives = {label: _given(blocks[label]) for label in graph.nodes()}
    known = _known_at_entry(graph, gives)
    found = [use for label in graph.nodes() for use in _unassigned(blocks[label], known[label])]
    if found:
        loc, name = min(found, key=lambda use: (use[0].line, use[1]))
        name = name.split(".")[0]
        raise UnsupportedError(
            f"{name} may be unassigned at line {loc.line}: not every way there gives it a value (an `if` that is false, a loop without a "
            f"pass). Write `{name} = ...` before that `if` or loop",
            loc=loc,
        )


def _known_at_entry(graph: Any, gives: dict[int, set[str]]) -> dict[int, set[str]]:
    """For each block the variables that have a value whichever way led to it: the largest such sets, found by taking away."""
    every = set().union(*gives.values())
    known = {label: set(every) for label in gives}
    known[graph.entry_point()] = set()
    is_settled = False
    while not is_settled:
        is_settled = True
        for label in graph.topo_order():
            before = [known[source] | gives[source] for source, _ in graph.predecessors(label)]
            if label == graph.entry_point() or not before:
                continue
            now = set.intersection(*before)
            if now != known[label]:
                known[label], is_settled = now, False
    return known


def _given(block: Any) -> set[str]:
    return {statement.target.name for statement in block.body if isinstance(statement, ir.Assign)}


def _unassigned(block: Any, known: set[str]) -> list[tuple[Any, str]]:
    """Place and name of the reads of a block of what has no value for certain; numba's own variables always have one."""
    found: list[tuple[Any, str]] = []
    known = set(known)
    for statement in block.body:
        if isinstance(statement, ir.Del):
            continue
        used = _read(statement.value) if isinstance(statement, ir.Assign) else statement.list_vars()
        found += [(statement.loc, use.name) for use in used if use.name not in known and not use.name.startswith("$")]
        if isinstance(statement, ir.Assign):
            known.add(statement.target.name)
    return found


def _read(value: Any) -> list[Any]:
    if isinstance(value, ir.Var):
        return [value]
    return list(value.list_vars()) if isinstance(value, ir.Expr) else []
