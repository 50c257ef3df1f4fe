"""The result of a backtest: its tables and metrics, with pictures and a report."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from framework.reports import tearsheet
from framework.reports.format import card_text, label
from framework.reports.run import Run, RunTables

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["Result", "RunTables"]


class Result(Run):
    """What a backtest returns: `equity, orders, fills, trades, positions, metrics, costs, exposure, refused, notes, audit_hash`.

    In a notebook it shows itself; `plot()` gives a plotly figure, `report(path)` writes the tearsheet.
    """

    def plot(self) -> Figure:
        """Equity, drawdown and exposure in one plotly figure."""
        return tearsheet.figure(self)

    def report(self, path: str | Path = "report.html") -> Path:
        """Write a self-contained HTML tearsheet and return where it is."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(tearsheet.render(self), encoding="utf-8")
        return target

    def _repr_html_(self) -> str:
        return tearsheet.snippet(self)

    def __repr__(self) -> str:
        """Metrics and caveats on one screen."""
        metrics = self.metrics
        first, last = (f"{stamp:%Y-%m-%d}" for stamp in (self.equity.index[0], self.equity.index[-1])) if len(self.equity) else ("", "")
        early = ["  ENDED EARLY: what follows is only a part of the run"] if self.ended_early else []
        head = [f"Result {self.name!r}: {_few(self.tables.symbols)}, {first} to {last}, {len(self.equity):,} points", *early]
        names = list(metrics.index)
        half = (len(names) + 1) // 2
        cells = [f"{label(name):<24}{card_text(name, float(metrics[name]), self.tables.currency):>18}" for name in names]
        rows = [f"  {left}    {right}".rstrip() for left, right in zip(cells[:half], [*cells[half:], ""], strict=False)]
        notes = [fill(note, 96, initial_indent="  ! ", subsequent_indent="    ") for note in tearsheet.caveats(self)]
        return "\n".join([*head, *rows, *notes])


def _few(symbols: tuple[str, ...], limit: int = 4) -> str:
    more = f" and {len(symbols) - limit} more" if len(symbols) > limit else ""
    return ", ".join(symbols[:limit]) + more
