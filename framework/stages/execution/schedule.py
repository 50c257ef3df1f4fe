"""A schedule: how much of a block is traded when, what that is expected to cost and how much the cost may differ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.errors import InputError
from framework.schema.order import Side
from framework.stages.execution.pictures import BLUE, GREY, ORANGE, axes

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Floats = NDArray[np.float64]

_WHOLE = 1e-9
"""How far, relatively, a number of lots may be from a whole one and still be taken for it."""


def normal_quantile(confidence: float) -> float:
    """z with P(Z <= z) = confidence for a standard normal Z.

    Raises:
        InputError: confidence is not above 0.5 and below 1.

    >>> round(normal_quantile(0.95), 3)
    1.645
    """
    if not 0.5 < confidence < 1.0:
        raise InputError(f"confidence is {confidence:g}; rule: above 0.5 and below 1, for instance 0.95.")
    return NormalDist().inv_cdf(confidence)


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """What a model of execution plans.

    Attributes:
        side: whether the block is bought or sold.
        risk_aversion: lambda, 1 / money.
        kappa: urgency, 1 / time.
        times: t_0 = 0 to t_N = T, shape (N + 1,), in the model's unit of time.
        remaining: x_k, units still to be traded at t_k, shape (N + 1,); from the whole block to 0.
        trades: n_k, units traded between t_{k-1} and t_k, shape (N,); below 0 trades against the block.
        expected_cost: E, money: how much worse than at the arrival price the block is expected to be traded (implementation shortfall).
        variance: V of that cost, money^2.
    """

    side: Side
    risk_aversion: float
    kappa: float
    times: Floats
    remaining: Floats
    trades: Floats
    expected_cost: float
    variance: float

    @property
    def half_life(self) -> float:
        """theta = 1 / kappa, time in which the block shrinks by a factor of e where the horizon does not press (section 2.3)."""
        return 1.0 / self.kappa if self.kappa > 0.0 else math.inf

    @property
    def standard_deviation(self) -> float:
        """sqrt(V), money."""
        return math.sqrt(self.variance)

    def value_at_risk(self, confidence: float = 0.95) -> float:
        """The cost that is not exceeded with this probability, money: z sqrt(V) + E, z the normal quantile (22)."""
        return normal_quantile(confidence) * self.standard_deviation + self.expected_cost

    def orders(self, lot: float = 1.0) -> NDArray[np.int64]:
        """The trades in whole lots, shape (N,): above 0 to buy, below 0 to sell, so that they sum to the block exactly.

        Every trade is rounded down; the lots that are left go to those with the largest remainders, the earlier first.

        Args:
            lot: units in a lot, the instrument's `view.lot(symbol)`.

        Raises:
            InputError: lot is not above 0, or the block is no whole number of lots.

        An order decided on a bar fills on the next one, so the first is sent a bar before the first interval begins.
        """
        if not (math.isfinite(lot) and lot > 0.0):
            raise InputError(f"Schedule.orders: lot is {lot:g}; it must be a finite number above 0.")
        block = float(self.remaining[0]) / lot
        whole = round(block)
        if abs(block - whole) > _WHOLE * max(block, 1.0):
            raise InputError(f"Schedule.orders: {self.remaining[0]:,.10g} units are {block:,.10g} lots of {lot:g}; rule: a whole number.")
        exact = self.trades / lot
        nearest = np.rint(exact)
        exact = np.where(np.abs(exact - nearest) <= _WHOLE * np.maximum(np.abs(exact), 1.0), nearest, exact)
        lots = np.floor(exact).astype(np.int64)
        left = whole - int(lots.sum())
        lots[np.argsort(lots - exact, kind="stable")[:left]] += 1
        return lots * int(self.side)

    def frame(self) -> pd.DataFrame:
        """A row a step: `time` at its end, `trade`, `remaining` after it."""
        return pd.DataFrame({"time": self.times[1:], "trade": self.trades, "remaining": self.remaining[1:]})

    def plot(self) -> Figure:
        """What remains, and each step's trade, over time; dotted what equal trades would leave."""
        import plotly.graph_objects as go  # drawn on request: it must not slow the import of the framework

        middle = 0.5 * (self.times[1:] + self.times[:-1])
        straight = self.remaining[0] * (1.0 - self.times / self.times[-1])
        return go.Figure(
            data=[
                {"type": "bar", "name": "trade", "x": middle.tolist(), "y": self.trades.tolist(), "marker": {"color": GREY}},
                _line("remaining", self.times, self.remaining, BLUE),
                {**_line("equal trades", self.times, straight, ORANGE), "line": {"color": ORANGE, "width": 1.3, "dash": "dot"}},
            ],
            layout=axes(f"Schedule at risk aversion {self.risk_aversion:.3g}", "time", "units"),
        )


def _line(name: str, x: Floats, y: Floats, colour: str) -> dict[str, object]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": x.tolist(),
        "y": y.tolist(),
        "line": {"color": colour, "width": 1.8},
    }
