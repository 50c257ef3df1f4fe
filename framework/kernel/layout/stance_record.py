"""How far somebody may trade, as the trader half keeps it."""

from framework.kernel.machine.compile import row_of
from framework.schema.record import I8, Record


class StanceRow(Record):
    """The stance of an instrument, the account, the firm or an owner. The last two words are those of an instrument."""

    stance: I8
    reason: I8
    unknown_orders: I8  # nobody knows whether so many of its orders work
    split_ns: I8  # the venue's stamp of its last split, 0: none; fills made before it count other lots


stance_row = row_of(StanceRow)
