"""Price impact estimated from trades and quotes: the response to trades, its decay, the square-root law, permanent and temporary impact.

found = calibrate_impact(recording)
found.estimates                       # a table: value, standard error, observations, R2, both halves
found.costs()                         # for backtest(costs=...)
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from framework.config import parse_costs
from framework.data.tape import Tape
from framework.data.tape.recording import Recording
from framework.errors import InputError
from framework.schema.order import Side
from framework.stages.execution import AlmgrenChriss
from research.impact.decay import fit_decay
from research.impact.flow import Flow, bars_of, flow_of
from research.impact.numbers import ImpactNumbers
from research.impact.page import figure, render
from research.impact.propagator import Propagator, fit_propagator
from research.impact.regressions import FEWEST_BARS, Estimate, buckets_of, exponent, linear, mean_of, square_root

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_BPS = 1e4
_WEAK = 2.0
"""An estimate fewer standard errors from 0 than this is not told from 0."""
PROXY = (
    "Bars hold the net flow of all traders, not one trader's order: the coefficients stand in for the impact of an order and are "
    "biased where flow reacts to the price."
)


class ImpactCalibration(ImpactNumbers):
    """What the data say of price impact, and how surely; its numbers are those of `ImpactNumbers`, with tables, costs and pictures."""

    __slots__ = ()

    @property
    def estimates(self) -> pd.DataFrame:
        """A row an estimate, by name: value, unit, standard_error, count, r2, first_half, second_half, r2_out; see `Estimate`."""
        return pd.DataFrame([asdict(one) for one in self.found]).set_index("name")

    @property
    def response(self) -> pd.DataFrame:
        """By lag in trades, from 1: seconds, response, signs and bare (R, C and G) with their standard errors; fractions of the price."""
        p = self.propagator
        columns = {"seconds": p.lags * self.seconds_a_trade, "response": p.response[1:], "response_error": p.response_error[1:]}
        columns |= {"signs": p.signs[1:], "signs_error": p.signs_error[1:], "bare": p.bare, "bare_error": p.bare_error}
        return pd.DataFrame(columns, index=pd.Index(p.lags, name="lag"))

    @property
    def by_size(self) -> pd.DataFrame:
        """Bars in groups by |net flow|: participation, impact in volatilities of a bar, its error, count."""
        return pd.DataFrame(asdict(self.buckets))

    def value(self, name: str) -> float:
        """One estimate by name.

        Raises:
            InputError: it could not be had from these data; the notes say why.
        """
        value = next(one.value for one in self.found if one.name == name)
        if not math.isfinite(value):
            raise InputError(f"{self.symbol}: {name} could not be estimated. {' '.join(self.notes)}")
        return value

    def costs(
        self, model: Literal["square_root", "almgren_chriss", "propagator"] = "square_root", *, volatility_bars: int = 20
    ) -> dict[str, Any]:
        """Spread and impact as `backtest(costs=...)` and a config's section `costs` take them.

        Args:
            model: "square_root", paid at once; "almgren_chriss", permanent and temporary, whose `fixed_bps` is the half spread; or
                "propagator", which decays. The last two are fractions of the price per unit of participation, quantity / daily volume.
            volatility_bars: of "square_root".

        Raises:
            InputError: what the model needs could not be estimated, came out below 0, or does not fade.
        """
        if model == "square_root":
            costs: dict[str, Any] = {"half_spread_bps": self.half_spread * _BPS, "impact": self._square_root(volatility_bars)}
        elif model == "propagator":
            costs = {"half_spread_bps": self.half_spread * _BPS, "impact": self._propagator()}
        else:
            costs = {"impact": self._almgren_chriss()}
        parse_costs(costs)
        return costs

    def _square_root(self, volatility_bars: int) -> dict[str, Any]:
        coefficient = self.value("square_root_coefficient")
        if coefficient < 0.0:
            raise InputError(
                f"{self.symbol}: the square-root coefficient came out as {coefficient:.4g}; rule: at least 0. In these data the "
                "price moves against net flow: signs are wrong, stamps of trades and quotes do not match, or the sample is too short."
            )
        return {"model": "square_root", "coefficient": coefficient, "volatility_bars": volatility_bars}

    def _propagator(self) -> dict[str, Any]:
        """A trade of x finds the price moved by what stands of earlier ones, pays half of its own jump, x (permanent + sum of weights) / 2,
        and leaves the jump behind. `temporary` is 0: what the crossing itself costs is the half spread.
        """
        if not len(self.decay.weights):
            raise InputError(f"{self.symbol}: nothing of the propagator fades in these data. Take costs('almgren_chriss') or costs().")
        fading = {"permanent": self.decay.permanent, "temporary": 0.0, "decay": self.decay.words()}
        return {"model": "propagator", "daily_volume": self.daily_volume} | fading

    def _almgren_chriss(self) -> dict[str, Any]:
        """Permanent and temporary impact; an estimate below 0 becomes 0.

        A trade of x pays x (permanent / 2 + temporary) and leaves x permanent behind. `temporary` holds for what is traded within `bar_s`.
        `fixed_bps` is the half spread, which is known better than the regression's `fixed`: beside it a config needs no `half_spread_bps`.
        """
        linear_ones = {name: max(self.value(name), 0.0) for name in ("permanent", "temporary")}
        return {"model": "almgren_chriss", "daily_volume": self.daily_volume, "fixed_bps": self.half_spread * _BPS} | linear_ones

    def almgren_chriss(self, quantity: float, *, days: float, steps: int, price: float, side: Side = Side.SELL) -> AlmgrenChriss:
        """The model of optimal execution with these estimates, in trading days.

        `temporary` was measured for what is traded within `bar_s`, which makes it a rate, and beyond half of the permanent impact, which is
        eta~ of the model: eta = temporary x bar_s / day_s + permanent x interval / 2.

        Raises:
            InputError: permanent or temporary impact could not be estimated; temporary impact is not above 0, so that there is no optimum.
        """
        words = self._almgren_chriss()
        rate = words["temporary"] * self.bar_s / self.day_s
        return AlmgrenChriss.from_participation(
            quantity, days=days, steps=steps, price=price, side=side,
            daily_volume=self.daily_volume, daily_volatility=self.daily_volatility,
            permanent=words["permanent"], temporary=rate + 0.5 * words["permanent"] * days / steps, fixed_bps=words["fixed_bps"],
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON; what is not known is None."""
        names = (
            "symbol",
            "source",
            "trades",
            "days",
            "day_s",
            "bar_s",
            "bars",
            "daily_volume",
            "daily_volatility",
            "seconds_a_trade",
            "mean_size",
        )
        head = {name: getattr(self, name) for name in (*names, "half_spread")}
        tables = {"response": self.response.reset_index(), "by_size": self.by_size}
        terms = zip(self.decay.words(), self.decay.weights_error.tolist(), strict=True)
        decay: dict[str, Any] = {"permanent": self.decay.permanent, "permanent_error": self.decay.permanent_error, "r2": self.decay.r2}
        decay |= {"terms": [term | {"weight_error": error} for term, error in terms]}
        whole = head | {"estimates": [asdict(one) for one in self.found], "decay": decay, "notes": list(self.notes)}
        plain: dict[str, Any] = _plain(whole | {name: table.to_dict("records") for name, table in tables.items()})
        return plain

    def to_json(self) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False)

    def plot(self) -> Figure:
        """Response, propagator, memory of signs and impact by size in one plotly figure."""
        return figure(self)

    def report(self, path: str | Path = "impact.html") -> Path:
        """Write a self-contained HTML page and return where it is."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(render(self), encoding="utf-8")
        return target


def calibrate_impact(
    source: Tape | Recording,
    symbol: str | None = None,
    *,
    bar_s: float = 60.0,
    lags: int = 100,
    settle_bars: int = 1,
    daily_volume: float | None = None,
    day_hours: float | None = None,
    draws: int = 200,
    seed: int = 0,
    starts_empty: bool = False,
) -> ImpactCalibration:
    """Estimate price impact from trades with quotes or books beside them.

    Args:
        source: a tape or a recording; it is read into memory.
        symbol: may be left out where there is one instrument.
        bar_s: length of the bars whose net flow is measured, seconds.
        lags: longest lag of the response, trades.
        settle_bars: bars after which what is left of a move counts as permanent, at least 1.
        daily_volume: units; if not given, what the data have by trading day, auctions left out.
        day_hours: hours of a trading day; if not given, those of the instrument's sessions.
        draws: of the bootstrap behind the standard errors.
        seed: of the draws.
        starts_empty: True where the book is known, and empty, before its first snapshot.

    Raises:
        InputError: no trades or no mids; too few of them for the lags; a number out of its range.

    Assumptions: impact scales with volatility and participation and is the same all day; signs are right.
    Fails when: see the notes of the result. Trades of one order that carry different stamps count as several, which makes signs remember
    more and the propagator smaller.
    """
    _check(bar_s, settle_bars, draws, daily_volume)
    flow = flow_of(source, symbol, day_hours=day_hours, starts_empty=starts_empty)
    propagator = fit_propagator(flow.sign, flow.log_mid, flow.stretch, lags=lags, draws=draws, seed=seed)
    bars = bars_of(flow, bar_s, settle_bars)
    volume = float(flow.size.sum()) / flow.days if daily_volume is None else daily_volume
    decay = fit_decay(propagator, seconds_a_trade=flow.seconds_a_trade, participation_a_trade=float(flow.size.mean()) / volume)
    found = [
        mean_of("half_spread", "price", flow.half_spread, draws=draws, seed=seed),
        square_root(bars, draws=draws, seed=seed),
        exponent(bars, draws=draws, seed=seed),
        *linear(bars, volume, draws=draws, seed=seed),
        *_exponents(propagator),
    ]
    return ImpactCalibration(
        symbol=flow.symbol, source=source.name if isinstance(source, Tape) else source.source,
        trades=len(flow.sign), days=flow.days, day_s=flow.day_s, bar_s=bar_s, bars=len(bars.net), daily_volume=volume,
        daily_volatility=float(np.sqrt(np.mean(bars.change**2) * flow.day_s / bar_s)),
        seconds_a_trade=flow.seconds_a_trade, mean_size=float(flow.size.mean()), half_spread=found[0].value,
        propagator=propagator, decay=decay, buckets=buckets_of(bars), found=tuple(found),
        notes=(*_notes(flow, found, daily_volume), *propagator.notes),
    )  # fmt: skip


def _check(bar_s: float, settle_bars: int, draws: int, daily_volume: float | None) -> None:
    if not (math.isfinite(bar_s) and bar_s > 0.0):
        raise InputError(f"calibrate_impact: bar_s is {bar_s:g}; rule: above 0.")
    if settle_bars < 1:
        raise InputError(f"calibrate_impact: settle_bars is {settle_bars}; rule: at least 1.")
    if draws < 2:
        raise InputError(f"calibrate_impact: draws is {draws}; rule: at least 2, for 200 errors are known to 5 %.")
    if daily_volume is not None and not (math.isfinite(daily_volume) and daily_volume > 0.0):
        raise InputError(f"calibrate_impact: daily_volume is {daily_volume:g}; rule: above 0.")


def _exponents(p: Propagator) -> list[Estimate]:
    nothing = float("nan")
    return [
        Estimate("propagator_exponent", "", p.exponent, p.exponent_error, p.count, p.r2, *p.exponent_halves, p.r2_out),
        Estimate("signs_exponent", "", p.signs_exponent, p.signs_exponent_error, p.count, nothing, *p.signs_exponent_halves, nothing),
    ]


def _notes(flow: Flow, found: list[Estimate], daily_volume: float | None) -> list[str]:
    notes = [*flow.notes, PROXY]
    if flow.days < 1.0:
        whose = "the daily volume and volatility are" if daily_volume is None else "the daily volatility is"
        notes.append(f"The data cover {flow.days:.3g} of a trading day; {whose} scaled up from it, as if every hour were like these.")
    few = sorted({one.count for one in found if one.count < FEWEST_BARS})
    if few:
        notes.append(f"Only {few[0]} bars have a net flow, fewer than {FEWEST_BARS}: nothing is estimated from them. Take shorter bars.")
    weak = [one.name for one in found if abs(one.value) < _WEAK * one.standard_error]
    if weak:
        notes.append(f"Less than {_WEAK:g} standard errors from 0: {', '.join(weak)}.")
    unstable = [one.name for one in found if one.r2_out < 0.0]
    if unstable:
        notes.append(f"The first half says less than nothing of the second (R2 below 0): {', '.join(unstable)}.")
    negative = [one.name for one in found if one.value < 0.0 and one.name in ("permanent", "temporary", "fixed", "square_root_coefficient")]
    if negative:
        notes.append(f"Below 0, which no cost can be: {', '.join(negative)}.")
    return notes


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
