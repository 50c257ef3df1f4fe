"""What a sweep returns: one row a set, the best of them, and the way back from a row to its whole run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from framework.config.account import check_benchmark
from framework.data.tape.frames import frames_of
from framework.engine.compiled import unchecked_note
from framework.errors import InputError, ReplayMismatch, did_you_mean
from framework.reports.charts import FONT, heatmap, line_over
from framework.reports.format import card_text, cell, label, money
from framework.reports.result import Result
from framework.reports.scan import MEASURES
from framework.simulation.building import build_from, is_built_from_data
from framework.simulation.parameter_grid import ParameterSet
from framework.simulation.simulate import simulate
from framework.simulation.sweep_run import OUTCOME, Job
from framework.simulation.sweep_store import column_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_LESS_IS_BETTER = frozenset({"annual_volatility", "turnover", "refused", "ambiguous_fills", "ambiguous_share", "fees", "costs", "seconds"})
_SHOWN = ("final_equity", "total_return", "sharpe", "max_drawdown", "trades", "costs")
_ROWS = 10


class Sweep:
    """The rows of a sweep.

    Attributes:
        table: a row a set, in the order of the grid. Columns: every parameter of the class (after `params.` where an outcome has
            its name); `final_equity`, and `total_return`, `annual_return`, `annual_volatility`, `sharpe`, `sortino`, `calmar`,
            `max_drawdown`, `turnover`, `hit_rate`, `profit_factor` as in a result's `metrics`; `orders` (refused ones too), `fills`,
            `trades` (closed lots), `round_trips` (closed), `refused`, `ambiguous_fills`; `fees` and `costs` (of all kinds), as all money
            in the account's currency; `ambiguous_share`, what fills inside ambiguous bars won or lost over what the run won or lost;
            `seconds`; `error`, what a set failed with, else empty; `header`, the digest of the header of the run's audit.
            What cannot be known is NaN.
        header: what all rows have in common: data, costs, limits, strategy, code.
        path: the Parquet file, if there is one.
        found: how many of the sets were in that file already.
    """

    def __init__(
        self, table: pd.DataFrame, job: Job, sets: tuple[ParameterSet, ...], header: Mapping[str, object], path: Path | None, found: int
    ) -> None:
        self.table = table
        self.header = dict(header)
        self.path, self.found = path, found
        self._job = job
        self._sets = {one.digest: one for one in sets}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know before believing the numbers: the notes of the data and of the compiled strategy."""
        return (*self._job.tape.notes, *unchecked_note(self._job.strategy))

    @property
    def varied(self) -> list[str]:
        """The columns of the parameters that differ between rows."""
        names = [column_of(name) for name in next(iter(self._sets.values())).parameters]
        return [name for name in names if self.table[name].astype(str).nunique() > 1]

    def ranked(self, by: str = "sharpe") -> pd.DataFrame:
        """The table with the best row first: the largest of `by`, or the smallest of a risk or cost. Rows without a number go last."""
        self._check(by, self._numbers())
        return self.table.sort_values(by, ascending=by in _LESS_IS_BETTER, kind="stable", na_position="last")

    def best(self, by: str = "sharpe") -> pd.Series:
        """The best row; see `ranked`.

        Raises:
            InputError: no such column, or no row has a number there.
        """
        ranked = self.ranked(by)
        usable = ranked[ranked["error"] == ""]
        if not len(usable) or math.isnan(float(usable[by].iloc[0])):
            raise InputError(
                f"no set has a value of {by}: "
                + (
                    f"the first failed with {self.table['error'].iloc[0]}"
                    if not len(usable)
                    else "NaN in all; what is annualised is NaN below 20 days of data"
                )
            )
        row: pd.Series = usable.iloc[0]
        return row

    def rerun(self, row: pd.Series | int, *, benchmark: str | pd.Series | None = None) -> Result:
        """The whole run of a row, its audit included.

        Args:
            row: a row of `table`, or its number.
            benchmark: as in `backtest`.

        Raises:
            ReplayMismatch: the run came out differently: the code or the data are no longer what they were.
            StrategyError: what the row failed with.
            InputError: no set of this sweep made the row.
        """
        check_benchmark(benchmark)
        chosen: dict[str, Any] = dict(self.table.loc[row] if isinstance(row, int) else row)
        found = self._sets.get(str(chosen.get("header")))
        if found is None:
            raise InputError(f"this sweep did not make a row with header {chosen.get('header')!r}; give a row of its table, or its number")
        job = self._job
        strategy = (
            build_from(job.strategy, found.given, frames_of(job.tape)) if is_built_from_data(job.strategy) else job.strategy(**found.given)
        )
        result = simulate(strategy, job.tape, job.settings, benchmark=benchmark)
        final = float(result.equity.iloc[-1]) if len(result.equity) else result.tables.initial_cash
        expected = {"final_equity": float(chosen["final_equity"]), "fills": int(chosen["fills"])}
        made = {"final_equity": final, "fills": len(result.fills)}
        off = [f"{name} was {expected[name]!r}, is {made[name]!r}" for name in made if made[name] != expected[name]]
        if off:
            raise ReplayMismatch(
                f"the run of {dict(found.parameters)} came out differently: {'; '.join(off)}. The strategy's code or the data changed, "
                "or it reads something that is not a parameter"
            )
        return result

    def plot(self, x: str, y: str | None = None, metric: str = "sharpe") -> Figure:
        """A heatmap of a metric over two parameters, or a line over one.

        Where further parameters differ, a cell is the mean over them; failed sets are left out.
        """
        import plotly.graph_objects as go  # drawn on request: it must not slow the import of the framework

        parameters = [column_of(name) for name in next(iter(self._sets.values())).parameters]
        for name in (x, *([] if y is None else [y])):
            self._check(name, parameters)
        self._check(metric, self._numbers())
        usable = self.table[self.table["error"] == ""]
        others = [name for name in self.varied if name not in (x, y)]
        title = label(metric) + (f", mean over {', '.join(others)}" if others else "")
        if y is None:
            line = usable.groupby(x, sort=True)[metric].mean()
            return go.Figure(line_over(line.index.tolist(), line.tolist(), x, title))
        means = usable.pivot_table(index=y, columns=x, values=metric, aggfunc="mean", dropna=False)
        return go.Figure(heatmap(means.columns.tolist(), means.index.tolist(), means.to_numpy().tolist(), x, y, title))

    def _numbers(self) -> list[str]:
        return [str(name) for name in OUTCOME.names or ()]

    def _check(self, name: str, known: list[str]) -> None:
        if name not in known:
            raise InputError(f"the sweep has no column {name!r} for this. {did_you_mean(name, known)}")

    def columns(self, by: str = "sharpe") -> list[str]:
        """The columns to look at first: the parameters that differ, then key numbers, `by` among them."""
        return [*self.varied, *_SHOWN, *([] if by in _SHOWN else [by])]

    def __repr__(self) -> str:
        ranked = self.ranked()
        notes = "".join(f"\n  ! {note}" for note in self.notes)
        return f"{self._heading()}\n{ranked[self.columns()].head(_ROWS).to_string()}{notes}"

    def _heading(self) -> str:
        failed = int((self.table["error"] != "").sum())
        text = f"Sweep of {self._job.strategy.__name__}: {len(self.table):,} sets over {self._job.tape.name or 'a tape'}"
        return text + (f", {failed:,} failed" if failed else "") + "; the best by Sharpe ratio"

    def _repr_html_(self) -> str:
        columns, font = self.columns(), FONT.replace("'", "")
        style = "text-align:right;padding:3px 14px 3px 0;white-space:nowrap"
        head = "".join(f"<th style='{style};font-weight:400;opacity:0.7'>{escape(label(name))}</th>" for name in columns)
        rows = []
        for _, row in self.ranked()[columns].head(_ROWS).iterrows():
            rows.append("".join(f"<td style='{style}'>{text_of(name, row[name])}</td>" for name in columns))
        body = "".join(f"<tr>{cells}</tr>" for cells in rows)
        table = f"<table style='border-collapse:collapse;font-size:13px'><tr>{head}</tr>{body}</table>"
        notes = "".join(f"<p style='margin:4px 0'>⚠ {escape(note)}</p>" for note in self.notes)
        return f"<div style='font:13px/1.4 {font}'><b>{escape(self._heading())}</b><div style='overflow-x:auto'>{table}</div>{notes}</div>"


def text_of(name: str, value: Any) -> str:
    """A value of a sweep's table as a reader sees it, escaped for HTML."""
    if name in ("final_equity", "fees", "costs"):
        return money(float(value))
    return card_text(name, float(value)) if name in (*MEASURES, "hit_rate", "profit_factor", "trades", "round_trips") else cell(value)
