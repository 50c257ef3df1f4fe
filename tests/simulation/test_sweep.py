"""A sweep's rows are what single backtests give, whatever the number of processes."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, Sweep, backtest, sweep
from framework.engine.audit import header_digest
from framework.errors import ConfigError, InputError, ReplayMismatch, StrategyError, WorkerLost
from framework.reports.scan import MEASURES
from tests.simulation.market import frames, tape
from tests.simulation.sweep_strategies import Cross, Dies, SlowCross

COSTS = {"fee_bps": 1.0, "half_spread_bps": 1.0, "impact": {"model": "square_root"}, "max_participation": 0.02}
GRID = {"fast": [3, 5, 8], "slow": [20, 40]}


def run(strategy: type[Strategy], grid: Any, **settings: Any) -> Sweep:
    return sweep(strategy, grid, settings.pop("data", tape()), costs=COSTS, progress=False, **settings)


@pytest.mark.parametrize(
    ("strategy", "data"),
    [
        (Cross, tape()),
        (SlowCross, tape()),
        (Cross, tape(1, 3000, "h")),  # annual measures are made of days
        (Cross, tape(2, 3, "D")),  # hardly a return
        (Cross, tape(1, 100, "min")),  # within a day
    ],
    ids=["compiled", "python", "hourly", "short", "intraday"],
)
def test_rows_are_single_backtests(strategy: type[Strategy], data: Any) -> None:
    table = run(strategy, GRID, data=data).table
    assert table[["fast", "slow"]].values.tolist() == [[f, s] for f in (3, 5, 8) for s in (20, 40)]
    for _, row in table.iterrows():
        single = backtest(strategy(fast=row["fast"], slow=row["slow"]), data, costs=COSTS)
        assert row["final_equity"] == single.equity.iloc[-1]
        assert row["fills"] == len(single.fills)
        assert row["orders"] == len(single.orders)
        assert row["trades"] == len(single.trades)
        assert row["refused"] == len(single.refused)
        assert row["fees"] == single.costs["fee"]
        assert row["costs"] == pytest.approx(single.costs.sum(), rel=1e-12)
        assert row["ambiguous_fills"] == single.tables.ambiguous_fills
        assert row["header"] == header_digest(single.audit.header)
        assert row["error"] == ""
        np.testing.assert_allclose(row[list(MEASURES)].to_numpy(dtype=float), single.metrics[list(MEASURES)].to_numpy(), rtol=1e-12)


def test_something_is_traded_and_refused_in_these_runs() -> None:
    """Else the test above would compare nothing with nothing."""
    table = run(Cross, {"fast": [3, 5], "share": [0.3, 0.9]}).table
    assert (table["fills"] > table["orders"] / 2).all() and (table["trades"] > 10).all() and (table["costs"] > 0).all()
    assert table["refused"].max() > 0


def test_ambiguous_share_is_what_such_fills_won_over_what_the_run_won() -> None:
    class Brackets(Strategy):
        near: float = 0.01

        def on_bar(self, view, bar):
            if view.position(bar.instrument) == 0 and not list(view.working_orders(bar.instrument)):
                target, loss = (view.round_price(bar.instrument, bar.close * (1 + d)) for d in (self.near, -self.near))
                view.bracket(bar.instrument, 50, target=target, loss=loss)

    row = run(Brackets, {"near": [0.002, 0.004]}).table.iloc[0]
    single = backtest(Brackets(near=0.002), tape(), costs=COSTS)
    assert row["ambiguous_fills"] == single.tables.ambiguous_fills > 0
    won = single.equity.iloc[-1] - 1_000_000
    assert row["ambiguous_share"] == pytest.approx(abs(single.tables.ambiguous_pnl) / abs(won), rel=1e-12)


def test_several_processes_give_the_same_table() -> None:
    one, two = run(Cross, GRID).table, run(Cross, GRID, processes=2).table
    pd.testing.assert_frame_equal(one.drop(columns="seconds"), two.drop(columns="seconds"), check_exact=True)


def test_a_failed_set_does_not_lose_the_others() -> None:
    swept = run(SlowCross, {"fast": [5, 30], "slow": [20, 40]})
    assert swept.table["error"].tolist()[:2] == ["", ""]
    failed = swept.table.loc[2]
    assert "SlowCross.on_bar" in failed["error"] and "fast must be below slow" in failed["error"]
    assert np.isnan(failed["final_equity"]) and failed["fills"] == 0
    assert swept.table["error"].tolist()[3] == ""
    assert "1 failed" in repr(swept)
    with pytest.raises(StrategyError, match="fast must be below slow"):
        swept.rerun(2)


def test_best_and_its_whole_run() -> None:
    swept = run(Cross, GRID)
    best = swept.best("total_return")
    assert best["total_return"] == swept.table["total_return"].max()
    assert swept.best("costs")["costs"] == swept.table["costs"].min()
    result = swept.rerun(best)
    assert result.audit_hash == backtest(Cross(fast=int(best["fast"]), slow=int(best["slow"])), tape(), costs=COSTS).audit_hash
    by_number = swept.rerun(int(str(best.name)))
    assert by_number.audit_hash == result.audit_hash


def test_a_run_that_comes_out_differently_is_refused() -> None:
    swept = run(Cross, GRID)
    row = swept.table.loc[1].copy()
    row["final_equity"] += 0.01
    with pytest.raises(ReplayMismatch, match=r"final_equity was .*, is "):
        swept.rerun(row)
    row = swept.table.loc[1].copy()
    row["fills"] += 1
    with pytest.raises(ReplayMismatch, match="fills was"):
        swept.rerun(row)
    row["header"] = "another"
    with pytest.raises(InputError, match="did not make a row"):
        swept.rerun(row)


def test_best_of_nothing_is_refused() -> None:
    failed = run(SlowCross, {"fast": [30], "slow": [20]})
    with pytest.raises(InputError, match="fast must be below slow"):
        failed.best()
    with pytest.raises(InputError, match=r"no column 'sharp' for this. Did you mean sharpe"):
        run(SlowCross, {"fast": [3]}).best("sharp")


def test_pictures() -> None:
    swept = run(Cross, {"fast": [3, 5], "slow": [20, 40], "share": [0.1, 0.3]})
    figure = swept.plot("fast", "slow", "total_return")
    cells = swept.table.groupby(["slow", "fast"])["total_return"].mean()
    assert list(figure.data[0].x) == ["3", "5"] and list(figure.data[0].y) == ["20", "40"]
    assert figure.data[0].z[1][0] == pytest.approx(cells[(40, 3)], rel=1e-6)
    assert "mean over share" in figure.layout.title.text
    line = swept.plot("share", metric="costs")
    assert list(line.data[0].y) == pytest.approx(swept.table.groupby("share")["costs"].mean().tolist(), rel=1e-6)
    html = swept._repr_html_()
    assert html.count("<tr>") == 1 + 8 and "Sharpe ratio" in html
    with pytest.raises(InputError, match="Did you mean slow"):
        swept.plot("slo")


def test_a_parameter_named_like_an_outcome_keeps_its_column() -> None:
    class Named(Strategy):
        orders: int = 1

        def on_bar(self, view, bar):
            if view.bar_count(bar.instrument) <= self.orders:
                view.buy(bar.instrument, 1)

    table = run(Named, {"orders": [1, 2]}).table
    assert table["params.orders"].tolist() == [1, 2]
    assert table["orders"].tolist() == [3, 6]  # three instruments


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ({"fats": [3]}, r"Cross has no parameter 'fats'. Did you mean fast"),
        ({"fats": []}, "no parameter 'fats'"),
        ({"fast": []}, "fast has no values"),
        ({"fast": 3}, r"fast = 3: must be a list of values; one value is written \[3\]"),
        ({"fast": "35"}, "must be a list of values"),
        ({"fast": [3, "five"]}, r"set 1 \(fast='five'\): Cross.fast = 'five'"),
        ({"fast": [3, 5, 3]}, r"set 2 \(fast=3\): the same parameters as set 0"),
        ([{"fast": 5}, {"slow": 20}], "set 1 .*the same parameters as set 0"),  # both are the defaults
        ([{"fast": 5}, 7], "set 1: must be a mapping"),
        ({}, "holds no set"),
        ([], "holds no set"),
        (pd.DataFrame({"fast": []}), "holds no set"),
        (7, "must be a mapping of parameters to lists"),
        ("fast", "must be a mapping of parameters to lists"),
    ],
)
def test_a_grid_that_cannot_be_run_is_refused_before_anything_runs(grid: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framework.simulation.sweep.Runner", None)  # a run would raise a TypeError
    with pytest.raises(ConfigError, match=words):
        run(Cross, grid)


def test_kinds_of_grids() -> None:
    expected = run(Cross, {"fast": [3, 5], "slow": [20]}).table
    for grid in (
        [{"fast": 3, "slow": 20}, {"fast": np.int64(5), "slow": 20}],
        pd.DataFrame({"fast": [3, 5], "slow": 20}),
        {"fast": np.array([3, 5]), "slow": range(20, 21)},
    ):
        pd.testing.assert_frame_equal(run(Cross, grid).table.drop(columns="seconds"), expected.drop(columns="seconds"))


def test_what_is_no_class_is_refused() -> None:
    with pytest.raises(ConfigError, match="without brackets"):
        sweep(Cross(), GRID, tape())  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="processes = 0: must be at least 1"):
        run(Cross, GRID, processes=0)
    with pytest.raises(ConfigError, match="cash = 0"):
        run(Cross, GRID, cash=0)


def test_a_strategy_that_another_process_cannot_import_is_refused() -> None:
    class Local(Strategy):
        size: int = 1

    with pytest.raises(ConfigError, match="cannot be imported by another process"):
        run(Local, {"size": [1, 2]}, processes=2)


def test_a_worker_that_dies_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEP_MAY_DIE", "yes")
    with pytest.raises(WorkerLost, match=r"exit code -9 .*because no `out` was given"):
        run(Dies, [{"size": k, "fatal": 3} for k in range(1, 5)], processes=2)


def test_the_reader_settings_of_backtest() -> None:
    given: dict[str, Any] = {"data": frames(1, 100), "instruments": ["S0"], "start": "2020-02-01", "tick_size": 0.01, "lot_size": 0.5}
    row = run(Cross, {"fast": [3]}, cash=5e4, risk={"max_position_weight": 0.5}, **dict(given)).table.iloc[0]
    single = backtest(Cross(fast=3), costs=COSTS, cash=5e4, risk={"max_position_weight": 0.5}, **given)
    assert row["final_equity"] == single.equity.iloc[-1] and len(single.fills) > 0


def test_memory_stays_flat() -> None:
    """Runs leave nothing behind, though nobody collects garbage: what one holds must not hold itself."""
    sets = [{"fast": 2 + k, "slow": 60} for k in range(40)]
    run(Cross, sets[:5])
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        run(Cross, sets[:5])
        few = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        run(Cross, sets)
        many = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.enable()
    assert many < few + 500_000  # 35 more runs of 300 days and 3 instruments; one alone holds over a megabyte
