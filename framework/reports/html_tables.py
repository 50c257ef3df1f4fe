"""HTML tables of the tearsheet. Everything that comes from outside is escaped here."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import pandas as pd

from framework.reports.format import MISSING, card_text, cell, is_amount, label, money, number, percent, quantity
from framework.reports.periods import monthly_returns, yearly_returns
from framework.reports.summary import Curve

MAX_ROWS = 1000
HEADLINE = ("total_return", "annual_return", "sharpe", "max_drawdown")
_AMOUNTS, _PRICES = ("fee", "fees", "pnl", "dividends", "charges", "mae", "mfe"), ("price", "entry_price", "exit_price")
_NUMBERS = {*_AMOUNTS, *_PRICES, "quantity", "duration"}
_QUOTED = "prices_in"


def cards(metrics: pd.Series, notes: Mapping[str, str], currency: str) -> str:
    """Key metrics as cards, the four everybody asks for first and larger; `notes` are small print by metric name."""
    names = [*HEADLINE, *(str(name) for name in metrics.index if name not in HEADLINE)]
    return "".join(_card(name, float(metrics[name]), notes.get(name, ""), currency) for name in names)


def _card(name: str, value: float, note: str, currency: str) -> str:
    size = " headline" if name in HEADLINE else ""
    sign = " loss" if size and value < 0 else ""
    small = f"<small>{escape(note)}</small>" if note else ""
    text = escape(card_text(name, value, currency).removesuffix(f" {currency}"))
    unit = f", {escape(currency)}" if is_amount(name) and currency else ""
    return f'<div class="card{size}"><span>{label(name)}{unit}</span><b class="{sign.strip()}" data-metric="{name}">{text}</b>{small}</div>'


def comparison(names: Sequence[str], metrics: Sequence[pd.Series], currencies: Sequence[str]) -> str:
    """One column per run, one row per metric."""
    head = "".join(f'<th class="n">{escape(name)}</th>' for name in names)
    rows = []
    for metric in dict.fromkeys(str(key) for one in metrics for key in one.index):
        runs = zip(metrics, currencies, strict=True)
        values = (card_text(metric, float(one[metric]), unit) if metric in one.index else MISSING for one, unit in runs)
        cells = "".join(f'<td class="n" data-metric="{metric}">{escape(value)}</td>' for value in values)
        rows.append(f"<tr><th>{label(metric)}</th>{cells}</tr>")
    return f'<div class="scroll"><table class="plain"><thead><tr><th></th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def months(points: Curve) -> str:
    """Returns by month and year; colour is strength against the 90th percentile of all months, so that one outlier hides nothing."""
    monthly = monthly_returns(points.levels, points.stamps_ns)
    yearly = yearly_returns(monthly)
    sizes = np.array([abs(change) for change in monthly.values() if np.isfinite(change)])
    full = float(np.quantile(sizes, 0.9)) if sizes.size else 1.0
    head = "".join(f'<th class="n">{name}</th>' for name in calendar.month_abbr[1:])
    rows = []
    for year, total in sorted(yearly.items()):
        cells = "".join(_heat(monthly.get((year, month)), full) for month in range(1, 13))
        rows.append(f'<tr><th>{year}</th>{cells}<td class="n total">{number(total * 100, 1)}</td></tr>')
    body = "".join(rows)
    return (
        f'<div class="scroll"><table class="months"><thead><tr><th></th>{head}<th class="n">Year</th></tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _heat(change: float | None, full: float) -> str:
    if change is None or not np.isfinite(change):
        return "<td></td>"
    strength = min(abs(change) / full, 1.0) * 0.42 if full > 0 else 0.0
    colour = "61,122,87" if change >= 0 else "179,66,74"
    return f'<td class="n" style="background:rgba({colour},{strength:.2f})">{number(change * 100, 1)}</td>'


def rows(table: pd.DataFrame, columns: Sequence[str], currency: str, price_currencies: Mapping[str, str], limit: int = MAX_ROWS) -> str:
    """A sortable, scrolling table of the first `limit` rows; each cell carries its sort key.

    Heads name the currency: that of the account of amounts, of prices that of the instruments, or, where these have several, a column.
    """
    quoted = table["instrument"].map(lambda symbol: price_currencies.get(str(symbol), currency))
    units = dict.fromkeys(_AMOUNTS, currency) | (dict.fromkeys(_PRICES, str(quoted.iloc[0])) if quoted.nunique() == 1 else {})
    names = [shown for name in columns for shown in ((name, _QUOTED) if name == _PRICES[-1] and quoted.nunique() > 1 else (name,))]
    head = "".join(f'<th class="{_align(name)}" tabindex="0">{_head(name, units)}</th>' for name in names)
    shown = table.assign(**{_QUOTED: quoted}).loc[:, names].head(limit)
    body = "".join(
        "<tr>" + "".join(_row_cell(name, value, currency) for name, value in zip(names, row, strict=True)) + "</tr>"
        for row in shown.itertuples(index=False, name=None)
    )
    return f'<div class="scroll tall"><table class="sortable"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _head(name: str, units: Mapping[str, str]) -> str:
    return label(name) + (f", {escape(units[name])}" if name in units else "")


def _row_cell(name: str, value: object, currency: str) -> str:
    sign = " loss" if name == "pnl" and isinstance(value, float) and value < 0 else ""
    if isinstance(value, (pd.Timestamp, pd.Timedelta)) and not pd.isna(value):
        key = str(value.value)
    else:
        key = repr(value) if isinstance(value, (int, float)) else str(value)
    if isinstance(value, float) and name in _AMOUNTS:
        text = money(value, currency)
    else:
        text = quantity(value) if name == "quantity" and isinstance(value, float) else cell(value)
    return f'<td class="{_align(name)}{sign}" data-key="{escape(key, quote=True)}">{text}</td>'


def _align(name: str) -> str:
    return "n" if name in _NUMBERS else "t"


def outcomes(orders: pd.DataFrame, refused: pd.DataFrame) -> str:
    """How orders ended, by state and reason. Refused orders that the order table does not list are added."""
    listed = orders[["state", "reason"]].astype(str)
    if len(refused):
        extra = refused[~refused["order_id"].isin(orders["order_id"])] if "order_id" in refused.columns else refused
        listed = pd.concat([listed, pd.DataFrame({"state": "REFUSED", "reason": extra["reason"].astype(str)})])
    if listed.empty:
        return "<p class='caption'>No orders.</p>"
    counts = listed.value_counts(["state", "reason"])
    states, reasons = counts.index.get_level_values(0).tolist(), counts.index.get_level_values(1).tolist()
    body = "".join(_outcome(*row, len(listed)) for row in zip(states, reasons, counts.tolist(), strict=True))
    head = "<tr><th>State</th><th>Reason</th><th class='n'>Orders</th><th class='n'>Share</th><th></th></tr>"
    return f'<div class="scroll"><table class="plain"><thead>{head}</thead><tbody>{body}</tbody></table></div>'


def _outcome(state: str, reason: str, count: int, total: int) -> str:
    words = "" if reason in {"NONE", "nan", ""} else label(reason.lower())
    bar = f'<td class="bar"><i style="width:{count / total:.1%}"></i></td>'
    first = f"<td>{escape(label(state.lower()))}</td><td>{escape(words)}</td>"
    return f'<tr>{first}<td class="n">{count:,}</td><td class="n">{percent(count / total)}</td>{bar}</tr>'


def cost_table(costs: pd.Series, income: pd.Series, net: float, currency: str) -> str:
    """From gross to net PnL, kind by kind; shares are of the gross PnL where that is positive."""
    paid, received = float(costs.sum()), float(income.sum())
    gross = net + paid - received
    lines = [("Gross trading PnL", gross, "")]
    lines += [(label(str(kind)), -float(value), "") for kind, value in costs.items() if value]
    lines += [(label(str(kind)), float(value), "") for kind, value in income.items() if value]
    lines.append(("Net PnL", net, "total"))
    body = "".join(_cost_line(name, value, gross, css, currency) for name, value, css in lines)
    caption = "" if gross > 0 else '<p class="caption">The gross PnL is not positive, so shares of it would mean nothing.</p>'
    head = f"<tr><th></th><th class='n'>{escape(currency)}</th><th class='n'>of gross</th></tr>"
    return f'<div class="scroll"><table class="plain"><thead>{head}</thead><tbody>{body}</tbody></table></div>{caption}'


def _cost_line(name: str, value: float, gross: float, css: str, currency: str) -> str:
    share = percent(value / gross) if gross > 0 else MISSING
    return f'<tr class="{css}"><td>{escape(name)}</td><td class="n">{money(value, currency)}</td><td class="n">{share}</td></tr>'


def settings(values: Mapping[str, object]) -> str:
    """Name and value pairs."""
    return "".join(f"<div><dt>{escape(str(name))}</dt><dd>{escape(str(value))}</dd></div>" for name, value in values.items())
