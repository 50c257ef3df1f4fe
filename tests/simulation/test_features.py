"""Strategies built from data, and features that the sets of a sweep share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest, shared_feature, sweep
from framework.config import parse_run
from framework.data.tape.frames import frames_of
from framework.data.tape.shared_features import Features, SetFrames
from framework.errors import ConfigError, StrategyError
from framework.simulation.backtest import run as run_config
from framework.simulation.sweep import sweep_config
from tests.simulation.market import frames, tape
from tests.simulation.sweep_strategies import CALLS, Meddler, Stretched, zscore

ROOT = Path(__file__).parents[2]
GRID = {"lookback": [10, 20], "entry": [0.5, 1.0, 1.5]}


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


def test_a_class_is_built_from_the_frames_of_its_run() -> None:
    by_class = backtest(Stretched, tape())
    by_hand = backtest(Stretched.from_data(frames_of(tape())), tape())
    assert by_class.audit_hash == by_hand.audit_hash and len(by_class.fills) > 0
    part = backtest(Stretched, tape(), instruments=["S1"], start="2020-03-01")
    chosen = tape().select(["S1"], "2020-03-01")
    assert part.audit_hash == backtest(Stretched.from_data(frames_of(chosen)), chosen).audit_hash


def test_a_config_builds_its_class_from_data(tmp_path: Path) -> None:
    for symbol, frame in frames(2).items():
        frame.to_csv(tmp_path / f"{symbol}.csv", index_label="ts")
    raw = {"strategy": "tests.simulation.sweep_strategies:Stretched", "params": {"lookback": 15}, "data": {"source": str(tmp_path)}}
    by_config = run_config(parse_run(raw), strategies=[ROOT])
    built = Stretched.from_data(frames_of(tape(2)), lookback=15)
    expected = backtest(built, tape(2))
    pd.testing.assert_frame_equal(by_config.fills, expected.fills)
    assert len(expected.fills) > 0
    swept = sweep_config(parse_run(raw), {"entry": [1.0, 2.0]}, strategies=[ROOT], progress=False).table
    assert swept["lookback"].tolist() == [15, 15]
    assert swept["final_equity"][0] == expected.equity.iloc[-1]


def test_a_class_without_from_data_still_needs_its_brackets() -> None:
    class Plain(Strategy):
        pass

    with pytest.raises(ConfigError, match="did you forget the brackets"):
        backtest(Plain, tape())


def test_what_from_data_does_wrong_is_named() -> None:
    class Raises(Strategy):
        @classmethod
        def from_data(cls, frames, **parameters):
            return frames["nowhere"]

    class Returns(Strategy):
        @classmethod
        def from_data(cls, frames, **parameters):
            return 7

    with pytest.raises(StrategyError, match="Raises.from_data: KeyError: 'nowhere'"):
        backtest(Raises, tape())
    with pytest.raises(ConfigError, match="Returns.from_data: must return a Strategy, got 7"):
        backtest(Returns, tape())
    assert "KeyError" in sweep(Raises, [{}], tape(), progress=False).table["error"][0]


def test_a_feature_is_computed_once_for_each_of_its_arguments() -> None:
    table = sweep(Stretched, GRID, tape(), progress=False).table
    assert sorted(CALLS, key=str) == [("spread", 10), ("spread", 20), ("zscore", 10), ("zscore", 20)]
    for _, row in table.iterrows():
        single = backtest(Stretched.from_data(frames_of(tape()), lookback=row["lookback"], entry=row["entry"]), tape())
        assert (row["final_equity"], row["fills"]) == (single.equity.iloc[-1], len(single.fills))
    assert table["final_equity"].nunique() == 6


def test_several_processes_build_the_same_strategies() -> None:
    one, two = (sweep(Stretched, GRID, tape(), progress=False, processes=n).table.drop(columns="seconds") for n in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_outside_of_a_sweep_a_feature_just_computes() -> None:
    market = frames_of(tape())
    zscore(market, 10)
    zscore(market, 10)
    assert CALLS == [("zscore", 10)] * 2
    assert zscore.__name__ == "zscore"


def test_what_one_set_does_to_its_frames_no_other_sees() -> None:
    scales = [1.0, 2.0, 0.5, 1.0000001]
    table = sweep(Meddler, {"scale": scales}, tape(), progress=False).table
    # each set scaled its closes, so the feature was computed for each from what that set made of them
    assert CALLS == [("zscore", 20)] * 4
    for scale, final in zip(scales, table["final_equity"], strict=True):
        assert final == backtest(Meddler.from_data(SetFrames(frames_of(tape())), scale=scale), tape()).equity.iloc[-1]
    assert frames_of(tape())["S0"]["close"].equals(frames()["S0"]["close"].set_axis(frames_of(tape())["S0"].index))


def test_arguments_that_can_and_cannot_be_told_apart() -> None:
    calls = []

    @shared_feature
    def feature(*given, **named):
        calls.append((given, named))
        return 1.0

    features, market = Features(), SetFrames(frames_of(tape()))
    with features.serving(market):
        for _ in range(2):
            feature(market, 1)
            feature(market["S0"], 1)
            feature(market["S1"], 1)
            feature(1)
            feature(1.0)
            feature(True)
            feature(market, n=1, k="a")
            feature(market, k="a", n=1)
            feature((market["S0"], "a"))
        assert len(calls) == 8
        calls.clear()
        for _ in range(2):
            feature(np.zeros(2))  # may change
            feature([1])
            feature(object())
            feature(frames()["S0"])
            feature(market["S0"] * 2)
        assert len(calls) == 10


def test_a_later_set_shares_and_other_frames_do_not() -> None:
    calls = []

    @shared_feature
    def feature(frames):
        calls.append(1)
        return 1.0

    features, origin = Features(), frames_of(tape())
    for _ in range(3):
        market = SetFrames(origin)
        with features.serving(market):
            feature(market)
    assert len(calls) == 1
    market = SetFrames(frames_of(tape()))
    with features.serving(market):
        feature(market)
    assert len(calls) == 2


def test_results_cannot_be_changed_for_others() -> None:
    @shared_feature
    def feature(n):
        return {"array": np.zeros(n), "frame": pd.DataFrame({"x": np.zeros(n)}), "list": [np.ones(n)]}

    with Features().serving(SetFrames({})):
        first = feature(3)
        first["frame"]["x"] = 7.0
        first["frame"].iloc[0, 0] = 8.0
        first["more"] = 1
        first["list"].append(2)
        with pytest.raises(ValueError, match="read-only"):
            first["array"][0] = 1.0
        second = feature(3)
    assert second["frame"]["x"].tolist() == [0.0, 0.0, 0.0]
    assert list(second) == ["array", "frame", "list"] and len(second["list"]) == 1


def test_what_is_kept_is_bounded_by_bytes() -> None:
    calls = []

    @shared_feature
    def feature(n):
        calls.append(n)
        return np.zeros(1000) + n

    features = Features(limit_bytes=3 * 8000)
    with features.serving(SetFrames({})):
        for n in (1, 2, 3, 1, 4, 1, 2):  # 4 drops 2, which was used longest ago; 2 then drops 3
            assert feature(n)[0] == n
        assert calls == [1, 2, 3, 4, 2]
        assert features.kept_bytes == 3 * 8000
        calls.clear()

        @shared_feature
        def large(n):
            calls.append(n)
            return np.zeros(4000)

        large(1)
        large(1)
        assert calls == [1, 1] and features.kept_bytes == 3 * 8000
