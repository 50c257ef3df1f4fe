"""What can be traded: symbol, tick, lot, multiplier, currency, venue, calendar."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from framework.errors import InputError
from framework.schema.units import FIRST_STAMP_NS, LAST_STAMP_NS, LONGEST_NS, Step

LARGEST_MULTIPLIER = 1e12


class InstrumentKind(IntEnum):
    """What sort of thing it is; decides which ledger rules apply."""

    EQUITY = 0
    FX = 1  # the price converts `base_currency` into `currency`
    INDEX = 2  # a value to read, not to trade
    PERPETUAL = 3  # a swap without an end: margined, pays or receives funding
    FUTURE = 4  # margined, settled in cash each day; a DELIST event at its final price ends it
    OPTION = 5  # prices can be read; what one is worth and how it ends is not built, so no order is let through


class Settlement(IntEnum):
    """In what a position is paid, and so what a price is worth."""

    SPOT = 0  # bought with cash and sold for cash
    LINEAR = 1  # only gains and losses are paid, in the currency of the price: quantity x multiplier x (exit - entry)
    INVERSE = 2  # only gains and losses are paid, in the base currency: quantity x multiplier x (1 / entry - 1 / exit)


OPTION_RIGHTS = ("C", "P")

DERIVATIVES = (InstrumentKind.PERPETUAL, InstrumentKind.FUTURE)
"""Kinds whose positions cost margin and not their notional."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tradable thing, with the tick of its prices and the lot of its quantities.

    Attributes:
        symbol: unique name within a run.
        tick: price step, in `currency` per unit.
        lot: quantity step, in units (shares, coins).
        multiplier: money per point of price per unit; 1 for shares. Of an inverse contract: what one unit is worth, in `currency`.
        currency: ISO code of the price.
        base_currency: for FX the currency one unit of which is bought, for inverse contracts the one they settle in.
        venue: where it trades (free text, part of the identity in reports).
        calendar: an `exchange_calendars` name, "24/7", or "bars" (each daily bar is its own session).
        bar_interval_ns: the length of its bars; 0 means "since the previous bar".
        inverse: a derivative quoted in `currency` that settles in `base_currency`.
        initial_margin: of a derivative, the share of its notional that must be there to open it; 1 is no leverage.
        maintenance_margin: of a derivative, the share of its notional at which the broker closes it; at most `initial_margin`.
        liquidation_fee: of a derivative, the share of the notional charged when the broker closes it, on top of the taker's fee.
        account: the account at its venue in which it is held; empty where there is only one.
        product: what it is a listing of, where one thing is listed at several venues: those of one product are the same to hold.
        strike: of an option, the price at which it can be exercised, in `currency` per unit of what it is on.
        right: of an option, "C" to buy or "P" to sell.
        expiry_ns: of an option, the last moment it can be traded or exercised, UTC.
    """

    symbol: str
    tick: Step = Step(1, 100)
    lot: Step = Step(1, 1)
    multiplier: float = 1.0
    currency: str = "USD"
    kind: InstrumentKind = InstrumentKind.EQUITY
    base_currency: str = ""
    venue: str = "SIM"
    calendar: str = "24/7"
    bar_interval_ns: int = 0
    inverse: bool = False
    initial_margin: float = 1.0
    maintenance_margin: float = 0.0
    liquidation_fee: float = 0.0
    account: str = ""
    product: str = ""
    strike: float = 0.0
    right: str = ""
    expiry_ns: int = 0

    def __post_init__(self) -> None:
        if not self.symbol:
            raise InputError("an instrument needs a symbol")
        if not 0 < self.multiplier <= LARGEST_MULTIPLIER:
            raise InputError(f"{self.symbol}: multiplier must be above 0 and at most {LARGEST_MULTIPLIER:g}, got {self.multiplier}")
        if not 0 <= self.bar_interval_ns <= LONGEST_NS:
            raise InputError(f"{self.symbol}: bar_interval_ns {self.bar_interval_ns}; rule: from 0 to {LONGEST_NS} (ten years)")
        if self.kind is InstrumentKind.FX and not self.base_currency:
            raise InputError(f"{self.symbol}: an FX instrument needs base_currency, the currency one unit of which is bought")
        if self.inverse and (not self.is_derivative or not self.base_currency):
            raise InputError(
                f"{self.symbol}: inverse=True needs kind PERPETUAL or FUTURE, got {self.kind.name}, and base_currency, the currency "
                f"it settles in, got {self.base_currency!r}"
            )
        margins = (self.initial_margin, self.maintenance_margin, self.liquidation_fee)
        if not self.is_derivative and margins != (1.0, 0.0, 0.0):
            raise InputError(
                f"{self.symbol}: initial_margin, maintenance_margin and liquidation_fee are terms of a PERPETUAL or FUTURE; it is of "
                f"kind {self.kind.name}. What a broker lends on shares is set by risk={{'account': 'reg_t'}}"
            )
        if not (0.0 < self.initial_margin <= 1.0 and 0.0 <= self.maintenance_margin <= self.initial_margin):
            raise InputError(
                f"{self.symbol}: initial_margin {self.initial_margin}, maintenance_margin {self.maintenance_margin}; rule: 0 < initial "
                "<= 1 and 0 <= maintenance <= initial, as shares of the notional (0.01 for 100 times leverage)"
            )
        if not 0.0 <= self.liquidation_fee < 1.0:
            raise InputError(f"{self.symbol}: liquidation_fee {self.liquidation_fee}; rule: 0 <= fee < 1, as a share of the notional")

        self._check_option()

    def _check_option(self) -> None:
        terms = f"{self.symbol}: strike {self.strike}, right {self.right!r}, expiry_ns {self.expiry_ns}"
        if self.kind is not InstrumentKind.OPTION:
            if (self.strike, self.right, self.expiry_ns) != (0.0, "", 0):
                raise InputError(
                    f"{terms}; rule: terms of an OPTION, and it is of kind {self.kind.name}. Leave them out, or say kind OPTION"
                )
            return
        is_priced = 0.0 < self.strike <= LARGEST_MULTIPLIER
        if not (is_priced and self.right in OPTION_RIGHTS and FIRST_STAMP_NS <= self.expiry_ns <= LAST_STAMP_NS and self.expiry_ns != 0):
            raise InputError(
                f"{terms}; rule: an OPTION has a strike above 0 and at most {LARGEST_MULTIPLIER:g}, the right 'C' to buy or 'P' to sell, "
                "and the stamp of its expiry in nanoseconds UTC, from 1850 to 2200"
            )

    @property
    def point_value(self) -> float:
        """Money of one tick on one lot, in `currency`; of an inverse contract, what one lot is worth at one tick, in its coin."""
        if self.inverse:
            return self.lot.size * self.multiplier / self.tick.size
        return self.tick.size * self.lot.size * self.multiplier

    @property
    def is_derivative(self) -> bool:
        """Whether a position costs margin and not its notional."""
        return self.kind in DERIVATIVES

    @property
    def settlement(self) -> Settlement:
        """In what a position is paid."""
        if not self.is_derivative:
            return Settlement.SPOT
        return Settlement.INVERSE if self.inverse else Settlement.LINEAR

    @property
    def settlement_currency(self) -> str:
        """The currency of its gains, losses, fees and funding."""
        return self.base_currency if self.inverse else self.currency
