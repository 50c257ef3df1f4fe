"""What is asked of the trader half, on its way to the compiled unit that handles it."""

from framework.schema.record import F8, I8, Record


class Request(Record):
    """The arguments of a proposal on their way to the compiled unit that handles it."""

    what: I8  # which proposal: ASK_* of `requests.py`
    instrument: I8
    side: I8
    type: I8
    time_in_force: I8
    flags: I8
    quantity: F8  # units, or the weight of a target
    limit: F8
    stop: F8
    trail: F8
    given: I8  # which of an order's prices and quantities were given: G_* of `order_terms.py`
    touch: F8
    limit_offset: F8
    display: F8
    peg_offset: F8
    target: F8
    loss: F8
    expire_ns: I8
    parent: I8
    group: I8
    order_id: I8
    reason: I8
    gross: F8  # sum of the absolute weights that are set together, 0: one by one
