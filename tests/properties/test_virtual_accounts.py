"""Several strategies in one account on random tapes: each against a ledger in decimals of its own, and their sum against the account."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext

from hypothesis import HealthCheck, given, settings

from framework import Strategies, backtest
from framework.schema.event import CostKind, Kind
from tests.properties.decimal_ledger import PRECISION, ZERO, Holding, Ledger, exact
from tests.properties.random_runs import Case, Scripted, cases, instruments_of, tape_of
from tests.properties.test_ledger import Check, real, same

SHARES = {"first": 0.5, "second": 0.3, "third": 0.2}


class CheckOwners(Check):
    """Feeds each strategy's ledger with its own fills, and with its part of what the account is charged."""

    def feed(self, strategies: Strategies) -> list[Ledger]:
        """Compare what every strategy noted; return the ledgers as they stand at the end."""
        lots = {name: Holding(i.currency, Decimal(i.multiplier), exact(self.lots[name])) for name, i in self.instruments.items()}
        ledgers = []
        for share in SHARES.values():
            ledgers.append(
                Ledger(
                    "USD", Decimal(self.case.cash) * Decimal(str(share)), {n: replace(h, entries=h.entries.copy()) for n, h in lots.items()}
                )
            )
            ledgers[-1].pairs = self.ledger.pairs
        noted = [{(n.kind, n.instrument, n.ts_ns): n for n in member.notes} for member in strategies.members.values()]  # type: ignore[attr-defined]
        owners = dict(zip(self.result.orders["order_id"], self.result.orders["owner"], strict=True))
        names = list(SHARES)
        for is_tape, event in self.steps():
            if is_tape or event["kind"] == Kind.CHARGE:
                whole = (
                    [ledger.holdings[self.names[event["instrument"]]].quantity for ledger in ledgers]
                    if event["instrument"] < len(self.names)
                    else []
                )
                for number, ledger in enumerate(ledgers):
                    self.ledger, self.noted = ledger, noted[number]
                    if is_tape:
                        self.on_tape(event)
                    elif whole[number] < 0:  # borrow is paid by those who are short, by how much
                        assert event["w0"] == CostKind.BORROW
                        part = Decimal(real(event["w1"])) * whole[number] / sum(min(held, ZERO) for held in whole)
                        ledger.charge(
                            self.names[event["instrument"]], tuple(dict.fromkeys(("USD", *self.tape.currencies)))[event["w2"]], part
                        )
            elif event["kind"] == Kind.ORDER_FILLED:
                name, side = self.names[event["instrument"]], self.result.orders["side"].iloc[event["w0"]]
                units, price = exact(event["w2"] * self.lots[name]), exact(event["w1"] * self.ticks[name])
                money = Decimal(real(event["w4"])), Decimal(real(event["w3"]))
                owner = ledgers[names.index(owners[event["w0"]])]
                owner.fill(name, units if side == "BUY" else -units, price, *money, event["ts_local_ns"])
        return ledgers


def script(case: Case, number: int) -> Scripted:
    """The strategy that has every third wish; ids of other strategies' orders it cannot name."""
    wishes = tuple(wish for wish in case.wishes if wish.kind not in ("cancel", "replace"))
    return Scripted().prepare(replace(case, wishes=wishes[number :: len(SHARES)]))


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(cases(max_wishes=15))
def test_each_strategy_has_what_its_own_fills_brought_and_all_add_up(case: Case) -> None:
    case = replace(case, latency={})  # borrow is shared by what is held when it is charged
    tape, strategies = tape_of(case), Strategies({name: script(case, k) for k, name in enumerate(SHARES)}, capital=SHARES)
    result = backtest(strategies, tape, cash=case.cash, costs=case.costs, risk=case.risk, chunk_events=case.chunk_events)
    with localcontext(prec=PRECISION):
        check = CheckOwners(case, tape, Scripted().prepare(case), result)
        ledgers = check.feed(strategies)
        cash = Decimal(case.cash)
        for name, ledger in zip(SHARES, ledgers, strict=True):
            assert same(result.strategies.loc[name, "pnl"], ledger.equity - cash * Decimal(str(SHARES[name])), cash)
            assert same(result.strategies.loc[name, "fees"], ledger.fees, cash)
            assert same(result.strategies.loc[name, "dividends"], ledger.income, cash)
        assert same(float(result.strategies["pnl"].sum()), Decimal(result.equity.iloc[-1]) - cash if len(result.equity) else ZERO, cash)
        assert_rest_is_of_splits(case, check, ledgers)


def assert_rest_is_of_splits(case: Case, check: CheckOwners, ledgers: list[Ledger]) -> None:
    """Without splits nothing is left to the account: positions add up to the lot and money to the cent."""
    if any(action.kind == "split" for action in case.actions):
        return
    rest = check.result.strategies.loc["account"]
    assert all(abs(rest[name]) < 0.005 for name in ("capital", "pnl", "fees", "charges", "dividends"))
    if len(check.result.positions):
        last = check.result.positions.iloc[-1]
        for name, instrument in instruments_of(case).items():
            held = sum((ledger.holdings[name].quantity for ledger in ledgers), ZERO)
            assert round(float(held) / instrument.lot.to_float(1)) == round(last[name] / instrument.lot.to_float(1))
