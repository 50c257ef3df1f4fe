"""The records of latencies: what each leg of the way takes, and how many messages an order has had."""

from __future__ import annotations

import numpy as np

from framework.kernel.machine.compile import row_of

CONSTANT, QUANTILES, RECORDED = 0, 1, 2
"""Models of a leg."""

LEG = np.dtype([("model", "<i8"), ("constant_ns", "<i8"), ("points", "<i8"), ("points_count", "<i8"), ("key", "<i8")])
"""How long a leg takes: its model, the address of its table of `LATENCY_POINT`, and the key of its draws."""

LATENCY_POINT = np.dtype([("at_ns", "<i8"), ("delay_ns", "<i8")])
"""A quantile of a distribution, equally spaced from the lowest to the highest (`at_ns` unused); or a recorded message."""

TRAFFIC = np.dtype([("number", "<i8"), ("commands", "<i8"), ("answers", "<i8")])
"""How manieth order of its instrument it is, from 1; and its messages so far, commands and answers."""

point_row, traffic_row = row_of(LATENCY_POINT), row_of(TRAFFIC)
