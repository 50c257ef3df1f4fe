"""Rules over single rows and their neighbours: stamps, shapes of bars, sides of quotes, sizes, what stands still."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from framework.data.quality.findings import shown
from framework.data.quality.stretches import Floats, Ints, Mask, Stretch, Tally
from framework.schema.event import Flag, Kind
from framework.schema.instrument import InstrumentKind
from framework.schema.units import NANOSECONDS_PER_DAY

MINUTE_NS = 60 * 10**9
LATE_NS = MINUTE_NS
"""`late`: received so long after it happened. Snapshots repeat what is old and do not count."""
EPOCH_END_NS = 31 * NANOSECONDS_PER_DAY
"""`epoch`: stamps from 1970-01-01 to the end of that January are numbers read in too large a unit."""
DEEP_CROSS_SPREADS = 5.0
"""`crossed`: a bid above its offer by more than so many usual spreads, and ..."""
DEEP_CROSS_SHARE = 0.002
"""... more than this share of the price, is a fault; less happens where quotes of several venues are put together."""
WIDE_SPREADS, WIDE = 50.0, 1.05
"""`wide`: an offer above its bid by more than so many usual spreads and 5 % tells no price; a factor of ten between them is `units`."""
UNIT_TOLERANCE = 0.03
"""`units`: log10 of a factor is this near to a whole number (7 %)."""
LARGEST_FUNDING = 0.05
"""`size`: a funding rate beyond 5 % a period is a percentage that was read as a fraction, or no rate."""
_PRICES = (("open", "w0"), ("high", "w1"), ("low", "w2"), ("close", "w3"))

LEAST_STALE = 10
"""`stale`: runs of rows of one price up to this long are never called stale."""
LEAST_SAME = 3
"""`stale`: so many bars in a row with the same five values and a volume."""


def stamp_rules(stretch: Stretch, tally: Tally, now_ns: int | None) -> None:
    """`venue_after_local`, `late`, `venue_backwards`, `epoch`, `future`."""
    events = stretch.events
    local, venue = events["ts_local_ns"], events["ts_venue_ns"]
    delay = local - venue
    tally.rows(stretch, "venue_after_local", "error", delay < 0, lambda row: f"it happened {-int(delay[row]) / 1e9:g} s later")
    fresh = (events["flags"] & int(Flag.SNAPSHOT)) == 0
    late = (delay > LATE_NS) & fresh & (local >= EPOCH_END_NS)
    tally.rows(stretch, "late", "warning", late, lambda row: f"{int(delay[row]) / 1e9:,.0f} s after it happened")
    back = np.zeros(len(events), np.bool_)
    back[1:] = (venue[1:] < venue[:-1] - MINUTE_NS) & fresh[1:] & fresh[:-1]
    tally.rows(
        stretch, "venue_backwards", "warning", back, lambda row: f"{int(venue[row - 1] - venue[row]) / 1e9:,.0f} s before the row before"
    )
    early = (local >= 0) & (local < EPOCH_END_NS)
    tally.rows(stretch, "epoch", "error", early, lambda row: f"{int(local[row])} ns since 1970")
    if now_ns is not None:
        ahead = local > now_ns
        tally.rows(stretch, "future", "error", ahead, lambda row: f"{int(local[row] - now_ns) / 86400e9:,.2f} days after now")


def bar_rules(stretch: Stretch, tally: Tally) -> None:
    """`price`, `shape`, `size`, `zero_volume` and `duplicate` of bars."""
    events = stretch.events
    opens, highs, lows, closes, volumes = (events[word] for word in ("w0", "w1", "w2", "w3", "w4"))
    tick = stretch.instrument.tick
    if stretch.instrument.kind is not InstrumentKind.INDEX:
        bottom = np.minimum.reduce([opens, highs, lows, closes])
        tally.rows(stretch, "price", "error", bottom <= 0, lambda row: f"{tick.to_float(int(bottom[row])):g}")
    wrong = (highs < np.maximum(np.maximum(opens, closes), lows)) | (lows > np.minimum(opens, closes))
    tally.rows(
        stretch, "shape", "error", wrong,
        lambda row: ", ".join(f"{name} {tick.to_float(int(events[word][row])):g}" for name, word in _PRICES),
    )  # fmt: skip
    tally.rows(stretch, "size", "error", volumes < 0, lambda row: f"volume {stretch.instrument.lot.to_float(int(volumes[row])):g}")
    moved = highs > lows
    moved[1:] |= closes[1:] != closes[:-1]
    if stretch.instrument.kind is not InstrumentKind.INDEX:
        still = (volumes == 0) & moved
        tally.rows(stretch, "zero_volume", "warning", still, lambda row: f"close {tick.to_float(int(closes[row])):g}, volume 0")
    _same_stamp(stretch, tally)


def _same_stamp(stretch: Stretch, tally: Tally) -> None:
    stamps = stretch.stamps
    twice = np.zeros(len(stamps), np.bool_)
    twice[1:] = stamps[1:] == stamps[:-1]
    tally.rows(stretch, "duplicate", "error", twice, lambda row: f"a second {stretch.kind.name} of this stamp")


def funding_rules(stretch: Stretch, tally: Tally) -> None:
    """`size` and `duplicate` of funding rates."""
    rates = stretch.events["w0"] / 1e9
    tally.rows(stretch, "size", "warning", np.abs(rates) > LARGEST_FUNDING, lambda row: f"a rate of {100 * rates[row]:.3g} % a period")
    _same_stamp(stretch, tally)


def trade_rules(stretch: Stretch, tally: Tally) -> None:
    """`price`, `size` and `duplicate` (by trade id) of trades."""
    events, tick, lot = stretch.events, stretch.instrument.tick, stretch.instrument.lot
    tally.rows(stretch, "price", "error", events["w0"] <= 0, lambda row: f"{tick.to_float(int(events['w0'][row])):g}")
    tally.rows(stretch, "size", "error", events["w1"] <= 0, lambda row: f"a trade of {lot.to_float(int(events['w1'][row])):g}")
    ids = events["w2"]
    again = np.zeros(len(ids), np.bool_)
    if len(np.unique(ids)) > len(ids) // 2:  # ids that name trades, not lots of an order or nothing at all
        order = np.argsort(ids, kind="stable")
        again[order[1:]] = (ids[order[1:]] == ids[order[:-1]]) & (ids[order[1:]] != 0)
    tally.rows(stretch, "duplicate", "error", again, lambda row: f"trade {int(ids[row])} again")


def quote_rules(stretch: Stretch, tally: Tally) -> None:
    """`crossed`, `locked`, `wide`, `one_sided`, `price` and `size` of quotes."""
    events, tick = stretch.events, stretch.instrument.tick
    bids, asks = events["w0"], events["w1"]
    both = (bids > 0) & (asks > 0)
    spread = asks - bids

    def say(row: int) -> str:
        return f"bid {tick.to_float(int(bids[row])):g}, ask {tick.to_float(int(asks[row])):g}"

    crossed = both & (spread < 0)
    usual = float(np.median(spread[both & ~crossed])) if (both & ~crossed).any() else 0.0
    deep = crossed & (-spread > np.maximum(DEEP_CROSS_SPREADS * max(usual, 1.0), DEEP_CROSS_SHARE * bids))
    tally.rows(stretch, "crossed", "warning", deep, say)
    tally.rows(stretch, "crossed", "note", crossed & ~deep, say)
    tally.rows(stretch, "locked", "note", both & (spread == 0), say)
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.where(both, asks / bids, 1.0)
        decades = np.log10(width)
    power = both & (np.rint(decades) > 0) & (np.abs(decades - np.rint(decades)) <= UNIT_TOLERANCE)
    wide = both & (spread > WIDE_SPREADS * max(usual, 1.0)) & (width > WIDE)
    tally.rows(stretch, "units", "error", power & wide, say)
    tally.rows(stretch, "wide", "note", wide & ~power, say)
    tally.rows(stretch, "one_sided", "note", ~both & (bids >= 0) & (asks >= 0), say)
    tally.rows(stretch, "price", "error", (bids < 0) | (asks < 0), say)
    negative = (events["w2"] < 0) | (events["w3"] < 0)
    tally.rows(stretch, "size", "error", negative, lambda row: f"sizes of {int(events['w2'][row])} and {int(events['w3'][row])} lots")


def depth_rules(stretch: Stretch, tally: Tally) -> None:
    """`size` of DEPTH, and one side."""
    flags = stretch.events["flags"]
    sides = ((flags & int(Flag.BUY)) > 0).astype(np.int8) + ((flags & int(Flag.SELL)) > 0)
    emptied = (flags & int(Flag.CLEAR)) > 0  # an empty snapshot has no side
    tally.rows(stretch, "size", "error", (sides != 1) & ~emptied, lambda row: "both sides or none")
    negative = stretch.events["w1"] < 0
    tally.rows(stretch, "size", "error", negative, lambda row: f"{int(stretch.events['w1'][row])} lots")


def runs(same: Mask) -> tuple[Ints, Ints]:
    """Where runs of true begin and how long they are.

    >>> [x.tolist() for x in runs(np.array([True, True, False, True]))]
    [[0, 3], [2, 1]]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], same.view(np.int8), [0]])))
    return edges[::2], edges[1::2] - edges[::2]


def longest_by_chance(share: float, rows: int) -> float:
    """How long the longest run among `rows` may be where each row belongs to one with probability `share`, and no rows depend on others.

    The longest run is near log(rows) / log(1/share); twice that is beyond chance.

    >>> round(longest_by_chance(0.5, 1024), 3)
    20.0
    """
    if share <= 0 or rows < 2:
        return 0.0
    return math.inf if share >= 1 else 2 * math.log(rows) / math.log(1 / share)


class Stale:
    """`stale`: bars that stay flat for longer than their share of flat bars explains, and bars repeated exactly with a volume.

    Quotes and trades keep a price for long; for them silence says more.
    """

    def __init__(self) -> None:
        self._flat: dict[str, tuple[int, int]] = {}
        self._runs: dict[str, list[tuple[int, int]]] = {}
        self._open: dict[str, tuple[int, int]] = {}

    def add(self, stretch: Stretch, tally: Tally) -> None:
        """Take bars."""
        events = stretch.events
        words = ("w0", "w1", "w2", "w3", "w4")
        same = np.zeros(len(events), np.bool_)
        same[1:] = np.logical_and.reduce([events[word][1:] == events[word][:-1] for word in words])
        traded = same & (events["w4"] > 0) & (events["w1"] > events["w2"])  # one print of a round lot is told twice by chance
        starts, lengths = runs(traded)
        broken = np.zeros(len(events), np.bool_)
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
            if length >= LEAST_SAME - 1:
                broken[start : start + length] = True
        severity: Callable[[int], str] = lambda row: f"the bar before again, volume {int(events['w4'][row])} lots included"  # noqa: E731
        tally.rows(stretch, "stale", "warning", broken, severity)
        own = slice(stretch.begin, stretch.end)
        flat = ((events["w1"] == events["w2"]) & same)[own]
        rows, count = self._flat.get(stretch.symbol, (0, 0))
        self._flat[stretch.symbol] = (rows + len(flat), count + int(flat.sum()))
        self._join(stretch.symbol, flat, stretch.stamps[own])

    def _join(self, symbol: str, flat: Mask, stamps: Ints) -> None:
        starts, lengths = runs(flat)
        found = [(int(stamps[start]), length) for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)]
        waiting = self._open.pop(symbol, None)
        if waiting is not None:
            if found and flat[0]:
                found[0] = (waiting[0], waiting[1] + found[0][1])
            else:
                found.insert(0, waiting)
        if found and len(flat) and flat[-1]:
            self._open[symbol] = found.pop()
        longest = self._runs.setdefault(symbol, [])
        longest += found
        longest.sort(key=lambda run: -run[1])
        del longest[200:]

    def finish(self, tally: Tally) -> None:
        """Judge what was collected."""
        for symbol, (rows, count) in self._flat.items():
            found = self._runs.get(symbol, []) + ([self._open[symbol]] if symbol in self._open else [])
            # The suspected run itself must not make flat bars look usual.
            longest = max((length for _, length in found), default=0)
            share = (count - longest) / max(rows - longest, 1)
            bound = LEAST_STALE + longest_by_chance(share, rows)
            for first, length in sorted(found):
                if length > bound:
                    said = f"{length} flat bars in a row, all the same; chance explains {bound:.0f} where {100 * share:.3g} % are such"
                    tally.add(symbol, "stale", "warning", np.array([first]), [f"{shown(first)}: {said}"], length)


def mid(stretch: Stretch) -> tuple[Ints, Floats]:
    """The rows that tell a price, and the price: closes, trades, mids of quotes that are not `wide`."""
    events = stretch.events
    if stretch.kind is Kind.QUOTE:
        rows = np.flatnonzero((events["w0"] > 0) & (events["w1"] > 0) & (events["w1"] < WIDE * events["w0"]))
        return rows, (stretch.floats("w0")[rows] + stretch.floats("w1")[rows]) / 2
    word = "w3" if stretch.kind is Kind.BAR else "w0"
    rows = np.flatnonzero(events[word] > 0)
    return rows, stretch.floats(word)[rows]
