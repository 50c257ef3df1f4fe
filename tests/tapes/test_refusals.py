"""Every refusal: its reason and the two numbers of the rule that was broken. The account has 100,000, the price is 100."""

from __future__ import annotations

import pytest

from tests.tapes.drawing import draw

MARKET = """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  99 100  1000
"""


@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        ("BUY 0", "INVALID_QUANTITY needs 0 allows 0"),
        ("SELL 0", "INVALID_QUANTITY needs 0 allows 0"),
        ("BUY nan", "INVALID_QUANTITY needs nan allows 0"),
        ("BUY inf", "INVALID_QUANTITY needs inf allows 0"),
        ("BUY 10.5", "NOT_A_LOT_MULTIPLE needs 10.5 allows 1"),
        ("BUY 0.999", "NOT_A_LOT_MULTIPLE needs 0.999 allows 1"),
        ("BUY 10 LIMIT 99.995", "NOT_A_TICK_MULTIPLE needs 99.995 allows 0.01"),
        ("BUY 10 STOP 100.001", "NOT_A_TICK_MULTIPLE needs 100.001 allows 0.01"),
        ("BUY 10 TRAIL 0.005", "NOT_A_TICK_MULTIPLE needs 0.005 allows 0.01"),
        ("BUY 10 STOP 101 LIMIT 101.005", "NOT_A_TICK_MULTIPLE needs 101.005 allows 0.01"),
        ("BUY 1e16", "BEYOND_RANGE needs 1e16 allows 9007199254740992"),
        ("BUY 9007199254740992", "INSUFFICIENT_CASH needs 900719925474099200 allows 100000"),
        ("BUY 10 LIMIT 1e14", "BEYOND_RANGE needs 1e14 allows 90071992547409.92"),
        ("HOLD 1e16", "BEYOND_RANGE needs 1e16 allows 9007199254740992"),
        ("WEIGHT 1e14", "BEYOND_RANGE needs 1e17 allows 9007199254740992"),
        ("BUY 10 LIMIT -5", "INVALID_PRICE needs -5 allows 0"),
        ("BUY 10 LIMIT 0", "INVALID_PRICE needs 0 allows 0"),
        ("BUY 10 LIMIT nan", "INVALID_PRICE needs nan allows 0"),
        ("BUY 10 LIMIT inf", "INVALID_PRICE needs inf allows 0"),
        ("BUY 10 STOP -1", "INVALID_PRICE needs -1 allows 0"),
        ("BUY 10 TRAIL 0", "INVALID_PRICE needs 0 allows 0"),
        ("BUY 10 TRAIL 0 bps", "INVALID_PRICE needs 0 allows 0"),
        ("SELL 10", "SHORT_NOT_ALLOWED needs 10 allows 0"),
        ("SELL 10 LIMIT 105", "SHORT_NOT_ALLOWED needs 10 allows 0"),
        ("SELL 10 STOP 95", "SHORT_NOT_ALLOWED needs 10 allows 0"),
        ("HOLD -10", "SHORT_NOT_ALLOWED needs 10 allows 0"),
        ("HOLD 0.5", "NOT_A_LOT_MULTIPLE needs 0.5 allows 1"),
        ("HOLD nan", "INVALID_QUANTITY needs nan allows 0"),
        ("WEIGHT nan", "INVALID_QUANTITY needs nan allows 0"),
        ("WEIGHT 1.5", "INSUFFICIENT_CASH needs 150000 allows 100000"),
        ("BUY 1001", "INSUFFICIENT_CASH needs 100100 allows 100000"),
        ("BUY 1000 LIMIT 101", "INSUFFICIENT_CASH needs 101000 allows 100000"),
        ("BRACKET BUY 10 TARGET 99 LOSS 95", "INVALID_BRACKET needs 99 allows 100"),
        ("BRACKET BUY 10 TARGET 105 LOSS 101", "INVALID_BRACKET needs 101 allows 100"),
        ("BRACKET BUY 10 LIMIT 97 TARGET 97 LOSS 95", "INVALID_BRACKET needs 97 allows 97"),
        ("BRACKET BUY 10 TARGET 105.005 LOSS 95", "NOT_A_TICK_MULTIPLE needs 105.005 allows 0.01"),
        ("BRACKET BUY 10 TARGET 105 LOSS 94.995", "NOT_A_TICK_MULTIPLE needs 94.995 allows 0.01"),
        ("BRACKET BUY 10 TARGET nan LOSS 95", "INVALID_PRICE needs nan allows 0"),
        ("BRACKET SELL 10 TARGET 95 LOSS 105", "SHORT_NOT_ALLOWED needs 10 allows 0"),
        # dates and times are nanoseconds since 1970: noon and midnight of the first day
        ("BUY 10 LIMIT 99 GTD 1 12:00", "INVALID_EXPIRY needs 1704110400000000000 allows 1704153600000000000"),
        ("BUY 10 LIMIT 99 GTD 1", "INVALID_EXPIRY needs 1704153600000000000 allows 1704153600000000000"),
        ("BUY 10 STOP 105 AT_OPEN", "INVALID_EXPIRY needs 2 allows 1"),  # an auction takes type 0 and 1: market and limit
        ("BUY 10 STOP 105 AT_CLOSE", "INVALID_EXPIRY needs 2 allows 1"),
    ],
)
def test_refused(order: str, refusal: str) -> None:
    draw(MARKET + f"at 1: {order}\n order 0: REFUSED {refusal} done 1", cash=100_000.0)


@pytest.mark.parametrize(
    ("order", "refusal", "risk"),
    [
        ("BUY 2001", "LEVERAGE_LIMIT needs 200100 allows 200000", {"max_leverage": 2.0}),
        ("SELL 2001", "LEVERAGE_LIMIT needs 200100 allows 200000", {"max_leverage": 2.0, "allow_short": True}),
        ("SELL 1001", "INSUFFICIENT_CASH needs 100100 allows 100000", {"allow_short": True}),
        ("BUY 251", "POSITION_LIMIT needs 25100 allows 25000", {"max_position_weight": 0.25}),
        ("BUY 51", "ORDER_SIZE_LIMIT needs 5100 allows 5000", {"max_order_notional": 5000.0}),
        ("BUY 50 LIMIT 101", "ORDER_SIZE_LIMIT needs 5050 allows 5000", {"max_order_notional": 5000.0}),
        ("BRACKET SELL 10 TARGET 101 LOSS 105", "INVALID_BRACKET needs 101 allows 100", {"allow_short": True}),
    ],
)
def test_refused_by_a_limit(order: str, refusal: str, risk: dict[str, object]) -> None:
    draw(MARKET + f"at 1: {order}\n order 0: REFUSED {refusal} done 1", cash=100_000.0, risk=risk)


def test_exactly_at_each_limit_is_approved() -> None:
    draw(
        MARKET
        + """
        at 1: BUY 250
        fill 2: BUY 250 @ 100 taker
        """,
        cash=100_000.0,
        risk={"max_position_weight": 0.25, "max_order_notional": 25_000.0},
    )


def test_never_seen() -> None:
    draw(
        """
        instrument A
        instrument B
        1        A  100 101  99 100  1000
        2        A  100 101  99 100  1000
        2        B  100 101  99 100  1000

        at 1: BUY 10 B
        at 1: WEIGHT 0.5 B
        order 0: REFUSED NO_MARKET_DATA needs 1 allows 0
        order 1: REFUSED NO_MARKET_DATA needs 1 allows 0
        """
    )


def test_before_the_first_event() -> None:
    draw(
        MARKET
        + """
        at 1 12:00: BUY 10
        order 0: REFUSED NO_MARKET_DATA needs 1 allows 0
        """
    )


def test_an_index_is_not_tradable() -> None:
    draw(
        """
        instrument SPX kind INDEX
        1  4800 4810 4790 4800  0
        2  4800 4810 4790 4800  0

        at 1: BUY 10
        order 0: REFUSED NOT_TRADABLE needs 10 allows 0
        """
    )


def test_no_rate_of_its_currency() -> None:
    draw(
        """
        instrument SAP currency EUR
        1  100 101  99 100  1000
        2  100 101  99 100  1000

        at 1: BUY 10
        order 0: REFUSED NO_FX_RATE needs 1 allows 0
        end: 1000000 USD, 1000000 equity
        """
    )


def test_sale_of_more_than_is_held() -> None:
    draw(
        MARKET
        + """
        at 1: BUY 60
        at 2: SELL 40 LIMIT 105
        at 2: SELL 30
        at 2: SELL 20
        fill 2: BUY 60 @ 100 taker
        fill 3: SELL 20 @ 100 taker of 3
        order 1: EXPIRED END_OF_DATA
        order 2: REFUSED SHORT_NOT_ALLOWED needs 30 allows 20      # 40 of 60 are promised
        """
    )


def test_a_purchase_on_its_way_cannot_be_sold() -> None:
    draw(
        MARKET
        + """
        at 1: BUY 60
        at 1: SELL 60
        fill 2: BUY 60 @ 100 taker
        order 1: REFUSED SHORT_NOT_ALLOWED needs 60 allows 0
        """
    )


def test_working_orders_count_against_cash() -> None:
    draw(
        MARKET
        + """
        at 1: BUY 600 LIMIT 90
        at 1: BUY 500
        at 1: BUY 400
        fill 2: BUY 400 @ 100 taker
        order 0: EXPIRED END_OF_DATA
        order 1: REFUSED INSUFFICIENT_CASH needs 110000 allows 100000      # 600 + 500 at 100
        """,
        cash=100_000.0,
    )


def test_cancelled_order_gives_its_cash_back() -> None:
    draw(
        MARKET
        + """
        at 1: BUY 1000 LIMIT 90
        at 2: BUY 500
        at 2: CANCEL 0
        at 2: BUY 500
        fill 3: BUY 500 @ 100 taker
        order 0: CANCELLED USER
        order 1: REFUSED INSUFFICIENT_CASH needs 150000 allows 100000
        """,
        cash=100_000.0,
    )


@pytest.mark.parametrize(("cash", "outcome"), [(10_010.0, "FILLED"), (10_009.0, "REFUSED INSUFFICIENT_CASH needs 10000 allows 9999")])
def test_costs_count_against_cash(cash: float, outcome: str) -> None:
    draw(
        MARKET
        + f"""
        at 1: BUY 100
        {"fill 2: BUY 100 @ 100 taker fee 10" if outcome == "FILLED" else ""}
        order 0: {outcome}
        """,
        cash=cash,
        costs={"fee_bps": 10.0},
    )


def test_lots_finer_than_a_unit_are_told_in_units() -> None:
    draw(
        """
        instrument BTC tick 0.01 lot 0.001
        1  100 101  99 100  1000
        2  100 101  99 100  1000

        at 1: SELL 0.5
        at 1: BUY 0.0005
        order 0: REFUSED SHORT_NOT_ALLOWED needs 0.5 allows 0
        order 1: REFUSED NOT_A_LOT_MULTIPLE needs 0.0005 allows 0.001
        """
    )


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ("LIMIT 98.005", "NOT_A_TICK_MULTIPLE needs 98.005 allows 0.01"),
        ("LIMIT -1", "INVALID_PRICE needs -1 allows 0"),
        ("STOP 105", "INVALID_PRICE needs 105 allows 0"),  # it is a limit order and has no stop
        ("QUANTITY 0", "INVALID_QUANTITY needs 0 allows 0"),
        ("QUANTITY 10.5", "NOT_A_LOT_MULTIPLE needs 10.5 allows 1"),
        ("QUANTITY 1100", "INSUFFICIENT_CASH needs 102300 allows 100000"),
        ("LIMIT 101 QUANTITY 1000", "INSUFFICIENT_CASH needs 101000 allows 100000"),
    ],
)
def test_refused_change_leaves_the_order_as_it_was(change: str, refusal: str) -> None:
    draw(
        f"""
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  92  95  1000

        at 1: BUY 100 LIMIT 93
        at 2: REPLACE 0 {change} -> False
        fill 3: BUY 100 @ 93 maker
        order 0: FILLED quantity 100 limit 93
        refused 0: {refusal}
        """,
        cash=100_000.0,
    )


def test_refused_change_of_a_market_order_to_a_limit() -> None:
    draw(
        MARKET
        + """
        at 1: BUY 100
        at 1: REPLACE 0 LIMIT 90 -> False
        fill 2: BUY 100 @ 100 taker
        refused 0: INVALID_PRICE needs 90 allows 0
        """
    )


def test_change_below_what_is_filled_is_refused() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100   400
        3  100 101  99 100  9000

        at 1: BUY 100
        at 2: REPLACE 0 QUANTITY 40 -> False
        fill 2: BUY 40 @ 100 taker
        fill 3: BUY 60 @ 100 taker
        refused 0: INVALID_QUANTITY needs 40 allows 40
        """,
        costs={"max_participation": 0.1},
    )


def test_change_of_an_ended_order_is_refused() -> None:
    draw(
        MARKET
        + """
        at 1: BUY 100
        at 2: REPLACE 0 QUANTITY 50 -> False
        fill 2: BUY 100 @ 100 taker
        refused 0: ORDER_DONE needs 8 allows 0         # state 8: FILLED
        """
    )


def test_change_of_a_refused_order_is_refused() -> None:
    draw(
        MARKET
        + """
        at 1: BUY 0
        at 1: REPLACE 0 QUANTITY 50 -> False
        at 1: CANCEL 0 -> False
        order 0: REFUSED INVALID_QUANTITY needs 0 allows 0
        refused 0: ORDER_DONE needs 12 allows 0        # state 12: REFUSED
        """
    )


def test_a_child_of_a_refused_order_is_refused() -> None:
    draw(
        MARKET
        + """
        at 1: BUY 0
        at 1: SELL 10 LIMIT 105 PARENT 0
        order 0: REFUSED INVALID_QUANTITY needs 0 allows 0
        order 1: REFUSED ORDER_DONE needs 0 allows 12
        """
    )
