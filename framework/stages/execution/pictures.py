"""The look of this room's pictures: plotly specifications as plain dicts."""

from __future__ import annotations

from typing import Any

BLUE, ORANGE, GREEN, GREY = "#1f4e79", "#c8702a", "#3d7a57", "#c9ced6"


def axes(title: str, x: str, y: str) -> dict[str, Any]:
    """A layout with a title and two named axes."""
    return {
        "title": {"text": title, "x": 0.02},
        "template": "simple_white",
        "height": 420,
        "xaxis": {"title": {"text": x}},
        "yaxis": {"title": {"text": y}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    }
