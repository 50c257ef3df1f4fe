"""Links the loops to a trader half: its root holds the addresses of the units that replay a tape.

The trader half itself knows no loop: one that only takes in what it receives, from an audit or a live venue, is never linked.
"""

from __future__ import annotations

from framework.kernel.loops.replay import ADVANCE
from framework.kernel.loops.tick_loop import CATCH_UP, PASS_TICKS
from framework.kernel.trader.trader import Trader


def link(trader: Trader) -> Trader:
    """Link the loops to a trader half that is to replay a tape with a simulated venue; returns it."""
    root = trader.record
    root["advance"] = ADVANCE.address
    if trader.ticks is not None:
        root["pass_ticks"], root["catch_up"] = PASS_TICKS.address, CATCH_UP.address
    return trader
