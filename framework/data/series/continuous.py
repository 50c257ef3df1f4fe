"""Continuous futures: which contract is in front, decided with what was known, and a series over them to read and not to trade.

A schedule says from when which contract is the front. Orders go to that contract; signals may read the series, an instrument of kind
INDEX made of the front's bars.

- adjust="ratio": bars as they traded, and at each roll a SPLIT of the series by old close : new close, so that the history a strategy
  sees (`view.closes`) is restated as of now by new / old (decision 0004). No bar is touched by a later roll.
- adjust="difference": every bar after a roll is moved by what the rolls so far have summed up to, old close - new close. The first
  contract keeps its prices, later ones drift from theirs; returns in points are those of a holder who rolled.
- adjust=None: bars as they traded, with the jumps.

`back_adjusted` is the classic picture, in which today's prices are real and the past moves with each roll: not for strategies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.reference.activity import Activity
from framework.data.reference.calendar import BARS, is_bars, session_table
from framework.data.reference.rows import At, ContractRow, instant_ns, shown
from framework.data.tape import Tape
from framework.data.tape.assembly import assemble
from framework.data.tape.recording import Recording
from framework.errors import DataError, did_you_mean
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import InstrumentKind
from framework.schema.units import NANOSECONDS_PER_DAY

Events = NDArray[np.void]
Adjust = Literal["ratio", "difference"] | None

_PRICES = ("w0", "w1", "w2", "w3")


@dataclass(frozen=True, slots=True)
class Roll:
    """From `at_ns` on `contract` is the front; that was decided at `decided_ns`."""

    at_ns: int
    contract: str
    decided_ns: int


@dataclass(frozen=True, slots=True)
class RollSchedule:
    """Which contract is in front, from when; at `end_ns` the last of them is over.

    >>> schedule = RollSchedule((Roll(0, "A", 0), Roll(100, "B", 90)), 200)
    >>> schedule.front(99), schedule.front(100)
    ('A', 'B')
    """

    rolls: tuple[Roll, ...]
    end_ns: int

    def __post_init__(self) -> None:
        if not self.rolls:
            raise DataError("a roll schedule needs at least one contract.")
        for one, after in pairwise(self.rolls):
            if after.at_ns <= one.at_ns:
                raise DataError(f"roll to {after.contract} at {shown(after.at_ns)}, not after that to {one.contract} ({shown(one.at_ns)}).")
        for roll in self.rolls:
            if roll.decided_ns > roll.at_ns:
                raise DataError(f"roll to {roll.contract} at {shown(roll.at_ns)} is decided only at {shown(roll.decided_ns)}.")

    def front(self, at: At) -> str:
        """The front contract at a moment.

        Raises:
            DataError: before the first or after the last.
        """
        ns = instant_ns(at)
        place = int(np.searchsorted([roll.at_ns for roll in self.rolls], ns, side="right")) - 1
        if place < 0 or ns >= self.end_ns:
            raise DataError(
                f"no front contract at {shown(ns)}: the schedule goes from {shown(self.rolls[0].at_ns)} to {shown(self.end_ns)}."
            )
        return self.rolls[place].contract

    def table(self) -> pd.DataFrame:
        """Columns at, contract, decided: one row a roll, the first being the begin."""
        rows = [(roll.at_ns, roll.contract, roll.decided_ns) for roll in self.rolls]
        table = pd.DataFrame(rows, columns=["at", "contract", "decided"])
        return table.assign(**{name: pd.to_datetime(table[name], utc=True) for name in ("at", "decided")})


def by_calendar(contracts: Sequence[ContractRow], calendar: str, *, sessions_before: int = 1, start: At) -> RollSchedule:
    """Hold each contract up to and including the session that is so many before the session in which it expires.

    Args:
        contracts: of one root, as `Reference.contracts_of` gives them.
        calendar: whose sessions count; a roll is at the open of a session.
        sessions_before: 0 holds a contract through its last session.
        start: the schedule begins here, with the first contract that is not yet rolled out of.

    Raises:
        DataError: no contract is left at the start, or `sessions_before` is negative.
    """
    if sessions_before < 0:
        raise DataError(f"sessions_before={sessions_before}; rule: >= 0.")
    begin, ordered = instant_ns(start), sorted(contracts, key=lambda row: row.expiry_ns)
    if not ordered:
        raise DataError("no contracts to roll between.")
    rolls, at = [], begin
    for row, left in zip(ordered, _left_at(ordered, calendar, sessions_before), strict=True):
        if left > at:
            rolls.append(Roll(at, row.id, at))
            at = left
    if not rolls:
        raise DataError(f"every contract is rolled out of before {shown(begin)}; the last is {ordered[-1].id}.")
    return RollSchedule(tuple(rolls), at)


def activity(source: Tape | Recording, calendar: str) -> Activity:
    """Volume (of bars, of trades where an instrument has no bars) and open interest by session.

    A bar counts for the session in which it closes; one that closes between two sessions counts for the later one.

    Raises:
        DataError: no bars, trades or open interest.
    """
    parts = [source.events] if isinstance(source, Tape) else list(source.parts())
    kept = [part[np.isin(part["kind"], (Kind.BAR, Kind.TRADE, Kind.OPEN_INTEREST))] for part in parts]
    events = np.concatenate(kept) if kept else np.zeros(0, EVENT)
    if not len(events):
        raise DataError("no bars, trades or open interest to count.")
    table = session_table(calendar, int(events["ts_local_ns"][0]), int(events["ts_local_ns"][-1]))
    place = np.searchsorted(table.close_ns, events["ts_local_ns"])
    table = table.between(int(place[0]), min(int(place[-1]) + 1, len(table.close_ns)))
    place = place - place[0]
    inside = place < len(table.close_ns)
    events, place = events[inside], place[inside]
    owners = events["instrument"].astype(np.int64)
    shape = len(table.close_ns), len(source.instruments)
    volume, seen, interest = np.zeros(shape), np.zeros(shape, np.bool_), np.full(shape, np.nan)
    bars, trades, told = (events["kind"] == kind for kind in (Kind.BAR, Kind.TRADE, Kind.OPEN_INTEREST))
    trades &= ~np.isin(owners, np.unique(owners[bars]))
    np.add.at(volume, (place[bars], owners[bars]), events["w4"][bars].astype(np.float64))
    np.add.at(volume, (place[trades], owners[trades]), events["w1"][trades].astype(np.float64))
    seen[place[bars | trades], owners[bars | trades]] = True
    volume[~seen] = np.nan
    interest[place[told], owners[told]] = events["w0"][told]  # in order of time: the last of a session stays
    filled = pd.DataFrame(interest).ffill().to_numpy()
    return Activity(calendar, table, tuple(instrument.symbol for instrument in source.instruments), volume, filled)


def by_volume(done: Activity, contracts: Sequence[ContractRow], *, days: int = 1, sessions_before: int = 1) -> RollSchedule:
    """Roll to a later contract when its volume was above the front's in each of the last `days` sessions.

    Decided at the close of a session, in force from the open of the next. A session without a figure of the front decides nothing and
    does not count as one of the `days`. Of several later contracts the busiest is taken. A contract is left at the latest as by
    `by_calendar`, and so is the last one, after the end of the figures. The first front is the nearest contract that is not to be left
    then.

    Args:
        done: as `activity` counts it.
        contracts: of one root; those without activity are not looked at.
        days: sessions in a row.
        sessions_before: see `by_calendar`.

    Raises:
        DataError: no contract of the list has activity, or none is left.
    """
    return _by(done.volume, done, contracts, days, sessions_before)


def by_open_interest(done: Activity, contracts: Sequence[ContractRow], *, days: int = 1, sessions_before: int = 1) -> RollSchedule:
    """Roll as `by_volume` does, on the open interest told up to each session's close."""
    return _by(done.open_interest, done, contracts, days, sessions_before)


def _by(figures: NDArray[np.float64], done: Activity, contracts: Sequence[ContractRow], days: int, sessions_before: int) -> RollSchedule:
    if days < 1 or sessions_before < 0:
        raise DataError(f"days={days}, sessions_before={sessions_before}; rule: days >= 1 and sessions_before >= 0.")
    ordered = sorted((row for row in contracts if row.id in done.contracts), key=lambda row: row.expiry_ns)
    if not ordered:
        raise DataError(f"none of the contracts has activity; it is of {', '.join(done.contracts[:8])}.")
    column = [done.contracts.index(row.id) for row in ordered]
    own = figures[:, column]
    opens, closes = done.sessions.open_ns, done.sessions.close_ns
    left = _left_at(ordered, done.calendar, sessions_before)
    table = session_table(done.calendar, int(opens[0]), int(closes[-1]) + 30 * NANOSECONDS_PER_DAY)
    following = table.open_ns[np.searchsorted(table.close_ns, closes) + 1]
    front = next((k for k, at in enumerate(left) if at > opens[0]), -1)
    if front < 0:
        raise DataError(f"every contract is to be left before {shown(int(opens[0]))}.")
    rolls = [Roll(int(opens[0]), ordered[front].id, int(opens[0]))]
    for day in range(len(opens)):
        while left[front] <= opens[day]:  # the figures need not tell every session
            if front + 1 == len(ordered):
                return RollSchedule(tuple(rolls), left[front])
            rolls.append(Roll(left[front], ordered[front + 1].id, left[front]))
            front += 1
        told = np.flatnonzero(np.isfinite(own[: day + 1, front]))[-days:]
        if len(told) < days or told[-1] != day:
            continue
        ahead = np.flatnonzero((own[told, front + 1 :] > own[told][:, [front]]).all(axis=0)) + front + 1
        ahead = np.array([k for k in ahead if left[k] > following[day]], np.int64)
        if len(ahead):
            front = int(ahead[np.argmax(own[day, ahead])])
            rolls.append(Roll(int(following[day]), ordered[front].id, int(closes[day])))
    return RollSchedule(tuple(rolls), left[front])


def _left_at(contracts: Sequence[ContractRow], calendar: str, sessions_before: int) -> list[int]:
    """Open of the session after the last one in which each contract is held."""
    margin = (sessions_before + 15) * 2 * NANOSECONDS_PER_DAY
    stamps = [row.expiry_ns for row in contracts]
    table = session_table(calendar, min(stamps) - margin, max(stamps) + margin)
    last = np.searchsorted(table.close_ns, stamps) - sessions_before
    found: list[int] = table.open_ns[last + 1].tolist()
    return found


def continuous(tape: Tape, schedule: RollSchedule, name: str, adjust: Adjust = "ratio") -> Tape:
    """The tape and one more instrument, `name`, of kind INDEX: the series of the front's bars.

    A bar belongs to the front of the time it tells of: the roll at the open of a session leaves the bar that closes there with the old
    contract. At a roll the two contracts are compared at the last bar that both have before it.

    Args:
        tape: with the bars of every contract of the schedule.
        schedule: which contract is the front.
        name: of the new instrument.
        adjust: "ratio", "difference" or None; see the head of this file.

    Raises:
        DataError: a contract that is not on the tape or has another tick, no bar in common before a roll, a price moved to 0 or below.
    """
    if adjust not in ("ratio", "difference", None):
        raise DataError(f"adjust={adjust!r} is unknown. {did_you_mean(str(adjust), ('ratio', 'difference'))}")
    symbols = [instrument.symbol for instrument in tape.instruments]
    if name in symbols:
        raise DataError(f"{name!r} is on the tape already. Give the series another name.")
    pieces, gaps = _front_bars(tape, schedule)
    like = tape.instruments[tape.index(schedule.rolls[0].contract)]
    instruments = [*tape.instruments, replace(
        like, symbol=name, kind=InstrumentKind.INDEX, calendar=BARS if is_bars(like.calendar) else like.calendar
    )]  # fmt: skip
    order = sorted(range(len(instruments)), key=lambda k: instruments[k].symbol)
    place = np.empty(len(order), np.uint32)
    place[order] = np.arange(len(order), dtype=np.uint32)
    market = tape.events[tape.events["kind"] != Kind.SESSION].copy()
    mine = market["instrument"] < len(symbols)
    market["instrument"][mine] = place[market["instrument"][mine]]
    if adjust == "difference":
        offset = 0
        for number, piece in enumerate(pieces):
            offset += gaps[number][0] - gaps[number][1]
            for word in _PRICES:
                piece[word] += offset
            if len(piece) and int(piece["w2"].min()) <= 0:
                raise DataError(f'{name}: moved by {offset} ticks a price is not above 0. Say adjust="ratio".')
    events = [*pieces, _restatements(schedule, gaps)] if adjust == "ratio" else pieces
    for piece in events:
        piece["instrument"] = place[-1]
    how = {"ratio": "restated at each roll by the ratio of closes", "difference": "moved by the sum of the rolls' gaps", None: "as traded"}
    note = f"{name}: a series of {len(schedule.rolls)} contracts, {how[adjust]}; to read, not to trade."
    return assemble([instruments[k] for k in order], [market, *events], name=tape.name, notes=(*tape.notes, note))


def back_adjusted(tape: Tape, schedule: RollSchedule, adjust: Literal["ratio", "difference"] = "ratio") -> pd.DataFrame:
    """The classic series for pictures: the last contract's prices are real, each roll moves all that was before it.

    Every value but the last contract's depends on later rolls: a strategy must not be built on it.

    Returns:
        Columns open, high, low, close, volume, contract, indexed by the bars' UTC closes.

    Raises:
        DataError: as `continuous`.
    """
    pieces, gaps = _front_bars(tape, schedule)
    tick = tape.instruments[tape.index(schedule.rolls[0].contract)].tick
    frames = []
    for number, (piece, roll) in enumerate(zip(pieces, schedule.rolls, strict=True)):
        later = gaps[number + 1 :]
        prices = tick.to_floats(np.stack([piece[word] for word in _PRICES], axis=1))
        if adjust == "ratio":
            prices = prices * float(np.prod([new / old for old, new in later]))
        else:
            prices = prices + tick.to_float(sum(new - old for old, new in later))
        frame = pd.DataFrame(prices, pd.DatetimeIndex(piece["ts_local_ns"], tz="UTC"), ["open", "high", "low", "close"])
        frames.append(frame.assign(volume=piece["w4"], contract=roll.contract))
    return pd.concat(frames)


def _front_bars(tape: Tape, schedule: RollSchedule) -> tuple[list[Events], list[tuple[int, int]]]:
    """The bars of each roll's time, and at each roll (old close, new close) in ticks; at the first one (1, 1)."""
    bars = tape.events[tape.events["kind"] == Kind.BAR]
    owners = bars["instrument"]
    own = [bars[owners == tape.index(roll.contract)] for roll in schedule.rolls]
    ticks = {tape.instruments[tape.index(roll.contract)].tick for roll in schedule.rolls}
    if len(ticks) > 1:
        raise DataError(f"the contracts have {len(ticks)} ticks. Read them with one tick_size=.")
    until = [roll.at_ns for roll in schedule.rolls[1:]] + [schedule.end_ns]
    pieces = [
        rows[(rows["ts_local_ns"] > roll.at_ns) & (rows["ts_local_ns"] <= end)].copy()
        for rows, roll, end in zip(own, schedule.rolls, until, strict=True)
    ]
    gaps = [(1, 1)]
    for (old, new), roll in zip(pairwise(own), schedule.rolls[1:], strict=True):
        both = np.intersect1d(old["ts_local_ns"], new["ts_local_ns"])
        before = both[both <= roll.at_ns]
        if not len(before):
            raise DataError(f"roll to {roll.contract} at {shown(roll.at_ns)}: no bar before it that both contracts have. Begin later.")
        gaps.append(tuple(int(rows["w3"][np.searchsorted(rows["ts_local_ns"], before[-1])]) for rows in (old, new)))  # type: ignore[arg-type]
    return pieces, gaps


def _restatements(schedule: RollSchedule, gaps: list[tuple[int, int]]) -> Events:
    """At each roll a SPLIT of the series: history prices times new / old close."""
    made = np.zeros(len(gaps) - 1, EVENT)
    made["ts_local_ns"] = made["ts_venue_ns"] = [roll.at_ns for roll in schedule.rolls[1:]]
    made["kind"] = Kind.SPLIT
    made["w0"], made["w1"] = np.array(gaps[1:], np.int64).reshape(-1, 2).T
    return made
