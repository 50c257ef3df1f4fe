"""What can be set, with units, defaults and limits. All models are frozen and refuse keys they do not know."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, StrictBool, field_validator, model_validator

from framework.config.check import validate
from framework.config.impact_models import Impact
from framework.config.latency_models import LatencyConfig
from framework.config.opening_models import Opening
from framework.config.section import (
    Bps,
    Currency,
    Lots,
    Money,
    Number,
    Positive,
    PositiveFactor,
    PositiveMoney,
    Section,
    Seed,
    Share,
    SignedBps,
)

_YEARS = (1850, 2199)
"""Those of `units.FIRST_STAMP_NS` and `LAST_STAMP_NS`."""


def _moment(value: object) -> object:
    """Refuse bare numbers, which pydantic would read as seconds since 1970: `start: 2010` is half an hour past midnight then."""
    if isinstance(value, str):
        with suppress(ValueError):  # what is no date falls through to our own sentence
            value = date.fromisoformat(value) if len(value) == len("2010-01-04") else datetime.fromisoformat(value)
    if not isinstance(value, date | None):
        raise ValueError("must be a date or a time, such as 2010-01-04 or 2010-01-04 09:30:00")
    if value is not None and not _YEARS[0] <= value.year <= _YEARS[1]:
        raise ValueError(f"year {value.year}; rule: {_YEARS[0]} to {_YEARS[1]}")
    return value


Moment = Annotated[datetime | date, BeforeValidator(_moment)]
"""`2010-01-04` is a date: the whole day, in the time zone of the data."""


_REG_T_LEVERAGE = 2.0
"""What an initial margin of 50 % comes to."""


class FeeTier(Section):
    """The rates from so much traded on the 30 UTC days before the present one, in the account's currency."""

    traded_from: Money
    maker_bps: SignedBps
    taker_bps: Bps


class CostsConfig(Section):
    """What trading costs. Everything defaults to nothing; `_bps` are hundredths of a percent of the traded value.

    Attributes:
        fee_bps: fee of makers and takers alike.
        maker_bps: overrides `fee_bps` for fills that add liquidity; below 0 is a rebate.
        taker_bps: overrides `fee_bps` for fills that take it.
        fee_tiers: rates by what was traded on the 30 days before, ascending; below the first the rates above apply.
        us_regulatory: sales of shares in USD pay the SEC's Section 31 fee and FINRA's trading activity fee at the rates of their day.
        fee_per_share: money per share or unit.
        fee_per_order: money per order, charged once with its first fill.
        fee_minimum: the least an order pays in fees, in money.
        fee_maximum_bps: the most an order pays in fees, of its traded value.
        half_spread_bps: paid by takers on each fill.
        impact: a section with the `model` square_root, volume_share, almgren_chriss or propagator; or nothing.
        max_participation: the largest share of a bar's volume that fills may take; None is no limit.
        borrow_bps: a year of 360 days, of the value held short, for the time between sessions' opens in days of 24 hours.
        borrow_bps_by_symbol: the same by symbol, where it differs.
        limit_fill: a resting limit fills when the price trades "through" it or already when it is "touch"ed; on bars.
        queue: how cancels move our orders up the line of a book published by level: "pessimistic" (not at all), "power" or "log"; see
            docs/fills.md. A book published by order needs no model.
        queue_power: the n of "power"; 1 is proportional, 16 the most.
        take: an order takes from a book from the "next" message on, or at its "arrival" from what stands.
        book_start: a book is unknown until its first "snapshot", or "empty" and known from the beginning.
    """

    fee_bps: Bps | None = None
    maker_bps: SignedBps | None = None
    taker_bps: Bps | None = None
    fee_tiers: tuple[FeeTier, ...] = ()
    us_regulatory: StrictBool = False
    fee_per_share: Money = 0.0
    fee_per_order: Money = 0.0
    fee_minimum: Money = 0.0
    fee_maximum_bps: Bps | None = None
    half_spread_bps: Bps = 0.0
    impact: Impact | None = None
    max_participation: Share | None = None
    borrow_bps: Bps = 0.0
    borrow_bps_by_symbol: dict[str, Bps] = Field(default_factory=dict)
    limit_fill: Literal["through", "touch"] = "through"
    queue: Literal["pessimistic", "power", "log"] = "pessimistic"
    queue_power: Annotated[Positive, Field(le=16)] = 1.0
    take: Literal["next", "arrival"] = "next"
    book_start: Literal["snapshot", "empty"] = "snapshot"

    @field_validator("fee_tiers")
    @classmethod
    def _ascending(cls, tiers: tuple[FeeTier, ...]) -> tuple[FeeTier, ...]:
        for before, after in pairwise(tiers):
            if after.traded_from <= before.traded_from:
                raise ValueError(f"traded_from {after.traded_from} follows {before.traded_from}; rule: ascending, each once")
        return tiers

    @property
    def effective_maker_bps(self) -> float:
        """What a maker pays: `maker_bps`, else `fee_bps`, else nothing."""
        return next((bps for bps in (self.maker_bps, self.fee_bps) if bps is not None), 0.0)

    @property
    def effective_taker_bps(self) -> float:
        """What a taker pays: `taker_bps`, else `fee_bps`, else nothing."""
        return next((bps for bps in (self.taker_bps, self.fee_bps) if bps is not None), 0.0)


class RiskConfig(Section):
    """Limits checked before each order is sent; one that breaks a limit is refused with its reason.

    Attributes:
        account: "portfolio" knows the limits below only; "cash" allows neither shorts nor leverage; "reg_t" asks for margin on shares,
            50 % to open, 25 % (long) and 30 % (short) to hold, and liquidates below it; its `max_leverage` is 2 where none is given.
        allow_short: whether a position may fall below zero.
        locates: by symbol, how many units may be held short; None is no limit. A symbol not named then has none.
        max_leverage: gross exposure over equity.
        max_position_weight: one position's value over equity; None is no limit.
        max_order_notional: one order's value in money; None is no limit.
        liquidates_by: the broker judges margin by "mark", or by the "worst" price of each bar too; None is "worst" for perpetuals.
    """

    account: Literal["portfolio", "cash", "reg_t"] = "portfolio"
    allow_short: StrictBool = False
    locates: dict[str, Money] | None = None
    max_leverage: PositiveFactor = 1.0
    max_position_weight: PositiveFactor | None = None
    max_order_notional: PositiveMoney | None = None
    liquidates_by: Literal["mark", "worst"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_account(cls, raw: Any) -> Any:
        if isinstance(raw, Mapping) and raw.get("account") == "reg_t" and "max_leverage" not in raw:
            return {**raw, "max_leverage": _REG_T_LEVERAGE}
        return raw

    @model_validator(mode="after")
    def _fits_account(self) -> RiskConfig:
        if self.account == "cash" and (self.allow_short or self.max_leverage > 1.0):
            raise ValueError(
                f"allow_short {self.allow_short} and max_leverage {self.max_leverage} in a cash account, which can do neither; "
                "leave them out or set account: reg_t"
            )
        return self


class VenueConfig(Section):
    """Rules in which venues differ. They are the exchange half's: a strategy sees what follows from them.

    Attributes:
        self_trade: where two orders of ours would trade with each other on a book or quote, the venue cancels the one that comes,
            "cancel_newest", the one that rests, "cancel_oldest", or "cancel_both"; "decrement" takes the smaller quantity from both;
            "none" lets each trade with others as if ours were not there.
        matching: a trade at a price is shared by "price_time", who came first, or "pro_rata", by size.
        pro_rata_minimum_lots: a share by size of fewer lots is none.
        pro_rata_fifo_share: the part of a trade that is shared in order of arrival before the rest is by size.
        replace_keeps_place: which changes at the same price keep an order's place in the line: to a "smaller" quantity, or "never" any.
        prices_at: when the simulated venue sees prices: at the "venue" stamp, ahead of us where the feed is late, or at the "local" stamp,
            when we do. A paper session can have no other than "local"; with it the backtest of its journal is the session.
    """

    self_trade: Literal["none", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"] = "cancel_newest"
    matching: Literal["price_time", "pro_rata"] = "price_time"
    pro_rata_minimum_lots: Lots = 1
    pro_rata_fifo_share: Annotated[Number, Field(ge=0, le=1)] = 0.0
    replace_keeps_place: Literal["smaller", "never"] = "smaller"
    prices_at: Literal["venue", "local"] = "venue"

    @model_validator(mode="after")
    def _is_used(self) -> VenueConfig:
        if self.matching != "pro_rata" and (self.pro_rata_minimum_lots != 1 or self.pro_rata_fifo_share != 0.0):
            raise ValueError(
                f"pro_rata_minimum_lots {self.pro_rata_minimum_lots} and pro_rata_fifo_share {self.pro_rata_fifo_share} do nothing with "
                f"matching {self.matching}; leave them out or set matching: pro_rata"
            )
        return self


class DataConfig(Section):
    """Which prices.

    Attributes:
        source: a dataset's name (`onetape data` lists them) or a path, taken from where the command runs.
        instruments: symbols to use; None is all of them.
        start: first moment used.
        end: last moment used; a date means the whole day.
        bar_stamp: whether the source stamps a bar at its "close" or its "open".
        calendar: an `exchange_calendars` name, "24/7" or "bars"; None takes the dataset's own.
        tick_size: price step; None takes the dataset's own or infers it.
        lot_size: quantity step; None takes the dataset's own.
        time_zone: of stamps that carry none; such stamps are refused without it.
    """

    source: str
    instruments: list[str] | None = Field(default=None, min_length=1)
    start: Moment | None = None
    end: Moment | None = None
    bar_stamp: Literal["close", "open"] = "close"
    calendar: str | None = None
    tick_size: Positive | None = None
    lot_size: Positive | None = None
    time_zone: str | None = None

    @model_validator(mode="after")
    def _in_order(self) -> DataConfig:
        if self.start is not None and self.end is not None and _day(self.start) > _day(self.end):
            raise ValueError(f"start {self.start} lies after end {self.end}")
        return self


class AccountConfig(Section):
    """What the account starts with."""

    cash: PositiveMoney = 1_000_000.0
    currency: Currency = "USD"


class RunConfig(Section):
    """One run, whole: which strategy, on what, with how much, at what cost, within which limits.

    Attributes:
        strategy: "package.module:Class".
        params: the strategy's parameters; the strategy validates them.
        opening: what the account holds when the run begins, where that is more than its cash.
        seed: of every random draw.
        benchmark: a symbol of the data to compare with.
    """

    mode: Literal["backtest", "paper", "live"] = "backtest"
    strategy: str
    params: dict[str, Any] = Field(default_factory=dict)
    data: DataConfig
    account: AccountConfig = AccountConfig()
    opening: Opening | None = None
    costs: CostsConfig = CostsConfig()
    risk: RiskConfig = RiskConfig()
    latency: LatencyConfig = LatencyConfig()
    venue: VenueConfig = VenueConfig()
    seed: Seed = 0
    benchmark: str | None = None

    @field_validator("mode")
    @classmethod
    def _only_backtest(cls, mode: str) -> str:
        if mode != "backtest":
            raise ValueError(f"{mode} trading is not built yet, only backtests run; set mode: backtest")
        return mode


def _day(moment: datetime | date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def digest(config: BaseModel) -> str:
    """SHA-256 of a config's content, in hex: the same for equal configs in every process."""
    dumped = config.model_dump(mode="json")
    if dumped.get("opening", ...) is None:
        del dumped["opening"]  # what is not there is not said
    content = json.dumps(dumped, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def parse_costs(costs: Mapping[str, Any] | CostsConfig | None) -> CostsConfig:
    """Costs from what `backtest(costs=...)` takes; None is no costs at all.

    >>> parse_costs({"fee_bps": 1.0}).effective_taker_bps
    1.0
    """
    return validate(CostsConfig, costs, place="costs")


def parse_risk(risk: Mapping[str, Any] | RiskConfig | None) -> RiskConfig:
    """Limits from what `backtest(risk=...)` takes; None is long-only without borrowing."""
    return validate(RiskConfig, risk, place="risk")


def parse_latency(latency: Mapping[str, Any] | LatencyConfig | None) -> LatencyConfig:
    """Latency from what `backtest(latency=...)` takes; None is none."""
    return validate(LatencyConfig, latency, place="latency")


def parse_venue(venue: Mapping[str, Any] | VenueConfig | None) -> VenueConfig:
    """The venue's rules from what `backtest(venue=...)` takes; None is the defaults."""
    return validate(VenueConfig, venue, place="venue")


def parse_opening(opening: Mapping[str, Any] | Opening | None) -> Opening | None:
    """What a run begins with, from what `backtest(opening=...)` takes; None is its cash alone."""
    return None if opening is None else validate(Opening, opening, place="opening")


def parse_run(raw: Mapping[str, Any], place: str = "config") -> RunConfig:
    """A whole run from a dict; `place` is named in errors."""
    return validate(RunConfig, raw, place=place)
