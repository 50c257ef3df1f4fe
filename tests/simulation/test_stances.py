"""Stances that stand on a tape: every way of ordering meets them, what follows is in the audit, and a replay derives it again."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import State, Strategy, backtest, compiled
from framework.data.tape import Tape, build
from framework.engine.audit import Audit
from framework.engine.market import Bar
from framework.engine.view import View
from framework.errors import DataError, KernelError
from framework.kernel.trader.apply import ANSWERS
from framework.schema.codec import to_frame
from framework.schema.event import EVENT, NO_INSTRUMENT, Kind
from framework.schema.instrument import Instrument
from framework.schema.order import Reason
from framework.schema.stance import AlarmKind, Scope, Stance
from framework.schema.units import Step
from framework.simulation.audited_run import replay
from framework.simulation.run_tables import _booked

HOUR = 3_600_000_000_000
ANSWERS_TAKE_TIME = {"entry_ns": HOUR // 4, "response_ns": HOUR // 4}


def tape(*stances: tuple[int, Scope, int, Stance], hours: int = 9) -> Tape:
    """Hourly bars of X and Y at 100, 101, ...; (hour, scope, key, stance): set half an hour after that bar."""
    rows = []
    for n in range(1, hours + 1):
        price = 99 + n
        rows += [(n * HOUR, n * HOUR, Kind.BAR, 0, i, price, price + 2, price - 2, price, 1000) for i in (0, 1)]
        for hour, scope, key, stance in stances:
            if hour == n:
                at = n * HOUR + HOUR // 2
                rows.append((at, at, Kind.STANCE, 0, NO_INSTRUMENT, scope, key, stance, Reason.USER, 0))
    terms = {name: Instrument(name, tick=Step(1, 1), calendar="24/7") for name in ("X", "Y")}
    return build({}, terms, extra=np.array(rows, dtype=EVENT))


@compiled
class Ordering(Strategy):
    """Buys 10 and rests an exit and an entry after the first bar of X, then buys 1 after every bar; notes each stance as a digit."""

    seen: State[int] = 0

    def on_bar(self, view: Any, bar: Any) -> None:
        if bar.instrument != 0:
            return
        count = view.bar_count(0)
        self.seen = self.seen * 10 + view.stance(0) + (1 if view.stance(0) == Stance.NORMAL else 0)
        if count == 1:
            view.order(0, 10.0)
            view.order(0, 5.0, limit=50.0)
            view.order(0, -5.0, limit=500.0)
        else:
            view.order(0, 1.0)


# A market order fills at the open of the next bar to begin, and a cancel inside a bar comes after its open. At 4:30, with no latency, 12
# are held, and the 1 of 4:00 has met an open already; with a quarter of an hour to the venue and back 11 are known to be held, the 1 of
# 3:00 has met one, and the cancel overtakes the 1 of 4:00.
CASES = [({}, [12.0, 1.0], 1.0), (ANSWERS_TAKE_TIME, [11.0, 1.0], 0.0)]


@pytest.mark.parametrize(("latency", "closed", "left"), CASES, ids=["at once", "answers take time"])
def test_flatten_closes_the_position_and_refuses_from_then_on(latency: dict[str, int], closed: list[float], left: float) -> None:
    market = tape((4, Scope.ACCOUNT, 0, Stance.FLATTEN), (7, Scope.ACCOUNT, 0, Stance.NORMAL))
    fast, slow = Ordering(), Ordering.python()
    result, again = (backtest(one, market, latency=latency, risk={"allow_short": True}) for one in (fast, slow))
    assert result.audit_hash == again.audit_hash
    assert replay(fast, market, result.audit).audit_hash == result.audit_hash
    assert (fast.seen, slow.seen) == (111144411, 111144411)
    orders = result.orders
    closing = orders[orders["side"].eq("SELL") & orders["limit_price"].isna()]
    assert closing[["quantity", "state"]].to_numpy().tolist() == [[quantity, "FILLED"] for quantity in closed]
    assert closing["decided_at"].iloc[0] == pd.Timestamp("1970-01-01 04:30", tz="UTC")
    assert orders.loc[orders["limit_price"].notna(), ["state", "reason"]].to_numpy().tolist() == [["CANCELLED", "STANCE"]] * 2
    assert result.refused["reason"].tolist() == ["STANCE"] * 3
    assert [at.hour for at in result.refused["ts"]] == [5, 6, 7]
    assert result.refused[["need", "have"]].drop_duplicates().to_numpy().tolist() == [[4.0, 0.0]]
    assert result.positions["X"].loc["1970-01-01 07:15":"1970-01-01 08:00"].eq(0.0).all()
    assert result.positions["X"].iloc[-1] == left  # the 1 of 8:00 at the open of the last bar, where it comes in time


def test_killed_leaves_the_position() -> None:
    result = backtest(Ordering(), tape((4, Scope.FIRM, 0, Stance.KILLED)), risk={"allow_short": True})
    assert result.positions["X"].iloc[-1] == 13.0
    assert result.refused["need"].tolist() == [5.0] * 5


class Weights(Strategy):
    """In X with half of equity after each odd hour, out after each even one."""

    def on_bar(self, view: View, bar: Bar) -> None:
        if bar.instrument == "X":
            view.target_weight("X", 0.5 if view.bar_count("X") % 2 else 0.0)


def test_targets_of_hooks_and_arrays_meet_it_alike() -> None:
    market = tape((3, Scope.INSTRUMENT, 0, Stance.REDUCE_ONLY))
    stamps = pd.to_datetime([n * HOUR for n in range(1, 10)], utc=True)
    weights = pd.DataFrame({"X": [0.5 if n % 2 else 0.0 for n in range(1, 10)]}, index=stamps)
    for result in (backtest(Weights(), market), backtest(weights=weights, data=market)):
        assert result.refused["reason"].tolist() == ["STANCE"] * 3  # of 5, 7 and 9 hours
        assert [at.hour for at in result.refused["ts"]] == [5, 7, 9]
        assert result.fills["side"].tolist() == ["BUY", "SELL", "BUY", "SELL"]  # what was bought at 3 is sold at 4
        assert result.positions["X"].iloc[-1] == 0.0


def test_a_run_without_a_stance_has_no_column_of_owners_and_one_with_owners_has() -> None:
    class Owned(Strategy):
        def on_bar(self, view: View, bar: Bar) -> None:
            view._trader.record["owner"] = view.bar_count("X") % 3
            if bar.instrument == "X":
                view.buy("X", 1)

    assert "owner" not in backtest(Ordering(), tape()).orders
    market = tape(hours=5)
    result = backtest(Owned(), market)
    assert result.orders["owner"].tolist() == [1, 2, 0, 1, 2]
    assert replay(Owned(), market, result.audit).audit_hash == result.audit_hash


def test_a_stance_of_one_strategy_cancels_its_orders_only() -> None:
    class Two(Strategy):
        def on_bar(self, view: View, bar: Bar) -> None:
            if bar.instrument == "X" and view.bar_count("X") == 1:
                for owner in (1, 2):
                    view._trader.record["owner"] = owner
                    view.buy("X", 1, limit=50.0)

    result = backtest(Two(), tape((2, Scope.OWNER, 2, Stance.CANCEL_ALL)))
    assert result.orders[["owner", "state"]].to_numpy().tolist() == [[1, "EXPIRED"], [2, "CANCELLED"]]


class Misled(Strategy):
    """Is told of a fill of an order that there is not, after the second bar of X."""

    def on_bar(self, view: View, bar: Bar) -> None:
        if bar.instrument == "X" and view.bar_count("X") == 2:
            event = np.zeros(1, dtype=EVENT)
            event["ts_local_ns"], event["kind"], event["w0"], event["w1"], event["w2"] = view.now_ns, Kind.ORDER_FILLED, 7, 100, 5
            call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(ANSWERS.address)
            call(view._trader.address, event.ctypes.data)


def test_a_simulated_venue_that_says_what_cannot_be_ends_the_run() -> None:
    with pytest.raises(
        KernelError, match=r"order 7 in state NONE: ORDER_FILLED cannot be \(UNKNOWN_ORDER\); rule: .*1970-01-01T02:00"
    ) as found:
        backtest(Misled(), tape())
    audit = found.value.result.audit  # type: ignore[attr-defined]
    assert audit.of_kind(Kind.ALARM)[["w0", "w1", "w2", "w3"]].tolist() == [(AlarmKind.UNKNOWN_ORDER, 7, Kind.ORDER_FILLED, 0)]


def test_fills_that_could_not_be_booked_are_in_no_table() -> None:
    rows = np.zeros(6, dtype=EVENT)
    rows["kind"] = [Kind.ORDER_FILLED, Kind.ORDER_FILLED, Kind.ALARM, Kind.ORDER_FILLED, Kind.ALARM, Kind.ORDER_FILLED]
    rows["w0"] = [0, 7, AlarmKind.UNKNOWN_ORDER, 0, AlarmKind.OVERFILL, 1]
    rows["w2"][[2, 4]] = Kind.ORDER_FILLED
    assert _booked(rows)["w0"].tolist() == [0, 0, 1]
    assert len(_booked(rows[:0])) == 0


def test_a_record_of_words_that_cannot_be_can_be_read() -> None:
    rows = np.zeros(3, dtype=EVENT)
    rows["kind"], rows["w1"] = [Kind.ORDER_CANCELLED, Kind.ORDER_UNKNOWN, 999], [-7, Reason.NO_ANSWER, 0]
    audit = Audit({}, lambda: rows)
    audit.collect()
    table = to_frame(audit.records)
    assert table["reason"].tolist() == ["-7", "NO_ANSWER", ""]
    assert table["kind"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((4, 0, 0, 0), r"scope 4; rule: one of 0 \(INSTRUMENT\)"),
        ((0, 2, 0, 0), "INSTRUMENT 2; rule: from 0 to 1"),
        ((1, 32768, 0, 0), "OWNER 32768; rule: from 0 to 32767"),
        ((2, 1, 0, 0), "ACCOUNT 1; rule: from 0 to 0"),
        ((0, 0, 6, 0), r"stance 6; rule: one of 0 \(NORMAL\)"),
        ((0, 0, 5, 29), "reason 29; rule: one of"),
    ],
)
def test_a_stance_that_cannot_be_is_refused_on_a_tape(words: tuple[int, int, int, int], said: str) -> None:
    rows = np.array([(HOUR, HOUR, Kind.STANCE, 0, NO_INSTRUMENT, *words, 0)], dtype=EVENT)
    with pytest.raises(DataError, match=rf"extra event 0 \(STANCE\): {said}"):
        build({}, {name: Instrument(name, calendar="24/7") for name in ("X", "Y")}, extra=rows)
