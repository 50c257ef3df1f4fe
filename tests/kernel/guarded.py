"""The kernel's tables as small as can be, with canaries around them: whatever is written past one is found.

Every table that grows begins with one row and grows by one, so each row that is added meets a full table. What a table has left is
compared too: nothing may be written there any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from framework.kernel.layout import half
from framework.kernel.layout.half import Half
from framework.kernel.market import book_memory
from framework.kernel.market.book_memory import Books
from framework.kernel.trader import trader
from framework.kernel.trader.trader import Trader
from framework.kernel.venue import exchange
from framework.kernel.venue.exchange import Exchange
from framework.kernel.venue.venue_account import VenueAccount
from framework.simulation.simulated_world import SimulatedWorld

CANARY = 0xA5
GUARD_ROWS = 4


class Guards:
    """Memory with canary rows before and behind.

    Attributes:
        grown: how often each table grew, by half and name.
    """

    def __init__(self) -> None:
        self._blocks: dict[int, tuple[str, NDArray[np.uint8], int, int]] = {}  # by the address of the first row
        self._left: list[tuple[NDArray[Any], bytes]] = []
        self.grown: dict[tuple[str, str], int] = {}

    def make(self, what: str, rows: int, dtype: np.dtype[Any], *, zeros: bool) -> NDArray[Any]:
        """So many rows, between canaries."""
        edge, size = GUARD_ROWS * dtype.itemsize, rows * dtype.itemsize
        whole = np.full(size + 2 * edge, CANARY, dtype=np.uint8)
        inner = whole[edge : edge + size]
        if zeros:
            inner[:] = 0
        self._blocks[inner.ctypes.data] = (what, whole, edge, edge + size)
        return inner.view(dtype)

    def leave(self, half: str, name: str, rows: NDArray[Any]) -> None:
        """A table has left these rows."""
        self.grown[half, name] = self.grown.get((half, name), 0) + 1
        self._left.append((rows, rows.tobytes()))

    def check(self) -> None:
        """Nothing was written where it must not be."""
        for what, whole, begin, end in self._blocks.values():
            assert (whole[:begin] == CANARY).all(), f"written before {what}"
            assert (whole[end:] == CANARY).all(), f"written behind {what}"
        for rows, kept in self._left:  # no compiled code runs now that could still hold a row of them
            what = self._blocks.pop(rows.ctypes.data)[0]
            assert rows.tobytes() == kept, f"written where {what} stood before it grew"
        self._left.clear()


class GuardedPool:
    """Takes the place of the pool: exactly so many rows, never used again."""

    def __init__(self, guards: Guards) -> None:
        self._guards = guards

    def take(self, use: str, rows: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Rows between canaries."""
        return self._guards.make(use, rows, dtype, zeros=False)

    def forget(self, use: str, array: NDArray[Any]) -> None:
        """Nothing is kept."""


def _watched(kind: type[Half], guards: Guards) -> Callable[[Any, str], None]:
    grow = kind.grow

    def watched(half: Half, name: str) -> None:
        before = half.tables[name]
        grow(half, name)
        if half.tables[name] is not before:
            guards.leave(half._half, name, before)

    return watched


def guard(patch: pytest.MonkeyPatch) -> Guards:
    """Guard every half that is made from now on; canaries are looked at after each `advance` and at the end."""
    guards = Guards()
    for module, tables in ((trader, "TRADER_TABLES"), (exchange, "EXCHANGE_TABLES")):
        smallest = {name: replace(table, rows=1) for name, table in getattr(module, tables).items()}
        patch.setattr(module, tables, smallest)
    patch.setattr(half, "POOL", GuardedPool(guards))
    patch.setattr(Half, "size_after", staticmethod(lambda rows: rows + 1))
    patch.setattr(Half, "provide", lambda half, name, rows: None)
    patch.setattr(Half, "cleared", staticmethod(lambda rows, dtype: guards.make("a fixed table", rows, dtype, zeros=True)))
    patch.setattr(book_memory, "_RESTING_ROWS", 2)
    own = Books._own

    def owned(books: Books, memory: NDArray[Any]) -> int:
        return own(books, guards.make("a book's levels", len(memory), memory.dtype, zeros=True))

    patch.setattr(Books, "_own", owned)
    for kind in (Trader, Exchange, VenueAccount):
        patch.setattr(kind, "grow", _watched(kind, guards))
    for name in ("advance", "close"):
        patch.setattr(SimulatedWorld, name, _checked(getattr(SimulatedWorld, name), guards))
    return guards


def _checked(method: Callable[..., Any], guards: Guards) -> Callable[..., Any]:
    def checked(*arguments: Any) -> Any:
        result = method(*arguments)
        guards.check()
        return result

    return checked


@contextmanager
def guarded() -> Iterator[Guards]:
    """Every half that is made inside is guarded."""
    with pytest.MonkeyPatch.context() as patch:
        guards = guard(patch)
        yield guards
        guards.check()
