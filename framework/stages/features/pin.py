"""PIN: the probability of informed trading, by maximum likelihood on days of buys and sells."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framework.errors import InputError

Floats = NDArray[np.float64]

_GRID = (0.1, 0.3, 0.5, 0.7, 0.9)
_EDGE = 1e-7
"""How near a probability comes to 0 and 1, and a rate to 0, in units of the mean rate."""


@dataclass(frozen=True, slots=True)
class PinEstimate:
    """Parameters of the model and how well they fit.

    Attributes:
        alpha: probability of news on a day.
        delta: probability that news is bad.
        mu: trades a day of the informed on a day of news.
        epsilon_buy, epsilon_sell: trades a day of the uninformed.
        log_likelihood: with the terms -ln B! - ln S! left out.
        starts: how many starting points ended within 1e-4 of the best likelihood, out of those tried.
    """

    alpha: float
    delta: float
    mu: float
    epsilon_buy: float
    epsilon_sell: float
    log_likelihood: float
    starts: tuple[int, int]

    @property
    def pin(self) -> float:
        """alpha mu / (alpha mu + epsilon_buy + epsilon_sell)."""
        informed = self.alpha * self.mu
        return informed / (informed + self.epsilon_buy + self.epsilon_sell)


def log_likelihood(theta: ArrayLike, buys: ArrayLike, sells: ArrayLike) -> tuple[float, Floats]:
    """The log-likelihood of days and its gradient, both by (alpha, delta, mu, epsilon_buy, epsilon_sell).

        L = prod over days of  alpha (1 - delta) P(B; mu + e_b) P(S; e_s)       good news
                             + alpha delta P(B; e_b) P(S; mu + e_s)             bad news
                             + (1 - alpha) P(B; e_b) P(S; e_s)                  none

    with Poisson P, without 1 / (B! S!) (Easley, Kiefer, O'Hara and Paperman 1996, with two rates of the uninformed). The
    largest of the three terms is taken out before they are added, which carries the factorisation of Easley, Hvidkjaer and O'Hara (2010,
    Factoring Information into Returns) to its end: nothing overflows however many trades a day has.
    """
    alpha, delta, mu, buy_rate, sell_rate = (float(x) for x in np.asarray(theta, dtype=np.float64))
    bought, sold = np.asarray(buys, dtype=np.float64), np.asarray(sells, dtype=np.float64)
    plain_buy, plain_sell = bought * math.log(buy_rate) - buy_rate, sold * math.log(sell_rate) - sell_rate
    informed_buy = bought * math.log(mu + buy_rate) - mu - buy_rate
    informed_sell = sold * math.log(mu + sell_rate) - mu - sell_rate
    terms = np.stack(
        (
            math.log(alpha * (1.0 - delta)) + informed_buy + plain_sell,
            math.log(alpha * delta) + plain_buy + informed_sell,
            math.log(1.0 - alpha) + plain_buy + plain_sell,
        )
    )
    largest = terms.max(axis=0)
    shares = np.exp(terms - largest)
    total = shares.sum(axis=0)
    good, bad, none = shares / total
    more_buy, more_sell = good * (bought / (mu + buy_rate) - 1.0), bad * (sold / (mu + sell_rate) - 1.0)
    gradient = np.array(
        [
            ((good + bad) / alpha - none / (1.0 - alpha)).sum(),
            (bad / delta - good / (1.0 - delta)).sum(),
            (more_buy + more_sell).sum(),
            (more_buy + (bad + none) * (bought / buy_rate - 1.0)).sum(),
            (more_sell + (good + none) * (sold / sell_rate - 1.0)).sum(),
        ]
    )
    return float((largest + np.log(total)).sum()), gradient


def fit_pin(buys: ArrayLike, sells: ArrayLike) -> PinEstimate:
    """Estimate PIN from the numbers of buys and of sells on each day, shape (days,) each.

    Maximises `log_likelihood` by L-BFGS-B from each admissible point of the grid of Yan and Zhang (2012, An Improved Estimation Method and
    Empirical Properties of the Probability of Informed Trading): alpha, delta and epsilon_buy over the mean of buys in
    {0.1, 0.3, 0.5, 0.7, 0.9}, mu and epsilon_sell by the model's means. The likelihood has several maxima; one start finds any of them.

    Needs scipy, which the extra `research` brings.

    Raises:
        InputError: scipy is missing; fewer than 2 days; numbers that are no counts; no buys or no sells at all.
    """
    bought, sold = _counts("buys", buys), _counts("sells", sells)
    if len(bought) != len(sold) or len(bought) < 2:
        raise InputError(f"fit_pin: {len(bought)} days of buys and {len(sold)} of sells; rule: as many, at least 2")
    if not bought.any() or not sold.any():
        raise InputError("fit_pin: no buys or no sells on any day; the model has both every day")
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise InputError("fit_pin needs scipy, which is not installed. Run: pip install onetape[research]") from error
    scale = 0.5 * float(bought.mean() + sold.mean())
    units = np.array([1.0, 1.0, scale, scale, scale])

    def loss(point: Floats) -> tuple[float, Floats]:
        value, gradient = log_likelihood(point * units, bought, sold)
        return -value, -gradient * units

    inside, positive = (_EDGE, 1.0 - _EDGE), (_EDGE, None)
    found = [
        minimize(loss, start / units, jac=True, method="L-BFGS-B", bounds=(inside, inside, positive, positive, positive))
        for start in _starts(float(bought.mean()), float(sold.mean()))
    ]
    best = min(found, key=lambda one: float(one.fun))
    near = sum(float(one.fun) <= float(best.fun) + 1e-4 for one in found)
    theta = best.x * units
    alpha, delta, mu, buy_rate, sell_rate = (float(x) for x in theta)
    return PinEstimate(alpha, delta, mu, buy_rate, sell_rate, -float(best.fun), (near, len(found)))


def _starts(mean_buys: float, mean_sells: float) -> list[Floats]:
    """Yan and Zhang's grid: E[B] = alpha (1 - delta) mu + e_b and E[S] = alpha delta mu + e_s; where e_s would not be above 0, dropped."""
    found = []
    for alpha, delta, share in itertools.product(_GRID, repeat=3):
        buy_rate = share * mean_buys
        mu = (mean_buys - buy_rate) / (alpha * (1.0 - delta))
        sell_rate = mean_sells - alpha * delta * mu
        if sell_rate > 0.0:
            found.append(np.array([alpha, delta, mu, buy_rate, sell_rate]))
    return found


def _counts(name: str, values: ArrayLike) -> Floats:
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1:
        raise InputError(f"fit_pin: {name} has shape {given.shape}; rule: one number a day")
    wrong = ~(np.isfinite(given) & (given >= 0) & (given == np.floor(given)))
    if wrong.any():
        day = int(np.argmax(wrong))
        raise InputError(f"fit_pin: {name}[{day}] = {given[day]}; rule: whole numbers of trades, at least 0")
    return given
