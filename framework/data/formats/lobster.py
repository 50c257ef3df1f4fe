"""LOBSTER: every message of one Nasdaq stock on one day, by order, and the book after each.

Two files without header, plain or gzipped, `TICKER_YYYY-MM-DD_..._message_LEVELS.csv` and `..._orderbook_LEVELS.csv`:

    message     seconds after midnight in New York, type, order id, size, price x 10,000, direction of the resting order (1 buy, -1 sell)
    orderbook   offer price, offer size, bid price, bid size, level by level; row n is the book after message n

    type    what it is                              events
    1       new limit order                         DEPTH by order
    2       partial cancellation                    DEPTH by order, the lots that remain
    3       deletion                                DEPTH by order, 0 lots
    4       execution of a visible order            TRADE and DEPTH by order, the lots that remain
    5       execution of a hidden order             TRADE
    6       cross, such as an auction               TRADE without a side, flagged AUCTION
    7       trading halt: price -1, 1 resumed       HALT; price 0, quoting resumed while trading is not, is counted in the notes
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as csv
from numpy.typing import NDArray

from framework.data.checks.library_errors import FETCH_AGAIN, reading
from framework.data.tape.recording import Events, Recording
from framework.errors import DataError
from framework.schema.event import EVENT, Flag, Kind
from framework.schema.instrument import Instrument
from framework.schema.units import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND, Step

COLUMNS = ("time", "type", "order_id", "size", "price", "direction")
NEW, PARTIAL_CANCEL, DELETE, EXECUTE, EXECUTE_HIDDEN, CROSS, HALT = 1, 2, 3, 4, 5, 6, 7
EMPTY_PRICE = 9_999_999_999
"""What stands for the price of a level that nobody occupies, negative for bids."""
BLOCK_BYTES = 2 * 1024 * 1024
MOST = 10**12
"""No price and no size is so large, and a part of the file that adds sizes up stays within 64 bits."""
CENT = 100
"""LOBSTER's steps of price in a cent."""

Words = NDArray[np.int64]
Table = dict[str, Words]


def read(path: Path | str, *, orderbook: Path | str | None = None) -> Recording:
    """Read a message file and the book it starts from.

    The orders that stood before the first message are not in the file. The first row of the orderbook file, the book after the first
    message, becomes a SNAPSHOT of levels without order ids, as deep as shipped; it stands for the first message's DEPTH. A later
    message about an order that is not in the file takes its size from the level, and DEPTH tells the lots left there without an order.

    The tick is 0.01 where every price is whole cents, else 0.0001. The source has one stamp, so both stamps are the same.

    Args:
        path: the message file. Its name gives the ticker and the day.
        orderbook: the orderbook file; if not given, the one beside it with "orderbook" for "message" in its name.

    Raises:
        DataError: naming file, row, column, value and rule.
    """
    path = Path(path)
    symbol, midnight_ns = _named(path)
    book_path = Path(orderbook) if orderbook is not None else path.with_name(path.name.replace("_message_", "_orderbook_"))
    levels = _first_levels(book_path)
    survey = _Pass(path, midnight_ns, levels, 1)
    in_cents = not (levels[:, 1] % CENT).any()
    for _ in survey.parts():
        in_cents = in_cents and survey.in_cents
    step = CENT if in_cents else 1
    instrument = Instrument(symbol, tick=Step(1, 10_000 // step), venue="XNAS")
    return Recording(
        instruments=(instrument,),
        parts=lambda: _Pass(path, midnight_ns, levels, step).parts(),
        source=str(path),
        notes=survey.notes(book_path),
    )


def _named(path: Path) -> tuple[str, int]:
    """Ticker, and midnight of the day in New York as ns UTC."""
    found = re.match(r"([^_]+)_(\d{4}-\d\d-\d\d)_.*message_", path.name)
    try:
        if found:
            return found[1], int(pd.Timestamp(found[2], tz="America/New_York").as_unit("ns").value)
    except (ValueError, OverflowError):
        found = None
    raise DataError(
        f"{path.name}: stamps are seconds after midnight, and the name does not say of which day. "
        "Name the file as LOBSTER does: TICKER_YYYY-MM-DD_START_END_message_LEVELS.csv."
    )


def _first_levels(path: Path) -> Words:
    """The first row of an orderbook file: side (1 bid, -1 offer), price, size and rank of each occupied level. Shape (n, 4)."""
    if not path.exists():
        raise DataError(f"{path}: no such file. The book at the start is not among the messages: give the file with orderbook=.")
    with reading(f"{path.name}, row 1", f"A row of the book is whole numbers. {FETCH_AGAIN}", also=(StopIteration, TypeError)):
        with pa.input_stream(str(path)) as stream:
            options = csv.ReadOptions(autogenerate_column_names=True, use_threads=False, block_size=BLOCK_BYTES)
            first = next(iter(csv.open_csv(stream, read_options=options)))
        row = np.array([float(first.column(k)[0].cast(pa.string()).as_py()) for k in range(first.num_columns)])
    if len(row) % 4 or not len(row):
        raise DataError(
            f"{path.name}, row 1: {len(row)} columns; rule: offer price, offer size, bid price, bid size for each level. {FETCH_AGAIN}"
        )
    whole = (np.abs(row) <= MOST) & (row == np.rint(row))
    if not whole.all():
        column = int(np.argmin(whole))
        raise DataError(
            f"{path.name}, row 1, column {column + 1}: {row[column]:g}; rule: whole numbers of at most {MOST:,}. Correct the row, or fetch "
            "the file again."
        )
    quads = row.astype(np.int64).reshape(-1, 4)
    rank = np.arange(len(quads))
    asks = np.column_stack([np.full(len(quads), -1), quads[:, 0], quads[:, 1], rank])[np.abs(quads[:, 0]) != EMPTY_PRICE]
    bids = np.column_stack([np.full(len(quads), 1), quads[:, 2], quads[:, 3], rank])[np.abs(quads[:, 2]) != EMPTY_PRICE]
    if len(asks) and len(bids) and asks[0, 1] <= bids[0, 1]:
        raise DataError(
            f"{path.name}, row 1: the best offer {asks[0, 1]} is at or below the best bid {bids[0, 1]}; rule: offer > bid, and the "
            "columns are offer price, offer size, bid price, bid size. Are columns swapped? Correct the row."
        )
    levels = np.concatenate([bids, asks])
    worse = (np.diff(asks[:, 1]) <= 0).any() or (np.diff(bids[:, 1]) >= 0).any()
    if worse or (levels[:, 1:3] <= 0).any():
        raise DataError(
            f"{path.name}, row 1: rule: prices and sizes above 0, offers rising and bids falling from level to level. Are columns "
            "swapped? Correct the row."
        )
    return levels


class _Pass:
    """One reading of a message file from its start; counts what `notes` says."""

    def __init__(self, path: Path, midnight_ns: int, levels: Words, step: int) -> None:
        self._path, self._midnight_ns, self._levels, self._step = path, midnight_ns, levels, step
        self._live_ids, self._live_lots = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        self._anonymous: dict[tuple[int, int], int] = {(side, price): lots for side, price, lots, _ in levels.tolist()}
        self._last_ns = 0
        self._row = 1  # of the first row of the part
        self.in_cents = True
        self.unseen = self.beyond = self.quoting = 0

    def notes(self, book_path: Path) -> tuple[str, ...]:
        depth = len(np.unique(self._levels[:, 3]))
        found = [
            f"{self._path.name}: the book starts from the first row of {book_path.name}, {depth} levels deep; orders deeper than that "
            "and older than the file are not known."
        ]
        if self.unseen:
            found.append(
                f"{self._path.name}: {self.unseen} messages are about orders older than the file; their sizes were taken from the level."
            )
        if self.beyond:
            found.append(f"{self._path.name}: {self.beyond} of these ask for more than is known to stand at their price.")
        if self.quoting:
            found.append(f"{self._path.name}: {self.quoting} messages say that quoting resumed before trading; they make no event.")
        return tuple(found)

    def parts(self) -> Iterator[Events]:
        for batch in _batches(self._path):
            table = {name: column.to_numpy(zero_copy_only=False) for name, column in zip(COLUMNS, batch.columns, strict=True)}
            self._check(table)
            yield self._events(table)
            self._row += len(table["time"])
        if self._row == 1:
            raise DataError(f"{self._path.name}: no rows. {FETCH_AGAIN}")

    def _check(self, table: Table) -> None:
        kind, price, size, direction = (table[name] for name in ("type", "price", "size", "direction"))
        seconds, order = table["time"], kind <= CROSS
        self._refuse((kind < NEW) | (kind > HALT), table, "type", "type is 1 to 7")
        self._refuse(order & (np.abs(direction) != 1), table, "direction", "1 for a buy order, -1 for a sell order")
        self._refuse(order & ((price <= 0) | (price > MOST)), table, "price", f"price > 0, at most {MOST:,}")
        self._refuse(order & ((size <= 0) | (size > MOST)), table, "size", f"size > 0, at most {MOST:,}")
        self._refuse((kind <= EXECUTE) & (table["order_id"] <= 0), table, "order_id", "order id > 0")
        halted = (kind == HALT) & ((price < -1) | (price > 1))
        self._refuse(halted, table, "price", "a halt has price -1, quoting resumed 0, trading resumed 1")
        inside = np.isfinite(seconds) & (seconds >= 0) & (seconds < NANOSECONDS_PER_DAY // NANOSECONDS_PER_SECOND)
        self._refuse(~inside, table, "time", "0 <= seconds after midnight < 86,400")
        self._refuse(np.diff(seconds, prepend=seconds[0]) < 0, table, "time", "rows are in order of time")
        if self._row == 1 and len(self._levels):
            middle = float(self._levels[self._levels[:, 3] == 0, 1].mean())
            usual = float(np.median(price[order])) if order.any() else middle
            if not middle / 2 <= usual <= middle * 2:
                raise DataError(
                    f"{self._path.name}, column price: the usual price {usual:.0f} is not within a factor of 2 of the starting book, "
                    f"{middle:.0f}. Are the columns size and price swapped, or is the orderbook file another's? "
                    "Give the right one with orderbook=."
                )

    def _refuse(self, broken: NDArray[np.bool_], table: Table, column: str, rule: str) -> None:
        if broken.any():
            at = int(np.argmax(broken))
            raise DataError(
                f"{self._path.name}, row {self._row + at}, column {column}: {table[column][at]}; rule: {rule}. Columns are "
                f"{', '.join(COLUMNS)}: are two swapped? {int(broken.sum())} offending rows in this part. Correct or remove them."
            )

    def _events(self, table: Table) -> Events:
        kind, price, size, order_id = (table[name] for name in ("type", "price", "size", "order_id"))
        self.in_cents = not (price[kind <= CROSS] % CENT).any()
        stamps = self._midnight_ns + np.rint(table["time"] * NANOSECONDS_PER_SECOND).astype(np.int64)
        if stamps[0] < self._last_ns:
            self._refuse(np.arange(len(stamps)) == 0, table, "time", "rows are in order of time")
        self._last_ns = int(stamps[-1])
        quoting = (kind == HALT) & (price == 0)
        self.quoting += int(quoting.sum())
        trade, halt = (kind >= EXECUTE) & (kind <= CROSS), (kind == HALT) & ~quoting
        depth = kind <= EXECUTE
        if self._row == 1:
            depth = depth & (np.arange(len(kind)) > 0)  # the snapshot is the book after it
        word1, word2 = self._after(table, depth)
        ticks = price // self._step
        rows = [self._snapshot(int(stamps[0]))] if self._row == 1 else []
        order = [np.full(len(rows[0]), 1)] if rows else []  # before the second message, after what the first traded
        buy_rests = table["direction"] == 1
        made = _blank(stamps[trade], Kind.TRADE)
        made["w0"], made["w1"], made["w3"] = ticks[trade], size[trade], np.where(kind[trade] == EXECUTE, order_id[trade], 0)
        made["flags"] = np.where(kind[trade] == CROSS, Flag.AUCTION, np.where(buy_rests[trade], Flag.SELL, Flag.BUY))
        rows, order = [*rows, made], [*order, 3 * np.flatnonzero(trade)]
        made = _blank(stamps[depth], Kind.DEPTH)
        made["w0"], made["w1"], made["w2"], made["w3"] = ticks[depth], word1[depth], word2[depth], -1
        made["flags"] = np.where(buy_rests[depth], Flag.BUY, Flag.SELL) | Flag.LAST
        rows, order = [*rows, made], [*order, 3 * np.flatnonzero(depth) + 1]
        made = _blank(stamps[halt], Kind.HALT)
        made["w0"] = price[halt] == -1
        rows, order = [*rows, made], [*order, 3 * np.flatnonzero(halt)]
        found: Events = np.concatenate(rows)[np.argsort(np.concatenate(order), kind="stable")]
        return found

    def _snapshot(self, stamp: int) -> Events:
        levels = self._levels
        made = _blank(np.full(len(levels), stamp), Kind.DEPTH)
        made["w0"], made["w1"], made["w3"] = levels[:, 1] // self._step, levels[:, 2], levels[:, 3]
        made["flags"] = np.where(levels[:, 0] == 1, Flag.BUY, Flag.SELL) | Flag.SNAPSHOT
        made["flags"][:1] |= int(Flag.CLEAR)
        made["flags"][-1:] |= int(Flag.LAST)
        return made

    def _after(self, table: Table, depth: NDArray[np.bool_]) -> tuple[Words, Words]:
        """Lots and order id of each row's DEPTH: the order's own lots, or those of the level without an order and id 0."""
        rows = np.flatnonzero(depth)
        ids, kind = table["order_id"][rows], table["type"][rows]
        by_order = np.argsort(ids, kind="stable")
        sorted_ids = ids[by_order]
        first = np.append(True, sorted_ids[1:] != sorted_ids[:-1])[: len(ids)]
        change = np.where(kind == NEW, 1, -1) * table["size"][rows]
        place = np.searchsorted(self._live_ids, sorted_ids[first])
        place[place == len(self._live_ids)] = 0
        alive = self._live_ids[place] == sorted_ids[first] if len(self._live_ids) else np.zeros(len(place), dtype=bool)
        carried = np.where(alive, self._live_lots[place], 0) if len(self._live_ids) else np.zeros(len(place), dtype=np.int64)
        group = np.cumsum(first) - 1
        total = np.cumsum(change[by_order])
        before = np.where(first, total - change[by_order], 0)[first][group] if len(ids) else total
        left = total - before + carried[group]
        seen = alive[group] | (kind[by_order][first] == NEW)[group]
        standing = np.where(first, carried[group], np.roll(left, 1))
        self._refuse_lots(table, rows[by_order], kind[by_order], seen, left, standing)
        self._carry(sorted_ids, first, seen, left)
        lots, orders = np.zeros(len(depth), dtype=np.int64), np.zeros(len(depth), dtype=np.int64)
        lots[rows[by_order]], orders[rows[by_order]] = left, np.where(seen, sorted_ids, 0)
        for row in np.sort(rows[by_order][~seen]).tolist():
            lots[row] = self._from_level(int(table["direction"][row]), int(table["price"][row]), int(table["size"][row]))
        return lots, orders

    def _refuse_lots(self, table: Table, rows: Words, kind: Words, seen: NDArray[np.bool_], left: Words, standing: Words) -> None:
        broken = np.zeros(len(table["type"]), dtype=bool)
        broken[rows[seen & (kind == NEW) & (standing != 0)]] = True
        self._refuse(broken, table, "order_id", "a new order has an id that does not stand in the book")
        broken[rows[seen & (left < 0)]] = True
        self._refuse(broken, table, "size", "a cancellation or execution takes no more than the order's remaining size")
        broken[rows[seen & (kind == DELETE) & (left != 0)]] = True
        self._refuse(broken, table, "size", "a deletion takes all of the order's remaining size")

    def _carry(self, sorted_ids: Words, first: NDArray[np.bool_], seen: NDArray[np.bool_], left: Words) -> None:
        """Keep the orders that still stand for the next part."""
        last = np.append(first[1:], True)[: len(first)]
        kept = ~np.isin(self._live_ids, sorted_ids)
        stands = last & seen & (left > 0)
        ids = np.concatenate([self._live_ids[kept], sorted_ids[stands]])
        lots = np.concatenate([self._live_lots[kept], left[stands]])
        order = np.argsort(ids)
        self._live_ids, self._live_lots = ids[order], lots[order]

    def _from_level(self, side: int, price: int, size: int) -> int:
        """Take the size of an order that the file never showed from its level; what is left there without an order."""
        known = self._anonymous.get((side, price), 0)
        left = max(known - size, 0)
        self.unseen += 1
        self.beyond += size > known
        self._anonymous[side, price] = left
        return left


def _batches(path: Path) -> Iterator[Any]:
    types = {name: pa.float64() if name == "time" else pa.int64() for name in COLUMNS}
    if not path.exists():
        raise DataError(f"{path}: no such file. Correct its name.")
    way_out = f"A row has the six numbers {', '.join(COLUMNS)}; where a gzip file is cut short or damaged, fetch it again."
    with reading(path.name, way_out), pa.input_stream(str(path)) as stream:
        yield from csv.open_csv(
            stream,
            read_options=csv.ReadOptions(column_names=list(COLUMNS), use_threads=False, block_size=BLOCK_BYTES),
            parse_options=csv.ParseOptions(ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(column_types=types, null_values=[], strings_can_be_null=False),
        )


def _blank(stamps: Words, kind: Kind) -> Events:
    made = np.zeros(len(stamps), dtype=EVENT)
    made["ts_local_ns"] = made["ts_venue_ns"] = stamps
    made["kind"] = kind
    return made
