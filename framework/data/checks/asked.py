"""Which instruments were asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from framework.errors import DataError


def check_asked(symbols: Sequence[str] | None) -> None:
    """Refuse what is no collection of symbols; None asks for all.

    Raises:
        DataError: a text alone, which is a row of letters; a single value; or something among them that is no text.
    """
    if symbols is None:
        return
    given: object = symbols  # from a caller without types
    if isinstance(given, str):
        raise DataError(f"instruments = {given!r}: must be a list of symbols; one symbol is written [{given!r}]")
    if isinstance(given, bytes) or not isinstance(given, Iterable):
        raise DataError(f"instruments = {given!r}: must be a list of symbols, such as ['AAPL', 'MSFT'], not {type(given).__name__}")
    for symbol in symbols:
        other: object = symbol
        if not isinstance(other, str):
            raise DataError(f"instruments names {other!r}, which is {type(other).__name__}; rule: symbols are text. Write {str(other)!r}.")
