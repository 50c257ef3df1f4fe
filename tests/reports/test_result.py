"""A result makes its tables when asked, and only then."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework.errors import InputError
from framework.reports.result import Result
from framework.reports.run import ORDER_COLUMNS, REFUSED_COLUMNS, empty_table
from framework.reports.summary import summary
from tests.reports.fake_run import fake_tables


class Counted:
    """A maker of a table that counts its calls."""

    def __init__(self, table: pd.DataFrame | pd.Series) -> None:
        self.table, self.calls = table, 0

    def __call__(self) -> pd.DataFrame | pd.Series:
        self.calls += 1
        return self.table


def test_metrics_build_neither_orders_nor_positions() -> None:
    plain = Result(fake_tables())
    makers = {name: Counted(getattr(plain, name)) for name in ("equity", "exposure", "orders", "fills", "trades", "positions", "refused")}
    result = Result(replace(plain.tables, **makers))
    assert all(maker.calls == 0 for maker in makers.values())
    for _ in range(2):
        pd.testing.assert_series_equal(result.metrics, plain.metrics)
    calls = {name: maker.calls for name, maker in makers.items()}
    assert calls == {"equity": 1, "exposure": 1, "orders": 0, "fills": 1, "trades": 1, "positions": 0, "refused": 0}
    assert result.orders is makers["orders"].table and result.orders is result.orders
    assert makers["orders"].calls == 1


def test_metrics_are_the_summary_of_the_tables() -> None:
    result = Result(fake_tables())
    parts = result.tables
    assert isinstance(parts.benchmark, pd.Series)
    expected = summary(
        result.equity,
        trades=result.trades,
        round_trips=result.round_trips,
        fills=result.fills,
        exposure=result.exposure,
        benchmark=parts.benchmark,
    )
    pd.testing.assert_series_equal(result.metrics, expected)
    assert result.metrics["total_return"] == pytest.approx(result.equity.iloc[-1] / 1_000_000 - 1)


def test_a_table_without_its_columns_is_refused() -> None:
    broken = fake_tables()
    result = Result(replace(broken, trades=pd.DataFrame({"instrument": ["A"]})))
    with pytest.raises(InputError, match=r"trades lacks side, .*pnl"):
        _ = result.metrics


def test_empty_tables_keep_their_columns() -> None:
    assert tuple(empty_table(ORDER_COLUMNS).columns) == ORDER_COLUMNS
    assert tuple(empty_table(REFUSED_COLUMNS).columns) == REFUSED_COLUMNS


def test_text_shows_metrics_and_caveats_on_one_screen() -> None:
    result = Result(fake_tables())
    text = repr(result)
    assert "Momentum 12-1" in text and "survivors" in text
    assert f"{result.metrics['sharpe']:.2f}" in text
    assert len(text.splitlines()) <= 24 and max(map(len, text.splitlines())) <= 96


def test_notebook_view_is_a_picture_then_numbers_without_script() -> None:
    result = Result(fake_tables(name="<script>alert(1)</script>"))
    html = result._repr_html_()
    assert html.index("<svg") < html.index("Sharpe ratio")
    assert f"{result.metrics['sharpe']:.2f}" in html
    assert "<script" not in html and len(html) < 60_000


def test_plot_stacks_equity_drawdown_and_exposure() -> None:
    result = Result(fake_tables())
    figure = result.plot()
    assert {trace.yaxis for trace in figure.data} == {"y", "y2", "y3"}
    by_axis = {trace.yaxis: np.array(trace.y, dtype=float) for trace in reversed(figure.data)}
    assert by_axis["y"][-1] == pytest.approx(result.equity.iloc[-1], rel=1e-6)
    assert by_axis["y2"].min() == pytest.approx(result.metrics["max_drawdown"], rel=1e-6)


def test_report_is_written_where_asked(tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.html"
    assert Result(fake_tables()).report(target) == target
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_importing_the_result_does_not_import_plotly() -> None:
    code = "import framework.reports.result, sys; print('plotly' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert shown.stdout.strip() == "False"


def test_a_run_that_did_nothing_still_reports(tmp_path: Path) -> None:
    parts = fake_tables()
    empty = Result(
        replace(
            parts,
            equity=parts.equity.iloc[:0],
            exposure=parts.exposure.iloc[:0],
            orders=empty_table(ORDER_COLUMNS),
            trades=Result(parts).trades.iloc[:0],
            fills=Result(parts).fills.iloc[:0],
            ambiguous_fills=0,
        )
    )
    assert "no data" in empty.report(tmp_path / "empty.html").read_text(encoding="utf-8")
    assert "Momentum" in repr(empty) and "<svg" not in empty._repr_html_()
