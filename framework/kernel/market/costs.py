"""What trading costs: one function a cost, asked by sizing when it plans and by the exchange half when it charges.

    fee            = min(max(sum over fills of (rate x notional + per_unit x units) + per_order, minimum), maximum_rate x notional)
    half spread    = half_spread_rate x notional
    square root    = coefficient x volatility x sqrt(lots / volume) x notional
    volume share   = coefficient x (lots / volume)^2 x notional
    impact         that stays for a while: `displacement.py`

    US levies      = SEC rate x notional + min(TAF per share x shares, TAF maximum), of sales of US shares

The maker's and the taker's rate depend on what was traded on the 30 UTC days before the present one, where there are tiers.

Half spread is paid by takers on bars; quotes carry their spread. The square root law is that of Almgren, Thum, Hauptmann and
Li (2005, Direct Estimation of Equity Market Impact), the volume share model that of zipline.

`volatility` is that of one bar (sample deviation of the last closes' returns) and `volume` that of the same bar: realised
when charging, the trailing mean when planning. Money is in the instrument's currency.

Assumptions: these two impacts are temporary and paid at once; a bar's volume is the liquidity of that bar.
Fails when: the order is a large part of the day, since later prices do not move.
"""

from __future__ import annotations

import math

from framework.kernel.layout.codes import K_EQUITY, PUSHES_NOT
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.layout.rule_records import CostTerms, levy_row, tier_row, traded_row
from framework.kernel.machine.compile import kernel
from framework.kernel.market.displacement import push_cost
from framework.kernel.market.marks import marks_of, mean_volume, terms_of, volatility
from framework.kernel.market.money import notional_of
from framework.schema.units import NANOSECONDS_PER_DAY

TIER_DAYS = 30
"""Days before the present one whose trading decides the tier."""

PLANNING_BARS = 20
"""Bars over which sizing averages volume when it forecasts impact."""


@kernel
def fee_rate(t: TraderRoot, is_maker: bool) -> float:
    """The rate of the tier that the account is in; a day's own trading counts from the next day on."""
    rate = t.costs.maker_rate if is_maker else t.costs.taker_rate
    if t.tiers_count != 0:
        today, traded = t.now_ns // NANOSECONDS_PER_DAY, 0.0
        for k in range(t.traded_count):
            row = traded_row(t.traded, k)
            if today - TIER_DAYS <= row.day < today:
                traded += row.notional
        for k in range(t.tiers_count):
            tier = tier_row(t.tiers, k)
            if traded >= tier.traded_from:
                rate = tier.maker_rate if is_maker else tier.taker_rate
    return rate


@kernel
def note_traded(t: TraderRoot, notional: float) -> None:
    """Count a fill, in the base currency, towards the tiers."""
    today = t.now_ns // NANOSECONDS_PER_DAY
    row = traded_row(t.traded, today % t.traded_count)
    if row.day != today:
        row.day, row.notional = today, 0.0
    row.notional += notional


@kernel
def raw_fee(t: TraderRoot, notional: float, units: float, is_maker: bool) -> float:
    """Fee of one fill before the order's own minimum and maximum; negative for a maker's rebate."""
    return notional * fee_rate(t, is_maker) + units * t.costs.per_unit


@kernel
def us_levies(t: TraderRoot, instrument: int, lots: float, ticks: float) -> float:
    """SEC Section 31 fee and FINRA trading activity fee of one sale, at the rates of its day; 0 for what is not a share in dollars."""
    terms = terms_of(t, instrument)
    k = t.levies_count - 1
    while k >= 0 and levy_row(t.levies, k).from_ns > t.now_ns:
        k -= 1
    if k < 0 or terms.kind != K_EQUITY or terms.currency != t.levied_currency:
        return 0.0
    levy = levy_row(t.levies, k)
    return levy.sec_rate * notional_of(terms, lots, ticks) + min(levy.taf_per_share * lots * terms.lot, levy.taf_maximum)


@kernel
def bounded_fee(costs: CostTerms, raw: float, notional: float) -> float:
    """The whole fee of an order after its minimum and maximum; the maximum wins where both apply."""
    fee = raw
    if costs.minimum > 0.0 and fee < costs.minimum:
        fee = costs.minimum
    if costs.maximum_rate >= 0.0 and fee > costs.maximum_rate * notional:
        fee = costs.maximum_rate * notional
    return fee


@kernel
def half_spread_cost(costs: CostTerms, notional: float) -> float:
    """Half of the quoted spread, paid by takers where the data are bars."""
    return costs.half_spread_rate * notional


@kernel
def impact_cost(costs: CostTerms, notional: float, lots: float, volume_lots: float, bar_volatility: float) -> float:
    """Square-root impact; 0 where the volume is unknown."""
    if costs.impact_coefficient == 0.0 or volume_lots <= 0.0:
        return 0.0
    return costs.impact_coefficient * bar_volatility * math.sqrt(lots / volume_lots) * notional


@kernel
def volume_share_cost(costs: CostTerms, notional: float, lots: float, volume_lots: float) -> float:
    """Quadratic volume-share slippage; 0 where the volume is unknown."""
    if costs.volume_share_coefficient == 0.0 or volume_lots <= 0.0:
        return 0.0
    share = lots / volume_lots
    return costs.volume_share_coefficient * share * share * notional


@kernel
def planned_cost(t: TraderRoot, instrument: int, lots: float, ticks: float) -> float:
    """Forecast of everything a taker would pay for `lots` at `ticks` where nothing stands displaced, in the instrument's currency."""
    costs, terms = t.costs, terms_of(t, instrument)
    notional = notional_of(terms, lots, ticks)
    fee = bounded_fee(costs, raw_fee(t, notional, lots * terms.lot, False) + costs.per_order, notional)
    slippage = 0.0
    if marks_of(t, instrument).bars > 0:
        slippage = half_spread_cost(costs, notional)
        if costs.impact_coefficient != 0.0 or costs.volume_share_coefficient != 0.0:
            volume = mean_volume(t, instrument, PLANNING_BARS)
            slippage += impact_cost(costs, notional, lots, volume, volatility(t, instrument, costs.volatility_bars))
            slippage += volume_share_cost(costs, notional, lots, volume)
    if costs.pushes != PUSHES_NOT:
        slippage += push_cost(t, instrument, notional, lots, 0.0)
    return fee + slippage
