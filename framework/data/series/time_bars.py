"""Bars by time and by session; see `framework.data.series.resample`."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.reference.calendar import is_bars, session_table
from framework.data.series import resample_kernels as kernels
from framework.data.tape.event_arrays import joined
from framework.data.tape.parts import interval_of, plain, stranger, together
from framework.data.tape.recording import Events
from framework.errors import DataError, InputError, did_you_mean
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import NANOSECONDS_PER_DAY, NEVER_NS, Step

Every = str | int | pd.Timedelta
Of = Literal["trade", "bar", "mid", "bid", "ask"]
Origin = Literal["midnight", "session"]
Empty = Literal["skip", "flat"]
Outside = Literal["refuse", "leave_out"]

SOURCES = {
    "trade": (Kind.TRADE, kernels.OF_WORDS),
    "bar": (Kind.BAR, kernels.OF_WORDS),
    "mid": (Kind.QUOTE, kernels.OF_MID),
    "bid": (Kind.QUOTE, kernels.OF_BID),
    "ask": (Kind.QUOTE, kernels.OF_ASK),
}
"""By the word of `of=`: which events, and which of their prices."""

_BUFFER_ROWS = 65_536
_AHEAD_NS = 40 * NANOSECONDS_PER_DAY
"""How far beyond the last event sessions are looked up: longer than an exchange stays closed."""


class TimeBars:
    """Bars by time, event by event or part by part: the bytes do not depend on which.

    Args:
        instruments: of the source.
        every: length of a bar, such as "5min", or "session".
        of: what the prices are: of trades, of bars, or of quotes their mid, bid or ask. Quotes have volume 0; a quote without the side
            is passed over; mids are in half ticks.
        origin: "midnight" counts intervals from midnight UTC, "session" from the open of each session; its last one ends at the close.
        calendar: for sessions; if not given, the instrument's own.
        empty: "skip" makes no bar of an interval without events; "flat" repeats the last close with volume 0, from an instrument's
            first event on, inside sessions where they count.
        outside: "refuse" or "leave_out" events outside every session, where sessions count. The last prints of an auction often come
            after the close.

    Attributes:
        instruments: of the bars.
    """

    def __init__(
        self,
        instruments: tuple[Instrument, ...],
        every: Every,
        *,
        of: Of = "trade",
        origin: Origin = "midnight",
        calendar: str | None = None,
        empty: Empty = "skip",
        outside: Outside = "refuse",
    ) -> None:
        for word, value, known in (
            ("of", of, tuple(SOURCES)),
            ("origin", origin, ("midnight", "session")),
            ("empty", empty, ("skip", "flat")),
            ("outside", outside, ("refuse", "leave_out")),
        ):
            if value not in known:
                raise InputError(f"{word}={value!r} is unknown. {did_you_mean(value, known)}")
        by_session = every == "session" or origin == "session"
        interval = NEVER_NS if every == "session" else interval_of(every, divides_day=not by_session)
        kind, price = SOURCES[of]
        self._clock = np.zeros(1, kernels.CLOCK)
        clock = self._clock[0]
        clock["next_close_ns"], clock["interval_ns"], clock["kind"], clock["price"] = NEVER_NS, interval, kind, price
        clock["back_ns"], clock["flat"], clock["by_session"] = of == "bar", empty == "flat", by_session
        clock["outside"] = outside == "leave_out"
        self._state = np.zeros(len(instruments), kernels.BAR_STATE)
        self._state["close_ns"] = NEVER_NS
        self._out = np.zeros(max(_BUFFER_ROWS, 2 * len(instruments)), EVENT)
        self._opens = self._closes = np.zeros(0, np.int64)
        self._covered = (NEVER_NS, 0)
        self._last_ns = 0
        length = 0 if every == "session" else interval
        for one in instruments:
            if of == "bar" and length and one.bar_interval_ns and length % one.bar_interval_ns:
                raise InputError(
                    f"{one.symbol}: bars of {length} ns cannot be made of bars of {one.bar_interval_ns} ns; rule: a whole number of them."
                )
        self._calendars = [calendar or one.calendar for one in instruments] if by_session else []
        for name in self._calendars:
            if is_bars(name):
                raise InputError(f"calendar {name!r} has no sessions of its own: each bar is one. Name an exchange's with calendar=.")
        self.instruments = tuple(
            replace(
                one,
                tick=Step(one.tick.numerator, one.tick.denominator * 2) if of == "mid" else one.tick,
                calendar=calendar or one.calendar,
                bar_interval_ns=length,
            )
            for one in instruments
        )

    def apply(self, events: Events) -> Events:
        """Apply events in their order; the bars that are known now, and splits, dividends, funding, halts and delistings as they came.

        Raises:
            DataError: an event outside every session, where they count and `outside` is "refuse".
        """
        events = plain(events)
        made: list[Events] = []
        if len(events):
            self._last_ns = int(events["ts_local_ns"][-1])
            self._cover(int(events["ts_local_ns"][0]), self._last_ns)
        at = 0
        while at < len(events):
            at, rows = kernels.time_bars(self._clock, self._state, self._opens, self._closes, events, at, self._out)
            made.append(joined((self._out[:rows],)))
            if self._clock[0]["fault"]:
                self._refuse(events[at])
        return together(made)

    def flush(self, until_ns: int | None = None) -> Events:
        """The bars that close at or before a stamp, up to which nothing more will come.

        Args:
            until_ns: UTC; if not given, the stamp of the last event.
        """
        until, made, is_done = self._last_ns if until_ns is None else until_ns, [], False
        if self._calendars and until > self._last_ns and len(self._opens):
            self._cover(self._last_ns, until)
        while not is_done:
            rows, is_done = kernels.flush_bars(self._clock, self._state, self._opens, self._closes, until, self._out)
            made.append(joined((self._out[:rows],)))
        return together(made)

    def keep(self) -> Events:
        """The bars that have begun and hold something, stamped at their close, though the source does not reach it."""
        begun = self._state["close_ns"][self._state["count"] > 0]
        return self.flush(int(begun.max())) if len(begun) else np.zeros(0, EVENT)

    def _cover(self, first_ns: int, last_ns: int) -> None:
        """Have the sessions from the first event on, and some beyond the last."""
        if not self._calendars or (self._covered[0] <= first_ns and last_ns + _AHEAD_NS // 2 <= self._covered[1]):
            return
        self._covered = (min(first_ns, self._covered[0]), last_ns + _AHEAD_NS)
        opens: list[NDArray[np.int64]] = []
        closes: list[NDArray[np.int64]] = []
        begin: dict[str, tuple[int, int]] = {}
        total = 0
        for name in sorted(set(self._calendars)):
            table = session_table(name, *self._covered)
            opens.append(table.open_ns)
            closes.append(table.close_ns)
            begin[name] = (total, total + len(table.labels))
            total += len(table.labels)
        self._opens, self._closes = np.concatenate(opens), np.concatenate(closes)
        for k, name in enumerate(self._calendars):
            self._state[k]["first"], self._state[k]["past_last"] = begin[name]

    def _refuse(self, event: np.void) -> None:
        if self._clock[0]["fault"] == kernels.STRANGER:
            raise stranger(event, len(self.instruments))
        one, when = int(event["instrument"]), pd.Timestamp(int(event["ts_local_ns"]), tz="UTC")
        raise DataError(
            f"{self.instruments[one].symbol}: a {Kind(int(event['kind'])).name} stamped {when} lies outside every session of "
            f'{self._calendars[one]}. Leave such events out with outside="leave_out", or correct calendar=.'
        )
