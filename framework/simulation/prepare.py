"""What a run needs before its first event, the same for a simulated and a recorded world: trader half, audit, timers.

Everything a run depends on stands in the audit's header, so a run is prepared from its header and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from framework.config import CostsConfig, LatencyConfig, RiskConfig, VenueConfig, parse_costs, parse_risk
from framework.config.impact import Push
from framework.data.reference.us_fees import us_levies
from framework.data.tape import Tape
from framework.data.tape.survey import survey
from framework.engine.audit import Audit
from framework.engine.interrupts import deferred_interrupts
from framework.engine.strategy import Strategy
from framework.engine.timers import Timers
from framework.errors import InputError, did_you_mean
from framework.kernel.layout import codes
from framework.kernel.loops.link import link
from framework.kernel.market.book_memory import Ticks
from framework.kernel.market.costs import PLANNING_BARS
from framework.kernel.market.marks import GAP_BARS
from framework.kernel.trader.trader import Lending, Trader, terms_table
from framework.schema.instrument import InstrumentKind
from framework.simulation.latency import settled
from framework.version import __version__

_ONE_SECOND_NS = 1_000_000_000
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

_TERMS: WeakKeyDictionary[Tape, dict[tuple[tuple[str, ...], Lending], NDArray[np.void]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Prepared:
    """A run before its first event."""

    trader: Trader
    audit: Audit
    timers: Timers
    cash: float
    currency: str


def header_of(
    strategy: Strategy,
    tape: Tape,
    cash: float,
    currency: str,
    costs: CostsConfig,
    risk: RiskConfig,
    latency: LatencyConfig,
    venue: VenueConfig,
    seed: int,
) -> dict[str, object]:
    """What a run is made of, as the audit's header."""
    common = common_header(type(strategy), tape, cash, currency, costs, risk, latency, venue, seed)
    return {"onetape": common["onetape"], "strategy": common["strategy"], "parameters": dict(strategy.parameters), **common}


def common_header(
    strategy: type[Strategy],
    tape: Tape,
    cash: float,
    currency: str,
    costs: CostsConfig,
    risk: RiskConfig,
    latency: LatencyConfig,
    venue: VenueConfig,
    seed: int,
) -> dict[str, object]:
    """The header without the parameters: what all runs of a sweep have in common."""
    return {
        "onetape": __version__,
        "strategy": f"{strategy.__module__}:{strategy.__qualname__}",
        "tape": tape.digest(),
        "data": tape.name,
        "cash": cash,
        "currency": currency,
        "costs": costs.model_dump(mode="json"),
        "risk": risk.model_dump(mode="json"),
        "latency": settled(latency).model_dump(mode="json"),
        "venue": venue.model_dump(mode="json"),
        "seed": seed,
    }


class Ground:
    """What all runs over one tape with one account share; worked out once."""

    def __init__(self, tape: Tape, cash: float, currency: str, costs: CostsConfig, risk: RiskConfig) -> None:
        self._tape, self._cash, self._currency = tape, cash, currency
        self._currencies = tuple(dict.fromkeys((currency, *tape.currencies)))
        self._costs, self._risk = _cost_fields(costs), _risk_fields(risk)
        self._bars_of_costs = _bars_of_costs(costs)
        self._terms = _terms_of(tape, self._currencies, _lending(tape, costs, risk))
        self._tiers = tuple((tier.traded_from, tier.maker_bps * _BPS, tier.taker_bps * _BPS) for tier in costs.fee_tiers)
        self._levies = us_levies() if costs.us_regulatory else ()
        self._decays, self._daily_lots = _pushes_of(tape, costs)
        self._ticks = _ticks_of(tape, costs)
        self._point_interval_ns = _ONE_SECOND_NS if tape.has_quotes or self._ticks is not None else 0

    def trader(self, strategy: Strategy) -> Trader:
        """A new trader half for a strategy, linked to the loops.

        An interrupt acts afterwards: in callbacks of the compiler it would be lost.
        """
        with deferred_interrupts():
            return link(self._trader(strategy))

    def _trader(self, strategy: Strategy) -> Trader:
        return Trader(
            self._tape.instruments,
            currencies=self._currencies,
            calendars=self._tape.calendars,
            base_currency=self._currency,
            cash=self._cash,
            costs=self._costs,
            risk=self._risk,
            history=max(strategy.history, self._bars_of_costs, GAP_BARS + 1),
            wakes=strategy.wakes,
            point_interval_ns=self._point_interval_ns,
            terms=self._terms,
            ticks=self._ticks,
            tiers=self._tiers,
            levies=self._levies,
            decays=self._decays,
            daily_lots=self._daily_lots,
            owner=type(strategy).__name__,
        )

    def timers(self) -> Timers:
        """New timers."""
        return Timers(self._tape.sessions, self._tape.calendars[0] if self._tape.calendars else None)


def prepare(strategy: Strategy, tape: Tape, header: Mapping[str, Any]) -> Prepared:
    """The trader half, the audit and the timers of a run with this header."""
    cash, currency = float(header["cash"]), str(header["currency"])
    ground = Ground(tape, cash, currency, parse_costs(header["costs"]), parse_risk(header["risk"]))
    trader = ground.trader(strategy)
    return Prepared(trader, Audit(header, trader.take_log), ground.timers(), cash, currency)


def _lending(tape: Tape, costs: CostsConfig, risk: RiskConfig) -> Lending:
    """What the broker lends, as the kernel's terms."""
    symbols = [instrument.symbol for instrument in tape.instruments]
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


def _terms_of(tape: Tape, currencies: tuple[str, ...], lending: Lending) -> NDArray[np.void]:
    """The kernel's table of a tape's instruments, made once for the tape."""
    made, key = _TERMS.setdefault(tape, {}), (currencies, lending)
    if key not in made:
        made[key] = terms_table(tape.instruments, currencies, tape.calendars, lending)
    return made[key]


def _ticks_of(tape: Tape, costs: CostsConfig) -> Ticks | None:
    """What the kernel must know of a tape's ticks; None where it has none."""
    found = survey(tape)
    if not found.has_ticks:
        return None
    return Ticks(found.spans, found.quoted, found.has_orders, found.auctions, costs.book_start == "empty")


def _bars_of_costs(costs: CostsConfig) -> int:
    """Past bars that costs look back on, so that they do not depend on how far the strategy looks."""
    if costs.impact is None or isinstance(costs.impact, Push):
        return 0
    return max(PLANNING_BARS, costs.impact.volatility_bars + 1) if costs.impact.model == "square_root" else PLANNING_BARS


def _pushes_of(tape: Tape, costs: CostsConfig) -> tuple[tuple[tuple[float, float], ...], tuple[float, ...]]:
    """(rate a nanosecond, weight) of each exponential, and the daily volume of each instrument in lots; nothing where fills do not push."""
    impact = costs.impact
    if not isinstance(impact, Push):
        return (), ()
    given, symbols = impact.daily_volume, [instrument.symbol for instrument in tape.instruments]
    for symbol in given if isinstance(given, dict) else ():
        if symbol not in symbols:
            raise InputError(f"costs.impact.daily_volume names {symbol!r}, which is not in the data. {did_you_mean(symbol, symbols)}")
    lots = []
    for instrument in tape.instruments:
        units = given.get(instrument.symbol) if isinstance(given, dict) else given
        if units is None and instrument.kind is not InstrumentKind.INDEX:
            raise InputError(
                f"costs.impact.daily_volume says nothing of {instrument.symbol!r}; rule: every instrument that trades has one, in units, "
                "since without it the impact of an order is unknown. Add it, or give one number for all."
            )
        lots.append((units or 1.0) * instrument.lot.denominator / instrument.lot.numerator)
    decays = impact.decay if impact.model == "propagator" else ()
    return tuple((math.log(2.0) / (decay.half_life_s * _ONE_SECOND_NS), decay.weight) for decay in decays), tuple(lots)


def _whose_pushes(costs: CostsConfig) -> int:
    """Whose fills push the price, as the kernel's word."""
    if not isinstance(costs.impact, Push):
        return codes.PUSHES_NOT
    return codes.PUSHES_ALWAYS if costs.impact.charge_makers else codes.PUSHES_TAKING


def _cost_fields(costs: CostsConfig) -> dict[str, float]:
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


def _risk_fields(risk: RiskConfig) -> dict[str, float]:
    """A risk config as the kernel's terms; limits not set are 0."""
    return {
        "allow_short": float(risk.allow_short),
        "max_leverage": risk.max_leverage,
        "max_position_weight": risk.max_position_weight or 0.0,
        "max_order_notional": risk.max_order_notional or 0.0,
    }


def rules_of(venue: VenueConfig) -> dict[str, float]:
    """A venue config as the kernel's rules."""
    return {
        "self_trade": float(_SELF_TRADE[venue.self_trade]),
        "is_pro_rata": float(venue.matching == "pro_rata"),
        "pro_rata_minimum_lots": float(venue.pro_rata_minimum_lots),
        "pro_rata_fifo_share": venue.pro_rata_fifo_share,
        "replace_loses_place": float(venue.replace_keeps_place == "never"),
    }
