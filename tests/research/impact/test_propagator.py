"""Response, memory of signs and propagator: by hand, and where they are planted."""

from __future__ import annotations

import numpy as np
import pytest

from framework.errors import InputError
from research.impact.decay import fit_decay
from research.impact.propagator import explained, fit_propagator, moments_of, power_law
from tests.research.made import Floats, moved, remembering_signs

MEMORY = 0.6
LAGS = 30
BARE = 2e-5 * np.arange(1, LAGS + 1) ** -0.4


def planted(n: int, seed: int, noise: float = 3e-5) -> tuple[Floats, Floats]:
    signs = remembering_signs(n, MEMORY, seed)
    return signs, moved(signs, BARE, noise, seed + 1)


def test_by_hand() -> None:
    """Changes 1, 2, -1, 2, -1. R(1) = (1 + 2 + 1 + 2 + 1) / 5, R(2) = (3 + 1 - 1 + 1) / 4; C(1) = (1 - 1 - 1 - 1 + 1) / 5, C(2) = 0.

    K solves [[1, -0.2], [-0.2, 1]] K = [1.4, -0.5], where -0.5 = (2 - 1 - 2 - 1) / 4.
    """
    signs, mids = np.array([1.0, 1, -1, 1, -1, -1]), np.array([0.0, 1, 3, 2, 4, 3])
    response, memory, bare = moments_of(signs, mids, np.zeros(6, np.int64), 2).solve()
    assert response.tolist() == pytest.approx([0.0, 1.4, 1.0])
    assert memory.tolist() == pytest.approx([1.0, -0.2, 0.0])
    first = (1.4 - 0.1) / 0.96
    assert bare.tolist() == pytest.approx([first, first - 0.22 / 0.96])


def test_nothing_is_measured_across_stretches() -> None:
    """The same twice, 100 apart: each average is as before."""
    signs, mids = np.array([1.0, 1, -1, 1, -1, -1]), np.array([0.0, 1, 3, 2, 4, 3])
    stretch = np.repeat([0, 1], 6)
    twice = moments_of(np.tile(signs, 2), np.concatenate([mids, mids + 100]), stretch, 2).solve()
    once = moments_of(signs, mids, np.zeros(6, np.int64), 2).solve()
    for both, one in zip(twice, once, strict=True):
        np.testing.assert_allclose(both, one)


def test_signs_are_centred() -> None:
    """More purchases in a rising market are no response: a steady drift gives none whatever the share of purchases."""
    signs = remembering_signs(2_000, 0.0, 1)
    signs[::3] = 1.0
    response, _, bare = moments_of(signs, np.arange(2_000.0), np.zeros(2_000, np.int64), 5).solve()
    assert np.abs(response[1:]).max() < 0.05
    assert np.abs(bare).max() < 0.05


def test_a_planted_propagator_is_recovered_within_its_errors() -> None:
    signs, mids = planted(40_000, 7)
    found = fit_propagator(signs, mids, np.zeros(len(signs), np.int64), lags=LAGS)
    off = (found.bare - BARE) / found.bare_error
    assert np.abs(off).max() < 4.0
    assert (found.bare_error[:5] < 0.1 * BARE[:5]).all()
    np.testing.assert_allclose(found.signs[1:6], MEMORY ** np.arange(1.0, 6.0), atol=0.02)
    assert abs(found.exponent - 0.4) < 4.0 * found.exponent_error < 0.4


def test_the_response_is_that_of_the_equation_in_the_paper() -> None:
    """R(l) = G(l) + sum over 0 < j < l of G(l - j) C(j) + sum over j > 0 of (G(l + j) - G(j)) C(j), with what was planted."""
    signs, mids = planted(40_000, 11)
    found = fit_propagator(signs, mids, np.zeros(len(signs), np.int64), lags=LAGS)
    bare = np.concatenate([[0.0], BARE, np.full(400, BARE[-1])])
    for lag in (1, 2, 5, 12, 30):
        before = sum(bare[lag - j] * MEMORY**j for j in range(1, lag))
        behind = sum((bare[lag + j] - bare[j]) * MEMORY**j for j in range(1, 400))
        assert abs(found.response[lag] - (bare[lag] + before + behind)) < 4.0 * found.response_error[lag]


def test_errors_are_as_large_as_estimates_scatter() -> None:
    made = []
    for seed in range(0, 80, 2):
        signs, mids = planted(3_000, seed)
        made.append(fit_propagator(signs, mids, np.zeros(len(signs), np.int64), lags=LAGS, draws=60))
    for lag in (0, 4):
        scatter = np.std([one.bare[lag] for one in made], ddof=1)
        assert 0.65 < np.mean([one.bare_error[lag] for one in made]) / scatter < 1.5


def test_what_it_explains() -> None:
    """Without noise everything in sample; with noise the planted share, in the second half by the first too."""
    signs = remembering_signs(20_000, MEMORY, 3)
    zero = np.zeros(len(signs), np.int64)
    assert explained(BARE, signs, moved(signs, BARE, 0.0, 4), zero) > 0.999
    noisy = moved(signs, BARE, 3e-5, 4)
    found = fit_propagator(signs, noisy, zero, lags=LAGS, draws=2)
    share = 1.0 - 3e-5**2 / np.var(np.diff(noisy))
    assert found.r2 == pytest.approx(share, abs=0.02)
    assert found.r2_out == pytest.approx(share, abs=0.02)
    halves = [fit_propagator(signs[part], noisy[part], zero[part], lags=LAGS, draws=2) for part in (slice(10_000), slice(10_000, None))]
    assert found.exponent_halves == tuple(one.exponent for one in halves)
    assert found.signs_exponent_halves == tuple(one.signs_exponent for one in halves)
    assert found.exponent_halves == pytest.approx((0.4, 0.4), abs=0.15)


def test_power_law_by_hand() -> None:
    at = np.arange(1.0, 51.0)
    assert power_law(at, 7.0 * at**-0.3) == (pytest.approx(0.3), pytest.approx(1.0))
    assert np.isnan(power_law(at, -at)[0])


def test_mids_that_come_late_are_told() -> None:
    signs = remembering_signs(20_000, MEMORY, 5)
    late = 2e-5 * np.arange(1.0, LAGS + 1) ** 0.5
    found = fit_propagator(signs, moved(signs, late, 1e-5, 6), np.zeros(len(signs), np.int64), lags=LAGS)
    assert any("mids follow trades late" in note for note in found.notes)


def test_refusals() -> None:
    signs, mids = planted(200, 1)
    zero = np.zeros(200, np.int64)
    with pytest.raises(InputError, match="200 trades for 30 lags"):
        fit_propagator(signs, mids, zero, lags=30)
    with pytest.raises(InputError, match="lags is 1"):
        fit_propagator(signs, mids, zero, lags=1)
    with pytest.raises(InputError, match="all trades have one sign"):
        fit_propagator(np.ones(200), mids, zero, lags=5)


def test_a_planted_decay_is_recovered_in_seconds_and_participation() -> None:
    """G = 1e-5 + 3e-5 x 2^(-l / 4): at 0.5 s a trade half-lives of 2 s; a trade of 1e-4 of the volume makes 0.1 and 0.3."""
    truth = 1e-5 + 3e-5 * np.exp2(-np.arange(1.0, 61.0) / 4.0)
    signs = remembering_signs(60_000, 0.3, 9)
    found = fit_propagator(signs, moved(signs, truth, 1e-5, 10), np.zeros(len(signs), np.int64), lags=60)
    decay = fit_decay(found, seconds_a_trade=0.5, participation_a_trade=1e-4)
    assert (decay.weights > 0.0).all()
    assert decay.r2 > 0.99
    seconds = 0.5 * np.arange(1.0, 61.0)
    np.testing.assert_allclose(decay.at(seconds), truth / 1e-4, atol=0.012)
    fading = decay.weights @ decay.half_lives_s / decay.weights.sum()
    assert 1.0 < fading < 5.0
    assert decay.words()[0] == {"half_life_s": decay.half_lives_s[0], "weight": decay.weights[0]}
