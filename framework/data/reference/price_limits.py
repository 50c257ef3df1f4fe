"""Price limits as events: told in a table, of a future by its settlement, of a US share by the rules of Limit Up-Limit Down.

    build(frames, instruments, extra=daily_limits(settlements, instrument, number, percent=7.0))

What a venue does with them: docs/venue.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.checks.far_off import refuse_far, within_reach
from framework.data.checks.library_errors import SHAPE, reading
from framework.data.checks.numbers import numbers_of, say_not_a_number
from framework.data.reference.calendar import session_table
from framework.errors import DataError
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND

Events = NDArray[np.void]

Tier = Literal[1, 2]
"""1: the S&P 500, the Russell 1000 and some exchange-traded products; 2: every other NMS stock."""

_WINDOW = "5min"
_LEAST_MOVE = 0.01
_STAYS_NS = 30 * NANOSECONDS_PER_SECOND
_LAST_NS, _FIRST_NS = 25 * 60 * NANOSECONDS_PER_SECOND, 15 * 60 * NANOSECONDS_PER_SECOND
_AMENDMENT_18 = pd.Timestamp("2020-02-24", tz="America/New_York").value
_LONGEST_CLOSURE_NS = 30 * NANOSECONDS_PER_DAY
_EDGE = 1e-9
"""Room for what a float makes of a ratio: 7 % of 100 are 7."""


def limit_events(limits: pd.DataFrame, instrument: Instrument, number: int) -> Events:
    """PRICE_LIMITS events of a table.

    Args:
        limits: columns lower and upper in price units, NaN for none on that side; a UTC index of when each row holds from.
        instrument: whose ticks the prices must fit.
        number: its position among the sorted symbols of the tape.

    Raises:
        DataError: a price off the tick grid or not positive, lower above upper, an index without a time zone.
    """
    place = f"price limits of {instrument.symbol}"
    if not isinstance(limits.index, pd.DatetimeIndex) or limits.index.tz is None:
        raise DataError(f"{place}: the index must be stamps with a time zone. Localise it, to UTC for one.")
    events = np.zeros(len(limits), EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = within_reach(limits.index, place, None).asi8
    refuse_far(events["ts_local_ns"], place)  # also a missing one
    events["kind"], events["instrument"] = Kind.PRICE_LIMITS, number
    for word, name in (("w0", "lower"), ("w1", "upper")):
        if list(limits.columns).count(name) != 1:
            raise DataError(f"{place}: rule: one column {name!r}; found {', '.join(map(str, limits.columns))}. Rename or remove columns.")
        values, wrong = numbers_of(limits[name])
        told = wrong & ~limits[name].isna().to_numpy()
        if told.any():
            row = int(np.argmax(told))
            raise DataError(f"{place}, row {row}, column {name}: {say_not_a_number(limits[name])(row)}")
        events[word] = [_ticks(value, name, row, instrument) for row, value in enumerate(values)]
    crossed = (events["w1"] != 0) & (events["w0"] > events["w1"])
    if crossed.any():
        row = int(np.argmax(crossed))
        lower, upper = limits["lower"].iloc[row], limits["upper"].iloc[row]
        raise DataError(f"price limits of {instrument.symbol}, row {row}: lower {lower} > upper {upper}; rule: lower <= upper.")
    return events


def _ticks(value: float, name: str, row: int, instrument: Instrument) -> int:
    if np.isnan(value):
        return 0
    ticks = instrument.tick.exactly(value)
    if ticks is None or ticks <= 0:
        raise DataError(
            f"price limits of {instrument.symbol}, row {row}: {name} {value} is no positive multiple of the tick {instrument.tick.size}. "
            "Round it inward, or leave it NaN for none."
        )
    return ticks


def daily_limits(
    settlements: pd.Series[float], instrument: Instrument, number: int, *, percent: float | None = None, amount: float | None = None
) -> Events:
    """Limits around each settlement, from the open of the next session of the instrument's calendar: settlement +- percent or amount.

    Both are rounded inward to ticks. CME sets percents for stock indices and amounts for grains and livestock
    (https://www.cmegroup.com/trading/price-limits.html); a limit that widens during the day is another row of `limit_events`.

    Args:
        settlements: prices by session date.
        instrument, number: as in `limit_events`.
        percent, amount: exactly one: of the settlement, above 0 and below 100; or in price units, above 0.

    Raises:
        DataError: neither or both are given, one out of its range, a price that is not positive, a calendar without sessions.
    """
    if (percent is None) == (amount is None) or (percent is not None and not 0 < percent < 100) or (amount is not None and not amount > 0):
        raise DataError(f"percent {percent}, amount {amount}; rule: exactly one, 0 < percent < 100 or amount > 0.")
    if not len(settlements):
        return np.zeros(0, EVENT)
    place = f"settlements of {instrument.symbol}"
    prices, wrong = numbers_of(settlements)
    wrong |= ~(prices > 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"{place}, row {row}: {settlements.iloc[row]}; rule: a price above 0. Correct it.")
    with reading(f"{place}, index", "Write dates such as 2020-01-31.", also=SHAPE):
        index = pd.DatetimeIndex(settlements.index)
    days = within_reach(index.tz_localize(None).normalize(), place, None).asi8
    refuse_far(days, place)  # also a missing one
    table = session_table(instrument.calendar, int(days.min()), int(days.max()) + _LONGEST_CLOSURE_NS)
    at = np.searchsorted(table.labels, days // NANOSECONDS_PER_DAY, side="right")
    if at.max() == len(table.labels):
        day = settlements.index[int(np.argmax(at))]
        raise DataError(f"settlements of {instrument.symbol}: no session of {instrument.calendar!r} in 30 days after {day}. Shorten them.")
    room = prices * (percent / 100.0) if percent is not None else np.full(len(prices), float(amount or 0.0))
    tick = instrument.tick
    events = np.zeros(len(prices), EVENT)
    events["ts_local_ns"] = events["ts_venue_ns"] = table.open_ns[at]
    events["kind"], events["instrument"] = Kind.PRICE_LIMITS, number
    events["w0"] = np.maximum(np.ceil((prices - room) * tick.denominator / tick.numerator - _EDGE), 0)
    events["w1"] = np.floor((prices + room) * tick.denominator / tick.numerator + _EDGE)
    return events


@dataclass(frozen=True, slots=True)
class _Day:
    """One session of the plan: its times, and which band its shares have."""

    open_ns: int
    close_ns: int
    previous_close: float
    tier: Tier

    def half_width(self, reference: float, ns: int) -> float:
        """Half the width of the band around a reference price at a moment, in price units.

            previous close      tier 1      tier 2
            above 3.00          5 %         10 %
            0.75 to 3.00        20 %        20 %
            below 0.75          the lesser of 0.15 and 75 %

        Doubled in the last 25 minutes; of tier 2 only up to 3.00. Before Amendment 18, 24 February 2020, doubled there for all, and in
        the first 15 minutes too.
        """
        if self.previous_close < 0.75:
            width = min(0.15, 0.75 * reference)
        else:
            width = reference * (0.2 if self.previous_close <= 3.0 else (0.05 if self.tier == 1 else 0.1))
        is_old = self.open_ns < _AMENDMENT_18
        is_late = ns >= self.close_ns - _LAST_NS and (is_old or self.tier == 1 or self.previous_close <= 3.0)
        return 2.0 * width if is_late or (is_old and ns < self.open_ns + _FIRST_NS) else width

    def changes(self) -> list[int]:
        """When the width changes by the clock."""
        return [self.close_ns - _LAST_NS] + ([self.open_ns + _FIRST_NS] if self.open_ns < _AMENDMENT_18 else [])


def luld_limits(trades: pd.Series[float], instrument: Instrument, number: int, *, tier: Tier, previous_close: float) -> Events:
    """The price bands of Limit Up-Limit Down, worked out from trades as the plan does (section V, https://www.luldplan.com).

    The first trade of a session is its first reference price. After that the mean of the trades of the last five minutes becomes the
    reference when it is 1 % or more away from it, which then stays for at least 30 seconds. A band is the reference +- a percentage
    by tier and by the close of the day before, to the nearest tick.

    Args:
        trades: prices by stamp, UTC, in order; trades outside the sessions of the instrument's calendar are left out.
        instrument, number: as in `limit_events`.
        tier: see `Tier`.
        previous_close: of the day before the first; later days take the last trade before them.

    Assumptions: every trade given is eligible; the first one of a day is the primary exchange's opening.
    Fails when: odd lots, late reports or prices out of sequence are among the trades; the plan leaves them out. Trading pauses, 15
    seconds after a quote has reached a band, are HALT events of the source.

    Raises:
        DataError: stamps without a time zone or out of order, a price that is not positive, another tier, a calendar without sessions.
    """
    stamps = trades.index
    if not isinstance(stamps, pd.DatetimeIndex) or stamps.tz is None or not stamps.is_monotonic_increasing:
        raise DataError(f"trades of {instrument.symbol}: the index must be stamps with a time zone, in order. Localise and sort it.")
    if tier not in (1, 2) or not previous_close > 0 or not (trades > 0).all():
        least = trades.min() if len(trades) else None
        raise DataError(f"tier {tier}, previous_close {previous_close}, lowest trade {least}; rule: tier 1 or 2, prices above 0.")
    rows: list[tuple[int, int, int]] = []
    if len(trades):
        ns = stamps.as_unit("ns").asi8
        table = session_table(instrument.calendar, int(ns[0]), int(ns[-1]))
        for open_ns, close_ns in zip(table.open_ns.tolist(), table.close_ns.tolist(), strict=True):
            begin, end = np.searchsorted(ns, (open_ns, close_ns + 1))
            if begin == end:
                continue
            day = _Day(open_ns, close_ns, previous_close, tier)
            rows += _bands(trades.iloc[begin:end], ns[begin:end], day, instrument)
            previous_close = float(trades.iloc[end - 1])
    events = np.zeros(len(rows), EVENT)
    events["kind"], events["instrument"] = Kind.PRICE_LIMITS, number
    for event, (stamp, lower, upper) in zip(events, rows, strict=True):
        event["ts_local_ns"] = event["ts_venue_ns"] = stamp
        event["w0"], event["w1"] = lower, upper
    return events


def _bands(trades: pd.Series[float], ns: NDArray[np.int64], day: _Day, instrument: Instrument) -> list[tuple[int, int, int]]:
    """(stamp, lower, upper in ticks) of one session: a row a reference price, and one where the width changes by the clock."""
    means = trades.rolling(_WINDOW).mean().to_numpy(np.float64)
    references = [(int(ns[0]), float(trades.iloc[0]))]
    while True:
        since_ns, reference = references[-1]
        first = int(np.searchsorted(ns, since_ns + _STAYS_NS))
        moved = np.flatnonzero(np.abs(means[first:] / reference - 1.0) >= _LEAST_MOVE)
        if not len(moved):
            break
        references.append((int(ns[first + moved[0]]), float(means[first + moved[0]])))
    found: dict[int, float] = dict(references)
    for change_ns in day.changes():
        before = [reference for stamp, reference in references if stamp <= change_ns]
        if before and change_ns not in found:
            found[change_ns] = before[-1]
    tick, rows = instrument.tick, []
    for stamp, reference in sorted(found.items()):
        width = day.half_width(reference, stamp)
        rows.append((stamp, max(tick.nearest(reference - width), 1), tick.nearest(reference + width)))
    return rows
