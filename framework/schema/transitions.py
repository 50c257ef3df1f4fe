"""What an order's state becomes by each event: the table that numba, Python and tests share, with a comment on every odd row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.schema.order import OrderEvent, OrderState

_MISSING = -1


def _transitions() -> NDArray[np.int8]:
    s, e = OrderState, OrderEvent
    rows: list[tuple[OrderState, OrderEvent, OrderState]] = [
        (s.NONE, e.HOLD, s.HELD),
        (s.NONE, e.SUBMIT, s.PENDING),
        (s.NONE, e.REFUSE, s.REFUSED),
        (s.HELD, e.SUBMIT, s.PENDING),  # its parent filled
        (s.HELD, e.ASK_CANCEL, s.CANCELLED),  # never sent, so nobody has to agree
        (s.HELD, e.CANCEL, s.CANCELLED),  # its parent ended without a fill
        (s.PENDING, e.ACCEPT, s.WORKING),
        (s.PENDING, e.REJECT, s.REJECTED),
        (s.PENDING, e.TRIGGER, s.TRIGGERED),  # odd: venues may trigger a stop before they acknowledge it
        (s.PENDING, e.FILL_PART, s.PARTIAL),  # odd: the fill overtook the acknowledgement on its way
        (s.PENDING, e.FILL_LAST, s.FILLED),  # odd: likewise
        (s.PENDING, e.CANCEL, s.CANCELLED),  # odd: immediate-or-cancel with nothing to take, never acknowledged
        (s.PENDING, e.EXPIRE, s.EXPIRED),  # odd: arrived after its own expiry
        (s.PENDING, e.ASK_CANCEL, s.PENDING_CANCEL),  # odd: cancel sent before the acknowledgement came
        (s.PENDING, e.ASK_REPLACE, s.PENDING_REPLACE),
        (s.WORKING, e.ACCEPT, s.WORKING),  # odd: our cancel overtook the order and met none
        (s.WORKING, e.REJECT, s.REJECTED),  # odd: likewise; or post-only on bars, where only the open tells that it would take
        (s.WORKING, e.REJECT_CANCEL, s.WORKING),  # odd: a cancel and a change overtook it, or the second of two replaces was turned down
        (s.WORKING, e.TRIGGER, s.TRIGGERED),
        (s.WORKING, e.FILL_PART, s.PARTIAL),
        (s.WORKING, e.FILL_LAST, s.FILLED),
        (s.WORKING, e.CANCEL, s.CANCELLED),
        (s.WORKING, e.EXPIRE, s.EXPIRED),
        (s.WORKING, e.ASK_CANCEL, s.PENDING_CANCEL),
        (s.WORKING, e.ASK_REPLACE, s.PENDING_REPLACE),
        (s.WORKING, e.REPLACE, s.WORKING),  # odd: the answer to the second of two replaces under way at once
        (s.TRIGGERED, e.REPLACE, s.TRIGGERED),  # odd: likewise
        (s.PARTIAL, e.REPLACE, s.PARTIAL),  # odd: likewise
        (s.TRIGGERED, e.REJECT_CANCEL, s.TRIGGERED),  # odd: as for one that works
        (s.TRIGGERED, e.ACCEPT, s.TRIGGERED),  # odd: late acknowledgement of a stop already triggered
        (s.TRIGGERED, e.FILL_PART, s.PARTIAL),
        (s.TRIGGERED, e.FILL_LAST, s.FILLED),
        (s.TRIGGERED, e.CANCEL, s.CANCELLED),
        (s.TRIGGERED, e.EXPIRE, s.EXPIRED),
        (s.TRIGGERED, e.ASK_CANCEL, s.PENDING_CANCEL),
        (s.TRIGGERED, e.ASK_REPLACE, s.PENDING_REPLACE),
        (s.PARTIAL, e.ACCEPT, s.PARTIAL),  # odd: the acknowledgement that a fill overtook
        (s.PARTIAL, e.REJECT_CANCEL, s.PARTIAL),  # odd: as for one that works
        (s.PARTIAL, e.FILL_PART, s.PARTIAL),
        (s.PARTIAL, e.FILL_LAST, s.FILLED),
        (s.PARTIAL, e.CANCEL, s.CANCELLED),
        (s.PARTIAL, e.EXPIRE, s.EXPIRED),
        (s.PARTIAL, e.ASK_CANCEL, s.PENDING_CANCEL),
        (s.PARTIAL, e.ASK_REPLACE, s.PENDING_REPLACE),
        (s.PENDING_CANCEL, e.ACCEPT, s.PENDING_CANCEL),  # odd: acknowledgement that crossed our cancel
        (s.PENDING_CANCEL, e.REJECT, s.REJECTED),  # odd: refused while our cancel was under way
        (s.PENDING_CANCEL, e.TRIGGER, s.PENDING_CANCEL),  # odd: triggered while our cancel was under way
        (s.PENDING_CANCEL, e.FILL_PART, s.PENDING_CANCEL),  # odd: the cancel is losing its race
        (s.PENDING_CANCEL, e.FILL_LAST, s.FILLED),  # odd: the cancel lost its race
        (s.PENDING_CANCEL, e.CANCEL, s.CANCELLED),
        (s.PENDING_CANCEL, e.REJECT_CANCEL, s.WORKING),  # trader half refines to PARTIAL when it holds fills
        (s.PENDING_CANCEL, e.EXPIRE, s.EXPIRED),
        (s.PENDING_CANCEL, e.ASK_CANCEL, s.PENDING_CANCEL),  # odd: asked twice; the second is not sent
        (s.PENDING_CANCEL, e.REPLACE, s.PENDING_CANCEL),  # odd: answer to a replace sent before the cancel
        (s.PENDING_REPLACE, e.ACCEPT, s.PENDING_REPLACE),  # odd: acknowledgement that crossed our replace
        (s.PENDING_REPLACE, e.REJECT, s.REJECTED),
        (s.PENDING_REPLACE, e.TRIGGER, s.PENDING_REPLACE),
        (s.PENDING_REPLACE, e.FILL_PART, s.PENDING_REPLACE),  # odd: filled at the old terms
        (s.PENDING_REPLACE, e.FILL_LAST, s.FILLED),  # odd: filled whole at the old terms
        (s.PENDING_REPLACE, e.REPLACE, s.WORKING),  # trader half refines to PARTIAL when it holds fills
        (s.PENDING_REPLACE, e.REJECT_CANCEL, s.WORKING),  # the venue kept the old terms
        (s.PENDING_REPLACE, e.CANCEL, s.CANCELLED),
        (s.PENDING_REPLACE, e.EXPIRE, s.EXPIRED),
        (s.PENDING_REPLACE, e.ASK_CANCEL, s.PENDING_CANCEL),
        (s.PENDING_REPLACE, e.ASK_REPLACE, s.PENDING_REPLACE),  # odd: replaced twice before an answer
        (s.FILLED, e.ACCEPT, s.FILLED),  # odd: late acknowledgement
        (s.FILLED, e.REJECT_CANCEL, s.FILLED),  # odd: the answer to a cancel that lost its race
        (s.CANCELLED, e.FILL_PART, s.CANCELLED),  # odd: a fill that the cancel overtook; money moved, so it counts
        (s.CANCELLED, e.FILL_LAST, s.FILLED),  # odd: likewise, and nothing was left to cancel
        (s.CANCELLED, e.REJECT_CANCEL, s.CANCELLED),  # odd: asked twice, the second came too late
        (s.EXPIRED, e.FILL_PART, s.EXPIRED),  # odd: a fill before expiry, reported after it
        (s.EXPIRED, e.FILL_LAST, s.FILLED),
        (s.EXPIRED, e.REJECT_CANCEL, s.EXPIRED),  # odd: our cancel met an expired order
        (s.REJECTED, e.REJECT_CANCEL, s.REJECTED),  # odd: our cancel met an order the venue never took
        (s.PENDING, e.LOSE, s.UNKNOWN),
        (s.WORKING, e.LOSE, s.UNKNOWN),
        (s.TRIGGERED, e.LOSE, s.UNKNOWN),
        (s.PARTIAL, e.LOSE, s.UNKNOWN),
        (s.PENDING_CANCEL, e.LOSE, s.UNKNOWN),
        (s.PENDING_REPLACE, e.LOSE, s.UNKNOWN),
        (s.UNKNOWN, e.LOSE, s.UNKNOWN),  # odd: the connection went again
        (s.UNKNOWN, e.ACCEPT, s.WORKING),  # trader half refines to PARTIAL when it holds fills
        (s.UNKNOWN, e.REJECT, s.REJECTED),
        (s.UNKNOWN, e.TRIGGER, s.TRIGGERED),
        (s.UNKNOWN, e.FILL_PART, s.PARTIAL),
        (s.UNKNOWN, e.FILL_LAST, s.FILLED),
        (s.UNKNOWN, e.CANCEL, s.CANCELLED),
        (s.UNKNOWN, e.EXPIRE, s.EXPIRED),
        (s.UNKNOWN, e.REPLACE, s.WORKING),  # likewise
        (s.UNKNOWN, e.REJECT_CANCEL, s.UNKNOWN),  # odd: a venue says no to one that works and to one that it has not
        (s.UNKNOWN, e.ASK_CANCEL, s.UNKNOWN),  # odd: it counts until the answer says what became of it
        (s.UNKNOWN, e.ASK_REPLACE, s.UNKNOWN),  # odd: likewise, where a fill of another changes it
    ]
    table = np.full((len(OrderState), len(OrderEvent)), _MISSING, dtype=np.int8)
    for state, event, after in rows:
        if table[state, event] != _MISSING:
            raise ValueError(f"{state.name} with {event.name} stands in two rows")
        table[state, event] = after
    return table


TRANSITIONS: NDArray[np.int8] = _transitions()
"""`TRANSITIONS[state, event]` is the next `OrderState`, or -1 where that event cannot happen in that state."""
TRANSITIONS.setflags(write=False)
