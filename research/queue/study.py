"""The tables of a study of queue models, before they are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

TARGET_POINTS = 2.0
"""What the best model's calibration error should stay below."""


@dataclass(frozen=True, slots=True)
class Study:
    """What was measured.

    Attributes:
        source, instrument: whose orders.
        best: the model of the kernel with the least calibration error on the first half of the orders; the tables judge the second.
        fitted_power: the n of "power" that was best there.
        split_at: when the second half begins, UTC.
        counts: of the source, see `walks.Truth`.
        fit: calibration error on the first half by model, mean over the horizons, points.
        calibration: one row a model and horizon, see `measure.calibration`.
        levels_first: the same for a feed that tells the levels that a trade took from before the trade.
        bins: the same by lots ahead, distance from the best, own size and time, see `measure.by_bin`.
        fill_times: errors of the time of the fill, see `measure.fill_times`.
        cancels: how much of what is cancelled comes from behind, see `measure.cancel_shares`.
        orders: one row a sampled order of both halves, see `measure.frame_of`.
    """

    source: str
    instrument: str
    best: str
    fitted_power: float
    split_at: pd.Timestamp
    counts: dict[str, int]
    fit: pd.DataFrame
    calibration: pd.DataFrame
    levels_first: pd.DataFrame
    bins: pd.DataFrame
    fill_times: pd.DataFrame
    cancels: pd.DataFrame
    orders: pd.DataFrame

    @property
    def kernel_models(self) -> tuple[str, ...]:
        """The models that a run can use by its `queue` setting: pessimistic, power with the fitted n, log."""
        return ("pessimistic", f"power {self.fitted_power:g}", "log")

    @property
    def naive_models(self) -> tuple[str, ...]:
        """What is put beside them."""
        return tuple(name for name in dict.fromkeys(self.fit["model"]) if not name.startswith(("pessimistic", "power", "log")))

    @property
    def horizons(self) -> tuple[str, ...]:
        """Horizons with a length, as "10 s"."""
        return tuple(dict.fromkeys(name for name in self.calibration["horizon"] if name.endswith(" s")))

    def row(self, model: str, horizon: str) -> pd.Series:
        """One row of `calibration`."""
        table = self.calibration
        return table[(table["model"] == model) & (table["horizon"] == horizon)].iloc[0]

    def worst(self, model: str) -> pd.Series:
        """The row of the horizon at which a model's calibration error is largest."""
        own = self.calibration[self.calibration["model"] == model]
        return own.iloc[int(own["ece"].to_numpy().argmax())]
