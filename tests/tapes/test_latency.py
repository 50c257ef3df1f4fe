"""Latencies that vary: every stamp here is worked out from the recorded messages and distributions drawn beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from framework.errors import InputError
from framework.schema.codec import to_frame
from framework.schema.order import Reason
from tests.tapes.drawing import draw

SECOND = 1_000_000_000
TEN = pd.Timestamp("2024-01-01T10:00Z").value


def recorded(folder: Path, *messages: tuple[float, float, float], name: str = "traffic") -> dict[str, Any]:
    """A recorded leg: (second of sending after 10:00, seconds to the venue, seconds back) a message."""
    columns = ["sent_ns", "arrived_ns", "answered_ns"]
    rows = [(TEN + round(at * SECOND), round(there * SECOND), round(back * SECOND)) for at, there, back in messages]
    frame = pd.DataFrame([(at, at + there, at + there + back) for at, there, back in rows], columns=columns)
    path = folder / f"{name}.csv"
    frame.to_csv(path, index=False)
    return {"model": "recorded", "file": str(path)}


def arrivals(result: Any) -> list[float]:
    """Seconds after 10:00 at which each order reached the venue."""
    return [(stamp.value - TEN) / SECOND for stamp in result.orders["accepted_at"]]


def told(result: Any, kind: str) -> list[tuple[int, float]]:
    """(order, second after 10:00 at which we are told) of the answers of a kind, in the order of telling."""
    rows = to_frame(result.audit.records)
    rows = rows[rows["kind"] == kind]
    return [(int(row.w0), (row.ts_local.value - TEN) / SECOND) for row in rows.itertuples()]


def test_between_two_recorded_messages_the_latency_lies_on_the_line_between_theirs(tmp_path: Path) -> None:
    # 10:00:00 took 1 s, 10:00:10 took 2 s: at 10:00:05 it is 1.5 s
    result = draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:06.5  ask 102 x 2      # it arrives with this message, which is not newer
        1 10:00:07  bid 98 x 1
        timer 1 10:00:05: BUY 1
        fill 1 10:00:07: BUY 1 @ 101 taker
        """,
        latency={"entry_ns": recorded(tmp_path, (0, 1.0, 0.1), (10, 2.0, 0.1))},
    )
    assert arrivals(result) == [6.5]


def test_before_the_first_and_after_the_last_recorded_message_the_nearest_holds(tmp_path: Path) -> None:
    result = draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:30  bid 98 x 1
        at 1 10:00:00: BUY 1
        timer 1 10:00:20: BUY 1
        fill 1 10:00:30: BUY 1 @ 101 taker
        fill 1 10:00:30: BUY 1 @ 101 taker
        """,
        latency={"entry_ns": recorded(tmp_path, (5, 1.0, 0.1), (10, 2.0, 0.1))},
    )
    assert arrivals(result) == [1.0, 22.0]


def test_answers_are_interpolated_at_the_time_of_the_answer(tmp_path: Path) -> None:
    # messages arrived at 1 and 9 and their answers took 0.2 and 1.0 s: one given at 10:00:05 takes 0.6 s
    result = draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:09  bid 98 x 1
        timer 1 10:00:05: BUY 1 LIMIT 90
        order 0: EXPIRED END_OF_DATA
        """,
        latency={"response_ns": recorded(tmp_path, (0, 1.0, 0.2), (8, 1.0, 1.0))},
    )
    assert told(result, "ORDER_ACCEPTED") == [(0, pytest.approx(5.6, abs=1e-9))]


CROSSING = """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:04  trade 98 x 9 SELL
        timer 1 10:00:01: BUY 1 LIMIT 99
        timer 1 10:00:01.5: CANCEL 0
"""


def test_a_cancel_overtakes_its_order_and_meets_none(tmp_path: Path) -> None:
    # the order takes 2 s and arrives at :03, the cancel half a second and arrives at :02
    result = draw(
        CROSSING + "fill 1 10:00:04: BUY 1 @ 99 maker",
        both=True,
        latency={"entry_ns": recorded(tmp_path, (1, 2.0, 0.1), (1.5, 0.5, 0.1))},
    )
    rows = to_frame(result.audit.records)
    answers = rows[rows["kind"].isin(["ORDER_CANCEL_REJECTED", "ORDER_ACCEPTED"])]
    assert answers["kind"].tolist() == ["ORDER_CANCEL_REJECTED", "ORDER_ACCEPTED"]
    assert result.audit.records["w1"][answers.index[0]] == Reason.UNKNOWN_ORDER


def test_in_order_the_cancel_waits_behind_its_order(tmp_path: Path) -> None:
    result = draw(
        CROSSING + "order 0: CANCELLED USER done 1 10:00:03",
        both=True,
        latency={"entry_ns": recorded(tmp_path, (1, 2.0, 0.1), (1.5, 0.5, 0.1)), "in_order": True},
    )
    assert arrivals(result) == [3.0]


def test_a_slow_cancel_loses_its_race(tmp_path: Path) -> None:
    # decided at :02.5, two seconds before the trade, and on its way for three
    draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:04.5  trade 98 x 9 SELL
        timer 1 10:00:01: BUY 1 LIMIT 99
        timer 1 10:00:02.5: CANCEL 0
        fill 1 10:00:04.5: BUY 1 @ 99 maker
        """,
        both=True,
        latency={"entry_ns": recorded(tmp_path, (1, 0.5, 0.1), (2.5, 3.0, 0.1))},
    )


def test_a_change_that_overtakes_its_order_changes_nothing(tmp_path: Path) -> None:
    draw(
        """
        1 10:00:00  book 99 x 0, 98 x 1 / 101 x 4
        1 10:00:04  trade 98 x 9 SELL
        1 10:00:05  trade 97 x 9 SELL
        timer 1 10:00:01: BUY 1 LIMIT 96
        timer 1 10:00:01.5: REPLACE 0 LIMIT 99
        order 0: EXPIRED END_OF_DATA limit 96
        """,
        latency={"entry_ns": recorded(tmp_path, (1, 2.0, 0.1), (1.5, 0.5, 0.1))},
    )


def test_a_cancel_and_a_change_overtake_their_order(tmp_path: Path) -> None:
    result = draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:04  trade 98 x 9 SELL
        timer 1 10:00:01: BUY 1 LIMIT 99
        timer 1 10:00:01.5: REPLACE 0 LIMIT 98
        timer 1 10:00:01.6: CANCEL 0
        fill 1 10:00:04: BUY 1 @ 99 maker
        """,
        latency={"entry_ns": recorded(tmp_path, (1, 2.0, 0.1), (1.5, 0.5, 0.1)), "response_ns": SECOND // 10},
    )
    assert told(result, "ORDER_CANCEL_REJECTED") == [(0, 2.1), (0, 2.2)]


QUEUE = """
        1 10:00:00  book 99 x 0, 98 x 1 / 101 x 4
        1 10:00:04  trade 99 x 1 SELL
        1 10:00:05  bid 98 x 1
        timer 1 10:00:01: BUY 1 LIMIT 99
        timer 1 10:00:01.5: BUY 1 LIMIT 99
"""


def test_an_order_overtakes_an_earlier_one_and_stands_before_it_in_the_line(tmp_path: Path) -> None:
    result = draw(
        QUEUE + "fill 1 10:00:04: BUY 1 @ 99 maker of 1\norder 0: EXPIRED END_OF_DATA",
        both=True,
        latency={"entry_ns": recorded(tmp_path, (1, 2.0, 0.1), (1.5, 0.5, 0.1))},
    )
    assert arrivals(result) == [3.0, 2.0]


def test_in_order_the_earlier_one_keeps_its_place(tmp_path: Path) -> None:
    result = draw(
        QUEUE + "fill 1 10:00:04: BUY 1 @ 99 maker of 0\norder 1: EXPIRED END_OF_DATA",
        both=True,
        latency={"entry_ns": recorded(tmp_path, (1, 2.0, 0.1), (1.5, 0.5, 0.1)), "in_order": True},
    )
    assert arrivals(result) == [3.0, 3.0]


ANSWERS = """
        1 10:00:00  book 99 x 2 / 101 x 4
        1 10:00:02  trade 98 x 9 SELL
        1 10:00:02.5  trade 96 x 9 SELL
        1 10:00:09  bid 98 x 1
        timer 1 10:00:00.5: BUY 1 LIMIT 99
        timer 1 10:00:00.5: BUY 1 LIMIT 97
"""


@pytest.mark.parametrize("in_order", [False, True])
def test_answers_about_different_orders_keep_their_order(tmp_path: Path, in_order: bool) -> None:
    # an answer of :02 takes 3 s, one of :02.5 half a second: it waits for the first
    legs = recorded(tmp_path, (0, 0.5, 0.1), (1.5, 0.5, 3.0), (2, 0.5, 0.5))
    first, second = "fill 1 10:00:02: BUY 1 @ 99 maker of 0\n", "fill 1 10:00:02.5: BUY 1 @ 97 maker of 1\n"
    result = draw(ANSWERS + first + second, latency={"response_ns": legs, "in_order": in_order})
    assert told(result, "ORDER_FILLED") == [(0, 5.0), (1, 5.0)]


def test_a_sale_whose_answer_is_quick_is_heard_after_the_purchase(tmp_path: Path) -> None:
    # The acceptance of :01 takes 5 s, the sale's fill of :04 half a second. Heard first, the sale would open a short position of ours, and
    # the round trip would end before it began.
    result = draw(
        """
        1 10:00:00  book 99 x 9 / 101 x 9
        1 10:00:02  bid 99 x 8
        1 10:00:04  bid 99 x 7
        1 10:00:09  bid 98 x 1
        timer 1 10:00:01: BUY 1
        timer 1 10:00:03: SELL 1
        fill 1 10:00:02: BUY 1 @ 101 taker of 0
        fill 1 10:00:04: SELL 1 @ 99 taker of 1
        """,
        latency={"response_ns": recorded(tmp_path, (1, 0.5, 5.0), (3, 0.5, 0.5))},
        risk={"allow_short": True},
    )
    assert told(result, "ORDER_FILLED") == [(0, 6.0), (1, 6.0)]
    assert result.round_trips[["side", "pnl"]].values.tolist() == [["BUY", -2.0]]


def test_answers_about_one_order_keep_their_order(tmp_path: Path) -> None:
    # the acceptance of :01 takes 3 s, the fill of :02 half a second: whoever gets the fill first waits for what came before it
    result = draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:02  trade 98 x 9 SELL
        1 10:00:09  bid 98 x 1
        timer 1 10:00:01: BUY 1 LIMIT 99
        fill 1 10:00:02: BUY 1 @ 99 maker
        """,
        latency={"response_ns": recorded(tmp_path, (0.5, 0.5, 3.0), (1.5, 0.5, 0.5))},
    )
    assert told(result, "ORDER_ACCEPTED") == [(0, 4.0)] and told(result, "ORDER_FILLED") == [(0, 4.0)]


def test_a_decision_takes_its_time_before_the_order_leaves(tmp_path: Path) -> None:
    # decided at :01, sent at :02, where messages take 2 s and not 1: the entry leg is asked at the sending
    result = draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:03.5  ask 101 x 0, ask 102 x 4
        1 10:00:05  bid 98 x 1
        timer 1 10:00:01: BUY 1
        fill 1 10:00:05: BUY 1 @ 102 taker
        """,
        both=True,
        latency={"decision_ns": SECOND, "entry_ns": recorded(tmp_path, (1, 1.0, 0.1), (2, 2.0, 0.1))},
    )
    assert arrivals(result) == [4.0]
    assert result.orders["decided_at"][0].value == TEN + SECOND


def test_a_constant_decision_time_adds_to_a_constant_entry() -> None:
    result = draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:03  bid 98 x 1
        timer 1 10:00:01: BUY 1
        fill 1 10:00:03: BUY 1 @ 101 taker
        """,
        latency={"decision_ns": SECOND // 4, "entry_ns": SECOND},
    )
    assert arrivals(result) == [2.25]


def test_what_is_decided_together_leaves_together() -> None:
    result = draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 9
        1 10:00:09  bid 98 x 1
        timer 1 10:00:01: BUY 1
        timer 1 10:00:01: BUY 2
        timer 1 10:00:02: BUY 3
        fill 1 10:00:09: BUY 1 @ 101 taker
        fill 1 10:00:09: BUY 2 @ 101 taker
        fill 1 10:00:09: BUY 3 @ 101 taker
        """,
        latency={"decision_ns": {"model": "sampled", "quantiles_ns": [0, SECOND]}},
    )
    first, second, third = arrivals(result)
    assert first == second
    assert 1.0 <= first < 2.0 <= third < 3.0 and first % 1.0 != third % 1.0


def test_a_distribution_without_spread_is_a_constant() -> None:
    text = """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:04  bid 98 x 1
        timer 1 10:00:01: BUY 1
        fill 1 10:00:04: BUY 1 @ 101 taker
        """
    for model in (
        {"model": "lognormal", "median_ns": SECOND / 2, "sigma": 0.0},
        {"model": "sampled", "quantiles_ns": [SECOND // 2, SECOND // 2]},
        SECOND // 2,
    ):
        result = draw(text, latency={"entry_ns": model, "response_ns": model})
        assert arrivals(result) == [1.5] and told(result, "ORDER_FILLED") == [(0, 4.5)]


def test_the_further_terms_of_an_order_travel_with_it() -> None:
    # a good-till-date order is two records: were the second one later, the order would work without its date
    result = draw(
        """
        1 10:00:00  book 99 x 1 / 101 x 4
        1 10:00:09  bid 98 x 1
        timer 1 10:00:01: BUY 1 LIMIT 90 GTD 1 10:00:05
        timer 1 10:00:01: BUY 1 LIMIT 91 GTD 1 10:00:06
        order 0: EXPIRED DATE_REACHED done 1 10:00:05
        order 1: EXPIRED DATE_REACHED done 1 10:00:06
        """,
        latency={"entry_ns": {"model": "sampled", "quantiles_ns": [SECOND // 2, 2 * SECOND]}},
    )
    assert len({*arrivals(result)}) == 2


LATE = """
        {feed}
        1 10:00:00  book 99 x 5 / 101 x 4
        1 10:00:01  ask 101 x 0, ask 102 x 4      # the venue has it when our order comes, we do not
        1 10:00:03  bid 98 x 1
        timer 1 10:00:02: BUY 1
        fill 1 10:00:03: BUY 1 @ 102 taker
"""


def test_a_feed_of_constant_latency_is_a_late_tape() -> None:
    late = draw(LATE.format(feed="feed 2"), both=True)
    heard = draw(LATE.format(feed=""), both=True, latency={"feed_ns": 2 * SECOND})
    assert heard.audit.records.tobytes() == late.audit.records.tobytes()


def test_a_feed_adds_to_the_local_stamps_of_the_tape() -> None:
    late = draw(LATE.format(feed="feed 2"))
    heard = draw(LATE.format(feed="feed 0.5"), latency={"feed_ns": 3 * SECOND // 2})
    assert heard.audit.records.tobytes() == late.audit.records.tobytes()


def test_a_feed_cannot_be_late_on_bars() -> None:
    with pytest.raises(InputError, match=r"feed_ns on the tape .* has bars or quotes.*Add the feed's latency to latency.entry_ns"):
        draw("1  100 101 99 100 1000\n2  100 101 99 100 1000\n", latency={"feed_ns": SECOND})
