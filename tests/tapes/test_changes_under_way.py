"""What happens to an order that is being cancelled, was not sent yet or arrives after its date; when the broker's was placed."""

from __future__ import annotations

from tests.tapes.drawing import draw

_HOUR = 3_600_000_000_000
_SHARE = {"max_participation": 0.1}


def test_an_exit_that_is_being_cancelled_does_not_grow_with_its_entry() -> None:
    draw(
        """
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 100 100 100  1000
        4  100 100 100 100  1000
        5  100 100 100 100  1000       # the entry fills further while the cancel of its exit is on its way
        6  100 100 100 100  1000
        7  100 100 100 100  1000
        8  100 100 100 100  1000

        at 1: BUY 500
        at 1: SELL 500 LIMIT 120 PARENT 0
        at 4: CANCEL 1
        fill 4: BUY 100 @ 100 taker
        fill 5: BUY 100 @ 100 taker
        fill 6: BUY 100 @ 100 taker
        fill 7: BUY 100 @ 100 taker
        fill 8: BUY 100 @ 100 taker
        order 1: CANCELLED USER quantity 100
        end: 500 X
        """,
        costs=_SHARE,
        latency={"entry_ns": 30 * _HOUR},
    )


def test_a_member_that_waits_for_its_entry_stays_as_it_is_while_another_fills_in_part() -> None:
    draw(
        """
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 100 100 100  1000
        4  100 100 100 100  1000

        at 1: BUY 500 LIMIT 50
        at 1: SELL 300 LIMIT 120 PARENT 0 GROUP 1
        at 1: SELL 300 GROUP 1
        fill 2: SELL 100 @ 100 taker
        fill 3: SELL 100 @ 100 taker
        fill 4: SELL 100 @ 100 taker
        order 0: EXPIRED END_OF_DATA
        order 1: CANCELLED SIBLING_FILLED quantity 300 done 4
        end: -300 X
        """,
        costs=_SHARE,
        risk={"allow_short": True},
    )


def test_an_exit_released_after_its_date_is_accepted_and_ends() -> None:
    result = draw(
        """
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 100 100 100  1000

        at 1: BUY 100 LIMIT 100.50
        at 1: SELL 100 TRAIL 2 TRAIL_LIMIT 1 GTD 2 12:00 PARENT 0
        fill 2: BUY 100 @ 100 taker
        order 1: EXPIRED DATE_REACHED done 2
        end: 100 X
        """
    )
    assert result.orders["accepted_at"].notna().all()


def test_a_liquidation_is_stamped_with_the_bar_that_caused_it() -> None:
    result = draw(
        """
        instrument F kind FUTURE initial 0.1 maintenance 0.05
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 100 100 100  1000       # nothing works at the venue
        4   94  94  94  94  1000       # 1000 - 600 = 400 of equity, 470 needed
        5   94  94  94  94  1000

        at 1: BUY 100
        fill 2: BUY 100 @ 100 taker
        fill 5: SELL 100 @ 94 taker
        order 1: FILLED LIQUIDATED
        end: 0 F, 400 USD
        """,
        cash=1_000.0,
        risk={"max_leverage": 10.0},
    )
    assert str(result.orders["accepted_at"].iloc[1]) == "2024-01-05 00:00:00+00:00"


def test_an_exit_grows_with_each_fill_of_its_entry_while_changes_are_under_way() -> None:
    draw(
        """
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 100 100 100  1000
        4  100 100 100 100  1000
        5  100 100 100 100  1000
        6  100 100 100 100  1000
        7   80  80  80  80 10000
        8   80  80  80  80 10000
        9   80  80  80  80 10000

        at 1: BUY 300
        at 1: SELL 300 STOP 90 PARENT 0 REDUCE_ONLY
        fill 2: BUY 100 @ 100 taker
        fill 3: BUY 100 @ 100 taker
        fill 4: BUY 100 @ 100 taker
        fill 7: SELL 300 @ 80 taker
        end: 0 X
        """,
        costs=_SHARE,
        latency={"response_ns": 30 * _HOUR},
    )


def test_each_fill_of_a_member_reduces_the_rest_though_answers_are_on_their_way() -> None:
    # the second fill is heard before the first change is confirmed
    draw(
        """
        1  100 101  99 100  10000
        2  100 101  99 100  10000
        3  104 106 103 104   1000       # 100 at 105
        4  104 106 103 104   1000       # and 100 more
        5  104 104 103 104  10000
        6  104 104 103 104  10000
        7   96  97  94  95  10000       # the last 100 at the stop
        8   96  97  94  95  10000
        9   96  97  94  95  10000

        at 1: BUY 300
        at 2: SELL 300 LIMIT 105 GROUP 1
        at 2: SELL 300 STOP 95 GROUP 1
        fill 2: BUY 300 @ 100 taker of 0
        fill 3: SELL 100 @ 105 maker of 1
        fill 4: SELL 100 @ 105 maker of 1
        fill 7: SELL 100 @ 95 taker of 2
        order 1: CANCELLED SIBLING_FILLED filled 200
        order 2: FILLED quantity 100
        end: 0 X
        """,
        both=True,
        costs=_SHARE,
        latency={"response_ns": 30 * _HOUR},
    )
