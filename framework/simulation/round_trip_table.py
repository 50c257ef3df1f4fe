"""The table of round trips of a finished run: what each made, how long it took, how far it went, what ended it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from framework.data.tape import Tape
from framework.kernel.layout.codes import BY_CORRECTION, BY_DELISTING, BY_SPLIT, BY_TRANSFER, COST_BOOKED
from framework.reports.metrics import Floats
from framework.reports.round_trips import ROUND_TRIP, closed, round_trips
from framework.schema.event import Flag
from framework.schema.order import OrderFlag, OrderType, TimeInForce
from framework.simulation.excursions import Stretches, excursions

_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
_TRAILING = (OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT)
_PROFITS = (OrderType.LIMIT, OrderType.MARKET_IF_TOUCHED, OrderType.LIMIT_IF_TOUCHED)


@dataclass(frozen=True)
class LedgerRows:
    """What the ledger and the audit hold of positions.

    Attributes:
        trades, changes, flows, orders: rows of the trader half's tables.
        fills: the audit's ORDER_FILLED rows, in order; the changes that orders caused are in the same order.
        point_value, is_inverse: of each instrument.
    """

    trades: NDArray[np.void]
    changes: NDArray[np.void]
    flows: NDArray[np.void]
    orders: NDArray[np.void]
    fills: NDArray[np.void]
    point_value: Floats
    is_inverse: NDArray[np.bool_]

    @cached_property
    def _made(self) -> tuple[NDArray[np.void], NDArray[np.int64]]:
        return round_trips(self.trades, self.changes, self.flows, len(self.point_value))

    @cached_property
    def closed(self) -> NDArray[np.void]:
        """Closed round trips, dtype ROUND_TRIP, in the order in which they ended."""
        trips = self._made[0]
        words = trips.view(np.int64).reshape(-1, ROUND_TRIP.itemsize // 8)  # rows of numpy's records are copied field by field
        return words[closed(trips)].view(ROUND_TRIP).reshape(-1)

    @cached_property
    def trip_of_lot(self) -> NDArray[np.int64]:
        """Which of the closed round trips a closed lot belongs to, -1: one that is still open. Shape (trades,)."""
        before = np.append(self._before(self._made[1]), -1)  # that of a lot whose change had no room, which broke the run
        return self._place_of(before[np.minimum(self.trades["change"], len(before) - 1)])

    def _place_of(self, trip: NDArray[np.int64]) -> NDArray[np.int64]:
        """The place among the closed ones of round trips in the order in which they began; -1 stays."""
        places = np.full(len(self._made[0]) + 1, -1, dtype=np.int64)
        ended = closed(self._made[0])
        places[ended] = np.arange(len(ended))
        return places[trip]

    def _before(self, after: NDArray[np.int64]) -> NDArray[np.int64]:
        """The value that each change's instrument had before it, where `after` is what it has then; -1 before its first."""
        order = np.argsort(self.changes["instrument"], kind="stable")
        whose, sorted_ = self.changes["instrument"][order], after[order]
        before = np.empty(len(after), dtype=np.int64)
        before[order] = np.where(np.r_[True, whose[1:] != whose[:-1]][: len(whose)], -1, np.r_[-1, sorted_[:-1]][: len(whose)])
        return before

    def averages(self) -> tuple[Floats, Floats, Floats]:
        """(lots, mean price of the entries, of the exits) of each closed round trip, in ticks; means are of the basis of prices."""
        mine = self.trip_of_lot >= 0
        rows, trip, count = self.trades[mine], self.trip_of_lot[mine], len(self.closed)
        size, inverse = np.abs(rows["lots"]), self.is_inverse[rows["instrument"]]
        lots = np.bincount(trip, weights=size, minlength=count).astype(np.float64)
        means = []
        for name in ("entry_price", "exit_price"):
            at_basis = np.divide(-1.0, rows[name], out=rows[name].copy(), where=inverse)
            total = np.bincount(trip, weights=size * at_basis, minlength=count)
            mean = np.divide(total, lots, out=np.full(count, np.nan), where=lots > 0)  # none were closed where all went out by a transfer
            means.append(np.divide(-1.0, mean, out=mean.copy(), where=self.is_inverse[self.closed["instrument"]]))
        return lots, means[0], means[1]

    @property
    def exit_reasons(self) -> NDArray[np.object_]:
        """What ended each round trip: see `RunTables`."""
        cause = self.changes["cause"][self.closed["exit_change"]]
        orders = self.orders[np.maximum(cause, 0)] if len(self.orders) else np.zeros(len(cause), dtype=self.orders.dtype)
        kind, is_child = orders["type"], orders["parent_id"] >= 0
        names = np.array([member.name for member in OrderType], dtype=object)[kind]
        names[np.isin(kind, _STOPS)] = "STOP_LOSS"
        names[np.isin(kind, _TRAILING)] = "TRAILING_STOP"
        names[np.isin(kind, _PROFITS) & is_child] = "TAKE_PROFIT"
        names[(orders["flags"] & OrderFlag.LIQUIDATION) != 0] = "LIQUIDATION"
        names[cause == BY_SPLIT], names[cause == BY_DELISTING] = "SPLIT", "DELISTING"
        names[cause == BY_CORRECTION], names[cause == BY_TRANSFER] = "CORRECTION", "TRANSFER"
        reasons: NDArray[np.object_] = names
        return reasons

    def excursions(self, tape: Tape) -> tuple[Floats, Floats]:
        """(adverse, favourable) of each closed round trip, settlement currency; see `excursions.py`."""
        return excursions(tape, self._stretches(), len(self.closed), self.point_value, self.is_inverse)

    def _stretches(self) -> Stretches:
        """What each closed round trip held from one change to the next. A fill that turns a position over ends one and begins another."""
        changes, fills = self.changes, self.fills
        after = self._place_of(self._made[1])
        before = self._place_of(self._before(self._made[1]))
        last = self._before(np.where(self._made[1] < 0, -1, np.arange(len(changes))))
        held = np.where(last >= 0, changes["lots"][last], 0)
        ends, goes_on = np.flatnonzero((before >= 0) & (before != after)), np.flatnonzero(after >= 0)
        change = np.r_[ends, goes_on]
        trip = np.r_[before[ends], after[goes_on]]
        lots = np.r_[np.zeros(len(ends), dtype=np.int64), changes["lots"][goes_on]]
        moved = np.r_[-held[ends], changes["lots"][goes_on] - np.where(before[goes_on] == after[goes_on], held[goes_on], 0)]
        order = np.lexsort((change, trip))
        change, trip, lots, moved = change[order], trip[order], lots[order], moved[order]
        fill = self._fill_of_change[change]
        is_fill = fill >= 0
        row = fills[np.maximum(fill, 0)] if len(fills) else np.zeros(len(fill), dtype=fills.dtype)
        price = np.where(is_fill, row["w1"].astype(np.float64), np.nan)
        stamp = np.where(is_fill, row["ts_venue_ns"], changes["ts_ns"][change] + 1)
        paid = np.where(is_fill, self._paid(row, price, moved, changes["instrument"][change]), -self._settled(change, trip, is_fill))
        ahead = np.cumsum(paid)
        first = np.r_[True, trip[1:] != trip[:-1]][: len(trip)]
        paid = ahead - np.repeat((ahead - paid)[first], np.diff(np.r_[np.flatnonzero(first), len(trip)]))
        until = np.where(lots == 0, stamp, np.r_[stamp[1:], 0][: len(stamp)])
        return Stretches(changes["instrument"][change], trip, stamp, until, lots, paid, price, self._is_late(row) & is_fill)

    @cached_property
    def _fill_of_change(self) -> NDArray[np.int64]:
        """Which fill a change is, -1: none."""
        is_fill = self.changes["cause"] >= 0
        return np.where(is_fill, np.minimum(np.cumsum(is_fill), len(self.fills)) - 1, -1)

    def _paid(self, row: NDArray[np.void], price: Floats, moved: NDArray[np.int64], instrument: NDArray[np.int64]) -> Floats:
        """Notional by basis, and the share of the slippage, of so many signed lots of a fill."""
        at_basis = np.divide(-1.0, price, out=price.copy(), where=self.is_inverse[instrument])
        slippage = np.ascontiguousarray(row["w4"]).view(np.float64)
        share = np.divide(np.abs(moved), row["w2"], out=np.zeros(len(moved)), where=row["w2"] != 0)
        paid: Floats = moved * at_basis * self.point_value[instrument] + slippage * share
        return paid

    def _settled(self, change: NDArray[np.int64], trip: NDArray[np.int64], is_fill: NDArray[np.bool_]) -> Floats:
        """What a split's fraction or a delisting paid for what it closed, by basis; of a correction or transfer, by how much less the
        position has then cost.
        """
        got = np.zeros(len(self.changes))
        cause = np.append(self.changes["cause"], 0)
        rows = self.trades[cause[np.minimum(self.trades["change"], len(cause) - 1)] < 0]
        price, inverse = rows["exit_price"], self.is_inverse[rows["instrument"]]
        at_basis = np.divide(-1.0, price, out=price.copy(), where=inverse)
        np.add.at(got, rows["change"], rows["lots"] * at_basis * self.point_value[rows["instrument"]])
        booked = self.flows[self.flows["kind"] == COST_BOOKED]
        np.add.at(got, booked["change"], -booked["amount"])
        return got[change]

    def _is_late(self, row: NDArray[np.void]) -> NDArray[np.bool_]:
        """Whether fills came at the end of their bar, or where a trailing stop was passed on the way to it."""
        if not len(self.orders):
            return np.zeros(len(row), dtype=bool)
        orders = self.orders[row["w0"]]
        is_passed = np.isin(orders["type"], _TRAILING) & ((row["flags"] & Flag.AMBIGUOUS) != 0)
        late: NDArray[np.bool_] = (orders["time_in_force"] == TimeInForce.AT_CLOSE) | is_passed
        return late
