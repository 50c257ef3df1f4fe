"""Both walks over a recording: what became of the sampled orders, and what each model says from levels and trades."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.data.series.conflate import Conflater
from framework.data.tape.recording import Events
from framework.errors import DataError
from framework.kernel.layout.codes import QUEUE_LOG, QUEUE_PESSIMISTIC, QUEUE_POWER
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from research.queue.book import Book
from research.queue.predict import PREDICT
from research.queue.records import (
    BEYOND,
    CHANGE,
    FOLLOWED,
    LINE,
    MODEL,
    MOST_PENDING,
    PENDING,
    PLACE,
    PLACE_BINS,
    PREDICTION,
    SHARE,
    SIZE_BINS,
    SPOT,
    TOUCH,
    TRUTH,
)
from research.queue.truth import CROWDED, FOLLOW, LACKS_ROWS

Table = NDArray[np.void]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_COUNTS = (
    "joins",
    "trades",
    "sideless",
    "hidden_trades",
    "hidden_ahead",
    "traded_lots",
    "told_after_lots",
    "passed_over",
    "refreshed",
    "every",
)
_FAR = 1 << 60
_MOST_TICKS = 1 << 24
"""Prices between the lowest and the highest sampled order, in ticks: one list of orders for each."""
_MOST_LOOKS = 32
"""Followed orders that an event may meet in its line, on average: the time of a study goes by events, however long lines are."""


@dataclass(frozen=True, slots=True)
class QueueModel:
    """A way to say when an order in a line fills, from levels and trades.

    Attributes:
        name: as in tables.
        queue: `queue` of the kernel's costs, "pessimistic", "power" or "log"; "" for a naive rule.
        power: n of "power".
        rule: "line" fills by a trade that gets past the line; "touch" by any trade at the price, "through" only by one beyond it.
        join_share: the share of the line that it takes to be ahead when the order joins; 0 is first in line.
    """

    name: str
    queue: str = "pessimistic"
    power: float = 1.0
    rule: str = "line"
    join_share: float = 1.0


_QUEUES = {"pessimistic": QUEUE_PESSIMISTIC, "power": QUEUE_POWER, "log": QUEUE_LOG}
_RULES = {"line": LINE, "touch": TOUCH, "through": BEYOND}


@dataclass(frozen=True, slots=True)
class Truth:
    """What the orders of a source tell.

    Attributes:
        places: the sampled orders, dtype PLACE.
        changes: lots that sampled orders themselves lost, dtype CHANGE.
        shares: cancels by relative place and lots in the line, dtype SHARE, shape (PLACE_BINS, SIZE_BINS).
        modelled: lots that models say came from behind, shape (PLACE_BINS, SIZE_BINS, models).
        counts: of the source. `joins`: orders that joined, of which one in `every` is followed; `trades`, of these `sideless` and
            `hidden_trades`, of those `hidden_ahead` at a price with lots shown; `traded_lots` at shown orders, of which
            `told_after_lots` left a level told after the trade; `passed_over`: sampled orders that traded after one that stood behind
            them; `refreshed`: icebergs that showed their next part.
    """

    places: Table
    changes: Table
    shares: Table
    modelled: Floats
    counts: dict[str, int]


def _table_of(models: Sequence[QueueModel]) -> Table:
    """The models as the walks read them."""
    rows = np.zeros(len(models), MODEL)
    for row, model in zip(rows, models, strict=True):
        row["costs"]["queue_model"], row["costs"]["queue_power"] = _QUEUES[model.queue], model.power
        row["rule"], row["join_share"] = _RULES[model.rule], model.join_share
    return rows


def true_fates(
    events: Events, models: Sequence[QueueModel], *, orders: int, levels: int, starts_empty: bool = False, from_ns: int = 0
) -> Truth:
    """Follow a sample of the orders of one instrument.

    Args:
        events: all of the instrument, DEPTH by order.
        models: whose shares of cancels are put beside the true ones; lines only.
        orders: at most so many, evenly taken from all that joined; fewer where lines are so long that an event would meet more than 32
            of them on average.
        levels: only those that join one of the best so many prices of their side.
        starts_empty: whether the book is known before a snapshot.
        from_ns: only those that join from then on.

    Raises:
        DataError: no order joined a known book after the first trade.
    """
    table = _table_of(models)
    root = np.zeros(1, TRUTH)
    row = root[0]
    row["low"], row["best_ask"], row["levels"] = _FAR, _FAR, levels
    row["events"], row["count"], row["from_ns"], row["models"] = events.ctypes.data, len(events), from_ns, table.ctypes.data
    row["names_orders"], row["most_work"] = bool((events["w3"][events["kind"] == Kind.TRADE] != 0).any()), _MOST_LOOKS * len(events)
    counting = root.copy()
    _follow(counting, events, 0, 0, starts_empty=starts_empty)
    joins, low, high = (int(counting[name][0]) for name in ("joins", "low", "high"))
    if counting["is_overfull"][0]:
        raise DataError(
            f"more than {MOST_PENDING:,} prices traded at one stamp of the venue; rule: at most so many. Are stamps too coarse?"
        )
    if joins == 0:
        raise DataError("no order joined a known book after the first trade: there is nothing to follow.")
    if high - low >= _MOST_TICKS:
        raise DataError(
            f"orders join from {low} to {high} ticks; rule: within {_MOST_TICKS:,} ticks. Study fewer levels or a shorter time."
        )
    row["low"], row["high"], row["best_bid"], row["best_ask"], row["model_count"] = low, high, low - 1, high + 1, len(models)
    every, found = -(-joins // orders), None
    while found is None:
        walked = root.copy()
        walked["every"] = every
        found = _follow(walked, events, joins // every, high - low + 1, starts_empty=starts_empty)
        every *= max(2, len(events) // max(int(walked["at"][0]), 1))  # what is looked at grows at least as the number that is followed
    places, changes, shares, modelled = found
    places["until_ns"][places["until_ns"] == 0] = events["ts_local_ns"][-1]
    counts = {name: int(walked[name][0]) for name in _COUNTS}
    return Truth(places, changes, shares, modelled, counts)


def _follow(root: Table, events: Events, orders: int, ticks: int, *, starts_empty: bool) -> tuple[Table, Table, Table, Floats] | None:
    """Walk over the events with tables for so many orders and prices: places, changes, shares, modelled; None where lines are crowded."""
    row, bound = root[0], int((events["kind"] == Kind.DEPTH).sum()) + 2
    places, changes = np.zeros(orders, PLACE), np.zeros(bound if orders else 0, CHANGE)
    shares, modelled = np.zeros((PLACE_BINS, SIZE_BINS), SHARE), np.zeros((PLACE_BINS, SIZE_BINS, int(row["model_count"])))
    by_place, pending, heads = np.full(bound, -1, np.int64), np.zeros(MOST_PENDING, PENDING), np.full(2 * ticks, -1, np.int64)
    tables = {"places": places, "changes": changes, "shares": shares, "modelled": modelled, "by_place": by_place, "pending": pending}
    for name, rows in tables.items():
        row[name] = rows.ctypes.data
    row["heads"] = heads.ctypes.data if ticks else 0
    book = Book(events, starts_empty=starts_empty)
    row["half"] = book.address
    while (why := FOLLOW(root.ctypes.data)) == LACKS_ROWS:
        book.grow()
    return None if why == CROWDED else (places, changes[: int(row["change_count"])], shares, modelled)


def marked_levels(events: Events, truth: Truth, instrument: Instrument, *, starts_empty: bool = False) -> Events:
    """The source as levels and trades, as a feed of levels would tell it, with marks of the joins and what became of the orders."""
    places, changes = truth.places, truth.changes
    marks = np.zeros(len(places) + len(changes), EVENT)
    at = np.concatenate((places["event"], changes["event"]))
    marks["w0"] = np.concatenate((np.arange(len(places)), changes["order"]))
    marks["w1"] = np.concatenate((places["lots"], changes["own_lots"]))
    marks["w2"][: len(places)] = 1
    marks["kind"], marks["instrument"] = Kind.CUSTOM, 0
    marks["ts_local_ns"], marks["ts_venue_ns"] = events["ts_local_ns"][at], events["ts_venue_ns"][at]
    order = np.argsort(at, kind="stable")
    conflater = Conflater((instrument,), "levels", starts_empty=starts_empty)
    told = conflater.apply(np.insert(events, at[order], marks[order]))
    return np.concatenate((told, conflater.flush()))


def trades_last(levels: Events) -> Events:
    """The same events as a feed would tell them that tells what a trade left of its levels before the trade itself.

    Among events that follow each other with one stamp of the venue, trades come last.
    """
    group = np.cumsum(np.diff(levels["ts_venue_ns"], prepend=levels["ts_venue_ns"][:1]) != 0)
    return levels[np.lexsort((np.arange(len(levels)), levels["kind"] == Kind.TRADE, group))]


def predicted_fills(levels: Events, places: Table, models: Sequence[QueueModel], *, starts_empty: bool = False) -> Ints:
    """When each model would have filled each sampled order, ns of the local stamp, 0 for not; shape (orders, models)."""
    low, high = int(places["price"].min()), int(places["price"].max())
    root, table = np.zeros(1, PREDICTION), _table_of(models)
    heads = np.full(4 * (high - low + 1), -1, np.int64)
    followed, spots = np.zeros(len(places), FOLLOWED), np.zeros((len(places), len(models)), SPOT)
    followed["side"], followed["price"] = places["side"], places["price"]
    book = Book(levels, starts_empty=starts_empty)
    row = root[0]
    row["half"], row["events"], row["count"], row["heads"] = book.address, levels.ctypes.data, len(levels), heads.ctypes.data
    row["low"], row["high"], row["best_bid"], row["best_ask"] = low, high, low - 1, high + 1
    row["followed"], row["models"], row["model_count"] = followed.ctypes.data, table.ctypes.data, len(models)
    row["spots"], row["beyond_count"] = spots.ctypes.data, int((table["rule"] == BEYOND).sum())
    PREDICT(root.ctypes.data)
    filled: Ints = spots["filled_ns"]
    return filled
