"""What a proof says: a verdict a check, and for one that failed the first decision that differs and the datum that caused it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framework.schema.event import NO_INSTRUMENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.order import OrderType, Reason

DECISIONS = (
    Kind.ORDER_SUBMIT,
    Kind.ORDER_TERMS,
    Kind.ORDER_INSTRUCTIONS,
    Kind.ORDER_CANCEL,
    Kind.ORDER_REPLACE,
    Kind.ORDER_REFUSED,
)
"""The audit records that are decisions of the strategy and what our own rules said to them."""


@dataclass(frozen=True, slots=True)
class Datum:
    """One number of the data, before and after it was changed.

    Attributes:
        alone: whether changing this one number was enough; else it took earlier changes too, and this one tipped it.
        tick: the trade, quote or change of a book that it stands in, in words: kind, side, price, size, order id, how long it had
            been known at the venue. Empty where it is a bar or an event of another kind.
    """

    stamp: str
    instrument: str
    field: str
    before: float | None
    after: float | None
    alone: bool
    tick: str = ""

    def __str__(self) -> str:
        words = f"{self.field} of {self.instrument or 'the tape'} at {self.stamp}"
        words += f" in {self.tick}" if self.tick else ""
        values = "" if self.before is None or self.after is None else f" ({self.before:g} changed to {self.after:g})"
        return words + values + ("" if self.alone else ", together with changes before it")


@dataclass(frozen=True, slots=True)
class Difference:
    """The first decision that came out differently: what it was, what it became, and why where that is known."""

    stamp: str
    instrument: str
    order: str
    became: str
    change: str
    datum: Datum | None = None

    def __str__(self) -> str:
        words = f"{self.stamp} {self.instrument}: {self.order} became {self.became} when {self.change}"
        return f"{words}; caused by {self.datum}" if self.datum is not None else words


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    Attributes:
        passed: True, False, or None where the check does not apply; `note` then says why.
        note: what was measured, or the reason.
    """

    check: str
    passed: bool | None
    note: str
    first_difference: Difference | None = None

    @property
    def word(self) -> str:
        """passed, failed or not applicable."""
        return "not applicable" if self.passed is None else "passed" if self.passed else "failed"


@dataclass(frozen=True, slots=True)
class Proof:
    """The verdicts of all checks. `proof["look_ahead"]` is one of them."""

    verdicts: Sequence[Verdict]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(verdict.passed is not False for verdict in self.verdicts)

    def __getitem__(self, check: str) -> Verdict:
        return {verdict.check: verdict for verdict in self.verdicts}[check]

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """By check `passed` (null where it does not apply), `first_difference` and `note`; JSON values."""
        return {
            verdict.check: {
                "passed": verdict.passed,
                "first_difference": None if verdict.first_difference is None else asdict(verdict.first_difference),
                "note": verdict.note,
            }
            for verdict in self.verdicts
        }

    def __repr__(self) -> str:
        return "\n".join(f"{verdict.check}: {verdict.word}. {verdict.first_difference or verdict.note}" for verdict in self.verdicts)


def iso(ns: int) -> str:
    """A stamp to the microsecond, UTC."""
    return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=ns // 1000)).isoformat()


def first_difference(
    expected: NDArray[np.void], found: NDArray[np.void], instruments: Sequence[Instrument], change: str
) -> tuple[int, Difference] | None:
    """The first place where two sequences of records part, and its stamp; None where they are the same."""
    shared = min(len(expected), len(found))
    unequal = np.flatnonzero(expected[:shared] != found[:shared])
    if not len(unequal) and len(expected) == len(found):
        return None
    at = int(unequal[0]) if len(unequal) else shared
    rows = [records[at] if at < len(records) else None for records in (expected, found)]
    stamp, number = min((int(row["ts_local_ns"]), int(row["instrument"])) for row in rows if row is not None)
    mine = [row if row is not None and (row["ts_local_ns"], row["instrument"]) == (stamp, number) else None for row in rows]
    symbol = instruments[number].symbol if number != NO_INSTRUMENT else ""
    was, became = (described(row, instruments) for row in mine)
    return stamp, Difference(iso(stamp), symbol, was, became, change)


def without_ids(records: NDArray[np.void], number: int) -> bytes:
    """The decisions about one instrument as bytes, without order ids: these shift when another instrument gets an order more."""
    made = records[records["instrument"] == number].copy()
    made["w0"] = 0
    terms = made["kind"] == Kind.ORDER_TERMS
    for word in ("w3", "w4"):
        made[word][terms] = 0
    return bytes(made.tobytes())


def described(row: Any, instruments: Sequence[Instrument]) -> str:
    """A record in words."""
    if row is None:
        return "nothing"
    kind, order, number = Kind(int(row["kind"])), int(row["w0"]), int(row["instrument"])
    if number == NO_INSTRUMENT or kind not in DECISIONS:
        return f"{kind.name} {order}"
    instrument = instruments[number]
    if kind == Kind.ORDER_REFUSED:
        return f"order {order} refused ({Reason(int(row['w1'])).name})"
    if kind == Kind.ORDER_CANCEL:
        return f"cancel of order {order}"
    if kind == Kind.ORDER_TERMS:
        return f"terms of order {order} (trail {int(row['w1'])}, parent {int(row['w3'])}, group {int(row['w4'])})"
    if kind == Kind.ORDER_INSTRUCTIONS:
        told = zip(("display", "peg offset", "peg cap", "limit offset"), ("w1", "w2", "w3", "w4"), strict=True)
        return f"instructions of order {order} ({', '.join(f'{name} {int(row[word])}' for name, word in told)})"
    quantity = instrument.lot.to_float(int(row["w2"]))
    prices = [("limit", int(row["w3"])), ("stop", int(row["w4"]))]
    terms = "".join(f" {name} {instrument.tick.to_float(ticks):g}" for name, ticks in prices if ticks)
    if kind == Kind.ORDER_REPLACE:
        return f"replace of order {order} by {quantity:g}{terms}"
    packed = int(row["w1"])
    side = "SELL" if (packed >> 40) & 1 else "BUY"
    return f"{side} {quantity:g} {OrderType(packed & 0xFF).name}{terms} (order {order})"
