"""What can be traded: symbol, tick, lot, multiplier, currency, venue, calendar."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from framework.errors import InputError
from framework.schema.units import Step


class InstrumentKind(IntEnum):
    """What sort of thing it is; decides which ledger rules apply."""

    EQUITY = 0
    FX = 1  # the price converts `base_currency` into `currency`
    INDEX = 2  # a value to read, not to trade


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tradable thing and the integer grid its prices and quantities live on.

    Attributes:
        symbol: unique name within a run.
        tick: price step, in `currency` per unit.
        lot: quantity step, in units (shares, coins).
        multiplier: money per point of price per unit; 1 for shares.
        currency: ISO code of the price.
        base_currency: for FX only, the currency one unit of which is bought.
        venue: where it trades (free text, part of the identity in reports).
        calendar: an `exchange_calendars` name, "24/7", or "bars" (each daily bar is its own session).
        bar_interval_ns: the length of its bars; 0 means "since the previous bar".
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

    def __post_init__(self) -> None:
        if not self.symbol:
            raise InputError("an instrument needs a symbol")
        if not self.multiplier > 0:
            raise InputError(f"{self.symbol}: multiplier must be above 0, got {self.multiplier}")
        if self.kind is InstrumentKind.FX and not self.base_currency:
            raise InputError(f"{self.symbol}: an FX instrument needs base_currency, the currency one unit of which is bought")

    @property
    def point_value(self) -> float:
        """Money, in `currency`, of one tick on one lot."""
        return self.tick.size * self.lot.size * self.multiplier
