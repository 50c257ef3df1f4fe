"""A book by level and its trades, made from a seed: best prices that wander, levels that are published again, trades that hit the best."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from framework.schema.event import Flag, Kind

_BUY, _SELL, _LAST, _SNAPSHOT, _CLEAR = (int(flag) for flag in (Flag.BUY, Flag.SELL, Flag.LAST, Flag.SNAPSHOT, Flag.CLEAR))
_DEPTH, _TRADE = int(Kind.DEPTH), int(Kind.TRADE)
_LEVELS, _SLOTS = 20, 1 << 15
_MEAN_GAP_NS = 1_000_000.0


def book_walk(rows: int, seed: int, first_ns: int) -> dict[str, NDArray[np.int64]]:
    """About `rows` rows as columns kind, flags, price (ticks), lots and stamps (of the venue, ns); the first is stamped `first_ns`."""
    columns = {name: np.zeros(rows, dtype=np.int64) for name in ("kind", "flags", "price", "lots", "stamps")}
    made = _walk(rows, seed, first_ns, *columns.values())
    return {name: values[:made] for name, values in columns.items()}


@numba.njit
def _emit(row: int, columns: Any, kind: int, flags: int, price: int, lots: int, ns: int) -> int:
    kinds, all_flags, prices, all_lots, stamps = columns
    kinds[row], all_flags[row], prices[row], all_lots[row], stamps[row] = kind, flags, price, lots, ns
    return row + 1


@numba.njit
def _next_best(levels: Any, price: int, step: int) -> int:
    for _ in range(_SLOTS):
        if levels[price % _SLOTS] != 0:
            break
        price += step
    return price


@numba.njit
def _walk(rows: int, seed: int, first_ns: int, kind: Any, flags: Any, price: Any, lots: Any, stamps: Any) -> int:
    np.random.seed(seed)
    columns = (kind, flags, price, lots, stamps)
    best = np.array([100_000, 100_001])  # bid, offer
    levels = np.zeros((2, _SLOTS), np.int64)
    ns, row = first_ns, 0
    for side in range(2):
        for k in range(_LEVELS):
            at = best[side] - k if side == 0 else best[side] + k
            levels[side, at % _SLOTS] = 10 + k
            said = _SNAPSHOT | (_BUY if side == 0 else _SELL) | (_CLEAR if row == 0 else 0) | (_LAST if row == 2 * _LEVELS - 1 else 0)
            row = _emit(row, columns, _DEPTH, said, at, 10 + k, ns)
    while row < rows - 2:
        ns += int(np.random.exponential(_MEAN_GAP_NS)) + 1
        side = int(np.random.random() < 0.5)
        away = -1 if side == 0 else 1
        said = _LAST | (_BUY if side == 0 else _SELL)
        chance = np.random.random()
        if chance < 0.12:  # a trade takes from the best
            at = best[side]
            standing = levels[side, at % _SLOTS]
            size = min(standing, 1 + int(np.random.exponential(3.0)))
            row = _emit(row, columns, _TRADE, _SELL if side == 0 else _BUY, at, size, ns)
            left = standing - size
            if left == 0 and np.random.random() < 0.3:
                left = 1 + int(np.random.exponential(8.0))
            ns += 100
        else:  # a level is published again; now and then one inside the spread
            at = best[side] + away * int(np.random.exponential(4.0))
            if chance > 0.94 and best[1] - best[0] > 1:
                at = best[side] - away
            standing = levels[side, at % _SLOTS]
            left = 1 + int(np.random.exponential(8.0)) if standing == 0 else max(0, standing + int(np.round(np.random.normal(0.0, 4.0))))
        row = _emit(row, columns, _DEPTH, said, at, left, ns)
        levels[side, at % _SLOTS] = left
        if left > 0 and (best[side] - at) * away > 0:
            best[side] = at
        best[side] = _next_best(levels[side], best[side], away)
    return row
