"""Numbers and labels as a reader sees them."""

from __future__ import annotations

import math
from html import escape

import pandas as pd

MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"

_PERCENT = {
    *("total_return", "annual_return", "annual_volatility", "max_drawdown", "hit_rate", "exposure", "alpha"),
    *("value_at_risk_95", "value_at_risk_99", "expected_shortfall_95", "expected_shortfall_99"),
}
_COUNT = {"trades", "round_trips", "max_drawdown_length"}
_MONEY = {"average_win", "average_loss", "capital", "pnl", "fees", "charges", "dividends"}
_DECIMALS = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("BTC", "XBT", "ETH"), 8),
}
"""Decimals of currencies that do not have two: ISO 4217, and coins whose hundredth is much money."""
_LABELS = {
    "pnl": "PnL",
    "entry_ts": "Entry",
    "exit_ts": "Exit",
    "annual_volatility": "Volatility",
    "sharpe": "Sharpe ratio",
    "sortino": "Sortino ratio",
    "calmar": "Calmar ratio",
    "max_drawdown_length": "Longest drawdown",
    "average_duration_days": "Mean days held",
    "trades": "Closed lots",
    "mae": "MAE",
    "mfe": "MFE",
    "turnover": "Turnover a year",
    "exposure": "Mean exposure",
    "value_at_risk_95": "VaR 95 %",
    "value_at_risk_99": "VaR 99 %",
    "expected_shortfall_95": "Shortfall 95 %",
    "expected_shortfall_99": "Shortfall 99 %",
    "kurtosis": "Excess kurtosis",
    "no_cash_at_fill": "Cut by cash",
}


def label(name: str) -> str:
    """Display name of a metric or cost: `hit_rate` to "Hit rate"."""
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def percent(value: float, decimals: int = 1) -> str:
    """A share as per cent, with a true minus sign; NaN is a dash."""
    return number(value * 100, decimals) + (" %" if math.isfinite(value) else "")


def number(value: float, decimals: int = 2) -> str:
    """A float with thousands separators and a true minus sign; NaN is a dash, infinity its sign."""
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if abs(value) >= 1e9:
        return f"{value:.2e}".replace("-", MINUS, 1)
    text = f"{value:,.{decimals}f}"
    return text.lstrip("-") if not text.strip("-0.,") else text.replace("-", MINUS)


def money(value: float, currency: str = "") -> str:
    """An amount with the decimals of its currency, two where it has no others, always as many: `money(1234.5, "JPY")` is "1,234"."""
    if not math.isfinite(value):
        return number(value)
    text = f"{value:,.{_DECIMALS.get(currency, 2)}f}"
    return text.lstrip("-") if not text.strip("-0.,") else text.replace("-", MINUS)


def amount(value: float, currency: str) -> str:
    """An amount and its currency: `amount(1234.5, "USD")` is "1,234.50 USD"."""
    return f"{money(value, currency)} {currency}".rstrip() if math.isfinite(value) else number(value)


def is_amount(name: str) -> bool:
    """Whether a metric is money."""
    return name in _MONEY


def card_text(name: str, value: float, currency: str = "") -> str:
    """A metric in its own unit: `card_text("sharpe", 1.234)` is "1.23", `card_text("average_win", 2.0, "USD")` "2.00 USD"."""
    if name in _PERCENT:
        return percent(value, 2 if name.startswith(("value_at", "expected")) else 1)
    if name in _COUNT:
        return number(value, 0)
    if name in _MONEY:
        return amount(value, currency)
    return number(value, 1) + TIMES if name == "turnover" and math.isfinite(value) else number(value, 2)


def quantity(value: float) -> str:
    """Units of an instrument: as many decimals as there are, eight at most."""
    text = number(value, 8)
    return text.rstrip("0").rstrip(".") if "." in text else text


def stamp(value: object) -> str:
    """A UTC stamp to the second, without the time at midnight; missing is a dash."""
    if not isinstance(value, pd.Timestamp) or pd.isna(value):
        return MISSING
    return f"{value:%Y-%m-%d}" if value == value.normalize() else f"{value:%Y-%m-%d %H:%M:%S}"


def duration(value: pd.Timedelta) -> str:
    """How long something took, in the largest unit of which there is one: `3.5 d`."""
    seconds = value.total_seconds()
    size, unit = next(((s, u) for s, u in ((86_400, "d"), (3_600, "h"), (60, "min")) if seconds >= s), (1, "s"))
    return f"{quantity(round(seconds / size, 1))} {unit}"


def cell(value: object) -> str:
    """Any table value, escaped for HTML. Numbers keep up to six significant decimals."""
    if isinstance(value, pd.Timestamp) or value is pd.NaT:
        return stamp(value)
    if isinstance(value, pd.Timedelta):
        return duration(value)
    if isinstance(value, float):
        return number(value, 2) if value == round(value, 2) or abs(value) >= 1000 else _significant(value)
    return escape(str(value)) if value is not None else MISSING


def _significant(value: float) -> str:
    return number(value, 4) if math.isnan(value) or abs(value) >= 0.01 else f"{value:.6g}".replace("-", MINUS, 1)
