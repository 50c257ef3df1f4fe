"""From the words of a config to the legs of the kernel: distributions, files of measurements, and a feed that comes later."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.config import LatencyConfig, LognormalLatency, RecordedLatency, SampledLatency
from framework.data.tape import Tape
from framework.errors import ConfigError, DataError, InputError, did_you_mean
from framework.kernel.venue.latency_legs import FEED, Latencies, Leg, symbol_key
from framework.schema.event import SOURCE_RANK, Kind
from framework.schema.side import SideRecords
from framework.schema.units import FIRST_STAMP_NS, LAST_STAMP_NS, LONGEST_NS
from framework.simulation.settings import RunSettings

LATENCY_COLUMN = "latency_ns"
_RECORDED_COLUMNS = ("sent_ns", "arrived_ns", "answered_ns")
_QUANTILES = 4097
"""Size of the table of quantiles that a distribution or a sample becomes."""

_TICKS = (Kind.TRADE, Kind.DEPTH, Kind.GAP)
_SEEN_BY_BOTH = (Kind.BAR, Kind.QUOTE)
_RANKS = np.array([SOURCE_RANK.get(Kind(k), 0) if k in Kind.__members__.values() else 0 for k in range(max(Kind) + 1)])

Model = LognormalLatency | SampledLatency | RecordedLatency


def settled(config: LatencyConfig) -> LatencyConfig:
    """The same with the digests of its files: what a run's audit says of its latencies.

    Raises:
        ConfigError, DataError: a file is not there, or not the one whose digest is given.
    """
    legs = {}
    for name in ("feed_ns", "decision_ns", "entry_ns", "response_ns"):
        model = getattr(config, name)
        if isinstance(model, SampledLatency | RecordedLatency) and model.file is not None:
            legs[name] = model.model_copy(update={"digest": _content(model, name)[1]})
    return config.model_copy(update=legs)


def latencies_of(config: LatencyConfig, seed: int) -> Latencies:
    """The legs between strategy and venue, for the exchange half."""
    return Latencies(
        decision=_leg(config.decision_ns, "decision_ns"),
        order_entry=_leg(config.entry_ns, "entry_ns"),
        response=_leg(config.response_ns, "response_ns"),
        keeps_order=config.in_order,
        seed=seed,
    )


def as_received(tape: Tape, settings: RunSettings) -> Tape:
    """The tape as we receive it and as the venue sees it, with the latency of the feed; see `VenueConfig.prices_at`."""
    received = with_feed_latency(tape, settings.latency, settings.seed)
    if settings.venue.prices_at == "venue" or not (received.events["ts_venue_ns"] != received.events["ts_local_ns"]).any():
        return received
    events = received.events.copy()
    events["ts_venue_ns"] = events["ts_local_ns"]
    events.flags.writeable = False
    return replace(received, events=events)


def with_feed_latency(tape: Tape, config: LatencyConfig, seed: int) -> Tape:
    """The tape as we receive it: each tick's local stamp later by the feed's latency, what happened at the venue as it was.

    A tick is received no sooner than the one before it of the same instrument; ticks of one instrument and venue stamp share their delay.
    Sessions, splits and the like keep their stamps: a calendar knows them.

    Raises:
        InputError: the tape has bars or quotes, which both halves see at once.
    """
    leg = _leg(config.feed_ns, "feed_ns")
    if not leg.varies and leg.constant_ns == 0:
        return tape
    kinds = tape.events["kind"]
    if np.isin(kinds, _SEEN_BY_BOTH).any():
        raise InputError(
            f"latency.feed_ns on the tape {tape.name!r}, which has bars or quotes: the simulated venue sees these when we do, so they "
            "cannot come late. Add the feed's latency to latency.entry_ns: an order then arrives as late as if it had been decided later."
        )
    events = tape.events.copy()
    is_tick = np.isin(kinds, _TICKS)
    for number, instrument in enumerate(tape.instruments):
        rows = np.flatnonzero(is_tick & (events["instrument"] == number))
        delays = leg.delays(np.ascontiguousarray(events["ts_venue_ns"][rows]), symbol_key(instrument.symbol), FEED, seed)
        events["ts_local_ns"][rows] = np.maximum.accumulate(events["ts_local_ns"][rows] + delays)
    events = events[np.lexsort((_RANKS[events["kind"]], events["ts_local_ns"]))]
    events.flags.writeable = False
    return replace(tape, events=events, sides=SideRecords())  # whose numbers are those of the tape as it was


def latency_notes(config: LatencyConfig) -> tuple[str, ...]:
    """What a reader must know of the latencies: recorded messages that were left out."""
    models = {m.file: m for m in (config.entry_ns, config.response_ns) if isinstance(m, RecordedLatency) and m.unanswered == "leave_out"}
    notes = []
    for model in models.values():
        frame = _frame(model, "", _RECORDED_COLUMNS)
        left_out = int(_unanswered(frame).sum())
        if left_out:
            notes.append(
                f"{left_out:,} of {len(frame):,} messages in {model.file} have no arrival or no answer and were left out: here every "
                "message arrives, so a venue that loses orders looks better than it is."
            )
    return tuple(notes)


def _leg(model: int | Model, name: str) -> Leg:
    if isinstance(model, int):
        return Leg(constant_ns=model)
    if isinstance(model, LognormalLatency):
        return Leg(quantiles_ns=_whole(model.median_ns * np.exp(model.sigma * _normal_quantiles())))
    if isinstance(model, RecordedLatency):
        return Leg(recorded=_recorded(model, name))
    if model.quantiles_ns is not None:
        return Leg(quantiles_ns=np.array(model.quantiles_ns, dtype=np.int64))
    measured = _frame(model, name, (LATENCY_COLUMN,))[LATENCY_COLUMN]
    rule = f"0 <= {LATENCY_COLUMN} <= {LONGEST_NS} (ten years)"
    _refuse_rows(model, name, measured.isna() | (measured < 0) | (measured > LONGEST_NS), measured, rule)
    values = np.quantile(measured.to_numpy(np.int64), np.linspace(0.0, 1.0, _QUANTILES))
    return Leg(quantiles_ns=_whole(values))


@cache
def _normal_quantiles() -> NDArray[np.float64]:
    inner = np.arange(1, _QUANTILES - 1) / (_QUANTILES - 1)
    chances = np.concatenate([inner[:1] / 2, inner, 1.0 - inner[:1] / 2])
    normal = NormalDist()
    return np.array([normal.inv_cdf(chance) for chance in chances.tolist()])


def _whole(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.round(values).astype(np.int64)


def _recorded(model: RecordedLatency, name: str) -> NDArray[np.int64]:
    """(sent, delay) of the messages of one leg, in order of sending."""
    frame = _frame(model, name, _RECORDED_COLUMNS)
    missing = _unanswered(frame)
    if model.unanswered == "refuse":
        _refuse_rows(model, name, missing, frame["answered_ns"], "every message has an arrival and an answer; or set unanswered: leave_out")
    frame = frame[~missing]
    if not len(frame):
        raise DataError(f"latency.{name}: {model.file} has no answered message; rule: at least 1.")
    back = frame["sent_ns"].diff().fillna(0) < 0
    _refuse_rows(model, name, back, frame["sent_ns"], "sent_ns does not descend; sort the file by it")
    for first, second in (("sent_ns", "arrived_ns"), ("arrived_ns", "answered_ns")):
        rule = f"{first} <= {second}; where the venue's clock differs from ours, correct its stamps first"
        _refuse_rows(model, name, frame[second] < frame[first], frame[second], rule)
    for column in _RECORDED_COLUMNS:
        outside = (frame[column] < FIRST_STAMP_NS) | (frame[column] > LAST_STAMP_NS)
        _refuse_rows(model, name, outside, frame[column], f"{column} from 1850 to 2200, in nanoseconds since 1970")
    late = frame["answered_ns"] - frame["sent_ns"] > LONGEST_NS
    _refuse_rows(model, name, late, frame["answered_ns"], "answered at most ten years after it was sent")
    start, end = ("arrived_ns", "answered_ns") if name == "response_ns" else ("sent_ns", "arrived_ns")
    times = frame[[start, end]].to_numpy(np.int64)
    found = np.stack([times[:, 0], times[:, 1] - times[:, 0]], axis=1)
    return np.ascontiguousarray(found[np.argsort(found[:, 0], kind="stable")])


def _unanswered(frame: pd.DataFrame) -> pd.Series:
    return (frame.isna() | (frame == 0)).any(axis=1)


def _refuse_rows(model: Model, name: str, is_wrong: pd.Series, values: pd.Series, rule: str) -> None:
    if is_wrong.any():
        row = int(np.argmax(is_wrong.to_numpy()))
        file = getattr(model, "file", None)
        raise DataError(
            f"latency.{name}: {file}, data row {int(is_wrong.index[row]) + 1}, {values.name} = {values.iloc[row]}; rule: {rule}; "
            f"{int(is_wrong.sum())} of {len(is_wrong)} rows break it."
        )


def _frame(model: SampledLatency | RecordedLatency, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    frame = _content(model, name)[0]
    for column in columns:
        if column not in frame.columns:
            raise DataError(f"latency.{name}: {model.file} has no column {column!r}. {did_you_mean(column, map(str, frame.columns))}")
        if len(frame) and not pd.api.types.is_integer_dtype(frame[column]):
            raise DataError(f"latency.{name}: {model.file}, column {column!r} is {frame[column].dtype}; rule: whole nanoseconds.")
    if not len(frame):
        raise DataError(f"latency.{name}: {model.file} has no rows; rule: at least 1.")
    return frame[list(columns)]


def _content(model: SampledLatency | RecordedLatency, name: str) -> tuple[pd.DataFrame, str]:
    path = Path(model.file or "")
    try:
        stat = path.stat()
    except OSError as error:
        raise ConfigError(f"latency.{name}.file = {model.file!r}: {error.strerror}; taken from the folder where the command runs") from None
    frame, digest = _read(path, stat.st_mtime_ns, stat.st_size)
    if model.digest is not None and model.digest != digest:
        raise DataError(f"latency.{name}: {model.file} has digest {digest[:16]}..., asked for {model.digest[:16]}...: another file.")
    return frame, digest


@lru_cache(maxsize=8)
def _read(path: Path, _changed_ns: int, _bytes: int) -> tuple[pd.DataFrame, str]:
    """A table and the digest of its file; read anew when the file changes."""
    if path.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"{path}: {path.suffix or 'no suffix'} is not read here; rule: .csv or .parquet")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if path.suffix == ".parquet":
        return pd.read_parquet(path, dtype_backend="numpy_nullable"), digest
    return pd.read_csv(path, dtype_backend="numpy_nullable"), digest
