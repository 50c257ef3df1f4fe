"""The tearsheet: one self-contained HTML page for one run, or for several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from framework.errors import InputError
from framework.reports import charts, html_tables, metrics, picture
from framework.reports.format import MISSING, amount, card_text, duration, label, money, percent
from framework.reports.page import page, section, slot
from framework.reports.run import Run
from framework.reports.summary import Curve
from framework.schema.units import NANOSECONDS_PER_DAY

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_ROUND_TRIPS = (
    *("entry_ts", "duration", "instrument", "side", "quantity", "entry_price", "exit_price"),
    *("mae", "mfe", "exit_reason", "pnl"),
)
_LOTS = ("entry_ts", "exit_ts", "instrument", "side", "quantity", "entry_price", "exit_price", "fees", "pnl")
_CELL = "text-align:left;padding:3px 14px 3px 0;white-space:nowrap"
_SNIPPET = ("total_return", "annual_return", "annual_volatility", "sharpe", "max_drawdown", "round_trips", "turnover", "exposure")


def render(results: Run | Sequence[Run], *, title: str | None = None) -> str:
    """The page as text; plotly.js is inside, nothing is fetched.

    Several results share the charts and a table of metrics; what belongs to one run alone follows, run by run.
    """
    runs = list(results) if isinstance(results, Sequence) else [results]
    if not runs:
        raise InputError("a tearsheet needs at least one result")
    drawings = [_drawn(run) for run in runs]
    details = (_details(run, one, named=len(runs) > 1) for run, one in zip(runs, drawings, strict=True))
    specs = {name: spec for name, _, spec in _specs(drawings)}
    parts: list[str] = []
    if len(runs) == 1 and len(runs[0].strategies):
        specs["strategies"] = charts.equity(_drawn_strategies(runs[0]))
        parts = [_strategies(runs[0])]
    sections = [_metrics(runs), *_charts(drawings), *parts, *details]
    return page(
        eyebrow="OneTape backtest",
        title=title or " vs ".join(run.name for run in runs),
        lead=_lead(runs),
        settings=_settings(runs[0]) if len(runs) == 1 else "",
        notices=_notices(runs),
        sections="".join(sections),
        specs=specs,
        footer="Simulated results. Times are UTC. Past performance, simulated or real, does not promise any.",
    )


def figure(result: Run) -> Figure:
    """Equity, drawdown and exposure as a plotly figure."""
    import plotly.graph_objects as go  # drawn on request: it must not slow the import of the framework

    return go.Figure(charts.overview(_drawn(result)))


def snippet(result: Run) -> str:
    """A picture and the key metrics for a notebook: static, a few kilobytes, no script."""
    points = _drawn(result).points
    shown = {label(name): escape(card_text(name, float(result.metrics[name]), result.tables.currency)) for name in _SNIPPET}
    heads = "".join(f"<th style='{_CELL};font-weight:400;opacity:0.7'>{name}</th>" for name in shown)
    cells = "".join(f"<td style='{_CELL};font-weight:600'>{text}</td>" for text in shown.values())
    notes = "".join(f"<p style='margin:4px 0'>⚠ {escape(note)}</p>" for note in caveats(result))
    heading = f"<b>{escape(result.name)}</b>"
    font = charts.FONT.replace("'", "")
    table = f"<table style='border-collapse:collapse;font-size:13px'><tr>{heads}</tr><tr>{cells}</tr></table>"
    body = f"{heading}{picture.svg(points, escape(result.tables.currency))}<div style='overflow-x:auto'>{table}</div>{notes}"
    return f"<div style='max-width:720px;font:13px/1.4 {font}'>{body}</div>"


def caveats(result: Run) -> list[str]:
    """What must be read before the numbers: the engine's notes, and what the tables themselves give away."""
    found = list(result.notes)
    if not result.costs.to_numpy(dtype=float).any() and len(result.fills):
        found.append("No costs were charged: fees, spread and impact are all zero. Real trading pays them.")
    if result.tables.ambiguous_fills:
        found.append(_ambiguity(result))
    if result.tables.deposits is not None and len(result.tables.deposits):
        paid_in = amount(float(result.tables.deposits.sum()), result.tables.currency)
        found.append(f"Returns, drawdowns and curves are time-weighted: as if the {paid_in} of deposits less withdrawals were not there.")
    if len(result.equity) and float(result.equity.min()) <= 0:
        found.append("The account reached zero or less. Returns after that point are undefined and left out.")
    return found


def _ambiguity(result: Run) -> str:
    count, pnl, net = result.tables.ambiguous_fills, result.tables.ambiguous_pnl, _net(result)
    share = f", {percent(abs(pnl) / abs(net))} of net PnL" if net else ""
    fills = "1 fill was" if count == 1 else f"{count:,} fills were"
    worth = amount(pnl, result.tables.currency)
    return f"{fills} decided inside ambiguous bars, where the order of prices is unknown: {worth}{share}. The worse case was taken."


def _net(result: Run) -> float:
    paid_in = 0.0 if result.tables.deposits is None else float(result.tables.deposits.sum())
    return float(result.equity.iloc[-1]) - result.tables.initial_cash - paid_in if len(result.equity) else 0.0


def _drawn(result: Run) -> charts.Drawn:
    parts = result.tables
    return charts.drawn(
        result.name, result.equity, parts.initial_cash, result.exposure, parts.benchmark, result.costs, parts.currency, parts.deposits
    )


def _drawn_strategies(result: Run) -> list[charts.Drawn]:
    """Each of several strategies, as far as its curve is drawn."""
    table, curves, no_costs = result.strategies, result.strategy_equity, result.costs * 0.0
    unit, exposure = result.tables.currency, result.exposure
    return [charts.drawn(name, curves[name], float(table["capital"][name]), exposure, None, no_costs, unit) for name in _members(result)]


def _members(result: Run) -> list[str]:
    return [str(name) for name in result.strategies.index[:-1]]  # the last row is the account's own


# Sections


def _strategies(run: Run) -> str:
    table, unit = run.strategies, run.tables.currency
    names = [str(name) for name in table.index]
    compared = html_tables.comparison(names, [row.dropna() for _, row in table.iterrows()], [unit] * len(names))
    caption = "The column account is what belongs to no strategy, so that capital, PnL and costs add up to the account's."
    lines = section("Strategies, growth of 1", slot("strategies"), css="equity")
    return lines + section("Strategies", f'{compared}<p class="caption">{caption}</p>')


def _lead(runs: Sequence[Run]) -> str:
    starts = [run.equity.index[0] for run in runs if len(run.equity)]
    ends = [run.equity.index[-1] for run in runs if len(run.equity)]
    period = f"{min(starts):%-d %b %Y} to {max(ends):%-d %b %Y}" if starts else "no data"
    symbols = list(dict.fromkeys(symbol for run in runs for symbol in run.tables.symbols))
    traded = ", ".join(symbols) if len(symbols) <= 6 else f"{len(symbols)} instruments"
    points = max(len(run.equity) for run in runs)
    return escape(" · ".join([period, traded, runs[0].tables.currency, f"{points:,} points"]))


def _settings(run: Run) -> str:
    described = {**run.settings, **({"audit": run.audit_hash} if run.audit_hash else {})}
    return f'<dl class="settings">{html_tables.settings(described)}</dl>' if described else ""


def _notices(runs: Sequence[Run]) -> str:
    said_by: dict[str, list[str]] = {}
    for run in runs:
        for note in caveats(run):
            said_by.setdefault(note, []).append(run.name)
    items = "".join(_notice(note, names, len(runs)) for note, names in said_by.items())
    return f"<aside><h2>Before believing the numbers</h2><ul>{items}</ul></aside>" if items else ""


def _notice(note: str, names: Sequence[str], runs: int) -> str:
    # a note that every run carries needs no names
    prefix = f"<b>{escape(', '.join(names))}:</b> " if len(names) < runs else ""
    return f"<li>{prefix}{escape(note)}</li>"


def _metrics(runs: Sequence[Run]) -> str:
    if len(runs) > 1:
        return section("Key metrics", _compared(runs))
    run = runs[0]
    return f'<section class="cards">{html_tables.cards(run.metrics, _card_notes(run), run.tables.currency)}</section>'


def _compared(runs: Sequence[Run]) -> str:
    table = html_tables.comparison([run.name for run in runs], [run.metrics for run in runs], [run.tables.currency for run in runs])
    periods = [return_period(_drawn(run).annual) for run in runs]
    same = f"of returns over {periods[0]}" if len(set(periods)) == 1 else f"of returns over {', '.join(periods)}, run by run"
    return f'{table}<p class="caption">VaR and shortfall are {same}.</p>'


def return_period(annual: Curve) -> str:
    """Over how long a return is that VaR, shortfall and the histogram are made of: the median, as `1 d`; a dash without a return."""
    steps = np.diff(annual.stamps_ns)
    steps = steps[steps > 0]  # the account before its first mark stands at the stamp of that mark
    return duration(pd.Timedelta(int(np.median(steps)), unit="ns")) if len(steps) else MISSING


def _card_notes(run: Run) -> dict[str, str]:
    unit, cash, drawn = run.tables.currency, run.tables.initial_cash, _drawn(run)
    over = f"of returns over {return_period(drawn.annual)}"
    return {
        "total_return": f"{money(cash, unit)} to {amount(cash + _net(run), unit)}",
        "max_drawdown_length": _longest_drawdown(drawn.points),
        **{name: over for name in run.metrics.index if str(name).startswith(("value_at_risk", "expected_shortfall"))},
    }


def _longest_drawdown(points: Curve) -> str:
    run = metrics.longest_run(metrics.underwater(points.levels) < 0)
    if run.stop == run.start:
        return "points under water"
    days = float(points.stamps_ns[run.stop - 1] - points.stamps_ns[run.start - 1]) / NANOSECONDS_PER_DAY
    return f"points under water, {days:,.0f} {'day' if round(days) == 1 else 'days'}"


def _specs(runs: Sequence[charts.Drawn]) -> list[tuple[str, str, charts.Spec]]:
    several, units = len(runs) > 1, list(dict.fromkeys(run.currency for run in runs))
    paid = f"Costs by kind, {units[0] if len(units) == 1 else 'each in the currency of its account'}"
    return [
        ("equity", "Equity, growth of 1" if several else f"Equity, {units[0]}", charts.equity(runs)),
        ("drawdown", "Drawdown", charts.drawdown(runs)),
        ("exposure", "Gross exposure, share of equity" if several else "Exposure, share of equity", charts.exposure(runs)),
        ("distribution", "Distribution of returns", charts.distribution(runs)),
        ("costs", paid, charts.costs(runs)),
    ]


def _charts(runs: Sequence[charts.Drawn]) -> list[str]:
    notes = {"equity": _sampling(runs), "distribution": _frequency(runs), "exposure": _averaging(runs)}
    made = {name: section(title, slot(name, notes.get(name, "")), css=name) for name, title, _ in _specs(runs)}
    pair = f'<div class="pair">{made["distribution"]}{made["costs"]}</div>'
    return [made["equity"], made["drawdown"], made["exposure"], pair]


def _sampling(runs: Sequence[charts.Drawn]) -> str:
    longest = max(len(run.points.levels) for run in runs)
    if longest <= charts.MAX_POINTS:
        return ""
    return f"Drawn from {longest:,} points: at most {charts.MAX_POINTS:,} are shown, the lowest and highest of each stretch among them."


def _averaging(runs: Sequence[charts.Drawn]) -> str:
    longest = max(len(run.exposure) for run in runs)
    return f"Drawn from {longest:,} points, as means of 500 stretches." if longest > charts.MAX_POINTS else ""


def _frequency(runs: Sequence[charts.Drawn]) -> str:
    daily = all(_is_resampled(run.points, run.annual) for run in runs)
    count = max(int(np.isfinite(run.annual.returns).sum()) for run in runs)
    periods = dict.fromkeys(return_period(run.annual) for run in runs)
    kind = "daily returns, last equity of each UTC day" if daily else f"returns from point to point, over {', '.join(periods)}"
    return f"{count:,} {kind}. Sharpe, volatility, VaR and shortfall are computed on these; drawdowns on every point."


def _is_resampled(points: Curve, annual: Curve) -> bool:
    return len(annual.levels) < len(points.levels)


def _listed(run: Run, closed: pd.DataFrame, columns: Sequence[str]) -> str:
    if not len(closed):
        return '<p class="caption">None was closed.</p>'
    shown = f"Showing {min(len(closed), html_tables.MAX_ROWS):,} of {len(closed):,}. Click a column to sort what is shown."
    return f'{html_tables.rows(closed, columns, run.tables.currency, run.tables.price_currencies)}<p class="caption">{shown}</p>'


def _details(run: Run, one: charts.Drawn, *, named: bool) -> str:
    parts = run.tables
    bridge = html_tables.cost_table(run.costs, run.income, _net(run), parts.currency)
    return "".join(
        [
            f'<div class="run"><h1 class="name">{escape(run.name)}</h1>' if named else "<div>",
            section("Monthly returns, per cent", html_tables.months(one.points)),
            '<div class="pair">',
            section("From gross to net", bridge),
            section("Order outcomes", html_tables.outcomes(run.orders, run.refused)),
            "</div>",
            section("Round trips, flat to flat", _listed(run, run.round_trips, _ROUND_TRIPS)),
            section("Closed lots, first in first out", _listed(run, run.trades, _LOTS)),
            section("Settings", _settings(run)) if named else "",
            "</div>",
        ]
    )
