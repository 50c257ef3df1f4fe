"""OneTape: one tape of events drives research, paper trading and live trading.

    from framework import Strategy, backtest

The names below are imported when first used, so that `import framework` costs nothing.
"""

from __future__ import annotations

import gc
import importlib
from typing import TYPE_CHECKING

from framework.version import __version__

if TYPE_CHECKING:
    from framework.data.tape.shared_features import shared_feature
    from framework.engine.compiled import compiled
    from framework.engine.several_strategies import Strategies
    from framework.engine.strategy import PerInstrument, State, Strategy
    from framework.reports.result import Result
    from framework.schema.instrument import Instrument
    from framework.schema.order import OrderType, Side, TimeInForce
    from framework.simulation.arrays import Signals
    from framework.simulation.backtest import backtest
    from framework.simulation.sweep import sweep
    from framework.simulation.sweep_result import Sweep

__all__ = [
    "Instrument",
    "OrderType",
    "PerInstrument",
    "Result",
    "Side",
    "Signals",
    "State",
    "Strategies",
    "Strategy",
    "Sweep",
    "TimeInForce",
    "__version__",
    "backtest",
    "compiled",
    "shared_feature",
    "sweep",
]

_HOMES = {
    "Instrument": "framework.schema.instrument",
    "OrderType": "framework.schema.order",
    "PerInstrument": "framework.engine.strategy",
    "Result": "framework.reports.result",
    "Side": "framework.schema.order",
    "Signals": "framework.simulation.arrays",
    "State": "framework.engine.strategy",
    "Strategies": "framework.engine.several_strategies",
    "Strategy": "framework.engine.strategy",
    "Sweep": "framework.simulation.sweep_result",
    "TimeInForce": "framework.schema.order",
    "backtest": "framework.simulation.backtest",
    "compiled": "framework.engine.compiled",
    "shared_feature": "framework.data.tape.shared_features",
    "sweep": "framework.simulation.sweep",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'framework' has no attribute {name!r}")
    collects = gc.isenabled()
    gc.disable()  # what is imported stays; to look for garbage in it takes an eighth of the time
    try:
        value: object = getattr(importlib.import_module(_HOMES[name]), name)
    finally:
        if collects:
            gc.freeze()
            gc.unfreeze()  # together they make everything old without looking at it
            gc.enable()
    globals()[name] = value  # the next look-up does not come here
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
