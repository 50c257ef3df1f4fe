"""Money at the ends of its ranges: the kernel's cash and equity against decimals, from ticks of 1e-12 to accounts of 1e12.

Ticks down to 1e-12, lots down to 1e-8, prices from 1e-10 to 1e6, cash up to 1e12; shares, shares in another currency, linear and inverse
contracts. The two agree to 0.01 of the account's currency while less than 1e12 was traded, else to 1e-12 of what was. What does not
fit is refused at load, or as an order, by a rule with numbers. Of the audit only ticks and lots of the fills are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framework import Instrument, Strategy, backtest
from framework.engine.market import Bar
from framework.engine.view import View
from framework.errors import DataError
from framework.reports.result import Result
from framework.schema.event import Kind
from framework.schema.instrument import InstrumentKind
from framework.schema.units import LARGEST_STEPS, Step
from tests.properties.decimal_ledger import PRECISION, ZERO, Holding, Ledger, exact
from tests.properties.test_derivative_ledger import Contract

BARS = 16
FEE, HALF_SPREAD = Decimal("0.0005"), Decimal("0.0001")
PENNY, PART, MUCH = Decimal("0.01"), Decimal("1e-12"), Decimal("1e12")


@dataclass(frozen=True)
class Trial:
    """A run of one instrument; `weights` are percent of equity aimed at after each bar, 999 leaves the position as it is."""

    seed: int
    kind: str  # "share", "foreign", "linear" or "inverse"
    tick_decimals: int
    lot_decimals: int
    price: float
    cash: float
    weights: tuple[int, ...]

    @property
    def tick(self) -> Step:
        return Step(1, 10**self.tick_decimals)

    @property
    def lot(self) -> Step:
        return Step(1, 10**self.lot_decimals)

    @property
    def prices(self) -> list[int]:
        """Closes in ticks: a walk of some percent a bar."""
        level, walk = max(round(self.price * 10**self.tick_decimals), 50), []
        for step in np.random.default_rng(self.seed).integers(-400, 401, BARS).tolist():
            level = max(level + level * step // 10_000, 20)
            walk.append(level)
        return walk

    @property
    def pair(self) -> list[int]:
        """Closes of the foreign currency, in parts of 10,000."""
        return (12_000 + np.cumsum(np.random.default_rng((self.seed, 1)).integers(-200, 201, BARS))).tolist()


trials = st.builds(
    Trial,
    st.integers(0, 2**20),
    st.sampled_from(("share", "foreign", "linear", "inverse")),
    st.integers(0, 12),
    st.integers(0, 8),
    st.builds(lambda digits, power: digits * 10.0**power, st.integers(100, 999), st.integers(-12, 4)).filter(lambda p: 1e-10 <= p <= 1e6),
    st.builds(lambda digits, power: digits * 10.0**power, st.integers(1, 10), st.integers(2, 11)),
    st.lists(st.sampled_from((-200, -90, -10, 0, 5, 60, 150, 200, 999)), min_size=BARS, max_size=BARS).map(tuple),
)


class Aiming(Strategy):
    """Aims by the plan and notes its account after each bar."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        self.trial = trial
        self.notes: dict[int, tuple[float, float, float]] = {}

    def on_bar(self, view: View, bar: Bar) -> None:
        if bar.instrument != "X":
            return
        self.notes[view.now_ns] = (view.cash_in("USD"), view.cash_in("EUR") if "EURUSD" in view.instruments else 0.0, view.equity)
        weight = self.trial.weights[view.bar_count("X") - 1]
        if weight != 999:
            view.target_weight("X", weight / 100)


def frame(ticks: list[int], step: Step, volume: float) -> pd.DataFrame:
    closes = np.array([step.to_float(count) for count in ticks])
    stamps = pd.date_range("2024-01-01 01:00", periods=BARS, freq="h", tz="UTC")
    return pd.DataFrame({"open": closes, "high": closes, "low": closes, "close": closes, "volume": volume}, index=stamps)


def terms_of(trial: Trial) -> Instrument:
    common = {"calendar": "24/7", "tick": trial.tick, "lot": trial.lot}
    if trial.kind == "share":
        return Instrument("X", **common)
    if trial.kind == "foreign":
        return Instrument("X", currency="EUR", **common)
    margins = {"kind": InstrumentKind.PERPETUAL, "initial_margin": 0.05, "maintenance_margin": 0.001}
    if trial.kind == "linear":
        return Instrument("X", **common, **margins)
    return Instrument("X", base_currency="EUR", inverse=True, **common, **margins)


def played(trial: Trial) -> tuple[Aiming, Result]:
    terms, data = terms_of(trial), {"X": frame(trial.prices, trial.tick, 1000 * trial.lot.size)}
    specs = {"X": terms}
    if trial.kind in ("foreign", "inverse"):
        data["EURUSD"] = frame(trial.pair, Step(1, 10_000), 1.0)
        specs["EURUSD"] = Instrument("EURUSD", Step(1, 10_000), kind=InstrumentKind.FX, base_currency="EUR", calendar="24/7")
    strategy = Aiming(trial)
    slippage = float(HALF_SPREAD * 10_000) if trial.kind in ("share", "foreign") else 0.0
    result = backtest(
        strategy,
        data,
        cash=trial.cash,
        instrument_specs=specs,
        costs={"fee_bps": float(FEE * 10_000), "half_spread_bps": slippage},
        risk={"allow_short": True, "max_leverage": 10.0},
    )
    return strategy, result


class Account:
    """The account in decimals: a `Ledger` for shares, the published formulas for contracts."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.terms = trial, terms_of(trial)
        self.unit, self.size = (exact(Fraction(step.numerator, step.denominator)) for step in (trial.tick, trial.lot))
        self.currency = self.terms.settlement_currency
        self.ledger = Ledger("USD", Decimal(trial.cash), {"X": Holding(self.currency, Decimal(1), self.size)})
        self.ledger.cash.setdefault("EUR", ZERO)
        self.contract = Contract(self.terms) if self.terms.is_derivative else None
        self.gross = ZERO

    def fill(self, side: int, ticks: int, lots: int) -> None:
        quantity, price = lots * self.size, ticks * self.unit
        if self.contract is None:
            value = quantity * price
            self.ledger.fill("X", side * quantity, price, value * HALF_SPREAD, value * FEE, 0)
        else:
            value = self.contract.notional(quantity, price)
            self.ledger.cash[self.currency] += self.contract.fill(side * quantity, price) - value * FEE
        self.gross += value * self.ledger.rates[self.currency]

    def mark(self, ticks: int, pair: int) -> None:
        self.ledger.rates["EUR"] = Decimal(pair) / 10_000
        if self.contract is None:
            self.ledger.mark("X", ticks * self.unit)
        else:
            self.contract.mark = ticks * self.unit

    @property
    def equity(self) -> Decimal:
        profit = self.contract.open_profit() if self.contract is not None and self.contract.parts else ZERO
        return self.ledger.equity + profit * self.ledger.rates[self.currency]

    def compare(self, note: tuple[float, float, float]) -> None:
        rate = self.ledger.rates["EUR"]
        limit = PENNY if self.gross < MUCH else PART * self.gross
        dollars, euros, equity = note
        assert abs(Decimal(dollars) - self.ledger.cash["USD"]) <= limit
        assert abs(Decimal(euros) - self.ledger.cash["EUR"]) * rate <= limit
        assert abs(Decimal(equity) - self.equity) <= limit, (self.trial, equity, self.equity, self.gross)


def checked(trial: Trial) -> tuple[int, int]:
    """Play a trial and compare; returns how many fills there were and how many orders were beyond the range."""
    if max(trial.prices) > LARGEST_STEPS:
        with pytest.raises(DataError, match=r"rule: at most 9\.0e\+15 \(2\*\*53\).*Give tick_size="):
            played(trial)
        return 0, 0
    strategy, result = played(trial)
    orders = result.orders
    beyond = orders[orders["reason"] == "BEYOND_RANGE"]
    assert (beyond["need"].abs() > LARGEST_STEPS * trial.lot.size).all()
    assert np.allclose(beyond["have"], LARGEST_STEPS * trial.lot.size)
    closes = dict(zip(strategy.notes, zip(trial.prices, trial.pair, strict=True), strict=True))
    fills = result.audit.records[result.audit.records["kind"] == Kind.ORDER_FILLED]
    with localcontext(prec=PRECISION):
        account, at = Account(trial), 0
        for stamp, (ticks, pair) in closes.items():
            while at < len(fills) and fills["ts_local_ns"][at] <= stamp:
                side = 1 if orders["side"].iloc[int(fills["w0"][at])] == "BUY" else -1
                account.fill(side, int(fills["w1"][at]), int(fills["w2"][at]))
                at += 1
            account.mark(ticks, pair)
            account.compare(strategy.notes[stamp])
        assert at == len(fills)
    return len(fills), len(beyond)


quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=quiet)
@given(trials)
def test_money_equals_decimals_from_the_smallest_to_the_largest(trial: Trial) -> None:
    checked(trial)


@pytest.mark.long
@settings(max_examples=5000, deadline=None, database=None, suppress_health_check=quiet)
@given(trials)
def test_money_equals_decimals_on_new_draws(trial: Trial) -> None:
    checked(trial)


def test_the_trials_reach_what_they_are_for() -> None:
    flips = (60, -90, 60, -90, 150, -200, 150, 0) * 2
    assert checked(Trial(1, "share", 9, 8, 60_000.0, 1e6, flips))[0] >= 8  # 6e13 ticks x 1e9 lots are 6e22: beyond 64 bits
    assert checked(Trial(1, "inverse", 2, 4, 60_000.0, 1e6, flips))[0] >= 8
    assert checked(Trial(1, "linear", 12, 0, 500.0, 1e12, flips))[0] >= 8
    assert checked(Trial(1, "share", 12, 8, 1e-9, 1e12, flips))[1] >= 8  # 6e28 lots
    assert checked(Trial(1, "foreign", 12, 0, 1e-10, 1e3, flips))[0] >= 8
    assert max(Trial(1, "share", 12, 0, 1e6, 1e6, flips).prices) > LARGEST_STEPS


class Trickling(Strategy):
    """Buys and sells one lot at a time."""

    def on_bar(self, view: View, bar: Bar) -> None:
        view.order(bar.instrument, 0.01 if view.bar_count(bar.instrument) % 2 else -0.01)


def test_many_small_fills_on_a_large_account_lose_nothing() -> None:
    # each buys 0.01 at 0.07 and sells it at 0.03: a loss of 0.0004, 1/300 of what a float of 1e12 tells apart; 20,000 make 8.00
    bars = 40_000
    prices = np.where(np.arange(bars) % 2 == 1, 0.07, 0.03)
    stamps = pd.date_range("2024-01-01 00:01", periods=bars, freq="min", tz="UTC")
    data = pd.DataFrame({"open": prices, "high": prices, "low": prices, "close": prices, "volume": 1.0}, index=stamps)
    result = backtest(Trickling(), data, cash=1e12, tick_size="0.01", lot_size="0.01")
    trips = len(result.trades)
    assert trips == bars // 2 - 1
    assert result.equity.iloc[-2] == pytest.approx(1e12 - 0.0004 * trips, abs=2e-3)
