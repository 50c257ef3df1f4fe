"""The page of an examination: score, findings with their ways out, and pictures of where they are."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from framework.data.quality.findings import SEVERITIES, Examination, Finding, moment
from framework.data.quality.row_rules import mid
from framework.data.quality.stretches import Floats, Ints, Splitter, Stretch
from framework.data.tape.recording import Recording
from framework.reports.charts import GREY, LOSS, MAX_POINTS, PALETTE, Spec, figure, keep_extremes, rounded
from framework.reports.page import page, section, slot
from framework.schema.event import Kind
from framework.schema.units import NANOSECONDS_PER_DAY

MOST_INSTRUMENTS = 6
"""Instruments drawn: those with the lowest scores."""
MOST_POINTS = 50_000
"""Prices of an instrument kept for its picture before it is thinned further."""
_COLOURS = {"error": LOSS, "warning": "#b7791f", "note": GREY}
_HOUR_NS = NANOSECONDS_PER_DAY // 24


class _Drawn:
    """What is drawn of one instrument, collected part by part."""

    def __init__(self) -> None:
        self.lines: dict[Kind, list[tuple[Ints, Floats]]] = {}
        self.days: dict[int, int] = {}
        self._rows, self._volume = np.zeros(24), np.zeros(24)

    def add(self, stretch: Stretch) -> None:
        """Take rows."""
        own = stretch.stamps[stretch.begin : stretch.end]
        sizes = {Kind.BAR: "w4", Kind.TRADE: "w1"}
        hours = (own - 1) % NANOSECONDS_PER_DAY // _HOUR_NS  # a bar's volume lies before its close
        self._rows += np.bincount(hours, minlength=24)
        if stretch.kind in sizes:
            self._volume += np.bincount(hours, weights=stretch.events[sizes[stretch.kind]][stretch.begin : stretch.end], minlength=24)
        for day, count in zip(*np.unique((own - 1) // NANOSECONDS_PER_DAY, return_counts=True), strict=True):
            self.days[int(day)] = self.days.get(int(day), 0) + int(count)
        if stretch.kind is Kind.FUNDING:
            rows, prices = np.arange(len(stretch.events)), stretch.events["w0"] / 1e9
        elif stretch.kind in (Kind.BAR, Kind.TRADE, Kind.QUOTE):
            rows, prices = mid(stretch)
        else:
            return
        kept = (rows >= stretch.begin) & (rows < stretch.end)
        picked = keep_extremes(prices[kept], MOST_POINTS // 10)
        line = self.lines.setdefault(stretch.kind, [])
        line.append((stretch.stamps[rows[kept]][picked], prices[kept][picked]))
        if sum(len(stamps) for stamps, _ in line) > MOST_POINTS:
            self.lines[stretch.kind] = [self.line(stretch.kind, MOST_POINTS // 2)]

    @property
    def hours(self) -> Floats:
        """Volume by hour of the day; rows where no volume is told."""
        return self._volume if self._volume.any() else self._rows

    def line(self, kind: Kind, most: int) -> tuple[Ints, Floats]:
        """Stamps and prices of a kind, thinned to its extremes."""
        stamps, prices = (np.concatenate(column) for column in zip(*self.lines[kind], strict=True))
        picked = keep_extremes(prices, most)
        return stamps[picked], prices[picked]


def render(examinations: Sequence[Examination], recording: Recording) -> str:
    """The page as text; plotly.js is inside, nothing is fetched.

    Args:
        examinations: the first is that of the recording, others are comparisons with it.
        recording: read once more, for the pictures.
    """
    first = examinations[0]
    worst = sorted((symbol for symbol in first.rows if first.rows[symbol]), key=lambda symbol: (first.score_of(symbol), symbol))
    drawn = _collect(recording, worst[:MOST_INSTRUMENTS])
    specs: dict[str, Spec] = {}
    sections = [_cards(first), _findings(examinations)]
    for number, (symbol, one) in enumerate(drawn.items()):
        mine = [finding for examination in examinations for finding in examination.findings if finding.symbol == symbol]
        sections.append(_pictures(symbol, one, mine, number, specs, first.score_of(symbol)))
    rest = len(worst) - len(drawn)
    if rest > 0:
        sections.append(f'<p class="caption">{rest:,} more instruments with higher scores are not drawn.</p>')
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in first.kinds.items())
    span = f"{moment(first.first_ns):%-d %b %Y} to {moment(first.last_ns):%-d %b %Y}"
    return page(
        eyebrow="OneTape data quality",
        title=first.source.rpartition("/")[2] or first.source,
        lead=escape(" · ".join([span, kinds, f"{len(first.rows):,} instrument{'s' if len(first.rows) != 1 else ''}"])),
        settings="",
        notices=_limits(examinations),
        sections="".join(sections),
        specs=specs,
        footer="A rule finds what it looks for: a score of 100 does not say that the data are right. Times are UTC.",
    )


def _collect(recording: Recording, symbols: Sequence[str]) -> dict[str, _Drawn]:
    drawn = {symbol: _Drawn() for symbol in symbols}
    splitter = Splitter(recording.instruments)
    for part in recording.parts():
        for stretch in splitter.add(part):
            if stretch.symbol in drawn:
                drawn[stretch.symbol].add(stretch)
    for stretch in splitter.finish():
        if stretch.symbol in drawn:
            drawn[stretch.symbol].add(stretch)
    return drawn


def _limits(examinations: Sequence[Examination]) -> str:
    items = "".join(f"<li>{escape(limit)}</li>" for one in examinations for limit in one.limits)
    return f"<aside><h2>Not judged</h2><ul>{items}</ul></aside>" if items else ""


def _cards(first: Examination) -> str:
    counts = {severity: sum(finding.severity == severity for finding in first.findings) for severity in SEVERITIES}
    cards = [("Score, of 100", f"{first.score:.1f}", "", first.score < 80)]
    cards += [
        (f"{severity.capitalize()}s", str(counts[severity]), "", severity == "error" and counts[severity] > 0)
        for severity in SEVERITIES[::-1]
    ]
    body = "".join(
        f'<div class="card headline"><span>{name}</span><b class="{"loss" if bad else ""}">{value}</b><small>{small}</small></div>'
        for name, value, small, bad in cards
    )
    return f'<section class="cards">{body}</section>'


def _findings(examinations: Sequence[Examination]) -> str:
    rows = "".join(_row(finding) for one in examinations for finding in one.findings)
    if not rows:
        return section("Findings", '<p class="caption">Nothing was found.</p>')
    head = "".join(f'<th tabindex="0">{name}</th>' for name in ("Severity", "Rule", "Instrument", "First", "Count", "What", "What to do"))
    return section(
        "Findings", f'<div class="scroll tall"><table class="sortable"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _row(finding: Finding) -> str:
    order = SEVERITIES.index(finding.severity)
    colour = _COLOURS[finding.severity]
    stamp = f"{moment(finding.first_ns):%Y-%m-%d %H:%M:%S}"
    cells = [
        (str(-order), f'<b style="color:{colour}">{finding.severity}</b>', "t"),
        (finding.rule, escape(finding.rule), "t"),
        (finding.symbol, escape(finding.symbol), "t"),
        (str(finding.first_ns), stamp, "t"),
        (str(finding.count), f"{finding.count:,}", "n"),
        (finding.sentence, escape(finding.sentence), ""),
        (finding.way_out, escape(finding.way_out), ""),
    ]
    return "<tr>" + "".join(f'<td class="{css}" data-key="{escape(key, quote=True)}">{text}</td>' for key, text, css in cells) + "</tr>"


def _pictures(symbol: str, one: _Drawn, findings: Sequence[Finding], number: int, specs: dict[str, Spec], score: float) -> str:
    specs[f"price-{number}"] = _price(one, findings)
    specs[f"days-{number}"] = _days(one)
    specs[f"hours-{number}"] = _hours(one)
    caption = "Marks stand where warnings and errors are, up to 200 of each."
    pair = "".join(
        section(title, slot(name, small))
        for title, name, small in (
            ("Rows a day", f"days-{number}", "A day without a bar is a day without a row."),
            ("Activity by hour of the day, UTC", f"hours-{number}", "Volume; rows where no volume is told."),
        )
    )
    price = section("Price", slot(f"price-{number}", caption))
    head = f'<h1 class="name">{escape(symbol)}, score {score:.1f}</h1>'
    return f'<div class="run">{head}{price}<div class="pair">{pair}</div></div>'


def _price(one: _Drawn, findings: Sequence[Finding]) -> Spec:
    traces: list[Spec] = []
    marked: tuple[Ints, Floats] | None = None
    for kind, colour in zip(one.lines, (PALETTE[0], PALETTE[3], PALETTE[2]), strict=False):
        stamps, prices = one.line(kind, MAX_POINTS)
        marked = marked or (stamps, prices)
        name = {Kind.BAR: "close", Kind.QUOTE: "mid", Kind.TRADE: "trade", Kind.FUNDING: "rate"}[kind]
        line = {"type": "scatter", "mode": "lines", "name": name, "x": (stamps // 1_000_000).tolist(), "y": rounded(prices)}
        traces.append({**line, "line": {"color": colour, "width": 1.2}})
    if marked is None or not len(marked[0]):
        return figure([], height=80, legend=False)
    for finding in sorted(findings, key=lambda one: SEVERITIES.index(one.severity)):
        marks = np.array(finding.stamps_ns, np.int64)
        if len(marks) and finding.severity != "note":
            at = np.minimum(np.searchsorted(marked[0], marks), len(marked[0]) - 1)
            dots = {"type": "scatter", "mode": "markers", "name": escape(finding.rule), "x": (marks // 1_000_000).tolist()}
            look = {"color": _COLOURS[finding.severity], "size": 7, "symbol": "circle-open"}
            traces.append({**dots, "y": rounded(marked[1][at]), "marker": look})
    return _roomy(figure(traces, height=350, legend=len(traces) > 1))


def _roomy(spec: Spec) -> Spec:
    """Room for a second line of dates; no box over all points of a date."""
    spec["layout"]["margin"]["b"] = 40
    spec["layout"]["hovermode"] = "closest"
    return spec


def _days(one: _Drawn) -> Spec:
    days = np.array(sorted(one.days), np.int64)
    counts = [one.days[day] for day in days.tolist()]
    bars = {"type": "bar", "name": "rows", "x": (days * 86_400_000).tolist(), "y": counts, "marker": {"color": PALETTE[0]}}
    return _roomy(figure([bars], height=230, legend=False))


def _hours(one: _Drawn) -> Spec:
    total = float(one.hours.sum()) or 1.0
    bars = {"type": "bar", "name": "share", "x": list(range(24)), "y": rounded(one.hours / total), "marker": {"color": PALETTE[2]}}
    spec = figure([bars], height=220, legend=False, percent=True)
    spec["layout"]["xaxis"] = {"type": "linear", "dtick": 3, "showgrid": False, "fixedrange": True}
    return spec
