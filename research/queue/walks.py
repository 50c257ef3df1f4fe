"""Both walks over a recording: what became of the sampled orders, and what each model says from levels and trades."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.data.conflate import Conflater
from framework.data.recording import Events
from framework.errors import DataError
from framework.kernel.codes import QUEUE_LOG, QUEUE_PESSIMISTIC, QUEUE_POWER
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
from research.queue.truth import FOLLOW, LACKS_ROWS

Table = NDArray[np.void]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_COUNTS = ("joins", "trades", "sideless", "hidden_trades", "hidden_ahead", "traded_lots", "told_after_lots", "passed_over", "refreshed")
_FAR = 1 << 60
_MOST_TICKS = 1 << 24
"""Prices between the lowest and the highest sampled order, in ticks: one list of orders for each."""


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
        counts: of the source. `joins`: orders that joined; `trades`, of these `sideless` and `hidden_trades`, of those `hidden_ahead` at
            a price with lots shown; `traded_lots` at shown orders, of which `told_after_lots` left a level told after the trade;
            `passed_over`: sampled orders that traded after one that stood behind them; `refreshed`: icebergs that showed their next part.
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
        orders: at most so many, evenly taken from all that joined.
        levels: only those that join one of the best so many prices of their side.
        starts_empty: whether the book is known before a snapshot.
        from_ns: only those that join from then on.

    Raises:
        DataError: no order joined a known book after the first trade.
    """
    depth = events["kind"] == Kind.DEPTH
    bound = int(depth.sum()) + 2
    root = np.zeros(1, TRUTH)
    row = root[0]
    table = _table_of(models)
    by_place, pending = np.full(bound, -1, np.int64), np.zeros(MOST_PENDING, PENDING)
    shares, modelled = np.zeros((PLACE_BINS, SIZE_BINS), SHARE), np.zeros((PLACE_BINS, SIZE_BINS, len(models)))
    row["low"], row["best_ask"], row["levels"] = _FAR, _FAR, levels
    row["events"], row["count"], row["from_ns"] = events.ctypes.data, len(events), from_ns
    row["by_place"], row["pending"], row["models"] = by_place.ctypes.data, pending.ctypes.data, table.ctypes.data
    row["names_orders"] = bool((events["w3"][events["kind"] == Kind.TRADE] != 0).any())
    counting = root.copy()
    _follow(counting, Book(events, starts_empty=starts_empty))
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
    every = -(-joins // orders)
    places, changes = np.zeros(joins // every, PLACE), np.zeros(bound, CHANGE)
    heads = np.full(2 * (high - low + 1), -1, np.int64)
    row["low"], row["high"], row["best_bid"], row["best_ask"], row["every"] = low, high, low - 1, high + 1, every
    row["places"], row["changes"], row["heads"] = places.ctypes.data, changes.ctypes.data, heads.ctypes.data
    row["shares"], row["modelled"], row["model_count"] = shares.ctypes.data, modelled.ctypes.data, len(models)
    _follow(root, Book(events, starts_empty=starts_empty))
    places["until_ns"][places["until_ns"] == 0] = events["ts_local_ns"][-1]
    counts = {name: int(row[name]) for name in _COUNTS}
    return Truth(places, changes[: int(row["change_count"])], shares, modelled, counts)


def _follow(root: Table, book: Book) -> None:
    root["half"] = book.address
    while FOLLOW(root.ctypes.data) == LACKS_ROWS:
        book.grow()


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
