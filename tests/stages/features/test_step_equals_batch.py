"""Law 7 and law 8 for every feature: one event at a time, in parts, or at once gives the same bytes; what comes later changes nothing."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from framework.errors import ConfigError, InputError
from framework.stages import features as f
from tests.stages.features.made import market

TABLE = market()
SECOND = 1_000_000_000
MADE: dict[str, Callable[[], f.Feature]] = {
    "each change": f.OrderFlowImbalance,
    "changes": lambda: f.OrderFlowImbalance(window=20),
    "all changes": lambda: f.OrderFlowImbalance(window=0),
    "trade imbalance": lambda: f.TradeImbalance(window=13),
    "weighted mid": f.WeightedMid,
    "micro-price": lambda: f.MicroPrice.fit_over(TABLE, tick=0.01, buckets=4),
    "tick rule": f.TickRule,
    "Lee-Ready": f.LeeReady,
    "signs": lambda: f.SignAutocorrelation(lag=3),
    "signs in a window": lambda: f.SignAutocorrelation(lag=3, window=40),
    "lambda": lambda: f.KyleLambda(5 * SECOND),
    "lambda in a window": lambda: f.KyleLambda(5 * SECOND, window=12),
    "effective": f.EffectiveSpread,
    "realised": lambda: f.RealisedSpread(3 * SECOND),
    "impact": lambda: f.PriceImpact(300 * SECOND),
    "Roll": f.RollSpread,
    "Roll in a window": lambda: f.RollSpread(window=30),
    "variance": f.RealisedVariance,
    "variance by the clock": lambda: f.RealisedVariance(window=60, every_ns=SECOND),
    "bipower": lambda: f.BipowerVariation(window=25),
    "two scales": lambda: f.TwoScaleVariance(5, window=50),
    "two scales by the clock": lambda: f.TwoScaleVariance(5, every_ns=SECOND),
    "VPIN": lambda: f.Vpin(200.0, 10, bar_ns=2 * SECOND),
    "VPIN by trade": lambda: f.Vpin(30.0, 5, bar_ns=0, freedom=0.25),
}


def inputs(feature: f.Feature, table: pd.DataFrame) -> list[np.ndarray]:
    names = [
        "mid" if name == "price" and feature.rows == "all" and "side" not in feature.step.names else name for name in feature.step.names
    ]
    rows = table if feature.rows == "all" else table[table["is_trade"] == (feature.rows == "trades")]
    return [rows[name].to_numpy() for name in names]


@pytest.mark.parametrize("name", MADE)
def test_step_equals_batch(name: str) -> None:
    columns = inputs(MADE[name](), TABLE)
    whole = MADE[name]().batch(*columns)
    assert np.isfinite(whole).sum() > 100 and len(np.unique(whole[np.isfinite(whole)])) > 1
    one = MADE[name]()
    stepped = np.array([one.update(*row) for row in zip(*columns, strict=True)])
    assert stepped.tobytes() == whole.tobytes()
    parts = MADE[name]()
    sevens = np.concatenate([parts.batch(*(column[k : k + 7] for column in columns)) for k in range(0, len(whole), 7)])
    assert sevens.tobytes() == whole.tobytes()


@pytest.mark.parametrize("name", MADE)
def test_a_copy_goes_on_by_itself(name: str) -> None:
    columns = inputs(MADE[name](), TABLE)
    whole = MADE[name]().batch(*columns)
    first = MADE[name]()
    first.batch(*(column[:500] for column in columns))
    for twin in (first.copy(), copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        assert twin.batch(*(column[500:] for column in columns)).tobytes() == whole[500:].tobytes()


@pytest.mark.parametrize("name", MADE)
def test_as_of(name: str) -> None:
    """What comes after event 400 changes none of the first 400 values."""
    feature = MADE[name]()
    columns = [column[:800].copy() for column in inputs(feature, TABLE)]
    before = feature.batch(*columns)[:400]
    for column, kind in zip(columns, feature.step.names, strict=True):
        if kind != "ts_ns":
            column[400:] = column[400:][::-1]
    assert MADE[name]().batch(*columns)[:400].tobytes() == before.tobytes()


def test_pressure_one_book_at_a_time() -> None:
    random = np.random.default_rng(3)
    bids = np.stack((100 - np.arange(5) / 100 + np.zeros((50, 1)), random.integers(1, 9, (50, 5))), axis=2)
    asks = np.stack((100.01 + np.arange(5) / 100 + np.zeros((50, 1)), random.integers(1, 9, (50, 5))), axis=2)
    bids[7] = np.nan
    for feature in (f.BookPressure(4, decay=0.02), f.Depth(3)):
        whole = feature.batch(bids, asks)
        assert np.array([feature.update(b, a) for b, a in zip(bids, asks, strict=True)]).tobytes() == whole.tobytes()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="takes bid, bid_size, ask, ask_size; got 2"):
        f.OrderFlowImbalance().update(1.0, 2.0)
    with pytest.raises(InputError, match=r"different lengths: \{'side': 2, 'size': 3\}"):
        f.TradeImbalance().batch([1, 1], [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="side has dtype float64"):
        f.TradeImbalance().batch([1.0], [1.0])
    with pytest.raises(InputError, match=r"shape \(1, 1\)"):
        f.TickRule().batch([[1.0]])
    with pytest.raises(InputError, match="no column mid"):
        f.EffectiveSpread().over(TABLE.drop(columns="mid"))
    with pytest.raises(InputError, match="no input 'prise'. Did you mean price"):
        f.TickRule().over(TABLE, prise="mid")
    with pytest.raises(ConfigError, match="window = -1: must be at least 0"):
        f.RollSpread(window=-1)
    with pytest.raises(ConfigError, match="bucket = 0.0: must be above 0"):
        f.Vpin(0.0)
    with pytest.raises(ConfigError, match="window = 5: must be above scale = 5"):
        f.TwoScaleVariance(5, window=5)
