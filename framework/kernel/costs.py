"""What trading costs: one function a cost, asked by sizing when it plans and by the exchange half when it charges.

    fee            = min(max(sum over fills of (rate x notional + per_unit x units) + per_order, minimum), maximum_rate x notional)
    half spread    = half_spread_rate x notional
    square root    = coefficient x volatility x sqrt(lots / volume) x notional
    volume share   = coefficient x (lots / volume)^2 x notional

Half spread is paid by takers on bars; quotes carry their spread. The square root law is that of Almgren, Thum, Hauptmann and
Li (2005, Direct Estimation of Equity Market Impact), the volume share model that of zipline.

`volatility` is that of one bar (sample deviation of the last closes' returns) and `volume` that of the same bar: realised
when charging, the trailing mean when planning. Money is in the instrument's currency.

Assumptions: impact is temporary and paid at once; a bar's volume is the liquidity of that bar.
Fails when: the order is a large part of the day, since nothing decays and later prices do not move.
"""

from __future__ import annotations

import math
from typing import Any

from framework.kernel.book import book_of, mean_volume, terms_of, volatility
from framework.kernel.compile import kernel
from framework.kernel.contracts import notional_of

PLANNING_BARS = 20
"""Bars over which sizing averages volume when it forecasts impact."""


@kernel
def raw_fee(costs: Any, notional: float, units: float, is_maker: bool) -> float:
    """Fee of one fill before the order's own minimum and maximum; negative for a maker's rebate."""
    return notional * (costs.maker_rate if is_maker else costs.taker_rate) + units * costs.per_unit


@kernel
def bounded_fee(costs: Any, raw: float, notional: float) -> float:
    """The whole fee of an order after its minimum and maximum; the maximum wins where both apply."""
    fee = raw
    if costs.minimum > 0.0 and fee < costs.minimum:
        fee = costs.minimum
    if costs.maximum_rate >= 0.0 and fee > costs.maximum_rate * notional:
        fee = costs.maximum_rate * notional
    return fee


@kernel
def half_spread_cost(costs: Any, notional: float) -> float:
    """Half of the quoted spread, paid by takers where the data are bars."""
    return costs.half_spread_rate * notional


@kernel
def impact_cost(costs: Any, notional: float, lots: float, volume_lots: float, bar_volatility: float) -> float:
    """Square-root impact; 0 where the volume is unknown."""
    if costs.impact_coefficient == 0.0 or volume_lots <= 0.0:
        return 0.0
    return costs.impact_coefficient * bar_volatility * math.sqrt(lots / volume_lots) * notional


@kernel
def volume_share_cost(costs: Any, notional: float, lots: float, volume_lots: float) -> float:
    """Quadratic volume-share slippage; 0 where the volume is unknown."""
    if costs.volume_share_coefficient == 0.0 or volume_lots <= 0.0:
        return 0.0
    share = lots / volume_lots
    return costs.volume_share_coefficient * share * share * notional


@kernel
def planned_cost(t: Any, instrument: int, lots: float, ticks: float) -> float:
    """Forecast of everything a taker would pay for `lots` at `ticks`, in the instrument's currency."""
    costs, terms = t.costs, terms_of(t, instrument)
    notional = notional_of(terms, lots, ticks)
    fee = bounded_fee(costs, raw_fee(costs, notional, lots * terms.lot, False) + costs.per_order, notional)
    slippage = 0.0
    if book_of(t, instrument).bars > 0:
        slippage = half_spread_cost(costs, notional)
        if costs.impact_coefficient != 0.0 or costs.volume_share_coefficient != 0.0:
            volume = mean_volume(t, instrument, PLANNING_BARS)
            slippage += impact_cost(costs, notional, lots, volume, volatility(t, instrument, costs.volatility_bars))
            slippage += volume_share_cost(costs, notional, lots, volume)
    return fee + slippage
