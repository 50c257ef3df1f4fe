"""Laws of fills on bars, over random runs: inside the range, inside the volume, never after an order's end, whatever the names are."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.data.tape import build
from framework.engine.view import View
from framework.reports.result import Result
from framework.schema.event import Kind
from framework.schema.instrument import Instrument
from tests.seeds import seeds

BARS, SHARE = 40, 0.2
RUNS = 40


@dataclass(frozen=True)
class Market:
    """Two instruments' bars, and what is allowed on them."""

    bars: dict[str, pd.DataFrame]
    costs: dict[str, Any]
    risk: dict[str, Any]
    latency: dict[str, int]


def market(seed: int) -> Market:
    """Random bars with gaps and scarce volume; every third run has latency, every second a share of the volume for us."""
    generator = np.random.default_rng(seed)
    index = pd.date_range("2024-01-02", periods=BARS, tz="UTC")
    bars = {}
    for symbol in "AZ":
        close = 100 * np.exp(np.cumsum(generator.normal(0, 0.02, BARS)))
        first = np.r_[100, close[:-1]] * np.exp(generator.normal(0, 0.015, BARS))
        high = np.maximum(first, close) * np.exp(np.abs(generator.normal(0, 0.01, BARS)))
        low = np.minimum(first, close) * np.exp(-np.abs(generator.normal(0, 0.01, BARS)))
        columns = {"open": first, "high": high, "low": low, "close": close}
        frame = pd.DataFrame({name: np.round(prices, 2) for name, prices in columns.items()}, index=index)
        bars[symbol] = frame.assign(volume=generator.integers(0, 200, BARS).astype(float))
    costs = {"max_participation": SHARE} if seed % 2 else {}
    costs |= {"limit_fill": "touch"} if seed % 5 == 0 else {}
    return Market(bars, costs, {"allow_short": True, "max_leverage": 20.0}, {"entry_ns": 10**9} if seed % 3 == 0 else {})


class Busy(Strategy):
    """Sends random orders of all kinds: brackets, children, groups, reduce-only ones; cancels and changes some."""

    def prepare(self, seed: int, names: dict[str, str]) -> Busy:
        """`names`: what the instruments "A" and "Z" are called."""
        self.generator, self.names = np.random.default_rng((seed, 7)), names
        return self

    def on_bars(self, view: View, bars: Any) -> None:
        for name in ("A", "Z"):
            for _ in range(2):
                self.act(view, self.names[name])

    def act(self, view: View, symbol: str) -> None:
        draw = self.generator
        price, side, quantity = view.price(symbol), int(draw.choice((1, -1))), float(draw.integers(1, 30))
        near, far = (round(price * float(step), 2) + 0.01 for step in draw.choice((0.002, 0.005, 0.01, 0.02), 2))
        reduces, chosen = bool(draw.random() < 0.3), int(draw.integers(0, view.next_order_id + 1))
        match int(draw.integers(0, 9)):
            case 0:
                view.order(symbol, side * quantity, reduce_only=reduces)
            case 1:
                view.order(symbol, side * quantity, limit=round(price + side * float(draw.choice((-near, far))), 2), reduce_only=reduces)
            case 2:
                view.order(symbol, side * quantity, stop=round(price + side * near, 2), reduce_only=reduces)
            case 3:
                view.order(symbol, side * quantity, touch=round(price - side * near, 2), reduce_only=reduces)
            case 4:
                stop = round(price + side * near, 2)
                view.order(symbol, side * quantity, stop=stop, limit=round(stop + side * float(draw.choice((-0.05, 0.0, 0.5))), 2))
            case 5 | 6:
                entry = {"limit": round(price + side * float(draw.choice((-near, 0.0))), 2)} if draw.random() < 0.5 else {}
                at = entry.get("limit", price)
                view.bracket(symbol, side * quantity, target=round(at + side * near, 2), loss=round(at - side * far, 2), **entry)
            case 7:
                view.order(symbol, side * quantity, trail=near)
            case _ if chosen < view.next_order_id:
                view.cancel(chosen)


def play(seed: int, names: dict[str, str]) -> Result:
    made = market(seed)
    bars = {names[name]: frame for name, frame in made.bars.items()}
    tape = build(bars, {symbol: Instrument(symbol, calendar="24/7") for symbol in bars}, name="busy")
    strategy = Busy().prepare(seed, names)
    return backtest(strategy, tape, cash=1e6, costs=made.costs, risk=made.risk, latency=made.latency)


PLAIN = {"A": "A", "Z": "Z"}


@pytest.mark.parametrize("seed", seeds(RUNS, "bar laws"))
def test_fills_on_bars_keep_the_laws(seed: int) -> None:
    result, made = play(seed, PLAIN), market(seed)
    orders = result.orders.set_index("order_id")
    assert len(result.fills) > 10
    held: dict[str, float] = defaultdict(float)
    taken: dict[tuple[str, pd.Timestamp], float] = defaultdict(float)
    for fill in result.fills.itertuples():
        bar = made.bars[fill.instrument].loc[fill.ts]
        assert bar.low <= round(fill.price, 2) <= bar.high, f"outside its bar's range: {fill}"
        assert fill.ts <= orders.loc[fill.order_id, "done_at"], f"after its order's end: {fill}"
        taken[fill.instrument, fill.ts] += fill.quantity
        before = held[fill.instrument]
        held[fill.instrument] += fill.quantity if fill.side == "BUY" else -fill.quantity
        if fill.order_id in reduce_only(result):
            assert abs(held[fill.instrument]) < abs(before) and held[fill.instrument] * before >= 0, f"does not only reduce: {fill}"
    if "max_participation" in made.costs:
        for (symbol, at), lots in taken.items():
            assert lots <= math.floor(made.bars[symbol].loc[at, "volume"] * SHARE + 1e-9)


def reduce_only(result: Result) -> set[int]:
    """The orders that may only reduce, by the audit."""
    records = result.audit.records
    sent = records[records["kind"] == Kind.ORDER_SUBMIT]
    return set(sent["w0"][(sent["w1"] >> 16) & 2 != 0].tolist())


@pytest.mark.parametrize("seed", seeds(RUNS // 2, "names"))
def test_what_the_instruments_are_called_changes_no_fill(seed: int) -> None:
    columns = ["ts", "side", "quantity", "price", "liquidity", "ambiguous"]
    swapped = {"A": "Z", "Z": "A"}
    first, second = play(seed, PLAIN).fills, play(seed, swapped).fills
    for name in PLAIN:
        mine, theirs = first[first["instrument"] == name], second[second["instrument"] == swapped[name]]
        assert mine[columns].values.tolist() == theirs[columns].values.tolist()
