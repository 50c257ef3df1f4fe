"""Other futures: the tape with every datum after a stamp changed. Stamps, sessions and halts stay: calendars are known ahead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.prove.perturb_ticks import TICK_KINDS, change_prices, change_ticks, has_books
from framework.schema.event import Kind

Events = NDArray[np.void]

VALUE_KINDS = {
    "raised": "every later price and volume was raised",
    "lowered": "every later price and volume was lowered",
    "parted": "later prices of some instruments were raised and of others lowered",
    "turned": "later prices of some instruments were lowered and of others raised",
    "noise": "later prices were made to wander and volumes scattered",
    "shuffled": "later returns and volumes were put in another order",
}
"""Kinds of change that keep every event, and how a report words them."""

TRUNCATED = "everything later was left out"

_MIRRORED = ("lowered", "turned", "noise")
"""Kinds that also turn each bar upside down within its range: a factor alone leaves a bar that closed above its open above it."""

_LEAST, _MOST = 0.7, 1.6  # logarithms of how far prices move: a factor of 2 to 5
_NOISE = 0.05  # standard deviation of the logarithmic steps a bar
_MARKET = (Kind.BAR, Kind.QUOTE, Kind.TRADE, Kind.DEPTH)
_PRICE_WORDS = {
    Kind.BAR: ("w0", "w1", "w2", "w3"),
    Kind.QUOTE: ("w0", "w1"),
    Kind.TRADE: ("w0",),
    Kind.DIVIDEND: ("w0",),
    Kind.DELIST: ("w0",),
    Kind.MARK_PRICE: ("w0",),
    Kind.PRICE_LIMITS: ("w0", "w1"),
}
_SIZE_WORDS = {Kind.BAR: ("w4",), Kind.QUOTE: ("w2", "w3"), Kind.TRADE: ("w1",), Kind.DEPTH: ("w1",)}
_LARGEST = 2.0**45  # ticks or lots: far beyond any price, far below what sums and products of the kernel can hold


def changed(events: Events, after_ns: int, kind: str, seed: tuple[int, ...]) -> Events:
    """A copy with every price, size, dividend, split, funding rate and final price stamped later than `after_ns` changed.

    `kind` is one of `VALUE_KINDS` or, where there are books, of `TICK_KINDS`. Prices of books move by ticks, others by a factor.
    """
    draw = np.random.default_rng(seed)
    made = events.copy()
    later = events["ts_local_ns"] > after_ns
    instruments = np.unique(events["instrument"][later & np.isin(events["kind"], _MARKET)])
    order = draw.permutation(len(instruments))
    for place, number in zip(order.tolist(), instruments.tolist(), strict=True):
        rows = np.flatnonzero(later & (events["instrument"] == number))
        if kind in TICK_KINDS:
            change_ticks(made, events, rows, kind, draw)
            continue
        prices, sizes = _factors(kind, place, events[rows], draw)
        _apply(made, rows, prices, sizes)
        change_prices(made, events, rows, kind, draw, is_up=_is_up(kind, place))
        if kind in _MIRRORED:
            _mirror(made, rows[made["kind"][rows] == Kind.BAR])
    return made


def kinds_of(events: Events) -> dict[str, str]:
    """The kinds of change that a tape can have, and how a report words them."""
    return VALUE_KINDS | TICK_KINDS if has_books(events) else VALUE_KINDS


def truncated(events: Events, after_ns: int) -> Events:
    """What is known at a stamp, and the sessions to come."""
    kept: Events = events[(events["ts_local_ns"] <= after_ns) | (events["kind"] == Kind.SESSION)]
    return kept


def _factors(kind: str, place: int, events: Events, draw: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """By what prices and sizes of these events of one instrument are multiplied."""
    size = draw.uniform(_LEAST, _MOST)
    if kind == "noise":
        steps = draw.normal(0.0, _NOISE, len(events))
        return np.exp(np.clip(np.cumsum(steps), -3.0, 3.0)), np.exp(draw.normal(0.0, 1.0, len(events)))
    if kind == "shuffled":
        return _shuffle(events, draw)
    up = _is_up(kind, place)
    level = np.full(len(events), np.exp(size if up else -size))
    volume_up = up if kind in ("raised", "lowered") else not up
    return level, np.full(len(events), np.exp(size if volume_up else -size))


def _is_up(kind: str, place: int) -> bool:
    """Whether the prices of the instrument at this place rise."""
    return {"raised": True, "parted": place % 2 == 0, "turned": place % 2 == 1}.get(kind, False)


def _shuffle(events: Events, draw: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Factors that put the returns from mark to mark, and the sizes, into another order. The last price stays, the path changes."""
    factors, sizes = np.ones(len(events)), np.ones(len(events))
    for kind, mark, size in ((Kind.BAR, "w3", "w4"), (Kind.QUOTE, "w0", "w2"), (Kind.TRADE, "w0", "w1")):
        rows = np.flatnonzero(events["kind"] == kind)
        if len(rows) < 2:
            continue
        closes = np.log(np.maximum(events[mark][rows].astype(np.float64), 1.0))
        steps = np.diff(closes)
        start = closes[0] + draw.normal(0.0, max(float(np.std(steps)), 0.01) * 3.0)  # else the first close would stay as it was
        path = np.concatenate([[start], start + np.cumsum(draw.permutation(steps))])
        factors[rows] = np.exp(path - closes)
        volumes = np.maximum(events[size][rows].astype(np.float64), 1.0)
        sizes[rows] = draw.permutation(volumes) / volumes
    return factors, sizes


def _apply(made: Events, rows: NDArray[np.int64], prices: NDArray[np.float64], sizes: NDArray[np.float64]) -> None:
    kinds = made["kind"][rows]
    for kind in np.unique(kinds).tolist():
        mine = kinds == kind
        at = rows[mine]
        least = 0 if kind in (Kind.DELIST, Kind.PRICE_LIMITS) else 1  # 0 says something else than a price there
        for word in _PRICE_WORDS.get(kind, ()):
            made[word][at] = np.clip(np.rint(made[word][at] * prices[mine]), least, _LARGEST).astype(np.int64)
        for word in _SIZE_WORDS.get(kind, ()):
            scaled = np.clip(np.rint(made[word][at] * sizes[mine]), 1, _LARGEST).astype(np.int64)
            made[word][at] = np.where(made[word][at] == 0, 0, scaled)
        if kind == Kind.SPLIT:
            made["w0"][at] *= 3
        if kind == Kind.FUNDING:
            made["w0"][at] = -2 * made["w0"][at]
        if kind == Kind.QUOTE:  # rounding must not lock a spread
            is_locked = made["w1"][at] <= made["w0"][at]
            made["w1"][at] += np.where(is_locked, 1 + made["w0"][at] - made["w1"][at], 0)


def _mirror(made: Events, bars: NDArray[np.int64]) -> None:
    """Open and close as far from the low as they were from the high."""
    both = made["w1"][bars] + made["w2"][bars]
    for word in ("w0", "w3"):
        made[word][bars] = both - made[word][bars]
