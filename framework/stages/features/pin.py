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
_TOLERANCES = {"ftol": 1e-14, "gtol": 1e-6, "maxiter": 2_000}
"""Of the log-likelihood without its constant, some hundreds: up to about its last digit."""


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
    bought, sold = np.asarray(buys, dtype=np.float64), np.asarray(sells, dtype=np.float64)
    value, gradient = _below_saturated(np.asarray(theta, dtype=np.float64), bought, sold)
    return value + _saturated(bought) + _saturated(sold), gradient


def _saturated(counts: Floats) -> float:
    """The sum of n ln n - n over days: the log-likelihood of a rate of its own for each day, without -ln n!."""
    return float((counts * np.log(np.maximum(counts, 1.0)) - counts).sum())


def _poisson(counts: Floats, rate: float) -> Floats:
    """n ln(rate / n) - (rate - n), by day: ln P(n; rate) - ln P(n; n). Near 0 where the rate fits, however large n is."""
    return counts * np.log(rate / np.maximum(counts, 1.0)) - (rate - counts)


def _below_saturated(theta: Floats, bought: Floats, sold: Floats) -> tuple[float, Floats]:
    """`log_likelihood` less that of a rate of its own for each day, and the gradient.

    The constant grows as trades times their logarithm. Beside it an optimiser cannot see a change of 1 in the likelihood, and stops early.
    """
    alpha, delta, mu, buy_rate, sell_rate = (float(x) for x in theta)
    plain_buy, plain_sell = _poisson(bought, buy_rate), _poisson(sold, sell_rate)
    informed_buy, informed_sell = _poisson(bought, mu + buy_rate), _poisson(sold, mu + sell_rate)
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
    {0.1, 0.3, 0.5, 0.7, 0.9}, mu and epsilon_sell by the model's means; and from days split by their imbalance, as Gan, Wei and Johnstone
    (2015, A Faster Estimation Method for the Probability of Informed Trading Using Hierarchical Agglomerative Clustering) do. The
    likelihood has several maxima; one start finds any of them. Where news moves many trades by a small share, the grid misses it.

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
    mean = 0.5 * float(bought.mean() + sold.mean())
    step = math.sqrt(mean)  # a rate is known to about its root: in these units all five parameters are alike
    units = np.array([1.0, 1.0, step, step, step])

    def loss(point: Floats) -> tuple[float, Floats]:
        value, gradient = _below_saturated(point * units, bought, sold)
        return -value, -gradient * units

    inside, positive = (_EDGE, 1.0 - _EDGE), (_EDGE * mean / step, None)
    bounds = (inside, inside, positive, positive, positive)
    found = [
        minimize(loss, start / units, jac=True, method="L-BFGS-B", bounds=bounds, options=_TOLERANCES)
        for start in (*_starts(float(bought.mean()), float(sold.mean())), *_split_starts(bought, sold))
    ]
    best = min(found, key=lambda one: float(one.fun))
    near = sum(float(one.fun) <= float(best.fun) + 1e-4 for one in found)
    alpha, delta, mu, buy_rate, sell_rate = (float(x) for x in best.x * units)
    fitted = _saturated(bought) + _saturated(sold) - float(best.fun)
    return PinEstimate(alpha, delta, mu, buy_rate, sell_rate, fitted, (near, len(found)))


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


def _split_starts(bought: Floats, sold: Floats) -> list[Floats]:
    """The days with the most buys less sells, each in deviations, are of good news, those with the least of bad: rates are their means.

    Shares of both by the grid; a split that leaves no day of a kind, or whose news moves nothing, is dropped.
    """
    days, found = len(bought), []
    imbalance = (bought - bought.mean()) / math.sqrt(bought.mean()) - (sold - sold.mean()) / math.sqrt(sold.mean())
    order = np.argsort(imbalance, kind="stable")
    for alpha, delta in itertools.product(_GRID, repeat=2):
        bad, good = round(days * alpha * delta), round(days * alpha * (1.0 - delta))
        if bad < 1 or good < 1 or bad + good >= days:
            continue
        buy_rate, sell_rate = bought[order[: days - good]].mean(), sold[order[bad:]].mean()
        more = (bought[order[days - good :]] - buy_rate).sum() + (sold[order[:bad]] - sell_rate).sum()
        if more > 0.0 and buy_rate > 0.0 and sell_rate > 0.0:
            found.append(np.array([alpha, delta, more / (good + bad), buy_rate, sell_rate]))
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
