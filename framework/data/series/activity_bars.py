"""Bars by ticks, volume, dollars, imbalance or runs of trades; see `framework.data.series.resample`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from framework.data.series import resample_kernels as kernels
from framework.data.tape.event_arrays import joined
from framework.data.tape.parts import plain, stranger, together
from framework.data.tape.recording import Events
from framework.errors import InputError, did_you_mean
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument

Measure = Literal["ticks", "volume", "dollars"]

_MEASURES = {"ticks": kernels.TICKS, "volume": kernels.VOLUME, "dollars": kernels.DOLLARS}
_BUFFER_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class Expectations:
    """What bars by imbalance and by runs expect (Lopez de Prado, 2018, section 2.3.2).

    A trade's sign b is told by its flags BUY and SELL, else by the tick rule; x is 1, its units or its money. With E[T] the expected
    trades of a bar and U, D the expected x of a trade where b is 1 and where it is -1, both 0 elsewhere, a bar closes when

        imbalance   |sum of b x|                                    >= E[T] max(|U - D|, floor (U + D) / sqrt(E[T]))
        runs        max(sum of x where b = 1, sum where b = -1)     >= E[T] max(U, D)

    all expectations as they were when the bar began. E[T] is an exponentially weighted mean over bars with weight 2 / (bars + 1); U
    and D over trades with weight 2 / (bars * first_ticks + 1).

    Attributes:
        of: what a trade counts for: "ticks", "volume" (lots) or "dollars" (price x lots).
        first_ticks: trades of the first bar, which closes by their count alone: the first E[T]; its means are the first U and D.
        bars: the span of the means.
        least_ticks, most_ticks: E[T] is kept between them, since bars that grow make it grow further. If not given, a tenth of
            `first_ticks` and ten times as much.
        floor: keeps the threshold above 0 where purchases and sales are in balance: 1 is what a walk of E[T] steps reaches by chance.
    """

    of: Measure = "ticks"
    first_ticks: int = 1000
    bars: int = 20
    least_ticks: float | None = None
    most_ticks: float | None = None
    floor: float = 1.0

    def __post_init__(self) -> None:
        if self.of not in _MEASURES:
            raise InputError(f"of={self.of!r} is unknown. {did_you_mean(self.of, _MEASURES)}")
        least, most = self.limits
        if not (self.first_ticks >= 1 and self.bars >= 1 and self.floor >= 0 and 0 < least <= self.first_ticks <= most):
            raise InputError(f"{self}; rule: bars >= 1, floor >= 0, 0 < least_ticks <= first_ticks <= most_ticks, first_ticks >= 1.")

    @property
    def limits(self) -> tuple[float, float]:
        """`least_ticks` and `most_ticks` as they are used."""
        least = max(self.first_ticks / 10, 1.0) if self.least_ticks is None else self.least_ticks
        return least, self.first_ticks * 10.0 if self.most_ticks is None else self.most_ticks


class ActivityBars:
    """Bars by ticks, volume, dollars, imbalance or runs of trades, event by event or part by part: the bytes do not depend on which.

    Args:
        instruments: of the source.
        measure: what is counted: "ticks", "volume" or "dollars".
        threshold: trades, units or money (in the instrument's currency, multiplier included) after which a bar closes; of all
            instruments alike.
        imbalance, runs: in place of `measure` and `threshold`.

    Attributes:
        instruments: of the bars.
    """

    def __init__(
        self,
        instruments: tuple[Instrument, ...],
        measure: Measure = "ticks",
        threshold: float | None = None,
        *,
        imbalance: Expectations | None = None,
        runs: Expectations | None = None,
    ) -> None:
        given = [value for value in (threshold, imbalance, runs) if value is not None]
        if len(given) != 1:
            raise InputError(f"{len(given)} of threshold, imbalance and runs are given. Give one.")
        expected = imbalance or runs
        self._rule = np.zeros(1, kernels.RULE)
        self._state = np.zeros(len(instruments), kernels.ACTIVITY_STATE)
        self._out = np.zeros(_BUFFER_ROWS, EVENT)
        self._last_ns = 0
        rule = self._rule[0]
        if expected is not None:
            rule["mode"] = kernels.IMBALANCE if imbalance is not None else kernels.RUN
            rule["bar_weight"], rule["tick_weight"] = 2 / (expected.bars + 1), 2 / (expected.bars * expected.first_ticks + 1)
            rule["floor"], rule["measure"] = expected.floor, _MEASURES[expected.of]
            rule["least"], rule["most"] = expected.limits
            self._state["expected_ticks"] = expected.first_ticks
        elif threshold is not None:
            if not 0 < threshold < np.inf:
                raise InputError(f"{measure}={threshold}: must be above 0.")
            rule["measure"] = _MEASURES[measure]
            units = [1.0 if measure == "ticks" else one.lot.size if measure == "volume" else one.point_value for one in instruments]
            # sums are whole numbers of lots: 0.3 units must be reached by 3 lots of 0.1, whatever the division rounds to
            self._state["threshold"] = threshold / np.array(units) * (1 - 1e-12)
        self.instruments = tuple(replace(one, bar_interval_ns=0) for one in instruments)

    def apply(self, events: Events) -> Events:
        """Apply events in their order; the bars that are known now, and splits, dividends, funding, halts and delistings as they came."""
        events = plain(events)
        made: list[Events] = []
        at = 0
        while at < len(events):
            at, rows = kernels.activity_bars(self._rule, self._state, events, at, self._out)
            made.append(joined((self._out[:rows],)))
            if self._rule[0]["fault"]:
                raise stranger(events[at], len(self.instruments))
        self._last_ns = int(events["ts_local_ns"][-1]) if len(events) else self._last_ns
        return together(made)

    def flush(self, until_ns: int | None = None) -> Events:
        """Nothing: time closes no bar by activity."""
        return np.zeros(0, EVENT)

    def keep(self) -> Events:
        """The bars that have begun, stamped at the last event, though they are not full."""
        begun = np.flatnonzero(self._state["count"])
        events = np.zeros(len(begun), EVENT)
        events["ts_local_ns"] = events["ts_venue_ns"] = self._last_ns
        events["kind"], events["instrument"] = Kind.BAR, begun
        for word, name in zip(("w0", "w1", "w2", "w3", "w4"), ("open", "high", "low", "close", "volume"), strict=True):
            events[word] = self._state[name][begun]
        self._state["count"] = 0
        return events
