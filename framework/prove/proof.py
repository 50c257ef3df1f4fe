"""`prove()`: every check over one strategy and one data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from framework.config import (
    CostsConfig,
    LatencyConfig,
    RiskConfig,
    RunConfig,
    VenueConfig,
    parse_costs,
    parse_latency,
    parse_risk,
    parse_venue,
)
from framework.config.account import check_account, check_count
from framework.data.store.embedded import DEFAULT
from framework.data.tape.stamps import BarStamp, Bound
from framework.engine.library import Folders, load_strategy
from framework.errors import ConfigError, did_you_mean
from framework.prove import determinism, look_ahead, metamorphic, warm_up
from framework.prove.subject import Source, Subject
from framework.prove.trial import Progress, Records, Trial
from framework.prove.verdict import Proof, Verdict
from framework.simulation.backtest import Data, tape_of, tape_of_config

CHECKS: Mapping[str, Callable[[Trial, Records, Progress], Verdict]] = {
    look_ahead.NAME: look_ahead.check,
    warm_up.NAME: warm_up.check,
    "irrelevant_instrument": metamorphic.irrelevant_instrument,
    "registration_order": metamorphic.registration_order,
    "tape_split": metamorphic.tape_split,
    "time_shift": metamorphic.time_shift,
    "price_scale": metamorphic.price_scale,
    determinism.NAME: determinism.check,
}
"""Every check by name, in the order in which they are made."""

POINTS = 24
"""Into how many parts a run is divided for look-ahead, if not said."""


def prove(
    strategy: Source,
    data: Data = DEFAULT,
    *,
    instruments: Sequence[str] | None = None,
    start: Bound = None,
    end: Bound = None,
    cash: float = 1_000_000.0,
    currency: str = "USD",
    costs: Mapping[str, Any] | CostsConfig | None = None,
    risk: Mapping[str, Any] | RiskConfig | None = None,
    latency: Mapping[str, Any] | LatencyConfig | None = None,
    venue: Mapping[str, Any] | VenueConfig | None = None,
    seed: int = 0,
    bar_stamp: BarStamp = "close",
    calendar: str | None = None,
    tick_size: float | str | None = None,
    lot_size: float | str | None = None,
    time_zone: str | None = None,
    actions: pd.DataFrame | None = None,
    instrument_specs: Mapping[str, Any] | None = None,
    points: int = POINTS,
    checks: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Proof:
    """Run a strategy again and again over data changed in ways that must not matter, and say where it decided otherwise.

    Args:
        strategy: an instance or a class; if it has a classmethod `from_data(cls, frames, **params)`, that builds it. Or a function
            from frames to an instance. `frames` is what `frames_of` returns.
        data, instruments, start, end, cash, currency, costs, risk, latency, venue, seed, bar_stamp, calendar, tick_size, lot_size,
            time_zone, actions, instrument_specs: as in `backtest`. `seed` also chooses where look-ahead is tried.
        points: into how many parts the run is divided for look-ahead; a part is cut at one stamp with a decision.
        checks: some of `CHECKS`; None makes all.
        progress: called before each run with the check, how many of its runs are done, and how many there are at most.

    Returns:
        A `Proof`: the verdict of each check.

    Raises:
        DataError, ConfigError: as `backtest` does.
        StrategyError: the strategy does not run on the data as they are.
    """
    check_account(cash=cash, currency=currency, seed=seed)
    if isinstance(checks, str):
        raise ConfigError(f"checks = {checks!r}: must be a list; one check is written [{checks!r}]")
    tape = tape_of(
        data,
        currency=currency,
        instruments=instruments,
        start=start,
        end=end,
        settings={
            "bar_stamp": bar_stamp,
            "calendar": calendar,
            "tick_size": tick_size,
            "lot_size": lot_size,
            "time_zone": time_zone,
            "actions": actions,
            "instrument_specs": instrument_specs,
        },
    )
    named = None if instruments is None else tuple(sorted(set(instruments)))
    terms = (parse_costs(costs), parse_risk(risk), parse_latency(latency), parse_venue(venue))
    trial = Trial(Subject(strategy), tape, cash, currency, *terms, seed, named, _positive(points))
    return Proof(tuple(verdicts(trial, checks, progress)))


def trial_of(config: RunConfig, points: int = POINTS, *, strategies: Folders = ()) -> Trial:
    """What a config asks to be proved; it may name the modules of the folders `strategies` too."""
    strategy, data = load_strategy(config.strategy, config.params, strategies=strategies), config.data
    tape = tape_of_config(config)
    named = None if data.instruments is None else tuple(sorted(set(data.instruments)))
    account = config.account
    terms = (config.costs, config.risk, config.latency, config.venue)
    return Trial(Subject(strategy), tape, account.cash, account.currency, *terms, config.seed, named, _positive(points))


def verdicts(trial: Trial, checks: Sequence[str] | None = None, progress: Progress | None = None) -> Iterator[Verdict]:
    """The verdicts one by one, as they are found."""
    chosen = list(CHECKS) if checks is None else list(dict.fromkeys(checks))
    for name in chosen:
        if name not in CHECKS:
            raise ConfigError(f"unknown check {name!r}. {did_you_mean(name, CHECKS)}")
    base = trial.run()
    for name in chosen:
        yield CHECKS[name](trial, base, progress or _silent)


def _positive(points: int) -> int:
    check_count("points", points)
    return points


def _silent(check: str, done: int, total: int) -> None:
    """Progress that nobody asked for."""
