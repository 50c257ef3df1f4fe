"""What events about accounts may say, so that the kernel is never told of nothing: corrections, transfers, limits and breakers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framework.errors import DataError
from framework.schema.event import NO_INSTRUMENT, Correction, Kind, currency_of
from framework.schema.order import Reason
from framework.schema.units import LARGEST_STEPS

LARGEST_AMOUNT = 1e15
"""Of cash that is moved or corrected."""

_REASONS = tuple(int(reason) for reason in Reason)
_ABOUT_ORDERS = (Correction.ORDER_FOUND, Correction.ORDER_WORKS, Correction.ORDER_ENDED)


def check_account_events(events: NDArray[np.void]) -> None:
    """Refuse corrections and transfers that cannot be.

    Raises:
        DataError: with the row, the value and the rule.
    """
    for row in np.flatnonzero(np.isin(events["kind"], (Kind.CORRECTION, Kind.TRANSFER))).tolist():
        event = events[row]
        wrong = _wrong_correction(event) if event["kind"] == Kind.CORRECTION else _wrong_transfer(event)
        if wrong:
            raise DataError(f"extra event {row} ({Kind(int(event['kind'])).name}): {wrong}")


def cash_events(events: NDArray[np.void]) -> NDArray[np.void]:
    """Those that move or correct cash."""
    kinds, flags = events["kind"], events["flags"]
    is_cash = (kinds == Kind.CORRECTION) & (flags == Correction.CASH)
    found: NDArray[np.void] = events[is_cash | ((kinds == Kind.TRANSFER) & (events["instrument"] == NO_INSTRUMENT))]
    return found


def _real(word: np.int64) -> float:
    return float(np.int64(word).view(np.float64))


def _wrong_cash(word: int, amount: float, rate: float) -> str:
    try:
        text = currency_of(word)
    except (UnicodeDecodeError, OverflowError):
        text = ""
    if not (text.isascii() and text.isalpha() and text.isupper() and 3 <= len(text) <= 5):
        return f"currency word {word}; rule: three to five capital letters as `currency_word` makes it of them"
    if not abs(amount) <= LARGEST_AMOUNT:
        return f"amount {amount:g}; rule: a number from {-LARGEST_AMOUNT:g} to {LARGEST_AMOUNT:g}"
    return "" if 0.0 <= rate <= LARGEST_AMOUNT else f"rate {rate:g}; rule: above 0, or 0 for none"


def _wrong_units(lots: int, ticks: float) -> str:
    if not abs(lots) <= LARGEST_STEPS:
        return f"{lots} lots; rule: at most 2**53 of either sign"
    return "" if 0.0 < ticks <= LARGEST_STEPS or lots == 0 else f"price {ticks:g} ticks; rule: above 0 and at most 2**53"


def _wrong_transfer(event: np.void) -> str:
    if event["instrument"] == NO_INSTRUMENT:
        return _wrong_cash(int(event["w0"]), _real(event["w1"]), _real(event["w4"]))
    return _wrong_units(int(event["w0"]), _real(event["w1"]))


def _wrong_correction(event: np.void) -> str:
    what = int(event["flags"])
    if what not in list(Correction):
        return f"flags {what}; rule: one of {', '.join(f'{kind.name} ({kind.value})' for kind in Correction)}"
    if (event["instrument"] == NO_INSTRUMENT) != (what == Correction.CASH):
        return f"{Correction(what).name} with instrument {int(event['instrument'])}; rule: one of cash has none, any other has one"
    if what != Correction.ORDER_FOUND and int(event["w4"]) not in _REASONS:
        return f"reason {int(event['w4'])}; rule: one of `Reason`, such as RECONCILED ({Reason.RECONCILED.value})"
    if what == Correction.CASH:
        return _wrong_cash(int(event["w0"]), _real(event["w3"]), _real(event["w2"]))
    if what in _ABOUT_ORDERS:
        lots = int(event["w2" if what == Correction.ORDER_FOUND else "w1"])
        least = 1 if what == Correction.ORDER_FOUND else 0
        if not least <= lots <= LARGEST_STEPS:
            return f"{lots} lots; rule: from {least} to 2**53"
        return "" if int(event["w0"]) >= 0 else f"order {int(event['w0'])}; rule: at least 0"
    mark = _real(event["w2"])
    if not 0.0 <= mark <= LARGEST_STEPS:
        return f"mark {mark:g} ticks; rule: above 0 and at most 2**53, or 0 for none"
    return _wrong_units(int(event["w0"]), _real(event["w3"]))
