"""How far each round trip went against us and for us before it ended: maximum adverse and favourable excursion (Sweeney).

The value of a round trip at a price p, in the settlement currency, of prices alone: with fills of q signed lots at p_k, slippage s_k and
lots L held, b the basis of a price and v the point value (`kernel/market/money.py`),

    value(p) = L b(p) v - sum over its fills so far of (q_k b(p_k) v + s_k)

Its excursions are the lowest and the highest of 0, its end, and its value at every price that was surely told while it was held:

- the price of each of its fills;
- low and high of every bar that lies between two of its fills;
- of the bar in which a fill was made and after which something is held: the close; the low if the fill was made at or below the open
  (the price came down through it, so the low came later), the high if at or above it. A fill at the open has both; one for the close,
  or at the close a trailing stop was passed on the way to, neither;
- of the bar in which the next fill was made: the open. What else it shows may lie behind that fill, so nothing beyond an exit counts.

Where an instrument has quotes, trades or a book, these count instead of bars, at the mid of each quote and of the book after each of its
messages, and at the price of each trade, strictly between two fills. While a book is unknown it tells nothing.
Fails when: finer data cover only a part of what the bars do: outside it nothing is seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.data.tape import Tape
from framework.data.tape.mapped import blocks
from framework.data.tape.survey import survey
from framework.reports.metrics import Floats
from framework.schema.event import Kind
from framework.simulation.book_mids import KINDS, BookMids

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Stretches:
    """What was held of which round trip from one change to the next; all shape (n,).

    Attributes:
        instrument, trip: whose; those of one round trip follow each other in time.
        from_ns, until_ns: the venue's stamps of the two changes. A change that is no fill comes after the bar of its stamp.
        lots: signed lots held.
        paid: what its fills have cost so far, settlement currency.
        price: of the fill that it begins with, in ticks; NaN where a split did.
        is_late: whether that fill came at the end of its bar.
    """

    instrument: Ints
    trip: Ints
    from_ns: Ints
    until_ns: Ints
    lots: Ints
    paid: Floats
    price: Floats
    is_late: NDArray[np.bool_]


class _Extremes:
    """The lowest and highest price of each stretch, filled in block by block."""

    def __init__(self, stretches: Stretches) -> None:
        self.stretches = stretches
        self.low, self.high = stretches.price.copy(), stretches.price.copy()
        order = np.lexsort((stretches.from_ns, stretches.instrument))
        self._order = order
        self._first = np.searchsorted(stretches.instrument[order], np.arange(int(stretches.instrument.max(initial=-1)) + 2))

    @property
    def instruments(self) -> list[int]:
        """Those that have stretches."""
        return np.flatnonzero(np.diff(self._first)).tolist()

    def take(self, at: NDArray[np.int64], low: Floats, high: Floats) -> None:
        """Widen stretches; NaN widens nothing."""
        self.low[at], self.high[at] = np.fmin(self.low[at], low), np.fmax(self.high[at], high)

    def see(self, instrument: int, stamps: Ints, opens: Floats, highs: Floats, lows: Floats, closes: Floats) -> None:
        """Look at the prices of one instrument, in order of their stamps."""
        mine = self._order[self._first[instrument] : self._first[instrument + 1]]
        begin, end = self.stretches.from_ns[mine], self.stretches.until_ns[mine]
        near = slice(np.searchsorted(end, stamps[0], side="left"), np.searchsorted(begin, stamps[-1], side="right"))
        mine, begin, end = mine[near], begin[near], end[near]
        lasting = end > begin
        mine, begin, end = mine[lasting], begin[lasting], end[lasting]
        if not len(mine):
            return
        first, last = np.searchsorted(stamps, begin, side="right"), np.searchsorted(stamps, end, side="left")
        between = first < last
        edges = np.column_stack((first[between], last[between])).ravel()
        if len(edges):
            padded_low, padded_high = np.append(lows, np.nan), np.append(highs, np.nan)
            self.take(mine[between], np.fmin.reduceat(padded_low, edges)[::2], np.fmax.reduceat(padded_high, edges)[::2])
        self._see_entry(mine, begin, stamps, opens, highs, lows, closes)
        place = np.minimum(last, len(stamps) - 1)
        leaves = (stamps[place] == end) & ~np.isnan(opens[place])
        self.take(mine[leaves], opens[place[leaves]], opens[place[leaves]])

    def _see_entry(self, mine: Ints, begin: Ints, stamps: Ints, opens: Floats, highs: Floats, lows: Floats, closes: Floats) -> None:
        place = np.minimum(np.searchsorted(stamps, begin, side="left"), len(stamps) - 1)
        enters = stamps[place] == begin
        mine, place = mine[enters], place[enters]
        price, close = self.stretches.price[mine], closes[place]
        is_late = self.stretches.is_late[mine] & (price == close)
        low = np.where((price <= opens[place]) & ~is_late, lows[place], close)
        high = np.where((price >= opens[place]) & ~is_late, highs[place], close)
        self.take(mine, np.fmin(low, close), np.fmax(high, close))


_PRICES, _TICKS = (Kind.BAR, Kind.QUOTE, Kind.TRADE), (Kind.QUOTE, Kind.TRADE, Kind.DEPTH)


def _look(tape: Tape, extremes: _Extremes) -> None:
    """Show the prices of a tape to the stretches, a block at a time."""
    with_ticks, found = _with_ticks(tape), survey(tape)
    with_books = [number for number in extremes.instruments if number in found.spans]
    books = {number: BookMids(tape.instruments[number], found.spans[number], has_orders=found.has_orders) for number in with_books}
    kinds = (*_PRICES, *KINDS) if books else _PRICES
    for rows in blocks(tape.events):
        places = np.flatnonzero(np.isin(rows["kind"], kinds))
        whose = rows["instrument"][places]
        order = np.argsort(whose, kind="stable") if len(tape.instruments) > 1 else np.arange(len(whose))
        edges = np.searchsorted(whose[order], np.arange(len(tape.instruments) + 1))
        for instrument in extremes.instruments:
            mine = rows[places[order[edges[instrument] : edges[instrument + 1]]]]
            if books and instrument not in books:
                mine = mine[np.isin(mine["kind"], _PRICES)]
            if instrument in with_ticks:
                mine = mine[mine["kind"] != Kind.BAR]
            if len(mine):
                _show(mine, instrument, extremes, books.get(instrument))


def _with_ticks(tape: Tape) -> frozenset[int]:
    """The instruments that have quotes, trades or a book."""
    found = survey(tape)
    if not found.has_ticks:
        return found.quoted
    whose = [np.unique(rows["instrument"][np.isin(rows["kind"], _TICKS)]) for rows in blocks(tape.events)]
    return frozenset(np.concatenate(whose).tolist())


def _show(rows: NDArray[np.void], instrument: int, extremes: _Extremes, book: BookMids | None) -> None:
    stamps = rows["ts_venue_ns"].astype(np.int64)
    opens, highs, lows, closes = (rows[word].astype(np.float64) for word in ("w0", "w1", "w2", "w3"))
    if rows["kind"][0] != Kind.BAR:
        is_two_sided = (rows["w0"] > 0) & (rows["w1"] > 0)
        mid = np.where(is_two_sided, (opens + highs) / 2.0, np.nan)
        opens = np.where(rows["kind"] == Kind.QUOTE, mid, np.where(rows["kind"] == Kind.TRADE, opens, np.nan))
        if book is not None:
            opens = np.where(np.isin(rows["kind"], KINDS), book.see(rows), opens)
            tells = ~np.isnan(opens)  # one price a message, whatever rows it has
            stamps, opens = stamps[tells], opens[tells]
            if not len(stamps):
                return
        highs = lows = closes = opens
    if (np.diff(stamps) < 0).any():  # a late feed told them in another order
        order = np.argsort(stamps, kind="stable")
        stamps, opens, highs, lows, closes = stamps[order], opens[order], highs[order], lows[order], closes[order]
    extremes.see(instrument, stamps, opens, highs, lows, closes)


def excursions(tape: Tape, stretches: Stretches, trips: int, point_value: Floats, is_inverse: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """(adverse, favourable) of each round trip, shape (trips,), settlement currency: at most 0 and at least 0.

    Args:
        tape: what was told.
        stretches: of the round trips 0 to trips - 1.
        point_value, is_inverse: of each instrument.
    """
    extremes = _Extremes(stretches)
    _look(tape, extremes)
    adverse, favourable = np.zeros(trips), np.zeros(trips)
    value, inverse = point_value[stretches.instrument], is_inverse[stretches.instrument]
    for prices in (extremes.low, extremes.high):
        at_basis = np.divide(-1.0, prices, out=prices.copy(), where=inverse)
        held = np.where(stretches.lots == 0, 0.0, stretches.lots * at_basis * value)
        worth = held - stretches.paid
        np.fmin.at(adverse, stretches.trip, worth)
        np.fmax.at(favourable, stretches.trip, worth)
    return adverse, favourable
