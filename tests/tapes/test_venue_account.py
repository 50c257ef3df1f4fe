"""What the venue and its broker judge by: the account as it is there, whether we have heard of it or not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kernel.agreement import Watch
from tests.tapes.drawing import draw

HOUR = 3_600_000_000_000
LEVERED: dict[str, Any] = {"allow_short": True, "max_leverage": 20.0}
SWAP = "instrument P kind PERPETUAL tick 1 initial 0.1 maintenance 0.05"


@pytest.mark.parametrize("entry_ns", [0, HOUR])
def test_a_position_is_reduced_once_though_answers_are_on_their_way(entry_ns: int, accounts: Watch) -> None:
    # two sales of what is held reach the venue before we hear of the first
    draw(
        f"""
        clock 2024-01-01 UTC 00:00
        1 01:00   99 x 500 / 100 x 500
        1 03:00   99 x 500 / 100 x 500
        1 10:00   99 x 500 / 100 x 500
        1 12:00   99 x 500 / 100 x 500
        1 13:00   99 x 500 / 100 x 500
        2 14:00   99 x 500 / 100 x 500

        at 1 01:00: BUY 10
        timer 1 09:00: SELL 10 REDUCE_ONLY
        at 1 10:00: SELL 10 REDUCE_ONLY
        fill 1 03:00: BUY 10 @ 100 taker of 0
        fill {"1 10:00" if entry_ns == 0 else "1 12:00"}: SELL 10 @ 99 taker of 1
        order 2: CANCELLED REDUCE_ONLY needs 10 allows 0
        end: 0 X
        """,
        latency={"entry_ns": entry_ns, "response_ns": 5 * HOUR},
    )
    assert accounts.apart > 0 and accounts.differed > 0


def test_an_account_is_liquidated_once_though_answers_are_on_their_way(accounts: Watch) -> None:
    draw(
        f"""
        {SWAP}
        1   99 x 5000 / 100 x 5000
        2   99 x 5000 / 100 x 5000
        3   93 x 5000 / 94 x 5000      # 400 - 650 / 2 of spread: mid 93.5, equity 350 <= 467.5
        4   93 x 5000 / 94 x 5000
        5   93 x 5000 / 94 x 5000
        6   93 x 5000 / 94 x 5000

        at 1: BUY 100
        fill 2: BUY 100 @ 100 taker of 0
        fill 4: SELL 100 @ 93 taker of 1
        order 1: FILLED LIQUIDATED
        end: 0 P, 300 USD
        """,
        cash=1_000.0,
        risk=LEVERED,
        latency={"response_ns": 30 * HOUR},
    )
    assert accounts.differed > 0


def test_what_the_broker_sells_is_not_ours_to_cancel_to_change_or_to_double() -> None:
    # 100 at 100 with 1,000: at the close of 94 equity is 400, below 470; the hook of that bar knows of the broker's order
    draw(
        f"""
        {SWAP}
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3   94  94  94  94  1000
        4   93  93  93  93  1000
        5  120 120 120 120  1000

        at 1: BUY 100
        at 3: CANCEL 1 -> False
        at 3: REPLACE 1 QUANTITY 1 -> False
        at 3: SELL 100
        at 3: BUY 10
        at 3: SELL 100 REDUCE_ONLY
        fill 2: BUY 100 @ 100 taker of 0
        fill 4: SELL 100 @ 93 taker of 1
        refused 1: LIQUIDATED needs 0 allows 0
        order 1: FILLED LIQUIDATED
        order 2: REJECTED LIQUIDATED
        order 3: REJECTED LIQUIDATED
        order 4: CANCELLED REDUCE_ONLY needs 100 allows 0
        end: 0 P, 300 USD
        """,
        cash=1_000.0,
        risk={**LEVERED, "liquidates_by": "mark"},
    )


@pytest.mark.parametrize(("price", "order", "outcome"), [(93, "at 4: SELL 5", "order 2: REJECTED LIQUIDATED"), (92, "", "")])
def test_what_the_broker_sells_in_parts_is_neither_joined_nor_doubled_between_them(price: int, order: str, outcome: str) -> None:
    # 40 of 100 are sold at the first chance. At 93 equity is 300, the other 60 need 279; at 92 it is 200, they need 276
    draw(
        f"""
        {SWAP}
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3   94  94  94  94  1000
        4   {price}  {price}  {price}  {price}   400
        5   {price}  {price}  {price}  {price}  1000
        6   {price}  {price}  {price}  {price}  1000

        at 1: BUY 100
        {order}
        fill 2: BUY 100 @ 100 taker of 0
        fill 4: SELL 40 @ {price} taker of 1
        fill 5: SELL 60 @ {price} taker of 1
        order 1: FILLED LIQUIDATED
        {outcome}
        end: 0 P, {1000 - 100 * (100 - price)} USD
        """,
        cash=1_000.0,
        risk={**LEVERED, "liquidates_by": "mark"},
        costs={"max_participation": 0.1},
    )


def test_a_wick_liquidates_at_the_price_at_which_the_account_was_used_up() -> None:
    # 100 at 100 with 1,000: 1,000 + 100 (p - 100) = 0.05 x 100 p at p = 9,000 / 95 = 94.74; sold a tick below at most
    draw(
        f"""
        {SWAP}
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 101  90  99  1000
        4   99  99  99  99  1000

        at 1: BUY 100
        fill 2: BUY 100 @ 100 taker of 0
        fill 3: SELL 100 @ 94 taker of 1
        order 1: FILLED LIQUIDATED
        end: 0 P, 400 USD
        """,
        cash=1_000.0,
        risk=LEVERED,
    )


def test_a_short_of_an_inverse_contract_is_liquidated_by_the_high_of_a_bar() -> None:
    # 100 contracts of 100 USD sold at 100 are short 100 BTC: 20 + 10,000 (1 / p - 1 / 100) = 0.05 x 10,000 / p at
    # p = 9,500 / 80 = 118.75; bought a tick above at most, which leaves 20 + 10,000 / 119 - 100
    draw(
        """
        instrument P kind PERPETUAL base BTC currency USD inverse 1 tick 1 multiplier 100 initial 0.1 maintenance 0.05
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 130  99 100  1000
        4  100 100 100 100  1000

        at 1: SELL 100
        fill 2: SELL 100 @ 100 taker of 0
        fill 3: BUY 100 @ 119 taker of 1
        order 1: FILLED LIQUIDATED
        end: 0 P, 4.03361345 BTC
        """,
        cash=20.0,
        currency="BTC",
        risk=LEVERED,
    )


def test_what_no_price_of_a_bar_could_carry_is_closed_at_its_open() -> None:
    # Q is stopped out at 20: 10,000 (1 / 100 - 1 / 20) = -400 BTC. With 30 - 400 no price of P is enough, as its 100 contracts can gain
    # 100 BTC at most: it is sold at the open, 10,000 (1 / 100 - 1 / 98) = -2.04081633
    draw(
        """
        instrument P kind PERPETUAL base BTC currency USD inverse 1 tick 1 multiplier 100 initial 0.1 maintenance 0.05
        instrument Q kind PERPETUAL base BTC currency USD inverse 1 tick 1 multiplier 100 initial 0.1 maintenance 0.05
        1  P  100 100 100 100  1000
        1  Q  100 100 100 100  1000
        2  P  100 100 100 100  1000
        2  Q  100 100 100 100  1000
        3  Q   20  20  20  20  1000
        3  P   98  99  90  95  1000
        4  P   95  95  95  95  1000

        at 1: BUY 100 P
        at 1: BUY 100 Q
        at 2: SELL 100 Q STOP 90
        fill 2: BUY 100 P @ 100 taker of 0
        fill 2: BUY 100 Q @ 100 taker of 1
        fill 3: SELL 100 Q @ 20 taker of 2
        fill 3: SELL 100 P @ 98 taker of 3
        order 3: FILLED LIQUIDATED
        end: 0 P, 0 Q, -372.04081633 BTC
        """,
        cash=30.0,
        currency="BTC",
        risk=LEVERED,
    )


def test_an_open_beyond_that_price_is_the_price() -> None:
    draw(
        f"""
        {SWAP}
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3   93  96  90  95  1000
        4   99  99  99  99  1000

        at 1: BUY 100
        fill 2: BUY 100 @ 100 taker of 0
        fill 3: SELL 100 @ 93 taker of 1
        order 1: FILLED LIQUIDATED
        end: 0 P, 300 USD
        """,
        both=True,
        cash=1_000.0,
        risk=LEVERED,
    )


@pytest.mark.parametrize(
    ("settings", "outcome"),
    [({"liquidates_by": "mark"}, "end: 100 P"), ({}, "fill 3: SELL 100 @ 96 taker of 1\n end: 0 P")],
)
def test_a_stop_that_is_nearer_comes_first_and_marks_know_of_no_wick(settings: dict[str, Any], outcome: str) -> None:
    stop = "" if settings else "at 2: SELL 100 STOP 96 REDUCE_ONLY"
    draw(
        f"""
        {SWAP}
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 101  90  99  1000
        4   99  99  99  99  1000

        at 1: BUY 100
        {stop}
        fill 2: BUY 100 @ 100 taker of 0
        {outcome}
        """,
        cash=1_000.0,
        risk={**LEVERED, **settings},
    )


_LATER = "2 100 100 100 100 1000\n 3 100 102 90 99 1000"
_CLOSED = "fill 2: BUY 90 @ 100 taker of 0\n order 1: CANCELLED LIQUIDATED needs 405 allows 100\n fill 3: SELL 90 @ 93 taker of 2"


@pytest.mark.parametrize(
    ("orders", "bars", "outcome"),
    [
        # 1000 - 90 (101 - p) = 0.05 x 90 p at 94.62: nobody knows whether the low came before the entry
        ("at 1: BUY 90 STOP 101", "2 100 102 90 99 1000", "fill 2: BUY 90 @ 101 taker of 0\n fill 2: SELL 90 @ 94 taker of 1 ambiguous"),
        # bought at the open: the low came later, at 93.57
        ("at 1: BUY 90", "2 100 102 90 99 1000", "fill 2: BUY 90 @ 100 taker of 0\n fill 2: SELL 90 @ 93 taker of 1"),
        # a limit on the way up, one that the bar did not go through, a touch
        ("at 1: BUY 90\n timer 3 12:00: SELL 90 LIMIT 101", _LATER, f"{_CLOSED} ambiguous"),
        ("at 1: BUY 90\n timer 3 12:00: SELL 90 LIMIT 102", _LATER, _CLOSED),
        ("at 1: BUY 90\n timer 3 12:00: SELL 90 TOUCH 102", _LATER, f"{_CLOSED} ambiguous"),
    ],
)
def test_a_liquidation_beside_an_order_of_ours_is_ambiguous(orders: str, bars: str, outcome: str) -> None:
    broker = 1 + orders.count("\n")
    draw(
        f"""
        {SWAP}
        1  100 100 100 100  1000
        {bars}
        4   99  99  99  99  1000

        {orders}
        {outcome}
        order {broker}: FILLED LIQUIDATED
        end: 0 P
        """,
        cash=1_000.0,
        risk=LEVERED,
    )


def test_funding_is_charged_on_what_is_held_there() -> None:
    # sold at 2 08:00; we hear of it at 3 08:00, after the funding of 3 00:00
    draw(
        f"""
        {SWAP}
        clock 2024-01-01 UTC 00:00
        1 01:00   99 x 500 / 100 x 500
        1 02:00   99 x 500 / 100 x 500
        2 07:00   99 x 500 / 100 x 500
        2 08:00   99 x 500 / 100 x 500
        3 00:00   FUNDING 0.01
        5 00:00   99 x 500 / 100 x 500

        at 1 01:00: BUY 10
        timer 2 07:30: SELL 10
        fill 1 02:00: BUY 10 @ 100 taker
        fill 2 08:00: SELL 10 @ 99 taker
        end: 0 P, 990 USD
        """,
        cash=1_000.0,
        risk=LEVERED,
        latency={"response_ns": 24 * HOUR},
    )


@pytest.mark.parametrize(("first", "second"), [("A", "B"), ("B", "A")])
def test_cash_that_is_too_little_for_two_goes_to_who_was_sent_first(first: str, second: str) -> None:
    # both open 20 % higher: the first takes 60 of its 60 for 7,200, the second finds 2,800 for 23
    draw(
        f"""
        instrument A
        instrument B
        1  A  100 100 100 100  1000
        1  B  100 100 100 100  1000
        2  A  120 120 120 120  1000
        2  B  120 120 120 120  1000

        at 1: BUY 60 {first}
        at 1: BUY 40 {second}
        fill 2: BUY 60 {first} @ 120 taker of 0
        fill 2: BUY 23 {second} @ 120 taker of 1
        order 1: CANCELLED NO_CASH_AT_FILL needs 40 allows 23 filled 23
        end: {"60" if first == "A" else "23"} A, {"60" if first == "B" else "23"} B, 40 USD
        """,
        cash=10_000.0,
    )


def test_the_venue_counts_cash_at_the_rate_last_seen() -> None:
    # 10,000 USD of equity carry 20,000. 80 SAP are held for 8,000 borrowed EUR: what the euro does changes no equity, but at 1.60 they
    # are worth 12,800 at the open of 100, and 7,200 are left for 45 more at 160. The order in B made the broker count at 1.25 before.
    draw(
        """
        instrument EURUSD kind FX tick 0.0001 base EUR
        instrument SAP currency EUR
        instrument B
        1 10:00  EURUSD  1.2500 1.2500 1.2500 1.2500  0
        1 10:00  SAP     100 100 100 100  1000
        1 10:00  B       100 100 100 100  1000
        1 11:00  EURUSD  1.2500 1.2500 1.2500 1.2500  0
        1 11:00  SAP     100 100 100 100  1000
        1 11:00  B       100 100 100 100  1000
        1 12:00  EURUSD  1.2500 1.2500 1.2500 1.2500  0
        1 12:00  SAP     100 100 100 100  1000
        1 12:00  B       100 100 100 100  1000
        1 13:00  EURUSD  1.6000 1.6000 1.6000 1.6000  0
        1 13:00  SAP     110 110 110 110  1000
        1 13:00  B       600 600 600 600  1000
        1 14:00  EURUSD  1.6000 1.6000 1.6000 1.6000  0
        1 14:00  SAP     100 100 100 100  1000
        1 14:00  B       600 600 600 600  1000
        1 15:00  B       600 600 600 600  1000

        at 1 10:00: BUY 80 SAP
        at 1 12:00: BUY 20 B FOK
        at 1 12:00: BUY 60 SAP LIMIT 100.50
        fill 1 11:00: BUY 80 SAP @ 100 taker of 0
        fill 1 14:00: BUY 45 SAP @ 100 maker of 2
        order 1: CANCELLED NO_CASH_AT_FILL needs 20 allows 16
        order 2: CANCELLED NO_CASH_AT_FILL filled 45 needs 60 allows 45
        end: 125 SAP, 0 B, 10000 USD, -12500 EUR
        """,
        cash=10_000.0,
        risk={"max_leverage": 2.0},
        latency={"response_ns": HOUR // 60},
    )
