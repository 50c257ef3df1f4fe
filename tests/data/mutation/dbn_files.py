"""Small good DBN files: orders, trades, and the definitions of their instrument."""

from __future__ import annotations

import struct

import databento_dbn as dbn

SECOND = 10**9
AT = 1_700_000_000 * SECOND


def _head(schema: str) -> bytes:
    return bytes(
        dbn.Metadata(
            dataset="X.Y", start=0, stype_in=dbn.SType.RAW_SYMBOL, stype_out=dbn.SType.INSTRUMENT_ID, schema=dbn.Schema.from_str(schema)
        ).encode()
    )


def dbn_orders() -> bytes:
    """Eight orders; one is changed, one cancelled in part, one executed."""

    def one(at: int, action: str, side: str, order: int, price: int, size: int, flags: int) -> bytes:
        head = (14, 160, 1, 5, AT + at, order, price * 25 * 10**7, size, flags, 0)
        return struct.pack("<BBHIQQqIBBccQiI", *head, action.encode(), side.encode(), AT + at + 1, 0, at + 9)

    rows = [one(k, "A", "BA"[k % 2], k, (390, 410)[k % 2] + k, 5 + k, 128) for k in range(1, 9)]
    rows += [one(20, "M", "B", 2, 391, 9, 128), one(21, "C", "A", 3, 413, 2, 128)]
    rows += [one(22, "T", "B", 0, 411, 4, 0), one(22, "F", "A", 1, 411, 4, 0), one(22, "C", "A", 1, 411, 4, 128)]
    return _head("mbo") + b"".join(rows)


def dbn_trades() -> bytes:
    """Ten trades of both sides."""
    rows = (
        struct.pack(
            "<BBHIQqIccBBQiI", 12, 0, 1, 5, AT + k, (400 + k) * 25 * 10**7, 1 + k, b"T", (b"B", b"A")[k % 2], 128, 0, AT + k + 1, 0, k + 9
        )
        for k in range(10)
    )
    return _head("trades") + b"".join(rows)


def dbn_definitions() -> bytes:
    """A future of ticks of 0.25, worth 50 a point."""
    terms = dbn.InstrumentDefMsg(
        1, 5, 1, 2, 250_000_000, 10**7, "ES", "", "FUT", dbn.InstrumentClass.FUTURE, dbn.SecurityUpdateAction.ADD,
        unit_of_measure_qty=50 * 10**9, unit_of_measure="IPNT", currency="USD", exchange="XCME",
    )  # fmt: skip
    return _head("definition") + bytes(terms)
