"""The columns that a table of bars has, and the sentences for one that lacks some, repeats some, or has others."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence

from framework.errors import DataError, did_you_mean, some_of

PRICE_COLUMNS = ("open", "high", "low", "close")
COLUMNS = (*PRICE_COLUMNS, "volume")


def check_columns(columns: Sequence[str], *, place: str, volume_needed: bool = True) -> None:
    """Raise unless the columns are exactly open, high, low, close and volume, in any order.

    Args:
        columns: lower-case names, stamp and symbol columns already taken away.
        place: file or frame, named in the message.
        volume_needed: False for an index, which may have no volume.

    Raises:
        DataError: a column is missing, repeated or unknown.
    """
    check_known(columns, place=place)
    for name in COLUMNS:
        if name not in columns and (name != "volume" or volume_needed):
            raise DataError(
                f"{place}: column {name!r} is missing; found {some_of(columns) or 'none'}. "
                f"Map another column to it: {call_mapping({'...': name})}."
            )


def check_known(columns: Sequence[str], *, place: str) -> None:
    """Raise for a column that is repeated or none of open, high, low, close and volume.

    Raises:
        DataError: naming the first few, and how many more there are.
    """
    counts = Counter(columns)
    repeated = sorted(name for name, count in counts.items() if count > 1)
    if repeated:
        raise DataError(f"{place}: column {repeated[0][:80]!r} appears more than once. Remove or rename all but one.")
    unknown = [name[:80] for name in columns if name not in COLUMNS]
    for name in unknown:
        if name.replace("_", " ") in ("adj close", "adjusted close"):
            knowingly = (
                f"To backtest on adjusted prices knowingly, multiply open, high, low and close by {name} / close first."
                if "close" in columns
                else f"To backtest on adjusted closes knowingly: {call_mapping({name: 'close'})}."
            )
            raise DataError(
                f"{place}: column {name!r}: adjusted prices are not the prices that traded. Remove the column and give the splits "
                f"and dividends as actions= (framework.data.series.adjust.derive_actions finds them). {knowingly}"
            )
    if unknown:
        name, more = unknown[0], some_of([repr(name) for name in unknown[1:]], most=3)
        missing = [column for column in COLUMNS if column not in columns]
        meant = missing if len(missing) == 1 else difflib.get_close_matches(name, missing, n=1, cutoff=0.5)
        raise DataError(
            f"{place}: column {name!r} is unknown{f', so are {more}' if more else ''}. "
            f"{did_you_mean(name, missing) if missing else f'Known: {some_of(sorted(COLUMNS))}.'} "
            f"{f'If it is what is missing, rename it: {call_mapping({name: meant[0]})}. ' if meant else ''}"
            f"Leave it out: {call_mapping({name: ''})}."
        )


def call_mapping(columns: Mapping[str, str]) -> str:
    """How columns are renamed, or left out, in a call that works for frames and files alike."""
    names = ", ".join(f'"{theirs}": "{ours}"' for theirs, ours in columns.items())
    return f"read_bars(..., columns={{{names}}}) makes a tape that backtest takes"
