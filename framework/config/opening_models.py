"""What an account holds when a run begins, where that is more than cash in its own currency."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from framework.config.section import LARGEST_MONEY, Currency, Number, Positive, Section

SignedMoney = Annotated[Number, Field(ge=-LARGEST_MONEY, le=LARGEST_MONEY)]


class OpeningOrder(Section):
    """An order that works at the venue from before the first event.

    Attributes:
        instrument: its symbol.
        side: "BUY" or "SELL".
        quantity: what is left of it, in units.
        limit: price of a limit order, or of what a stop becomes.
        stop: price from which it acts.
        time_in_force: "GTC", or "DAY": until the first session ends.
    """

    instrument: str
    side: Literal["BUY", "SELL"]
    quantity: Positive
    limit: Positive | None = None
    stop: Positive | None = None
    time_in_force: Literal["GTC", "DAY"] = "GTC"

    @model_validator(mode="after")
    def _rests(self) -> OpeningOrder:
        if self.limit is None and self.stop is None:
            raise ValueError(f"{self.side} {self.quantity} {self.instrument} has neither limit nor stop; rule: one that rests has one")
        return self


class Opening(Section):
    """What a run begins with: cash, positions, and orders that work.

    Attributes:
        cash: by currency; it takes the place of `cash` where any is named. Below 0 it is owed.
        positions: by symbol, (quantity, what a unit of it has cost); below 0 a quantity is short.
        orders: in the order in which they came to the venue.
    """

    cash: dict[Currency, SignedMoney] = Field(default_factory=dict)
    positions: dict[str, tuple[Number, Positive]] = Field(default_factory=dict)
    orders: tuple[OpeningOrder, ...] = ()
