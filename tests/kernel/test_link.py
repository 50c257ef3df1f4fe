"""The loops are linked to a trader half that is to replay a tape; one that is not is refused before it calls nowhere."""

from __future__ import annotations

import pytest

from framework.errors import KernelError
from framework.kernel.loops.link import link
from framework.kernel.loops.replay import ADVANCE
from framework.kernel.loops.tick_loop import CATCH_UP, PASS_TICKS
from framework.kernel.market.book_memory import Ticks
from framework.kernel.trader.trader import Trader
from framework.kernel.venue.exchange import Exchange
from framework.schema.instrument import Instrument


def trader(ticks: Ticks | None = None) -> Trader:
    return Trader(
        [Instrument("X")], currencies=("USD",), calendars=("24/7",), base_currency="USD", cash=1.0, costs={}, risk={}, ticks=ticks
    )


def addresses(half: Trader) -> list[int]:
    return [int(half.record[name][0]) for name in ("advance", "pass_ticks", "catch_up")]


def test_a_trader_half_that_is_not_linked_is_refused_by_the_venue() -> None:
    half, exchange = trader(), Exchange(1, 1)
    assert addresses(half) == [0, 0, 0]
    with pytest.raises(KernelError, match=r"not linked to the loops; call `framework\.kernel\.loops\.link\.link\(trader\)`"):
        exchange.connect(half)
    assert exchange.account is None
    exchange.connect(link(half))
    assert exchange.account is not None


def test_the_lane_of_ticks_is_linked_where_the_tape_has_ticks() -> None:
    assert addresses(link(trader())) == [ADVANCE.address, 0, 0]
    assert addresses(link(trader(Ticks({}, has_orders=False)))) == [ADVANCE.address, PASS_TICKS.address, CATCH_UP.address]
