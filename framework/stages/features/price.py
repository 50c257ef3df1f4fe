"""Where the price is between bid and ask: the weighted mid and Stoikov's micro-price."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from framework.errors import InputError
from framework.stages.features.feature import Feature, Floats, Step, above, at_least, feature_kernel
from framework.stages.features.moments import VALUE, value_row


@feature_kernel
def weighted_mid(bid: float, bid_size: float, ask: float, ask_size: float) -> float:
    """(bid x ask_size + ask x bid_size) / (bid_size + ask_size), in price units; NaN where there is no book. Hooks may call it."""
    total = bid_size + ask_size
    return (bid * ask_size + ask * bid_size) / total if total > 0.0 else math.nan


def _weighted(state: Any, bid: float, bid_size: float, ask: float, ask_size: float) -> float:
    return weighted_mid(bid, bid_size, ask, ask_size)


class WeightedMid(Feature):
    """The mid weighted by the sizes of the other side: `weighted_mid` of every book."""

    state_dtype = np.dtype([("nothing", "<i8")])
    step = Step(_weighted)
    rows = "books"


@feature_kernel
def _bucket(bid_size: float, ask_size: float, buckets: int) -> int:
    """Imbalance bid_size / (bid_size + ask_size) in equal buckets, mirror images of each other: -1 where there is none."""
    total = bid_size + ask_size
    if not total > 0.0:
        return -1
    if 2.0 * bid_size >= total:  # the upper half is the lower half upside down, to the last bit
        return buckets - 1 - min(int(ask_size / total * buckets), (buckets - 1) // 2)
    return min(int(bid_size / total * buckets), (buckets - 1) // 2)


@feature_kernel
def _state_of(bid: float, bid_size: float, ask: float, ask_size: float, tick: float, buckets: int, spreads: int) -> int:
    """The number of a state, spread by spread; -1 outside of the table."""
    if not (bid > 0.0 and ask > bid):
        return -1
    spread = round((ask - bid) / tick)
    bucket = _bucket(bid_size, ask_size, buckets)
    return (spread - 1) * buckets + bucket if 1 <= spread <= spreads and bucket >= 0 else -1


def _micro(state: Any, bid: float, bid_size: float, ask: float, ask_size: float) -> float:
    at = _state_of(bid, bid_size, ask, ask_size, state.tick, state.buckets, state.spreads)
    return 0.5 * (bid + ask) + value_row(state.table, at).value if at >= 0 else math.nan


@feature_kernel
def _transitions(states: Any, mids: Any, tick: float) -> Any:
    """Rows (from, to, mid change in half ticks) of consecutive books; both within the table."""
    out = np.empty((max(len(states) - 1, 0), 3), dtype=np.int64)
    count = 0
    for k in range(len(states) - 1):
        if states[k] >= 0 and states[k + 1] >= 0:
            out[count, 0], out[count, 1] = states[k], states[k + 1]
            out[count, 2] = round((mids[k + 1] - mids[k]) / (0.5 * tick))
            count += 1
    return out[:count]


@feature_kernel
def _states_of(bid: Any, bid_size: Any, ask: Any, ask_size: Any, tick: float, buckets: int, spreads: int) -> Any:
    out = np.empty(len(bid), dtype=np.int64)
    for k in range(len(bid)):
        out[k] = _state_of(bid[k], bid_size[k], ask[k], ask_size[k], tick, buckets, spreads)
    return out


class MicroPrice(Feature):
    """The micro-price of Stoikov (2018, The micro-price: a high-frequency estimator of future prices).

        micro = mid + G*(I, S),    G* = sum over i >= 0 of B^i G1,    G1 = (1 - Q)^-1 R K,    B = (1 - Q)^-1 T

    The states are the imbalance I = bid_size / (bid_size + ask_size) in `buckets` equal parts and the spread S in ticks. Of the
    transitions from one book to the next, Q are those that leave the mid, R K the expected move of the mid in one step, and T those that
    move it, by the state they lead to. G* is the limit of the expected mid as the number of its moves grows. The counts are made
    symmetric first: (I, S, I', S', dM) and (1 - I, S, 1 - I', S', -dM) count as one, which makes the sum converge.

    Made by `MicroPrice.fit`. Its values are in price units; NaN in a state that the fit has not seen.

    Attributes:
        adjustment: G* in price units, shape (spreads, buckets), NaN in states not seen.
    """

    state_dtype = np.dtype([("table", "<i8"), ("tick", "<f8"), ("buckets", "<i8"), ("spreads", "<i8")])
    step = Step(_micro)
    rows = "books"

    def __init__(self, adjustment: NDArray[np.float64], tick: float) -> None:
        self.adjustment: NDArray[np.float64] = np.array(adjustment, dtype=np.float64)
        if self.adjustment.ndim != 2:
            raise InputError(f"MicroPrice: adjustment has shape {self.adjustment.shape}; rule: (spreads, buckets)")
        spreads, buckets = self.adjustment.shape
        super().__init__(tick=above("tick", tick, 0.0), buckets=buckets, spreads=spreads)
        table: NDArray[np.void] = np.zeros(spreads * buckets, dtype=VALUE)
        table["value"] = self.adjustment.ravel()
        self._own("table", table)

    @classmethod
    def fit(
        cls,
        bid: ArrayLike,
        bid_size: ArrayLike,
        ask: ArrayLike,
        ask_size: ArrayLike,
        *,
        tick: float,
        buckets: int = 10,
        spreads: int = 3,
        tolerance_ticks: float = 1e-9,
    ) -> Self:
        """Estimate it on past books, shape (n,) each, in the order in which they stood.

        Args:
            tick: price units.
            buckets: of the imbalance.
            spreads: the widest spread of the table, ticks; books wider than it are left out.
            tolerance_ticks: the sum ends when a term is below it.

        Raises:
            InputError: no move of the mid was seen, or the sum does not settle: too few books for so many states.
            ConfigError: a setting below its least.
        """
        buckets, spreads = int(at_least("buckets", buckets, 2)), int(at_least("spreads", spreads, 1))
        sides = [np.ascontiguousarray(column, dtype=np.float64) for column in (bid, bid_size, ask, ask_size)]
        states = _states_of(*sides, above("tick", tick, 0.0), buckets, spreads)
        moves = _transitions(states, 0.5 * (sides[0] + sides[2]), tick)
        if not np.any(moves[:, 2]):
            raise InputError(f"MicroPrice.fit: {len(states)} books, {len(moves)} transitions, none moves the mid. Give more books.")
        mirrored = np.column_stack((_mirror(moves[:, 0], buckets), _mirror(moves[:, 1], buckets), -moves[:, 2]))
        return cls(_limit(np.concatenate((moves, mirrored)), buckets * spreads, tolerance_ticks).reshape(spreads, buckets) * tick, tick)

    @classmethod
    def fit_over(cls, table: pd.DataFrame, *, tick: float, buckets: int = 10, spreads: int = 3) -> Self:
        """`fit` on the books of a market table."""
        books = table[~table["is_trade"]]
        columns = (books[name].to_numpy() for name in ("bid", "bid_size", "ask", "ask_size"))
        return cls.fit(*columns, tick=tick, buckets=buckets, spreads=spreads)


def _mirror(states: NDArray[np.int64], buckets: int) -> NDArray[np.int64]:
    return states // buckets * buckets + buckets - 1 - states % buckets


def _limit(moves: NDArray[np.int64], n: int, tolerance_ticks: float) -> Floats:
    """G* in ticks by state, NaN where no transition begins."""
    start, end, half_ticks = moves.T
    stays, changes = np.zeros((n, n)), np.zeros((n, n))
    moved = half_ticks != 0
    np.add.at(stays, (start[~moved], end[~moved]), 1.0)
    np.add.at(changes, (start[moved], end[moved]), 1.0)
    expected = np.zeros(n)
    np.add.at(expected, start, 0.5 * half_ticks)
    seen = stays.sum(axis=1) + changes.sum(axis=1)
    rows = np.maximum(seen, 1.0)
    leave: Any = np.eye(n) - stays / rows[:, None]
    try:
        first, onward = np.linalg.solve(leave, expected / rows), np.linalg.solve(leave, changes / rows[:, None])
    except np.linalg.LinAlgError:
        raise InputError(
            "MicroPrice.fit: from some state the mid never moves. Give more books, fewer buckets or a narrower spread."
        ) from None
    total, term = np.zeros(n), first
    for _ in range(_MOST_TERMS):
        total += term
        if np.abs(term).max() <= tolerance_ticks:
            return np.where(seen > 0.0, total, np.nan)
        term = onward @ term
    raise InputError(
        f"MicroPrice.fit: the last of {_MOST_TERMS} terms is still {np.abs(term).max():g} ticks. Give more books or fewer buckets."
    )


_MOST_TERMS = 10_000
