"""Numbers at the ends of their ranges: what fits is right, what does not is refused with the range."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import Instrument, Strategy, backtest
from framework.data.tape import Tape, build
from framework.engine.market import Bar
from framework.engine.view import View
from framework.errors import ConfigError, DataError, InputError, KernelError
from framework.schema.event import EVENT, Kind
from framework.schema.units import LAST_STAMP_NS, LONGEST_NS, Step
from framework.simulation.audited_run import replay

HOUR = 3_600_000_000_000
DAY = 24 * HOUR


class Trading(Strategy):
    """Orders the quantities of `plan` after the bars with these numbers."""

    plan: dict[int, float]

    def on_bar(self, view: View, bar: Bar) -> None:
        number = view.bar_count(bar.instrument)
        if number in self.plan:
            view.order(bar.instrument, self.plan[number])


def frame(closes: list[float], volume: float = 1e6) -> pd.DataFrame:
    stamps = pd.date_range("2024-01-01 01:00", periods=len(closes), freq="h", tz="UTC")
    return pd.DataFrame({"open": closes, "high": closes, "low": closes, "close": closes, "volume": volume}, index=stamps)


@pytest.mark.parametrize(
    ("price", "tick", "lot", "cash", "leverage"),
    [
        (1e-5, "1e-8", "1e-8", 1e6, 1.0),  # the account would carry 1e19 lots
        (2e-6, "1e-8", "1e-8", 1e6, 1.0),
        (1e-5, "1e-8", "1e-8", 1e5, 10.0),
        (100.0, "0.01", "1", 1e9, 1e12),
        (1e-8, "1e-8", "1e-8", 1e6, 1.0),
        (100.0, "0.01", "1e-8", 1e13, 1.0),
    ],
)
def test_an_account_of_more_lots_than_a_word_counts_fills(price: float, tick: str, lot: str, cash: float, leverage: float) -> None:
    result = backtest(
        Trading(plan={1: 1000.0, 4: -1000.0}),
        {"A": frame([price] * 3 + [2 * price] * 3)},
        tick_size=tick,
        lot_size=lot,
        cash=cash,
        risk={"max_leverage": leverage},
    )
    assert result.orders["state"].tolist() == ["FILLED", "FILLED"]
    assert result.fills["quantity"].tolist() == [1000.0, 1000.0]
    assert result.equity.iloc[-1] == pytest.approx(cash + 1000 * price, rel=1e-15)


class Weighing(Strategy):
    """In for five bars, out for five."""

    def on_bar(self, view: View, bar: Bar) -> None:
        view.target_weight(bar.instrument, 0.9 if view.bar_count(bar.instrument) % 10 < 5 else 0.0)


def test_prices_on_no_grid_give_what_rounded_ones_give() -> None:
    generator = np.random.default_rng(7)
    closes = 60_000 * np.exp(np.cumsum(generator.normal(0, 0.004, 200)))
    raw = frame(closes.tolist()).assign(volume=generator.uniform(1, 100, 200).round(8), high=closes * 1.001, low=closes * 0.999)
    cents = raw.round({name: 2 for name in ("open", "high", "low", "close")})
    cash, units = 1e6, 0.0  # by hand: what was aimed at after a bar is bought at the price of the next
    for number in range(1, 200):
        aim = 0.9 * (cash + units * closes[number - 1]) / closes[number - 1] if number % 10 < 5 else 0.0
        cash, units = cash - (aim - units) * closes[number], aim
    for bars, close in ((raw, 1e-9), (cents, 1e-6)):
        assert backtest(Weighing(), bars, cash=1e6).equity.iloc[-1] == pytest.approx(cash + units * closes[-1], rel=close)


def events(rows: list[tuple[int, ...]], **terms: Any) -> Tape:
    return build({}, {"X": Instrument("X", **{"tick": Step(1, 1), "calendar": "24/7", **terms})}, extra=np.array(rows, dtype=EVENT))


def bar(number: int, price: int) -> tuple[int, ...]:
    return (number * DAY, number * DAY, Kind.BAR, 0, 0, price, price, price, price, 1000)


def test_a_split_of_many_lots_is_exact() -> None:
    # 2**50 lots times 3,000 pass 64 bits on the way to x 3,000 / 1,001
    lots = 2**50
    rows = [bar(1, 1), bar(2, 1), (2 * DAY + HOUR, 2 * DAY + HOUR, Kind.SPLIT, 0, 0, 3000, 1001, 0, 0, 0), bar(3, 1)]
    result = backtest(Trading(plan={1: lots * 1e-4}), events(rows, lot=Step(1, 10_000)), cash=1e13)
    assert result.positions["X"].iloc[-1] == (lots * 3000 // 1001) / 10_000
    assert result.equity.iloc[1] == 1e13


def test_a_split_beyond_what_a_word_counts_ends_the_run() -> None:
    rows = [bar(1, 1), bar(2, 1), (2 * DAY + HOUR, 2 * DAY + HOUR, Kind.SPLIT, 0, 0, 10**9, 1, 0, 0, 0), bar(3, 1), bar(4, 1)]
    with pytest.raises(KernelError, match=r"2\.31e\+18 lots held or at work in one instrument; rule: below 2\.31e\+18"):
        backtest(Trading(plan={1: 2.0**50 * 1e-4}), events(rows, lot=Step(1, 10_000)), cash=1e13)


def test_means_of_many_ticks_stay_exact() -> None:
    # 6e13 ticks a bar: the running sum passes 2**53 at bar 151, and every mean of three is still that of whole numbers
    closes = (60_000_000_000_000 + np.random.default_rng(3).integers(-(10**9), 10**9, 900)).tolist()
    seen: list[float] = []

    class Reading(Strategy):
        history = 8

        def on_bar(self, view: View, bar: Bar) -> None:
            seen.append(view.mean_close(bar.instrument, 3))

    backtest(Reading(), events([bar(n, c) for n, c in enumerate(closes, 1)]))
    assert seen[2:] == [sum(closes[n - 2 : n + 1]) / 3 for n in range(2, 900)]


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ([bar(1, 2**53 + 1)], r"event 0 \(BAR of X\), open: 9007199254740993; rule: from -9007199254740992 to 9007199254740992"),
        ([bar(1, 1), (DAY, DAY, Kind.QUOTE, 0, 0, 1, 2, 2**60, 1, 0)], r"event 1 \(QUOTE of X\), bid size: 1152921504606846976; rule"),
        ([bar(1, 1), (DAY, DAY, Kind.SPLIT, 0, 0, 2, 0, 0, 0, 0)], r"old shares: 0; rule: from 1 to 9007199254740992"),
        ([bar(1, 1), (DAY, DAY, Kind.DIVIDEND, 0, 0, 2**62 + 1, 0, 0, 0, 0)], r"amount in billionths: 4611686018427387905; rule: from 0"),
        (
            [bar(LAST_STAMP_NS // DAY + 1, 1)],
            r"2200-01-02 00:00.*rule: stamps lie from 1850-01-01 to 2200-01-01",
        ),
    ],
)
def test_events_beyond_their_range_are_refused(rows: list[tuple[int, ...]], rule: str) -> None:
    with pytest.raises(DataError, match=rule):
        events(rows)


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"cash": 1e16}, r"cash = 1e\+16: must be above 0 and at most 1e\+15"),
        ({"cash": float("nan")}, r"cash = nan: must be above 0"),
        ({"seed": 2**63}, r"seed = 9223372036854775808: must be a whole number from 0 to 2\*\*63 - 1"),
        ({"seed": -1}, r"seed = -1"),
        ({"seed": 1.5}, r"seed = 1\.5"),
        ({"costs": {"fee_bps": 2e6}}, r"costs: fee_bps = 2000000.0: must be less than or equal to 1000000"),
        ({"costs": {"queue_power": 17.0}}, r"queue_power = 17.0: must be less than or equal to 16"),
        ({"risk": {"max_leverage": 1e13}}, r"max_leverage = 10000000000000.0: must be less than or equal to 1000000000000"),
        ({"latency": {"entry_ns": LONGEST_NS + 1}}, rf"entry_ns.*{LONGEST_NS}"),
        (
            {"latency": {"entry_ns": {"model": "lognormal", "median_ns": 1e9, "sigma": 9.9}}},
            r"draws up to 6\.0\de\+24 ns; rule",
        ),
        ({"tick_size": 1 / 3}, r"a step of 3333333333333333/10000000000000000; rule: whole numbers of at most 2\*\*53"),
    ],
)
def test_settings_beyond_their_range_are_refused(settings: dict[str, Any], rule: str) -> None:
    with pytest.raises((ConfigError, InputError), match=rule):
        backtest(Trading(plan={}), frame([1.0, 1.0]), **settings)


@pytest.mark.parametrize("terms", [{"multiplier": float("inf")}, {"bar_interval_ns": LONGEST_NS + 1}, {"bar_interval_ns": -1}])
def test_terms_beyond_their_range_are_refused(terms: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"at most|rule: from 0 to"):
        Instrument("X", **terms)


class Waiting(Strategy):
    """Sets timers that come seldom, and an order that expires in the year 9999."""

    def on_start(self, view: View) -> None:
        self.fired: list[int] = []
        view.timers.every(dt.timedelta(days=3650), name="decade")

    def on_timer(self, view: View, name: str) -> None:
        self.fired.append(view.now_ns)

    def on_bar(self, view: View, bar: Bar) -> None:
        if view.bar_count(bar.instrument) == 1:
            view.order(bar.instrument, 1, limit=1.0, time_in_force="GTD", expire=dt.datetime(9999, 12, 31, tzinfo=dt.UTC))


def test_what_comes_seldom_or_never_does_not_come_early() -> None:
    strategy = Waiting()
    result = backtest(strategy, events([bar(400, 5), bar(401, 5), bar(3651, 5), bar(7400, 5)]))
    assert strategy.fired == [3650 * DAY, 7300 * DAY]
    assert result.orders["reason"].tolist() == ["END_OF_DATA"]


def test_a_delisting_pays_for_more_than_64_bits_count() -> None:
    class Holds(Strategy):
        def on_bar(self, view, bar):
            if view.bar_count(bar.instrument) == 1:
                view.order(bar.instrument, 10.0)

    days = pd.date_range("2024-01-01", periods=4, freq="D", tz="UTC")
    bars = pd.DataFrame({"open": 60_000.0, "high": 60_000.0, "low": 60_000.0, "close": 60_000.0, "volume": 1e6}, index=days[:3])
    actions = pd.DataFrame({"symbol": ["X"], "ts": [days[3]], "kind": ["delist"], "value": ["59000"]})
    result = backtest(Holds(), {"X": bars}, cash=1e6, tick_size="1e-9", lot_size="1e-8", actions=actions)  # 5.9e13 ticks x 1e9 lots
    assert result.equity.iloc[-1] == pytest.approx(1e6 - 10 * 1_000, abs=0.01)


@pytest.mark.parametrize("plan", [{}, {1: 1.0}], ids=["on the fast lane", "off it"])
def test_a_bar_that_closes_at_the_epoch_has_its_point(plan: dict[int, float]) -> None:
    tape = events([bar(0, 5), bar(1, 5), bar(2, 6)])
    result = backtest(Trading(plan=plan), tape)
    assert len(result.equity) == 3
    assert replay(Trading(plan=plan), tape, result.audit).equity.equals(result.equity)
