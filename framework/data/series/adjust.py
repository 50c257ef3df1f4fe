"""Splits and dividends told apart from raw and adjusted closes.

With S new shares for one old and a dividend of D per share on the ex-date t, the vendors write the adjusted return
adjusted_t / adjusted_{t-1} in two ways:

- `"ex_close"` (Quandl WIKI): (S * close_t + D) / close_{t-1}, the return of a holder who reinvests at the ex-date's close;
- `"previous_close"` (Yahoo): S * close_t / (close_{t-1} - D), history scaled by 1 - D / close_{t-1}.

So r = (close_t / close_{t-1}) / (adjusted_t / adjusted_{t-1}) is 1 on an ordinary day and 1/S on a split. On a dividend
D = close_t * (1/r - 1) in the first and D = close_{t-1} * (1 - r) in the second. Read with the wrong one of the two, every
dividend is off by that day's return, and few of them are round amounts: that is how the mistake shows.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.data.checks.decimals import roundest
from framework.data.reference.actions import split_ratio
from framework.errors import DataError, did_you_mean
from framework.schema.inferred import infer_step

Convention = Literal["ex_close", "previous_close"]

SMALLEST_SPLIT = 0.2
"""A factor nearer to 1 than this is a dividend: special dividends reach 11 %, splits start at 6:5."""
LARGEST_DIVIDEND = 0.5
"""Of the close. Beyond it a factor that is no simple ratio is refused rather than guessed."""

_LARGEST_TERM = 20  # of a reduced split ratio's smaller side
_FLOAT_NOISE = 1e-12  # relative, of two divisions of doubles and the vendor's own product of factors
_SINGLE_NOISE = 4 * 2.0**-24  # of four single-precision closes, as Yahoo computes them
_DECIMALS = 13
_COARSEST_ADJUSTED = 0.01  # a few adjusted closes may look coarser by chance; no vendor rounds them so


def derive_actions(
    raw_close: pd.Series[float], adjusted_close: pd.Series[float], *, symbol: str = "ASSET", convention: Convention = "ex_close"
) -> pd.DataFrame:
    """Find the splits and dividends that turn raw closes into adjusted ones.

    Args:
        raw_close: prices as traded, > 0, one a session, index increasing.
        adjusted_close: the same sessions, > 0, adjusted for splits and dividends.
        symbol: written into the result.
        convention: how the vendor adjusts for dividends, "ex_close" or "previous_close"; see above.

    Returns:
        Columns symbol, ts (the ex-date's label in the index), kind ("split" or "dividend"), value (a Fraction new/old, or money
        per share as a float: the roundest amount the precision of the adjusted closes allows). Factors within that precision
        of 1 are noise and give nothing.

    Raises:
        DataError: the two differ in index, hold something not positive, or a day's factor is neither split nor dividend.

    >>> days = pd.DatetimeIndex(["2020-01-01", "2020-01-02", "2020-01-03"])
    >>> raw, adjusted = pd.Series([10.0, 5.0, 4.5], days), pd.Series([4.5, 4.5, 4.5], days)
    >>> derive_actions(raw, adjusted)["value"].tolist()
    [Fraction(2, 1), 0.5]
    """
    _check_convention(convention)
    raw, adjusted = _checked(raw_close, adjusted_close, symbol)
    factor = (raw[1:] / raw[:-1]) / (adjusted[1:] / adjusted[:-1])
    noise = 2.0 * _noise(raw, adjusted)
    rows: list[dict[str, Any]] = []
    for day in np.flatnonzero(np.abs(factor - 1.0) > noise).tolist():
        base, yields = (raw[day + 1], 1 / factor[day] - 1) if convention == "ex_close" else (raw[day], 1 - factor[day])
        place = f"{symbol}, {raw_close.index[day + 1]}"
        kind, value = _explain(float(factor[day]), float(base), float(yields), float(noise[day]), place)
        rows.append({"symbol": symbol, "ts": raw_close.index[day + 1], "kind": kind, "value": value})
    table = pd.DataFrame(rows, columns=["symbol", "ts", "kind", "value"])
    return table.astype({"value": object})


def adjusted_returns(raw_close: pd.Series[float], actions: pd.DataFrame, *, convention: Convention = "ex_close") -> pd.Series[float]:
    """Total simple returns, from the second session on, by one of the two formulas above.

    Args:
        raw_close: prices as traded.
        actions: as `derive_actions` returns them; `ts` must be in the index.
        convention: "ex_close" is what a holder earns; "previous_close" what some vendors publish.

    Raises:
        DataError: an action on a day that the closes do not have.

    >>> days = pd.DatetimeIndex(["2020-01-01", "2020-01-02"])
    >>> split = pd.DataFrame({"symbol": ["X"], "ts": [days[1]], "kind": ["split"], "value": ["2:1"]})
    >>> adjusted_returns(pd.Series([10.0, 6.0], days), split).tolist()
    [0.19999999999999996]
    """
    _check_convention(convention)
    shares = pd.Series(1.0, raw_close.index)
    money = pd.Series(0.0, raw_close.index)
    for ts, kind, value in zip(actions["ts"], actions["kind"], actions["value"], strict=True):
        if ts not in raw_close.index:
            raise DataError(f"a {kind} on {ts}, but no close on that day. Give the closes of the whole range.")
        if kind == "split":
            shares[ts] *= float(split_ratio(value))
        else:
            money[ts] += float(value)
    before = raw_close.shift(1)
    if convention == "ex_close":
        return ((shares * raw_close + money) / before - 1.0).iloc[1:]
    return (shares * raw_close / (before - money) - 1.0).iloc[1:]


def _check_convention(convention: str) -> None:
    if convention not in ("ex_close", "previous_close"):
        raise DataError(f"convention={convention!r} is unknown. {did_you_mean(convention, ('ex_close', 'previous_close'))}")


def _checked(raw_close: pd.Series[float], adjusted_close: pd.Series[float], symbol: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not raw_close.index.equals(adjusted_close.index):
        raise DataError(f"{symbol}: raw closes ({len(raw_close)}) and adjusted closes ({len(adjusted_close)}) are not of the same days.")
    if not (raw_close.index.is_monotonic_increasing and raw_close.index.is_unique):
        raise DataError(f"{symbol}: the closes are not in order of time, or a day comes twice. Sort them and keep one a day.")
    for name, series in (("raw", raw_close), ("adjusted", adjusted_close)):
        wrong = ~(np.isfinite(series.to_numpy(np.float64)) & (series.to_numpy(np.float64) > 0))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataError(f"{symbol}, {series.index[row]}: {name} close {series.iloc[row]}; rule: finite and > 0. Correct it.")
    return np.asarray(raw_close, np.float64), np.asarray(adjusted_close, np.float64)


def _noise(raw: NDArray[np.float64], adjusted: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far from 1 a factor may be by rounding alone, shape (days - 1,)."""
    half = min(infer_step(adjusted, _DECIMALS).step.size, _COARSEST_ADJUSTED) / 2
    noise = half * (1 / adjusted[1:] + 1 / adjusted[:-1]) + _FLOAT_NOISE
    step = infer_step(raw, _DECIMALS).step
    if step.denominator > 10_000:  # finer than markets quote: the "raw" closes were computed and rounded themselves
        noise = noise + step.size / 2 * (1 / raw[1:] + 1 / raw[:-1]) + _SINGLE_NOISE
    return np.asarray(noise)


def _explain(factor: float, base: float, yields: float, noise: float, place: str) -> tuple[str, Fraction | float]:
    ratio = 1 / factor
    if abs(ratio - 1) >= SMALLEST_SPLIT:
        small = min(ratio, factor)  # below 1, so that its numerator is the smaller term
        simple = 1 / Fraction(1 / small).limit_denominator(_LARGEST_TERM)
        if abs(float(simple) - small) <= max(noise, 1e-9) * small:
            return "split", simple if ratio < 1 else 1 / simple
    dividend = base * yields
    if not 0 < dividend <= LARGEST_DIVIDEND * base:
        raise DataError(
            f"{place}: the adjustment of factor {factor:.9g} on a close of {base:g} is no split of small whole numbers, "
            f"and as a dividend it would be {dividend:.6g}; rule: 0 < dividend <= {LARGEST_DIVIDEND:g} of the close. "
            "Correct the closes, or give actions by hand."
        )
    return "dividend", roundest(dividend, max(noise * base * ratio, 1e-9))
