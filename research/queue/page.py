"""The page of a study of queue models: findings, pictures, tables; and the same pictures as one plotly figure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd

from framework.reports.charts import GREY, INK, LOSS, PALETTE, Spec, figure, rounded
from framework.reports.page import page, section, slot
from research.queue.findings import within
from research.queue.measure import END
from research.queue.study import TARGET_POINTS, Study

_NUMBERS = {
    "orders": 0,
    "cancels": 0,
    "lots": 0,
    "contested": 0,
    "cancelled": 0,
    "mean_s": 3,
    "q05_s": 3,
    "q25_s": 3,
    "median_s": 3,
    "q75_s": 3,
    "q95_s": 3,
}


def chosen(study: Study) -> tuple[str, ...]:
    """The models that are drawn: the kernel's, then the naive ones."""
    return (*study.kernel_models, *study.naive_models)


def charts(study: Study) -> dict[str, Spec]:
    """Every picture by name."""
    return {"bias": bias(study), "cancels": cancels(study), "ahead": reliability(study), "times": times(study)}


def bias(study: Study) -> Spec:
    """Bias by horizon, a group of bars for each model, with two standard errors."""
    traces: list[Spec] = []
    for horizon, colour in zip([*study.horizons, END], (*PALETTE, GREY), strict=False):
        rows = [study.row(name, horizon) for name in chosen(study)]
        bars = {"type": "bar", "name": horizon, "x": list(chosen(study)), "y": rounded(np.array([row["bias"] for row in rows]))}
        spread = {"type": "data", "array": rounded(np.array([2 * row["bias_se"] for row in rows])), "color": INK, "thickness": 1}
        traces.append({**bars, "marker": {"color": colour}, "error_y": spread})
    spec = _plain(figure(traces, height=340, legend=True), "bias, points")
    for level in (-TARGET_POINTS, TARGET_POINTS):
        line = {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": level,
            "y1": level,
            "line": {"color": LOSS, "width": 1, "dash": "dot"},
        }
        spec["layout"].setdefault("shapes", []).append(line)
    return spec


def cancels(study: Study) -> Spec:
    """The share of cancelled lots from behind over the relative place, true and by model."""
    table = study.cancels[study.cancels["by"] == "place"]
    traces = [_curve("true", table["bin"], table["true"], INK, 2.6), _curve("uniform", table["bin"], table["uniform"], GREY, 1.5)]
    traces += [_curve(name, table["bin"], table[name], colour, 1.5) for name, colour in zip(study.kernel_models, PALETTE, strict=False)]
    return _plain(figure(traces, height=320, legend=True), "from behind, %")


def reliability(study: Study) -> Spec:
    """True and predicted probability by lots ahead, at the horizon where the best model is worst."""
    horizon = str(study.worst(study.best)["horizon"])
    table = study.bins
    own = table[(table["horizon"] == horizon) & (table["dimension"] == "ahead")]
    first = own[own["model"] == study.best]
    traces = [_curve("true", first["bin"], first["true"], INK, 2.6)]
    for name, colour in zip(chosen(study), (*PALETTE, GREY), strict=False):
        rows = own[own["model"] == name]
        traces.append(_curve(name, rows["bin"], rows["predicted"], colour, 1.3))
    return _plain(figure(traces, height=320, legend=True), f"filled {within(horizon)}, %")


def times(study: Study) -> Spec:
    """Quantiles of predicted less true time of the fill."""
    table = study.fill_times.set_index("model").loc[list(chosen(study))]
    box = {"type": "box", "x": list(table.index), "marker": {"color": PALETTE[0]}, "name": "predicted less true, s"}
    quantiles = {"lowerfence": "q05_s", "q1": "q25_s", "median": "median_s", "q3": "q75_s", "upperfence": "q95_s"}
    box |= {word: rounded(table[column].to_numpy(np.float64)) for word, column in quantiles.items()}
    return _plain(figure([box], height=300, legend=False), "seconds")


def _curve(name: str, x: Sequence[str] | pd.Series, y: pd.Series, colour: str, width: float) -> Spec:
    values = rounded(np.asarray(y, np.float64))
    return {
        "type": "scatter", "mode": "lines+markers", "name": escape(name), "x": [str(one) for one in x], "y": values,
        "line": {"color": colour, "width": width},
    }  # fmt: skip


def _plain(spec: Spec, title: str) -> Spec:
    layout = spec["layout"]
    layout["xaxis"] = {"type": "category", "showgrid": False, "automargin": True, "fixedrange": True}
    layout["yaxis"].update({"title": {"text": title}, "tickformat": "", "hoverformat": ".2f"})
    layout["hovermode"] = "closest"
    return spec


def render(study: Study, findings: Sequence[str]) -> str:
    """The page as text; plotly.js is inside, nothing is fetched."""
    row = study.worst(study.best)
    cards = [
        (
            "Calibration error of the best, points",
            f"{row['ece']:.2f}",
            f"{study.best}, {within(str(row['horizon']))}",
            row["ece"] >= TARGET_POINTS,
        ),
        ("Orders judged", f"{int(study.calibration['orders'].max()):,}", f"of {len(study.orders):,} sampled", False),
        ("Best power", f"{study.fitted_power:g}", "chosen on the first half", False),
    ]
    headline = "".join(
        f'<div class="card headline"><span>{escape(name)}</span><b class="{"loss" if bad else ""}">{value}</b>'
        f"<small>{escape(small)}</small></div>"
        for name, value, small, bad in cards
    )
    told = "".join(f"<li>{escape(sentence)}</li>" for sentence in findings)
    horizon = str(row["horizon"])
    bins = study.bins[(study.bins["horizon"] == horizon) & study.bins["model"].isin(chosen(study))]
    shown = study.calibration[study.calibration["model"].isin(chosen(study))]
    sections = [
        f'<section class="cards">{headline}</section>',
        section("Findings", f"<ul>{told}</ul>"),
        section("Bias, predicted less true", slot("bias", "Bars reach two standard errors; dotted is the target.")),
        section("Cancels from behind", slot("cancels", "By the share of the line that is in front of the place.")),
        section("Filled, by lots ahead", slot("ahead", escape(f"Filled {within(horizon)}."))),
        section("Error of the time of the fill", slot("times", "Orders that both fill: 5, 25, 50, 75, 95 %.")),
        section("Calibration", table_of(shown)),
        section(f"Filled {within(horizon)}, by bin", table_of(bins)),
        section(
            "Calibration where levels are told before their trades",
            table_of(study.levels_first[study.levels_first["model"].isin(chosen(study))]),
        ),
        section("Times of fills", table_of(study.fill_times)),
        section("Where cancels come from", table_of(study.cancels)),
    ]
    span = f"{study.orders['joined_at'].min():%-d %b %Y %H:%M:%S} to {study.orders['joined_at'].max():%H:%M:%S} UTC"
    return page(
        eyebrow="OneTape queue calibration",
        title=f"{study.instrument}: models of the line against the orders",
        lead=escape(f"{study.source.rpartition('/')[2]} · {span} · judged from {study.split_at:%H:%M:%S}"),
        settings="",
        notices="",
        sections="".join(sections),
        specs=charts(study),
        footer="Nobody reacts to our orders here: each stands by itself, with one lot, where a real order stood. Times are UTC.",
    )


def table_of(table: pd.DataFrame) -> str:
    """A sortable table."""
    head = "".join(f'<th tabindex="0">{escape(str(name).replace("_", " "))}</th>' for name in table.columns)
    names = [str(name) for name in table.columns]
    rows = "".join(
        "<tr>" + "".join(_cell(name, value) for name, value in zip(names, row, strict=True)) + "</tr>"
        for row in table.itertuples(index=False, name=None)
    )
    return f'<div class="scroll tall"><table class="sortable"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cell(name: str, value: object) -> str:
    if isinstance(value, (int, float, np.number)):
        number = float(value)
        text = "" if np.isnan(number) else f"{number:,.{_NUMBERS.get(name, 2)}f}"
        return f'<td class="n" data-key="{number}">{text}</td>'
    return f'<td class="t" data-key="{escape(str(value), quote=True)}">{escape(str(value))}</td>'
