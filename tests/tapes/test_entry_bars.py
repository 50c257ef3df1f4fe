"""Exits inside the bar that fills their entry: what came after the entry counts, and the worse where the bar does not tell."""

from __future__ import annotations

import pandas as pd
import pytest

from framework import Strategy, backtest
from framework.engine.market import Bar
from framework.engine.view import View
from tests.tapes.drawing import draw


def test_a_stop_passed_in_the_bar_of_its_entry() -> None:
    result = draw(
        """
        1  100 100 100 100  1000
        2  100 101  90  99  1000       # bought at the open, so the low came after

        at 1: BRACKET BUY 10 TARGET 105 LOSS 95
        fill 2: BUY 10 @ 100 taker of 0
        fill 2: SELL 10 @ 95 taker of 2 ambiguous
        order 1: CANCELLED SIBLING_FILLED done 2
        end: 0 X, 999950 USD
        """,
    )
    assert (result.tables.ambiguous_fills, result.tables.ambiguous_pnl) == (1, -50.0)


@pytest.mark.parametrize("terms", ["BUY 10 TARGET 105 LOSS 95", "BUY 10 LIMIT 98 TARGET 105 LOSS 95", "BUY 10 STOP 101 TARGET 105 LOSS 95"])
def test_stop_and_target_in_the_bar_of_the_entry(terms: str) -> None:
    price = {"LIMIT": 98, "STOP": 101}.get(terms.split()[2], 100)
    draw(
        f"""
        1  100 100 100 100  1000
        2  100 106  94 100  1000       # both, and whatever the entry's price

        at 1: BRACKET {terms}
        fill 2: BUY 10 @ {price} {"maker" if price == 98 else "taker"} of 0
        fill 2: SELL 10 @ 95 taker of 2 ambiguous
        order 1: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
        risk={"allow_short": True},
    )


def test_an_entry_at_an_open_beyond_its_own_stop() -> None:
    draw(
        """
        1  100 100 100 100  1000
        2   94  99  93  98  1000       # a gap: bought at 94, where the stop of 95 is passed already

        at 1: BRACKET BUY 10 TARGET 105 LOSS 95
        fill 2: BUY 10 @ 94 taker of 0
        fill 2: SELL 10 @ 94 taker of 2 ambiguous
        order 1: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
        risk={"allow_short": True},
    )


def test_a_breakout_from_below_its_own_stop() -> None:
    # It opened at 94, below the stop. The entry came later, at 103; a fall from there would have met the stop at 95.
    draw(
        """
        1   94  94  94  94  1000
        2   94 104  94 103  1000

        at 1: BRACKET BUY 10 STOP 103 TARGET 110 LOSS 95
        fill 2: BUY 10 @ 103 taker of 0
        fill 2: SELL 10 @ 95 taker of 2 ambiguous
        order 1: CANCELLED SIBLING_FILLED
        """,
        both=True,
        risk={"allow_short": True},
    )


@pytest.mark.parametrize(("terms", "bar", "fill"), [
    ("", "100 106 99 104", "BUY 10 @ 100 taker"),              # at the open: the high came after
    ("STOP 102", "100 106 99 104", "BUY 10 @ 102 taker"),      # 102 lies on the way to 106
    ("LIMIT 98", "100 106 97 105.50", "BUY 10 @ 98 maker"),    # it ended beyond the target, so it passed it after the low
])  # fmt: skip
def test_a_target_that_the_bar_passed_after_the_entry(terms: str, bar: str, fill: str) -> None:
    draw(
        f"""
        1  100 100 100 100  1000
        2  {bar}  1000

        at 1: BRACKET BUY 10 {terms} TARGET 105 LOSS 95
        fill 2: {fill} of 0
        fill 2: SELL 10 @ 105 maker of 1 ambiguous
        order 2: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
        risk={"allow_short": True},
    )


def test_a_target_that_the_bar_may_have_passed_before_the_entry() -> None:
    draw(
        """
        1  100 100 100 100  1000
        2  100 106  97 104  1000       # up to 106 first, or down to 97 first? The target waits
        3  104 104 103 103  1000

        at 1: BRACKET BUY 10 LIMIT 98 TARGET 105 LOSS 95
        fill 2: BUY 10 @ 98 maker of 0
        order 1: EXPIRED END_OF_DATA
        order 2: EXPIRED END_OF_DATA
        end: 10 X
        """,
        risk={"allow_short": True},
        both=True,
    )


@pytest.mark.parametrize("entry", ["TOUCH 98", "TOUCH 98 LIMIT 98.50"])
def test_a_touch_enters_against_the_price_so_a_target_counts_up_to_the_close(entry: str) -> None:
    # 103 may have been before the 98 of the entry: what is known to come after it ends at 99
    draw(
        f"""
        1  100 101  99 100  1000
        2  100 103  97  99  1000
        3   99 103  98 102  1000

        at 1: BUY 100 {entry}
        at 1: SELL 100 LIMIT 101 PARENT 0
        fill 2: BUY 100 @ 98 taker of 0
        fill 3: SELL 100 @ 101 maker of 1
        end: 0 X
        """,
        both=True,
    )


def test_a_standing_stop_acts_on_all_that_is_held_when_its_entry_grows() -> None:
    draw(
        """
        1  101 101 101 101     40
        2  101 101.50 99.50 101  40    # 4 of the entry; the stop stands for them
        3  101 101.50 100.50 101 40
        4   99  99.50 90 99.50 400     # 6 more at the open, and through the stop

        at 1: BRACKET BUY 10 LIMIT 100 TARGET 120 LOSS 97
        fill 2: BUY 4 @ 100 maker of 0
        fill 4: BUY 6 @ 99 maker of 0
        fill 4: SELL 10 @ 97 taker of 2 ambiguous
        order 1: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
        risk={"allow_short": True},
        costs={"max_participation": 0.1},
    )


def test_an_open_beyond_the_stop_is_the_stops_first() -> None:
    # at one price what takes at any price comes before limits: 4 are sold, and an entry whose exit has begun is over
    draw(
        """
        1  101 101 101 101     40
        2  101 101.50 99.50 101  40
        3  101 101.50 100.50 101 40
        4   95  96  94  95     400

        at 1: BRACKET BUY 10 LIMIT 100 TARGET 120 LOSS 97
        fill 2: BUY 4 @ 100 maker of 0
        fill 4: SELL 4 @ 95 taker of 2
        order 0: CANCELLED SIBLING_FILLED filled 4
        order 1: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
        risk={"allow_short": True},
        costs={"max_participation": 0.1},
    )


def test_a_standing_stop_has_the_first_call_on_the_volume() -> None:
    # Four lots for us in bar 4. Would the entry take them, the stop would be passed and nothing sold.
    draw(
        """
        1  101 101 101 101     40
        2  101 101.50 99.50 101  40
        3  101 101.50 100.50 101 40
        4   99  99.50 90  99.50  40

        at 1: BRACKET BUY 10 LIMIT 100 TARGET 120 LOSS 97
        fill 2: BUY 4 @ 100 maker of 0
        fill 4: SELL 4 @ 97 taker of 2
        order 0: CANCELLED SIBLING_FILLED filled 4
        order 1: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
        risk={"allow_short": True},
        costs={"max_participation": 0.1},
    )


def test_exits_share_the_volume_that_the_entry_left() -> None:
    draw(
        """
        1  100 100 100 100   1000
        2  100 100  94  96    150      # 15 for us: 10 bought, 5 sold at the stop
        3   93  94  92  93   1000      # the rest works as a market order

        at 1: BRACKET BUY 10 TARGET 105 LOSS 95
        fill 2: BUY 10 @ 100 taker of 0
        fill 2: SELL 5 @ 95 taker of 2 ambiguous
        fill 3: SELL 5 @ 93 taker of 2
        order 1: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
        risk={"allow_short": True},
        costs={"max_participation": 0.1},
    )


def test_children_by_hand_meet_the_bar_too() -> None:
    draw(
        """
        1  100 100 100 100  1000
        2  100 101  90  99  1000

        at 1: BUY 10
        at 1: SELL 10 STOP 96 PARENT 0
        fill 2: BUY 10 @ 100 taker of 0
        fill 2: SELL 10 @ 96 taker of 1 ambiguous
        end: 0 X
        """,
        both=True,
    )


@pytest.mark.parametrize(("exit", "fill"), [
    ("SELL 10 LIMIT 105 PARENT 0", "SELL 10 @ 108 taker of 1 ambiguous"),
    ("SELL 10 TOUCH 105 PARENT 0", "SELL 10 @ 108 taker of 1 ambiguous"),
    ("SELL 10 TOUCH 105 LIMIT 104 PARENT 0", "SELL 10 @ 108 taker of 1 ambiguous"),
])  # fmt: skip
def test_an_entry_at_an_open_beyond_its_own_target(exit: str, fill: str) -> None:
    draw(
        f"""
        1  100 100 100 100  1000
        2  108 110 107 109  1000       # a gap: bought at 108, where a sale at 105 or better is made at once; 105 never traded

        at 1: BUY 10
        at 1: {exit}
        fill 2: BUY 10 @ 108 taker of 0
        fill 2: {fill}
        end: 0 X, 1000000 USD
        """,
        both=True,
        risk={"allow_short": True},
    )


def test_of_two_stops_after_one_entry_the_nearer_is_passed_first() -> None:
    draw(
        """
        1  100 100 100 100  1000
        2  100 101  90  99  1000

        at 1: BUY 10
        at 1: SELL 10 STOP 92 PARENT 0 GROUP 1
        at 1: SELL 10 STOP 96 PARENT 0 GROUP 1
        fill 2: BUY 10 @ 100 taker of 0
        fill 2: SELL 10 @ 96 taker of 2 ambiguous
        order 1: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
        risk={"allow_short": True},
    )


def test_after_an_entry_at_the_close_nothing_of_the_bar_is_left() -> None:
    draw(
        """
        1  100 100 100 100  1000
        2  100 106  90  99  1000
        3   97  98  94  97  1000

        at 1: BUY 10 AT_CLOSE
        at 1: SELL 10 STOP 95 PARENT 0
        at 1: SELL 10 LIMIT 105 REDUCE_ONLY PARENT 0
        fill 2: BUY 10 @ 99 taker of 0
        fill 3: SELL 10 @ 95 taker of 1
        order 2: EXPIRED END_OF_DATA
        end: 0 X
        """,
        both=True,
        risk={"allow_short": True},
    )


def test_an_exit_at_the_close_that_its_entry_releases_is_for_the_next_close() -> None:
    draw(
        """
        1  100 100 100 100  1000
        2  100 106  99 104  1000
        3  104 107 103 106  1000

        at 1: BUY 10
        at 1: SELL 10 LIMIT 105 AT_CLOSE PARENT 0
        fill 2: BUY 10 @ 100 taker of 0
        fill 3: SELL 10 @ 106 taker of 1
        end: 0 X
        """,
        both=True,
        risk={"allow_short": True},
    )


def test_exits_come_before_the_close_of_their_bar() -> None:
    # The stop was passed on the way; what was sold there cannot be sold again at the close, at a better price.
    draw(
        """
        1  100 100 100 100  1000
        2  100 101  90  99  1000

        at 1: BUY 10
        at 1: SELL 10 STOP 95 PARENT 0
        at 1: SELL 10 AT_CLOSE REDUCE_ONLY
        fill 2: BUY 10 @ 100 taker of 0
        fill 2: SELL 10 @ 95 taker of 1 ambiguous
        order 2: CANCELLED REDUCE_ONLY needs 10 allows 0
        end: 0 X
        """,
        both=True,
        risk={"allow_short": True},
    )


def test_with_latency_a_standing_stop_acts_on_what_it_stands_for() -> None:
    # The exits reach the venue six hours into day 3. On day 5 the entry's rest fills at the open, and the stop of 4 is passed.
    draw(
        """
        instrument X minutes 1440
        1  101 101 101 101     40
        2  101 101.50 99.50 101  40
        3  101 101.50 100.50 101 40
        4  101 101.50 100.50 101 40
        5   99  99.50 90  99.50 400
        6   99  99    99  99    400

        at 1: BRACKET BUY 10 LIMIT 100 TARGET 120 LOSS 97
        fill 2: BUY 4 @ 100 maker of 0
        fill 5: BUY 6 @ 99 maker of 0
        fill 5: SELL 4 @ 97 taker of 2 ambiguous
        order 1: CANCELLED SIBLING_FILLED
        order 2: FILLED quantity 4
        end: 6 X
        """,
        both=True,
        risk={"allow_short": True},
        costs={"max_participation": 0.1},
        latency={"response_ns": 21_600_000_000_000},
    )


def test_an_exit_whose_fill_waits_for_its_stamp_keeps_its_first_chance() -> None:
    # 393 are there for 4 at 99; the bar of Y may bring more, so the fill waits. It brings nothing: 3 can be paid.
    draw(
        """
        instrument X
        instrument Y
        1 X  100 100 100 100  1000
        1 Y  100 100 100 100  1000
        2 X  100 100 100 100  1000
        2 Y  100 100 100 100  1000
        3 X  100 101  97 100  1000
        3 Y  100 100 100 100  1000

        at 1: SELL 1 Y LIMIT 200 REDUCE_ONLY
        at 1: BUY 10 X
        at 2: SELL 4 X STOP 98
        at 2: BUY 4 X STOP 99 IOC PARENT 2
        fill 2: BUY 10 X @ 100 taker of 1
        fill 3: SELL 4 X @ 98 taker of 2
        fill 3: BUY 3 X @ 99 taker of 3 ambiguous
        order 0: EXPIRED END_OF_DATA
        order 3: CANCELLED NO_CASH_AT_FILL filled 3 needs 4 allows 3
        end: 9 X, 0 Y, 96 USD
        """,
        cash=1_001.0,
    )


class StoppedOut(Strategy):
    """Enters with a bracket and closes whatever it holds at the close of the entry's bar."""

    def on_start(self, view: View) -> None:
        self.seen: list[float] = []

    def on_bar(self, view: View, bar: Bar) -> None:
        self.seen.append(view.position(bar.instrument))
        if len(self.seen) == 1:
            view.bracket(bar.instrument, 10, target=105.0, loss=95.0)
        else:
            view.target_quantity(bar.instrument, 0)


def test_the_strategy_is_woken_when_its_exits_have_met_the_bar() -> None:
    rows = [(100, 100, 100, 100), (100, 101, 90, 99), (99, 99, 99, 99)]
    index = pd.date_range("2024-01-02", periods=len(rows), tz="UTC")
    bars = pd.DataFrame(rows, columns=["open", "high", "low", "close"], index=index).assign(volume=1000)
    strategy = StoppedOut()
    result = backtest(strategy, bars, risk={"allow_short": True})
    assert strategy.seen == [0.0, 0.0, 0.0]
    assert result.fills[["side", "price"]].values.tolist() == [["BUY", 100.0], ["SELL", 95.0]]


@pytest.mark.parametrize("exit", ["TOUCH 110", "TOUCH 110 LIMIT 109"])
def test_an_entry_at_an_open_beyond_the_touch_of_its_exit(exit: str) -> None:
    draw(
        f"""
        1  100 100 100 100  1000
        2  112 113 111 112  1000

        at 1: BUY 10
        at 1: SELL 10 {exit} PARENT 0
        fill 2: BUY 10 @ 112 taker of 0
        fill 2: SELL 10 @ 112 taker of 1 ambiguous
        end: 0 X
        """,
        both=True,
    )


def test_a_post_only_target_that_the_entry_has_passed() -> None:
    draw(
        """
        1  100 100 100 100  1000
        2  112 113 111 112  1000

        at 1: BUY 10
        at 1: SELL 10 LIMIT 110 PARENT 0 POST_ONLY
        fill 2: BUY 10 @ 112 taker of 0
        order 1: REJECTED POST_ONLY_WOULD_TAKE needs 110 allows 112
        end: 10 X
        """,
        both=True,
    )


def test_the_rest_of_an_entry_does_not_wait_at_a_limit_that_the_bar_never_saw() -> None:
    # Ten lots for us in bar 3, of which the stop has a call on five. The entry took at 100; no price of the bar was 105.
    draw(
        """
        1  100 100 100 100  1000
        2  100 101 99.50 100  50
        3  100 101  80 100   100
        4  100 100 100 100   100

        at 1: BRACKET BUY 20 LIMIT 105 TARGET 120 LOSS 90
        fill 2: BUY 5 @ 100 taker of 0
        fill 3: BUY 5 @ 100 taker of 0
        fill 3: SELL 5 @ 90 taker of 2 ambiguous
        fill 4: SELL 5 @ 100 taker of 2
        order 0: CANCELLED SIBLING_FILLED filled 10
        order 1: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


@pytest.mark.parametrize(("terms", "sold_at"), [("LIMIT 95", 100), ("STOP 99.50 LIMIT 95", 99.50)])
def test_a_reduce_only_rest_waits_for_the_next_open(terms: str, sold_at: float) -> None:
    # Five of ten are sold before the stop buys five more. A limit of 95 took at the market; the bar ends at 99, so 95 was not there.
    draw(
        f"""
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3  100 102  99 101  1000
        4  101 101 101 101  1000

        at 1: BUY 5
        at 2: SELL 10 {terms} REDUCE_ONLY
        at 2: BUY 5 STOP 101
        fill 2: BUY 5 @ 100 taker of 0
        fill 3: SELL 5 @ {sold_at} taker of 1
        fill 3: BUY 5 @ 101 taker of 2
        fill 4: SELL 5 @ 101 taker of 1
        end: 0 X
        """,
        both=True,
    )


_FALL = [(99.99, 100.01), (98.99, 99.01), (97.99, 98.01), (96.99, 97.01), (95.99, 96.01), (94.99, 95.01)]


@pytest.mark.parametrize("kind", ["quotes", "book"])
@pytest.mark.parametrize("latency", [{}, {"entry_ns": 10**9, "response_ns": 10**9}])
def test_a_standing_stop_acts_while_its_entry_fills_further_on_ticks(kind: str, latency: dict[str, int]) -> None:
    # Three lots a minute. At 95.99 the nine that are held are sold, and an entry whose exit has begun is over.
    word = "book " if kind == "book" else ""
    rows = "\n".join(f"1 10:0{k} {word}{bid} x 50 / {ask} x 3" for k, (bid, ask) in enumerate(_FALL))
    draw(
        f"""
        {rows}

        at 1 10:00: BRACKET BUY 30 TARGET 130 LOSS 96
        fill 1 10:01: BUY 3 @ 99.01 taker of 0
        fill 1 10:02: BUY 3 @ 98.01 taker of 0
        fill 1 10:03: BUY 3 @ 97.01 taker of 0
        fill 1 10:04: SELL 9 @ 95.99 taker of 2
        order 0: CANCELLED SIBLING_FILLED filled 9
        order 1: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        latency=latency,
        venue={"self_trade": "none"},
        risk={"allow_short": True},
    )


def test_a_trailing_exit_follows_while_its_entry_fills_further() -> None:
    draw(
        """
        1 10:00   99.99 x 50 / 100.01 x 3
        1 10:01  100.99 x 50 / 101.01 x 3
        1 10:02  101.99 x 50 / 102.01 x 3
        1 10:03  102.99 x 50 / 103.01 x 3      # two below the best bid is 100.99
        1 10:04  100.98 x 50 / 101.00 x 3

        at 1 10:00: BUY 30
        at 1 10:00: SELL 30 TRAIL 2 PARENT 0
        fill 1 10:01: BUY 3 @ 101.01 taker of 0
        fill 1 10:02: BUY 3 @ 102.01 taker of 0
        fill 1 10:03: BUY 3 @ 103.01 taker of 0
        fill 1 10:04: SELL 9 @ 100.98 taker of 1
        order 0: CANCELLED SIBLING_FILLED filled 9
        end: 0 X
        """,
    )


def test_a_triggered_stop_comes_before_its_entry() -> None:
    draw(
        """
        1  100 100 100 100  1000
        2  100 100  94  95   100      # ten for us, all bought: nothing is left for the stop
        3   95  95  95  95  1000

        at 1: BRACKET BUY 20 TARGET 110 LOSS 96
        fill 2: BUY 10 @ 100 taker of 0
        fill 3: SELL 10 @ 95 taker of 2
        order 0: CANCELLED SIBLING_FILLED filled 10
        order 1: CANCELLED SIBLING_FILLED
        end: 0 X
        """,
        both=True,
        costs={"max_participation": 0.1},
    )


@pytest.mark.parametrize("kind", ["bars", "quotes", "books"])
def test_an_entry_goes_on_where_a_stop_limit_of_it_was_triggered_and_does_not_fill(kind: str) -> None:
    # The exit buys back from 98 on, at 98 at most: 100 triggers it and is above its limit. What is left of the entry is sold there.
    rows = {
        "bars": ["100 100 100 100 50", "100 100 100 100 10", "100 101 99 100 90"],
        "quotes": ["99 x 5 / 101 x 5", "100 x 10 / 101 x 5", "100 x 90 / 101 x 5"],
        "books": ["book 99 x 5 / 101 x 5", "bid 99 x 0, bid 100 x 10", "bid 100 x 90"],
    }[kind]
    draw(
        f"""
        1 {rows[0]}
        2 {rows[1]}
        3 {rows[2]}

        at 1: SELL 20
        at 2: BUY 5 STOP 98 LIMIT 98 PARENT 0
        fill 2: SELL 10 @ 100 taker of 0
        fill 3: SELL 10 @ 100 taker of 0
        order 1: EXPIRED END_OF_DATA
        end: -20 X
        """,
        risk={"allow_short": True},
        costs={"max_participation": 1.0},
    )
