"""Memory of long runs: what has ended leaves it, results stay whole, and what a strategy may read does not depend on what is there."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal

from framework import Result, State, Strategy, backtest, compiled, sweep
from framework.engine import audit_records
from framework.engine.audit_records import AuditRecords
from framework.errors import InputError
from framework.kernel.layout.table_room import KEPT_ORDERS
from framework.kernel.trader import let_go
from framework.simulation import through

ROOT = Path(__file__).parents[2]
ORDERS_A_BAR, CASH = 20, 1_000_000.0
LONG = 200_000


class Busy(Strategy):
    """Buys one share twenty times at each even bar and sells them at each odd one, behind a bid and a bracket that wait until the end.

    From bar `since` on it asks at each bar what was filled of order `asks`.
    """

    waits: int = 1
    asks: int = -1
    since: int = 0
    bar: State[int] = 0
    told: State[int] = 0
    canceled: State[int] = 0

    def on_bar(self, view, bar):
        i = bar.instrument
        if self.bar == 0 and self.waits != 0:
            view.order(i, 1.0, limit=60.0)
            view.bracket(i, 1.0, limit=70.0, target=80.0, loss=30.0)
        if self.asks >= 0 and self.bar >= self.since:
            if view.cancel(self.asks):
                self.canceled += 1
            if view.is_done(self.asks):
                self.told += 1
            view.filled_quantity(self.asks)
        if self.waits == 0 or not view.is_done(0):
            side = 1.0 if self.bar % 2 == 0 else -1.0
            for _ in range(20):
                view.order(i, side)
        self.bar += 1


class OldFill(Busy):
    """Asks of the old bid when it is told that it has filled."""

    waits: int = 1
    asks: int = -1
    since: int = 0
    bar: State[int] = 0
    told: State[int] = 0
    canceled: State[int] = 0
    seen: State[float] = 0.0

    def on_order(self, view, order):
        if order.order_id == 0 and view.is_done(0):
            self.seen += view.filled_quantity(0)


def quick(kind: type[Strategy]) -> Any:
    """The same strategy, compiled."""
    words = {name: value for base in reversed(kind.__mro__[:-1]) if base is not Strategy for name, value in vars(base).items()}
    kept = {
        name: value
        for name, value in words.items()
        if name in ("waits", "asks", "since", "bar", "told", "canceled", "seen", "on_bar", "on_order")
    }
    return compiled(type(f"Quick{kind.__name__}", (Strategy,), {"__annotations__": kind.__annotations__, "__module__": __name__, **kept}))


QuickBusy, QuickOldFill = quick(Busy), quick(OldFill)


def bars(orders: int) -> pd.DataFrame:
    """Minutes that open at 100 where what was bought at the close before is filled, and at 101 where it is sold; then 50, then 90.

    An even number of them trade, so that nothing is held but what fills in the end: the bid at 50, the entry at 50, the target at 90.
    """
    count = orders // ORDERS_A_BAR
    price = np.concatenate((np.where(np.arange(count + 1) % 2 == 1, 100.0, 101.0), [50.0, 90.0, 90.0]))
    index = pd.date_range("2024-01-01", periods=len(price), freq="min", tz="UTC")
    return pd.DataFrame({"open": price, "high": price, "low": price, "close": price, "volume": 1e9}, index=index)


def run(strategy: Strategy, orders: int = LONG) -> Result:
    return backtest(strategy, {"X": bars(orders)}, cash=CASH)


@pytest.fixture
def small_stores(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Files from 100 kB on; the list has an entry for each time that rows were put aside there."""
    monkeypatch.setattr(through, "_HELD_BYTES", dict.fromkeys(through._HELD_BYTES, 100_000))
    aside, put = [], AuditRecords._put_aside

    def counted(self: AuditRecords) -> None:
        aside.append(len(self))
        put(self)

    monkeypatch.setattr(AuditRecords, "_put_aside", counted)
    return aside


def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing go."""
    monkeypatch.setattr(let_go, "STEP_ROWS", 1 << 30)


def assert_same(one: Result, other: Result) -> None:
    assert one.audit.records.tobytes() == other.audit.records.tobytes()
    assert_series_equal(one.equity, other.equity)
    for name in ("orders", "fills", "trades", "round_trips", "exposure", "positions"):
        assert_frame_equal(getattr(one, name), getattr(other, name))


def test_results_are_whole_where_rows_have_left_memory(small_stores: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 20 x 10,000 orders and the four that wait, each is in the result; the four, let go while they lived, fill as they stand."""
    gone = run(QuickOldFill())
    bars_traded = LONG // ORDERS_A_BAR
    assert len(gone.orders) == LONG + 4 + ORDERS_A_BAR  # those of the last bar before the fall are filled at 50
    assert small_stores and max(small_stores) > KEPT_ORDERS
    first = gone.orders.iloc[:4]
    assert first["state"].tolist() == ["FILLED", "FILLED", "FILLED", "CANCELLED"]
    assert first["filled_quantity"].tolist() == [1.0, 1.0, 1.0, 0.0]
    assert first["average_price"].tolist()[:3] == [50.0, 50.0, 90.0]
    made = (bars_traded // 2) * ORDERS_A_BAR * 1.0
    held = ORDERS_A_BAR * (90.0 - 50.0) + (90.0 - 50.0) + (90.0 - 50.0)
    assert gone.equity.iloc[-1] == CASH + made + held
    assert len(gone.trades) == bars_traded // 2 * ORDERS_A_BAR + 1
    in_memory(monkeypatch)
    small_stores.clear()
    assert_same(gone, run(QuickOldFill()))


def test_python_and_compiled_read_the_same(small_stores: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The fill of the old bid is read in its hook, in both; and each says the same of an order that ended long ago."""
    slow, fast = OldFill(), QuickOldFill()
    assert_same(run(slow), run(fast))
    assert slow.seen == fast.seen == 1.0
    said = []
    for kind in (Busy, QuickBusy):
        with pytest.raises(InputError) as caught:
            run(kind(asks=10, since=1))
        said.append(str(caught.value).splitlines()[0])
    in_memory(monkeypatch)
    with pytest.raises(InputError) as caught:
        run(QuickBusy(asks=10, since=1))
    said.append(str(caught.value).splitlines()[0])
    assert len({text[text.index("order 10") :] for text in said}) == 1
    # order 10 can be read while fewer than 65,536 were placed after it: at bar 3,278 they are 65,564 - 11
    assert "order 10 has ended, and 65,553 orders were placed after it" in said[0]
    assert "while fewer than 65,536 were" in said[0]


def test_an_old_order_can_be_asked_whether_it_has_ended(small_stores: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it has ended is known of every order, and a cancel of one that has is none."""

    class Asks(Busy):
        def on_bar(self, view: Any, bar: Any) -> None:
            Busy.on_bar(self, view, bar)
            if self.bar > 7_000:
                self.told += int(view.is_done(10))
                self.canceled += int(view.cancel(10))
                assert [order.order_id for order in view.working_orders()][:3] == [0, 1, 2][: 3 * (not view.is_done(0))] or view.is_done(0)

    asks = Asks()
    run(asks)
    assert asks.told > 2_900
    assert asks.canceled == 0


def test_nothing_may_live_when_rows_go(small_stores: list[int]) -> None:
    """20 orders at each of 10,000 bars and of the four that follow; all but the last bar's, which the data's end expires, have filled."""
    result = run(QuickBusy(waits=0))
    assert len(result.orders) == LONG + 4 * ORDERS_A_BAR
    assert (result.orders["state"] == "FILLED").sum() == LONG + 3 * ORDERS_A_BAR


def test_a_sweep_counts_what_has_left_memory(small_stores: list[int]) -> None:
    """20 x 10,000 fills at 100 and 101, 20 at 50, and the bid, the entry and the target."""
    table = sweep(QuickBusy, {"since": [0]}, {"X": bars(LONG)}, cash=CASH, progress=False).table
    assert int(table["fills"].iloc[0]) == LONG + ORDERS_A_BAR + 3
    assert int(table["orders"].iloc[0]) == LONG + ORDERS_A_BAR + 4


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(through, "_HELD_BYTES", dict.fromkeys(through._HELD_BYTES, 100_000))

    def full(**_: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(audit_records.tempfile, "TemporaryFile", full)
    with pytest.raises(InputError, match=r"folder for temporary files: .*No space left.*Make room in .*TMPDIR"):
        run(QuickBusy())


_TEN_MILLION = """
import json, sys
from pathlib import Path
from framework import backtest
from framework.bench.memory import resident_kb
from framework.data.tape import build
from framework.schema.instrument import Instrument
from tests.simulation.test_bounded_memory import CASH, QuickBusy, bars

def peak_kb():
    return int(next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")).split()[1])

backtest(QuickBusy(), {"X": bars(200)}, cash=CASH)
tape = build({"X": bars(int(sys.argv[1]))}, {"X": Instrument("X")})
Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here on
before = resident_kb()
result = backtest(QuickBusy(), tape, cash=CASH)
grown = peak_kb() - before
audit = result.audit_hash
print(json.dumps({"grown_mb": grown / 1024, "hashed_mb": (peak_kb() - before) / 1024, "equity": float(result.equity.iloc[-1])}))
"""


def told(orders: int) -> dict[str, float]:
    command = [sys.executable, "-c", _TEN_MILLION, str(orders)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_ten_million_orders_take_three_hundred_megabytes() -> None:
    """What the process holds at most above the start, with the tape in hand; the equity by the plain formula."""
    found = told(10_000_000)
    assert found["grown_mb"] < 300.0
    assert found["hashed_mb"] < 300.0
    assert found["equity"] == CASH + 10_000_000 / 2 + ORDERS_A_BAR * 40.0 + 80.0
