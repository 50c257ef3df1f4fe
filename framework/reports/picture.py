"""A small static picture of an equity curve and its drawdown, as SVG: for notebooks, where a script is too heavy."""

from __future__ import annotations

import numpy as np

from framework.reports import metrics as m
from framework.reports.charts import FONT, GREY, LOSS, PALETTE, keep_extremes
from framework.reports.format import amount, percent
from framework.reports.summary import Curve

_WIDTH, _TOP, _BOTTOM, _GAP = 720.0, 150.0, 56.0, 22.0


def svg(points: Curve, currency: str) -> str:
    """Equity above, drawdown below; empty text for fewer than two points."""
    if len(points.levels) < 2:
        return ""
    below = m.underwater(points.levels)
    low, high = float(points.levels.min()), float(points.levels.max())
    line = _path(points, points.levels, low, high, 14.0, _TOP)
    hollow = _path(points, below, min(float(below.min()), -1e-12), 0.0, _TOP + _GAP, _TOP + _GAP + _BOTTOM)
    height = _TOP + _GAP + _BOTTOM + 4
    style = f"width:100%;background:#fff;font-family:{FONT}".replace("'", "")
    return "".join(
        [
            f'<svg viewBox="0 0 {_WIDTH:g} {height:g}" style="{style}" role="img">',
            f'<path d="{line}" fill="none" stroke="{PALETTE[0]}" stroke-width="1.4"/>',
            f'<path d="{hollow}L{_WIDTH:g} {_TOP + _GAP:g}L0 {_TOP + _GAP:g}Z" fill="{LOSS}" fill-opacity="0.18" stroke="{LOSS}"/>',
            _text(0, 11, f"high {amount(high, currency)}", GREY),
            _text(0, _TOP - 2, f"low {amount(low, currency)}", GREY),
            _text(0, height - 6, f"deepest drawdown {percent(float(below.min()))}", LOSS),
            "</svg>",
        ]
    )


def _path(points: Curve, values: m.Floats, low: float, high: float, top: float, bottom: float) -> str:
    keep = keep_extremes(values, 1200)
    stamps = points.stamps_ns[keep].astype(np.float64)
    span = float(stamps[-1] - stamps[0]) or 1.0
    x = (stamps - stamps[0]) / span * _WIDTH
    y = bottom - (values[keep] - low) / ((high - low) or 1.0) * (bottom - top)
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def _text(x: float, y: float, words: str, colour: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="11" fill="{colour}" stroke="#fff" stroke-width="3" paint-order="stroke">{words}</text>'
