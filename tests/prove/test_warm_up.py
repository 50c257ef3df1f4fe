"""The warm-up check: how many bars are needed, and who never agrees."""

from __future__ import annotations

import inspect

import pytest

from framework import Strategy
from framework.engine.reading import Reading
from framework.prove import Verdict, prove
from framework.prove.shadow import Copy, Shadowed, ShortView
from framework.prove.subject import Subject
from framework.prove.trial import Trial, market_stamps
from framework.prove.warm_up import _copy
from framework.simulation.settings import RunSettings
from strategies.crossover import Crossover
from tests.prove import odd
from tests.prove.corpus_clean import CLEAN, WARM_UP, Bracketed, EveryTenDays, LongWarmUp, OwnTrailingStop, VenueTrailingStop, VolumeSpike
from tests.prove.market import tape

TAPE = tape()


def warm_up(strategy: object) -> Verdict:
    return prove(strategy, TAPE, checks=["warm_up"])["warm_up"]  # type: ignore[arg-type]


@pytest.mark.parametrize("cls", CLEAN, ids=lambda cls: cls.__name__)
def test_history_matters_only_where_it_must(cls: type[Strategy]) -> None:
    verdict = warm_up(cls)
    assert verdict.passed is WARM_UP[cls], verdict


@pytest.mark.parametrize(("strategy", "bars"), [(LongWarmUp, 60), (VolumeSpike, 10), (Crossover(fast=5, slow=20), 20)])
def test_the_bars_needed_are_seen(strategy: object, bars: int) -> None:
    verdict = warm_up(strategy)
    assert verdict.passed
    needed = int(verdict.note.split()[1])
    assert bars - 3 <= needed <= bars  # a decision must fall on the last of them to show it


def test_a_rhythm_that_counts_from_the_beginning_is_found() -> None:
    verdict = warm_up(odd.EveryFifthBar)
    assert verdict.passed is False
    assert verdict.first_difference is not None
    assert "the data began" in verdict.first_difference.change


@pytest.mark.parametrize("cls", [OwnTrailingStop, VenueTrailingStop, Bracketed, EveryTenDays, LongWarmUp])
def test_copies_change_nothing(cls: type[Strategy]) -> None:
    trial = Trial(Subject(cls), TAPE, RunSettings(), 8, is_named=False)
    copies: list[Copy] = [_copy(trial, int(market_stamps(TAPE)[at])) for at in (0, 30)]
    strategy = trial.subject.build(trial.frames(TAPE))
    beside = trial.records(Shadowed.like(strategy)(strategy, copies, lambda *_: None), TAPE)
    assert beside.tobytes() == trial.run().tobytes()


def test_state_kept_in_a_class_is_not_taken_for_history() -> None:
    verdict = warm_up(odd.SharedState)
    assert verdict.passed is None
    assert "state in its class" in verdict.note


def test_every_way_to_look_back_is_shortened() -> None:
    ways = {
        name
        for name, method in inspect.getmembers(Reading, inspect.isfunction)
        if not name.startswith("_") and "bars" in inspect.signature(method).parameters
    }
    shortened = {name for name in ways if getattr(ShortView, name) is not getattr(Reading, name)}
    assert ways - shortened <= {"closes"}  # which asks `past`
