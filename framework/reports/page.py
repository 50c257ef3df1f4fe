"""The frame of a report: one self-contained HTML page with charts; plotly.js is inside, nothing is fetched."""

from __future__ import annotations

import json
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from framework.reports.charts import Spec


def page(*, eyebrow: str, title: str, lead: str, settings: str, notices: str, sections: str, specs: dict[str, Spec], footer: str) -> str:
    """The whole page as text.

    Args:
        eyebrow: the small line above the title.
        title: escaped here; everything below is HTML already.
        lead, settings, notices, sections: parts of the page in this order.
        specs: charts by the name of their `slot`.
        footer: the last line.
    """
    data = json.dumps(specs, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return Template(_asset("template.html")).substitute(
        eyebrow=escape(eyebrow),
        title=escape(title),
        lead=lead,
        settings=settings,
        notices=notices,
        sections=sections,
        footer=escape(footer),
        style=_asset("template.css"),
        script=_asset("template.js"),
        plotly=_plotly_script(),
        specs=data,
    )


def section(title: str, body: str, css: str = "") -> str:
    """A titled box."""
    return f'<section class="{css}"><h2>{escape(title)}</h2>{body}</section>'


def slot(name: str, caption: str = "") -> str:
    """Where a chart is drawn."""
    small = f'<p class="caption">{caption}</p>' if caption else ""
    return f'<div class="chart" id="chart-{name}"></div>{small}'


@cache
def _asset(name: str) -> str:
    return files("framework.reports").joinpath(name).read_text(encoding="utf-8")


@cache
def _plotly_script() -> str:
    from plotly.offline import get_plotlyjs

    # a closing tag inside the library would end the script element
    library: str = get_plotlyjs()
    return library.replace("</script", "<\\/script")
