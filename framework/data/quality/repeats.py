"""Blocks of rows that come a second time, under other stamps or under another symbol."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.data.quality.findings import shown
from framework.data.quality.row_rules import runs
from framework.data.quality.stretches import Ints, Stretch, Tally
from framework.schema.event import Kind

BAR_ROWS, TICK_ROWS = 8, 32
"""`repeated_block`, `twins`: so many rows in a row with the same prices and sizes as before are no chance, ..."""
LEAST_DIFFERENT = 5
"""... if at least so many of their prices and sizes differ: what stands still repeats itself."""
DOUBLED_RUNS = 16
"""`duplicate`: so many different rows one after another that each come twice, or four times, at one stamp."""
MOST_REMEMBERED = 4_000_000
"""Blocks remembered. Of ticks one block in 16 is, chosen by its content; of bars all."""
_TICK_SAMPLE = 16

Hashes = NDArray[np.uint64]
_MIX = np.uint64(0x9E3779B97F4A7C15)
_POWER = np.uint64(0xD6E8FEB86659FD93)
_WORDS = {Kind.BAR: ("w0", "w1", "w2", "w3", "w4"), Kind.QUOTE: ("w0", "w1", "w2", "w3"), Kind.TRADE: ("w0", "w1")}


def row_hashes(stretch: Stretch) -> Hashes:
    """One number a row, of its prices and sizes."""
    found = np.zeros(len(stretch.events), np.uint64)
    with np.errstate(over="ignore"):
        for word in _WORDS[stretch.kind]:
            found = (found ^ stretch.events[word].astype(np.uint64)) * _MIX
            found ^= found >> np.uint64(29)
    return found


def block_hashes(hashes: Hashes, rows: int) -> Hashes:
    """One number for each run of `rows` (a power of two) rows, in order; shape (len - rows + 1,)."""
    found, length, power = hashes.copy(), 1, _POWER
    with np.errstate(over="ignore"):
        while length < rows:
            found = found[:-length] + power * found[length:] if len(found) > length else found[:0]
            length, power = 2 * length, power * power
    return found


def _lively(hashes: Hashes, rows: int) -> NDArray[np.bool_]:
    changes = np.concatenate([[0], np.cumsum(hashes[1:] != hashes[:-1])])
    return np.asarray(changes[rows - 1 :] - changes[: len(changes) - rows + 1] >= LEAST_DIFFERENT - 1)


def doubled_rows(stretch: Stretch, tally: Tally) -> None:
    """`duplicate` of trades that have no ids: a block in which every row comes an even number of times at its stamp.

    One row may well be told twice, since two trades of a lot happen in one millisecond. Many in a row may not. Quotes may: feeds that
    send each side by itself restate the other.
    """
    hashes, stamps = row_hashes(stretch), stretch.stamps
    order = np.lexsort((hashes, stamps))
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = (hashes[order[1:]] != hashes[order[:-1]]) | (stamps[order[1:]] != stamps[order[:-1]])
    starts = np.flatnonzero(fresh)
    even = np.diff(np.append(starts, len(order))) % 2 == 0
    broken = np.zeros(len(order), np.bool_)
    for first, length in zip(*(found.tolist() for found in runs(even)), strict=True):
        if length >= DOUBLED_RUNS:
            past = starts[first + length] if first + length < len(starts) else len(order)
            block = np.arange(starts[first], past)
            broken[order[block[~fresh[block]]]] = True
    tally.rows(stretch, "duplicate", "error", broken, lambda row: f"every {stretch.kind.name} around here comes twice")


class Repeats:
    """`repeated_block` within an instrument, `twins` between two."""

    def __init__(self, instruments: int) -> None:
        self._known: list[tuple[int, Hashes, Ints]] = []
        self._size = 0
        self.was_full = False
        self._symbols = [""] * instruments
        self._twins: dict[tuple[str, str], list[int]] = {}

    def add(self, stretch: Stretch, tally: Tally) -> None:
        """Take bars, quotes or trades."""
        if stretch.kind not in _WORDS:
            return
        self._symbols[stretch.position] = stretch.symbol
        rows = BAR_ROWS if stretch.kind is Kind.BAR else TICK_ROWS
        first = max(stretch.begin - rows + 1, 0)
        hashes = row_hashes(stretch)[first : stretch.end]
        blocks = block_hashes(hashes, rows)
        if not len(blocks):
            return
        # blocks[i] covers rows first + i to first + i + rows - 1; it belongs to this stretch by its last row
        lively = _lively(hashes, rows)
        if stretch.kind is not Kind.BAR:
            lively &= blocks % np.uint64(_TICK_SAMPLE) == 0
        at = np.flatnonzero(lively)
        found = blocks[at]
        stamps = stretch.stamps[first + at]
        windows = np.lib.stride_tricks.sliding_window_view(hashes, rows)[at]
        self._compare(stretch, tally, found, stamps, windows)
        if self._size < MOST_REMEMBERED:
            order = np.argsort(found, kind="stable")
            self._known.append((stretch.position, found[order], stamps[order]))
            self._size += len(found)
        else:
            self.was_full = True

    def _compare(self, stretch: Stretch, tally: Tally, found: Hashes, stamps: Ints, windows: Hashes) -> None:
        rows = windows.shape[1]
        within, first_seen = np.unique(found, return_index=True)
        again = np.ones(len(found), np.bool_)
        again[first_seen] = False
        before = np.zeros(len(found), np.int64)
        if again.any():
            before[again] = stamps[first_seen[np.searchsorted(within, found[again])]]
        for position, known, when in self._known:
            place = np.minimum(np.searchsorted(known, found), len(known) - 1)
            same = (known[place] == found) & ~again if len(known) else again & False
            if not same.any():
                continue
            if position == stretch.position:
                again |= same
                before[same] = when[place[same]]
            else:
                pair = (self._symbols[position], stretch.symbol)
                self._twins.setdefault(pair, []).extend(stamps[same][:200].tolist())
        for row in np.flatnonzero(again).tolist():  # a few values that take turns repeat themselves, too
            again[row] = len(np.unique(windows[row])) >= LEAST_DIFFERENT
        if again.any():
            stamp, origin = int(stamps[again][0]), int(before[again][0])
            said = f"{shown(stamp)}: {rows} rows or more from here are those from {shown(origin)}"
            count = int(again.sum()) * (1 if stretch.kind is Kind.BAR else _TICK_SAMPLE) + (rows - 1 if stretch.kind is Kind.BAR else 0)
            tally.add(stretch.symbol, "repeated_block", "error", stamps[again], [said], min(count, len(stretch.events)))

    def finish(self, tally: Tally) -> None:
        """Tell which instruments share rows."""
        for (one, other), stamps in self._twins.items():
            said = f"{shown(stamps[0])}: the rows of {other} from here on are those of {one}"
            tally.add(other, "twins", "error", np.array(stamps), [said])
