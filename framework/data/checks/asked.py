"""Which instruments were asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from framework.errors import DataError, did_you_mean


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


def chosen_of(known: Collection[str], asked: Sequence[str] | None, place: str) -> list[str]:
    """The symbols asked for, each once and in order; None asks for all that are known.

    Args:
        known: symbols that there are.
        asked: by the user.
        place: what holds them, named in the message: "dataset 'us_equities_daily'".

    Raises:
        DataError: as `check_asked`, and for an unknown symbol, naming the nearest.
    """
    check_asked(asked)
    for symbol in asked or ():
        if symbol not in known:
            raise DataError(f"{place} has no instrument {symbol!r}. {did_you_mean(symbol, known)}")
    return sorted(set(known if asked is None else asked))
