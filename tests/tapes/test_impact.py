"""Impact that stays: what each fill pays, worked out from the pushes before it. Daily volume 10,000, prices flat at 100.

Participation x = lots / 10,000; money = notional x (side x displacement + x (permanent + weights) / 2 + x temporary + fixed).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from framework import backtest
from framework.errors import ConfigError, InputError
from tests.tapes.drawing import Scripted, draw, read, tape_of

FLAT = "".join(f"{day}  100 100 100 100  1000\n" for day in range(1, 6))
SHORTS = {"allow_short": True}


def chriss(**terms: Any) -> dict[str, Any]:
    return {"impact": {"model": "almgren_chriss", "daily_volume": 10_000, **terms}}


def propagator(*decays: tuple[float, float], **terms: Any) -> dict[str, Any]:
    listed = [{"half_life_s": half_life, "weight": weight} for half_life, weight in decays]
    return {"impact": {"model": "propagator", "daily_volume": 10_000, "decay": listed, **terms}}


DAY = 86_400.0


def test_permanent_impact_of_three_fills() -> None:
    # g = 0.02. Buy 100 (x = 0.01): half its jump of 2 bp of 10,000 = 1. Buy 200: 2 bp stand, half of 4 bp: 4 bp of 20,000 = 8.
    # Sell 300: 6 bp stand in its favour, half of its own 6 bp against it: -3 bp of 30,000 = -9. In all 0: what is permanent is not lost.
    result = draw(
        FLAT
        + """
        at 1: BUY 100
        at 2: BUY 200
        at 3: SELL 300
        fill 2: BUY 100 @ 100 taker slippage 1
        fill 3: BUY 200 @ 100 taker slippage 8
        fill 4: SELL 300 @ 100 taker slippage -9
        end: 1000000 USD
        """,
        costs=chriss(permanent=0.02),
    )
    assert result.costs["impact"] == pytest.approx(0.0, abs=1e-9)
    assert result.fills["price"].tolist() == pytest.approx([100.01, 100.04, 100.03])  # a seller above the tape: our own push holds it up


def test_temporary_impact_and_the_fixed_share() -> None:
    # h = 0.05: 5 bp of 10,000 = 5 for x = 0.01, and 10 bp of 20,000 = 20 for 0.02; fixed 2 bp: 2 and 4
    draw(
        FLAT
        + """
        at 1: BUY 100
        at 2: SELL 200
        fill 2: BUY 100 @ 100 taker slippage 7
        fill 3: SELL 200 @ 100 taker slippage 24
        end: -100 X, 1009969 USD
        """,
        costs=chriss(temporary=0.05, fixed_bps=2.0),
        risk=SHORTS,
    )


def test_a_push_fades_by_its_half_life() -> None:
    # w = 0.04, half of it gone in a day. Buy 100: half of 4 bp of 10,000 = 2. A day later 2 bp stand: buy 100: (2 + 2) bp = 4.
    # Then 6 bp, 3 a day later: sell 100: (-3 + 2) bp = -1. In all 5.
    result = draw(
        FLAT
        + """
        at 1: BUY 100
        at 2: BUY 100
        at 3: SELL 100
        fill 2: BUY 100 @ 100 taker slippage 2
        fill 3: BUY 100 @ 100 taker slippage 4
        fill 4: SELL 100 @ 100 taker slippage -1
        end: 100 X, 989995 USD
        """,
        costs=propagator((DAY, 0.04)),
    )
    assert result.costs["impact"] == pytest.approx(5.0, abs=1e-9)


def test_two_exponentials_a_permanent_and_a_temporary_part() -> None:
    # weights 0.04 (half-life a day) and 0.02 (half a day), permanent 0.01, temporary 0.03; jump of x = 0.01: 7 bp, own half 3.5 bp
    # Buy 100: 3.5 + 3 = 6.5 bp = 6.5. A day later stand 2 + 0.5 + 1 = 3.5 bp: sell 100: -3.5 + 3.5 + 3 = 3 bp = 3.
    # Two days after that stand of the buy 0.5 + 0.03125 + 1, less the sale's 1 + 0.125 + 1 = -0.59375 bp: sell 100: 7.09375
    draw(
        "".join(f"{day}  100 100 100 100  1000\n" for day in range(1, 7))
        + """
        at 1: BUY 100
        at 2: SELL 100
        at 4: SELL 100
        fill 2: BUY 100 @ 100 taker slippage 6.5
        fill 3: SELL 100 @ 100 taker slippage 3
        fill 5: SELL 100 @ 100 taker slippage 7.09375
        """,
        costs=propagator((DAY, 0.04), (DAY / 2, 0.02), permanent=0.01, temporary=0.03),
        risk=SHORTS,
    )


def test_fills_of_one_stamp_are_one_trade() -> None:
    # 300 at once pays x = 0.03 (0.05 x 0.03 = 15 bp of 30,000 = 45), whether it takes one level or three
    at_once = """
        1 10:00:00  book 99 x 9 / 100 x 900
        1 10:00:01  bid 99 x 8
        at 1 10:00:00: BUY 300
        fill 1 10:00:01: BUY 300 @ 100 taker slippage 45
        """
    in_parts = """
        1 10:00:00  book 99 x 9 / 100 x 900
        1 10:00:01  bid 99 x 8
        at 1 10:00:00: BUY 100
        at 1 10:00:00: BUY 200
        fill 1 10:00:01: BUY 100 @ 100 taker slippage 5
        fill 1 10:00:01: BUY 200 @ 100 taker slippage 40
        """
    for text in (at_once, in_parts):
        draw(text, costs=chriss(temporary=0.05))


def test_a_taker_pushes_on_books_and_on_quotes() -> None:
    for first, last in (("book 99 x 9 / 100 x 900", "bid 99 x 8"), ("99 x 900 / 100 x 900", "99 x 900 / 100 x 900")):
        draw(
            f"""
            1 10:00:00  {first}
            1 10:00:01  {last}
            1 10:00:02  {last if "book" not in first else "bid 99 x 7"}
            at 1 10:00:00: BUY 100
            at 1 10:00:01: BUY 100
            fill 1 10:00:01: BUY 100 @ 100 taker slippage 1
            fill 1 10:00:02: BUY 100 @ 100 taker slippage 3
            """,
            costs=chriss(permanent=0.02),
        )


MAKER = """
        1  100 101  99 100  1000
        2  100 101  98 100  1000
        3  100 101  99 100  1000
        at 1: BUY 100 LIMIT 99
        at 2: BUY 100
"""


def test_a_maker_neither_pays_nor_pushes() -> None:
    draw(
        MAKER + "fill 2: BUY 100 @ 99 maker\nfill 3: BUY 100 @ 100 taker slippage 1",
        costs=chriss(permanent=0.02, fixed_bps=0.0),
    )


def test_makers_push_and_pay_where_asked() -> None:
    draw(
        MAKER + "fill 2: BUY 100 @ 99 maker slippage 0.99\nfill 3: BUY 100 @ 100 taker slippage 3",
        costs=chriss(permanent=0.02, charge_makers=True),
    )


def test_the_daily_volume_follows_a_split() -> None:
    # after 2:1 a usual day has 20,000 shares: 200 of them are x = 0.01 still, and what was pushed before stays a fraction of the price
    draw(
        """
        1  100 100 100 100  1000
        2  100 100 100 100  1000
        3 12:00  SPLIT 2:1
        3   50  50  50  50  2000
        4   50  50  50  50  2000
        at 1: BUY 100
        at 3: BUY 200
        fill 2: BUY 100 @ 100 taker slippage 1
        fill 4: BUY 200 @ 50 taker slippage 3
        """,
        costs=chriss(permanent=0.02),
    )


def test_a_target_leaves_room_for_its_own_push() -> None:
    # all of 1,000,000 at 100 with h = 0.05 and x = 1: the plan takes 10,000 x 100 x 5 % = 50,000 off, so 9,500 are ordered;
    # they pay 950,000 x 0.05 x 0.95 = 45,125
    draw(
        FLAT
        + """
        at 1: WEIGHT 1
        fill 2: BUY 9500 @ 100 taker slippage 45125
        end: 9500 X, 4875 USD
        """,
        costs=chriss(temporary=0.05),
    )


def test_a_schedule_costs_what_almgren_and_chriss_expect() -> None:
    # E = gamma X^2 / 2 + eps X + eta~ / tau sum n_k^2, for selling 2,000 in four parts at 100; daily volume V = 10,000
    schedule, volume, price = [800, 600, 400, 200], 10_000.0, 100.0
    permanent, temporary, fixed_bps = 0.3, 0.07, 4.0
    gamma, eta_over_tau, eps = permanent * price / volume, temporary * price / volume, fixed_bps * 1e-4 * price
    total = sum(schedule)
    expected = 0.5 * gamma * total**2 + eps * total + eta_over_tau * sum(n * n for n in schedule)
    orders = "".join(f"at {day}: SELL {n}\n" for day, n in enumerate(schedule, 1))
    paid, before = [], 0
    for n in schedule:
        paid.append(n * (gamma * before + 0.5 * gamma * n + eta_over_tau * n + eps))
        before += n
    fills = "".join(
        f"fill {day}: SELL {n} @ 100 taker slippage {cost!r}\n" for day, n, cost in zip(range(2, 6), schedule, paid, strict=True)
    )
    costs = chriss(permanent=permanent, temporary=temporary, fixed_bps=fixed_bps)
    result = draw(FLAT + orders + fills, costs=costs, risk=SHORTS)
    assert result.costs["impact"] == pytest.approx(expected, rel=1e-12, abs=1e-9)
    assert result.equity.iloc[-1] == pytest.approx(1_000_000.0 - expected, abs=1e-6)


def test_an_even_schedule_is_the_cheapest() -> None:
    # without risk aversion Almgren and Chriss sell at an even pace; the propagator of Obizhaeva and Wang trades more at both ends
    def cost(schedule: list[int], costs: dict[str, Any]) -> float:
        orders = "".join(f"at {day}: SELL {n}\n" for day, n in enumerate(schedule, 1))
        result = draw(FLAT + orders + _any_fills(FLAT, orders, costs), costs=costs, risk=SHORTS)
        return float(result.costs["impact"])

    even, front, ends = [300, 300, 300, 300], [600, 300, 200, 100], [400, 200, 200, 400]
    plain = chriss(permanent=0.1, temporary=0.1)
    assert cost(even, plain) < min(cost(front, plain), cost(ends, plain))
    fading = propagator((DAY, 0.1))
    # with a = 1/2 of a push left after a day the optimal ends are 1 / (1 - a) = 2 times the middle
    assert cost(ends, fading) < min(cost(front, fading), cost(even, fading))


def _any_fills(market: str, orders: str, costs: dict[str, Any]) -> str:
    """The fill lines that a run has, for drawings of which only the sum matters."""
    drawing = read(market + orders)
    result = backtest(Scripted(drawing), tape_of(drawing), costs=costs, risk=SHORTS)
    days = [(stamp.date() - drawing.clock.first).days for stamp in result.fills["ts"]]
    rows = zip(days, result.fills["quantity"], result.fills["slippage"], strict=True)
    return "".join(f"fill {day}: SELL {quantity:g} @ 100 taker slippage {slippage!r}\n" for day, quantity, slippage in rows)


@pytest.mark.parametrize("side", [1, -1])
def test_the_first_fill_pays_the_same_either_way(side: int) -> None:
    word = "BUY" if side > 0 else "SELL"
    draw(
        FLAT + f"at 1: {word} 100\nfill 2: {word} 100 @ 100 taker slippage {math.fsum([2.0, 3.0])}",
        costs=propagator((DAY, 0.04), temporary=0.03),
        risk=SHORTS,
    )


def test_a_symbol_without_a_daily_volume_is_refused() -> None:
    two = "instrument A\ninstrument B\n1 A 100 100 100 100 1000\n1 B 100 100 100 100 1000\n"
    with pytest.raises(InputError, match="daily_volume says nothing of 'B'"):
        draw(two, costs={"impact": {"model": "almgren_chriss", "daily_volume": {"A": 1_000}}})
    with pytest.raises(InputError, match="daily_volume names 'C'"):
        draw(two, costs={"impact": {"model": "almgren_chriss", "daily_volume": {"A": 1, "B": 1, "C": 1}}})
    with pytest.raises(ConfigError, match="daily_volume is missing"):
        draw(two, costs={"impact": {"model": "almgren_chriss"}})


def test_half_lives_are_in_seconds() -> None:
    # 1 s half-life on ticks 3 s apart: an eighth stands
    result = draw(
        """
        1 10:00:00  99 x 900 / 100 x 900
        1 10:00:01  99 x 900 / 100 x 900
        1 10:00:03  99 x 900 / 100 x 900
        1 10:00:04  99 x 900 / 100 x 900
        at 1 10:00:00: BUY 100
        at 1 10:00:03: BUY 100
        fill 1 10:00:01: BUY 100 @ 100 taker slippage 4
        fill 1 10:00:04: BUY 100 @ 100 taker slippage 5
        """,
        costs=propagator((1.0, 0.08)),
    )
    assert np.isclose(result.costs["impact"], 9.0, atol=1e-9)
