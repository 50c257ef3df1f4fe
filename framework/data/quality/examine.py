"""Examine a recording, a tape or a dataset: every rule over every row, in one pass and bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from framework.data.quality.books import BOOK_EVENTS, Books
from framework.data.quality.findings import RULES, Examination, Finding, ordered, shown
from framework.data.quality.gaps import Gaps
from framework.data.quality.prices import price_rules, swap_rules, wick_rules
from framework.data.quality.profile import Profile
from framework.data.quality.repeats import Repeats, doubled_rows
from framework.data.quality.row_rules import Stale, bar_rules, depth_rules, funding_rules, quote_rules, stamp_rules, trade_rules
from framework.data.quality.stretches import Ints, Splitter, Stretch, Tally
from framework.data.store import catalog
from framework.data.tape import Tape
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError
from framework.schema.event import EVENT, Kind

MOSTLY = 0.5
"""What more than half of the rows do (volume 0, crossed) is a habit of the source; it is told once, as a note or as one fault."""
CROSSED_OFTEN = 0.02
"""`crossed` by little in more than 2 % of the quotes is a warning all the same; in most of them the columns are exchanged."""


def examine(
    data: Recording | Tape | str,
    *,
    calendar: str | None = None,
    now_ns: int | None = None,
    expected: Sequence[str] = (),
    actions: pd.DataFrame | None = None,
    book_events: int = BOOK_EVENTS,
    progress: Callable[[int], None] | None = None,
) -> Examination:
    """Look for everything in `framework.data.quality.findings.RULES`.

    Args:
        data: a recording, a tape, or the name of a dataset.
        calendar: where the instruments trade, instead of what they say: an `exchange_calendars` name or "24/7".
        now_ns: stamps after it are in the future, UTC ns; None leaves the rule out. Nothing here reads a clock.
        expected: symbols that should be there.
        actions: splits that are known, as `tape.build` takes them; SPLIT events of the data are known by themselves.
        book_events: how many DEPTH events are built into books, from the beginning on.
        progress: called with the number of events done.

    Returns:
        Findings, scores and counts. Only what the rules look for is found: see `Examination.score_of`.

    Raises:
        DataError: no such dataset; a part that is no array of events; whatever the reader refuses while it reads.
    """
    recording = recording_of(data)
    if calendar is not None:
        recording = replace(recording, instruments=tuple(replace(one, calendar=calendar) for one in recording.instruments))
    examiner = _Examiner(recording, now_ns, actions, book_events)
    done = 0
    for part in recording.parts():
        if part.dtype != EVENT:
            raise DataError(f"{recording.source}: a part of dtype {part.dtype}, expected EVENT. This is a fault of the reader.")
        examiner.take(part)
        done += len(part)
        if progress:
            progress(done)
    return examiner.finish(expected)


def recording_of(data: Recording | Tape | str) -> Recording:
    """Whatever can be examined as a recording; the sessions of a tape are left out."""
    if isinstance(data, str):
        return catalog.open(data)
    if isinstance(data, Recording):
        return data
    tape = data

    def parts() -> Iterator[Events]:
        for begin in range(0, len(tape.events), 65_536):
            block = tape.events[begin : begin + 65_536]
            yield block[block["kind"] != Kind.SESSION]

    return Recording(tuple(tape.instruments), parts, tape.name or "tape", tuple(tape.notes))


class _Examiner:
    """Hands every row to every rule that it concerns."""

    def __init__(self, recording: Recording, now_ns: int | None, actions: pd.DataFrame | None, book_events: int) -> None:
        self._recording, self._now_ns = recording, now_ns
        self._symbols = [instrument.symbol for instrument in recording.instruments]
        self._splitter, self._tally = Splitter(recording.instruments), Tally()
        self._stale, self._gaps, self._profile = Stale(), Gaps(), Profile()
        self._repeats = Repeats(len(recording.instruments))
        self._books = Books(recording.instruments, book_events)
        self._splits: dict[str, list[int]] = {}
        if actions is not None:
            for symbol, ts, kind in zip(actions["symbol"], actions["ts"], actions["kind"], strict=True):
                if kind == "split":
                    self._splits.setdefault(str(symbol), []).append(int(pd.Timestamp(ts).as_unit("ns").value))
        self._rows: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._by_kind: Counter[tuple[str, Kind]] = Counter()
        self._first_ns = self._last_ns = 0
        self._before: int | None = None

    def take(self, part: Events) -> None:
        """One part of the recording."""
        if not len(part):
            return
        self._order(part)
        for row in part[part["kind"] == Kind.SPLIT]:
            self._splits.setdefault(self._symbol(int(row["instrument"])), []).append(int(row["ts_local_ns"]))
        gaps = part[part["kind"] == Kind.GAP]
        for position in np.unique(gaps["instrument"]).tolist():
            stamps = gaps["ts_local_ns"][gaps["instrument"] == position]
            said = [f"{shown(stamp)}: a number is missing" for stamp in stamps[:5].tolist()]
            self._tally.add(self._symbol(position), "sequence", "warning", stamps, said)
        self._books.add(part)
        for stretch in self._splitter.add(part):
            self._look(stretch)

    def _symbol(self, position: int) -> str:
        return self._symbols[position] if position < len(self._symbols) else ""

    def _order(self, part: Events) -> None:
        stamps = part["ts_local_ns"]
        if self._before is None:
            self._first_ns = int(stamps.min())
        before = np.concatenate([[stamps[0] if self._before is None else self._before], stamps[:-1]])
        back = stamps < before
        if back.any():
            at = np.flatnonzero(back)
            for position in np.unique(part["instrument"][at]).tolist():
                mine = at[part["instrument"][at] == position]
                said = [f"{shown(int(stamps[row]))}: after {shown(int(before[row]))}" for row in mine[:5].tolist()]
                self._tally.add(self._symbol(position), "backwards", "error", stamps[mine], said)
        self._before, self._last_ns = int(stamps[-1]), max(self._last_ns, int(stamps.max()))

    def _look(self, stretch: Stretch) -> None:
        tally, kind = self._tally, stretch.kind
        rows = stretch.end - stretch.begin
        self._rows[stretch.symbol] += rows
        self._kinds[kind.name] += rows
        self._by_kind[stretch.symbol, kind] += rows
        stamp_rules(stretch, tally, self._now_ns)
        if kind is Kind.BAR:
            bar_rules(stretch, tally)
            wick_rules(stretch, tally)
            swap_rules(stretch, tally)
            self._stale.add(stretch, tally)
        elif kind is Kind.QUOTE:
            quote_rules(stretch, tally)
        elif kind is Kind.TRADE:
            trade_rules(stretch, tally)
        elif kind is Kind.FUNDING:
            funding_rules(stretch, tally)
        elif kind is Kind.DEPTH:
            depth_rules(stretch, tally)
        if kind in (Kind.BAR, Kind.QUOTE, Kind.TRADE):
            price_rules(stretch, tally, self._known_splits(stretch.symbol))
            self._repeats.add(stretch, tally)
        if kind is Kind.TRADE:
            doubled_rows(stretch, tally)
        self._gaps.add(stretch, tally)
        self._profile.add(stretch, tally)

    def _known_splits(self, symbol: str) -> Ints:
        return np.array(self._splits.get(symbol, []), np.int64)

    def finish(self, expected: Sequence[str]) -> Examination:
        """Judge what was collected."""
        for stretch in self._splitter.finish():
            self._look(stretch)
        for collector in (self._stale, self._gaps, self._profile, self._repeats, self._books):
            collector.finish(self._tally)
        self._habits()
        silent = [symbol for symbol in dict.fromkeys([*self._symbols, *expected]) if not self._rows[symbol]]
        rows = {symbol: self._rows[symbol] for symbol in dict.fromkeys([*self._symbols, *expected])}
        findings = self._tally.findings(rows, RULES)
        findings += [
            Finding("empty", "warning" if symbol in expected else "note", symbol, self._first_ns, self._last_ns, 0, 1.0, "no row at all")
            for symbol in silent
        ]
        limits = [*self._gaps.limits, *self._books.limits]
        if self._repeats.was_full:
            limits.append("Repeated blocks were looked for among the first rows only: there are more than can be remembered.")
        return Examination(
            self._recording.source, rows, dict(sorted(self._kinds.items())), self._first_ns, self._last_ns, ordered(findings), tuple(limits)
        )  # fmt: skip

    def _habits(self) -> None:
        """What most rows of an instrument do is a property of its source, not a fault in each of them."""
        for symbol in self._symbols:
            bars, quotes = self._by_kind[symbol, Kind.BAR], self._by_kind[symbol, Kind.QUOTE]
            if bars and self._tally.count(symbol, "zero_volume") > MOSTLY * bars:
                self._tally.change(symbol, "zero_volume", "note")
            if bars and self._tally.count(symbol, "daily_stamp") > MOSTLY * bars:
                self._tally.change(symbol, "daily_stamp", "note")
            crossed = self._tally.count(symbol, "crossed")
            if quotes and crossed > CROSSED_OFTEN * quotes:
                self._tally.change(symbol, "crossed", "error" if crossed > MOSTLY * quotes else "warning")
