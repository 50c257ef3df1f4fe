"""`RunSettings`: what a run depends on beside its strategy and its tape. An audit's header holds all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from framework.config import (
    CostsConfig,
    LatencyConfig,
    Opening,
    RiskConfig,
    RunConfig,
    VenueConfig,
    parse_costs,
    parse_latency,
    parse_opening,
    parse_risk,
    parse_venue,
)
from framework.config.account import check_account

_SECTIONS: Mapping[str, Callable[[Any], Any]] = {
    "costs": parse_costs,
    "risk": parse_risk,
    "latency": parse_latency,
    "venue": parse_venue,
    "opening": parse_opening,
}


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """With how much, at what cost, within which limits, how late and by which rules a run trades.

    Attributes:
        cash: opening balance in `currency`, above 0.
        currency: what the account counts in, and that of prices in frames and files that name no other (`instrument_specs`). Datasets
            and tapes have their own.
        costs: keys of `CostsConfig`, as in YAML: `{"fee_bps": 1.0, "half_spread_bps": 0.5}`; None is no costs.
        risk: keys of `RiskConfig`; None is long only, without leverage.
        latency: keys of `LatencyConfig`; None is none.
        venue: keys of `VenueConfig`: rules in which venues differ; None is its defaults.
        opening: keys of `Opening`: cash in several currencies, positions with what they have cost, orders that work; None is `cash` alone.
        seed: of every random draw; written into the audit.
    """

    cash: float = 1_000_000.0
    currency: str = "USD"
    costs: CostsConfig = field(default_factory=CostsConfig)
    risk: RiskConfig = field(default_factory=RiskConfig)
    latency: LatencyConfig = field(default_factory=LatencyConfig)
    venue: VenueConfig = field(default_factory=VenueConfig)
    opening: Opening | None = None
    seed: int = 0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From keywords or a header: what is not named has its default, other names are passed over, a section may be a mapping or None.

        Raises:
            ConfigError: a value that cannot be right.
        """
        named = {one.name: given[one.name] for one in fields(cls) if one.name in given}
        made = cls(**named | {name: parse(given.get(name)) for name, parse in _SECTIONS.items()})
        check_account(cash=made.cash, currency=made.currency, seed=made.seed)
        return replace(made, cash=float(made.cash), seed=int(made.seed))  # 1_000_000 and 1e6 are one header, and one hash

    @property
    def cash_in_hand(self) -> float:
        """What the account has of its own currency before the opening is booked."""
        return 0.0 if self.opening is not None and self.opening.cash else self.cash

    @classmethod
    def of_config(cls, config: RunConfig) -> Self:
        """Those of a config."""
        return cls(
            cash=config.account.cash,
            currency=config.account.currency,
            costs=config.costs,
            risk=config.risk,
            latency=config.latency,
            venue=config.venue,
            opening=config.opening,
            seed=config.seed,
        )
