"""Both accounts of a run, ours and the venue's, agree whenever nothing is in flight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from framework.kernel.trader.trader import Trader
from framework.kernel.venue.exchange import Exchange
from framework.schema.instrument import Settlement
from framework.simulation.simulated_world import SimulatedWorld


class Watch:
    """What was looked at.

    Attributes:
        apart: how often two records with rows of their own were compared.
        differed: how often they were not, since something was in flight that they differed by.
    """

    def __init__(self) -> None:
        self.apart = self.differed = 0

    def look(self, trader: Trader, exchange: Exchange) -> None:
        """Compare the accounts unless an answer is in flight."""
        venue, root = exchange.account, exchange.record[0]
        if venue is None or root["keeps_account"] == 0 or trader.record["broken"][0]:
            return
        if root["response_head"] < root["response_count"]:
            self.differed += int((venue.tables["positions"]["lots"] != trader.tables["positions"]["lots"]).any())
            return
        self.apart += 1
        theirs, ours, terms = venue.tables["positions"], trader.tables["positions"], trader.tables["terms"]
        assert (theirs["lots"] == ours["lots"]).all()
        for name in ("fees", "income"):
            np.testing.assert_allclose(theirs[name], ours[name], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(_worth(venue.tables, terms), _worth(trader.tables, terms), rtol=1e-9, atol=1e-6)


def _worth(tables: dict[str, Any], terms: Any) -> Any:
    """Cash by currency less what derivatives carry: it does not depend on which lots were closed first."""
    worth = tables["money"]["cash"].copy()
    is_derivative = terms["settlement"] != int(Settlement.SPOT)
    np.subtract.at(worth, terms["currency"][is_derivative], (tables["positions"]["carried"] * terms["point_value"])[is_derivative])
    return worth


def watch(patch: pytest.MonkeyPatch) -> Watch:
    """Look at the accounts of every simulated run after each `advance` and at its end."""
    watched = Watch()

    def looking(method: Callable[..., Any]) -> Callable[..., Any]:
        def looks(world: SimulatedWorld, trader: Trader, *rest: Any) -> Any:
            result = method(world, trader, *rest)
            watched.look(trader, world._exchange)
            return result

        return looks

    for name in ("advance", "close"):
        patch.setattr(SimulatedWorld, name, looking(getattr(SimulatedWorld, name)))
    return watched
