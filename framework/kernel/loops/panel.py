"""Arrays as strategies: a matrix computed beforehand is replayed, one row at the stamp it was decided at.

A row is read when all bars of its stamp have closed. Each of its cells aims at a weight or a quantity as any other strategy
does, through the same proposal: there is no second sizing and no second check.
"""

import math

import numpy as np
from numpy.typing import NDArray

from framework.kernel.account.positions import position_of, rate_of
from framework.kernel.layout.codes import BROKEN, W_BARS
from framework.kernel.layout.roots import TraderRoot, exchange_row, trader_row
from framework.kernel.loops.bar_lane import go_until
from framework.kernel.machine.compile import call, kernel, row_of
from framework.kernel.market.marks import marks_of, terms_of
from framework.kernel.market.money import notional_of
from framework.kernel.market.valuation import valuation
from framework.kernel.trader.orders import expected_lots
from framework.kernel.trader.trader_calls import NO_ROOM, QUANTITY, aim_in
from framework.schema.record import F8, I8, Record, dtype_of


class Panel(Record):
    """A matrix and where its replay stands. Rows are sorted by stamp, columns by instrument number."""

    stamps: I8  # addresses of tables
    cells: I8
    wishes: I8
    rows_count: I8
    columns_count: I8
    at: I8  # the next row
    is_due: I8  # all bars of a stamp have closed, and the row was not looked for yet
    what: I8  # WEIGHT or QUANTITY
    is_signals: I8  # cells are sums of ENTRY, EXIT, SHORT_ENTRY and SHORT_EXIT, not targets
    size: F8  # what an entry aims at


class Stamp(Record):
    """The stamp of a row."""

    ns: I8


class Cell(Record):
    """What a row says of a column."""

    value: F8


class Wish(Record):
    """One column: its instrument, and what the present row wants of it."""

    instrument: I8
    turn: I8
    value: F8


ENTRY, EXIT, SHORT_ENTRY, SHORT_EXIT = 1, 2, 4, 8
_CLOSE, _REDUCE, _ENLARGE, _NOTHING = 0, 1, 2, 3
"""In which turn a cell is ordered: what is closed first, then what is reduced, so that both pay for what is enlarged."""

PANEL, WISH = dtype_of(Panel), dtype_of(Wish)

stamp_row, cell_row, wish_row = row_of(Stamp), row_of(Cell), row_of(Wish)


@kernel
def _signalled(p: Panel, signals: int, expected_lots: int) -> float:
    """What signals aim at, NaN for nothing: an entry acts where the expected position is not on its side, an exit where it is."""
    if signals & ENTRY and expected_lots <= 0:
        return p.size
    if signals & SHORT_ENTRY and expected_lots >= 0:
        return -p.size
    if (signals & EXIT and expected_lots > 0) or (signals & SHORT_EXIT and expected_lots < 0):
        return 0.0
    return math.nan


@kernel
def _turn(t: TraderRoot, p: Panel, instrument: int, value: float, equity: float) -> int:
    """When to order a target: its turn, `_NOTHING` where it holds what there is."""
    position, terms = position_of(t, instrument), terms_of(t, instrument)
    if math.isnan(value):
        return _NOTHING
    if value == 0.0:
        return _NOTHING if expected_lots(t, instrument) == 0 else _CLOSE
    if p.what == QUANTITY:
        held = position.lots * terms.lot_numerator / terms.lot_denominator
        return _ENLARGE if abs(value) >= abs(held) else _REDUCE
    held = 0.0
    if position.lots != 0:
        held = notional_of(terms, position.lots, marks_of(t, instrument).mark_ticks) * rate_of(t, terms.currency)
    return _ENLARGE if abs(value) * equity >= abs(held) else _REDUCE


@kernel
def _read_row(t: TraderRoot, p: Panel, row: int) -> None:
    """Put what a row wants into the wishes."""
    equity, _, _, _ = valuation(t)
    first = row * p.columns_count
    for k in range(p.columns_count):
        wish, value = wish_row(p.wishes, k), cell_row(p.cells, first + k).value
        if p.is_signals:
            value = _signalled(p, int(value), expected_lots(t, wish.instrument))
        wish.value, wish.turn = value, _turn(t, p, wish.instrument, value, equity)


@kernel
def _rebalance(t: TraderRoot, p: Panel) -> int:
    """Order what the row of the present stamp wants, if there is one; NO_ROOM where the run has broken, else 0."""
    while p.at < p.rows_count and stamp_row(p.stamps, p.at).ns < t.now_ns:
        p.at += 1
    if p.at >= p.rows_count or stamp_row(p.stamps, p.at).ns != t.now_ns:
        return 0
    _read_row(t, p, p.at)
    p.at += 1
    for turn in range(_NOTHING):
        for k in range(p.columns_count):
            wish = wish_row(p.wishes, k)
            if wish.turn == turn and aim_in(t, p.what, wish.instrument, wish.value) == NO_ROOM:
                return NO_ROOM
    return 0


@kernel
def rebalance(trader: NDArray[np.void], panel: NDArray[np.void]) -> int:
    """Follow the panel at the present stamp. The aim unit must be linked. NO_ROOM: the run has broken."""
    return _rebalance(trader[0], panel[0])


@kernel
def drive(trader: int, exchange: int, panel: NDArray[np.void], until_ns: int) -> int:
    """`replay.advance` that follows a panel in between; wakes for all bars of a stamp do not come back."""
    t, x, p = trader_row(trader, 0), exchange_row(exchange, 0), panel[0]
    go_until(x, until_ns)
    while True:
        if p.is_due != 0:
            p.is_due = 0
            if _rebalance(t, p) == NO_ROOM:
                return BROKEN
        wake = call(t.advance, trader, exchange)
        if wake != W_BARS:
            return wake
        p.is_due = 1
