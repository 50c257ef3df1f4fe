"""The venue's rules where they meet orders that carry instructions: self-trades, pro rata, auctions, halts, price limits, latency."""

from __future__ import annotations

from framework.schema.event import Kind
from tests.tapes.drawing import draw

OLDEST, DECREMENT, PRO_RATA = {"self_trade": "cancel_oldest"}, {"self_trade": "decrement"}, {"matching": "pro_rata"}
SECOND = 1_000_000_000


def test_all_that_is_shown_stands_before_our_hidden_order() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  ask 101 x 6                 # two came after us, and stand before us
        1 10:00:02  bid 98 x 1
        at 1 10:00:00: SELL 3 LIMIT 101 HIDDEN
        at 1 10:00:01: BUY 8
        fill 1 10:00:02: BUY 6 @ 101 taker of 1
        order 0: EXPIRED END_OF_DATA
        order 1: CANCELLED SELF_TRADE filled 6 needs 2 allows 0
        """,
        both=True,
    )


def test_of_ours_at_one_price_the_shown_one_is_met_before_the_hidden_one() -> None:
    draw(
        """
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  bid 94 x 1
        at 1 10:00:00: SELL 3 LIMIT 101 HIDDEN
        at 1 10:00:00: SELL 2 LIMIT 101
        at 1 10:00:01: BUY 2 LIMIT 101
        order 0: EXPIRED END_OF_DATA
        order 1: CANCELLED SELF_TRADE needs 2 allows 0
        order 2: CANCELLED SELF_TRADE needs 2 allows 0
        """,
        both=True,
        venue=DECREMENT,
    )


def test_an_iceberg_loses_its_reserve_first_and_keeps_its_place() -> None:
    draw(
        """
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  ask 103 x 3                 # behind us
        1 10:00:02  bid 94 x 1                  # four of our six are gone: the two that are shown stay
        1 10:00:03  trade 103 x 2 BUY
        at 1 10:00:00: SELL 6 LIMIT 103 DISPLAY 2
        at 1 10:00:01: BUY 4 LIMIT 103
        fill 1 10:00:03: SELL 2 @ 103 maker of 0
        order 0: FILLED quantity 2
        order 1: CANCELLED SELF_TRADE needs 4 allows 0
        """,
        both=True,
        venue=DECREMENT,
    )


def test_of_an_iceberg_that_lost_more_than_its_reserve_less_is_shown() -> None:
    draw(
        """
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  bid 94 x 1
        1 10:00:02  trade 103 x 1 BUY
        at 1 10:00:00: SELL 6 LIMIT 103 DISPLAY 4
        at 1 10:00:01: BUY 5 LIMIT 103
        fill 1 10:00:02: SELL 1 @ 103 maker of 0
        order 0: FILLED quantity 1
        order 1: CANCELLED SELF_TRADE needs 5 allows 0
        """,
        both=True,
        venue=DECREMENT,
    )


PEG_ONTO_OURS = """
        instrument X tick 1
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  bid 99 x 1, ask 103 x 1     # the middle is now where we sell
        1 10:00:02  trade 101 x 9 {taker}
        at 1 10:00:00: SELL 3 LIMIT 101
        at 1 10:00:00: BUY 2 PEG mid
        repriced 1 10:00:01: 1 @ 101
"""


def test_a_peg_that_moves_onto_our_own_order_is_the_newest() -> None:
    draw(
        PEG_ONTO_OURS.format(taker="BUY")
        + """
        fill 1 10:00:02: SELL 3 @ 101 maker of 0
        order 1: CANCELLED SELF_TRADE needs 2 allows 0 done 1 10:00:01
        """,
        both=True,
    )


def test_where_the_oldest_goes_the_peg_that_moves_stays() -> None:
    draw(
        PEG_ONTO_OURS.format(taker="SELL")
        + """
        fill 1 10:00:02: BUY 2 @ 101 maker of 1
        order 0: CANCELLED SELF_TRADE needs 2 allows 0 done 1 10:00:01
        """,
        both=True,
        venue=OLDEST,
    )


def test_without_prevention_both_stand() -> None:
    draw(
        PEG_ONTO_OURS.format(taker="SELL")
        + """
        fill 1 10:00:02: BUY 2 @ 101 maker of 1
        order 0: EXPIRED END_OF_DATA
        """,
        both=True,
        venue={"self_trade": "none"},
    )


def test_two_pegs_meet_in_the_middle() -> None:
    draw(
        """
        instrument X tick 1
        1 10:00:00  book 96 x 5 / 103 x 5       # 99.5: one at 99, one at 100
        1 10:00:01  bid 97 x 1                  # 100
        at 1 10:00:00: BUY 2 PEG mid
        at 1 10:00:00: SELL 3 PEG mid
        repriced 1 10:00:01: 0 @ 100
        order 0: CANCELLED SELF_TRADE needs 2 allows 0
        order 1: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_pegs_move_together_and_none_meets_where_another_stood_before() -> None:
    draw(
        """
        1 10:00:00  book 95 x 5 / 101 x 5
        1 10:00:01  bid 99 x 1, ask 101 x 0, ask 105 x 1
        at 1 10:00:00: BUY 2 PEG primary PEG_OFFSET 2
        at 1 10:00:00: SELL 3 PEG primary
        repriced 1 10:00:01: 0 @ 101
        repriced 1 10:00:01: 1 @ 105
        order 0: EXPIRED END_OF_DATA
        order 1: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_on_quotes_a_post_only_order_meets_ours_as_it_arrives() -> None:
    draw(
        """
        1 10:00  95 x 5 / 105 x 5
        1 10:01  95 x 5 / 105 x 6
        at 1 10:00: SELL 3 LIMIT 101 POST_ONLY
        at 1 10:00: BUY 2 LIMIT 101 POST_ONLY
        order 0: EXPIRED END_OF_DATA
        order 1: CANCELLED SELF_TRADE needs 2 allows 0 done 1 10:00
        """,
        both=True,
    )


def test_on_quotes_a_peg_that_moves_meets_ours() -> None:
    draw(
        """
        instrument X tick 1
        1 10:00  95 x 5 / 105 x 5
        1 10:01  99 x 5 / 103 x 5
        at 1 10:00: SELL 3 LIMIT 101 POST_ONLY
        at 1 10:00: BUY 2 PEG mid
        repriced 1 10:01: 1 @ 101
        order 0: EXPIRED END_OF_DATA
        order 1: CANCELLED SELF_TRADE needs 2 allows 0 done 1 10:01
        """,
        both=True,
    )


POST_ONLY_AT_OURS = """
        1 10:00:00  book 95 x 5 / 105 x 5
        1 10:00:01  bid 94 x 1
        1 10:00:02  trade 100 x 3 SELL
        at 1 10:00:00: SELL 3 LIMIT 100
        at 1 10:00:01: BUY 2 LIMIT 101 POST_ONLY
"""


def test_our_own_order_is_none_that_a_post_only_order_would_take() -> None:
    draw(
        POST_ONLY_AT_OURS
        + """
        order 0: EXPIRED END_OF_DATA
        order 1: CANCELLED SELF_TRADE needs 2 allows 0 done 1 10:00:01
        """,
        both=True,
    )


def test_once_ours_is_gone_a_post_only_order_rests() -> None:
    draw(
        POST_ONLY_AT_OURS
        + """
        fill 1 10:00:02: BUY 2 @ 101 maker of 1
        order 0: CANCELLED SELF_TRADE needs 2 allows 0
        """,
        both=True,
        venue=OLDEST,
    )


def test_an_icebergs_share_is_of_what_it_shows() -> None:
    draw(
        """
        1 10:00:00  book 99 x 30 / 101 x 4
        1 10:00:01  trade 99 x 12 SELL          # 12 x 6 / 36; of all ten it would be 12 x 10 / 40
        1 10:00:02  trade 99 x 12 SELL          # 12 x 4 / (18 + 4) = 2.18
        at 1 10:00:00: BUY 10 LIMIT 99 DISPLAY 6
        fill 1 10:00:01: BUY 2 @ 99 maker
        fill 1 10:00:02: BUY 2 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 4
        """,
        both=True,
        venue=PRO_RATA,
    )


def test_what_all_that_is_shown_leaves_goes_on_into_the_reserve() -> None:
    draw(
        """
        1 10:00:00  book 98 x 5 / 101 x 4
        1 10:00:01  trade 99 x 5 SELL
        at 1 10:00:00: BUY 6 LIMIT 99 DISPLAY 2
        fill 1 10:00:01: BUY 2 @ 99 maker
        fill 1 10:00:01: BUY 3 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 5
        """,
        both=True,
        venue=PRO_RATA,
    )


def test_a_hidden_order_has_no_share_and_gets_what_is_left() -> None:
    draw(
        """
        1 10:00:00  book 99 x 4 / 101 x 4
        1 10:00:01  trade 99 x 6 SELL           # 6 x 4 / 8 for order 1, the rest for the others
        1 10:00:02  bid 99 x 1
        1 10:00:03  trade 99 x 4 SELL           # 4 x 1 / 2 is more than it has: one, the others one, two are left
        at 1 10:00:00: BUY 3 LIMIT 99 HIDDEN
        at 1 10:00:00: BUY 4 LIMIT 99
        fill 1 10:00:01: BUY 3 @ 99 maker of 1
        fill 1 10:00:03: BUY 1 @ 99 maker of 1
        fill 1 10:00:03: BUY 2 @ 99 maker of 0
        order 0: EXPIRED END_OF_DATA filled 2
        """,
        both=True,
        venue=PRO_RATA,
    )


def test_a_level_told_anew_as_it_was_stands_whole_again() -> None:
    draw(
        """
        1 10:00:00  book 99 x 30 / 101 x 4
        1 10:00:01  trade 99 x 8 SELL           # 8 x 10 / 40
        1 10:00:02  bid 99 x 30                 # as many have joined as were filled
        1 10:00:03  trade 99 x 19 SELL          # 19 x 8 / 38; of the 22 of before it would be 5
        at 1 10:00:00: BUY 10 LIMIT 99
        fill 1 10:00:01: BUY 2 @ 99 maker
        fill 1 10:00:03: BUY 4 @ 99 maker
        order 0: EXPIRED END_OF_DATA filled 6
        """,
        both=True,
        venue=PRO_RATA,
    )


def test_icebergs_hidden_orders_and_pegs_take_part_in_an_auction_with_all_they_have() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 105 x 4
        1 10:00:01  trade 98 x 9 AUCTION
        at 1 10:00:00: BUY 6 LIMIT 100 DISPLAY 2
        at 1 10:00:00: BUY 2 LIMIT 101 HIDDEN
        at 1 10:00:00: BUY 2 PEG primary
        fill 1 10:00:01: BUY 2 @ 98 maker of 1
        fill 1 10:00:01: BUY 6 @ 98 maker of 0
        fill 1 10:00:01: BUY 1 @ 98 maker of 2
        order 2: EXPIRED END_OF_DATA filled 1
        """,
        both=True,
    )


def test_what_an_auction_leaves_of_an_iceberg_stands_where_it_stood() -> None:
    draw(
        """
        1 10:00:00  book 99 x 2 / 105 x 4
        1 10:00:01  trade 98 x 5 AUCTION        # one is left, of the two shown
        1 10:00:02  trade 99 x 4 SELL
        at 1 10:00:00: BUY 6 LIMIT 99 DISPLAY 2
        fill 1 10:00:01: BUY 5 @ 98 maker
        fill 1 10:00:02: BUY 1 @ 99 maker
        """,
        both=True,
    )


def test_in_an_auction_a_post_only_order_takes_nothing() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  GAP
        1 10:00:03  trade 98 x 9 AUCTION
        timer 1 10:00:02: BUY 2 LIMIT 102 POST_ONLY
        timer 1 10:00:02: BUY 2 LIMIT 102
        fill 1 10:00:03: BUY 2 @ 98 maker of 0
        fill 1 10:00:03: BUY 2 @ 98 taker of 1
        """,
        both=True,
    )


def test_where_only_trades_are_told_a_print_triggers_a_touch_for_the_next_trade() -> None:
    draw(
        """
        1 10:00:00  trade 100 x 5
        1 10:00:01  trade 97 x 5 AUCTION
        1 10:00:02  trade 98.50 x 5
        at 1 10:00:00: BUY 2 TOUCH 98
        at 1 10:00:00: BUY 2 TOUCH 96
        fill 1 10:00:02: BUY 2 @ 98.50 taker of 0
        order 1: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_a_peg_goes_no_further_than_the_price_limits() -> None:
    draw(
        """
        1 10:00:00    book 99 x 5 / 110 x 4
        1 10:00:01    LIMITS 95 103
        1 10:00:03    bid 102 x 1               # two more would be 104
        1 10:00:04    trade 102 x 1 SELL
        timer 1 10:00:02: BUY 2 PEG primary PEG_OFFSET 2
        timer 1 10:00:02: BUY 2 PEG primary PEG_OFFSET 9
        fill 1 10:00:04: BUY 1 @ 103 maker of 1
        repriced 1 10:00:02: 1 @ 103
        repriced 1 10:00:03: 0 @ 103
        order 0: EXPIRED END_OF_DATA limit 103
        order 1: EXPIRED END_OF_DATA filled 1 limit 103
        """,
        both=True,
    )


def test_a_trailing_stop_limit_beyond_the_price_limits_is_rejected_and_one_that_triggers_there_waits() -> None:
    draw(
        """
        1 10:00:00  book 100 x 5 / 101 x 5
        1 10:00:01  LIMITS 97 103
        1 10:00:03  LIMITS 99 103
        1 10:00:04  bid 100 x 0, bid 97.50 x 9      # triggers; below 99 nothing executes
        1 10:00:05  LIMITS 97 103
        1 10:00:06  bid 97.50 x 8                   # comes to what rests
        timer 1 10:00:02: SELL 2 STOP 98 TRAIL 2 TRAIL_LIMIT 2
        timer 1 10:00:02: SELL 2 STOP 98 TRAIL 2 TRAIL_LIMIT 1
        fill 1 10:00:06: SELL 2 @ 97 maker of 1
        order 0: REJECTED OUTSIDE_PRICE_LIMITS needs 96 allows 97
        """,
        both=True,
    )


def test_where_nothing_executes_no_order_of_ours_is_met() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:02  LIMITS 95 103
        1 10:00:04  bid 98 x 1
        1 10:00:05  ask 102 x 3
        timer 1 10:00:01: SELL 2 LIMIT 104      # rests beyond what is now the limit
        timer 1 10:00:03: BUY 6
        fill 1 10:00:04: BUY 4 @ 101 taker of 1
        fill 1 10:00:05: BUY 2 @ 102 taker of 1
        order 0: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_a_stop_limit_that_rests_goes_to_the_back_when_more_is_asked_of_it() -> None:
    draw(
        """
        1 10:00:00  book 97 x 1 / 99 x 5
        1 10:00:01  ask 99 x 0, ask 101 x 5, bid 98 x 2     # triggers and rests behind the two
        1 10:00:02  bid 98 x 6
        1 10:00:03  trade 98 x 5 SELL                       # all six stand before us now
        at 1 10:00:00: BUY 2 STOP 100 LIMIT 98
        at 1 10:00:02: REPLACE 0 QUANTITY 3
        order 0: EXPIRED END_OF_DATA
        """,
        both=True,
    )


def test_a_bracket_of_icebergs_across_a_halt() -> None:
    draw(
        """
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  bid 98 x 1
        1 10:00:02  HALT
        1 10:00:03  trade 103 x 9 BUY           # fills nothing
        1 10:00:04  RESUME
        1 10:00:05  ask 103 x 3                 # behind us
        1 10:00:06  trade 103 x 3 BUY           # the two shown; the next two stand behind the three
        1 10:00:07  ask 103 x 2
        1 10:00:08  trade 103 x 4 BUY           # two others, the last two
        at 1 10:00:00: BUY 4
        at 1 10:00:00: SELL 4 LIMIT 103 DISPLAY 2 REDUCE_ONLY PARENT 0 GROUP 1
        at 1 10:00:00: SELL 4 STOP 95 REDUCE_ONLY PARENT 0 GROUP 1
        fill 1 10:00:01: BUY 4 @ 101 taker of 0
        fill 1 10:00:06: SELL 2 @ 103 maker of 1
        fill 1 10:00:08: SELL 2 @ 103 maker of 1
        order 2: CANCELLED SIBLING_FILLED quantity 2
        """,
        both=True,
    )


def test_an_order_with_instructions_is_one_message_and_one_draw() -> None:
    # submit, terms and instructions arrive together; a cancel's draw is the second of its order, whatever the order carries
    arrived = []
    for words in ("", " POST_ONLY GTD 1 10:00:30", " DISPLAY 1", " PEG primary"):
        result = draw(
            f"""
            1 10:00:00  book 90 x 1 / 101 x 4
            1 10:00:20  ask 102 x 1
            timer 1 10:00:01: BUY 2 LIMIT 90{words}
            timer 1 10:00:01: BUY 2 LIMIT 90{words}
            timer 1 10:00:05: CANCEL 0
            timer 1 10:00:05: CANCEL 1
            order 0: CANCELLED USER
            order 1: CANCELLED USER
            """,
            latency={"entry_ns": {"model": "sampled", "quantiles_ns": [SECOND // 2, 3 * SECOND]}},
        )
        rows = result.audit.records
        answers = rows[(rows["kind"] == Kind.ORDER_ACCEPTED) | (rows["kind"] == Kind.ORDER_CANCELLED)]
        arrived.append(sorted(zip(answers["w0"].tolist(), answers["ts_venue_ns"].tolist(), strict=True)))
    assert len({ns for _, ns in arrived[0]}) == 4
    assert arrived == [arrived[0]] * 4
