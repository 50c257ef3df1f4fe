"""Several accounts of one firm over one tape: each is what it would be alone, and is told of the whole."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.errors import InputError, StrategyError
from framework.schema.event import Kind
from framework.simulation.accounts import Account, backtest_accounts
from framework.simulation.audited_run import replay
from framework.simulation.settings import RunSettings
from tests.properties.library import walk
from tests.tapes.drawing import read, tape_of


def settings(cash: float, **keywords: Any) -> RunSettings:
    return RunSettings.of({"cash": cash, **keywords})


TAPE = tape_of(
    read(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  110 111 109 110  1000
        4  120 121 119 120  1000
        5  130 131 129 130  1000
        """
    )
)


class Buys(Strategy):
    """Buys at the first bar and notes what it knows of the firm at each."""

    shares: int = 10

    def on_start(self, view: Any) -> None:
        self.known: list[tuple[float, float, float]] = []
        self.events = 0

    def on_bar(self, view: Any, bar: Any) -> None:
        if not self.known:
            view.order("X", self.shares)
        self.known.append((view.firm_gross, view.firm_net, view.firm_equity))

    def on_event(self, view: Any, event: Any) -> None:
        self.events += event.kind is Kind.FIRM


def test_each_account_knows_the_firm_as_it_was_before_the_bar() -> None:
    """Bought at 100 on day 2: 10 long and 4 short; worth 100, 110, 120, 130 at the closes of days 2 to 5."""
    long, short = Buys(), Buys(shares=-4)
    found = backtest_accounts(
        {"long": Account(long, settings(10_000)), "short": Account(short, settings(5_000, risk={"allow_short": True}))}, TAPE
    )
    assert all(np.isnan(value) for value in (*long.known[0], *long.known[1])), "nothing was held when days 1 and 2 closed"
    expected = [(1400.0, 600.0, 15_000.0), (1540.0, 660.0, 15_060.0), (1680.0, 720.0, 15_120.0)]
    assert long.known[2:] == expected and short.known[2:] == expected
    assert long.events == 3
    assert found["long"].equity.iloc[-1] == 10_300 and found["short"].equity.iloc[-1] == 4_880
    assert found.equity["firm"].tolist() == [15_000, 15_000, 15_060, 15_120, 15_180]


def test_each_account_is_repeated_from_its_own_tape() -> None:
    accounts = {"a": Account(Buys(), settings(10_000, costs={"fee_bps": 5})), "b": Account(Buys(shares=3), settings(900))}
    found = backtest_accounts(accounts, TAPE)
    for name, shares, kw in (("a", 10, {"cash": 10_000, "costs": {"fee_bps": 5}}), ("b", 3, {"cash": 900})):
        alone = backtest(Buys(shares=shares), found.tapes[name], **kw)
        assert alone.audit_hash == found[name].audit_hash
        assert replay(Buys(shares=shares), found.tapes[name], found[name].audit).audit_hash == alone.audit_hash


def test_an_account_more_changes_no_fill_of_the_others() -> None:
    data = walk(2, 200)
    from strategies.crossover import Crossover

    def fills(*names: str) -> pd.DataFrame:
        kinds = {"fast": Crossover(fast=3, slow=8), "slow": Crossover(fast=5, slow=30)}
        found = backtest_accounts({name: Account(kinds[name], settings(50_000)) for name in names}, data)
        assert len(found["fast"].fills) > 5
        return found["fast"].fills.drop(columns=[c for c in ("order_id",) if c in found["fast"].fills])

    pd.testing.assert_frame_equal(fills("fast"), fills("fast", "slow"))
    pd.testing.assert_frame_equal(fills("fast"), fills("slow", "fast"))


def test_how_often_the_firm_is_told_is_asked_for() -> None:
    strategy = Buys()
    backtest_accounts({"a": Account(strategy, settings(10_000))}, TAPE, firm_every=dt.timedelta(days=365))
    assert strategy.events == 0
    told = Buys()
    backtest_accounts({"a": Account(told, settings(10_000))}, TAPE, firm_every=dt.timedelta(days=1))
    assert told.events == 3


def test_accounts_that_cannot_be_are_refused() -> None:
    one = Buys()
    with pytest.raises(InputError, match="accounts is empty"):
        backtest_accounts({}, TAPE)
    with pytest.raises(InputError, match="accounts 'a' and 'b' have one strategy object"):
        backtest_accounts({"a": Account(one, settings(1)), "b": Account(one, settings(1))}, TAPE)
    with pytest.raises(InputError, match="rule: one, since the firm is added up in it"):
        backtest_accounts({"a": Account(Buys(), settings(1)), "b": Account(Buys(), settings(1, currency="EUR"))}, TAPE)
    with pytest.raises(InputError, match="firm_every=0:00:00; rule: above 0"):
        backtest_accounts({"a": Account(one, settings(1))}, TAPE, firm_every=dt.timedelta(0))


def test_an_account_that_raises_ends_all() -> None:
    class Raises(Buys):
        def on_bar(self, view: Any, bar: Any) -> None:
            if bar.close == 120:
                raise ValueError("enough")
            super().on_bar(view, bar)

    with pytest.raises(StrategyError, match="enough"):
        backtest_accounts({"a": Account(Buys(), settings(10_000)), "b": Account(Raises(), settings(10_000))}, TAPE)
