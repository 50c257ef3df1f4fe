"""Axes of values: numbers on them that tell neighbouring ticks apart, and a stretch to draw where all values are one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

TICKS = 6
"""At most about so many stand on an axis; plotly takes the next step of 1, 2 or 5 times a power of ten."""

_DIGITS = 6  # of the format "~s"
_FLAT = 0.01


def tick_format(low: float, high: float, *, percent: bool = False) -> str:
    """The format of ticks from `low` to `high`, as d3 writes it: with as many digits as neighbours need.

    Money of thousands and more is shortened (950k, 1.05M) as long as six digits tell it apart; shares have a per cent sign.

    >>> tick_format(0.8e6, 1.2e6), tick_format(1e6, 1e6 + 3), tick_format(0.9, 1.1), tick_format(-0.0003, 0.0, percent=True)
    ('~s', ',.1~f', ',.2~f', '.3~%')
    """
    if not high > low:
        return ".0%" if percent else "~s"
    top, step = max(abs(low), abs(high)), math.floor(math.log10((high - low) / TICKS))
    if percent:
        return f".{-step - 2}~%" if step < -2 else ".0%"
    if top >= 1000 and math.floor(math.log10(top)) - step < _DIGITS:
        return "~s"
    return f",.{max(-step, 0)}~f"


def value_axis(values: Iterable[object], *, percent: bool = False) -> dict[str, Any]:
    """Format, and range where one is needed, of an axis of these values; what is no number is left out.

    Where all values are one, money has one per cent around it: plotly would draw one unit, 999,999 to 1,000,001. A share that never
    leaves 0 keeps plotly's -100 % to 100 %.
    """
    known = [float(value) for value in values if isinstance(value, (int, float)) and math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    if low == high and low and not percent:
        low, high = low - _FLAT * abs(low), high + _FLAT * abs(high)
        return {"tickformat": tick_format(low, high), "range": [low, high]}
    return {"tickformat": tick_format(low, high, percent=percent)}
