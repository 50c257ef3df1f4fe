"""Round trips: what an account did with an instrument from flat to flat, put together from the ledger's closed lots.

A round trip begins with the fill that opens a position and ends where nothing is held any more, or where a fill turns the position
over: that fill ends one and begins the next, and its tax belongs to the one that ends. What adds to a position or takes part of it
off stays inside. Dividends, funding, borrow and taxes belong to the round trip of the position that brought them; what is told after it
ended (a tax on the sale that ended it, a charge on its way) to the last one of the instrument.

Money of a closed lot is converted at the rate at which the ledger values its currency at the fill that closed it, its entry's fee too;
a dividend or charge at the rate at which the ledger booked it. The sum over all round trips of a run that ends flat, in one currency, is
what its equity gained.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framework.kernel.layout.codes import C_TAX, COST_BOOKED, DIVIDEND_PAID
from framework.kernel.machine.compile import inlined, stamped_kernel
from framework.reports.metrics import Floats

ROUND_TRIP = np.dtype(
    [
        ("instrument", "<i8"),
        ("side", "<i8"),  # 1: long
        ("entry_ns", "<i8"),
        ("exit_ns", "<i8"),
        ("entry_change", "<i8"),  # rows of CHANGE
        ("exit_change", "<i8"),  # -1: still open
        ("lots", "<i8"),  # how many closed lots it is made of
        ("pnl", "<f8"),  # the account's currency: of lots, fees off, with dividends, charges off
        ("fees", "<f8"),
        ("dividends", "<f8"),
        ("charges", "<f8"),  # borrow, funding, taxes
        ("local_pnl", "<f8"),  # the same in the instrument's settlement currency
        ("local_fees", "<f8"),
        ("local_dividends", "<f8"),
        ("local_charges", "<f8"),
    ]
)


@inlined
def _book_flow(trip: Any, kind: int, amount: float, rate: float) -> None:
    """Add a dividend or a charge to a round trip."""
    trip.pnl += amount * rate
    trip.local_pnl += amount
    if kind == DIVIDEND_PAID:
        trip.dividends += amount * rate
        trip.local_dividends += amount
    else:
        trip.charges -= amount * rate
        trip.local_charges -= amount


@inlined
def _book_lot(trip: Any, trade: Any, rate: float) -> None:
    """Add a closed lot to a round trip."""
    trip.lots += 1
    trip.pnl += trade.pnl * rate
    trip.fees += trade.fees * rate
    trip.local_pnl += trade.pnl
    trip.local_fees += trade.fees


def join_lots(trades: Any, changes: Any, flows: Any, last: Any, filled: Any, trips: Any, trip_of: Any) -> int:
    """One pass over what the ledger recorded; returns how many round trips it began.

    Args:
        trades, changes, flows: rows of TRADE, CHANGE and FLOW, in the order in which they were written.
        last: -1 for each instrument; afterwards its last round trip.
        filled: the same; afterwards the round trip that its last fill ended or, where it ended none, was part of.
        trips: zeroed rows of ROUND_TRIP, as many as there are changes.
        trip_of: shape (changes,): becomes the round trip that is open after each change, -1 where nothing is held.
    """
    begun, lot, flow = 0, 0, 0
    for c in range(len(changes) + 1):
        while flow < len(flows) and flows[flow].change <= c:
            row = flows[flow]
            at = filled[row.instrument] if row.kind == C_TAX else last[row.instrument]
            if at >= 0 and row.kind != COST_BOOKED:
                _book_flow(trips[at], row.kind, row.amount, row.fx_rate)
            flow += 1
        if c == len(changes):
            break
        change = changes[c]
        at = last[change.instrument]
        is_held = at >= 0 and trips[at].exit_change < 0
        filled[change.instrument] = at if is_held else begun
        while lot < len(trades) and trades[lot].change <= c:
            if is_held:
                _book_lot(trips[at], trades[lot], change.fx_rate)
            lot += 1
        if is_held and change.lots * trips[at].side <= 0:
            trips[at].exit_change, trips[at].exit_ns = c, change.ts_ns
            is_held = False
        if not is_held and change.lots != 0:
            at, begun = begun, begun + 1
            trip = trips[at]
            trip.instrument, trip.side, trip.entry_ns = change.instrument, 1 if change.lots > 0 else -1, change.ts_ns
            trip.entry_change, trip.exit_change = c, -1
            last[change.instrument] = at
        trip_of[c] = at if change.lots != 0 else -1
    return begun


_join = stamped_kernel(join_lots, "reports")


def round_trips(
    trades: NDArray[np.void], changes: NDArray[np.void], flows: NDArray[np.void], instruments: int
) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Every round trip of a run, dtype ROUND_TRIP, in the order in which they began, those too that are still open.

    Args:
        trades, changes, flows: what the ledger recorded.
        instruments: how many the run has.

    Returns:
        The round trips, and for each change the one that is open after it, -1 where nothing is held.
    """
    trips, trip_of = np.zeros(len(changes), dtype=ROUND_TRIP), np.empty(len(changes), dtype=np.int64)
    last, filled = np.full(instruments, -1, dtype=np.int64), np.full(instruments, -1, dtype=np.int64)
    begun = int(_join(trades, changes, flows, last, filled, trips, trip_of))
    return trips[:begun], trip_of


def closed(trips: NDArray[np.void]) -> NDArray[np.int64]:
    """The places of those that have ended, in the order in which they did."""
    exits = trips["exit_change"]
    ended = np.flatnonzero(exits >= 0)
    return ended[np.argsort(exits[ended], kind="stable")]


def pnls_of(trips: NDArray[np.void]) -> Floats:
    """What closed round trips made, the account's currency."""
    made: Floats = trips["pnl"][closed(trips)]
    return made
