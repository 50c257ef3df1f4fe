"""A recording taken apart into stretches of one instrument and kind, in bounded memory, and the tally of what rules find in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from framework.data.quality.findings import SEVERITIES, Finding, Severity, shown
from framework.data.tape.recording import Events
from framework.schema.event import Kind
from framework.schema.instrument import Instrument

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BLOCK_ROWS = 65_536
"""Rows of one instrument and kind looked at together."""
CONTEXT_ROWS = 512
"""Rows before and after a block that its rules may look at."""
HELD_ROWS = 1_048_576
"""Rows held at once, of all instruments: 64 MB. Beyond it whatever has enough rows is looked at in smaller blocks."""
_LEAST_ROWS = 4 * CONTEXT_ROWS
MOST_STAMPS, MOST_EXAMPLES = 200, 5


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of one instrument and kind in order, with some context.

    Attributes:
        position, instrument: whose.
        kind: of all rows.
        events: context, rows, context.
        begin, end: the rows themselves are events[begin:end]; each row is in exactly one stretch.
        is_first, is_last: whether nothing comes before or after.
    """

    position: int
    instrument: Instrument
    kind: Kind
    events: Events
    begin: int
    end: int
    is_first: bool
    is_last: bool

    @property
    def symbol(self) -> str:
        """Of the instrument."""
        return self.instrument.symbol

    @property
    def stamps(self) -> Ints:
        """Local stamps of all rows, context included."""
        return np.ascontiguousarray(self.events["ts_local_ns"])

    def floats(self, word: str) -> Floats:
        """A price word in units of the currency, context included."""
        return self.instrument.tick.to_floats(self.events[word])


class Splitter:
    """Collects parts and gives them back as stretches."""

    def __init__(self, instruments: tuple[Instrument, ...]) -> None:
        self._instruments = instruments
        self._held: dict[tuple[int, int], list[Events]] = {}
        self._rows: dict[tuple[int, int], int] = {}
        self._before: dict[tuple[int, int], Events] = {}

    def add(self, part: Events) -> Iterator[Stretch]:
        """Take a part; yields what is ready."""
        keys = part["instrument"].astype(np.int64) << 16 | part["kind"]
        for key in np.unique(keys).tolist():
            where = (key >> 16, key & 0xFFFF)
            if where[0] >= len(self._instruments):
                continue
            rows = part[keys == key]
            self._held.setdefault(where, []).append(rows)
            self._rows[where] = self._rows.get(where, 0) + len(rows)
        crowded = sum(self._rows.values()) > HELD_ROWS
        for where in list(self._rows):
            if self._rows[where] >= (_LEAST_ROWS if crowded else BLOCK_ROWS + CONTEXT_ROWS):
                yield self._stretch(where, last=False)

    def finish(self) -> Iterator[Stretch]:
        """What is left."""
        for where in sorted(self._rows):
            yield self._stretch(where, last=True)

    def _stretch(self, where: tuple[int, int], *, last: bool) -> Stretch:
        fresh = np.concatenate(self._held[where])
        before = self._before.get(where, fresh[:0])
        events = np.concatenate([before, fresh])
        begin, end = len(before), len(events) if last else len(events) - CONTEXT_ROWS
        self._held[where] = [events[end:].copy()]
        self._rows[where] = len(events) - end
        self._before[where] = events[max(end - CONTEXT_ROWS, 0) : end].copy()
        return Stretch(where[0], self._instruments[where[0]], Kind(where[1]), events, begin, end, not len(before), last)


@dataclass(slots=True)
class _Tallied:
    severity: Severity
    count: int = 0
    first_ns: int = 0
    last_ns: int = 0
    examples: list[str] = field(default_factory=list)
    stamps: list[int] = field(default_factory=list)


class Tally:
    """Counts what rules find, by instrument, rule and severity."""

    def __init__(self) -> None:
        self._tallied: dict[tuple[str, str, str], _Tallied] = {}

    def rows(self, stretch: Stretch, rule: str, severity: Severity, broken: Mask, say: Callable[[int], str]) -> None:
        """Rows of a stretch that break a rule; context is not counted. `say` tells of a row what is wrong with it."""
        at = np.flatnonzero(broken[stretch.begin : stretch.end]) + stretch.begin
        if len(at):
            stamps = stretch.events["ts_local_ns"][at]
            examples = [f"{shown(int(stretch.events['ts_local_ns'][row]))}: {say(row)}" for row in at[:MOST_EXAMPLES].tolist()]
            self.add(stretch.symbol, rule, severity, stamps, examples)

    def add(self, symbol: str, rule: str, severity: Severity, stamps: Ints, examples: list[str], count: int | None = None) -> None:
        """Places at which an instrument breaks a rule."""
        tallied = self._tallied.setdefault((symbol, rule, severity), _Tallied(severity, first_ns=int(stamps[0])))
        tallied.count += len(stamps) if count is None else count
        tallied.first_ns, tallied.last_ns = min(tallied.first_ns, int(stamps.min())), max(tallied.last_ns, int(stamps.max()))
        tallied.examples += examples[: MOST_EXAMPLES - len(tallied.examples)]
        tallied.stamps += stamps[: MOST_STAMPS - len(tallied.stamps)].tolist()

    def count(self, symbol: str, rule: str) -> int:
        """How often an instrument has broken a rule so far, by any severity."""
        return sum(tallied.count for (owner, name, _), tallied in self._tallied.items() if owner == symbol and name == rule)

    def change(self, symbol: str, rule: str, severity: Severity) -> None:
        """Judge what a rule has found by another severity, where the whole of the rows explains it."""
        for before in SEVERITIES:
            tallied = self._tallied.pop((symbol, rule, before), None)
            if tallied is None:
                continue
            kept = self._tallied.setdefault((symbol, rule, severity), tallied)
            if kept is not tallied:
                kept.count += tallied.count
                kept.first_ns, kept.last_ns = min(kept.first_ns, tallied.first_ns), max(kept.last_ns, tallied.last_ns)
            kept.severity = severity

    def findings(self, rows: dict[str, int], what: dict[str, tuple[str, str]]) -> list[Finding]:
        """One finding an entry."""
        made = []
        for (symbol, rule, _), tallied in self._tallied.items():
            total = max(rows.get(symbol, 0), tallied.count, 1)
            share = tallied.count / total
            sentence = (
                f"{what[rule][0]}: {tallied.count:,} ({_percent(share)}); first at {tallied.examples[0]}"
                if tallied.examples
                else what[rule][0]
            )
            made.append(
                Finding(
                    rule, tallied.severity, symbol, tallied.first_ns, tallied.last_ns, tallied.count, share, sentence,
                    tuple(tallied.examples), tuple(tallied.stamps),
                )
            )  # fmt: skip
        return made


def _percent(share: float) -> str:
    return f"{100 * share:.3g} % of the rows"
