"""Brackets, one-cancels-other, one-triggers-other, and what a bar that holds both a stop and a target decides."""

from __future__ import annotations

import pytest

from tests.tapes.drawing import draw


def test_bracket_target_only() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 102  98 101  1000       # the entry fills at the open
        3  102 106 101 105  1000

        at 1: BRACKET BUY 100 TARGET 105 LOSS 95
        fill 2: BUY 100 @ 100 taker of 0
        fill 3: SELL 100 @ 105 maker of 1
        order 2: CANCELLED SIBLING_FILLED done 3
        end: 0 X
        """,
        both=True,
    )


def test_bracket_stop_only() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 102  98 101  1000
        3   98 104  94  96  1000

        at 1: BRACKET BUY 100 TARGET 105 LOSS 95
        fill 2: BUY 100 @ 100 taker of 0
        fill 3: SELL 100 @ 95 taker of 2
        order 1: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
    )


def test_stop_and_target_in_one_bar_of_a_long() -> None:
    result = draw(
        """
        1  100 101  99 100  1000
        2  100 102  98 101  1000
        3  101 106  94 100  1000       # both 105 and 95

        at 1: BRACKET BUY 100 TARGET 105 LOSS 95
        fill 2: BUY 100 @ 100 taker of 0
        fill 3: SELL 100 @ 95 taker of 2 ambiguous
        order 1: CANCELLED SIBLING_FILLED
        end: 0 X, 999500 USD
        """
    )
    assert result.tables.ambiguous_fills == 1
    assert result.tables.ambiguous_pnl == -500.0  # 100 x (95 - 100) was decided inside the bar


def test_stop_and_target_in_one_bar_of_a_short() -> None:
    result = draw(
        """
        1  100 101  99 100  1000
        2  100 102  98  99  1000
        3   99 106  94 100  1000

        at 1: BRACKET SELL 100 TARGET 95 LOSS 105
        fill 2: SELL 100 @ 100 taker of 0
        fill 3: BUY 100 @ 105 taker of 2 ambiguous
        order 1: CANCELLED SIBLING_FILLED
        end: 0 X, 999500 USD
        """,
        risk={"allow_short": True},
    )
    assert (result.tables.ambiguous_fills, result.tables.ambiguous_pnl) == (1, -500.0)


def test_gap_open_through_the_target_is_not_ambiguous() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 102  98 101  1000
        3  107 108  94  96  1000       # opens beyond the target, falls through the stop later

        at 1: BRACKET BUY 100 TARGET 105 LOSS 95
        fill 2: BUY 100 @ 100 taker of 0
        fill 3: SELL 100 @ 107 taker of 1
        order 2: CANCELLED SIBLING_FILLED
        """,
        both=True,
    )


def test_gap_open_through_the_stop_is_not_ambiguous() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 102  98 101  1000
        3   93 106  92 105  1000       # opens beyond the stop, reaches the target later

        at 1: BRACKET BUY 100 TARGET 105 LOSS 95
        fill 2: BUY 100 @ 100 taker of 0
        fill 3: SELL 100 @ 93 taker of 2
        order 1: CANCELLED SIBLING_FILLED
        """,
        both=True,
    )


def test_target_only_touched_beside_the_stop_is_not_ambiguous() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 102  98 101  1000
        3  101 105  94 100  1000       # 105 is touched, not gone through: the target could not have filled

        at 1: BRACKET BUY 100 TARGET 105 LOSS 95
        fill 2: BUY 100 @ 100 taker of 0
        fill 3: SELL 100 @ 95 taker of 2
        order 1: CANCELLED SIBLING_FILLED
        """,
        both=True,
    )


def test_exits_are_held_until_the_entry_fills() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 106  98 101  1000       # beyond the target: no exit is at the venue yet
        3   99 100  96  98  1000       # the entry
        4   98 106  97 104  1000       # and only then the target

        at 1: BRACKET BUY 100 LIMIT 97 TARGET 105 LOSS 90
        fill 3: BUY 100 @ 97 maker of 0
        fill 4: SELL 100 @ 105 maker of 1
        order 2: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
    )


def test_bracket_with_a_stop_entry() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  101 104 100 103  1000       # breaks out at 103
        3  103 109 102 108  1000

        at 1: BRACKET BUY 100 STOP 103 TARGET 108 LOSS 99
        fill 2: BUY 100 @ 103 taker of 0
        fill 3: SELL 100 @ 108 maker of 1
        order 2: CANCELLED SIBLING_FILLED
        """,
        both=True,
    )


def test_cancelled_entry_takes_its_exits_along() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  90 100  1000

        at 1: BRACKET BUY 100 LIMIT 97 TARGET 105 LOSS 92
        at 2: CANCEL 0
        order 0: CANCELLED USER done 2
        order 1: CANCELLED PARENT_ENDED done 2
        order 2: CANCELLED PARENT_ENDED done 2
        """,
        both=True,
    )


def test_entry_that_outlives_the_data_takes_its_exits_along() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000

        at 1: BRACKET BUY 100 LIMIT 97 TARGET 105 LOSS 92
        order 0: EXPIRED END_OF_DATA
        order 1: CANCELLED PARENT_ENDED
        order 2: CANCELLED PARENT_ENDED
        """,
        both=True,
    )


def test_refused_entry_makes_no_exits() -> None:
    result = draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000

        at 1: BRACKET BUY 1000 TARGET 105 LOSS 92
        order 0: REFUSED INSUFFICIENT_CASH needs 100000 allows 50000
        """,
        cash=50_000.0,
    )
    assert len(result.orders) == 1


def test_exits_grow_with_the_entry() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100   400       # 40 of the entry: exits for 40
        3  100 101  99 100   300       # 30 more: exits for 70
        4  100 101  99 100   300       # the last 30: exits for 100
        5  100 106  99 105  1000

        at 1: BRACKET BUY 100 TARGET 105 LOSS 92
        fill 2: BUY 40 @ 100 taker
        fill 3: BUY 30 @ 100 taker
        fill 4: BUY 30 @ 100 taker
        fill 5: SELL 100 @ 105 maker of 1
        order 1: FILLED quantity 100
        order 2: CANCELLED SIBLING_FILLED quantity 100
        end: 0 X
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_exits_wait_for_their_size_in_a_bar_in_which_their_entry_grows() -> None:
    # Else the target would sell its 40, cancel the stop, and leave the 60 bought in the same bar without either.
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100   400       # 40
        3  100 106  99 105  9000       # 60 at the open, so the high came after them: all 100 at the target

        at 1: BRACKET BUY 100 TARGET 104 LOSS 92
        fill 2: BUY 40 @ 100 taker of 0
        fill 3: BUY 60 @ 100 taker of 0
        fill 3: SELL 100 @ 104 maker of 1 ambiguous
        order 2: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_an_entry_sits_out_the_rest_of_a_bar_in_which_its_exit_fills() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 100.5 99.5 100 400      # 40
        3  105 106  98 100  9000       # the target at the open, then through the entry's limit

        at 1: BRACKET BUY 100 LIMIT 100.20 TARGET 104 LOSS 92
        fill 2: BUY 40 @ 100 taker of 0
        fill 3: SELL 40 @ 105 taker of 1
        order 0: CANCELLED SIBLING_FILLED filled 40
        order 2: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_an_exit_that_begins_stops_the_rest_of_the_entry() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 100.5 99.5 100 400      # 40 of the entry
        3  104 106 103 105  1000       # the target for these 40; nobody buys the other 60 any more
        4  100 101  98 100  9000

        at 1: BRACKET BUY 100 LIMIT 100.20 TARGET 105 LOSS 92
        fill 2: BUY 40 @ 100 taker of 0
        fill 3: SELL 40 @ 105 maker of 1
        order 0: CANCELLED SIBLING_FILLED filled 40 done 3
        order 1: FILLED quantity 40
        order 2: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_partly_filled_target_leaves_the_stop_the_rest() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  5000
        3  104 106 103 104   400       # 40 at the target
        4   96  97  94  95  5000       # the other 60 at the stop

        at 1: BRACKET BUY 100 TARGET 105 LOSS 95
        fill 2: BUY 100 @ 100 taker of 0
        fill 3: SELL 40 @ 105 maker of 1
        fill 4: SELL 60 @ 95 taker of 2
        order 1: CANCELLED SIBLING_FILLED filled 40
        order 2: FILLED quantity 60
        end: 0 X
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


def test_one_cancels_other() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 103  99 102  1000       # the upper breakout
        3  102 103  95  96  1000       # the lower one comes too late

        at 1: BUY 100 STOP 102 GROUP 0
        at 1: SELL 100 STOP 97 GROUP 0
        fill 2: BUY 100 @ 102 taker of 0
        order 1: CANCELLED SIBLING_FILLED
        end: 100 X
        """,
        risk={"allow_short": True},
    )


def test_of_two_stops_of_a_group_in_one_bar_the_worse_fills() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 103  96 102  1000       # through both; at the close the purchase has lost nothing, the sale 5 a unit

        at 1: BUY 100 STOP 102 GROUP 0
        at 1: SELL 100 STOP 97 GROUP 0
        fill 2: SELL 100 @ 97 taker of 1 ambiguous
        order 0: CANCELLED SIBLING_FILLED
        end: -100 X
        """,
        both=True,
        risk={"allow_short": True},
    )


def test_of_two_stops_that_are_as_bad_the_first_fills() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 103  96  99.50  1000    # 2.50 lost by either

        at 1: BUY 100 STOP 102 GROUP 0
        at 1: SELL 100 STOP 97 GROUP 0
        fill 2: BUY 100 @ 102 taker of 0 ambiguous
        order 1: CANCELLED SIBLING_FILLED
        end: 100 X
        """,
        both=True,
        risk={"allow_short": True},
    )


def test_of_two_stops_on_one_side_the_nearer_is_passed_first() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  94  95  1000

        at 1: BUY 100
        at 2: SELL 100 STOP 95 REDUCE_ONLY GROUP 1
        at 2: SELL 100 STOP 97 REDUCE_ONLY GROUP 1
        fill 2: BUY 100 @ 100 taker of 0
        fill 3: SELL 100 @ 97 taker of 2 ambiguous
        order 1: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
        risk={"allow_short": True},
    )


def test_three_of_a_group() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  98 100  1000

        at 1: BUY 100 LIMIT 97 GROUP 0
        at 1: BUY 100 LIMIT 99 GROUP 0
        at 1: BUY 100 LIMIT 96 GROUP 0
        fill 2: BUY 100 @ 99 maker of 1
        order 0: CANCELLED SIBLING_FILLED
        order 2: CANCELLED SIBLING_FILLED
        """,
        both=True,
    )


def test_exits_of_a_group_by_hand() -> None:
    # Each of the two could sell the whole position, so without reduce_only the second would be refused as a short.
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 106  99 105  1000

        at 1: BUY 100
        at 2: SELL 100 LIMIT 105 REDUCE_ONLY GROUP 1
        at 2: SELL 100 STOP 95 REDUCE_ONLY GROUP 1
        fill 2: BUY 100 @ 100 taker of 0
        fill 3: SELL 100 @ 105 maker of 1
        order 2: CANCELLED SIBLING_FILLED
        end: 0 X
        """
    )


def test_one_triggers_other() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  97  98  1000       # the parent
        4   98 103  97 102  1000       # the child

        at 1: BUY 100 LIMIT 98
        at 1: SELL 100 LIMIT 102 PARENT 0
        fill 3: BUY 100 @ 98 maker of 0
        fill 4: SELL 100 @ 102 maker of 1
        end: 0 X
        """,
        both=True,
    )


def test_one_triggers_other_needs_no_permission_to_go_short() -> None:
    # The child only closes what its parent opened.
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  97  98  1000
        3   98 103  97 102  1000

        at 1: BUY 100 LIMIT 98
        at 1: SELL 100 LIMIT 102 PARENT 0
        fill 2: BUY 100 @ 98 maker of 0
        fill 3: SELL 100 @ 102 maker of 1
        end: 0 X
        """
    )


def test_a_child_larger_than_its_parent_is_a_short() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000

        at 1: BUY 100 LIMIT 98
        at 1: SELL 101 LIMIT 102 PARENT 0
        order 0: EXPIRED END_OF_DATA
        order 1: REFUSED SHORT_NOT_ALLOWED needs 101 allows 0
        """
    )


def test_a_parent_may_have_two_children_of_a_group() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  97.50  98  1000
        3   98  99  93  94  1000

        at 1: BUY 100 LIMIT 98
        at 1: SELL 100 LIMIT 102 REDUCE_ONLY PARENT 0 GROUP 1
        at 1: SELL 100 TRAIL 3 REDUCE_ONLY PARENT 0 GROUP 1     # starts 3 below the close of bar 1: 97
        fill 2: BUY 100 @ 98 maker of 0
        fill 3: SELL 100 @ 97 taker of 2
        order 1: CANCELLED SIBLING_FILLED
        """,
        both=True,
    )


def test_a_child_of_an_expired_parent_ends_with_it() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  90 100  1000

        at 1: BUY 100 LIMIT 97 DAY
        at 1: SELL 100 LIMIT 105 PARENT 0
        order 0: EXPIRED DAY_OVER done 2
        order 1: CANCELLED PARENT_ENDED done 2
        """,
        both=True,
    )


def test_a_child_can_be_cancelled_while_it_waits() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 106  96 100  1000

        at 1: BUY 100 LIMIT 97
        at 1: SELL 100 LIMIT 105 PARENT 0
        at 2: CANCEL 1
        fill 3: BUY 100 @ 97 maker of 0
        order 1: CANCELLED USER done 2
        """,
        both=True,
    )


@pytest.mark.parametrize("terms", ["PARENT 0", "GROUP 0"])
def test_what_belongs_together_is_ordered_in_a_row(terms: str) -> None:
    # A child that nobody would let go, or a sibling that nobody would cancel, is refused and not left waiting.
    draw(
        f"""
        1  100 101  99 100  1000
        2  100 101  99 100  1000

        at 1: BUY 100 LIMIT 97 {"GROUP 0" if terms == "GROUP 0" else ""}
        at 1: BUY 100 LIMIT 96
        at 1: SELL 100 LIMIT 105 {terms}
        order 0: EXPIRED END_OF_DATA
        order 1: EXPIRED END_OF_DATA
        order 2: REFUSED INVALID_BRACKET needs 0 allows 1
        """,
        both=True,
    )


def test_a_child_of_a_filled_parent_is_refused() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 106  99 100  1000

        at 1: BUY 100
        at 2: SELL 100 LIMIT 105 PARENT 0
        fill 2: BUY 100 @ 100 taker
        order 1: REFUSED ORDER_DONE needs 0 allows 8      # order 0 is in state 8, FILLED
        """,
        both=True,
    )


def test_reduce_only_takes_what_there_is_and_no_more() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000
        3  100 101  99 100  1000
        4  100 101  99 100  1000       # nothing is left to reduce

        at 1: BUY 60
        at 2: SELL 100 REDUCE_ONLY
        fill 2: BUY 60 @ 100 taker
        fill 3: SELL 60 @ 100 taker
        order 1: CANCELLED REDUCE_ONLY filled 60 needs 40 allows 0 done 4
        end: 0 X
        """,
        both=True,
    )


def test_reduce_only_on_a_flat_position_opens_nothing() -> None:
    draw(
        """
        1  100 101  99 100  1000
        2  100 101  99 100  1000

        at 1: SELL 100 REDUCE_ONLY
        order 0: CANCELLED REDUCE_ONLY needs 100 allows 0 done 2
        end: 0 X
        """,
        both=True,
    )


def test_members_of_a_group_that_wait_for_their_stamp_fill_once() -> None:
    # 460 do not pay for both at 150, so both wait for the end of the stamp. The first fills, and no third lot is bought with the rest.
    draw(
        """
        instrument X
        instrument Y
        1 X  100 100 100 100  1000
        1 Y  100 100 100 100  1000
        2 X  100 100 100 100  1000
        2 Y  150 150 150 150  1000

        at 1: SELL 1 X LIMIT 200 REDUCE_ONLY
        at 1: BUY 2 Y GROUP 1
        at 1: BUY 2 Y GROUP 1
        fill 2: BUY 2 Y @ 150 taker of 1
        order 0: EXPIRED END_OF_DATA
        order 2: CANCELLED SIBLING_FILLED done 2
        end: 0 X, 2 Y
        """,
        cash=460.0,
    )
