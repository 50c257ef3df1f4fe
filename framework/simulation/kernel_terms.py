"""Configs as the terms that the kernel knows: rates for basis points, codes for words, tables for instruments."""

from __future__ import annotations

import math
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from framework.config import CostsConfig, RiskConfig, VenueConfig
from framework.config.impact_models import Push
from framework.engine.market_port import Market
from framework.errors import InputError, did_you_mean
from framework.kernel.layout import codes
from framework.kernel.market.book_memory import Ticks
from framework.kernel.market.costs import PLANNING_BARS
from framework.kernel.trader.trader import Lending, terms_table
from framework.schema.instrument import InstrumentKind
from framework.schema.units import NANOSECONDS_PER_SECOND

_BPS = 1e-4
_QUEUE_MODELS = {"pessimistic": codes.QUEUE_PESSIMISTIC, "power": codes.QUEUE_POWER, "log": codes.QUEUE_LOG}
_SELF_TRADE = {
    "none": codes.SELF_IGNORED,
    "cancel_newest": codes.SELF_CANCEL_NEWEST,
    "cancel_oldest": codes.SELF_CANCEL_OLDEST,
    "cancel_both": codes.SELF_CANCEL_BOTH,
    "decrement": codes.SELF_DECREMENT,
}
_REG_T = {"initial": 0.5, "long_maintenance": 0.25, "short_maintenance": 0.3}
"""12 CFR 220.12: 50 % of a long, 150 % of a short, whose proceeds are 100 of them; FINRA rule 4210 (c): 25 % and 30 % to hold."""

_TERMS: WeakKeyDictionary[Market, dict[tuple[tuple[str, ...], Lending], NDArray[np.void]]] = WeakKeyDictionary()


def lending_of(market: Market, costs: CostsConfig, risk: RiskConfig) -> Lending:
    """What the broker lends, as the kernel's terms."""
    symbols = [instrument.symbol for instrument in market.instruments]
    for key, named in (("costs.borrow_bps_by_symbol", costs.borrow_bps_by_symbol), ("risk.locates", risk.locates or {})):
        for symbol in named:
            if symbol not in symbols:
                raise InputError(f"{key} names {symbol!r}, which is not in the data. {did_you_mean(symbol, symbols)}")
    return Lending(
        borrow_rate=costs.borrow_bps * _BPS,
        borrow_rates=tuple(sorted((symbol, bps * _BPS) for symbol, bps in costs.borrow_bps_by_symbol.items())),
        located=None if risk.locates is None else tuple(sorted(risk.locates.items())),
        liquidates_by=risk.liquidates_by,
        **(_REG_T if risk.account == "reg_t" else {}),
    )


def instrument_terms(market: Market, currencies: tuple[str, ...], lending: Lending) -> NDArray[np.void]:
    """The kernel's table of a market's instruments, made once for the market."""
    made, key = _TERMS.setdefault(market, {}), (currencies, lending)
    if key not in made:
        made[key] = terms_table(market.instruments, currencies, market.calendars, lending)
    return made[key]


def ticks_of(market: Market, costs: CostsConfig) -> Ticks | None:
    """What the kernel must know of a market's ticks; None where it has none."""
    found = market.ticks()
    if found is None:
        return None
    return Ticks(found.spans, found.quoted, found.has_orders, found.auctions, costs.book_start == "empty")


def bars_of_costs(costs: CostsConfig) -> int:
    """Past bars that costs look back on, so that they do not depend on how far the strategy looks."""
    if costs.impact is None or isinstance(costs.impact, Push):
        return 0
    return max(PLANNING_BARS, costs.impact.volatility_bars + 1) if costs.impact.model == "square_root" else PLANNING_BARS


def pushes_of(market: Market, costs: CostsConfig) -> tuple[tuple[tuple[float, float], ...], tuple[float, ...]]:
    """(rate a nanosecond, weight) of each exponential, and the daily volume of each instrument in lots; nothing where fills do not push."""
    impact = costs.impact
    if not isinstance(impact, Push):
        return (), ()
    given, symbols = impact.daily_volume, [instrument.symbol for instrument in market.instruments]
    for symbol in given if isinstance(given, dict) else ():
        if symbol not in symbols:
            raise InputError(f"costs.impact.daily_volume names {symbol!r}, which is not in the data. {did_you_mean(symbol, symbols)}")
    lots = []
    for instrument in market.instruments:
        units = given.get(instrument.symbol) if isinstance(given, dict) else given
        if units is None and instrument.kind is not InstrumentKind.INDEX:
            raise InputError(
                f"costs.impact.daily_volume says nothing of {instrument.symbol!r}; rule: every instrument that trades has one, in units, "
                "since without it the impact of an order is unknown. Add it, or give one number for all."
            )
        lots.append((units or 1.0) * instrument.lot.denominator / instrument.lot.numerator)
    decays = impact.decay if impact.model == "propagator" else ()
    return tuple((math.log(2.0) / (decay.half_life_s * NANOSECONDS_PER_SECOND), decay.weight) for decay in decays), tuple(lots)


def tiers_of(costs: CostsConfig) -> tuple[tuple[float, float, float], ...]:
    """(traded from, maker rate, taker rate) of each tier of fees."""
    return tuple((tier.traded_from, tier.maker_bps * _BPS, tier.taker_bps * _BPS) for tier in costs.fee_tiers)


def _whose_pushes(costs: CostsConfig) -> int:
    """Whose fills push the price, as the kernel's word."""
    if not isinstance(costs.impact, Push):
        return codes.PUSHES_NOT
    return codes.PUSHES_ALWAYS if costs.impact.charge_makers else codes.PUSHES_TAKING


def cost_terms(costs: CostsConfig) -> dict[str, float]:
    """A cost config as the kernel's terms: rates are fractions, limits not set are 0 (the maximum: -1)."""
    impact = costs.impact
    return {
        "maker_rate": costs.effective_maker_bps * _BPS,
        "taker_rate": costs.effective_taker_bps * _BPS,
        "per_unit": costs.fee_per_share,
        "per_order": costs.fee_per_order,
        "minimum": costs.fee_minimum,
        "maximum_rate": -1.0 if costs.fee_maximum_bps is None else costs.fee_maximum_bps * _BPS,
        "half_spread_rate": costs.half_spread_bps * _BPS,
        "impact_coefficient": impact.coefficient if impact is not None and impact.model == "square_root" else 0.0,
        "volume_share_coefficient": impact.price_impact if impact is not None and impact.model == "volume_share" else 0.0,
        "volatility_bars": impact.volatility_bars if impact is not None and impact.model == "square_root" else 0,
        "pushes": float(_whose_pushes(costs)),
        "permanent": impact.permanent if isinstance(impact, Push) else 0.0,
        "temporary": impact.temporary if isinstance(impact, Push) else 0.0,
        "fixed_rate": impact.fixed_bps * _BPS if impact is not None and impact.model == "almgren_chriss" else 0.0,
        "max_participation": costs.max_participation or 0.0,
        "limit_needs_through": float(costs.limit_fill == "through"),
        "queue_model": float(_QUEUE_MODELS[costs.queue]),
        "queue_power": costs.queue_power,
        "takes_at_arrival": float(costs.take == "arrival"),
    }


def risk_terms(risk: RiskConfig) -> dict[str, float]:
    """A risk config as the kernel's terms; limits not set are 0."""
    return {
        "allow_short": float(risk.allow_short),
        "max_leverage": risk.max_leverage,
        "max_position_weight": risk.max_position_weight or 0.0,
        "max_order_notional": risk.max_order_notional or 0.0,
    }


def venue_terms(venue: VenueConfig) -> dict[str, float]:
    """A venue config as the kernel's rules."""
    return {
        "self_trade": float(_SELF_TRADE[venue.self_trade]),
        "is_pro_rata": float(venue.matching == "pro_rata"),
        "pro_rata_minimum_lots": float(venue.pro_rata_minimum_lots),
        "pro_rata_fifo_share": venue.pro_rata_fifo_share,
        "replace_loses_place": float(venue.replace_keeps_place == "never"),
    }
