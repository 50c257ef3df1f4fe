"""The trader half as a Python object: it owns the records and hands out what compiled code wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framework.errors import InputError, KernelError, StrategyError
from framework.kernel.layout.account_records import OWNER_ROW
from framework.kernel.layout.codes import (
    BROKEN_BY_RANGE,
    BROKEN_BY_STORM,
    BROKEN_FOR_ROOM,
    MARK_IS_RATE,
    MARK_IS_WATCHED,
    ON_EVENT,
    ON_ORDER,
)
from framework.kernel.layout.displacement_records import DECAY, VOLUME
from framework.kernel.layout.half import Half, half_at, set_fields
from framework.kernel.layout.log import send
from framework.kernel.layout.market_records import CONVERSION, TERMS
from framework.kernel.layout.roots import TRADER, TRADER_TABLES
from framework.kernel.layout.rule_records import COST_TERMS, LEVY, RISK_TERMS, TIER, TRADED
from framework.kernel.layout.table_room import MOST_COMMANDS
from framework.kernel.machine.ratio import MOST
from framework.kernel.market.book_memory import Books, Ticks, grow_resting
from framework.kernel.market.costs import TIER_DAYS
from framework.kernel.market.currencies import conversions
from framework.kernel.trader.apply import ANSWERS
from framework.kernel.trader.corrected import open_account
from framework.kernel.trader.let_go import LongTables, Store
from framework.kernel.trader.owner_account import OwnerAccount
from framework.kernel.trader.ticks_seen import SEE_TICK
from framework.schema.event import Kind, currency_word
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.order import Approved, OrderState
from framework.schema.stance import AlarmKind
from framework.schema.units import NEVER_NS

_OUTBOX, _SHIP = (TRADER.fields[name][1] // 8 for name in ("outbox_count", "ship"))  # type: ignore[index]


@dataclass(frozen=True, slots=True)
class Lending:
    """What a broker lends on shares, and at what price.

    Attributes:
        initial, long_maintenance, short_maintenance: shares of a position's value that must be there; 0: none is asked for.
        borrow_rate: a year, of the value held short.
        borrow_rates: the same by symbol, where it differs.
        located: by symbol, how many units may be held short; None: no limit. A symbol not named has none.
        liquidates_by: "worst" judges margin by the worst price of each bar too, "mark" by marks only; None: "worst" for perpetuals.
    """

    initial: float = 0.0
    long_maintenance: float = 0.0
    short_maintenance: float = 0.0
    borrow_rate: float = 0.0
    borrow_rates: tuple[tuple[str, float], ...] = ()
    located: tuple[tuple[str, float], ...] | None = None
    liquidates_by: str | None = None

    def judges_worst(self, i: Instrument) -> bool:
        """Whether the broker judges an instrument by the worst price of a bar too."""
        return self.liquidates_by == "worst" or (self.liquidates_by is None and i.kind is InstrumentKind.PERPETUAL)

    def margins(self, i: Instrument) -> tuple[float, float, float, float]:
        """(initial, maintenance of a long, of a short, liquidation fee) of an instrument; a currency pair asks for none."""
        if i.is_derivative:
            return i.initial_margin, i.maintenance_margin, i.maintenance_margin, i.liquidation_fee
        if i.kind is InstrumentKind.EQUITY:
            return self.initial, self.long_maintenance, self.short_maintenance, 0.0
        return 0.0, 0.0, 0.0, 0.0

    def located_lots(self, i: Instrument) -> int:
        """How many lots may be held short, -1 without a limit; derivatives need no locate."""
        if self.located is None or i.is_derivative:
            return -1
        units = dict(self.located).get(i.symbol, 0.0)
        return int(units * i.lot.denominator / i.lot.numerator + 1e-9)


def terms_table(
    instruments: Sequence[Instrument], currencies: Sequence[str], calendars: Sequence[str], lending: Lending | None = None
) -> NDArray[np.void]:
    """What the kernel knows of instruments that never changes, dtype TERMS."""
    lending = lending or Lending()
    rates = dict(lending.borrow_rates)
    places = {currency: place for place, currency in enumerate(currencies)}
    names = {calendar: place for place, calendar in enumerate(calendars)}
    rows = [
        (
            *(i.tick.numerator, i.tick.denominator, i.tick.size, i.lot.numerator, i.lot.denominator, i.lot.size),
            *(i.point_value, *lending.margins(i), rates.get(i.symbol, lending.borrow_rate), lending.located_lots(i)),
            *(int(i.settlement), int(i.is_derivative or lending.margins(i)[1] > 0.0), int(lending.judges_worst(i))),
            *(i.bar_interval_ns, places[i.settlement_currency]),
            *(places[i.base_currency] if i.kind is InstrumentKind.FX else -1, names[i.calendar], int(i.kind)),
        )
        for i in instruments
    ]
    return np.array(rows, dtype=TERMS)


class Trader(Half):
    """The trader half: market as seen, orders as known, ledger.

    Args:
        instruments: in the order of the tape's instrument numbers.
        currencies: every currency of the instruments and the base currency.
        calendars: names in the order of the tape's calendar numbers.
        base_currency: what equity is counted in.
        cash: opening balance in the base currency.
        costs, risk: fields of `COST_TERMS` and `RISK_TERMS`; fields not named are 0.
        history: how many past bars per instrument a strategy can look back on; rounded up to a power of two.
        wakes: `ON_*` bits of `codes`.
        point_interval_ns: shortest time between two points of the equity curve.
        terms: `terms_table` of the same instruments, currencies and calendars, where it was made before; it is only read.
        ticks: where the tape has trades or books.
        tiers: (traded from, maker's rate, taker's rate) of a fee schedule, ascending.
        levies: rows of `LEVY`, ascending: what US regulators take of sales of shares in USD.
        decays: (rate a nanosecond, weight) of each exponential of the propagator; see `displacement.py`.
        daily_lots: what is traded of each instrument on a usual day, where fills push the price.
        owner: whose orders these are, for messages.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        currencies: Sequence[str],
        calendars: Sequence[str],
        base_currency: str,
        cash: float,
        costs: Mapping[str, float],
        risk: Mapping[str, float],
        history: int = 1024,
        wakes: int = 0,
        point_interval_ns: int = 0,
        terms: NDArray[np.void] | None = None,
        ticks: Ticks | None = None,
        tiers: Sequence[tuple[float, float, float]] = (),
        levies: Sequence[tuple[int, float, float, float]] = (),
        decays: Sequence[tuple[float, float]] = (),
        daily_lots: Sequence[float] = (),
        owner: str = "the strategy",
    ) -> None:
        n = len(instruments)
        ring = 1 << max(history, 2).bit_length() if history & (history - 1) else max(history, 2)
        sizes = {"terms": n, "marks": n, "positions": n, "money": len(currencies), "sessions": max(len(calendars), 1), "stances": n + 2}
        self._long = LongTables({})
        super().__init__("trader", TRADER, TRADER_TABLES, sizes | {"history": n * ring, "depths": n})
        self.instruments, self.owner = tuple(instruments), owner
        self.accounts: tuple[OwnerAccount, ...] = ()
        self.currencies = tuple(currencies)
        self.initial_equity = cash
        root = self.record
        for name, count in sizes.items():
            root[f"{name}_count"] = count
        root["trader"] = self.address
        root["firm_gross"], root["firm_net"], root["firm_equity"] = np.nan, np.nan, np.nan
        root["apply_answer"] = ANSWERS.address
        root["history_mask"] = ring - 1
        root["timer_ns"] = NEVER_NS
        root["free_lot"], root["sums_ns"], root["summed_ns"] = -1, -1, -1
        root["is_watched"] = 1
        root["wakes"] = wakes
        root["point_interval_ns"] = point_interval_ns
        root["base_currency"] = self.currencies.index(base_currency)
        set_fields(root["costs"], COST_TERMS, costs)
        set_fields(root["risk"], RISK_TERMS, risk)
        money = self.tables["money"]
        money["fx_rate"], money["code"] = np.nan, [currency_word(currency) for currency in self.currencies]
        money["fx_rate"][self.currencies.index(base_currency)] = 1.0
        money["cash"][self.currencies.index(base_currency)] = cash
        rings = self.tables["history"]
        self.tables["marks"]["history"] = rings.ctypes.data + np.arange(n) * (ring * rings.itemsize)
        positions = self.tables["positions"]
        positions["first"], positions["last"], positions["target_order"] = -1, -1, -1
        self.ticks = ticks
        self._depths = Books(self, ticks) if ticks is not None else None
        if ticks is not None:
            root["see_tick"] = SEE_TICK.address
        self._place("terms", terms_table(instruments, currencies, calendars) if terms is None else terms)
        root["has_margin"] = int(np.any(self.tables["terms"]["initial_margin"] > 0.0))
        root["has_borrow"] = int(np.any(self.tables["terms"]["borrow_rate"] != 0.0))
        root["has_futures"] = int(np.any(self.tables["terms"]["kind"] == InstrumentKind.FUTURE))
        self._set_schedules(tiers, levies)
        self._set_rows("conversions", CONVERSION, conversions(self.instruments, self.currencies, base_currency))
        self._set_rows("decays", DECAY, decays)
        self._set_rows("volumes", VOLUME, [(lots,) for lots in daily_lots])
        terms_made = self.tables["terms"]
        self.tables["marks"]["mark_flags"] = np.where(terms_made["kind"] == InstrumentKind.FX, MARK_IS_RATE, 0)
        self.tables["marks"]["mark_flags"] |= np.where(terms_made["is_margined"] != 0, MARK_IS_WATCHED, 0)

    def _set_schedules(self, tiers: Sequence[tuple[float, float, float]], levies: Sequence[tuple[int, float, float, float]]) -> None:
        self._set_rows("tiers", TIER, tiers)
        if tiers:
            self._set_rows("traded", TRADED, [(0, 0.0)] * (TIER_DAYS + 1))
        if levies and "USD" in self.currencies:
            self._set_rows("levies", LEVY, levies)
            self.record["levied_currency"] = self.currencies.index("USD")

    def _set_rows(self, name: str, dtype: np.dtype[np.void], rows: Sequence[tuple[float, ...]]) -> None:
        if rows:
            self._place(name, np.array(list(rows), dtype=dtype))
            self.record[f"{name}_count"] = len(rows)

    def open_with(self, corrections: NDArray[np.void]) -> None:
        """Begin with what corrections say; see `corrected.open_account`."""
        self.initial_equity = float(open_account(self.address, corrections.ctypes.data, len(corrections)))

    def share_among(self, capital: Mapping[str, float]) -> None:
        """Keep a virtual account for each of several strategies, by name with its share of the opening cash; they are numbered in order."""
        self.accounts = tuple(OwnerAccount(self, name, share) for name, share in capital.items())
        self._place("owners", np.array([(account.address, 0) for account in self.accounts], dtype=OWNER_ROW))
        self.record["owners_count"] = len(self.accounts)

    def has_delivered_all(self) -> bool:
        """Whether no order event of the log still has to wake the strategy."""
        waits = self.words[self._word["wakes"]] & (ON_ORDER | ON_EVENT)
        return not waits or self.words[self._word["noticed"]] >= self.count("log")

    def grow(self, name: str) -> None:
        """Let a table take at least one row more: it lets go of rows, or doubles."""
        if name == "resting":
            grow_resting(self)
        elif not self._long.lets_go(self, name):
            super().grow(name)

    def keep_rows(self, stores: Mapping[str, Store]) -> None:
        """Say where rows of long tables go, before the first has gone; without it all stay in memory."""
        self._long = LongTables(stores)
        for name in stores:
            self._place(name, self.tables[name])

    def _place(self, name: str, rows: NDArray[np.void]) -> None:
        super()._place(name, rows)
        self.words[self._word[name] + 2] = self._long.capacity(name, len(rows), self.count(name))

    def used(self, name: str) -> NDArray[np.void]:
        """The rows in use, those too that have left memory: a view that lasts until the table grows."""
        complete = self._long.complete(self, name)
        return super().used(name) if complete is None else complete

    def rows_since(self, name: str, start: int) -> NDArray[np.void]:
        """The rows in use from number `start` on."""
        return self._long.since(self, name, start)

    def living_orders(self) -> list[int]:
        """The orders that have not ended, oldest first."""
        return self._long.living_orders(self)

    @property
    def approved(self) -> Approved:
        """The outbox: the commands that passed the pre-trade checks and are not yet sent."""
        return Approved(self, Approved._key)

    def ship(self) -> None:
        """Send what stands in the outbox to whoever is connected.

        Raises:
            KernelError: nobody is.
        """
        if self.words[_OUTBOX] == 0:
            return
        if self.words[_SHIP] == 0:
            raise KernelError("commands of a trader half to which nobody is connected; make the world with it, which connects it")
        send(self.address)

    def take_log(self) -> NDArray[np.void]:
        """What happened since it was last asked, in order. Rows leave the table once the strategy was notified of them all."""
        taken, is_delivered = int(self.record["taken"][0]), self.has_delivered_all()
        rows = self.used("log")[taken:]
        self.record["taken"] = taken + len(rows)
        if is_delivered and 2 * len(rows) > len(self.tables["log"]):
            self._place("log", self._taken("log", len(self.tables["log"]), rows.dtype))  # a full table is handed over as it is
        else:
            rows = rows.copy()
        if is_delivered:
            self.record["drained"] += self.count("log")
            for name in ("log_count", "noticed", "taken"):
                self.record[name] = 0
        return rows

    def breakage(self, exchange: Half | None = None) -> BaseException:
        """The error to raise after the kernel has broken off.

        Args:
            exchange: whose tables may be the ones without room.
        """
        root = self.record[0]
        broken, at = int(root["broken"]), np.datetime64(int(root["now_ns"]), "ns")
        if broken == BROKEN_BY_STORM:
            return StrategyError(
                f"{self.owner} at {at}Z: more than {MOST_COMMANDS:,} order commands at one stamp; rule: orders, cancels and changes at "
                f"one stamp are at most {MOST_COMMANDS:,}, those too that are refused. A hook that orders whenever an order of its own "
                "changes never comes to an end: let it order once, or wait for the next event of the market or a timer."
            )
        if broken == BROKEN_FOR_ROOM:
            account = half_at(int(root["account"]))
            venue = account if account is not None and account.failure is not None else exchange
            return self._lack_of_room(venue if root["broken_state"] else self, at)
        if broken == BROKEN_BY_RANGE:
            return KernelError(
                f"{int(root['broken_event']):.3g} lots held or at work in one instrument; rule: below {MOST:.3g}; replay stopped at {at}Z. "
                "Give lot_size= a larger step, or order less."
            )
        alarm, state = AlarmKind(int(root["alarm"])).name, OrderState(int(root["broken_state"])).name
        order, answer = int(root["broken_order"]), Kind(int(root["broken_event"])).name
        return KernelError(
            f"order {order} in state {state}: {answer} cannot be ({alarm}); rule: a simulated venue gives no answer that raises an alarm; "
            f"replay stopped at {at}Z. This is a fault of the engine: report it with the audit."
        )

    def _lack_of_room(self, half: Half | None, at: np.datetime64) -> BaseException:
        """The error where a table of a half could not grow; what kept it from growing, where that is an interrupt."""
        if half is None:
            return KernelError(f"a table of the venue could not grow; replay stopped at {at}Z")
        if isinstance(half.failure, InputError) or (half.failure is not None and not isinstance(half.failure, Exception)):
            return half.failure
        error = KernelError(
            f"{half.lack(int(self.record['broken_order'][0]))}; replay stopped at {at}Z. "
            "Give the process more memory, or run fewer instruments, a shorter time or fewer orders."
        )
        error.__cause__ = half.failure
        return error
