"""The picture and the page of a calibration of impact."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.reports.charts import GREY, LOSS, PALETTE, Spec, rounded
from framework.reports.charts import figure as framed
from framework.reports.page import page, section, slot
from research.impact.numbers import ImpactNumbers
from research.impact.regressions import Floats

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_BPS = 1e4
_TITLES = (
    (
        "response",
        "Response to a trade",
        "R: how far the mid has moved with a trade's sign, in bps, by lag in trades. Bars are standard errors.",
    ),
    ("bare", "Propagator", "G: what of it one trade did by itself, in bps, with its power law and the exponentials fitted to it."),
    ("signs", "Memory of signs", "C: correlation of the signs of trades by lag; lags where it is not above 0 are not drawn."),
    (
        "by_size",
        "Impact by size",
        "Mean move of a bar's mid with its net flow, in volatilities of a bar, over |net flow| / volume of a bar.",
    ),
)


def specs_of(found: ImpactNumbers) -> dict[str, Spec]:
    """The four charts by name."""
    p = found.propagator
    lags = p.lags.astype(np.float64)
    unit = found.mean_size / found.daily_volume * _BPS
    bare = [_points("G", lags, p.bare * _BPS, p.bare_error * _BPS, PALETTE[0])]
    if np.isfinite(p.exponent):
        level = np.exp(np.mean(np.log(p.bare[p.bare > 0.0]) + p.exponent * np.log(lags[p.bare > 0.0])))
        bare.append(_curve(f"lag^-{p.exponent:.2f}, R2 {number(p.fit_r2)}", lags, level * lags**-p.exponent * _BPS, PALETTE[1]))
    bare.append(_curve("exponentials", lags, found.decay.at(lags * found.seconds_a_trade) * unit, PALETTE[2]))
    b = found.buckets
    coefficient = next(one.value for one in found.found if one.name == "square_root_coefficient")
    sizes = np.geomspace(b.participation.min(), b.participation.max(), 50) if len(b.participation) else np.zeros(0)
    by_size = [
        _points("mean of bars", b.participation, b.impact, b.error, PALETTE[0]),
        _curve(f"{coefficient:.3g} x square root", sizes, coefficient * np.sqrt(sizes), PALETTE[1]),
    ]
    remembered = p.signs[1:] > 0.0
    return {
        "response": _drawn([_points("R", lags, p.response[1:] * _BPS, p.response_error[1:] * _BPS, PALETTE[0])], "log", "linear"),
        "bare": _drawn(bare, "log", "linear"),
        "signs": _drawn([_points("C", lags[remembered], p.signs[1:][remembered], p.signs_error[1:][remembered], PALETTE[0])], "log", "log"),
        "by_size": _drawn(by_size, "log", "linear"),
    }


def figure(found: ImpactNumbers) -> Figure:
    """The four charts in one figure."""
    import plotly.graph_objects as go  # drawn on request: it must not slow the import of the package

    specs = specs_of(found)
    layout: dict[str, Any] = {"height": 720, "template": "simple_white", "showlegend": True, "annotations": []}
    layout["title"] = {"text": escape(f"{found.symbol}: price impact"), "x": 0.02}
    traces = []
    for number, (name, title, _) in enumerate(_TITLES):
        suffix, row, column = str(number + 1) if number else "", number // 2, number % 2
        x, y = [0.56 * column, 0.56 * column + 0.44], [0.58 - 0.58 * row, 1.0 - 0.58 * row]
        layout[f"xaxis{suffix}"] = {"type": specs[name]["layout"]["xaxis"]["type"], "domain": x, "anchor": f"y{suffix}"}
        layout[f"yaxis{suffix}"] = {"type": specs[name]["layout"]["yaxis"]["type"], "domain": y, "anchor": f"x{suffix}"}
        layout["annotations"].append({"text": title, "x": x[0], "y": y[1] + 0.06, "xref": "paper", "yref": "paper", "showarrow": False})
        traces += [{**trace, "xaxis": f"x{suffix}", "yaxis": f"y{suffix}"} for trace in specs[name]["data"]]
    return go.Figure(data=traces, layout=layout)


def render(found: ImpactNumbers) -> str:
    """The page as text; plotly.js is inside, nothing is fetched."""
    lead = " · ".join(
        [
            f"{found.trades:,} taker orders, one in {found.seconds_a_trade:.3g} s",
            f"{found.bars:,} bars of {found.bar_s:g} s",
            f"{found.days:.3g} trading days",
            f"{found.daily_volume:,.0f} units and {found.daily_volatility:.2%} volatility a day",
            f"half spread {found.half_spread * _BPS:.3g} bps",
        ]
    )
    charts = [section(title, slot(f"impact-{name}", escape(caption))) for name, title, caption in _TITLES]
    pairs = "".join(f'<div class="pair">{"".join(charts[k : k + 2])}</div>' for k in (0, 2))
    notes = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    return page(
        eyebrow="OneTape calibration of impact",
        title=found.symbol,
        lead=escape(lead),
        settings=f'<p class="caption">{escape(found.source)}</p>',
        notices=f"<aside><h2>Read this first</h2><ul>{notes}</ul></aside>" if notes else "",
        sections=_estimates(found) + _decay(found) + pairs,
        specs={f"impact-{name}": spec for name, spec in specs_of(found).items()},
        footer="An estimate is as good as its assumptions. Standard errors are of a block bootstrap and know nothing of wrong signs.",
    )


def number(value: float) -> str:
    """Four significant digits, a dash for what is not known."""
    return f"{value:.4g}" if np.isfinite(value) else "-"


def _estimates(found: ImpactNumbers) -> str:
    heads = (
        "Estimate",
        "Value",
        "Standard error",
        "Unit",
        "Observations",
        "R2",
        "First half",
        "Second half",
        "R2 of the second by the first",
    )
    rows = [
        (
            *(one.name.replace("_", " "), number(one.value), number(one.standard_error), one.unit, f"{one.count:,}"),
            *(number(value) for value in (one.r2, one.first_half, one.second_half, one.r2_out)),
        )
        for one in found.found
    ]
    return section("Estimates", _table(heads, rows))


def _decay(found: ImpactNumbers) -> str:
    decay = found.decay
    rows = [("stays", number(decay.permanent), number(decay.permanent_error))]
    terms = zip(decay.half_lives_s.tolist(), decay.weights.tolist(), decay.weights_error.tolist(), strict=True)
    rows += [(f"{half_life:.4g} s", number(weight), number(error)) for half_life, weight, error in terms]
    caption = (
        '<p class="caption">Fractions of the price per unit of participation, quantity over daily volume, for orders traded in pieces of '
        f"the usual size, {found.mean_size:,.4g} units. R2 of the fit {number(decay.r2)}. Neighbouring half-lives share weight.</p>"
    )
    return section("Decay of impact", _table(("Half-life", "Weight", "Standard error"), rows) + caption)


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f'<th class="{"n" if k else "t"}">{escape(name)}</th>' for k, name in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(f'<td class="{"n" if k else "t"}">{escape(c)}</td>' for k, c in enumerate(row)) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _points(name: str, x: Floats, y: Floats, error: Floats, colour: str) -> Spec:
    bars = {"type": "data", "array": rounded(np.nan_to_num(error)), "color": GREY, "thickness": 1, "width": 0}
    dots = {"type": "scatter", "mode": "markers", "name": name, "marker": {"color": colour, "size": 5}}
    return {**dots, "x": rounded(x), "y": rounded(y), "error_y": bars}


def _curve(name: str, x: Floats, y: Floats, colour: str) -> Spec:
    return {"type": "scatter", "mode": "lines", "name": name, "x": rounded(x), "y": rounded(y), "line": {"color": colour, "width": 1.6}}


def _drawn(traces: list[Spec], x: str, y: str) -> Spec:
    spec = framed(traces, height=300, legend=len(traces) > 1)
    spec["layout"]["hovermode"] = "closest"
    spec["layout"]["xaxis"] = {"type": x, "showgrid": False, "ticks": "outside"}
    spec["layout"]["yaxis"] |= {"type": y, "tickformat": "", "hoverformat": ".4g"}
    if y == "linear":
        spec["layout"]["shapes"] = [
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "line": {"color": LOSS, "width": 0.7}}
        ]
    return spec
