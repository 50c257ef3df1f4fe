"""Several accounts of one firm over one tape: a trader half and an exchange half each, advanced by one loop.

The tape is passed in stretches of time. In each stretch every account goes on to its end, in the order in which the accounts are given;
then the firm is added up, and where it has changed each account is told: by an event FIRM one nanosecond after the stretch, which stands
on the account's own tape. So an account's run is a function of that tape alone, and is repeated from it without the others.

Assumptions: the accounts' orders do not meet each other at the venue.
Fails when: two accounts trade the same thing in sizes that move its price, or against each other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Unpack

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.tape import Tape
from framework.data.tape.event_arrays import in_order, joined
from framework.engine.audit import Audit
from framework.engine.engine import Run
from framework.engine.strategy import Strategy
from framework.engine.tape_feeds import OpenTape
from framework.errors import InputError
from framework.kernel.trader.trader import Trader
from framework.kernel.trader.trader_calls import valuation
from framework.reports.result import Result
from framework.schema.event import EVENT, NO_INSTRUMENT, Kind
from framework.schema.units import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND, NEVER_NS
from framework.simulation.configured_latency import as_received
from framework.simulation.ground import Ground
from framework.simulation.header import header_of
from framework.simulation.keywords import DataKeywords
from framework.simulation.run_data import Data, tape_of
from framework.simulation.settings import RunSettings
from framework.simulation.simulate import result_of
from framework.simulation.through import open_run

Events = NDArray[np.void]


@dataclass(frozen=True)
class Account:
    """What trades in an account, with how much and by which rules.

    Attributes:
        strategy: an instance of a `Strategy` subclass, of this account alone.
        settings: cash, currency, costs, risk and the like: `RunSettings(cash=..., risk=...)`, or `RunSettings.of({...})` from plain values.
    """

    strategy: Strategy
    settings: RunSettings


class FirmResult(Mapping[str, Result]):
    """The results of a firm's accounts by name, and what they are together.

    Attributes:
        tapes: by account, the tape that it ran on: the data, and what it was told of the firm. `backtest` on it repeats the account's run.
    """

    def __init__(self, results: Mapping[str, Result], tapes: Mapping[str, Tape]) -> None:
        self._results, self.tapes = dict(results), dict(tapes)

    def __getitem__(self, name: str) -> Result:
        return self._results[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    @cached_property
    def equity(self) -> pd.DataFrame:
        """Equity by account, and `firm`, their sum; an account without a point yet counts with its opening cash."""
        table = pd.DataFrame({name: result.equity for name, result in self._results.items()}).ffill()
        for name, result in self._results.items():
            table[name] = table[name].fillna(result.tables.initial_cash)
        return table.assign(firm=table.sum(axis=1))

    def __repr__(self) -> str:
        return "\n\n".join(repr(result) for result in self._results.values())


def backtest_accounts(
    accounts: Mapping[str, Account], data: Data, *, firm_every: dt.timedelta | None = None, **keywords: Unpack[DataKeywords]
) -> FirmResult:
    """Replay data through the strategies of several accounts, each with its own money, rules, orders and audit.

    Args:
        accounts: by name; in this order they act at one stamp.
        data: as in `backtest`.
        firm_every: how often each account is told of the firm's exposure, by an event FIRM that `on_event` hears of and
            `view.firm_exposure` keeps; of bars a minute apart or more None is after every stamp, of anything finer once a minute.
        keywords: how data are read, as in `backtest`.

    Returns:
        A `FirmResult`: the accounts' results by name.

    Raises:
        InputError: no accounts, one strategy in two of them, two currencies, or `firm_every` not above 0.
        StrategyError: a hook raised.

    >>> from framework.simulation.accounts import Account, backtest_accounts
    >>> backtest_accounts({}, "us_equities_daily")
    Traceback (most recent call last):
    framework.errors.InputError: accounts is empty; rule: at least one. Give {"name": Account(strategy, RunSettings(cash=...))}.
    """
    _check(accounts, firm_every)
    currency = next(iter(accounts.values())).settings.currency
    tape = tape_of(data, keywords, currency)
    halves = [_Half(name, account, tape) for name, account in accounts.items()]
    try:
        for half in halves:
            half.run.begin()
        _advance_all(halves, _ends(tape, firm_every))
        for half in halves:
            half.end()
    except BaseException as error:
        for half in halves:
            half.run.fail(error)
        raise
    finally:
        for half in halves:
            half.run.leave()
    return FirmResult({half.name: half.result() for half in halves}, {half.name: half.fed for half in halves})


def _check(accounts: Mapping[str, Account], firm_every: dt.timedelta | None) -> None:
    if not accounts:
        raise InputError('accounts is empty; rule: at least one. Give {"name": Account(strategy, RunSettings(cash=...))}.')
    of: dict[int, str] = {}
    for name, account in accounts.items():
        if id(account.strategy) in of:
            raise InputError(
                f"accounts {of[id(account.strategy)]!r} and {name!r} have one strategy object; rule: each its own, since it keeps state. "
                "Make another instance."
            )
        of[id(account.strategy)] = name
    currencies = {name: account.settings.currency for name, account in accounts.items()}
    if len(set(currencies.values())) > 1:
        raise InputError(
            f"accounts in several currencies: {currencies}; rule: one, since the firm is added up in it. Set the same currency."
        )
    if firm_every is not None and firm_every <= dt.timedelta(0):
        raise InputError(f"firm_every={firm_every}; rule: above 0. Leave it out for after every bar, or give dt.timedelta(minutes=1).")


def _ends(tape: Tape, firm_every: dt.timedelta | None) -> list[int]:
    """The last stamp of each stretch of time."""
    stamps = np.unique(np.ascontiguousarray(tape.events["ts_local_ns"]))
    every_ns = 60 * NANOSECONDS_PER_SECOND
    if firm_every is not None:
        every_ns = firm_every.days * NANOSECONDS_PER_DAY + firm_every.seconds * NANOSECONDS_PER_SECOND + firm_every.microseconds * 1000
    stretch = stamps // max(every_ns, 1)
    return stamps[np.flatnonzero(np.diff(stretch, append=stretch[-1:] + 1))].tolist() if len(stamps) else []


def _advance_all(halves: list[_Half], ends: list[int]) -> None:
    """The one loop: stretch by stretch, account by account, and what the firm is told of itself in between."""
    told = (0.0, 0.0, 0.0)
    for end_ns in ends[:-1]:
        for half in halves:
            half.go_on(end_ns)
        equity, _, gross, net = (sum(values) for values in zip(*(half.valuation() for half in halves), strict=True))
        if gross != 0.0 or told[0] != 0.0:  # of a firm that holds nothing there is nothing to tell
            told = (gross, net, equity)
            event = np.zeros(1, dtype=EVENT)
            event["ts_local_ns"] = event["ts_venue_ns"] = end_ns + 1
            event["kind"], event["instrument"] = Kind.FIRM, NO_INSTRUMENT
            event["w0"], event["w1"], event["w2"] = np.array(told).view(np.int64)
            for half in halves:
                half.tell(event)


class _Half:
    """An account under way: its two halves, its tape, its audit."""

    def __init__(self, name: str, account: Account, tape: Tape) -> None:
        self.name, self._account, self._tape = name, account, tape
        self._received = as_received(tape, account.settings)
        ground = Ground.over(self._received, account.settings)
        self._trader: Trader = ground.trader(account.strategy)
        self._audit = Audit(header_of(account.strategy, tape, account.settings), self._trader.take_log)
        events = self._received.events
        start_ns = int(events["ts_local_ns"][0]) if len(events) else 0
        self._open = OpenTape(lambda tape, due_ns: None, start_ns=start_ns, keeps_venue_stamps=True)
        self._given = 0
        self._told: list[Events] = []  # of the firm; the last one may not stand on the tape yet
        self._waits = np.zeros(0, dtype=EVENT)
        self.run: Run = open_run(account.strategy, ground, self._trader, self._audit, self._open, self._received)

    def go_on(self, end_ns: int) -> None:
        """Show the market up to a stamp, and decide at all that it wakes."""
        events = self._received.events
        end = int(np.searchsorted(events["ts_local_ns"], end_ns, side="right"))
        self._open.append(in_order(joined([self._waits, events[self._given : end]])))
        self._given, self._waits = end, self._waits[:0]
        self._open.safe(end_ns)
        self.run.go_on(end_ns)

    def tell(self, event: Events) -> None:
        """Put an event on this account's tape, ahead of what the market shows next."""
        self._waits = event
        self._told.append(event)

    def valuation(self) -> tuple[float, float, float, float]:
        """(equity, cash, gross exposure, net value)."""
        found: tuple[float, float, float, float] = valuation(self._trader.address)
        return found

    def end(self) -> None:
        """Show what is left, and end."""
        self._open.append(in_order(joined([self._waits, self._received.events[self._given :]])))
        self._open.end()
        self.run.go_on(NEVER_NS)
        self.run.end()
        self._audit.describe(tape=self.fed.digest())

    @cached_property
    def fed(self) -> Tape:
        """The data, and what the account was told of the firm."""
        events = in_order(joined([self._tape.events, *self._told]))
        events.flags.writeable = False
        return replace(self._tape, events=events)

    def result(self) -> Result:
        """What came of the account."""
        return result_of(
            self._account.strategy,
            as_received(self.fed, self._account.settings),
            self._account.settings,
            self._trader,
            self._audit,
            name=self.name,
        )
