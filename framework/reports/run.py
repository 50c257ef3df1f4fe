"""A finished run as data: what the engine hands over, and the tables made from it when first looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from framework.engine.audit import Audit
from framework.errors import InputError
from framework.reports.summary import summary

LazyFrame = pd.DataFrame | Callable[[], pd.DataFrame]
LazySeries = pd.Series | Callable[[], pd.Series]
LazySettings = Mapping[str, object] | Callable[[], Mapping[str, object]]

FILL_COLUMNS = ("ts", "instrument", "side", "quantity", "price", "fee", "order_id", "slippage", "liquidity", "ambiguous")
ORDER_COLUMNS = (
    *("order_id", "instrument", "side", "type", "quantity", "limit_price", "stop_price", "time_in_force", "state", "reason"),
    *("decided_at", "accepted_at", "done_at", "filled_quantity", "average_price", "fees"),
)
TRADE_COLUMNS = ("instrument", "side", "entry_ts", "exit_ts", "quantity", "entry_price", "exit_price", "pnl", "fees")
ROUND_TRIP_COLUMNS = (
    *("instrument", "side", "entry_ts", "exit_ts", "duration", "quantity", "entry_price", "exit_price", "lots", "exit_reason"),
    *("pnl", "fees", "dividends", "charges", "pnl_local", "fees_local", "dividends_local", "charges_local", "currency"),
)
REFUSED_COLUMNS = ("ts", "order_id", "instrument", "reason", "need", "have")
COST_KINDS = ("fee", "half_spread", "volume_share", "impact", "borrow", "funding", "tax")


def empty_table(columns: tuple[str, ...]) -> pd.DataFrame:
    """A table with these columns and no rows."""
    return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})


@dataclass(frozen=True, kw_only=True)
class RunTables:
    """What an engine hands over when a run ends. Money is in `currency`, stamps are UTC, quantities are in units.

    A column of money whose name ends in `_local` is in the currency that the instrument settles in, which a column `currency` names;
    prices are in the instrument's currency.

    A table given as a function without arguments is made on first use and kept.

    Attributes:
        equity: float series named "equity" on a UTC DatetimeIndex, ascending. `initial_cash` is the value before its first point.
        exposure: columns gross, net, cash (money), index of `equity`.
        orders: columns `ORDER_COLUMNS`; side, type, state and reason are names such as "BUY", "FILLED", "NONE".
        fills: columns `FILL_COLUMNS`; side "BUY" or "SELL", quantity above 0, liquidity "maker" or "taker". A further column
            `notional` (money) is needed where price times quantity is not money: multipliers, several currencies.
        trades: columns `TRADE_COLUMNS`; closed lots, first in first out, side of the entry, pnl net of fees.
        round_trips: columns `ROUND_TRIP_COLUMNS`; what was done from flat to flat, in the order in which it ended. `pnl` has fees and
            `charges` (borrow, funding, taxes) taken off and `dividends` added; prices are means over `quantity`, all that was closed,
            in `lots` parts. `exit_reason`: LIQUIDATION, DELISTING, SPLIT (what a reverse split left was paid out), CORRECTION, TRANSFER,
            STOP_LOSS (of a stop), TRAILING_STOP, TAKE_PROFIT (of a bracket's limit or touch), else the type of the order that ended it.
        excursions: columns `mae`, `mfe`, money at most and at least 0; the rows of `round_trips`. See `simulation.excursions`.
        positions: index stamps, a column per symbol, signed quantities.
        price_currencies: what the prices of a symbol are in; where it says nothing, in `currency`.
        costs: index of `COST_KINDS`, money paid; negative where received (funding).
        income: money received besides trading, such as dividends; the index names it.
        notes: what a reader must know before believing the numbers (survivorship, repairs, gaps).
        settings: flat, for the header of the report.
        refused: columns `REFUSED_COLUMNS`; orders that broke a pre-trade rule.
        deposits: money paid in from outside at its stamp, withdrawals below 0, UTC; returns are time-weighted over them.
        ambiguous_pnl: money won or lost in trades decided inside ambiguous bars; `ambiguous_fills` counts their fills.
        benchmark: levels, not returns.
        periods_per_year: of the annual curve; None infers it.
        audit: every decision and answer; saved beside a report, replayed to prove a run.
        strategies: of several strategies in one account; a row a strategy by name, columns capital, pnl, fees, charges, dividends and
            the metrics; a last row "account" for what belongs to none, so that money adds up to the run's. Else empty.
        strategy_equity: columns the same names, on the index of `equity`, which they add up to. Else without columns.
        ended_early: why and when the run ended before its data did; empty where it did not. Also the first of `notes`.
    """

    name: str
    symbols: tuple[str, ...]
    currency: str
    initial_cash: float
    equity: LazySeries
    exposure: LazyFrame
    orders: LazyFrame
    fills: LazyFrame
    trades: LazyFrame
    positions: LazyFrame
    costs: LazySeries = field(default_factory=lambda: pd.Series(0.0, index=list(COST_KINDS)))
    round_trips: LazyFrame = field(default_factory=lambda: empty_table(ROUND_TRIP_COLUMNS))
    excursions: LazyFrame = field(default_factory=lambda: empty_table(("mae", "mfe")))
    income: LazySeries = field(default_factory=lambda: pd.Series(dtype=np.float64))
    notes: tuple[str, ...] = ()
    settings: LazySettings = field(default_factory=dict)
    price_currencies: Mapping[str, str] = field(default_factory=dict)
    refused: LazyFrame = field(default_factory=lambda: empty_table(REFUSED_COLUMNS))
    deposits: pd.Series | None = None
    ambiguous_pnl: float = 0.0
    ambiguous_fills: int = 0
    benchmark: pd.Series | None = None
    periods_per_year: float | None = None
    audit: Audit | None = None
    ended_early: str = ""
    strategies: LazyFrame = field(default_factory=pd.DataFrame)
    strategy_equity: LazyFrame = field(default_factory=pd.DataFrame)

    def __getstate__(self) -> dict[str, object]:
        """A copy in another process has the tables and not what makes them."""
        return {name: value() if callable(value) else value for name, value in vars(self).items()}


def _series(table: LazySeries) -> pd.Series:
    return table() if callable(table) else table


def _frame(table: LazyFrame, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    made = table() if callable(table) else table
    missing = [column for column in columns if column not in made.columns]
    if missing:
        raise InputError(f"table {name} lacks {', '.join(missing)}; it has {', '.join(map(str, made.columns))}")
    return made


class Run:
    """The tables and metrics of a run. Attributes are pandas; see `RunTables` for columns and units.

    Every table is made on first use, so a run of a million bars that is only asked for `metrics` builds no order or position table.
    """

    def __init__(self, tables: RunTables) -> None:
        """Keep the parts; nothing is made yet."""
        self.tables = tables

    def __getstate__(self) -> dict[str, object]:
        """A copy has the tables as they were made: what was made here is not made again."""
        lazy = [name for name, value in vars(self.tables).items() if callable(value)]
        made: dict[str, Any] = {name: getattr(self, name) for name in lazy}
        return {**vars(self), **made, "tables": replace(self.tables, **made)}

    @cached_property
    def equity(self) -> pd.Series:
        """Account value at each stamp."""
        return _series(self.tables.equity)

    @cached_property
    def exposure(self) -> pd.DataFrame:
        """Gross and net market value and cash at each stamp."""
        return _frame(self.tables.exposure, "exposure", ("gross", "net", "cash"))

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Every order, with the state and the reason it ended in."""
        return _frame(self.tables.orders, "orders", ORDER_COLUMNS)

    @cached_property
    def fills(self) -> pd.DataFrame:
        """Every fill, with its fee and slippage."""
        return _frame(self.tables.fills, "fills", FILL_COLUMNS)

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Closed lots, first in first out, PnL net of fees: what a tax return asks for."""
        return _frame(self.tables.trades, "trades", TRADE_COLUMNS)

    @cached_property
    def _round_trips(self) -> pd.DataFrame:
        return _frame(self.tables.round_trips, "round_trips", ROUND_TRIP_COLUMNS)

    @cached_property
    def round_trips(self) -> pd.DataFrame:
        """What was done from flat to flat, with its excursions; what is still open is not in it."""
        return self._round_trips.join(self.excursions)

    @cached_property
    def excursions(self) -> pd.DataFrame:
        """How far each round trip went against us (`mae`) and for us (`mfe`)."""
        return _frame(self.tables.excursions, "excursions", ("mae", "mfe"))

    @cached_property
    def positions(self) -> pd.DataFrame:
        """Signed quantity per symbol."""
        return _frame(self.tables.positions, "positions", ())

    @cached_property
    def refused(self) -> pd.DataFrame:
        """Orders that broke a pre-trade rule, with the rule's two numbers."""
        return _frame(self.tables.refused, "refused", ("instrument", "reason"))

    @cached_property
    def strategies(self) -> pd.DataFrame:
        """What each of several strategies made, with its metrics."""
        return _frame(self.tables.strategies, "strategies", ())

    @cached_property
    def strategy_equity(self) -> pd.DataFrame:
        """The virtual equity of each of several strategies."""
        return _frame(self.tables.strategy_equity, "strategy_equity", ())

    @cached_property
    def metrics(self) -> pd.Series:
        """The key numbers; see `framework.reports.summary.summary`."""
        return summary(
            self.equity,
            trades=self.trades,
            round_trips=self._round_trips,
            fills=self.fills,
            exposure=self.exposure,
            benchmark=self.tables.benchmark,
            periods_per_year=self.tables.periods_per_year,
            initial_equity=self.tables.initial_cash,
            deposits=self.tables.deposits,
        )

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.tables.name

    @cached_property
    def settings(self) -> Mapping[str, object]:
        """What the run was made of, flat."""
        found = self.tables.settings
        return found() if callable(found) else found

    @cached_property
    def costs(self) -> pd.Series:
        """Money paid, by kind of cost."""
        return _series(self.tables.costs)

    @cached_property
    def income(self) -> pd.Series:
        """Money received besides trading, by its name."""
        return _series(self.tables.income)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know before believing the numbers."""
        return self.tables.notes

    @property
    def ended_early(self) -> str:
        """Why and when the run ended before its data did; empty where it did not."""
        return self.tables.ended_early

    @property
    def audit(self) -> Audit:
        """Every decision and answer of the run."""
        if self.tables.audit is None:
            raise InputError("these tables came without an audit")
        return self.tables.audit

    @property
    def audit_hash(self) -> str:
        """Hash of the audit: equal hashes, equal runs; empty where the tables came without one."""
        return self.tables.audit.digest if self.tables.audit is not None else ""
