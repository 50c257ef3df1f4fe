"""The efficient frontier of execution: what a plan costs at least for the risk it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from framework.stages.execution.pictures import BLUE, GREEN, ORANGE, axes
from framework.stages.execution.schedule import Schedule

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True, slots=True, eq=False)
class Frontier:
    """Plans by risk aversion, section 2.1 of Almgren and Chriss (2000).

    Attributes:
        schedules: in the order asked for.
    """

    schedules: tuple[Schedule, ...]

    def frame(self) -> pd.DataFrame:
        """A row a plan: `risk_aversion` 1 / money, `kappa` 1 / time, `half_life` time, `expected_cost` and `standard_deviation` money."""
        names = ("risk_aversion", "kappa", "half_life", "expected_cost", "standard_deviation")
        return pd.DataFrame({name: [getattr(one, name) for one in self.schedules] for name in names})

    def plot(self) -> Figure:
        """Expected cost over the standard deviation of the cost, beside what remains over time of the ends and of a plan between."""
        import plotly.graph_objects as go  # drawn on request: it must not slow the import of the framework

        table = self.frame().sort_values("standard_deviation")
        hover = [f"risk aversion {one:.3g}" for one in table["risk_aversion"]]
        curve = {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "frontier",
            "text": hover,
            "showlegend": False,
            "line": {"color": BLUE},
        }
        traces = [{**curve, "x": table["standard_deviation"].tolist(), "y": table["expected_cost"].tolist()}]
        by_aversion = sorted(self.schedules, key=lambda one: one.risk_aversion)
        middle = by_aversion[int(np.argmin([abs(one.remaining[1:].sum() / one.remaining[0] - self._middle()) for one in by_aversion]))]
        for one, colour in zip((by_aversion[0], middle, by_aversion[-1]), (ORANGE, BLUE, GREEN), strict=True):
            line = {"type": "scatter", "mode": "lines+markers", "name": f"risk aversion {one.risk_aversion:.3g}", "line": {"color": colour}}
            traces.append({**line, "x": one.times.tolist(), "y": one.remaining.tolist(), "xaxis": "x2", "yaxis": "y2"})
        layout = axes("Efficient frontier of execution", "standard deviation of the cost, money", "expected cost, money")
        layout["xaxis"]["domain"] = [0.0, 0.46]
        layout["xaxis2"] = {"title": {"text": "time"}, "domain": [0.56, 1.0], "anchor": "y2"}
        layout["yaxis2"] = {"title": {"text": "units that remain"}, "anchor": "x2"}
        return go.Figure(data=traces, layout=layout)

    def _middle(self) -> float:
        """Half way between the slowest and the fastest plan, by the mean of what remains."""
        held = [float(one.remaining[1:].sum() / one.remaining[0]) for one in self.schedules]
        return 0.5 * (min(held) + max(held))
