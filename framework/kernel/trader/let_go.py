"""What a trader half keeps in memory of tables that only ever grow: orders, points, trades, changes and flows.

From some size on only the last rows stay. What comes before them goes to a store, and its pages back to the system: rows keep their
numbers and places, and those without memory read as zeros. Orders that live stay where they are, with their families, as each
walks its own; they are linked, so that nobody walks over what has gone.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framework.kernel.layout.codes import S_FILLED, S_NONE, S_REFUSED, SUBMIT
from framework.kernel.layout.half import Half
from framework.kernel.layout.table_room import KEPT_ORDERS

Rows = NDArray[np.void]

LONG_TABLES = ("orders", "points", "trades", "changes", "flows")

STEP_ROWS = 65_536
"""A table lets rows go whenever so many have come; it begins when it has twice as many."""

_POINTS = 16
"""So many times more of points: each bar may make one, and they are small."""

_LIBRARY = ctypes.CDLL(None) if sys.platform == "linux" else None


class Store(Protocol):
    """Where rows go that leave memory."""

    def add(self, rows: Rows) -> None:
        """Take the next rows; they must not change afterwards."""

    def put(self, at: int, row: Rows) -> None:
        """Replace one row, shape (1,)."""

    def cut(self, count: int) -> None:
        """Forget what was added after the first `count` rows."""

    def blocks(self, start: int = 0) -> Iterator[Rows]:
        """The rows from number `start` on, block by block."""

    def whole(self) -> Rows:
        """All rows."""


def lazy_rows(rows: int, dtype: np.dtype[np.void]) -> Rows:
    """Zeros that take memory, and count as promised, only where they are written; and one row more."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
    return np.frombuffer(mmap.mmap(-1, (rows + 1) * dtype.itemsize, flags=flags), dtype)[:-1]


def empty_pages(rows: Rows, begin: int, end: int) -> None:
    """Let rows read as zeros, and give back the pages that lie wholly in them where the system takes pages back."""
    address = rows.ctypes.data
    low = -(-(address + begin * rows.itemsize) // mmap.PAGESIZE) * mmap.PAGESIZE
    high = (address + end * rows.itemsize) // mmap.PAGESIZE * mmap.PAGESIZE
    if high <= low:
        return
    if _LIBRARY is None or _LIBRARY.madvise(ctypes.c_void_p(low), ctypes.c_size_t(high - low), mmap.MADV_DONTNEED) != 0:
        ctypes.memset(low, 0, high - low)


def family(orders: Rows, order_id: int, count: int) -> tuple[int, int]:
    """(first, end) of the rows that an order's parent, children and group take, and the one behind, at which whoever walks them stops."""
    parents, groups = orders["parent_id"], orders["group_id"]
    first = order_id
    while (before := min(at for at in (int(parents[first]), int(groups[first]), first) if at >= 0)) < first:
        first = before
    end = order_id + 1
    while end < count and max(int(parents[end]), int(groups[end])) >= first:
        end += 1
    return first, min(end + 1, count)


def has_ended(states: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which states are ends."""
    found: NDArray[np.bool_] = (states >= S_FILLED) & (states <= S_REFUSED)
    return found


def is_alive(states: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which states are of orders that there are, and are no ends."""
    found: NDArray[np.bool_] = (states > S_NONE) & ~has_ended(states)
    return found


def living(orders: Rows, begin: int, end: int, now_ns: int) -> list[int]:
    """The orders in a range of rows that have not ended before the present stamp."""
    rows = orders[begin:end]
    lives = is_alive(rows["state"]) | (has_ended(rows["state"]) & (rows["done_ns"] >= now_ns))
    return [begin + int(k) for k in np.flatnonzero(lives)]


def first_kept(orders: Rows, count: int) -> int:
    """The first of the orders that stay whether they have ended or not: the last ones, and all of the youngest's family."""
    return min(max(count - KEPT_ORDERS, 0), family(orders, count - 1, count)[0]) if count else 0


def needed(orders: Rows, log: Rows, alive: list[int], kept: int, count: int) -> list[tuple[int, int]]:
    """Ranges of rows before `kept` that stay: of the orders that live, and of those that the log tells of, whose hooks may still run."""
    told = np.unique(log["w0"][(log["kind"] >= SUBMIT) & (log["w0"] >= 0) & (log["w0"] < kept)]).tolist()
    ranges: list[tuple[int, int]] = []
    for order_id in sorted({*alive, *told}):
        if orders["state"][order_id] and (not ranges or order_id >= ranges[-1][1] - 1):
            ranges.append(family(orders, order_id, count))
    return ranges


def step_rows(name: str) -> int:
    """`STEP_ROWS` of a table."""
    return STEP_ROWS * (_POINTS if name == "points" else 1)


class LongTables:
    """The long tables of one trader half. It does not hold the half, which would then wait for the garbage collector.

    Args:
        stores: where the rows of each go.
    """

    def __init__(self, stores: Mapping[str, Store]) -> None:
        self._stores = dict(stores)
        self._gone = dict.fromkeys(stores, 0)
        self._linked: list[int] = []
        self._complete: dict[str, tuple[bytes, Rows]] = {}

    def capacity(self, name: str, rows: int, count: int) -> int:
        """After how many rows a table is next looked at."""
        return min(rows, max(2 * step_rows(name), count + step_rows(name))) if name in self._stores else rows

    def lets_go(self, half: Half, name: str) -> bool:
        """Let go of what a table no longer needs, once it is long; whether it is."""
        count, rows = half.count(name), half.tables[name]
        if name not in self._stores or count < 2 * step_rows(name):
            return False
        store, gone = self._stores[name], self._gone[name]
        store.cut(gone)
        kept, ranges = count - step_rows(name), []
        if name == "orders":
            kept = max(first_kept(rows, count), gone)
            store.add(rows[gone:kept].copy())
            ranges = self._link(half, kept, count)
        else:
            store.add(rows[gone:kept].copy())
        self._gone[name] = kept
        if len(rows) < count + step_rows(name):
            larger = lazy_rows(2 * len(rows), rows.dtype)
            for first, end in (*ranges, (kept, count)):
                larger[first:end] = rows[first:end]
            half.replace(name, larger)
        else:
            at = 0
            for first, end in (*ranges, (kept, kept)):
                empty_pages(rows, at, max(first, at))
                at = max(at, end)
            half.replace(name, rows)
        return True

    def _link(self, half: Half, kept: int, count: int) -> list[tuple[int, int]]:
        """Link the living orders before `kept`, and put into the store what has ended since; returns the ranges of rows that stay."""
        rows, now_ns = half.tables["orders"], int(half.record["now_ns"][0])
        was = self._linked
        self._linked = [k for k in was if living(rows, k, k + 1, now_ns)] + living(rows, self._gone["orders"], kept, now_ns)
        for order_id in set(was) - set(self._linked):
            self._stores["orders"].put(order_id, rows[order_id : order_id + 1])
        for order_id, following in pairwise((*self._linked, kept)):
            rows["next_working"][order_id] = following
        half.record["orders_gone"] = kept
        if half.record["first_live"][0] < kept:
            half.record["first_live"] = self._linked[0] if self._linked else kept
        return needed(rows, half.used("log"), self._linked, kept, count)

    def living_orders(self, half: Half) -> list[int]:
        """The orders that have not ended."""
        rows = half.tables["orders"]
        alive = [k for k in self._linked if is_alive(rows["state"][k : k + 1])[0]]
        gone, count = self._gone.get("orders", 0), half.count("orders")
        return alive + (gone + np.flatnonzero(is_alive(rows["state"][gone:count]))).tolist()

    def since(self, half: Half, name: str, start: int) -> Rows:
        """The rows of a table from number `start` on."""
        gone = self._gone.get(name, 0)
        rows = half.tables[name][max(start, gone) : half.count(name)]
        if start >= gone:
            return rows
        store = self._stores[name]
        store.cut(gone)
        return np.concatenate([*(block.copy() for block in store.blocks(start)), rows])

    def complete(self, half: Half, name: str) -> Rows | None:
        """All rows of a table of which some have gone, else nothing."""
        gone = self._gone.get(name, 0)
        if gone == 0:
            return None
        state = half.record.tobytes()
        found = self._complete.get(name)
        if found is None or found[0] != state:
            store, rows = self._stores[name], half.tables[name]
            store.cut(gone)
            for order_id in self._linked if name == "orders" else ():
                store.put(order_id, rows[order_id : order_id + 1])
            store.add(rows[gone : half.count(name)].copy())
            found = self._complete[name] = (state, store.whole())
        return found[1]
