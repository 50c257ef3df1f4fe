"""Splits, dividends, spin-offs, delistings and renames: what they are as events.

The ledger delivers no shares of a child: a spin-off pays the child's worth in cash, as a dividend (so does Lean). A rename changes
nothing about an instrument, whose symbol on the tape is its lasting name; the tape's notes tell it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.checks.decimals import exact
from framework.data.checks.far_off import FAR_OFF
from framework.data.checks.library_errors import SHAPE, reading
from framework.errors import DataError, did_you_mean
from framework.schema.event import EVENT, NO_INSTRUMENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import LARGEST_STEPS

ACTION_COLUMNS = ("symbol", "ts", "kind", "value")
RENAME = "rename"
ACTION_KINDS = {
    "split": Kind.SPLIT,
    "dividend": Kind.DIVIDEND,
    "spin_off": Kind.DIVIDEND,
    "delist": Kind.DELIST,
    RENAME: Kind.NONE,
}

_MOST_MONEY = 10**9
_MARKET = (Kind.BAR, Kind.QUOTE, Kind.TRADE, Kind.DEPTH, Kind.MARK_PRICE)


_MOST_SHARES = 10_000
"""Largest denominator of a ratio that a float is read as."""


def action_events(actions: pd.DataFrame, instruments: Sequence[Instrument]) -> NDArray[np.void]:
    """Turn a table of corporate actions into events.

    Args:
        actions: columns symbol, ts (UTC), kind, value; see `tape.build`.
        instruments: in the order of the tape.

    Returns:
        One event a row, without the renames.

    Raises:
        DataError: naming the row, what it holds and the rule.
    """
    if not isinstance(actions, pd.DataFrame):
        raise DataError(f"actions= is a {type(actions).__name__}; rule: a DataFrame with columns {', '.join(ACTION_COLUMNS)}. Make it one.")
    for name in ACTION_COLUMNS:
        if name not in actions.columns:
            raise DataError(f"actions: column {name!r} is missing; needed are {', '.join(ACTION_COLUMNS)}.")
        if list(actions.columns).count(name) > 1:
            raise DataError(f"actions: column {name!r} appears more than once. Remove or rename all but one.")
    stamps = _moments(actions)
    positions = {instrument.symbol: position for position, instrument in enumerate(instruments)}
    events = np.zeros(len(actions), EVENT)
    seen: set[tuple[str, int, str]] = set()
    for row, (symbol, ns, kind, value) in enumerate(zip(actions["symbol"], stamps.asi8, actions["kind"], actions["value"], strict=True)):
        place = f"actions, row {row} ({symbol} {kind} {stamps[row]})"
        if not isinstance(symbol, str) or symbol not in positions:
            raise DataError(f"{place}: no such instrument. {did_you_mean(str(symbol), positions)}")
        if not isinstance(kind, str) or kind not in ACTION_KINDS:
            raise DataError(f"{place}: unknown kind. {did_you_mean(str(kind), ACTION_KINDS)}")
        if (symbol, int(ns), kind) in seen:
            raise DataError(f"{place}: the same action twice. Remove one, or add the amounts up.")
        seen.add((symbol, int(ns), kind))
        if instruments[positions[symbol]].is_derivative and kind not in ("delist", RENAME):
            raise DataError(f"{place}: a {instruments[positions[symbol]].kind.name} has no {kind}s. Remove the row, or correct its kind.")
        event = events[row]
        event["ts_local_ns"] = event["ts_venue_ns"] = ns
        event["kind"], event["instrument"] = ACTION_KINDS[kind], positions[symbol]
        event["w0"], event["w1"] = _words(kind, value, instruments[positions[symbol]], place)
    told: NDArray[np.void] = events[events["kind"] != Kind.NONE]
    return told


def action_notes(actions: pd.DataFrame) -> list[str]:
    """What the events do not tell: the names of the day, and that a spin-off is paid in cash."""
    notes = []
    children = actions["child"] if "child" in actions.columns else [""] * len(actions)
    stamps = _moments(actions).tz_convert("UTC")
    for symbol, stamp, kind, value, child in zip(actions["symbol"], stamps, actions["kind"], actions["value"], children, strict=True):
        if kind == RENAME:
            notes.append(f"{symbol}: called {value} from {stamp:%Y-%m-%d %H:%M} UTC on; here it keeps one name.")
        elif kind == "spin_off":
            named = f" of {child}" if isinstance(child, str) and child else ""
            notes.append(f"{symbol}: the spin-off{named} of {stamp:%Y-%m-%d} is paid in cash, {value} a share; no shares are delivered.")
    return notes


def _moments(actions: pd.DataFrame) -> pd.DatetimeIndex:
    """The stamps of actions, in ns; of an empty table, whose column has any type, none."""
    if not len(actions):
        return pd.DatetimeIndex([], tz="UTC")
    with reading("actions, column ts", "Write moments in UTC, such as 2020-01-31T05:00Z.", also=SHAPE):
        stamps = pd.DatetimeIndex(actions["ts"])
    if stamps.tz is None:
        raise DataError("actions: column ts has no time zone. Localize it to UTC.")
    wrong = stamps.isna() | (stamps.year < 1850) | (stamps.year >= 2200)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"actions, row {row}, column ts: {actions['ts'].iloc[row]}; rule: {FAR_OFF}. Correct or remove the row.")
    return stamps.as_unit("ns")


def _words(kind: str, value: Any, instrument: Instrument, place: str) -> tuple[int, int]:
    if kind == RENAME:
        if not isinstance(value, str) or not value:
            raise DataError(f"{place}: {value!r}; rule: the new name, as text.")
        return 0, 0
    if kind == "split":
        ratio = split_ratio(value, place)
        return ratio.numerator, ratio.denominator
    least = "final price >= 0" if kind == "delist" else "amount > 0"
    try:
        amount = exact(str(value))
    except ValueError as error:
        raise DataError(f"{place}: {str(value)[:60]!r} is not an amount of money; rule: {least}. Correct it.") from error
    if not 0 <= amount < _MOST_MONEY or (kind != "delist" and amount == 0):
        raise DataError(f"{place}: {value!r}; rule: {least}, below {_MOST_MONEY:,}. Correct it.")
    if kind != "delist":
        nano = amount * 10**9
        if nano.denominator != 1:
            raise DataError(f"{place}: {value!r} is finer than a billionth of the currency. Round it.")
        return int(nano), 0
    ticks = amount * instrument.tick.denominator / instrument.tick.numerator
    if ticks.denominator != 1:
        raise DataError(f"{place}: final price {value!r} is not a whole number of ticks of {instrument.tick.size:g}. Round it.")
    if ticks > LARGEST_STEPS:
        raise DataError(f"{place}: final price {value!r} is {float(ticks):.3g} ticks; rule: at most {LARGEST_STEPS:.1e}. Correct it.")
    return int(ticks), 0


def _simplest(value: Any) -> Fraction:
    """A number as a ratio: 0.3333333333333333 is 1/3, the ratio of small numbers that is nearest to no other float."""
    ratio = exact(str(value))
    near = ratio.limit_denominator(_MOST_SHARES)
    return near if near > 0 and isinstance(value, float) and float(near) == float(value) else ratio


def split_ratio(value: Any, place: str = "split") -> Fraction:
    """New shares over old ones from a Fraction, a number or "new:old".

    >>> split_ratio("3:2")
    Fraction(3, 2)
    """
    try:
        if isinstance(value, str) and ":" in value:
            new, old = value.split(":")
            ratio = exact(new) / exact(old)
        else:
            ratio = value if isinstance(value, Fraction) else _simplest(value)
    except (ValueError, ZeroDivisionError) as error:
        raise DataError(f'{place}: {str(value)[:60]!r} is not a split ratio. Write "new:old", for example "2:1".') from error
    if ratio <= 0 or max(ratio.numerator, ratio.denominator) > LARGEST_STEPS:
        raise DataError(
            f"{place}: {value!r}; rule: new and old shares > 0, in whole numbers of at most 2**53. "
            'Write it as "new:old", for example "1:3".'
        )
    return ratio


def refuse_trading_after_delisting(
    actions: NDArray[np.void], bars: Mapping[int, NDArray[np.int64]], extra: NDArray[np.void], instruments: Sequence[Instrument]
) -> None:
    """Raise if an instrument has market data after its own delisting; `bars` are stamps by the instrument's position."""
    ends = np.full(len(instruments), np.iinfo(np.int64).max)
    delisted = actions[actions["kind"] == Kind.DELIST]
    if not len(delisted):
        return
    ends[delisted["instrument"]] = delisted["ts_local_ns"]
    told = extra[(extra["instrument"] != NO_INSTRUMENT) & np.isin(extra["kind"], _MARKET)]
    market = [(np.full(len(stamps), position), stamps) for position, stamps in bars.items()]
    for owners, stamps in (*market, (told["instrument"], told["ts_local_ns"])):
        late = stamps > ends[owners]
        if late.any():
            row = int(np.argmax(late))
            symbol, end = instruments[owners[row]].symbol, pd.Timestamp(int(ends[owners[row]]), tz="UTC")
            stamp = pd.Timestamp(int(stamps[row]), tz="UTC")
            raise DataError(
                f"{symbol}: delisted at {end}, but {int(late.sum())} market events follow, the first at {stamp}. "
                "Cut the data there, or remove the delisting."
            )
