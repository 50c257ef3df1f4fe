"""What can be set of latencies: a time, a distribution or recorded order traffic for each leg of the way."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, model_validator

from framework.config.section import Nanoseconds, NonNegative, Positive, Section
from framework.schema.units import LONGEST_NS

_LEAST_QUANTILES = 2
_LARGEST_SIGMA = 10.0
_FURTHEST_DEVIATIONS = 3.67
"""Beyond it lies one draw in 8,192."""


class LognormalLatency(Section):
    """Draws whose logarithm is normal: median_ns * exp(sigma * z), cut off where one draw in 8,192 lies beyond, at either end."""

    model: Literal["lognormal"] = "lognormal"
    median_ns: Annotated[Positive, Field(le=LONGEST_NS)]
    sigma: Annotated[NonNegative, Field(le=_LARGEST_SIGMA)]

    @model_validator(mode="after")
    def _ends(self) -> Self:
        longest = self.median_ns * math.exp(self.sigma * _FURTHEST_DEVIATIONS)
        if longest > LONGEST_NS:
            raise ValueError(
                f"median_ns {self.median_ns:g} with sigma {self.sigma:g} draws up to {longest:.3g} ns; rule: at most {LONGEST_NS:.3g} "
                "(ten years)"
            )
        return self


class SampledLatency(Section):
    """Draws from a measured distribution, by its quantiles with straight lines between them.

    Attributes:
        quantiles_ns: at equally spaced probabilities from 0 to 1; two or more, not descending.
        file: instead of these, a .csv or .parquet file with a column `latency_ns`, one measurement a row.
        digest: SHA-256 of the file, in hex; a run writes it into its audit. Where it is given the file must have it.
    """

    model: Literal["sampled"] = "sampled"
    quantiles_ns: tuple[Nanoseconds, ...] | None = None
    file: str | None = None
    digest: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.quantiles_ns is None) == (self.file is None):
            raise ValueError("give either quantiles_ns or file")
        if self.quantiles_ns is not None:
            if len(self.quantiles_ns) < _LEAST_QUANTILES:
                raise ValueError(f"{len(self.quantiles_ns)} quantiles; rule: at least {_LEAST_QUANTILES}, the lowest and the highest")
            for before, after in zip(self.quantiles_ns, self.quantiles_ns[1:], strict=False):
                if after < before:
                    raise ValueError(f"quantiles_ns: {after} follows {before}; rule: not descending")
        return self


class RecordedLatency(Section):
    """Delays of recorded order traffic, interpolated in time; before the first and after the last message the nearest holds.

    Attributes:
        file: a .csv or .parquet file with the columns `sent_ns`, `arrived_ns` (at the venue) and `answered_ns` (back here), UTC.
        unanswered: messages without an arrival or an answer (empty or 0): "refuse" the file, or "leave_out" these messages.
        digest: SHA-256 of the file, in hex; a run writes it into its audit. Where it is given the file must have it.
    """

    model: Literal["recorded"] = "recorded"
    file: str
    unanswered: Literal["refuse", "leave_out"] = "refuse"
    digest: str | None = None


Drawn = Annotated[LognormalLatency | SampledLatency, Field(discriminator="model")]
DrawnOrRecorded = Annotated[LognormalLatency | SampledLatency | RecordedLatency, Field(discriminator="model")]


class LatencyConfig(Section):
    """How long messages travel. Each leg is a time in nanoseconds, or a section with a `model`.

    Attributes:
        feed_ns: market data to us, on top of the local stamps of the data; trades and books only.
        decision_ns: from what woke the strategy to the sending of its orders.
        entry_ns: orders to the venue.
        response_ns: the venue's answers back.
        in_order: no command overtakes another, as in a TCP session; else they may. Answers always keep their order.
    """

    feed_ns: Nanoseconds | Drawn = 0
    decision_ns: Nanoseconds | Drawn = 0
    entry_ns: Nanoseconds | DrawnOrRecorded = 0
    response_ns: Nanoseconds | DrawnOrRecorded = 0
    in_order: StrictBool = False
