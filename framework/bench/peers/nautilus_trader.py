"""nautilus_trader: its backtest engine with a Strategy class and bars."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import nautilus_trader
from harness import Outcome
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy


def version():
    """The peer's."""
    return nautilus_trader.__version__


def prepare(work, mode):
    """What is timed on a workload, and how its result is read."""
    spec, stamps = work.spec, work.array("stamps").tolist()
    venue = Venue("SIM")
    name = InstrumentId(Symbol("WALK"), venue)
    fee = Decimal(str(spec["fee_bps"])) / 10_000
    walk = Equity(
        instrument_id=name,
        raw_symbol=Symbol("WALK"),
        currency=USD,
        price_precision=4,
        price_increment=Price.from_str("0.0001"),
        lot_size=Quantity.from_int(1),
        maker_fee=fee,
        taker_fee=fee,
        ts_event=0,
        ts_init=0,
    )
    kind = BarType.from_str(f"{name}-1-MINUTE-LAST-EXTERNAL")
    volume = Quantity.from_int(1_000_000)
    columns = zip(*(work.prices(column).tolist() for column in ("open", "high", "low", "close")), stamps, strict=True)
    bars = [Bar(kind, *(Price(value, 4) for value in row[:4]), volume, row[4], row[4]) for row in columns]
    unit, shares = spec["ticks_per_unit"], Quantity.from_int(int(spec["shares"]))

    class Cross(Strategy):
        def __init__(self):
            super().__init__()
            self.closes, self.fast_sum, self.slow_sum, self.is_long, self.filled = deque(), 0, 0, False, 0

        def on_start(self):
            self.subscribe_bars(kind)

        def on_bar(self, bar):
            close, closes, fast, slow = round(float(bar.close) * unit), self.closes, spec["fast"], spec["slow"]
            closes.append(close)
            self.fast_sum += close - (closes[-1 - fast] if len(closes) > fast else 0)
            self.slow_sum += close - (closes.popleft() if len(closes) > slow else 0)
            is_long = len(closes) == slow and self.fast_sum * slow > self.slow_sum * fast
            if is_long != self.is_long:
                self.is_long = is_long
                side = OrderSide.BUY if is_long else OrderSide.SELL
                self.submit_order(self.order_factory.market(name, side, shares))

        def on_order_filled(self, event):
            self.filled += 1

    def run():
        engine = BacktestEngine(config=BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False))
        engine.add_venue(venue, OmsType.NETTING, AccountType.CASH, [Money(spec["cash"], USD)], base_currency=USD)
        engine.add_instrument(walk)
        engine.add_data(bars)
        strategy = Cross()
        engine.add_strategy(strategy)
        engine.run()
        cash = float(engine.portfolio.account(venue).balance_total(USD))
        held = float(engine.portfolio.net_position(name))
        outcome = Outcome([cash + held * float(bars[-1].close)], strategy.filled, len(bars))
        engine.dispose()
        return outcome

    return run, lambda outcome: outcome
