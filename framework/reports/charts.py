"""Charts as plain plotly specifications: lists and dicts, so that drawing a report needs no plotly in Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.reports import metrics as m
from framework.reports.axes import TICKS, tick_format, value_axis
from framework.reports.format import label
from framework.reports.summary import Curve, annual_curve, curve, levels_as_of

Spec = dict[str, Any]

MAX_POINTS = 4000
PALETTE = ("#1f4e79", "#c8702a", "#3d7a57", "#7a4b8c", "#a63d40", "#4a4a4a")
GREY, FAINT, INK, LOSS = "#8a939e", "#e7eaee", "#2b333d", "#b3424a"
FONT = "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Drawn:
    """One run, ready to be drawn: all points, and the points that the annual measures use."""

    name: str
    points: Curve
    annual: Curve
    exposure: pd.DataFrame
    benchmark: pd.Series | None
    costs: pd.Series
    currency: str


def drawn(
    name: str,
    equity: pd.Series,
    initial: float,
    exposure: pd.DataFrame,
    benchmark: pd.Series | None,
    costs: pd.Series,
    currency: str,
    deposits: pd.Series | None = None,
) -> Drawn:
    """Collect what the charts of one run need. plotly reads names as HTML, so the name is escaped here."""
    points = curve(equity, initial, deposits)
    return Drawn(escape(name), points, annual_curve(points), exposure, benchmark, costs, currency)


def keep_extremes(values: m.Floats, limit: int = MAX_POINTS) -> NDArray[np.int64]:
    """Positions to draw of a long series, at most `limit`: the first, the last, and the lowest and highest of each bucket.

    Taking every k-th point instead would hide the very points a drawdown is made of.

    >>> keep_extremes(np.array([0.0, 9.0, 1.0, 1.0, -5.0, 1.0, 1.0, 1.0]), limit=6).tolist()
    [0, 1, 4, 5, 7]
    """
    n = len(values)
    if n <= limit:
        return np.arange(n)
    buckets = max((limit - 2) // 2, 1)
    size = -(-n // buckets)
    padded = np.append(values, np.full(-n % size, values[-1])).reshape(-1, size)
    starts = np.arange(len(padded)) * size
    picked = np.concatenate((starts + padded.argmin(axis=1), starts + padded.argmax(axis=1), [0, n - 1]))
    return np.unique(np.minimum(picked, n - 1))


def stretch_means(stamps_ns: NDArray[np.int64], values: m.Floats, stretches: int = 500) -> tuple[NDArray[np.int64], m.Floats]:
    """Means of equal stretches of a series longer than `MAX_POINTS`, at the stamp each begins with; shorter ones as they are.

    For what goes in and out many times a day: extremes would paint a block that says nothing of how much was held.
    """
    if len(values) <= MAX_POINTS:
        return stamps_ns, values
    edges = np.linspace(0, len(values), stretches + 1).astype(np.int64)
    known = np.isfinite(values)
    sums = np.add.reduceat(np.where(known, values, 0.0), edges[:-1])
    counts = np.add.reduceat(known.astype(np.float64), edges[:-1])
    means: m.Floats = np.divide(sums, counts, out=np.full(stretches, np.nan), where=counts > 0)
    return stamps_ns[edges[:-1]], means


def _line(curve_: Curve, values: m.Floats, name: str, colour: str, keep: NDArray[np.int64] | None = None) -> Spec:
    kept = keep_extremes(values) if keep is None else keep
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": (curve_.stamps_ns[kept] // 1_000_000).tolist(),
        "y": rounded(values[kept]),
        "line": {"color": colour, "width": 1.6},
    }


def rounded(values: m.Floats) -> list[float | None]:
    """Seven significant digits, NaN and infinity as None: JSON has neither, and a picture needs no more."""
    return [float(f"{v:.7g}") if np.isfinite(v) else None for v in values.tolist()]


def equity(runs: Sequence[Drawn]) -> Spec:
    """Equity in money for one run, growth of 1 for several; benchmarks dashed."""
    traces: list[Spec] = []
    for run, colour in zip(runs, _colours(len(runs)), strict=True):
        levels = run.points.levels
        unit = 1.0 if len(runs) == 1 or not len(levels) else levels[0]
        traces.append(_line(run.points, levels / unit, run.name, colour))
        # the same benchmark under several runs would be drawn once for each
        if run.benchmark is not None and run is runs[0] and len(levels):
            against = levels_as_of(run.benchmark, run.points.stamps_ns)
            known = against[np.isfinite(against)]
            if len(known):
                scaled = against * (levels[0] / unit / known[0])
                line = _line(run.points, scaled, "Benchmark", GREY, keep_extremes(np.nan_to_num(scaled)))
                traces.append({**line, "line": {"color": GREY, "width": 1.3, "dash": "dot"}})
    return figure(traces, height=340, legend=len(traces) > 1)


def drawdown(runs: Sequence[Drawn]) -> Spec:
    """Loss since the highest equity so far."""
    traces = []
    for run, colour in zip(runs, _colours(len(runs), alone=LOSS), strict=True):
        line = _line(run.points, m.underwater(run.points.levels), run.name, colour)
        fill = {"fill": "tozeroy", "fillcolor": "rgba(179,66,74,0.13)", "line": {"color": LOSS, "width": 1.1}}
        traces.append({**line, **fill} if len(runs) == 1 else line)
    return figure(traces, height=190, legend=False, percent=True)


def exposure(runs: Sequence[Drawn]) -> Spec:
    """Gross and net market value over equity; only gross where there are several runs. Long series as means of stretches."""
    traces = []
    for run, colour in zip(runs, _colours(len(runs)), strict=True):
        stamps = run.points.stamps_ns[-len(run.exposure) :] if len(run.exposure) else run.points.stamps_ns[:0]
        levels = run.points.levels[len(run.points.levels) - len(stamps) :]
        sides = (("gross", colour), ("net", GREY)) if len(runs) == 1 else (("gross", colour),)
        for side, shade in sides:
            value = run.exposure[side].to_numpy(dtype=np.float64)
            share = np.divide(value, levels, out=np.full(levels.shape, np.nan), where=levels > 0)
            stretches = stretch_means(stamps, share)
            line = _line(Curve(stretches[1], stretches[0]), stretches[1], side.capitalize() if len(runs) == 1 else run.name, shade)
            traces.append({**line, "line": {"color": shade, "width": 1.1, "shape": "hv"}})
    return figure(traces, height=190, legend=len(runs) == 1, percent=True)


def costs(runs: Sequence[Drawn]) -> Spec:
    """Money paid by kind of cost; kinds that no run paid are left out."""
    kinds = [str(kind) for kind in runs[0].costs.index if any(abs(float(run.costs.get(kind, 0.0))) > 0 for run in runs)]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": run.name,
            "y": [label(kind) for kind in kinds],
            "x": [float(run.costs.get(kind, 0.0)) for kind in kinds],
            "marker": {"color": colour},
        }
        for run, colour in zip(runs, _colours(len(runs)), strict=True)
    ]
    spec = figure(traces, height=60 + 34 * max(len(kinds), 2), legend=False)
    paid = [0.0, *(float(run.costs.get(kind, 0.0)) for run in runs for kind in kinds)]
    spec["layout"]["yaxis"] = {"autorange": "reversed", "automargin": True, "showgrid": False, "fixedrange": True}
    spec["layout"]["xaxis"] = {"gridcolor": FAINT, "zerolinecolor": "#c9ced6", "fixedrange": True, "nticks": TICKS}
    spec["layout"]["xaxis"]["tickformat"] = tick_format(min(paid), max(paid))
    spec["layout"]["hovermode"] = "closest"
    return spec


def distribution(runs: Sequence[Drawn]) -> Spec:
    """Histogram of the returns that the annual measures use, on bins common to all runs; 95 % VaR marked for one run."""
    samples = [run.annual.returns[np.isfinite(run.annual.returns)] for run in runs]
    everything = np.concatenate(samples) if samples else np.empty(0)
    edges = np.histogram_bin_edges(everything, bins=61) if everything.size else np.array([0.0, 1.0])
    middle = (edges[1:] + edges[:-1]) / 2
    traces = [
        {
            "type": "bar",
            "name": run.name,
            "x": rounded(middle),
            "y": np.histogram(sample, bins=edges)[0].tolist(),
            "marker": {"color": colour, "opacity": 0.85 if len(runs) == 1 else 0.5},
        }
        for run, sample, colour in zip(runs, samples, _colours(len(runs)), strict=True)
    ]
    spec = figure(traces, height=250, legend=False)
    layout = spec["layout"]
    layout.update({"barmode": "overlay", "bargap": 0.06, "hovermode": "closest"})
    low, high = float(edges[0]), float(edges[-1])
    tenths = ".1%" if high - low > 0.01 else tick_format(low, high, percent=True)
    layout["xaxis"] = {"tickformat": tenths, "showgrid": False, "linecolor": "#c9ced6", "fixedrange": True, "nticks": 7}
    if len(runs) == 1 and everything.size:
        layout.update(_marker(m.value_at_risk(everything, level=0.95), "VaR 95 %"))
    return spec


def _marker(x: float, text: str) -> Spec:
    line = {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": {"color": LOSS, "width": 1.2, "dash": "dot"}}
    note = {"x": x, "yref": "paper", "y": 1, "text": text, "showarrow": False, "xanchor": "right", "xshift": -5, "yanchor": "top"}
    return {"shapes": [line], "annotations": [{**note, "font": {"size": 11, "color": LOSS}}]}


def overview(run: Drawn) -> Spec:
    """Equity, drawdown and exposure above each other on one time axis."""
    layout = figure([], height=640, legend=True)["layout"]
    traces = []
    for row, spec in enumerate((equity([run]), drawdown([run]), exposure([run])), start=1):
        suffix = "" if row == 1 else str(row)
        traces += [{**trace, "xaxis": "x", "yaxis": f"y{suffix}", "showlegend": row != 2} for trace in spec["data"]]
        layout[f"yaxis{suffix}"] = {**spec["layout"]["yaxis"], "domain": ((0.5, 1.0), (0.25, 0.46), (0.0, 0.21))[row - 1]}
    for suffix, title in (("", f"Equity, {escape(run.currency)}"), ("2", "Drawdown"), ("3", "Exposure")):
        layout[f"yaxis{suffix}"]["title"] = {"text": title}
    layout["xaxis"]["anchor"] = "y3"
    layout["margin"] = {"l": 70, "r": 20, "t": 86, "b": 35}
    layout["title"] = {"text": run.name, "x": 0.02, "y": 0.97}
    return {"data": traces, "layout": layout}


def heatmap(x: Sequence[Any], y: Sequence[Any], values: Sequence[Sequence[float]], x_name: str, y_name: str, title: str) -> Spec:
    """A number over two parameters, each value of a parameter a row or column of its own; what is not known stays empty."""
    cells = {"type": "heatmap", "x": [str(v) for v in x], "y": [str(v) for v in y], "colorscale": "RdBu", "hoverongaps": False}
    spec = _over_parameters([{**cells, "z": [rounded(np.asarray(row, dtype=np.float64)) for row in values]}], x_name, title)
    spec["layout"]["yaxis"] = {"type": "category", "title": {"text": escape(y_name)}, "automargin": True}
    return spec


def line_over(x: Sequence[Any], values: Sequence[float], x_name: str, title: str) -> Spec:
    """A number over one parameter."""
    points = {"type": "scatter", "mode": "lines+markers", "x": [str(v) for v in x], "line": {"color": PALETTE[0], "width": 1.6}}
    return _over_parameters([{**points, "y": rounded(np.asarray(values, dtype=np.float64))}], x_name, title)


def _over_parameters(traces: list[Spec], x_name: str, title: str) -> Spec:
    spec = figure(traces, height=420, legend=False)
    layout = spec["layout"]
    layout.update({"hovermode": "closest", "title": {"text": escape(title), "x": 0.02}})
    layout["margin"] = {"l": 70, "r": 20, "t": 56, "b": 50}
    layout["xaxis"] = {"type": "category", "title": {"text": escape(x_name)}}
    layout["yaxis"]["tickformat"] = ""
    return spec


def _colours(count: int, alone: str = PALETTE[0]) -> list[str]:
    return [alone] if count == 1 else [PALETTE[i % len(PALETTE)] for i in range(count)]


def figure(traces: list[Spec], *, height: int, legend: bool, percent: bool = False) -> Spec:
    """Traces in the house's look, over dates."""
    drawn_values = (
        value for trace in traces for value in (*trace.get("y", ()), *((0.0,) if trace.get("type") == "bar" else ()))
    )  # bars begin at 0
    axis = {"gridcolor": FAINT, "zerolinecolor": "#c9ced6", "automargin": True, "fixedrange": True, "nticks": TICKS}
    layout = {
        "height": height,
        "margin": {"l": 56, "r": 12, "t": 8, "b": 28},
        "font": {"family": FONT, "size": 12, "color": INK},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "x unified",
        "showlegend": legend,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "xaxis": {
            "type": "date",
            "showgrid": False,
            "linecolor": "#c9ced6",
            "ticks": "outside",
            "tickcolor": "#c9ced6",
            "automargin": True,
        },
        "yaxis": {**axis, **value_axis(drawn_values, percent=percent), "hoverformat": ".2%" if percent else ",.2f"},
    }
    return {"data": traces, "layout": layout}
