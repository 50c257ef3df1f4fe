"""What readers of captured websocket messages share: rows that become events, and a recording read in two passes."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from framework.data.checks.far_off import LATEST_NS
from framework.data.checks.numbers import LARGEST
from framework.data.formats.lines import Line, Truncated, lines
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import LARGEST_STEPS, NEAR, NOISE, Step

Paths = Path | str | Sequence[Path | str]
Levels = Sequence[Sequence[str]]

PART_ROWS = 50_000
MAX_DECIMALS = 12
OTHERWISE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What decoders raise over a message of another shape than the venue's: of another venue, cut, or damaged."""
_MOST_ID = 2**63
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


class Rows:
    """Rows of a part in the making, prices and sizes still as text."""

    def __init__(self, clock_offset_ns: int) -> None:
        self._offset = clock_offset_ns
        self._heads: list[tuple[int, ...]] = []
        self._files: list[str] = []
        self.prices: list[str] = []
        self.sizes: list[str] = []
        self._flags: list[int] = []
        self._ranks: list[int] = []
        self._asks: list[tuple[int, str, str]] = []
        self._gaps: list[tuple[int, int, int]] = []

    def __len__(self) -> int:
        return len(self.prices)

    def _head(self, line: Line, kind: Kind, instrument: int, venue_ns: int | None, count: int, w2: int = 0, w4: int = 0) -> None:
        local = line.stamp_ns + self._offset
        if venue_ns is not None and not 0 <= venue_ns <= LATEST_NS:
            raise ValueError(f"the venue's stamp {venue_ns} ns")
        if not (0 <= w2 < _MOST_ID and 0 <= w4 < _MOST_ID):
            raise ValueError(f"a number {max(w2, w4, key=abs)}, not from 0 to 2**63 - 1,")
        self._heads.append((local, local if venue_ns is None else venue_ns, kind, instrument, w2, w4, line.number, len(self._files), count))
        self._files.append(line.file)

    def depth(self, line: Line, instrument: int, venue_ns: int | None, bids: Levels, asks: Levels, sequence: int = 0) -> None:
        """Levels that changed, as one message."""
        self._levels(line, instrument, venue_ns, bids, asks, sequence, [-1] * (len(bids) + len(asks)))

    def snapshot(self, line: Line, instrument: int, venue_ns: int | None, bids: Levels, asks: Levels, sequence: int = 0) -> None:
        """All levels, best first.

        Raises:
            DataError: there is none, they are not best first, or the best bid is at or above the best offer.
        """
        if not (bids or asks):
            raise DataError(f"{line.place}: a snapshot without levels cannot be told from a failed request. Remove the line.")
        if bids and asks and float(bids[0][0]) >= float(asks[0][0]):
            raise DataError(
                f"{line.place}: a crossed snapshot; rule: best bid < best offer, but {bids[0][0]} >= {asks[0][0]}. "
                "Are bids and asks swapped? Remove the line to start from the next snapshot."
            )
        for name, levels, sign in (("bids", bids, -1), ("asks", asks, 1)):
            prices = [sign * float(level[0]) for level in levels]
            if any(after <= before for before, after in pairwise(prices)):
                raise DataError(
                    f"{line.place}, {name}: a snapshot's levels are best first and each price once; these are not. Remove the line."
                )
        start = len(self.prices)
        self._levels(line, instrument, venue_ns, bids, asks, sequence, [*range(len(bids)), *range(len(asks))])
        for k in range(start, len(self.prices)):
            self._flags[k] |= Flag.SNAPSHOT
        self._flags[start] |= Flag.CLEAR

    def _levels(
        self, line: Line, instrument: int, venue_ns: int | None, bids: Levels, asks: Levels, sequence: int, ranks: list[int]
    ) -> None:
        if not ranks:
            return
        self._head(line, Kind.DEPTH, instrument, venue_ns, len(ranks), w4=sequence)
        for side, flag in ((bids, int(Flag.BUY)), (asks, int(Flag.SELL))):
            if isinstance(side, (str, dict)) or (side and not all(isinstance(level, (list, tuple)) for level in side)):
                raise TypeError(f"levels {str(side)[:60]}")
            self.prices += [level[0] for level in side]
            self.sizes += [level[1] for level in side]
            self._flags += [flag] * len(side)
        self._flags[-1] |= Flag.LAST
        self._ranks += ranks

    def trade(
        self, line: Line, instrument: int, venue_ns: int | None, price: str, size: str, taker: Flag, trade_id: int, sequence: int = 0
    ) -> None:
        """One trade; `taker` is BUY or SELL."""
        self._head(line, Kind.TRADE, instrument, venue_ns, 1, trade_id, sequence)
        self._one(price, size, int(taker))

    def quote(self, line: Line, instrument: int, venue_ns: int | None, bid: tuple[str, str], ask: tuple[str, str]) -> None:
        """Best bid and offer, each price and size."""
        self._head(line, Kind.QUOTE, instrument, venue_ns, 1)
        self._asks.append((len(self.prices), *ask))
        self._one(*bid, 0)

    def gap(self, line: Line, instrument: int, venue_ns: int | None, expected: int, found: int) -> None:
        """Messages are missing before this one."""
        if not (0 <= expected < _MOST_ID and 0 <= found < _MOST_ID):
            raise ValueError(f"a number {max(expected, found, key=abs)}, not from 0 to 2**63 - 1,")
        self._head(line, Kind.GAP, instrument, venue_ns, 1)
        self._gaps.append((len(self.prices), expected, found))
        self._one("0", "0", 0)

    def _one(self, price: str, size: str, flag: int) -> None:
        self.prices.append(price)
        self.sizes.append(size)
        self._flags.append(flag)
        self._ranks.append(0)

    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Heads by row, then prices and sizes and, for quotes in their order, offers and their sizes.

        Raises:
            DataError: a price not above 0, a size below 0, or what is no number; a trade of nothing.
        """
        heads = np.array(self._heads, dtype=np.int64).reshape(-1, 9)
        rows = np.repeat(heads, heads[:, 8], axis=0)
        price, size = self._floats(rows, self.prices, "price"), self._floats(rows, self.sizes, "size")
        kind = rows[:, 2]
        at = np.array([row for row, _, _ in self._asks], dtype=np.int64)
        ask = self._floats(rows[at], [ask for _, ask, _ in self._asks], "ask price")
        ask_size = self._floats(rows[at], [size for _, _, size in self._asks], "ask size")
        self._refuse(rows, (kind != Kind.GAP) & ~(price > 0), self.prices, "price > 0")
        self._refuse(rows, ~(size >= 0) | ((kind == Kind.TRADE) & (size == 0)), self.sizes, "size >= 0, of a trade > 0")
        self._refuse(rows[at], ~(ask > 0) | ~(ask_size >= 0), [ask for _, ask, _ in self._asks], "ask price > 0 and its size >= 0")
        return rows, price, size, ask, ask_size

    def _floats(self, rows: NDArray[np.int64], texts: list[str], what: str) -> NDArray[np.float64]:
        values = _parsed(texts)
        if values is None:
            broken = np.array([not _is_number(text) for text in texts])
            self._refuse(rows, broken, texts, f"{what} is a number, in decimals, below {LARGEST:g}")
            values = np.array([float(text) for text in texts])
        return values

    def _refuse(self, rows: NDArray[np.int64], broken: NDArray[np.bool_], texts: list[str], rule: str) -> None:
        if broken.any():
            at = int(np.argmax(broken))
            raise DataError(f"{self._files[rows[at, 7]]}, line {rows[at, 6]}: {texts[at]!r}; rule: {rule}. Correct or remove the line.")

    def late_ns(self) -> tuple[int, str]:
        """The most by which a venue's stamp is after the local one, and where."""
        heads = np.array(self._heads, dtype=np.int64).reshape(-1, 9)
        if not len(heads):
            return 0, ""
        late = heads[:, 1] - heads[:, 0]
        at = int(np.argmax(late))
        return int(late[at]), f"{self._files[at]}, line {heads[at, 6]}"

    def events(self, instruments: Sequence[Instrument]) -> Events:
        """The rows as events, in ticks and lots of the instruments."""
        rows, price, size, ask, ask_size = self.columns()
        at = [row for row, _, _ in self._asks]
        tick = np.array([(one.tick.numerator, one.tick.denominator) for one in instruments], dtype=np.float64)
        lot = np.array([(one.lot.numerator, one.lot.denominator) for one in instruments], dtype=np.float64)
        which = rows[:, 3]
        made = np.zeros(len(rows), dtype=EVENT)
        for k, name in enumerate(("ts_local_ns", "ts_venue_ns", "kind", "instrument", "w2", "w4")):
            made[name] = rows[:, k]
        made["flags"], made["w3"] = self._flags, self._ranks
        made["w0"] = self._steps(rows, price, tick[which], self.prices, "ticks")
        made["w1"] = self._steps(rows, size, lot[which], self.sizes, "lots")
        made["w2"][at] = made["w1"][at]
        made["w1"][at] = self._steps(rows[at], ask, tick[which[at]], [ask for _, ask, _ in self._asks], "ticks")
        made["w3"][at] = self._steps(rows[at], ask_size, lot[which[at]], [size for _, _, size in self._asks], "lots")
        for row, expected, found in self._gaps:
            made["w0"][row], made["w1"][row] = expected, found
        return made

    def _steps(
        self, rows: NDArray[np.int64], values: NDArray[np.float64], step: NDArray[np.float64], texts: list[str], name: str
    ) -> NDArray[np.int64]:
        exact = values * step[:, 1] / step[:, 0]
        whole = np.rint(exact)
        rule = f"at most {LARGEST_STEPS:.1e} (2**53) of the instrument's {name}; give instruments= with a larger step, where it has one"
        self._refuse(rows, ~(np.abs(exact) <= LARGEST_STEPS), texts, rule)
        off = np.abs(exact - whole) > np.maximum(NEAR, np.abs(exact) * NOISE)
        self._refuse(rows, off, texts, f"a whole number of the instrument's {name}")
        return whole.astype(np.int64)


def _parsed(texts: list[str]) -> NDArray[np.float64] | None:
    """All texts as floats at once; None where they have to be looked at one by one."""
    try:
        joined = "".join(texts)  # raises for what is no text
        if "_" in joined or not joined.isascii():  # float() takes 1_000 and the digits of other scripts
            return None
        values = np.fromiter(map(float, texts), dtype=np.float64, count=len(texts))
    except (TypeError, ValueError):
        return None
    return values if (np.abs(values) < LARGEST).all() else None


def _is_number(text: object) -> bool:
    """Whether something is a decimal below `LARGEST`; messages may also write numbers without quotes."""
    if isinstance(text, str):
        return _NUMBER.fullmatch(text) is not None and abs(float(text)) < LARGEST
    return isinstance(text, (int, float)) and not isinstance(text, bool) and abs(text) < LARGEST


def whole(value: object) -> int:
    """A whole number of a message, also where it is written as text.

    Raises:
        ValueError: it is none; a truth value and a fraction are none either.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{1,19}", value, re.ASCII):
        return int(value)
    raise ValueError(f"{value!r} for a whole number")


class Decoder(Protocol):
    """Turns the messages of one venue into rows; made again for each reading."""

    notes: Counter[str]

    def feed(self, line: Line, rows: Rows) -> None:
        """Take one message."""


class Symbols:
    """Positions of instruments: those asked for, or each in order of first appearance."""

    def __init__(self, asked: Sequence[str] | None) -> None:
        self.names = list(asked or ())
        self._grows = asked is None
        self._places = {name: k for k, name in enumerate(self.names)}
        self.left_out: Counter[str] = Counter()

    def place(self, name: Any) -> int | None:
        """Where a symbol is; None for one not asked for, which is counted."""
        found = self._places.get(name)
        if found is None and (not isinstance(name, str) or not name.strip()):
            raise ValueError(f"the symbol {name!r}")
        if found is None and self._grows:
            found = self._places[name] = len(self.names)
            self.names.append(name)
        if found is None:
            self.left_out[name] += 1
        return found


def record(
    paths: Paths,
    decoder: Callable[[Symbols], Decoder],
    *,
    venue: str,
    instruments: Sequence[Instrument] | None,
    clock_offset_ns: int,
    truncated: Truncated,
) -> Recording:
    """Read captures twice: once to find symbols, steps, counts and faults, then part by part as events are asked for."""
    if truncated not in ("refuse", "allow"):
        raise DataError(f'truncated={truncated!r} is unknown. It is "refuse" or "allow".')
    files = [Path(paths)] if isinstance(paths, (str, Path)) else [Path(path) for path in paths]
    symbols, cut = Symbols([one.symbol for one in instruments] if instruments is not None else None), Counter[str]()
    reading = decoder(symbols)
    decimals: dict[tuple[int, str], int] = {}
    late, place = 0, ""
    for rows in _filled(files, reading, clock_offset_ns, truncated, cut):
        late, place = max((late, place), rows.late_ns())
        if instruments is None:
            _find_decimals(rows, decimals, symbols.names)
        else:
            rows.events(instruments)
    if late > 0:
        raise DataError(
            f"{place}: the local stamp is {late} ns before the venue's; rule: ts_local >= ts_venue, nothing is known before it happens. "
            f"The capturing clock was behind: give clock_offset_ns={clock_offset_ns + late}, the least that puts it right here, or more."
        )
    found = tuple(instruments) if instruments is not None else _instruments(symbols, decimals, venue)
    names = [one.symbol for one in found]
    notes = [f"{text} ({count})" for text, count in sorted((reading.notes + cut).items())]
    notes += [f"{count} messages of {name}, which is not among instruments=" for name, count in sorted(symbols.left_out.items())]
    if clock_offset_ns:
        notes.append(f"local stamps were moved by {clock_offset_ns} ns, as asked")
    source = ", ".join(map(str, files))

    def parts() -> Iterator[Events]:
        for rows in _filled(files, decoder(Symbols(names)), clock_offset_ns, truncated, Counter()):
            yield rows.events(found)

    return Recording(found, parts, source, tuple(f"{source}: {note}." for note in notes))


def _filled(files: Sequence[Path], decoder: Decoder, offset: int, truncated: Truncated, cut: Counter[str]) -> Iterator[Rows]:
    rows = Rows(offset)
    for line in heapq.merge(*(lines(path, truncated, cut) for path in files), key=lambda line: line.stamp_ns):
        try:
            decoder.feed(line, rows)
        except OTHERWISE as error:
            raise DataError(
                f"{line.place}: {type(error).__name__} {error} where the venue's message has it; is it another venue's, or cut? "
                f"Correct or remove the line: {str(line.message)[:120]}"
            ) from error
        if len(rows) >= PART_ROWS:
            yield rows
            rows = Rows(offset)
    if len(rows):
        yield rows


def _find_decimals(rows: Rows, decimals: dict[tuple[int, str], int], names: Sequence[str]) -> None:
    heads, price, size, ask, ask_size = rows.columns()
    market = heads[:, 2] != Kind.GAP
    quotes = heads[heads[:, 2] == Kind.QUOTE, 3]
    for place in np.unique(heads[market, 3]).tolist():
        mine, quoted = market & (heads[:, 3] == place), quotes == place
        for what, values in (("tick", [price[mine], ask[quoted]]), ("lot", [size[mine], ask_size[quoted]])):
            needed = _decimals(np.unique(np.concatenate(values)))
            if needed > MAX_DECIMALS:
                raise DataError(f"{names[place]}: a {what} finer than 1e-{MAX_DECIMALS}. Give instruments= with the steps to use.")
            decimals[place, what] = max(decimals.get((place, what), 0), needed)


def _decimals(values: NDArray[np.float64]) -> int:
    """How many decimal places write every value exactly; above `MAX_DECIMALS` where that many do not."""
    for places in range(MAX_DECIMALS + 1):
        scaled = values * 10.0**places
        broken = np.abs(scaled - np.rint(scaled)) > np.abs(scaled) * NOISE  # one by one: a large value must not hide a small one
        if not broken.any():
            return places
    return MAX_DECIMALS + 1


def _instruments(symbols: Symbols, decimals: dict[tuple[int, str], int], venue: str) -> tuple[Instrument, ...]:
    return tuple(
        Instrument(
            name, tick=Step(1, 10 ** decimals.get((k, "tick"), 0)), lot=Step(1, 10 ** decimals.get((k, "lot"), 0)), venue=venue
        )
        for k, name in enumerate(symbols.names)
    )  # fmt: skip
