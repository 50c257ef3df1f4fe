"""Strategies in Python that follow a matrix by the words of the view alone: what arrays are compared with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from framework import Strategy
from framework.engine.market import Bar
from framework.engine.view import View
from framework.schema.order import OrderState

Row = Mapping[str, Any]


class Follower(Strategy):
    """Aims at what the row of a stamp says: closes first, then reductions, then increases, each by symbol."""

    in_units = False

    def __init__(self, frame: pd.DataFrame) -> None:
        super().__init__()
        stamps = frame.index.as_unit("ns").asi8.tolist()
        self._rows: dict[int, Row] = dict(zip(stamps, frame.to_dict("records"), strict=True))

    def on_start(self, view: View) -> None:
        self._left = dict(self._rows)

    def on_bars(self, view: View, bars: Mapping[str, Bar]) -> None:
        row = self._left.pop(view.now_ns, None)
        if row is not None:
            wanted = {symbol: self.wanted(view, symbol, cell) for symbol, cell in row.items()}
            self.order(view, {symbol: value for symbol, value in wanted.items() if not math.isnan(value)})

    def wanted(self, view: View, symbol: str, cell: Any) -> float:
        """What a cell aims at, NaN for nothing."""
        return float(cell)

    def order(self, view: View, wanted: Mapping[str, float]) -> None:
        """Order the targets in their turns."""
        equity = view.equity

        def turn(symbol: str) -> tuple[bool, bool, str]:
            value = abs(wanted[symbol])
            held = abs(view.position(symbol) if self.in_units else view.market_value(symbol))
            return value != 0.0, value * (1.0 if self.in_units else equity) >= held, symbol

        aim = view.target_quantity if self.in_units else view.target_weight
        for symbol in sorted(wanted, key=turn):
            aim(symbol, wanted[symbol])


class QuantityFollower(Follower):
    """The same for signed quantities."""

    in_units = True


class SignalFollower(Follower):
    """Entries and exits; a cell is the set of what is true there."""

    def __init__(self, frames: Mapping[str, pd.DataFrame], size: float, *, in_units: bool) -> None:
        first = frames["entries"]
        cells = np.empty(first.shape, dtype=object)
        for at in np.ndindex(first.shape):
            cells[at] = {name for name, frame in frames.items() if frame.iat[at]}
        super().__init__(pd.DataFrame(cells, index=first.index, columns=first.columns))
        self.size, self.in_units = size, in_units

    def wanted(self, view: View, symbol: str, cell: Any) -> float:
        expected = view.position(symbol) + sum(
            order.side * (order.quantity - order.filled_quantity)
            for order in view.working_orders(symbol)
            if order.state is not OrderState.PENDING_CANCEL
        )
        expected = round(expected, 9)
        if "entries" in cell and expected <= 0:
            return self.size
        if "short_entries" in cell and expected >= 0:
            return -self.size
        if ("exits" in cell and expected > 0) or ("short_exits" in cell and expected < 0):
            return 0.0
        return math.nan
