"""Judge the models of the line on data that tell orders: predict the fills of real resting orders from levels and trades alone.

result = calibrate_queue("AAPL_2012-06-21_message_50.csv.gz")
result.calibration      # bias and calibration error in points, by model and horizon
result.findings         # what that says, in sentences
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from framework.data.tape import Tape
from framework.data.tape.parts import name_of, parts_of
from framework.data.tape.recording import Events, Recording
from framework.data.tape.stamps import Bound, bounds_ns
from framework.errors import DataError, InputError, did_you_mean
from framework.schema.event import EVENT, Kind
from framework.schema.instrument import Instrument
from research.queue import measure
from research.queue.measure import END, Sample
from research.queue.result import QueueCalibration
from research.queue.walks import QueueModel, Truth, marked_levels, predicted_fills, trades_last, true_fates

POWERS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0)
HORIZONS_S = (1.0, 10.0, 60.0)
NAIVE = (
    QueueModel("touch", rule="touch"),
    QueueModel("through", rule="through"),
    QueueModel("half the line", join_share=0.5),
    QueueModel("first in line", join_share=0.0),
)
"""Fills when the price trades; only when it is traded through; half of what stands there ahead, and all of it behind; nobody ahead."""

_FEWEST = 50
"""Orders that each half must have."""


def calibrate_queue(
    data: Recording | Tape | Path | str,
    *,
    instrument: str | None = None,
    orders: int = 50_000,
    levels: int = 10,
    horizons_s: Sequence[float] = HORIZONS_S,
    powers: Sequence[float] = POWERS,
    start: Bound = None,
    end: Bound = None,
    starts_empty: bool = False,
) -> QueueCalibration:
    """Predict the fills of real resting orders by each model of the line, and compare with what the orders themselves tell.

    Every sampled order joins the back of its line and is replaced by an order of ours of one lot. From then on a model sees levels and
    trades only; the truth is by order (`research.queue.truth`). The power of "power" and the best model are chosen on the first half of
    the orders, by what was known when it ended, as the least mean of the calibration errors within `horizons_s`; the tables judge the
    second half.

    Args:
        data: DEPTH by order and TRADE of one venue: a recording, a tape or a file whose format its name tells.
        instrument: its symbol, where the data have several.
        orders: at most so many are followed, taken evenly from those that joined; fewer where lines are very long, which `findings` says.
        levels: only those that join one of the best so many prices of their side.
        horizons_s: seconds within which fills are counted; as far as the data go is added.
        powers: among which the n of "power" is chosen; above 0.
        start, end: part of the data, as in `catalog.load`; the book is built from the beginning.
        starts_empty: the book is known, and empty, before its first snapshot.

    Raises:
        InputError: an argument that cannot be.
        DataError: no orders, or fewer than 50 in a half.
    """
    _check(orders, levels, horizons_s, powers)
    events, which, source = _one_instrument(data, instrument)
    first_ns, last_ns = bounds_ns(start, end)
    events = events[events["ts_local_ns"] <= last_ns]
    lines = (QueueModel("pessimistic"), *(QueueModel(f"power {n:g}", "power", n) for n in sorted(powers)), QueueModel("log", "log"))
    truth = true_fates(events, lines, orders=orders, levels=levels, starts_empty=starts_empty, from_ns=max(first_ns, 0))
    told = marked_levels(events, truth, which, starts_empty=starts_empty)
    models = (*lines, *NAIVE)
    fills = predicted_fills(told, truth.places, models, starts_empty=starts_empty)
    swapped = predicted_fills(trades_last(told), truth.places, models, starts_empty=starts_empty)
    names = tuple(model.name for model in models)
    samples = Sample(truth.places, fills, names), Sample(truth.places, swapped, names)
    return _judged(*samples, truth, lines, [f"{seconds:g} s" for seconds in horizons_s], source, which)


def _judged(
    sample: Sample, swapped: Sample, truth: Truth, lines: Sequence[QueueModel], horizons: list[str], source: str, instrument: Instrument
) -> QueueCalibration:
    """Choose the power on the first half, judge on the second."""
    stamps = sample.places["stamp_ns"]
    split_ns = int(np.median(stamps))
    fit, judged = sample.part(stamps <= split_ns).until(split_ns), sample.part(stamps > split_ns)
    for half, name in ((fit, "first"), (judged, "second")):
        followed = int(measure.outcomes(half, horizons[0])[0].sum()) if len(half.places) else 0
        if followed < _FEWEST:
            raise DataError(
                f"{source}: {followed} orders of the {name} half were followed for {horizons[0]}; rule: at least {_FEWEST} in each half. "
                "Give longer data, more orders or levels, or a shorter first horizon."
            )
    fitted = measure.calibration(fit, horizons).groupby("model", sort=False)["ece"].mean()
    names = [model.name for model in lines]
    power = str(fitted[[name for name in names if name.startswith("power")]].idxmin())
    best = str(fitted[["pessimistic", "log", power]].idxmin())
    every = [*horizons, END]
    tables = {
        "fit": fitted.rename("ece").reset_index(),
        "calibration": measure.calibration(judged, every),
        "levels_first": measure.calibration(swapped.part(stamps > split_ns), every),
        "bins": measure.by_bin(judged, every),
        "fill_times": measure.fill_times(judged),
        "cancels": measure.cancel_shares(truth, names),
        "orders": measure.frame_of(sample),
    }
    return QueueCalibration(
        source=source,
        instrument=instrument.symbol,
        best=best,
        fitted_power=next(model.power for model in lines if model.name == power),
        split_at=pd.Timestamp(split_ns, unit="ns", tz="UTC"),
        counts=truth.counts,
        **tables,
    )


def _check(orders: int, levels: int, horizons_s: Sequence[float], powers: Sequence[float]) -> None:
    for name, value in (("orders", orders), ("levels", levels)):
        if value < 1:
            raise InputError(f"{name}={value}; rule: {name} >= 1. Leave it out for the default.")
    for name, values in (("horizons_s", horizons_s), ("powers", powers)):
        wrong = [value for value in values if not 0 < value < np.inf]
        if wrong or not len(values) or list(values) != sorted(set(values)):
            raise InputError(f"{name}={tuple(values)}; rule: at least one, each above 0, rising. Write such as {name}=(1.0, 10.0).")


def _one_instrument(data: Recording | Tape | Path | str, symbol: str | None) -> tuple[Events, Instrument, str]:
    """The events of one instrument, numbered 0."""
    if isinstance(data, (str, Path)):
        from framework.commands.guess import read_guessed

        data = read_guessed([Path(data)], None, [])
    source, instruments = name_of(data), data.instruments
    symbols = [one.symbol for one in instruments]
    if symbol is None and len(symbols) > 1:
        raise InputError(f"{source} has {len(symbols)} instruments; rule: one is judged at a time. Name it: {did_you_mean('', symbols)}")
    if symbol is not None and symbol not in symbols:
        raise InputError(f"instrument={symbol!r} is not in {source}. {did_you_mean(symbol, symbols)}")
    number = symbols.index(symbol) if symbol is not None else 0
    events: Events = np.concatenate([np.zeros(0, EVENT), *(part[part["instrument"] == number] for part in parts_of(data))])
    if not len(events) or not ((events["kind"] == Kind.DEPTH) & (events["w2"] != 0)).any():
        raise DataError(
            f"{source}, {instruments[number].symbol}: no DEPTH by order; rule: the truth is told by orders (L3), such as LOBSTER, ITCH or "
            "DBN mbo. Books by level say nothing of where in a line an order stood."
        )
    if not (events["kind"] == Kind.TRADE).any():
        raise DataError(f"{source}, {instruments[number].symbol}: no TRADE; rule: models are told trades. Give the file that has them.")
    events["instrument"] = 0
    return events, instruments[number], source
