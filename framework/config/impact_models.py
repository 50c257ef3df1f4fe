"""What can be set of price impact: the models of `framework.kernel.market.costs` and `framework.kernel.market.displacement`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool

from framework.config.section import LARGEST_MONEY, Bps, Factor, Number, Section, Whole

_MOST_DECAYS = 8

DailyVolume = Annotated[Number, Field(ge=1e-12, le=LARGEST_MONEY)]


class SquareRootImpact(Section):
    """Price impact that grows with the square root of the share of volume traded.

    impact = coefficient * sigma * sqrt(quantity / volume), as a fraction of the price, where sigma is the standard deviation of the
    last `volatility_bars` returns from close to close and volume is the bar's.
    """

    model: Literal["square_root"] = "square_root"
    coefficient: Factor = 1.0
    volatility_bars: Annotated[Whole, Field(ge=2, le=1_000_000)] = 20


class VolumeShareImpact(Section):
    """Slippage that grows with the square of the share of volume traded: price_impact * (quantity / volume)**2 of the price."""

    model: Literal["volume_share"] = "volume_share"
    price_impact: Factor = 0.1


class Push(Section):
    """What models of impact that stays have in common; fractions of the price per participation, which is quantity / daily volume.

    Attributes:
        permanent: what a trade leaves behind for good.
        temporary: what a trade pays at once and leaves nothing of.
        daily_volume: units (shares, coins) traded on a usual day: one number, or by symbol for every instrument that trades.
        charge_makers: whether fills of resting orders push and pay too.
    """

    permanent: Factor = 0.0
    temporary: Factor = 0.0
    daily_volume: DailyVolume | dict[str, DailyVolume]
    charge_makers: StrictBool = False


class AlmgrenChrissImpact(Push):
    """Permanent and temporary impact, both linear in size, and a fixed share of what is traded (Almgren and Chriss 2000).

    Attributes:
        fixed_bps: of the traded value; half of the spread and fees.
    """

    model: Literal["almgren_chriss"] = "almgren_chriss"
    fixed_bps: Bps = 0.0


class Decay(Section):
    """One exponential of a propagator: fraction of the price per participation, and the time in which half of it is gone."""

    half_life_s: Annotated[Number, Field(ge=1e-9, le=1e10)]
    weight: Factor


class PropagatorImpact(Push):
    """Impact that decays as a sum of exponentials (Obizhaeva and Wang 2013), beside what is permanent and temporary."""

    model: Literal["propagator"] = "propagator"
    decay: tuple[Decay, ...] = Field(min_length=1, max_length=_MOST_DECAYS)


Impact = Annotated[SquareRootImpact | VolumeShareImpact | AlmgrenChrissImpact | PropagatorImpact, Field(discriminator="model")]
