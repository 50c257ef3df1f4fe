"""Orders are taken in hooks, in the thread that calls them, while the run goes on."""

import math
import threading

import pandas as pd
import pytest

from framework import Strategy, backtest, compiled
from framework.errors import InputError

DAYS = pd.date_range("2024-01-01", periods=10, freq="D", tz="UTC")
FLAT = pd.DataFrame({"open": 100.0, "high": 101.0, "low": 99.0, "close": 100.0, "volume": 1e6}, index=DAYS)


class Keeps(Strategy):
    """Keeps its view and sells one at the first bar; `elsewhere` orders once more from a thread of its own."""

    elsewhere: bool = False

    def on_start(self, view):
        self.view, self.said = view, []

    def on_bar(self, view, bar):
        if view.bar_count(bar.instrument) == 1:
            view.buy(bar.instrument, 1)
            if self.elsewhere:
                thread = threading.Thread(target=self.order)
                thread.start()
                thread.join()

    def order(self):
        try:
            self.view.buy("ASSET", 1)
        except InputError as error:
            self.said.append(str(error))


def test_a_view_that_was_kept_orders_nothing_after_its_run() -> None:
    strategy = Keeps()
    result = backtest(strategy, FLAT)
    for order in (lambda view: view.buy("ASSET", 1), lambda view: view.target_weight("ASSET", 0.5), lambda view: view.cancel(0)):
        with pytest.raises(InputError, match="the run of this view has ended"):
            order(strategy.view)
    assert result.orders["quantity"].tolist() == [1.0]


def test_a_view_that_was_kept_orders_nothing_after_a_run_that_failed() -> None:
    class Fails(Keeps):
        def on_stop(self, view):
            raise ValueError

    strategy = Fails()
    with pytest.raises(Exception, match="ValueError"):
        backtest(strategy, FLAT)
    with pytest.raises(InputError, match="the run of this view has ended"):
        strategy.view.buy("ASSET", 1)


def test_no_order_is_taken_from_another_thread() -> None:
    strategy = Keeps(elsewhere=True)
    result = backtest(strategy, FLAT)
    assert [said[:28] for said in strategy.said] == ["an order from another thread"]
    assert result.orders["quantity"].tolist() == [1.0]


@compiled
class Brackets(Strategy):
    """A bracket whose entry has a price that is no number."""

    at_stop: bool = False

    def on_bar(self, view, bar):
        if self.at_stop:
            view.bracket(bar.instrument, 1.0, target=200.0, loss=50.0, stop=math.nan)
        else:
            view.bracket(bar.instrument, 1.0, target=200.0, loss=50.0, limit=math.nan)


@pytest.mark.parametrize("at_stop", [False, True])
def test_an_entry_at_no_number_is_refused_in_both_forms(at_stop: bool) -> None:
    results = [backtest(strategy, FLAT) for strategy in (Brackets(at_stop=at_stop), Brackets.python(at_stop=at_stop))]
    for result in results:
        assert result.orders["reason"].tolist() == ["INVALID_PRICE"] * len(DAYS)
        assert result.orders["type"].unique().tolist() == ["STOP" if at_stop else "LIMIT"]
    assert results[0].audit_hash == results[1].audit_hash
