"""Config: what it refuses, what it says then, and what it lets through."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from framework.commands.demo import RUNS
from framework.config import (
    SquareRootImpact,
    VolumeShareImpact,
    apply_overrides,
    digest,
    load,
    parse_costs,
    parse_latency,
    parse_risk,
    parse_run,
)
from framework.errors import ConfigError

CONFIGS = Path(__file__).parents[1] / "configs"
RUN = {"strategy": "strategies.momentum:Momentum", "data": {"source": "us_equities_daily"}}


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# keys


def test_a_typo_names_file_path_and_nearest_key(tmp_path: Path) -> None:
    path = write(tmp_path, "run.yaml", "strategy: a.b:C\ndata: {source: x}\ncosts:\n  half_spred_bps: 1.0\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert f"{path}: unknown key costs.half_spred_bps. Did you mean costs.half_spread_bps" in str(caught.value)


def test_a_typo_in_a_base_names_the_base(tmp_path: Path) -> None:
    base = write(tmp_path, "base.yaml", "acount: {cash: 1}\n")
    path = write(tmp_path, "run.yaml", "extends: base.yaml\nstrategy: a.b:C\ndata: {source: x}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{base}: unknown key acount. Did you mean account")


def test_a_typo_inside_a_chosen_model_names_the_keys_of_that_model() -> None:
    with pytest.raises(ConfigError, match=r"costs: unknown key impact\.coeficient\. Did you mean impact\.coefficient") as caught:
        parse_costs({"impact": {"model": "square_root", "coeficient": 2.0}})
    assert "price_impact" not in str(caught.value)


def test_an_unknown_impact_model_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"impact\.model = 'square' is not one of its kinds\. Did you mean square_root"):
        parse_costs({"impact": {"model": "square"}})
    with pytest.raises(ConfigError, match="impact needs the key `model`"):
        parse_costs({"impact": {"coefficient": 1.0}})


def test_missing_settings_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, "run.yaml", "mode: backtest\n"))
    assert "strategy is missing" in str(caught.value)
    assert "data is missing" in str(caught.value)


# values


@pytest.mark.parametrize(
    ("costs", "said"),
    [
        ({"fee_bps": -1.0}, "fee_bps = -1.0: must be greater than or equal to 0"),
        ({"taker_bps": -0.1}, "taker_bps = -0.1"),
        ({"fee_minimum": -1}, "fee_minimum = -1"),
        ({"half_spread_bps": float("nan")}, "half_spread_bps = nan: must be a finite number"),
        ({"borrow_bps": float("inf")}, "borrow_bps = inf: must be a finite number"),
        ({"fee_per_share": "0.005"}, "fee_per_share = '0.005': must be a number, not str"),
        ({"fee_per_order": True}, "fee_per_order = True: must be a number, not bool"),
        ({"max_participation": 0.0}, "max_participation = 0.0: must be greater than 0"),
        ({"max_participation": 1.01}, "max_participation = 1.01: must be less than or equal to 1"),
        ({"limit_fill": "inside"}, "limit_fill = 'inside': must be 'through' or 'touch'"),
        ({"impact": {"model": "square_root", "volatility_bars": 1}}, "impact.volatility_bars = 1"),
        ({"impact": "square_root"}, "impact = 'square_root': must be a section"),
        (3.0, "must be a mapping of keys to values, got 3.0"),
    ],
)
def test_bad_costs_say_key_value_and_rule(costs: object, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_costs(costs)  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert str(caught.value).startswith("costs: ")


def test_all_bad_values_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_costs({"fee_bps": -1.0, "borrow_bps": -2.0})
    assert len(str(caught.value).splitlines()) == 2


def test_only_the_maker_fee_may_be_a_rebate() -> None:
    costs = parse_costs({"fee_bps": 3.0, "maker_bps": -0.5})
    assert (costs.effective_maker_bps, costs.effective_taker_bps) == (-0.5, 3.0)
    assert parse_costs({"taker_bps": 2.0}).effective_maker_bps == 0.0
    assert parse_costs({"fee_bps": 3.0, "maker_bps": 0.0}).effective_maker_bps == 0.0  # 0 is a value, not "unset"


def test_impact_models_and_their_defaults() -> None:
    assert parse_costs({"impact": {"model": "square_root"}}).impact == SquareRootImpact(coefficient=1.0, volatility_bars=20)
    assert parse_costs({"impact": {"model": "volume_share", "price_impact": 0.2}}).impact == VolumeShareImpact(price_impact=0.2)
    assert parse_costs(None).impact is None


def test_a_parsed_section_passes_unchanged_and_cannot_be_changed() -> None:
    costs = parse_costs({"fee_bps": 1.0})
    assert parse_costs(costs) is costs
    with pytest.raises(ValidationError, match="frozen"):
        costs.fee_bps = 2.0  # type: ignore[misc]


def test_risk_and_latency() -> None:
    assert parse_risk({"allow_short": True, "max_leverage": 2}).max_leverage == 2.0
    with pytest.raises(ConfigError, match="risk: allow_short = 'yes'"):
        parse_risk({"allow_short": "yes"})
    with pytest.raises(ConfigError, match="risk: max_leverage = 0: must be greater than 0"):
        parse_risk({"max_leverage": 0})
    with pytest.raises(ConfigError, match="latency: entry_ns = -1"):
        parse_latency({"entry_ns": -1})


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_paper_and_live_are_refused_in_a_clear_sentence(mode: str) -> None:
    with pytest.raises(ConfigError, match=f"{mode} trading is not built yet, only backtests run; set mode: backtest"):
        parse_run({**RUN, "mode": mode})


def test_dates() -> None:
    def start(value: object) -> object:
        return parse_run({**RUN, "data": {"source": "x", "start": value}}).data.start

    assert start("2010-01-04") == date(2010, 1, 4)
    assert type(start("2010-01-04")) is date  # a whole day, not its midnight
    with pytest.raises(ConfigError, match=r"data\.start = 2010: must be a date"):
        start(2010)  # would be 1970-01-01 00:33:30
    with pytest.raises(ConfigError, match=r"data\.start = 'monday': must be a date"):
        start("monday")
    with pytest.raises(ConfigError, match="data: start 2012-01-02 lies after end 2011-01-03"):
        parse_run({**RUN, "data": {"source": "x", "start": "2012-01-02", "end": "2011-01-03"}})


# files


def test_extends_merges_deep_and_the_nearest_file_wins(tmp_path: Path) -> None:
    (tmp_path / "common").mkdir()
    write(tmp_path, "common/root.yaml", "seed: 1\naccount: {cash: 5, currency: EUR}\n")
    write(tmp_path, "common/base.yaml", "extends: root.yaml\naccount: {cash: 7}\ndata: {source: x, instruments: [A, B]}\n")
    path = write(tmp_path, "run.yaml", "extends: common/base.yaml\nstrategy: a.b:C\ndata: {instruments: [C]}\n")
    config = load(path)
    assert (config.seed, config.account.cash, config.account.currency) == (1, 7.0, "EUR")
    assert (config.data.source, config.data.instruments) == ("x", ["C"])


def test_another_impact_model_does_not_inherit_the_old_ones_keys(tmp_path: Path) -> None:
    write(tmp_path, "base.yaml", "costs: {impact: {model: square_root, coefficient: 3.0}}\n")
    text = "extends: base.yaml\nstrategy: a.b:C\ndata: {source: x}\ncosts: {impact: {model: volume_share}}\n"
    assert load(write(tmp_path, "run.yaml", text)).costs.impact == VolumeShareImpact()


def test_a_circle_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "extends: b.yaml\n")
    write(tmp_path, "b.yaml", "extends: a.yaml\n")
    with pytest.raises(ConfigError, match=r"a\.yaml: extends itself through .*a\.yaml -> .*b\.yaml -> .*a\.yaml"):
        load(tmp_path / "a.yaml")


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path, "momentum.yaml", "seed: 1\n")
    with pytest.raises(ConfigError, match=r"there is no such file\. Did you mean .*momentum\.yaml"):
        load(tmp_path / "momentun.yaml")
    path = write(tmp_path, "run.yaml", "extends: bas.yaml\n")
    with pytest.raises(ConfigError, match=r"bas\.yaml: there is no such file \(extended by .*run\.yaml\)"):
        load(path)


def test_a_key_given_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "run.yaml", "seed: 1\naccount:\n  cash: 1\n  cash: 2\n")
    with pytest.raises(ConfigError, match=r"run\.yaml, line 4: cash is set twice"):
        load(path)


def test_broken_yaml_names_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"run\.yaml, line 2: is not YAML"):
        load(write(tmp_path, "run.yaml", "data: [1\n"))


def test_a_bad_value_names_the_file_that_set_it(tmp_path: Path) -> None:
    base = write(tmp_path, "base.yaml", "account: {cash: -5}\n")
    path = write(tmp_path, "run.yaml", "extends: base.yaml\nstrategy: a.b:C\ndata: {source: x}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == f"{base}: account.cash = -5: must be greater than 0"


def test_scalars_are_what_a_trader_means(tmp_path: Path) -> None:
    text = "strategy: a.b:C\ndata: {source: x}\n"
    text += "params: {at: 10:30, country: NO, tiny: 1e-4, million: 1_000_000, minus: -0.5, day: 2010-01-04}\n"
    params = load(write(tmp_path, "run.yaml", text)).params
    expected = {"at": "10:30", "country": "NO", "tiny": 0.0001, "million": 1_000_000, "minus": -0.5, "day": date(2010, 1, 4)}
    assert params == expected


# overrides


def test_overrides_are_typed_and_leave_the_original_alone() -> None:
    raw = {"params": {"lookback": 252}, "seed": 1}
    after = apply_overrides(raw, ["params.lookback=126", "data.instruments=[AAPL, IBM]", "benchmark=null", "costs.fee_bps=2.5"])
    assert after == {
        "params": {"lookback": 126},
        "seed": 1,
        "data": {"instruments": ["AAPL", "IBM"]},
        "benchmark": None,
        "costs": {"fee_bps": 2.5},
    }
    assert raw == {"params": {"lookback": 252}, "seed": 1}


def test_a_union_can_be_chosen_and_set_from_the_command_line() -> None:
    after = apply_overrides({}, ["costs.impact.model=square_root", "costs.impact.coefficient=2.0"])
    assert parse_run({**RUN, **after}).costs.impact == SquareRootImpact(coefficient=2.0)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("costs.fe_bps=1", r"--set costs\.fe_bps=1: unknown key costs\.fe_bps\. Did you mean costs\.fee_bps"),
        ("sed=1", r"unknown key sed\. Did you mean seed"),
        ("seed.x=1", "seed is a single value"),
        ("costs.impact.cofficient=1", r"Did you mean costs\.impact\.coefficient"),
        ("seed", "must look like key=value"),
        ("=1", "must look like key=value"),
        ("data.instruments=[A", "is not YAML"),
    ],
)
def test_bad_overrides_say_what_is_wrong(override: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        apply_overrides({}, [override])


def test_a_bad_value_from_the_command_line_says_so() -> None:
    with pytest.raises(ConfigError, match=r"^--set: account\.cash = 0: must be greater than 0$"):
        load(CONFIGS / "momentum_daily.yaml", ["account.cash=0"])


# whole runs


def test_the_demo_runs_what_the_configs_say() -> None:
    for name, raw in RUNS.items():
        assert parse_run(raw) == load(CONFIGS / f"{name}_daily.yaml")


def test_every_config_of_the_project_loads() -> None:
    runs = [path for path in CONFIGS.glob("*.yaml") if path.name != "base.yaml"]
    assert len(runs) >= 2
    for path in runs:
        load(path)


def test_a_saved_config_loads_to_the_same_run(tmp_path: Path) -> None:
    config = load(CONFIGS / "momentum_daily.yaml", ["data.start=2005-01-03"])
    saved = write(tmp_path, "config.yaml", yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    assert load(saved) == config


def test_the_digest_depends_on_content_alone() -> None:
    one = parse_run({**RUN, "params": {"a": 1, "b": 2}})
    two = parse_run({"params": {"b": 2, "a": 1}, **RUN, "seed": 0})
    assert digest(one) == digest(two)
    assert digest(one) != digest(parse_run({**RUN, "params": {"a": 1, "b": 3}}))


def test_the_digest_is_the_same_in_another_process() -> None:
    code = f"from framework.config import digest, parse_run; print(digest(parse_run({RUN!r})))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"})
    assert other.stdout.strip() == digest(parse_run(RUN))


@pytest.mark.parametrize(
    ("entry_ns", "said"),
    [
        (-1, "latency: entry_ns = -1: must be greater than or equal to 0"),
        ("fast", "latency: entry_ns = 'fast': must be a number, not str"),
        ({"median_ns": 5}, "latency: entry_ns needs the key `model`, which chooses among its kinds: lognormal, recorded, sampled"),
        ({"model": "lognormal", "median_ns": -5, "sigma": 1}, "latency: entry_ns.median_ns = -5: must be greater than 0"),
    ],
)
def test_where_a_number_or_a_section_may_stand_one_mistake_is_one_sentence(entry_ns: object, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_latency({"entry_ns": entry_ns})
    assert str(caught.value) == said


def test_a_currency_that_is_none_is_said_as_in_python(tmp_path: Path) -> None:
    path = write(tmp_path, "run.yaml", "strategy: a.b:C\ndata: {source: x}\n")
    with pytest.raises(ConfigError) as caught:
        load(path, ["account.currency=yen"])
    assert str(caught.value) == "--set: account.currency = 'yen': must be three to five capital letters, as 'USD' or 'USDT'"
    with pytest.raises(ConfigError, match="account.currency = 5: must be a valid string"):
        load(path, ["account.currency=5"])
