"""The limit: the same work as a loop that knows nothing else. No orders, no records, no costs but the one fee."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from framework.bench.peers.harness import Outcome, Work

Ticks = NDArray[np.int64]
Made = tuple[Callable[[], Any], Callable[[Any], Outcome]]


def version() -> str:
    """The compiler's."""
    return f"numba {numba.__version__}"


def prepare(work: Work, mode: str) -> Made:
    """The loop of a workload; `mode` says where orders fill, a key of `FILLS`."""
    return {"W1": _cross, "W2": _universe, "W3": _sweep}[work.name](work, FILLS.get(mode, FILLS["next open"])(work))


def _same_close(work: Work) -> Ticks:
    closes: Ticks = work.array("close")
    return np.concatenate((closes[:1], closes[:-1]))


FILLS: dict[str, Callable[[Work], Ticks]] = {
    "next open": lambda work: work.array("open"),
    "same close": _same_close,
    "next close": lambda work: work.array("close"),
}
"""The price of each bar at which what was decided on the bar before it fills; the last two are how some peers do it."""


@numba.njit(cache=True)
def cross(opens: Ticks, closes: Ticks, fast: int, slow: int, shares: float, cash: float, fee: float, unit: float) -> Any:
    """(final equity, fills) of the moving-average cross: decided at the close, filled at the next open."""
    fast_sum, slow_sum, held, wanted, fills = 0, 0, 0.0, 0.0, 0
    for k in range(len(closes)):
        if wanted != held:
            price = opens[k] / unit
            cash -= (wanted - held) * price + abs(wanted - held) * price * fee
            held = wanted
            fills += 1
        fast_sum += closes[k] - (closes[k - fast] if k >= fast else 0)
        slow_sum += closes[k] - (closes[k - slow] if k >= slow else 0)
        wanted = shares if k >= slow - 1 and fast_sum * slow > slow_sum * fast else 0.0
    return cash + held * closes[-1] / unit, fills


@numba.njit(cache=True)
def sweep(opens: Ticks, closes: Ticks, pairs: Ticks, shares: float, cash: float, fee: float, unit: float) -> Any:
    """`cross` for every pair of windows, over sums made once. Returns (final equities, fills)."""
    sums = np.zeros(len(closes) + 1, dtype=np.int64)
    for k in range(len(closes)):
        sums[k + 1] = sums[k] + closes[k]
    equities, fills = np.empty(len(pairs)), 0
    for p in range(len(pairs)):
        fast, slow = pairs[p, 0], pairs[p, 1]
        money, held = cash, 0.0
        for k in range(slow, len(closes)):  # sums up to k decide at the close of bar k - 1
            now = sums[k]
            wanted = shares if (now - sums[k - fast]) * slow > (now - sums[k - slow]) * fast else 0.0
            if wanted != held:
                price = opens[k] / unit
                money -= (wanted - held) * price + abs(wanted - held) * price * fee
                held = wanted
                fills += 1
        equities[p] = money + held * closes[-1] / unit
    return equities, fills


@numba.njit(cache=True)
def universe(opens: Ticks, closes: Ticks, weights: NDArray[np.float64], cash: float, fee: float, unit: float) -> Any:
    """(equity of each day, fills) of a book brought to weights: sized at the close, filled at the next open.

    Equity is what is left after the expected fees of the day's earlier orders, and an order's fee comes out of its position;
    what is closed is sized first, then what is reduced, then what is enlarged.
    """
    days, symbols = closes.shape
    held, wanted, equity = np.zeros(symbols), np.zeros(symbols), np.empty(days)
    ordered, fills = False, 0
    for day in range(days):
        if ordered:
            for s in range(symbols):
                change = wanted[s] - held[s]
                if change != 0.0:
                    price = opens[day, s] / unit
                    cash -= change * price + abs(change) * price * fee
                    held[s] = wanted[s]
                    fills += 1
            ordered = False
        value = 0.0
        for s in range(symbols):
            value += held[s] * closes[day, s]
        equity[day] = cash + value / unit
        if np.isnan(weights[day, 0]):
            continue
        ordered, left = True, equity[day]
        for turn in range(3):
            for s in range(symbols):
                price, weight = closes[day, s] / unit, weights[day, s]
                kind = 0 if weight == 0.0 else (1 if weight * equity[day] < held[s] * price else 2)
                if kind == turn:
                    target = weight * left / price
                    if weight != 0.0:
                        target -= abs(target - held[s]) * fee
                    wanted[s] = target
                    left -= abs(target - held[s]) * price * fee
    return equity, fills


def _money(work: Work) -> tuple[float, float, float]:
    return float(work.spec["cash"]), work.spec["fee_bps"] * 1e-4, float(work.spec["ticks_per_unit"])


def _cross(work: Work, opens: Ticks) -> Made:
    closes, spec = work.array("close"), work.spec

    def read(result: Any) -> Outcome:
        return Outcome([float(result[0])], int(result[1]), len(closes))

    return lambda: cross(opens, closes, spec["fast"], spec["slow"], spec["shares"], *_money(work)), read


def _sweep(work: Work, opens: Ticks) -> Made:
    closes, pairs = work.array("close"), work.array("pairs")

    def read(result: Any) -> Outcome:
        return Outcome(result[0].tolist(), int(result[1]), len(pairs) * len(closes))

    return lambda: sweep(opens, closes, pairs, work.spec["shares"], *_money(work)), read


def _universe(work: Work, opens: Ticks) -> Made:
    closes, weights = work.array("close"), work.array("weights")

    def read(result: Any) -> Outcome:
        return Outcome([float(result[0][-1])], int(result[1]), closes.size)

    return lambda: universe(opens, closes, weights, *_money(work)), read
