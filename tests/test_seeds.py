"""Seeds of random tests: fixed, or drawn anew and told so that they can be repeated."""

from __future__ import annotations

import pytest

from tests.seeds import VARIABLE, seeds, told


def test_seeds_are_fixed_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert seeds(4, "a") == [0, 1, 2, 3] and told() == "seeds: fixed"


def test_drawn_seeds_repeat_and_differ_between_tests_and_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = {}
    for number in ("7", "8"):
        monkeypatch.setenv(VARIABLE, number)
        assert f"{VARIABLE}={number}" in told()
        for owner in ("a", "b"):
            drawn[number, owner] = tuple(seeds(50, owner))
            assert seeds(50, owner) == list(drawn[number, owner]) and seeds(3, owner) == list(drawn[number, owner][:3])
    every = [seed for found in drawn.values() for seed in found]
    assert len(set(every)) == 200 and all(0 <= seed < 2**31 for seed in every)


@pytest.mark.parametrize("text", ["-1", "now", "1.5"])
def test_a_number_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ValueError, match=f"{VARIABLE}='{text}': not a whole number"):
        seeds(1, "a")
