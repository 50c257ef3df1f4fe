"""Models of the line judged by the orders themselves.

    from research.queue import calibrate_queue

    calibrate_queue("AAPL_2012-06-21_message_50.csv.gz").findings

The names below are imported when first used, so that a command line that offers the study does not pay for it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from research.queue.calibration import calibrate_queue
    from research.queue.result import QueueCalibration

__all__ = ["QueueCalibration", "calibrate_queue"]

_HOMES = {"QueueCalibration": "research.queue.result", "calibrate_queue": "research.queue.calibration"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'research.queue' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
