"""What must not matter: each check passes where it should, fails where a rule is broken, and says when it does not apply."""

from __future__ import annotations

import pytest

from framework import Strategy
from framework.prove import CHECKS, Verdict, prove
from strategies.crossover import Crossover
from tests.prove import odd
from tests.prove.corpus_clean import EveryTenDays, TrailingWinner, VenueTrailingStop
from tests.prove.market import tape

TAPE = tape(150)
FAST = Crossover(fast=3, slow=9)


def verdict(check: str, strategy: object, **settings: object) -> Verdict:
    return prove(strategy, TAPE, checks=[check], **settings)[check]  # type: ignore[arg-type]


@pytest.mark.parametrize("check", ["irrelevant_instrument", "registration_order", "tape_split", "time_shift", "price_scale", "determinism"])
def test_an_ordinary_strategy_passes(check: str) -> None:
    found = verdict(check, FAST, instruments=["ALFA", "BRAVO"], costs={"fee_bps": 2.0, "half_spread_bps": 1.0})
    assert found.passed is True, found


@pytest.mark.parametrize(
    ("check", "cls"),
    [
        ("irrelevant_instrument", odd.SharesWithStrangers),
        ("registration_order", odd.InOrderOfFrames),
        ("time_shift", odd.SecretCalendar),
        ("price_scale", odd.AbsolutePrice),
        ("determinism", odd.HashOrder),
    ],
)
def test_a_broken_rule_is_found(check: str, cls: type[Strategy]) -> None:
    found = verdict(check, cls)
    assert found.passed is False, found
    assert found.first_difference is not None
    assert found.first_difference.order != found.first_difference.became


def test_a_universe_is_left_to_the_strategy() -> None:
    assert verdict("irrelevant_instrument", odd.OwnUniverse).passed is True


@pytest.mark.parametrize("cls", [TrailingWinner, EveryTenDays, VenueTrailingStop])
def test_named_instruments_are_all_that_is_shown(cls: type[Strategy]) -> None:
    assert verdict("irrelevant_instrument", cls, instruments=["BRAVO", "CHARLIE"]).passed is True


@pytest.mark.parametrize(
    ("check", "strategy", "settings", "why"),
    [
        ("irrelevant_instrument", FAST, {}, "name instruments"),
        ("registration_order", FAST, {"instruments": ["ALFA"]}, "one instrument"),
        ("time_shift", EveryTenDays, {}, "by the calendar"),
        ("price_scale", FAST, {"costs": {"fee_per_share": 0.01}}, "fee_per_share"),
    ],
)
def test_what_does_not_apply_says_why(check: str, strategy: object, settings: dict[str, object], why: str) -> None:
    found = verdict(check, strategy, **settings)
    assert found.passed is None
    assert why in found.note


def test_a_strategy_that_cannot_travel_is_told_so() -> None:
    class Local(odd.OwnUniverse):
        pass

    found = verdict("determinism", Local)
    assert found.passed is None
    assert "put it in a module" in found.note


def test_every_check_is_tried_here_or_beside() -> None:
    assert set(CHECKS) == {
        *("look_ahead", "warm_up", "irrelevant_instrument", "registration_order"),
        *("tape_split", "time_shift", "price_scale", "determinism"),
    }
