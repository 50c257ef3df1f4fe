"""What a run must know of a tape's ticks before it begins: which books there are, over which prices, and whether the feed is late."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from framework.data.checks.account_events import cash_events
from framework.data.tape.event_arrays import joined
from framework.data.tape.mapped import blocks
from framework.schema.event import EVENT, Flag, Kind

UNKNOWN_SPAN = (0, 0)
"""The prices of a book that has not been seen yet."""

_TICKS = np.array([Kind.TRADE, Kind.DEPTH, Kind.GAP])


class Surveyed(Protocol):
    """What is looked over: a tape."""

    @property
    def events(self) -> NDArray[np.void]:
        """Its events."""
        ...

    @property
    def has_bars_alone(self) -> bool:
        """Whether it is known to have nothing but bars and sessions."""
        ...


_Tape = TypeVar("_Tape", bound=Surveyed)
_known: WeakKeyDictionary[Surveyed, Survey] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Survey:
    """What a look over all events found.

    Attributes:
        has_ticks: whether there are trades or changes of books.
        spans: lowest and highest price in ticks of each instrument with a book, by its number; `UNKNOWN_SPAN` before one has been seen.
        quoted: numbers of the instruments that have quotes.
        has_orders: whether books are published by order.
        auctions: numbers of the instruments of which prints of auctions are published.
        is_late: whether some tick was known later than it happened.
        venue_order: rows in order of `ts_venue_ns` where the ticks do not lie so already, else None. 8 bytes a row.
        cash: the events that move cash of the account or correct it.
    """

    has_ticks: bool
    spans: dict[int, tuple[int, int]]
    quoted: frozenset[int]
    has_orders: bool
    auctions: frozenset[int]
    is_late: bool
    venue_order: NDArray[np.int64] | None
    cash: NDArray[np.void]


def published(
    *,
    books: Iterable[int] = (),
    quoted: Iterable[int] = (),
    auctions: Iterable[int] = (),
    by_order: Iterable[int] = (),
) -> Survey:
    """What a venue publishes, by the numbers of its instruments: books, books by order, quotes, prints of auctions; trades of all."""
    orders = tuple(by_order)
    spans = dict.fromkeys((*books, *orders), UNKNOWN_SPAN)
    return Survey(True, spans, frozenset(quoted), bool(orders), frozenset(auctions), False, None, np.zeros(0, EVENT))


def survey(tape: Surveyed) -> Survey:
    """Look over a tape, block by block; once a tape."""
    if tape not in _known:
        _known[tape] = _survey(tape)
    return _known[tape]


def take_after(tape: _Tape, model: Surveyed) -> _Tape:
    """Let a tape of changed events be run with the books, quotes, prints and late feed of the one it was made from.

    What a run lays out before it begins must not tell that something later was changed or left out. Windows of books cover the prices
    of both.
    """
    own, like = _survey(tape), survey(model)
    spans = {}
    for number, (low, high) in like.spans.items():
        own_low, own_high = own.spans.get(number, (low, high))
        spans[number] = (min(low, own_low), max(high, own_high))
    _known[tape] = replace(like, spans=spans, venue_order=own.venue_order)
    return tape


def _survey(tape: Surveyed) -> Survey:
    spans: dict[int, tuple[int, int]] = {}
    quoted: set[int] = set()
    auctions: set[int] = set()
    has_ticks = has_orders = is_late = is_shuffled = False
    last_ns = np.iinfo(np.int64).min
    cash = [tape.events[:0]]
    for block in blocks(tape.events[:0] if tape.has_bars_alone else tape.events):
        kinds = block["kind"]
        if (kinds == Kind.QUOTE).any():
            quoted |= set(np.unique(block["instrument"][kinds == Kind.QUOTE]).tolist())
        highest = kinds.max(initial=0)
        ticks = block[np.isin(kinds, _TICKS)] if highest > Kind.QUOTE else block[:0]
        if highest >= Kind.CORRECTION:
            cash.append(cash_events(block))
        if not len(ticks):
            continue
        has_ticks = True
        stamps = ticks["ts_venue_ns"]
        is_late = is_late or bool((stamps < ticks["ts_local_ns"]).any())
        is_shuffled = is_shuffled or int(stamps[0]) < last_ns or bool((stamps[1:] < stamps[:-1]).any())
        last_ns = int(stamps[-1])
        prints = (ticks["kind"] == Kind.TRADE) & (ticks["flags"] & int(Flag.AUCTION) != 0)
        auctions |= set(np.unique(ticks["instrument"][prints]).tolist())
        depth = ticks[ticks["kind"] == Kind.DEPTH]
        has_orders = has_orders or bool((depth["w2"] != 0).any())
        for instrument in np.unique(depth["instrument"]).tolist():
            prices = depth["w0"][depth["instrument"] == instrument]
            low, high = spans.get(instrument, (np.iinfo(np.int64).max, 0))
            spans[instrument] = (min(low, int(prices.min())), max(high, int(prices.max())))
    order = np.argsort(tape.events["ts_venue_ns"], kind="stable") if is_late and is_shuffled else None
    return Survey(has_ticks, spans, frozenset(quoted), has_orders, frozenset(auctions), is_late, order, joined(cash))
