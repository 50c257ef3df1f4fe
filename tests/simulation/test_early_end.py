"""Runs that raise, are interrupted or break: what was done is at hand, closed and readable, and says that it is a part."""

from __future__ import annotations

import json
import signal
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from framework import Result, Strategy, backtest, cli, compiled, sweep
from framework.engine import audit as audits
from framework.engine.audit_records import AuditRecords
from framework.errors import InputError, KernelError, StrategyError
from framework.kernel.layout import half
from framework.kernel.machine.memory_pool import Pool
from framework.kernel.trader.trader import Trader
from framework.schema.event import Kind
from framework.schema.order import Reason
from framework.simulation.audited_run import replay
from framework.simulation.simulated_world import SimulatedWorld
from tests.simulation.market import tape

ROOT = Path(__file__).parents[2]


class Quits(Strategy):
    """Buys ten at the second bar, bids far below the market at each, and at bar `at` does what `how` says."""

    how: str = "raise"
    at: int = 40

    def on_start(self, view):
        self.stopped = False
        if self.at == 0:
            raise ValueError("quits")

    def on_bar(self, view, bar):
        seen = view.bar_count(bar.instrument)
        view.order(bar.instrument, 1, limit=round(bar.low * 0.5))
        if seen == 2:
            view.buy(bar.instrument, 10)
        if seen == self.at:
            if self.how == "raise":
                raise ValueError("quits")
            if self.how == "interrupt":
                signal.raise_signal(signal.SIGINT)
            if self.how == "exit":
                raise SystemExit(3)

    def on_stop(self, view):
        self.stopped = True


@compiled
class QuitsCompiled(Strategy):
    at: int = 40

    def on_bar(self, view, bar):
        i = bar.instrument
        view.order(i, 1, limit=1.0)
        if view.bar_count(i) == self.at:
            view.mean_close(i, 5000)  # more than is kept


def early(strategy: Strategy, error: type[BaseException], **options: Any) -> Result:
    with pytest.raises(error) as caught:
        backtest(strategy, tape(1), **options)
    assert "the run up to there is the attribute `result` of this error" in caught.value.__notes__
    found: Result = caught.value.result  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(("how", "error"), [("raise", StrategyError), ("interrupt", KeyboardInterrupt), ("exit", SystemExit)])
@pytest.mark.parametrize("latency", [None, {"entry_ns": 3 * 86_400 * 10**9, "response_ns": 86_400 * 10**9}])
def test_what_was_done_is_at_hand(how: str, error: type[BaseException], latency: dict[str, int] | None, tmp_path: Path) -> None:
    strategy = Quits(how=how)
    found = early(strategy, error, latency=latency)
    assert len(found.equity) == 40 and len(found.fills) == 1 and found.positions.iloc[-1, 0] == 10
    assert found.orders["reason"].value_counts().to_dict() == {"RUN_ENDED_EARLY": 40, "NONE": 1}
    assert found.ended_early.startswith(f"Ended early: {error.__name__} at 2020-02-09T00:00:00.000000000Z")
    assert found.notes[0] == found.ended_early and "ENDED EARLY" in repr(found)
    assert f"Ended early: {error.__name__} at 2020-02-09" in found.report(tmp_path / "report.html").read_text()
    header, records = audits.read(found.audit.save(tmp_path / "audit.bin"))
    assert header["ended_early"] == f"{error.__name__} at 2020-02-09T00:00:00.000000000Z"
    ended = records[records["kind"] == Kind.ORDER_EXPIRED]
    assert len(ended) == 40 and (ended["w1"] == Reason.RUN_ENDED_EARLY).all()
    assert not strategy.stopped  # on_stop belongs to a whole run
    with pytest.raises(InputError, match="the record ends early"):
        replay(strategy, tape(1), tmp_path / "audit.bin")


def test_an_order_of_the_hook_that_failed_ends_too_where_nothing_else_works() -> None:
    class OrdersOnce(Strategy):
        def on_bar(self, view, bar):
            view.order(bar.instrument, 1, limit=1.0)
            raise ValueError("quits")

    found = early(OrdersOnce(), StrategyError)
    assert found.orders[["state", "reason"]].to_numpy().tolist() == [["EXPIRED", "RUN_ENDED_EARLY"]]


def test_the_part_is_that_of_the_whole_run() -> None:
    whole = backtest(Quits(at=-1), tape(1))
    part = early(Quits(), StrategyError)
    assert whole.ended_early == "" and "ended_early" not in whole.audit.header
    pd.testing.assert_series_equal(part.equity, whole.equity[:40])
    pd.testing.assert_frame_equal(part.fills, whole.fills[whole.fills["ts"] <= part.equity.index[-1]])


def test_a_compiled_hook_that_is_wrong_ends_as_well() -> None:
    found = early(QuitsCompiled(), InputError)
    assert found.orders["reason"].tolist() == ["RUN_ENDED_EARLY"] * 40


def test_a_run_that_never_began_has_an_empty_result() -> None:
    found = early(Quits(at=0), StrategyError)
    assert len(found.equity) == 0 and len(found.orders) == 0
    assert found.ended_early.startswith("Ended early: StrategyError before the first event: Quits.on_start")
    assert len(found.metrics) > 0 and repr(found)


def test_a_broken_kernel_applies_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    advance, count = SimulatedWorld.advance, iter(range(100))

    def breaks(self: SimulatedWorld, trader: Trader, until_ns: int) -> Any:
        if next(count) == 30:
            trader.record["broken"] = 1
            raise trader.breakage()
        return advance(self, trader, until_ns)

    monkeypatch.setattr(SimulatedWorld, "advance", breaks)
    found = early(Quits(at=-1), KernelError)
    assert set(found.orders["reason"]) == {"NONE"} and len(found.orders) == 31
    assert "It broke off in the middle of an event: 30 orders stand as they were last known." in found.notes[0]
    assert not (found.audit.of_kind(Kind.ORDER_EXPIRED)["w1"] == Reason.RUN_ENDED_EARLY).any()


def test_memory_that_is_short_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(self: SimulatedWorld, trader: Trader, need: int) -> None:
        raise MemoryError

    monkeypatch.setattr(SimulatedWorld, "_serve", short)
    monkeypatch.setattr(half, "POOL", Pool())  # the log of another run may be so large that it never fills
    with pytest.raises(MemoryError) as caught:
        backtest(Quits(at=-1), tape(1, 6000))
    found: Result = caught.value.result  # type: ignore[attr-defined]
    assert found.orders["reason"].iloc[-1] == "RUN_ENDED_EARLY"


def test_what_fails_while_it_ends_does_not_hide_why_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: SimulatedWorld, trader: Trader, why: Reason) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(SimulatedWorld, "close", fails)
    with pytest.raises(StrategyError, match="ValueError: quits") as caught:
        backtest(Quits(), tape(1))
    assert caught.value.__notes__[0] == "ending the orders that still worked failed too: MemoryError: no room"
    assert len(caught.value.result.audit.records) > 40


def test_an_interrupt_loses_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half, "POOL", Pool())  # a log that has grown in another run would fill later
    whole = backtest(Quits(at=-1), tape(1, 3000))
    add, sizes = AuditRecords.add, []

    def interrupted(self: AuditRecords, rows: Any) -> None:
        sizes.append(len(rows))
        if len(sizes) == 2:
            signal.raise_signal(signal.SIGINT)  # between the taking of the log and its keeping
        add(self, rows)

    monkeypatch.setattr(AuditRecords, "add", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        backtest(Quits(at=-1), tape(1, 3000))
    records = caught.value.result.audit.records  # type: ignore[attr-defined]
    ended = (records["w1"] == Reason.RUN_ENDED_EARLY) & (records["kind"] == Kind.ORDER_EXPIRED)
    kept = records[~ended]
    kept = kept[:-1] if kept[-1]["kind"] == Kind.TAPE else kept
    assert len(kept) >= sum(sizes[:2]) - 1 > 30 and kept.tobytes() == whole.audit.records[: len(kept)].tobytes()


def test_a_run_after_one_that_ended_early_is_not_touched() -> None:
    before = backtest(Quits(at=-1), tape(1)).audit_hash
    early(Quits(how="interrupt"), KeyboardInterrupt)
    assert backtest(Quits(at=-1), tape(1)).audit_hash == before


def test_in_a_sweep_one_that_leaves_is_a_row() -> None:
    grid = [{"how": "exit"}, {"how": "raise"}, {"how": "none"}]
    table = sweep(Quits, grid, tape(1), progress=False).table
    assert [text.partition(":")[0] for text in table["error"]] == ["the strategy left with SystemExit", "Quits.on_bar at 2020-02-09T00", ""]


CONFIG = """
strategy: {module}:Bad
params: {{how: {how}}}
data: {{source: us_equities_daily, instruments: [IBM], end: 2000-12-31}}
"""
QUITS = "from tests.simulation.test_early_end import Quits\n\nclass Bad(Quits):\n    pass\n"


@pytest.mark.parametrize("out", [True, False])
@pytest.mark.parametrize(("how", "status"), [("interrupt", 130), ("raise", 2)])
def test_the_command_writes_what_there_is(how: str, status: int, out: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.setattr(cli, "entry_points", lambda group: [EntryPoint("backtest", "framework.commands.backtest:backtest", group)] * 2)
    (tmp_path / "own").mkdir()
    module = f"quits_{how}_{out}"  # a name is imported once
    (tmp_path / "own" / f"{module}.py").write_text(QUITS)
    (tmp_path / "run.yaml").write_text(CONFIG.format(how=how, module=module))
    options = ["--out", "here"] if out else []
    shown = CliRunner().invoke(cli.assemble(), ["backtest", "run.yaml", "--strategies", "own", *options])
    assert shown.exit_code == status, shown.output
    written = list((tmp_path / ("here" if out else "runs")).rglob("metrics.json"))
    if how == "raise" and not out:
        assert written == []
        return
    assert "what was written is only a part of the run" in shown.stderr and "report.html" in shown.stderr
    said = json.loads(written[0].read_text())["ended_early"]
    assert said.startswith(f"Ended early: {'StrategyError' if how == 'raise' else 'KeyboardInterrupt'} at 2000-04-26")
    header, _ = audits.read(written[0].with_name("audit.bin"))
    assert str(header["ended_early"]).endswith("at 2000-04-26T20:00:00.000000000Z")


def test_an_interrupt_before_the_run_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("framework.simulation.backtest.run", stop)
    shown = CliRunner().invoke(cli.assemble(), ["backtest", str(ROOT / "configs" / "crossover_daily.yaml"), "--out", str(tmp_path / "o")])
    assert shown.exit_code == 130 and "interrupted before the run began; nothing was written" in shown.stderr
    assert not (tmp_path / "o").exists()
