"""What a run of a sweep keeps of its log: four numbers. The records themselves are dropped as they come."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framework.engine.world import Decision
from framework.kernel.machine.compile import real, stamped_kernel
from framework.kernel.trader.trader import Trader
from framework.schema.event import Kind

_FILLED, _REFUSED = int(Kind.ORDER_FILLED), int(Kind.ORDER_REFUSED)

TERMS = np.dtype(
    [
        ("tick_up", "<f8"),
        ("tick_down", "<f8"),
        ("lot_up", "<f8"),
        ("lot_down", "<f8"),
        ("value", "<f8"),
        ("multiplier", "<f8"),
        ("inverse", "<i8"),
    ]
)


def count_records(rows: Any, orders: Any, changes: Any, terms: Any, found: Any) -> None:
    """Add the fills, refusals and notionals in `rows` to `found`; prices, notionals and rates as in `tables.Tables.fills`.

    `found` holds also how many rows of `changes` were passed: those that orders caused are the fills, in order.
    """
    at = int(found[3])
    for k in range(len(rows)):
        row = rows[k]
        if row.kind == _FILLED:
            term, lots, slippage = terms[row.instrument], row.w2, real(row.w4)
            ticks = np.float64(row.w1)
            if slippage != 0.0:
                paid = orders[row.w0].side * slippage / (lots * term.value)
                ticks = -1.0 / (paid - 1.0 / ticks) if term.inverse != 0 else ticks + paid
            found[0] += 1.0
            while at < len(changes) and changes[at].cause < 0:
                at += 1
            rate = changes[at].fx_rate if at < len(changes) else math.nan
            at += 1
            quantity, price = lots * term.lot_up / term.lot_down, ticks * term.tick_up / term.tick_down
            found[1] += abs((quantity / price if term.inverse != 0 else quantity * price) * term.multiplier) * rate
        elif row.kind == _REFUSED:
            found[2] += 1.0
    found[3] = at


_count = stamped_kernel(count_records, "simulation")


def terms_of(trader_instruments: Any) -> NDArray[np.void]:
    """What turns ticks and lots of each instrument into money."""
    terms = np.zeros(len(trader_instruments), dtype=TERMS)
    for row, i in zip(terms, trader_instruments, strict=True):
        row["tick_up"], row["tick_down"], row["lot_up"], row["lot_down"] = (
            i.tick.numerator,
            i.tick.denominator,
            i.lot.numerator,
            i.lot.denominator,
        )
        row["value"], row["multiplier"], row["inverse"] = i.point_value, i.multiplier, int(i.inverse)
    return terms


class Tally:
    """Takes the place of the audit: counts and forgets.

    Args:
        trader: whose log it empties.
        terms: of `terms_of`.
    """

    def __init__(self, trader: Trader, terms: NDArray[np.void]) -> None:
        self._trader, self._terms = trader, terms
        self._found = np.zeros(4)

    def write(self, decision: Decision) -> None:
        """Nothing is to be done: the log is counted when it is full and at the end."""

    def collect(self) -> None:
        """Count the log as it stands, and empty it."""
        rows = self._trader.take_log()
        if len(rows):
            passed, self._found[3] = self._found[3], 0.0
            _count(rows, self._trader.tables["orders"], self._trader.rows_since("changes", int(passed)), self._terms, self._found)
            self._found[3] += passed

    def close(self) -> None:
        """Count the last of the log."""
        self.collect()

    def end_early(self, why: str) -> None:
        """Nothing is to be done: the row of a run that ended early says what it raised."""

    @property
    def fills(self) -> int:
        """Fills, each part of an order's on its own."""
        return int(self._found[0])

    @property
    def traded(self) -> float:
        """Sum of the notionals of all fills, the account's currency."""
        return float(self._found[1])

    @property
    def refused(self) -> int:
        """Orders and changes of orders that a pre-trade rule refused."""
        return int(self._found[2])
