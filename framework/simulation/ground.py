"""What runs on one market with the same settings share: both halves of each are made here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.data.reference.us_fees import us_levies
from framework.data.tape import Tape
from framework.engine.interrupts import deferred_interrupts
from framework.engine.market_port import Market
from framework.engine.strategy import Strategy
from framework.engine.timers import Timers
from framework.errors import InputError
from framework.kernel.loops.link import link
from framework.kernel.market.marks import GAP_BARS
from framework.kernel.trader.trader import Trader
from framework.kernel.venue.exchange import Exchange
from framework.schema.units import NANOSECONDS_PER_SECOND
from framework.simulation.configured_latency import latencies_of
from framework.simulation.kernel_terms import (
    bars_of_costs,
    cost_terms,
    instrument_terms,
    lending_of,
    pushes_of,
    risk_terms,
    ticks_of,
    tiers_of,
    venue_terms,
)
from framework.simulation.opening_events import check_cash, opening_events
from framework.simulation.settings import RunSettings


class Ground:
    """What all runs on one market with the same settings share; worked out once.

    Args:
        market: of venues that trade today; `over` makes one of a tape.
        opening: what a run begins with, as CORRECTION events.
    """

    def __init__(self, market: Market, settings: RunSettings, opening: NDArray[np.void] | None = None) -> None:
        costs, risk, latency = settings.costs, settings.risk, settings.latency
        self.market = market
        self._cash, self._currency, self._opening = settings.cash_in_hand, settings.currency, opening
        self._currencies = tuple(dict.fromkeys((settings.currency, *market.currencies)))
        self._costs, self._risk = cost_terms(costs), risk_terms(risk)
        self._bars_of_costs = bars_of_costs(costs)
        self._terms = instrument_terms(market, self._currencies, lending_of(market, costs, risk))
        self._tiers = tiers_of(costs)
        self._levies = us_levies() if costs.us_regulatory else ()
        self._decays, self._daily_lots = pushes_of(market, costs)
        self._ticks = ticks_of(market, costs)
        self._point_interval_ns = NANOSECONDS_PER_SECOND if market.has_quotes or self._ticks is not None else 0
        self._latencies, self._rules = latencies_of(latency, settings.seed), venue_terms(settings.venue)

    @classmethod
    def over(cls, tape: Tape, settings: RunSettings) -> Ground:
        """Of a tape as it is received (`as_received`).

        Raises:
            InputError: cash comes in that nobody can value, or the opening cannot be.
        """
        check_cash(tape, settings.currency)
        opening = settings.opening
        return cls(tape, settings, None if opening is None else opening_events(opening, tape, settings.currency, settings.risk))

    def trader(self, strategy: Strategy) -> Trader:
        """A new trader half for a strategy, linked to the loops.

        An interrupt acts afterwards: in callbacks of the compiler it would be lost.
        """
        with deferred_interrupts():
            trader = link(self._trader(strategy))
            if self._opening is not None:
                trader.open_with(self._opening)
                if not trader.initial_equity > 0.0:
                    raise InputError(f"the opening is worth {trader.initial_equity:g} {self._currency}; rule: above 0. Add cash to it")
            if strategy.capital:
                trader.share_among(strategy.capital)
            return trader

    def _trader(self, strategy: Strategy) -> Trader:
        return Trader(
            self.market.instruments,
            currencies=self._currencies,
            calendars=self.market.calendars,
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

    def exchange(self) -> Exchange:
        """A new exchange half."""
        return Exchange(
            len(self.market.instruments),
            len(self.market.calendars),
            latencies=self._latencies,
            symbols=[instrument.symbol for instrument in self.market.instruments],
            ticks=self._ticks,
            rules=self._rules,
        )

    def timers(self) -> Timers:
        """New timers."""
        return Timers(self.market)
