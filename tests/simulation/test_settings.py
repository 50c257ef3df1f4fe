"""The settings that `backtest`, `sweep` and `prove` take alike: one list of them, shown at each function, misspelt ones answered."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import Strategy, backtest, sweep
from framework.config import parse_run
from framework.config.models import DataConfig
from framework.config.section import LARGEST_MONEY, Section
from framework.data.readers import read_bars
from framework.engine.market import Bar
from framework.engine.view import View
from framework.errors import ConfigError, InputError
from framework.prove import prove
from framework.simulation.audited_run import replay
from framework.simulation.header import header_of
from framework.simulation.keywords import DataKeywords, RunKeywords
from framework.simulation.settings import RunSettings

FUNCTIONS: list[Callable[..., Any]] = [backtest, sweep, prove]
STAMPS = pd.date_range("2024-01-02 09:31", periods=6, freq="min", tz="UTC")
BARS = pd.DataFrame({"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 100.0}, index=STAMPS)
GIVEN: dict[str, Any] = {
    "cash": 5e4,
    "currency": "JPY",
    "costs": {"fee_bps": 1.5, "impact": {"model": "square_root"}, "fee_tiers": [{"traded_from": 1e6, "maker_bps": -0.5, "taker_bps": 1.0}]},
    "risk": {"account": "reg_t", "locates": {"X": 5.0}},
    "latency": {"entry_ns": 5, "response_ns": {"model": "sampled", "quantiles_ns": [1, 2, 4]}},
    "venue": {"self_trade": "cancel_both"},
    "opening": {
        "cash": {"JPY": 5.0},
        "positions": {"X": (3, 9.5)},
        "orders": [{"instrument": "X", "side": "BUY", "quantity": 1, "limit": 9.0}],
    },
    "seed": 7,
}


class Buys(Strategy):
    size: int = 1

    def on_bar(self, view: View, bar: Bar) -> None:
        view.buy(bar.instrument, self.size)


def test_there_is_one_list() -> None:
    settings, data = [field.name for field in fields(RunSettings)], list(DataKeywords.__annotations__)
    assert list(RunKeywords.__annotations__) == [*data, *settings]
    assert settings == list(GIVEN)
    assert set(DataConfig.model_fields) - {"source"} <= set(data)  # what a config says of data is read


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_door_shows_every_keyword_with_its_default_and_meaning(function: Callable[..., Any]) -> None:
    shown, of_reader = inspect.signature(function).parameters, inspect.signature(read_bars).parameters
    assert "keywords" not in shown
    assert [name for name in shown if name in RunKeywords.__annotations__] == list(RunKeywords.__annotations__)
    assert all(shown[name].default == of_reader[name].default for name in DataKeywords.__annotations__)
    assert {name: shown[name].default for name in GIVEN} == {
        **dict.fromkeys(GIVEN),
        "cash": 1_000_000.0,
        "currency": "USD",
        "seed": 0,
    }
    assert shown["costs"].annotation == "Mapping[str, Any] | CostsConfig | None"
    text = inspect.getdoc(function) or ""
    assert "RunKeywords" not in text
    assert "instruments, start, end, bar_stamp" in text and "read_bars" in text
    for name in GIVEN:
        assert text.count(f"\n    {name}: ") == 1, name


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (lambda: backtest(Buys(), BARS, csh=1.0), r"^backtest\(\) takes no 'csh'\. Did you mean cash"),  # type: ignore[call-arg]
        (lambda: backtest(weigths=BARS), r"^backtest\(\) takes no 'weigths'\. Did you mean weights"),  # type: ignore[call-arg]
        (lambda: sweep(Buys, {"size": [1]}, BARS, proceses=2), r"^sweep\(\) takes no 'proceses'\. Did you mean processes"),  # type: ignore[call-arg]
        (lambda: sweep(Buys, {"size": [1]}, BARS, benchmark="X"), r"^sweep\(\) takes no 'benchmark'"),  # type: ignore[call-arg]
        (lambda: prove(Buys, BARS, calender="XNYS"), r"^prove\(\) takes no 'calender'\. Did you mean calendar"),  # type: ignore[call-arg]
    ],
)
def test_a_misspelt_keyword_is_answered_with_the_nearest(run: Callable[[], object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        run()


def test_an_empty_config_and_no_keywords_are_the_same() -> None:
    assert RunSettings.of({}) == RunSettings() == RunSettings.of_config(parse_run({"strategy": "a:B", "data": {"source": "x"}}))


def test_a_config_and_keywords_say_the_same() -> None:
    raw = {name: value for name, value in GIVEN.items() if name not in ("cash", "currency")}
    config = parse_run({"strategy": "a:B", "data": {"source": "x"}, "account": {"cash": 5e4, "currency": "JPY"}, **raw})
    assert RunSettings.of(GIVEN) == RunSettings.of_config(config)


def test_a_header_holds_all_settings() -> None:
    settings, defaults = RunSettings.of(GIVEN), RunSettings()
    assert all(getattr(settings, name) != getattr(defaults, name) for name in GIVEN)
    header = header_of(Buys(), read_bars(BARS), settings)
    assert RunSettings.of(header) == settings
    assert not any(isinstance(value, Section) for value in header.values())


def test_what_is_checked_once_is_taken_as_it_is() -> None:
    """A proof doubles the cash, whatever a user may give at most."""
    assert replace(RunSettings(cash=LARGEST_MONEY), cash=2 * LARGEST_MONEY).cash == 2 * LARGEST_MONEY
    assert prove(Buys, BARS, cash=LARGEST_MONEY, checks=["price_scale"]).passed


def test_prove_takes_bars_with_gaps_as_backtest_does() -> None:
    days = BARS.set_axis(pd.to_datetime(["2024-01-02", "2024-01-03", "2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10"]))
    given: dict[str, Any] = {"calendar": "XNYS", "missing": "allow"}
    assert len(backtest(Buys(), days, **given).fills) == 5
    assert prove(Buys, days, checks=["tape_split"], **given).passed


def test_a_saved_run_is_replayed_whose_cash_was_a_number_of_numpys(tmp_path: Path) -> None:
    tape = read_bars(BARS)
    saved = backtest(Buys(), tape, cash=np.int64(1_000))  # type: ignore[arg-type]  # as a frame's cell is
    again = replay(Buys(), tape, saved.audit.save(tmp_path / "audit.bin"))
    assert again.audit_hash == saved.audit_hash and again.tables.initial_cash == 1_000.0


def test_a_run_is_replayed_without_the_files_of_its_latencies(tmp_path: Path) -> None:
    file = tmp_path / "measured.csv"
    file.write_text("latency_ns\n5\n7\n")
    tape = read_bars(BARS)
    done = backtest(Buys(), tape, latency={"entry_ns": {"model": "sampled", "file": str(file)}})
    file.unlink()
    assert replay(Buys(), tape, done.audit).audit_hash == done.audit_hash


def test_a_rerun_refuses_what_it_cannot_be_compared_with() -> None:
    swept = sweep(Buys, {"size": [1]}, BARS)
    with pytest.raises(ConfigError, match="^benchmark = 5: must be a symbol"):
        swept.rerun(0, benchmark=5)  # type: ignore[arg-type]  # what Python lets through


def test_numbers_of_every_type_are_one_run() -> None:
    hashes = {
        backtest(weights=pd.Series(0.5, STAMPS[:1]), data=BARS, cash=cash, seed=seed).audit_hash
        for cash, seed in ((1e6, 0), (1_000_000, np.int64(0)), (np.int64(10**6), np.uint8(0)), (np.float32(1e6), 0))
    }
    assert len(hashes) == 1


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_instruments_are_not_all(function: Callable[..., Any]) -> None:
    class Idle(Strategy):
        pass

    arguments = (Idle, {}) if function is sweep else (Idle(),)
    with pytest.raises(InputError, match="^instruments is empty: name at least one symbol, or leave it out"):
        function(*arguments, data="us_equities_daily", instruments=[])


def test_instruments_may_be_an_index() -> None:
    class Idle(Strategy):
        pass

    given = {"data": "us_equities_daily", "start": "2012-01-01", "end": "2012-03-01"}
    found = [backtest(Idle(), instruments=names, **given).audit_hash for names in (["AAPL"], pd.Index(["AAPL"]), np.array(["AAPL"]))]
    assert len(set(found)) == 1


def test_a_proof_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="^checks is empty, which would prove nothing: name some of "):
        prove(Strategy, BARS, checks=[])


@pytest.mark.parametrize("checks", [5, [0], range(3), Path("/nope")])
def test_checks_are_names(checks: Any) -> None:
    with pytest.raises(ConfigError, match="^checks = .*: must be a list of names, some of "):
        prove(Strategy, BARS, checks=checks)
