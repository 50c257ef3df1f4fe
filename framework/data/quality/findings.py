"""What an examination of data says: the rules, a finding of one of them, and the score of a dataset."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

Severity = Literal["note", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("note", "warning", "error")
WEIGHTS: dict[Severity, float] = {"note": 0.0, "warning": 1.0, "error": 10.0}
"""Points of the score that a share of 1 % of the rows costs."""
CAPS: dict[Severity, float] = {"note": 100.0, "warning": 99.0, "error": 79.0}
"""The best score with a finding of this severity: one wrong row in a million is still a wrong row."""

RULES: dict[str, tuple[str, str]] = {
    "backwards": ("a local stamp before the one before it", "Sort the source by the stamp at which it was received."),
    "venue_after_local": ("known before it happened", "Correct the clock that stamps (clock_offset_ns=) or the time zone of one stamp."),
    "late": ("received more than a minute after it happened", "Look whether one of the two stamps has another zone or unit."),
    "venue_backwards": (
        "venue stamps running back by more than a minute",
        "Sort by the venue's stamp, or look for pieces that were mixed.",
    ),
    "epoch": ("stamps in January 1970", 'Numbers were read in the wrong unit: say epoch="ms" (or "s", "us", "ns").'),
    "future": ("stamps after now", "Drop them (`onetape data repair --drop-future`) or correct the zone or unit of the stamps."),
    "duplicate": ("one thing told twice", "Keep one of each (`onetape data repair --drop-duplicates`)."),
    "repeated_block": ("a block of rows that was there before, under other stamps", "Fetch that stretch again."),
    "twins": ("two instruments with the same rows", "One of the two was stored under a wrong name: fetch both again."),
    "renamed": ("an instrument that ends where another begins at its price", "Read both under one symbol if it only changed its name."),
    "stale": ("rows that repeat each other for longer than chance explains", "The feed stood still: fetch that stretch again."),
    "price": ("prices at or below 0", "Remove the rows, or correct the column they were read from."),
    "shape": ("bars whose high or low is not the highest or lowest", "Look for swapped columns."),
    "swapped": ("bars that fit together better with open and close exchanged", "Map the columns the other way round."),
    "size": ("sizes that cannot be", "Remove the rows, or correct the column they were read from."),
    "zero_volume": ("prices that moved without volume", "Fetch the volumes again, or declare an index."),
    "volume": ("volumes far from their usual size", "Look whether a unit changed (lots, shares, thousands) or a digit was added."),
    "noise": ("prices that jump about from row to row", "This is hardly a price: look which column was read."),
    "spike": ("a price far from those before and after", "A bad print: drop it (`onetape data repair --drop-spikes`) or ask the venue."),
    "wick": ("a high or low far from everything around it", "A bad print inside the bar: compare with a second source (`--against`)."),
    "units": ("prices that change by a power of ten", "Cents for dollars or the like: `onetape data repair --rescale FACTOR`."),
    "split_like": ("an overnight jump of a simple ratio without a split", "Give the split as actions=, or read adjusted prices knowingly."),
    "jump": ("a step in the price that nothing explains", "Look at the stretch before and after."),
    "crossed": ("bids above their offers", "Swapped columns, or two feeds mixed."),
    "locked": ("bids equal to their offers", "Usual across venues, rare on one."),
    "wide": ("offers far above their bids", "Usual before the open; the middle between them is no price."),
    "one_sided": ("quotes without one side", "Usual before the open and in thin books."),
    "book_crossed": ("books crossed after a whole message", "Messages are missing or out of order: look for gaps."),
    "book_unknown": ("messages without a book to apply them to", "Capture from a snapshot on, and again after each gap."),
    "sequence": ("breaks in the source's sequence", "Messages are missing there: books are unknown until the next snapshot."),
    "missing_sessions": ("sessions without a row", "Fetch the days again, or name the calendar that the market keeps."),
    "missing_bars": ("bars missing inside sessions", "Fetch them again or fill them (`onetape data repair --fill-from OTHER`)."),
    "silence": ("ticks that stop for longer than ever else, inside a session", "Fetch that stretch again, or look for a halt."),
    "closed": ("rows while the market is closed", "Look at the time zone, or name the calendar that the market keeps."),
    "daily_stamp": ("daily bars that are not stamped at a close of their session", "Name the calendar, or say what the stamps are."),
    "extended": ("rows before and after the session, on its day", 'Leave them out with hours="session" where they are not wanted.'),
    "zone": ("activity that does not lie where the sessions are", "The stamps are in another zone, or the clock change was missed."),
    "phase": ("stamps beside the grid that the others keep", "Stamps in a wall time instead of UTC, or rows of another interval."),
    "empty": ("an instrument without a row", "Leave it out, or look why its file is empty."),
    "bar_stamp": ("stamps of bars, compared with finer data", "Opens are moved to the closes with --set bar_stamp=open."),
    "refused": ("what the reader does not take", "The sentence says what to do."),
    "against": ("differences from a second source", "Decide which of the two is right before trading on either."),
}
"""By name: what is found, and what to do about it. Each is one function of this package."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule has found in one instrument.

    Attributes:
        rule: one of `RULES`.
        severity: "note" (worth knowing), "warning" (probably a fault) or "error" (a fault).
        symbol: whose rows, "" where they belong to none.
        first_ns, last_ns: local stamps of the first and last of them, UTC.
        count: how many rows, bars or sessions.
        share: of the rows (for what is missing: of those that should be there), from 0 to 1.
        sentence: what is wrong, with numbers.
        examples: the first few, each with its place.
        stamps_ns: up to 200 places, for a picture.
    """

    rule: str
    severity: Severity
    symbol: str
    first_ns: int
    last_ns: int
    count: int
    share: float
    sentence: str
    examples: tuple[str, ...] = ()
    stamps_ns: tuple[int, ...] = ()

    @property
    def way_out(self) -> str:
        """What to do about it."""
        return RULES[self.rule][1]


@dataclass(frozen=True, slots=True)
class Examination:
    """The findings of an examination.

    Attributes:
        source: what was examined.
        rows: events by symbol.
        kinds: events by kind.
        first_ns, last_ns: local stamps of the first and last event.
        findings: the gravest first, then by symbol and place.
        limits: what was not looked at, or only in part.
    """

    source: str
    rows: dict[str, int]
    kinds: dict[str, int]
    first_ns: int
    last_ns: int
    findings: tuple[Finding, ...]
    limits: tuple[str, ...] = ()

    def worst(self) -> Severity | None:
        """The gravest severity found; None for nothing at all."""
        found = [finding.severity for finding in self.findings]
        return max(found, key=SEVERITIES.index) if found else None

    def score_of(self, symbol: str) -> float:
        """The score of one instrument, from 0 to 100.

            100 - sum over findings of 100 * share * weight, at least 0, at most the cap of the gravest finding

        with `WEIGHTS` (note 0, warning 1, error 10) and `CAPS` (warning 99, error 79). So an error in every tenth row costs all.
        It says how much of the data the rules object to. It does not say that the data are right: a rule finds what it looks for,
        and a file of wrong prices that look like prices scores 100.
        """
        mine = [finding for finding in self.findings if finding.symbol == symbol]
        lost = sum(100.0 * finding.share * WEIGHTS[finding.severity] for finding in mine)
        return max(0.0, min([100.0 - lost, *(CAPS[finding.severity] for finding in mine)]))

    @property
    def score(self) -> float:
        """The score of all: the mean of the instruments' scores weighted by rows, at most the cap of the gravest finding."""
        total = sum(self.rows.values())
        mean = sum(self.score_of(symbol) * rows for symbol, rows in self.rows.items()) / total if total else 0.0
        return min([mean, *(CAPS[finding.severity] for finding in self.findings)])

    def frame(self) -> pd.DataFrame:
        """One row a finding: rule, severity, symbol, first and last (UTC), count, share, sentence, way_out."""
        columns = ["rule", "severity", "symbol", "first", "last", "count", "share", "sentence", "way_out"]
        rows = [
            (f.rule, f.severity, f.symbol, moment(f.first_ns), moment(f.last_ns), f.count, f.share, f.sentence, f.way_out)
            for f in self.findings
        ]
        return pd.DataFrame(rows, columns=columns)

    def words(self) -> dict[str, Any]:
        """Everything as plain words and numbers, for JSON."""
        findings = [asdict(finding) | {"way_out": finding.way_out} for finding in self.findings]
        return {
            "source": self.source,
            "score": round(self.score, 2),
            "scores": {symbol: round(self.score_of(symbol), 2) for symbol in self.rows},
            "rows": self.rows,
            "kinds": self.kinds,
            "first_ns": self.first_ns,
            "last_ns": self.last_ns,
            "findings": findings,
            "limits": list(self.limits),
        }

    def to_json(self) -> str:
        """The text of `words()`."""
        return json.dumps(self.words(), indent=1, ensure_ascii=False) + "\n"


def ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The gravest first, then by symbol, place and rule."""
    return tuple(sorted(findings, key=lambda f: (-SEVERITIES.index(f.severity), f.symbol, f.first_ns, f.rule)))


def moment(stamp_ns: int) -> pd.Timestamp:
    """A stamp as pandas has it."""
    return pd.Timestamp(int(stamp_ns), unit="ns", tz="UTC")


def shown(stamp_ns: int) -> str:
    """A stamp as messages have it, without the zeros behind the seconds.

    >>> shown(1_500_000_000)
    '1970-01-01 00:00:01.5Z'
    """
    text = str(np.datetime64(int(stamp_ns), "ns")).replace("T", " ")
    return text.rstrip("0").rstrip(".") + "Z" if "." in text else text + "Z"


def lasting(length_ns: int) -> str:
    """A length of time, for people.

    >>> lasting(5_400_000_000_000)
    '1.5 h'
    """
    seconds = length_ns / 1e9
    for size, unit in ((86_400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if abs(seconds) >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
