"""Recall and false alarms: every leaky strategy of the corpus is found out, no clean one is accused."""

from __future__ import annotations

from functools import cache

import pytest

from framework.prove import Verdict, prove
from tests.prove.corpus_clean import CLEAN
from tests.prove.corpus_leaky import LEAKY
from tests.prove.market import tape
from tests.prove.signals import Signal

TAPE = tape()


@cache
def look_ahead(cls: type[Signal], points: int) -> Verdict:
    return prove(cls, TAPE, checks=["look_ahead"], points=points)["look_ahead"]


def leaky(cls: type[Signal]) -> Verdict:
    return look_ahead(cls, 24)  # the default


def clean(cls: type[Signal]) -> Verdict:
    return look_ahead(cls, 8)


def test_the_corpora_are_large_enough() -> None:
    assert len(LEAKY) >= 20
    assert len(CLEAN) >= 20


@pytest.mark.parametrize("cls", LEAKY, ids=lambda cls: cls.__name__)
def test_a_leak_is_found(cls: type[Signal]) -> None:
    verdict = leaky(cls)
    assert verdict.passed is False
    difference = verdict.first_difference
    assert difference is not None
    assert difference.datum is not None
    assert difference.datum.stamp > difference.stamp  # the cause lies in the future of the decision


@pytest.mark.parametrize("cls", CLEAN, ids=lambda cls: cls.__name__)
def test_a_clean_strategy_is_not_accused(cls: type[Signal]) -> None:
    verdict = clean(cls)
    assert verdict.passed is True, verdict.first_difference


def test_the_table() -> None:
    found, accused = [leaky(cls).passed is False for cls in LEAKY], [clean(cls).passed is False for cls in CLEAN]
    print(f"\n{'strategies':<12}{'count':>6}{'failed':>8}")
    print(f"{'leaky':<12}{len(LEAKY):>6}{sum(found):>8}   recall {sum(found) / len(LEAKY):.0%}")
    print(f"{'clean':<12}{len(CLEAN):>6}{sum(accused):>8}   false alarms {sum(accused) / len(CLEAN):.0%}")
    for cls in LEAKY:
        print(f"  {cls.__name__:<22}{leaky(cls).first_difference}"[:200])
    assert (sum(found), sum(accused)) == (len(LEAKY), 0)
