"""When synthetic bars close, what they are of, and how log prices become bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.data.reference.calendar import ALWAYS_OPEN, session_table
from framework.data.synthetic.draws import VENUE, check_symbols, generator, note
from framework.data.tape.parts import interval_of
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError, InputError
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import NANOSECONDS_PER_DAY, Step

Floats = NDArray[np.float64]

SESSIONS_PER_YEAR = 252
PART_BARS = 8192
"""Bars of an instrument in a part."""
STEPS = 16
"""Steps of a price within a bar."""

_USUAL_VOLATILITY = 0.25
_VOLUME_NOISE = 0.3


@dataclass(frozen=True, slots=True)
class BarPlan:
    """When bars close and what they are of.

    Attributes:
        symbols: names of the instruments.
        bars: how many.
        every: the length of a bar, which must divide a day; "session" for one bar a session of `calendar`.
        start: ISO 8601 date, UTC: the first bar begins here; on a calendar, with the first session not before it.
        calendar: of the instruments. Bars lie in its sessions, counted from their opens; the last of a session ends at the close. A
            price moves from one session's close to the next open as from any bar to the next: not at all.
        seed: of every draw.
        start_price: the first open.
        tick_size, lot_size: of every instrument.
        mean_lots: of a bar's volume, which rises with the size of its return.
    """

    symbols: tuple[str, ...] = ("SYN",)
    bars: int = 2520
    every: str = "1d"
    start: str = "2015-01-01"
    calendar: str = ALWAYS_OPEN
    seed: int = 0
    start_price: float = 100.0
    tick_size: float | str = 0.01
    lot_size: float | str = 1
    mean_lots: float = 10_000.0

    def __post_init__(self) -> None:
        check_symbols(self.symbols)
        if not (self.bars >= 1 and self.start_price > 0 and self.mean_lots >= 1):
            raise InputError(f"{self}; rule: bars >= 1, start_price > 0, mean_lots >= 1.")

    def closes_ns(self) -> NDArray[np.int64]:
        """Stamps of the bars, shape (bars,)."""
        first = int(np.datetime64(self.start, "ns").astype(np.int64))
        if self.calendar == ALWAYS_OPEN:
            return first + self._interval_ns * np.arange(1, self.bars + 1, dtype=np.int64)
        sessions = -(-self.bars // self._bars_a_session)
        # five sessions a week less holidays, some of them short: half as many days again and a month reach further
        table = session_table(self.calendar, first, first + (sessions * 3 // 2 + 30) * NANOSECONDS_PER_DAY)
        closes: list[NDArray[np.int64]] = []
        for opens, close in zip(table.open_ns.tolist(), table.close_ns.tolist(), strict=True):
            if opens >= first:
                closes.append(np.minimum(np.arange(opens, close, self._interval_ns, dtype=np.int64) + self._interval_ns, close))
        return np.concatenate(closes)[: self.bars]

    @property
    def years(self) -> float:
        """The length of a bar: of 252 sessions, or of 365.25 days."""
        if self.calendar != ALWAYS_OPEN:
            return 1 / (SESSIONS_PER_YEAR * self._bars_a_session)
        return self._interval_ns / (365.25 * NANOSECONDS_PER_DAY)

    @property
    def _interval_ns(self) -> int:
        return NANOSECONDS_PER_DAY if self.every == "session" else interval_of(self.every, divides_day=True)

    @property
    def _bars_a_session(self) -> int:
        """Of a usual session: the most frequent length among those of a month."""
        if self.every == "session":
            return 1
        first = int(np.datetime64(self.start, "ns").astype(np.int64))
        table = session_table(self.calendar, first, first + 30 * NANOSECONDS_PER_DAY)
        lengths, counts = np.unique(table.close_ns - table.open_ns, return_counts=True)
        return -(-int(lengths[int(np.argmax(counts))]) // self._interval_ns)

    def instruments(self) -> tuple[Instrument, ...]:
        """What the bars are of."""
        tick, lot = Step.of(self.tick_size), Step.of(self.lot_size)
        length = 0 if self.every == "session" else self._interval_ns
        return tuple(
            Instrument(symbol, tick=tick, lot=lot, venue=VENUE, calendar=self.calendar, bar_interval_ns=length) for symbol in self.symbols
        )


def recording(plan: BarPlan, model: str, paths: Callable[[], Iterator[list[Floats]]]) -> Recording:
    """Bars of log prices.

    Args:
        paths: makes, part by part of `PART_BARS`, for each symbol the log of price over start price at every step, shape (bars, STEPS).
    """
    instruments, closes = plan.instruments(), plan.closes_ns()

    def parts() -> Iterator[Events]:
        volumes = [generator(plan.seed, model, symbol, "volume") for symbol in plan.symbols]
        before, first = [0.0] * len(instruments), 0
        for made in paths():
            stamps = closes[first : first + len(made[0])]
            events = np.zeros((len(stamps), len(instruments)), EVENT)
            events["ts_local_ns"] = events["ts_venue_ns"] = stamps[:, None]
            events["kind"], events["instrument"] = Kind.BAR, np.arange(len(instruments))
            for k, path in enumerate(made):
                _fill(events[:, k], path, before[k], plan, instruments[k], volumes[k])
                before[k] = float(path[-1, -1])
            first += len(stamps)
            yield events.ravel()

    return Recording(instruments, parts, f"synthetic {model}", (note(model, plan.seed),))


def _fill(bars: Events, path: Floats, before: float, plan: BarPlan, instrument: Instrument, random: np.random.Generator) -> None:
    """Prices and volumes of one instrument. A volume is `mean_lots` (1/2 + 1/2 |return| / usual) times a log-normal number of mean 1."""
    opens = np.concatenate([[before], path[:-1, -1]])
    whole = np.concatenate([opens[:, None], path], axis=1)
    with np.errstate(over="ignore"):
        ticks = np.rint(plan.start_price * np.exp(whole) / instrument.tick.size)
    if not (ticks.min() >= 1 and ticks.max() < 2.0**53):
        at = bars["ts_local_ns"][int(np.argmax(((ticks < 1) | (ticks >= 2.0**53)).any(axis=1)))].astype("datetime64[ns]")
        raise DataError(f"{instrument.symbol}: the price leaves the grid of ticks by {at}. Choose another start_price, or fewer bars.")
    bars["w0"], bars["w1"], bars["w2"], bars["w3"] = ticks[:, 0], ticks.max(axis=1), ticks.min(axis=1), ticks[:, -1]
    surprise = np.abs(path[:, -1] - opens) / (_USUAL_VOLATILITY * np.sqrt(plan.years))
    noise = np.exp(_VOLUME_NOISE * random.standard_normal(len(bars)) - _VOLUME_NOISE**2 / 2)
    bars["w4"] = np.maximum(np.rint(plan.mean_lots * (0.5 + 0.5 * surprise) * noise), 1)
