"""`prove()`: every check over one strategy and one data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Unpack

from framework.config import RunConfig
from framework.config.text import shown
from framework.data.store.embedded import DEFAULT
from framework.engine.library import Folders, load_strategy
from framework.errors import ConfigError, did_you_mean
from framework.prove import determinism, look_ahead, metamorphic, warm_up
from framework.prove.subject import Source, Subject
from framework.prove.trial import Events, Progress, Trial
from framework.prove.verdict import Proof, Verdict
from framework.simulation.keywords import RunKeywords, refuse_unknown, takes_run_keywords
from framework.simulation.run_data import Data, tape_of, tape_of_config
from framework.simulation.settings import RunSettings

CHECKS: Mapping[str, Callable[[Trial, Events, Progress], Verdict]] = {
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


@takes_run_keywords
def prove(
    strategy: Source,
    data: Data = DEFAULT,
    *,
    points: int = POINTS,
    checks: Sequence[str] | None = None,
    progress: Progress | None = None,
    **keywords: Unpack[RunKeywords],
) -> Proof:
    """Run a strategy again and again over data changed in ways that must not matter, and say where it decided otherwise.

    Args:
        strategy: an instance or a class; if it has a classmethod `from_data(cls, frames, **params)`, that builds it. Or a function
            from frames to an instance. `frames` is what `frames_of` returns.
        data: as in `backtest`.
        points: into how many parts the run is divided for look-ahead; a part is cut at one stamp with a decision, which `seed` chooses.
        checks: some of `CHECKS`; None makes all.
        progress: called before each run with the check, how many of its runs are done, and how many there are at most.
        keywords: those of `RunKeywords`.

    Returns:
        A `Proof`: the verdict of each check.

    Raises:
        DataError, ConfigError: as `backtest` does.
        StrategyError: the strategy does not run on the data as they are.
    """
    refuse_unknown(prove, keywords)
    settings = RunSettings.of(keywords)
    if isinstance(checks, str):
        raise ConfigError(f"checks = {checks!r}: must be a list; one check is written [{checks!r}]")
    given: object = checks
    if given is not None and not (isinstance(given, Sequence) and all(isinstance(name, str) for name in given)):
        raise ConfigError(f"checks = {shown(checks)}: must be a list of names, some of {', '.join(CHECKS)}; leave it out to make all")
    if checks is not None and not checks:
        raise ConfigError(f"checks is empty, which would prove nothing: name some of {', '.join(CHECKS)}, or leave it out to make all")
    tape = tape_of(data, keywords, settings.currency)
    trial = Trial(Subject(strategy), tape, settings, points, is_named=keywords.get("instruments") is not None)
    return Proof(tuple(verdicts(trial, checks, progress)))


def trial_of(config: RunConfig, points: int = POINTS, *, strategies: Folders = ()) -> Trial:
    """What a config asks to be proved; it may name the modules of the folders `strategies` too."""
    strategy = load_strategy(config.strategy, config.params, strategies=strategies)
    settings, is_named = RunSettings.of_config(config), config.data.instruments is not None
    return Trial(Subject(strategy), tape_of_config(config), settings, points, is_named=is_named)


def verdicts(trial: Trial, checks: Sequence[str] | None = None, progress: Progress | None = None) -> Iterator[Verdict]:
    """The verdicts one by one, as they are found."""
    chosen = list(CHECKS) if checks is None else list(dict.fromkeys(checks))
    for name in chosen:
        if name not in CHECKS:
            raise ConfigError(f"unknown check {name!r}. {did_you_mean(name, CHECKS)}")
    base = trial.run()
    for name in chosen:
        yield CHECKS[name](trial, base, progress or _silent)


def _silent(check: str, done: int, total: int) -> None:
    """Progress that nobody asked for."""
