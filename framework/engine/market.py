"""Small read-only pictures of the market and of orders, as strategies hold them in hand.

`instrument` is a symbol; in strategies that use numbers it is the instrument's number. `compiled_market.py` has the same words
for compiled hooks.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framework.schema.event import EVENT, Correction, Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.order import OrderState, OrderType, Reason, Side, TimeInForce

_NUMBERED = (Kind.CUSTOM, Kind.ALARM, Kind.COMMAND, Kind.LIMIT, Kind.BREAKER)
_SAYING, _SCOPED = _NUMBERED[:3], _NUMBERED[3:]
_QUANTITY_AT: Mapping[int, int] = {Correction.POSITION: 0, Correction.ORDER_FOUND: 2, Correction.ORDER_WORKS: 1, Correction.ORDER_ENDED: 1}
"""Which word of a CORRECTION holds lots."""

_EVENT_WORDS = EVENT.itemsize // 8
_BAR = int(Kind.BAR)

Terms = tuple[str, int, int, int, int]
"""Symbol, tick numerator and denominator, lot numerator and denominator."""


def _real(word: int) -> float:
    """The float whose bits a word holds."""
    found: float = struct.unpack("<d", struct.pack("<q", word))[0]
    return found


def _average_ticks(row: Any, filled: int, instrument: Instrument) -> float:
    """The average price of an order's fills in ticks; harmonic for an inverse contract, whose fills are kept as -1 / price."""
    at_basis = float(row["filled_value"]) / filled
    return -1.0 / at_basis if instrument.inverse else at_basis


class Bar:
    """A closed bar. Prices in price units, volume in units; `ts_ns` is the close, nanoseconds UTC. Safe to keep.

    It reads its fields from the event when they are asked for: most strategies ask for few.
    """

    __slots__ = ("_at", "_terms", "_words", "instrument")

    def __init__(self, words: memoryview[int], row: int, terms: Terms) -> None:
        self._words = words
        self._at = row * _EVENT_WORDS
        self._terms = terms
        self.instrument = terms[0]

    @property
    def ts_ns(self) -> int:
        """Stamp of the close."""
        return self._words[self._at]

    @property
    def open(self) -> float:
        """First price."""
        return self._words[self._at + 3] * self._terms[1] / self._terms[2]

    @property
    def high(self) -> float:
        """Highest price."""
        return self._words[self._at + 4] * self._terms[1] / self._terms[2]

    @property
    def low(self) -> float:
        """Lowest price."""
        return self._words[self._at + 5] * self._terms[1] / self._terms[2]

    @property
    def close(self) -> float:
        """Last price."""
        return self._words[self._at + 6] * self._terms[1] / self._terms[2]

    @property
    def volume(self) -> float:
        """Units traded."""
        return self._words[self._at + 7] * self._terms[3] / self._terms[4]

    def __repr__(self) -> str:
        return f"Bar({self.instrument}, {self.ts_ns}, {self.open:g} {self.high:g} {self.low:g} {self.close:g}, volume {self.volume:g})"


class Bars(Mapping[str, Bar]):
    """The bars of one stamp by symbol, sorted. Safe to keep.

    They are taken from the tape when first asked for: most wakes ask for none.
    """

    __slots__ = ("_found", "_last_row", "_terms", "_ts_ns", "_words")

    def __init__(self, words: memoryview[int], last_row: int, ts_ns: int, terms: Sequence[Terms]) -> None:
        self._words, self._last_row, self._ts_ns, self._terms = words, last_row, ts_ns, terms
        self._found: dict[str, Bar] | None = None

    def _all(self) -> dict[str, Bar]:
        if self._found is None:
            words, row, found = self._words, self._last_row, []
            while row >= 0 and words[row * _EVENT_WORDS] == self._ts_ns:
                if words[row * _EVENT_WORDS + 2] & 0xFFFF == _BAR:
                    found.append(Bar(words, row, self._terms[words[row * _EVENT_WORDS + 2] >> 32]))
                row -= 1
            self._found = {bar.instrument: bar for bar in sorted(found, key=lambda bar: bar.instrument)}
        return self._found

    def __getitem__(self, instrument: str) -> Bar:
        return self._all()[instrument]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return f"Bars({list(self._all().values())})"


class Quote:
    """A quote: best bid and ask in price units, sizes in units. Safe to keep."""

    __slots__ = ("ask", "ask_size", "bid", "bid_size", "instrument", "ts_ns")

    def __init__(self, name: str, marks: Any, instrument: Instrument) -> None:
        self.instrument = name
        self.ts_ns = int(marks["quote_ns"])
        self.bid, self.ask = instrument.tick.to_float(int(marks["bid"])), instrument.tick.to_float(int(marks["ask"]))
        self.bid_size, self.ask_size = instrument.lot.to_float(int(marks["bid_lots"])), instrument.lot.to_float(int(marks["ask_lots"]))


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade of the market: price in price units, size in units; `side` +1: the buyer took, -1: the seller, 0: not told."""

    instrument: str
    ts_ns: int
    price: float
    size: float
    side: int

    @classmethod
    def of(cls, words: memoryview[int], row: int, terms: Terms) -> Trade:
        """Make it from a TRADE event of the tape."""
        name, up, down, lot_up, lot_down = terms
        at = row * _EVENT_WORDS
        flags = (words[at + 2] >> 16) & 0xFFFF
        side = 1 if flags & Flag.BUY else (-1 if flags & Flag.SELL else 0)
        return cls(name, words[at], words[at + 3] * up / down, words[at + 4] * lot_up / lot_down, side)


@dataclass(frozen=True, slots=True)
class MarketEvent:
    """An event that is no price: a session, a split, a dividend, a halt; a signal of one's own; something about the account.

    `instrument` is empty where there is none, as for a session; -1 in strategies that use numbers. What an event of its kind does not tell
    is 0, NaN or empty.

    Attributes:
        ts_ns: when it was known, nanoseconds UTC.
        flags, payload: of the event as it stands on the tape.
        steps: numerator and denominator of its instrument's tick and lot, 1 without one.
    """

    kind: Kind
    instrument: str
    ts_ns: int = 0
    flags: int = 0
    payload: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    steps: tuple[int, int, int, int] = (1, 1, 1, 1)

    @property
    def number(self) -> int:
        """Which signal, alarm, command, limit or breaker it is."""
        return self.payload[0] if self.kind in _NUMBERED else 0

    @property
    def words(self) -> tuple[int, int, int, int]:
        """What a signal, alarm or command tells besides, as whole numbers."""
        return self.payload[1:] if self.kind in _SAYING else (0, 0, 0, 0)

    @property
    def values(self) -> tuple[float, float, float, float]:
        """The same words where they are floats, as `custom_events` makes them."""
        first, second, third, fourth = (_real(word) for word in self.words)
        return first, second, third, fourth

    @property
    def scope(self) -> int:
        """For whom a limit or breaker is: 0 an instrument, 1 one of several strategies, 2 the account, 3 the firm."""
        return self.payload[1] if self.kind in _SCOPED else 0

    @property
    def scope_number(self) -> int:
        """Which one of its scope."""
        return self.payload[2] if self.kind in _SCOPED else 0

    @property
    def value(self) -> float:
        """What a limit is set to."""
        return _real(self.payload[3]) if self.kind == Kind.LIMIT else math.nan

    @property
    def is_tripped(self) -> bool:
        """Whether a breaker trips; False where it is set again."""
        return self.kind == Kind.BREAKER and self.payload[3] != 0

    @property
    def order_id(self) -> int:
        """Which order is corrected, else -1."""
        return self.payload[0] if self.kind == Kind.CORRECTION and self.flags >= Correction.ORDER_FOUND else -1

    @property
    def quantity(self) -> float:
        """Units that a position is corrected to, or that are transferred; of an order that is corrected, what of it has filled."""
        if self.kind == Kind.TRANSFER:
            return self._units(self.payload[0]) if self.has_instrument else math.nan
        if self.kind != Kind.CORRECTION or self.flags == Correction.CASH:
            return math.nan
        return self._units(self.payload[_QUANTITY_AT[self.flags]])

    @property
    def price(self) -> float:
        """At which price units are booked."""
        if self.kind == Kind.TRANSFER and self.has_instrument:
            return self._price(self.payload[1])
        is_position = self.kind == Kind.CORRECTION and self.flags == Correction.POSITION
        return self._price(self.payload[3]) if is_position else math.nan

    @property
    def amount(self) -> float:
        """Cash that is transferred, or by which cash is corrected."""
        if self.kind == Kind.TRANSFER and not self.has_instrument:
            return _real(self.payload[1])
        return _real(self.payload[3]) if self.kind == Kind.CORRECTION and self.flags == Correction.CASH else math.nan

    @property
    def currency_word(self) -> int:
        """The currency of `amount`, as `schema.event.currency_word` makes it; 0 for none."""
        return 0 if math.isnan(self.amount) else self.payload[0]

    @property
    def has_instrument(self) -> bool:
        """Whether it is about an instrument."""
        return self.instrument not in ("", -1)

    def _price(self, word: int) -> float:
        return _real(word) * self.steps[0] / self.steps[1]

    def _units(self, lots: int) -> float:
        return lots * self.steps[2] / self.steps[3]


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as the trader half knows it at one moment. NaN prices were not given."""

    order_id: int
    instrument: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    state: OrderState
    reason: Reason
    quantity: float
    filled_quantity: float
    limit_price: float
    stop_price: float
    average_price: float

    @classmethod
    def of(cls, row: Any, name: str, instrument: Instrument) -> OrderView:
        """Make it from an order record; `name` is what the strategy calls the instrument."""
        filled = int(row["filled_lots"])
        return cls(
            int(row["order_id"]),
            name,
            Side(int(row["side"])),
            OrderType(int(row["type"])),
            TimeInForce(int(row["time_in_force"])),
            OrderState(int(row["state"])),
            Reason(int(row["reason"])),
            instrument.lot.to_float(int(row["quantity_lots"])),
            instrument.lot.to_float(filled),
            instrument.tick.to_float(int(row["limit_ticks"])) if row["limit_ticks"] else math.nan,
            instrument.tick.to_float(int(row["stop_ticks"])) if row["stop_ticks"] else math.nan,
            instrument.tick.to_float(_average_ticks(row, filled, instrument)) if filled else math.nan,
        )

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return self.state.is_done
