"""Optimal execution of one block by Almgren and Chriss: cost against risk, in closed form.

Section and equation numbers are those of Almgren and Chriss (2000, Optimal Execution of Portfolio Transactions), preprint of December
2000. Price units are those of the instrument (dollars a share), quantities are units (shares), time is in whatever unit `horizon` is
given in, the same for `volatility`, `temporary` and `drift`.

    S_k = S_{k-1} + volatility sqrt(tau) xi_k + drift tau - permanent n_k             what the market's price does          (1), (6), (23)
    paid for step k: S_{k-1} -/+ (fixed sgn(n_k) + temporary n_k / tau)               sold lower, bought higher             (2), (7)
    E = permanent X^2 / 2 - drift tau sum x_k + fixed sum |n_k| + eta~/tau sum n_k^2  expected cost                         (8), (24)
    V = volatility^2 tau sum x_k^2                                                    its variance                          (5)

with x_k what remains after step k, n_k = x_{k-1} - x_k, tau = horizon / steps and eta~ = temporary - permanent tau / 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from framework.errors import InputError
from framework.schema.order import Side
from framework.stages.execution.frontier import Frontier
from framework.stages.execution.hyperbolic import log_cosh, log_sinh, sinh_ratio, sinhc_minus_one
from framework.stages.execution.schedule import Schedule, normal_quantile

Floats = NDArray[np.float64]

_DIRECT = 1.0
"""2 kappa x horizon from which the difference in the closed form of V is taken as printed; below, it loses digits."""
_MOST_BISECTIONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AlmgrenChriss:
    """A block to trade, and what trading it does to the price.

    Attributes:
        quantity: X, units to trade, above 0.
        horizon: T, until when, in a unit of time of your choice, such as days; above 0.
        steps: N, trades of equal intervals tau = T / N, at least 1.
        volatility: sigma, price units a root of time, above 0.
        permanent: gamma, price units a unit traded: by how much the price stays moved. At least 0.
        temporary: eta, price units a unit traded in a unit of time: by how much a step is paid worse for being traded at that rate.
        fixed: epsilon, price units: half the spread and fees. Default 0. At least 0.
        drift: alpha, price units a unit of time that the price is expected to rise (section 4.1). Default 0, no view.
        side: whether the block is sold or bought. A purchase is the mirror image: it costs what a sale costs under the opposite drift.

    Raises:
        InputError: a number out of its range, or eta~ = temporary - permanent tau / 2 is not above 0, so that there is no optimum.

    Assumptions: impact is linear in the rate; what is temporary is gone by the next step; volatility is constant and known; prices walk
    without memory, so that nothing seen on the way changes the plan (section 3.1).
    Fails when: the block is a large part of the volume (impact is concave then), impact decays slowly, or liquidity has a season of the
    day. The plan is by the clock and takes no account of volume.
    """

    quantity: float
    horizon: float
    steps: int
    volatility: float
    permanent: float
    temporary: float
    fixed: float = 0.0
    drift: float = 0.0
    side: Side = Side.SELL

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not math.isfinite(value):
                raise InputError(f"AlmgrenChriss: {field.name} is {value}; it must be a finite number.")
        for name in ("quantity", "horizon", "volatility"):
            if not getattr(self, name) > 0.0:
                raise InputError(f"AlmgrenChriss: {name} is {getattr(self, name):g}; it must be above 0.")
        for name in ("permanent", "temporary", "fixed"):
            if getattr(self, name) < 0.0:
                raise InputError(f"AlmgrenChriss: {name} is {getattr(self, name):g}; it must be at least 0.")
        if int(self.steps) != self.steps or self.steps < 1:
            raise InputError(f"AlmgrenChriss: steps is {self.steps}; it must be a whole number, at least 1.")
        if not self.reduced_temporary > 0.0:
            raise InputError(
                f"AlmgrenChriss: temporary - permanent x interval / 2 is {self.reduced_temporary:g} ({self.temporary:g} - "
                f"{self.permanent:g} x {self.interval:g} / 2); rule: above 0, else trading faster is always cheaper and there is no "
                "optimum. Take more steps, or estimate `temporary` anew."
            )

    @classmethod
    def from_participation(
        cls,
        quantity: float,
        *,
        days: float,
        steps: int,
        price: float,
        daily_volume: float,
        daily_volatility: float,
        permanent: float,
        temporary: float,
        fixed_bps: float = 0.0,
        side: Side = Side.SELL,
    ) -> Self:
        """The same in the words of a cost config: impact as a fraction of the price at the rate of one day's volume a day.

        Args:
            quantity: units.
            days: horizon in trading days; so is the model's time.
            steps: trades.
            price: price units, for instance the arrival price.
            daily_volume: units.
            daily_volatility: of returns over a day, 0.02 for 2 %.
            permanent: fraction of the price that trading a whole day's volume moves it for good.
            temporary: fraction of the price by which trading at the rate of a day's volume a day is paid worse.
            fixed_bps: half spread and fees, hundredths of a percent of the price.

        Raises:
            InputError: price, volume or volatility not above 0, and as the class says.

        >>> AlmgrenChriss.from_participation(
        ...     1e6, days=5, steps=5, price=50.0, daily_volume=5e6, daily_volatility=0.019, permanent=0.025, temporary=0.25
        ... ).temporary
        2.5e-06
        """
        for name, value in (("price", price), ("daily_volume", daily_volume), ("daily_volatility", daily_volatility)):
            if not (math.isfinite(value) and value > 0.0):
                raise InputError(f"AlmgrenChriss.from_participation: {name} is {value:g}; it must be a finite number above 0.")
        unit = price / daily_volume
        return cls(
            quantity=quantity, horizon=days, steps=steps, volatility=daily_volatility * price, side=side,
            permanent=permanent * unit, temporary=temporary * unit, fixed=fixed_bps * 1e-4 * price,
        )  # fmt: skip

    @property
    def interval(self) -> float:
        """tau = T / N, time."""
        return self.horizon / self.steps

    @property
    def reduced_temporary(self) -> float:
        """eta~ = eta - gamma tau / 2, after (8): what of the temporary impact depends on the plan."""
        return self.temporary - 0.5 * self.permanent * self.interval

    @property
    def drift_of_remainder(self) -> float:
        """What drift does to the value of what is still to be traded: alpha for a sale, -alpha for a purchase."""
        return -float(self.side) * self.drift

    def kappa(self, risk_aversion: float) -> float:
        """Urgency, 1 / time: (2 / tau^2)(cosh(kappa tau) - 1) = kappa~^2 = lambda sigma^2 / eta~, after (16).

        Solved as kappa = (2 / tau) asinh(kappa~ tau / 2). Infinite for an infinite lambda.

        >>> table1 = AlmgrenChriss(
        ...     quantity=1e6, horizon=5, steps=5, volatility=0.95, permanent=2.5e-7, temporary=2.5e-6, fixed=0.0625
        ... )
        >>> round(table1.kappa(1e-6), 4)  # a day
        0.6071
        """
        self._check(risk_aversion)
        reduced = math.sqrt(risk_aversion / self.reduced_temporary) * self.volatility  # kappa~
        return 2.0 / self.interval * math.asinh(0.5 * reduced * self.interval)

    def schedule(self, risk_aversion: float) -> Schedule:
        """The plan that makes E + lambda V least: (17), and (26) where there is drift.

        Args:
            risk_aversion: lambda, 1 / money: expected cost one gives for a unit of its variance. 0 costs least (equal trades, (9)),
                infinity risks least (all in the first step, (12)).

        Raises:
            InputError: lambda below 0 or NaN, or a drift so strong that the plan would trade both ways, which (26) does not price where
                `fixed` is above 0.
        """
        kappa = self.kappa(risk_aversion)
        remaining = self._remaining(kappa)
        trades = -np.diff(remaining)
        if self.fixed > 0.0 and float(trades.min()) < -1e-12 * self.quantity:
            raise InputError(
                f"AlmgrenChriss.schedule: with drift {self.drift:g} the optimum at risk aversion {risk_aversion:g} trades against itself "
                f"({trades.min():,.6g} units in one step), which the closed form does not price where `fixed` is above 0. Rule "
                f"(section 4.1): 0 <= drift / (2 lambda volatility^2) <= quantity suffices, but {self.static_holding(risk_aversion):,.6g} "
                f"is outside 0 to {self.quantity:,.6g}. Take a larger risk aversion, a smaller drift, or fixed=0."
            )
        expected, variance = self.cost_of(trades) if self.drift else (self._expected_cost(kappa), self._variance(kappa))
        return Schedule(
            side=self.side, risk_aversion=float(risk_aversion), kappa=kappa, times=self._times(),
            remaining=remaining, trades=trades, expected_cost=expected, variance=variance,
        )  # fmt: skip

    def static_holding(self, risk_aversion: float) -> float:
        """x- = alpha / (2 lambda sigma^2), units: what one would hold for the drift if one did not have to trade (25)."""
        self._check(risk_aversion)
        if self.drift == 0.0:
            return 0.0
        return self.drift_of_remainder / (2.0 * risk_aversion * self.volatility**2) if risk_aversion > 0.0 else math.inf

    def drift_gain_bound(self, risk_aversion: float) -> float:
        """The most that taking account of drift saves in E + lambda V, money: alpha tau sum of (x_k with drift - x_k without), section 4.1.

        That is alpha x- T (1 - (tau / T) tanh(kappa T / 2) / tanh(kappa tau / 2)): it does not grow with the block.
        """
        return self.drift_of_remainder * self.interval * float(self._for_drift(self.kappa(risk_aversion)).sum())

    def cost_of(self, trades: ArrayLike) -> tuple[float, float]:
        """Expected cost in money and variance in money^2 of any plan, by definition: (24) and (5).

        Args:
            trades: n_k in units, shape (steps,), first step first, summing to `quantity`; below 0 trades against the block.

        Raises:
            InputError: another shape, or another sum.
        """
        sizes = np.asarray(trades, dtype=np.float64)
        if sizes.shape != (self.steps,):
            raise InputError(f"AlmgrenChriss.cost_of: trades of shape {sizes.shape}; there are {self.steps} steps.")
        if not math.isclose(float(sizes.sum()), self.quantity, rel_tol=1e-9):
            raise InputError(f"AlmgrenChriss.cost_of: the trades sum to {sizes.sum():,.10g}; the quantity is {self.quantity:,.10g}.")
        remaining = np.append(np.cumsum(sizes[::-1])[::-1][1:], 0.0)  # x_1 ... x_N, from the end: no digits are lost there
        permanent = 0.5 * self.permanent * self.quantity**2
        temporary = self.reduced_temporary / self.interval * float(np.square(sizes).sum())
        expected = permanent + self.fixed * float(np.abs(sizes).sum()) + temporary
        expected -= self.drift_of_remainder * self.interval * float(remaining.sum())
        return expected, self.volatility**2 * self.interval * float(np.square(remaining).sum())

    def frontier(self, risk_aversions: ArrayLike | None = None, points: int = 60) -> Frontier:
        """The efficient frontier, section 2.1: for each risk what it costs at least.

        Args:
            risk_aversions: lambdas, 1 / money; if not given, 0, infinity and `points` between, evenly in the logarithm, from plans that
                hardly differ from equal trades to plans that trade nearly all at once.
            points: see above, at least 2.
        """
        if risk_aversions is None:
            if points < 2:
                raise InputError(f"AlmgrenChriss.frontier: points is {points}; it must be at least 2.")
            urgency = np.geomspace(0.05 / self.horizon, max(8.0 / self.interval, 0.1 / self.horizon), points)  # kappa
            inner = self.reduced_temporary / self.volatility**2 * np.square(2.0 / self.interval * np.sinh(0.5 * urgency * self.interval))
            risk_aversions = np.concatenate([[0.0], inner, [math.inf]])
        return Frontier(tuple(self.schedule(float(one)) for one in np.atleast_1d(np.asarray(risk_aversions, dtype=np.float64))))

    def least_value_at_risk(self, confidence: float = 0.95) -> Schedule:
        """The plan whose value at risk is least, the L-VaR of section 3.2: there lambda = z / (2 sqrt V), z the normal quantile.

        Args:
            confidence: p, above 0.5 and below 1.

        lambda sqrt V grows with lambda, so the root is found by bisection. Where even the most urgent plan stays below z, all is traded in
        the first step.
        """
        quantile = normal_quantile(confidence)
        low, high = 0.0, self.reduced_temporary / (self.volatility * self.interval) ** 2
        for _ in range(_MOST_BISECTIONS):
            if self._slope(high) >= quantile:
                break
            low, high = high, 4.0 * high
        else:
            return self.schedule(math.inf)
        for _ in range(_MOST_BISECTIONS):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self._slope(middle) < quantile else (low, middle)
        return self.schedule(high)

    def _slope(self, risk_aversion: float) -> float:
        """How steeply the frontier falls, -dE / d sqrt(V) = 2 lambda sqrt(V)."""
        held = self._remaining(self.kappa(risk_aversion))[1:]
        return 2.0 * risk_aversion * self.volatility * math.sqrt(self.interval * float(np.square(held).sum()))

    def _times(self) -> Floats:
        return self.interval * np.arange(self.steps + 1, dtype=np.float64)

    def _remaining(self, kappa: float) -> Floats:
        """x_0 ... x_N by (17) and (26); (9) and (12) in the limits."""
        left = self._times()[::-1]
        if math.isinf(kappa):
            return np.where(left < left[0], 0.0, self.quantity)
        share = left / left[0] if kappa == 0.0 else sinh_ratio(kappa * left, kappa * float(left[0]))
        return self.quantity * share + self._for_drift(kappa)

    def _for_drift(self, kappa: float) -> Floats:
        """What (26) adds for drift, shape (N + 1,):

        x- [1 - (sinh(kappa (T - t)) + sinh(kappa t)) / sinh(kappa T)]
            = alpha tau^2 / (4 eta~) sinh(kappa t / 2) sinh(kappa (T - t) / 2) / (sinh^2(kappa tau / 2) cosh(kappa T / 2)),

        which for kappa = 0 is alpha t (T - t) / (4 eta~).
        """
        done = self._times()
        left = done[::-1]
        if self.drift == 0.0 or math.isinf(kappa):
            return np.zeros(self.steps + 1)
        scale = self.drift_of_remainder / (4.0 * self.reduced_temporary)
        if kappa == 0.0:
            return scale * done * left
        half = 0.5 * kappa
        logs = log_sinh(half * done) + log_sinh(half * left) - 2.0 * log_sinh(half * self.interval) - log_cosh(half * self.horizon)
        return scale * self.interval**2 * np.exp(logs)

    def _expected_cost(self, kappa: float) -> float:
        """E of (20), without overflow: its last term is eta~ X^2 tanh(kappa tau / 2) / tau^2 (tau coth(kappa T) + T sinh(kappa tau) /
        sinh^2(kappa T)); (10) and (13) in the limits."""
        tau, whole = self.interval, self.horizon
        if kappa == 0.0:
            rate = 1.0 / whole
        elif math.isinf(kappa):
            rate = 1.0 / tau
        else:
            tail = whole * math.exp(float(log_sinh(kappa * tau) - 2.0 * log_sinh(kappa * whole)))
            rate = math.tanh(0.5 * kappa * tau) / tau**2 * (tau / math.tanh(kappa * whole) + tail)
        return 0.5 * self.permanent * self.quantity**2 + self.fixed * self.quantity + self.reduced_temporary * self.quantity**2 * rate

    def _variance(self, kappa: float) -> float:
        """V of (20), without overflow and without lost digits; (11) and (13) in the limits.

        With a = kappa (2T - tau), b = kappa tau and c(x) = sinh(x) / x - 1 the numerator of (20) is a b (c(a) - c(b)) / (2 kappa).
        """
        tau, whole, n = self.interval, self.horizon, self.steps
        money = self.volatility**2 * self.quantity**2
        if math.isinf(kappa) or n == 1:
            return 0.0
        if kappa == 0.0:
            return money * whole / 3.0 * (1.0 - 1.0 / n) * (1.0 - 0.5 / n)
        if 2.0 * kappa * whole >= _DIRECT:
            outer, inner = float(log_sinh(kappa * whole)), float(log_sinh(kappa * tau))
            return 0.5 * money * (tau * math.exp(log_cosh(kappa * (whole - tau)) - outer - inner) - whole * math.exp(-2.0 * outer))
        a, b = kappa * (2.0 * whole - tau), kappa * tau
        numerator = 0.5 * a * b / kappa * (sinhc_minus_one(a) - sinhc_minus_one(b))
        return 0.5 * money * numerator / (math.sinh(kappa * whole) ** 2 * math.sinh(kappa * tau))

    def _check(self, risk_aversion: float) -> None:
        if not risk_aversion >= 0.0:
            raise InputError(f"AlmgrenChriss: risk aversion is {risk_aversion:g}; rule: at least 0. One below 0 would pay for risk.")
