"""How far predicted fills lie from the true ones: bias, calibration error, agreement, errors of time, shares of cancels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framework.schema.units import NANOSECONDS_PER_SECOND
from research.queue.records import CANCELLED, FILLED, OPEN, OPPOSITE, PARTLY, PLACE_BINS, SIZE_BINS, THROUGH, TURN
from research.queue.walks import Floats, Ints, Table, Truth

END = "end"
"""The horizon without a length: as far as the data go."""

FATES = {OPEN: "open", FILLED: "filled", PARTLY: "partly", CANCELLED: "cancelled"}
WAYS = {0: "not", TURN: "its turn", THROUGH: "through", OPPOSITE: "opposite"}
_BLOCKS, _DRAWS, _SEED = 40, 400, 1
"""The bootstrap draws so many blocks of equal time with replacement, so often."""
_SLICES = 4
_QUANTILES = {"q05_s": 0.05, "q25_s": 0.25, "median_s": 0.5, "q75_s": 0.75, "q95_s": 0.95}

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sample:
    """Sampled orders and their fills.

    Attributes:
        places: dtype PLACE.
        fills: when each model fills each order, ns, 0 for not; shape (orders, models).
        names: of the models.
    """

    places: Table
    fills: Ints
    names: tuple[str, ...]

    def part(self, kept: Bools) -> Sample:
        """Some of the orders."""
        return Sample(self.places[kept], self.fills[kept], self.names)

    def until(self, stamp_ns: int) -> Sample:
        """The same orders as they were known at a stamp."""
        places = self.places.copy()
        places["until_ns"] = np.minimum(places["until_ns"], stamp_ns)
        return Sample(places, self.fills, self.names)


def length_ns(horizon: str) -> int:
    """A horizon such as "10 s" in nanoseconds; 0 for `END`."""
    return 0 if horizon == END else round(float(horizon.removesuffix(" s")) * NANOSECONDS_PER_SECOND)


def outcomes(sample: Sample, horizon: str) -> tuple[Bools, Bools, Bools]:
    """Which orders were followed for the whole horizon, which of all filled in truth, and by each model."""
    places = sample.places
    limit = places["until_ns"] if horizon == END else places["stamp_ns"] + length_ns(horizon)
    filled = (places["filled_ns"] > 0) & (places["filled_ns"] <= limit)
    return limit <= places["until_ns"], filled, (sample.fills > 0) & (sample.fills <= limit[:, None])


def bins_of(places: Table) -> dict[str, pd.Series]:
    """The bin of each order in each dimension, as text, ordered.

    `ahead`: lots in front when it joined, by thirds of those with any. `distance`: how many occupied prices were better. `size`: own lots
    against those in front. `time`: by quarters of the time the orders joined in, UTC.
    """
    ahead, lots = places["ahead"], places["lots"]
    some = ahead[ahead > 0]
    cuts = np.unique(np.quantile(some, (1 / 3, 2 / 3), method="higher")) if len(some) else np.array([1])
    third = np.where(ahead <= 0, 0, 1 + np.searchsorted(cuts, ahead))
    edges = ["nothing", *(f"{low:,} to {high:,}" for low, high in zip([1, *(cuts[:-1] + 1)], cuts, strict=True)), f"over {cuts[-1]:,}"]
    rank = places["rank"]
    distance = np.where(rank == 0, np.where(ahead > 0, 1, 0), np.where(rank <= 2, 2, 3))
    ratio = np.where(ahead > 0, np.searchsorted((0.1, 0.5, 1.0), lots / np.maximum(ahead, 1), side="left") + 1, 0)
    stamps = places["stamp_ns"]
    first, last = int(stamps.min()), int(stamps.max())
    quarter = np.minimum((stamps - first) * _SLICES // max(last - first, 1), _SLICES - 1)
    begins = [pd.Timestamp(first + (last - first) * k // _SLICES, unit="ns").strftime("%H:%M:%S") for k in range(_SLICES)]
    return {
        "ahead": _labelled(third, edges),
        "distance": _labelled(distance, ["alone at a new best", "at the best", "1 or 2 prices behind", "3 or more behind"]),
        "size": _labelled(ratio, ["nothing ahead", "up to a tenth", "up to half", "up to all", "more than ahead"]),
        "time": _labelled(quarter, [f"from {begin}" for begin in begins]),
    }


def _labelled(numbers: Ints, labels: Sequence[str]) -> pd.Series:
    return pd.Series(pd.Categorical([labels[k] for k in numbers.tolist()], categories=list(labels), ordered=True))


def _sums(cells: Ints, values: Floats, count: int) -> Floats:
    """Sums of columns by cell, shape (cells, columns)."""
    made: Floats = np.zeros((count, values.shape[1]))
    np.add.at(made, cells, values)
    return made


def calibration(sample: Sample, horizons: Sequence[str]) -> pd.DataFrame:
    """One row a model and horizon; probabilities in per cent, errors in points, with standard errors by a block bootstrap over time.

    `bias` is predicted less true. `ece` (expected calibration error) is the mean over the cells of lots ahead by distance of the
    absolute bias in the cell, weighted by orders. `hit_rate`: of those that filled, how many the model fills; `false_alarm`: of those
    that did not. `contested`: orders for which it matters where in the line they stand: a trade touched the price in time but none
    went through; `contested_bias` is the bias among them. It stands with any models that are called "touch" and "through".
    """
    rows: list[dict[str, object]] = []
    bins = bins_of(sample.places)
    cells = bins["ahead"].cat.codes.to_numpy(np.int64) * len(bins["distance"].cat.categories) + bins["distance"].cat.codes.to_numpy(
        np.int64
    )
    stamps = sample.places["stamp_ns"]
    span = max(int(stamps.max() - stamps.min()), 1)
    blocks = np.minimum((stamps - stamps.min()) * _BLOCKS // span, _BLOCKS - 1)
    for horizon in horizons:
        known, true, predicted = outcomes(sample, horizon)
        if known.any():
            rows += _of_horizon(sample.names, horizon, true[known], predicted[known], cells[known], blocks[known])
    return pd.DataFrame(rows)


def _of_horizon(names: Sequence[str], horizon: str, true: Bools, predicted: Bools, cells: Ints, blocks: Ints) -> list[dict[str, object]]:
    error = predicted.astype(np.float64) - true[:, None]
    count, width = len(true), int(cells.max()) + 1
    by_block = _sums(blocks * width + cells, error, _BLOCKS * width).reshape(_BLOCKS, width, -1)
    orders = np.bincount(blocks, minlength=_BLOCKS).astype(np.float64)
    draw = np.random.default_rng(_SEED)
    weights = draw.multinomial(_BLOCKS, np.full(_BLOCKS, 1 / _BLOCKS), size=_DRAWS).astype(np.float64)
    drawn = np.tensordot(weights, by_block, axes=(1, 0)) / np.maximum(weights @ orders, 1.0)[:, None, None]
    whole = by_block.sum(axis=0) / count
    bias, ece = whole.sum(axis=0), np.abs(whole).sum(axis=0)
    bias_se, ece_se = drawn.sum(axis=1).std(axis=0), np.abs(drawn).sum(axis=1).std(axis=0)
    contested = np.zeros(count, np.bool_)
    if {"touch", "through"} <= set(names):
        contested = predicted[:, names.index("touch")] & ~predicted[:, names.index("through")]
    with np.errstate(invalid="ignore", divide="ignore"):
        hits = (predicted & true[:, None]).sum(axis=0) / np.float64(true.sum())
        alarms = (predicted & ~true[:, None]).sum(axis=0) / np.float64((~true).sum())
        disputed = error[contested].sum(axis=0) / np.float64(contested.sum())
    return [
        {
            "model": name, "horizon": horizon, "orders": count, "true": 100 * true.mean(), "predicted": 100 * predicted[:, m].mean(),
            "bias": 100 * bias[m], "bias_se": 100 * bias_se[m], "ece": 100 * ece[m], "ece_se": 100 * ece_se[m],
            "hit_rate": 100 * hits[m], "false_alarm": 100 * alarms[m], "contested": int(contested.sum()),
            "contested_bias": 100 * disputed[m],
        }
        for m, name in enumerate(names)
    ]  # fmt: skip


def by_bin(sample: Sample, horizons: Sequence[str]) -> pd.DataFrame:
    """One row a model, horizon, dimension and bin: orders, true and predicted in per cent, bias in points."""
    found: list[pd.DataFrame] = []
    bins_by_dimension = bins_of(sample.places)
    for horizon in horizons:
        known, true, predicted = outcomes(sample, horizon)
        for dimension, bins in bins_by_dimension.items():
            labels = bins.cat.categories
            cells: Ints = np.asarray(bins.cat.codes, np.int64)[known]
            counts = np.bincount(cells, minlength=len(labels))
            some = counts > 0
            sums = _sums(cells, np.column_stack((true[known], predicted[known])).astype(np.float64), len(labels))
            shares = 100 * sums[some] / counts[some, None]
            for m, name in enumerate(sample.names):
                words = {"model": name, "horizon": horizon, "dimension": dimension, "bin": labels[some], "orders": counts[some]}
                numbers = {"true": shares[:, 0], "predicted": shares[:, m + 1], "bias": shares[:, m + 1] - shares[:, 0]}
                found.append(pd.DataFrame(words | numbers))
    return pd.concat(found, ignore_index=True)


def fill_times(sample: Sample) -> pd.DataFrame:
    """One row a model: predicted less true time of the fill, seconds, of the orders that both fill, and fills that cannot have been.

    `filled_before_cancel` is the share in per cent, of the orders that were `cancelled` without a trade, that the model fills while they
    stood. The other way round says little: what traded late would have been cancelled later.
    """
    places = sample.places
    true, ended = places["filled_ns"], places["own_end_ns"]
    cancelled = (places["own_fate"] == CANCELLED) & ((true == 0) | (true > ended))
    rows = []
    for m, name in enumerate(sample.names):
        own = sample.fills[:, m]
        both = (own > 0) & (true > 0)
        late = (own[both] - true[both]) / NANOSECONDS_PER_SECOND if both.any() else np.full(1, np.nan)
        row = {
            "model": name,
            "orders": int(both.sum()),
            "within_1ms": 100 * float((np.abs(late) < 1e-3).mean()),
            "mean_s": float(late.mean()),
        }
        row |= dict(zip(_QUANTILES, np.quantile(late, tuple(_QUANTILES.values())).tolist(), strict=True))
        early = (own[cancelled] > 0) & (own[cancelled] <= ended[cancelled])
        row |= {"cancelled": int(cancelled.sum()), "filled_before_cancel": 100 * float(early.mean()) if len(early) else np.nan}
        rows.append(row)
    return pd.DataFrame(rows)


def cancel_shares(truth: Truth, names: Sequence[str]) -> pd.DataFrame:
    """Of the lots cancelled in a line, how many per cent came from behind a place: true, by each line model, and if cancels were uniform.

    Once by the relative place, lots in front over all of the line, 0 at the head (`by` is "place"), once by the lots in the line (`by` is
    "lots"). Seen from every sampled place with lots on both sides, of both halves.
    """
    places = [f"{k / PLACE_BINS:.1f} to {(k + 1) / PLACE_BINS:.1f}" for k in range(PLACE_BINS)]
    sizes = [f"{1 << k:,} to {(2 << k) - 1:,}" for k in range(SIZE_BINS - 1)] + [f"{1 << (SIZE_BINS - 1):,} and more"]
    found = []
    for by, labels, axis in (("place", places, 1), ("lots", sizes, 0)):
        sums = {name: truth.shares[name].sum(axis=axis) for name in ("cancels", "lots", "behind", "uniform")}
        modelled = truth.modelled.sum(axis=axis)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = {"true": 100 * sums["behind"] / sums["lots"], "uniform": 100 * sums["uniform"] / sums["lots"]}
            shares |= {name: 100 * modelled[:, m] / sums["lots"] for m, name in enumerate(names)}
        found.append(pd.DataFrame({"by": by, "bin": labels, "cancels": sums["cancels"], "lots": sums["lots"], **shares}))
    table = pd.concat(found, ignore_index=True)
    return table[table["cancels"] > 0].reset_index(drop=True)


def frame_of(sample: Sample) -> pd.DataFrame:
    """One row a sampled order: what it was, what became of it and of its place, and when each model fills it."""
    places = sample.places
    stamps: Mapping[str, str] = {
        "joined_at": "stamp_ns",
        "filled_at": "filled_ns",
        "own_filled_at": "own_filled_ns",
        "own_end_at": "own_end_ns",
    }
    columns: dict[str, object] = {
        "side": np.where(places["side"] > 0, "BUY", "SELL"),
        **{name: places[name] for name in ("price", "lots", "ahead", "rank", "best", "opposite")},
        "fate": [FATES[int(fate)] for fate in places["own_fate"]],
        "filled_by": [WAYS[int(way)] for way in places["filled_by"]],
        **{name: _moments(places[field]) for name, field in stamps.items()},
        "followed_until": _moments(places["until_ns"]),
        **{f"{name}_at": _moments(sample.fills[:, m]) for m, name in enumerate(sample.names)},
    }
    return pd.DataFrame(columns)


def _moments(stamps_ns: Ints) -> pd.Series:
    moments = pd.Series(pd.to_datetime(np.asarray(stamps_ns, np.int64), unit="ns", utc=True))
    return moments.mask(np.asarray(stamps_ns) == 0)
