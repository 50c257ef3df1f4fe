"""From the records of a finished run to the tables people read."""

from __future__ import annotations

from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.tape import Tape
from framework.engine.audit import Audit
from framework.engine.several_strategies import ACCOUNT
from framework.kernel.layout.half import Half
from framework.kernel.trader.trader import Trader
from framework.reports.result import RunTables
from framework.reports.run import LazySettings
from framework.schema.event import CostKind, Flag, Kind
from framework.schema.instrument import Settlement
from framework.schema.order import OrderFlag, OrderState, OrderType, Reason, Side, TimeInForce
from framework.schema.stance import AlarmKind
from framework.simulation.round_trip_table import LedgerRows
from framework.simulation.strategy_tables import StrategyTables

_NAN = np.nan
_NOT_BOOKED = (AlarmKind.UNKNOWN_ORDER, AlarmKind.OUT_OF_RANGE, AlarmKind.OTHER_INSTRUMENT)
_INSTRUCTIONS = (OrderFlag.POST_ONLY, OrderFlag.HIDDEN, OrderFlag.ICEBERG, OrderFlag.PEG_PRIMARY, OrderFlag.PEG_MID)


def _stamps(ns: NDArray[np.int64]) -> pd.DatetimeIndex:
    """UTC stamps; 0 means never and becomes NaT."""
    values = np.where(ns == 0, np.iinfo(np.int64).min, ns).view("datetime64[ns]")
    return pd.DatetimeIndex(values).tz_localize("UTC")


def _names(values: NDArray[Any], enumeration: type[IntEnum]) -> NDArray[np.object_]:
    """The member names of integer codes, -128 to 127."""
    lookup = np.full(256, "", dtype=object)
    for member in enumeration:
        lookup[int(member) % 256] = member.name
    names: NDArray[np.object_] = lookup[values.astype(np.int64) % 256]
    return names


def _instructions(flags: NDArray[Any]) -> NDArray[np.object_]:
    """What orders were told besides their type, by the names of `OrderFlag`, with a blank between two."""
    kinds, places = np.unique(flags & sum(_INSTRUCTIONS), return_inverse=True)
    texts = [" ".join(str(flag.name) for flag in _INSTRUCTIONS if kind & flag) for kind in kinds.tolist()]
    found: NDArray[np.object_] = np.array([*texts, ""], dtype=object)[places]
    return found


def _booked(rows: NDArray[np.void]) -> NDArray[np.void]:
    """The fills among fills and alarms, save those that an alarm right after them says could not be booked."""
    is_fill, after = rows["kind"] == Kind.ORDER_FILLED, rows[1:]
    is_left_out = np.zeros(len(rows), np.bool_)
    is_left_out[:-1] = (after["kind"] == Kind.ALARM) & (after["w2"] == Kind.ORDER_FILLED) & np.isin(after["w0"], _NOT_BOOKED)
    found: NDArray[np.void] = rows[is_fill & ~is_left_out]
    return found


class Tables:
    """Makes each table of a run when it is first asked for. Keeps the trader half, the audit and the tape alive."""

    def __init__(self, trader: Trader, audit: Audit, tape: Tape) -> None:
        self._trader, self._audit, self._tape = trader, audit, tape
        instruments = trader.instruments
        self.symbols = tuple(instrument.symbol for instrument in instruments)
        terms = trader.tables["terms"]
        self._tick_up, self._tick_down = terms["tick_numerator"], terms["tick_denominator"]
        self._lot_up, self._lot_down = terms["lot_numerator"], terms["lot_denominator"]
        self._point_value = terms["point_value"]
        self._is_inverse = terms["settlement"] == Settlement.INVERSE
        self._currency = np.array(trader.currencies, dtype=object)[terms["currency"]]

    def _price(self, ticks: NDArray[Any], instrument: NDArray[Any]) -> NDArray[np.float64]:
        prices: NDArray[np.float64] = ticks * self._tick_up[instrument] / self._tick_down[instrument]
        return prices

    def _ticks_at(self, at_basis: NDArray[np.float64], instrument: NDArray[Any]) -> NDArray[np.float64]:
        """The price in ticks of a basis; see `kernel.market.money`."""
        ticks, is_inverse = at_basis.copy(), self._is_inverse[instrument]
        ticks[is_inverse] = -1.0 / at_basis[is_inverse]
        return ticks

    def _quantity(self, lots: NDArray[Any], instrument: NDArray[Any]) -> NDArray[np.float64]:
        quantities: NDArray[np.float64] = lots * self._lot_up[instrument] / self._lot_down[instrument]
        return quantities

    def _symbol(self, instrument: NDArray[Any]) -> NDArray[np.object_]:
        symbols: NDArray[np.object_] = np.array(self.symbols, dtype=object)[instrument]
        return symbols

    @cached_property
    def _point_index(self) -> pd.DatetimeIndex:
        return _stamps(self._trader.used("points")["ts_ns"])

    def _owner_names(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """The names of several strategies; their numbers where they have none."""
        if not self._trader.accounts:
            return numbers.copy()
        names = np.array([*(account.name for account in self._trader.accounts), ACCOUNT], dtype=object)
        found: NDArray[np.object_] = names[np.minimum(numbers.astype(np.int64), len(names) - 1)]
        return found

    def equity(self) -> pd.Series:
        """Account value at each stamp."""
        points = self._trader.used("points")
        return pd.Series(points["cash"] + points["net"], index=self._point_index, name="equity")

    def exposure(self) -> pd.DataFrame:
        """Gross and net market value and cash at each stamp."""
        points = self._trader.used("points")
        return pd.DataFrame({name: points[name].copy() for name in ("gross", "net", "cash")}, index=self._point_index)

    def orders(self) -> pd.DataFrame:
        """Every order, refused ones too. `owner` is there where several strategies ordered."""
        rows = self._trader.used("orders")
        i, filled = rows["instrument"], rows["filled_lots"]
        limit, stop = (np.where(rows[name] == 0, _NAN, self._price(rows[name], i)) for name in ("limit_ticks", "stop_ticks"))
        average = self._ticks_at(np.divide(rows["filled_value"], filled, out=np.full(len(rows), _NAN), where=filled > 0), i)
        owners = {"owner": self._owner_names(rows["owner"])} if self._trader.accounts or rows["owner"].any() else {}
        return pd.DataFrame(
            {
                "order_id": rows["order_id"],
                "instrument": self._symbol(i),
                "side": _names(rows["side"], Side),
                "type": _names(rows["type"], OrderType),
                "quantity": self._quantity(rows["quantity_lots"], i),
                "limit_price": limit,
                "stop_price": stop,
                "time_in_force": _names(rows["time_in_force"], TimeInForce),
                "instructions": _instructions(rows["flags"]),
                "state": _names(rows["state"], OrderState),
                "reason": _names(rows["reason"], Reason),
                "decided_at": _stamps(rows["decided_ns"]),
                "accepted_at": _stamps(rows["accepted_ns"]),
                "done_at": _stamps(rows["done_ns"]),
                "filled_quantity": self._quantity(filled, i),
                "average_price": self._price(average, i),
                "fees": self._fees_of_orders(),
                "fees_local": rows["fees"].copy(),
                "currency": self._currency[i],
                "need": rows["need"].copy(),
                "have": rows["have"].copy(),
                **owners,
            }
        )

    @cached_property
    def _ledger_rows(self) -> LedgerRows:
        used = {name: self._trader.used(name) for name in ("trades", "changes", "flows", "orders")}
        fills = _booked(self._audit.of_kind(Kind.ORDER_FILLED, Kind.ALARM))
        return LedgerRows(**used, fills=fills, point_value=self._point_value.copy(), is_inverse=self._is_inverse)

    def _rates(self, rows: NDArray[np.void]) -> NDArray[np.float64]:
        """What the currency of each fill was worth when the ledger booked it; NaN of a fill that broke the run."""
        changes = self._trader.used("changes")
        booked = changes["fx_rate"][changes["cause"] >= 0][: len(rows)]
        return np.concatenate((booked, np.full(len(rows) - len(booked), _NAN)))

    def _fees_of_orders(self) -> NDArray[np.float64]:
        """Fees of each order, each fill's at its own rate."""
        orders = self._trader.used("orders")
        if len(self._trader.currencies) == 1:
            fees: NDArray[np.float64] = orders["fees"].copy()
            return fees
        rows = self._ledger_rows.fills
        charged = np.ascontiguousarray(rows["w3"]).view(np.float64) * self._rates(rows)
        return np.bincount(rows["w0"], weights=charged, minlength=len(orders)).astype(np.float64)  # of nothing it counts in integers

    def fills(self) -> pd.DataFrame:
        """Every fill. `price` is what was paid a unit: market price and slippage, in the instrument's currency as all prices are.

        Money is in the account's currency, at the rate of the moment when the ledger booked the fill; in that of the instrument's
        settlement beside it (`_local`).
        """
        rows = self._ledger_rows.fills
        i, lots = rows["instrument"].astype(np.int64), rows["w2"]
        side = self._trader.used("orders")["side"][rows["w0"]]
        slippage = np.ascontiguousarray(rows["w4"]).view(np.float64)
        at_basis = np.where(self._is_inverse[i], -1.0 / rows["w1"], rows["w1"]) + side * slippage / (lots * self._point_value[i])
        ticks = np.where(slippage == 0.0, rows["w1"], self._ticks_at(at_basis, i))
        price = self._price(ticks, i)
        multiplier = np.array([instrument.multiplier for instrument in self._trader.instruments])
        quantity, rate = self._quantity(lots, i), self._rates(rows)
        notional = np.where(self._is_inverse[i], quantity / price, quantity * price) * multiplier[i]
        fee = np.ascontiguousarray(rows["w3"]).view(np.float64)
        return pd.DataFrame(
            {
                "ts": _stamps(rows["ts_venue_ns"]),
                "instrument": self._symbol(i),
                "side": _names(side, Side),
                "quantity": quantity,
                "price": price,
                "fee": fee * rate,
                "order_id": rows["w0"].copy(),
                "slippage": slippage * rate,
                "market_price": self._price(rows["w1"], i),
                "notional": notional * rate,
                "liquidity": np.where(rows["flags"] & Flag.MAKER, "maker", "taker"),
                "ambiguous": (rows["flags"] & Flag.AMBIGUOUS) != 0,
                "fee_local": fee,
                "slippage_local": slippage,
                "notional_local": notional,
                "currency": self._currency[i],
                "fx_rate": rate,
                **({"owner": self._owner_names(self._trader.used("orders")["owner"][rows["w0"]])} if self._trader.accounts else {}),
            }
        )

    def trades(self) -> pd.DataFrame:
        """Closed lots, first in first out, PnL net of fees; money at the rate of the fill that closed them, beside it (`_local`) as it is.

        `round_trip`: the row of `round_trips` that a lot is part of, -1 where that is still open. Of several strategies each closes its
        own lots: `owner` names whose they are, in the order of their ends; `round_trips` are the account's.
        """
        if not self._trader.accounts:
            return self._closed_lots(self._trader).assign(round_trip=self._ledger_rows.trip_of_lot)
        parts = [self._closed_lots(account).assign(owner=account.name) for account in self._trader.accounts]
        return pd.concat(parts).sort_values("exit_ts", kind="stable", ignore_index=True)

    def _closed_lots(self, account: Half) -> pd.DataFrame:
        rows = account.used("trades")
        i, lots, rates = rows["instrument"], rows["lots"], np.append(account.used("changes")["fx_rate"], _NAN)
        rate = rates[np.minimum(rows["change"], len(rates) - 1)]  # NaN of a lot whose change had no room, which broke the run
        return pd.DataFrame(
            {
                "instrument": self._symbol(i),
                "side": np.where(lots > 0, "BUY", "SELL"),
                "entry_ts": _stamps(rows["entry_ns"]),
                "exit_ts": _stamps(rows["exit_ns"]),
                "quantity": self._quantity(np.abs(lots), i),
                "entry_price": self._price(rows["entry_price"], i),
                "exit_price": self._price(rows["exit_price"], i),
                "pnl": rows["pnl"] * rate,
                "fees": rows["fees"] * rate,
                "pnl_local": rows["pnl"].copy(),
                "fees_local": rows["fees"].copy(),
                "currency": self._currency[i],
            }
        )

    def round_trips(self) -> pd.DataFrame:
        """Closed round trips, flat to flat; see `RunTables` for the columns and `reports.round_trips` for the rules."""
        trips, ledger_rows = self._ledger_rows.closed, self._ledger_rows
        i = trips["instrument"]
        quantity, entry, exit_ = ledger_rows.averages()
        return pd.DataFrame(
            {
                "instrument": self._symbol(i),
                "side": np.where(trips["side"] > 0, "BUY", "SELL"),
                "entry_ts": _stamps(trips["entry_ns"]),
                "exit_ts": _stamps(trips["exit_ns"]),
                "duration": pd.to_timedelta(trips["exit_ns"] - trips["entry_ns"], unit="ns"),
                "quantity": self._quantity(quantity, i),
                "entry_price": self._price(entry, i),
                "exit_price": self._price(exit_, i),
                "lots": trips["lots"].copy(),
                "exit_reason": ledger_rows.exit_reasons,
                **{name: trips[name].copy() for name in ("pnl", "fees", "dividends", "charges")},
                **{f"{name}_local": trips[f"local_{name}"].copy() for name in ("pnl", "fees", "dividends", "charges")},
                "currency": self._currency[i],
            }
        )

    def excursions(self) -> pd.DataFrame:
        """Columns `mae` and `mfe` of the rows of `round_trips`, at the rate of their exit."""
        rate = self._trader.used("changes")["fx_rate"][self._ledger_rows.closed["exit_change"]]
        adverse, favourable = self._ledger_rows.excursions(self._tape)
        return pd.DataFrame({"mae": adverse * rate, "mfe": favourable * rate})

    def positions(self) -> pd.DataFrame:
        """Signed quantity per symbol at each stamp of the equity curve."""
        rows, index = self._trader.used("changes"), self._point_index
        held = np.zeros((len(index), len(self.symbols)))
        stamps = self._trader.used("points")["ts_ns"]
        for k in range(len(self.symbols)):
            mine = rows[rows["instrument"] == k]
            if len(mine) == 0:
                continue
            last = np.searchsorted(mine["ts_ns"], stamps, side="right") - 1
            quantity = self._quantity(mine["lots"], mine["instrument"])
            held[:, k] = np.where(last >= 0, quantity[np.maximum(last, 0)], 0.0)
        return pd.DataFrame(held, index=index, columns=list(self.symbols))

    def refused(self) -> pd.DataFrame:
        """What a pre-trade rule refused: orders, and (`is_change`) changes of orders, which then stand as they were."""
        rows = self._audit.of_kind(Kind.ORDER_REFUSED)
        orders = self._trader.used("orders")[rows["w0"]]
        i = orders["instrument"]
        return pd.DataFrame(
            {
                "ts": _stamps(rows["ts_local_ns"]),
                "order_id": rows["w0"].copy(),
                "instrument": self._symbol(i),
                "reason": _names(rows["w1"], Reason),
                "need": np.ascontiguousarray(rows["w2"]).view(np.float64),
                "have": np.ascontiguousarray(rows["w3"]).view(np.float64),
                "side": _names(orders["side"], Side),
                "quantity": self._quantity(orders["quantity_lots"], i),
                "is_change": (rows["flags"] & Flag.CHANGE) != 0,
            }
        )

    def costs(self) -> pd.Series:
        """Money paid by kind, base currency."""
        totals = self._trader.record["cost_totals"][0]
        return pd.Series(totals.copy(), index=[kind.name.lower() for kind in CostKind], name="costs")

    def income(self) -> pd.Series:
        """Money received besides trading, base currency."""
        return pd.Series({"dividends": float(self._trader.record["income"][0])})

    def deposits(self) -> pd.Series | None:
        """What transfers brought in, base currency, at their stamps; None where there were none."""
        rows = self._trader.used("deposits")
        return pd.Series(rows["value"].copy(), index=_stamps(rows["ts_ns"]), name="deposits") if len(rows) else None

    def refusal_note(self) -> tuple[str, ...]:
        """A sentence where every order of the run was refused, else nothing."""
        orders = self._trader.used("orders")
        if not (orders["state"][:1] == OrderState.REFUSED).any() or not (orders["state"] == OrderState.REFUSED).all():
            return ()
        reasons, counts = np.unique(orders["reason"], return_counts=True)
        most, total = int(np.argmax(counts)), len(orders)
        every = "The only order was refused" if total == 1 else f"Each of the {total:,} orders was refused"
        often = "" if counts[most] == total else f", {counts[most]:,} of them"
        return (f"{every}{often} with {Reason(int(reasons[most])).name}, so nothing was traded; `result.refused` has the rule's numbers.",)

    def overdraft_note(self) -> tuple[str, ...]:
        """A sentence where cash fell below zero though nothing may be borrowed, else nothing."""
        root = self._trader.record[0]
        stamps, lowest = int(root["overdrawn"]), float(root["lowest_cash"])
        if stamps == 0:
            return ()
        points = self._trader.count("points")
        rounding = 1e-12 * float(self._trader.used("points")["gross"].max(initial=0.0))
        if lowest >= -rounding or root["risk"]["max_leverage"] > 1.0 or root["risk"]["allow_short"]:
            return ()
        return (
            f"Cash was below zero at {stamps:,} of {points:,} stamps, at the worst {lowest:,.2f}: sells that were to pay for buys "
            "of the same moment filled below the mark, or charges came when all was invested. No interest was charged for it.",
        )

    def of_run(
        self,
        name: str,
        currency: str,
        notes: tuple[str, ...],
        settings: LazySettings,
        benchmark: pd.Series | None = None,
        ended_early: str = "",
    ) -> RunTables:
        """Everything a report needs."""
        root, opened_with = self._trader.record[0], self._trader.initial_equity
        strategies = StrategyTables(self._trader, opened_with, self.equity, self.fills, self.trades)
        return RunTables(
            name=name,
            symbols=self.symbols,
            price_currencies={instrument.symbol: instrument.currency for instrument in self._trader.instruments},
            currency=currency,
            initial_cash=opened_with,
            equity=self.equity,
            exposure=self.exposure,
            orders=self.orders,
            fills=self.fills,
            trades=self.trades,
            round_trips=self.round_trips,
            excursions=self.excursions,
            positions=self.positions,
            costs=self.costs,
            income=self.income,
            notes=notes,
            settings=settings,
            refused=self.refused,
            deposits=self.deposits(),
            ambiguous_pnl=float(root["ambiguous_pnl"]),
            ambiguous_fills=int(root["ambiguous_fills"]),
            benchmark=benchmark,
            audit=self._audit,
            ended_early=ended_early,
            strategies=strategies.summary,
            strategy_equity=strategies.equity,
        )
