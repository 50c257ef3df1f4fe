"""Strategies whose signals are computed from frames before the run: what the corpora are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd

from framework import Strategy


class Signal(Strategy):
    """Long a quarter of equity in each symbol while its signal at the bar's close is above zero. Override `signal`, or `signals`."""

    def signal(self, frame: pd.DataFrame) -> pd.Series:
        raise NotImplementedError

    def signals(self, frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.Series]:
        return {symbol: self.signal(frame) for symbol, frame in frames.items()}

    @classmethod
    def from_data(cls, frames: Mapping[str, pd.DataFrame], **params: Any) -> Self:
        made = cls(**params)
        made.prepare(frames)
        return made

    def prepare(self, frames: Mapping[str, pd.DataFrame]) -> None:
        found = self.signals(frames)
        self.at = {symbol: dict(zip(_ns(series), series.to_numpy(float), strict=True)) for symbol, series in found.items()}

    def on_start(self, view) -> None:
        self.holds = dict.fromkeys(view.instruments, False)

    def on_bar(self, view, bar) -> None:
        self.turn(view, bar.instrument, self.value(bar) > 0)

    def value(self, bar) -> float:
        return float(self.at[bar.instrument].get(bar.ts_ns, np.nan))

    def turn(self, view, symbol: str, wanted: bool) -> None:
        if wanted != self.holds[symbol]:
            self.holds[symbol] = wanted
            view.target_weight(symbol, 0.25 if wanted else 0.0)


def _ns(series: pd.Series) -> list[int]:
    return series.index.as_unit("ns").asi8.tolist()


def returns(frame: pd.DataFrame) -> pd.Series:
    return np.log(frame["close"]).diff()
