"""The records of latencies: what each leg of the way takes, and how many messages an order has had."""

from framework.kernel.machine.compile import row_of
from framework.schema.record import I8, Record, dtype_of

CONSTANT, QUANTILES, RECORDED = 0, 1, 2
"""Models of a leg."""


class LatencyLeg(Record):
    """How long a leg takes: its model, the address of its table of `LATENCY_POINT`, and the key of its draws."""

    model: I8
    constant_ns: I8
    points: I8
    points_count: I8
    key: I8


class LatencyPoint(Record):
    """A quantile of a distribution, equally spaced from the lowest to the highest (`at_ns` unused); or a recorded message."""

    at_ns: I8
    delay_ns: I8


class Traffic(Record):
    """An order's messages so far, commands and answers, and how manieth order of its instrument it is, from 1; a row of a hash table,
    `order_id` -1: free.
    """

    order_id: I8
    number: I8
    commands: I8
    answers: I8


LEG = dtype_of(LatencyLeg)
LATENCY_POINT = dtype_of(LatencyPoint)

point_row, traffic_row = row_of(LatencyPoint), row_of(Traffic)
