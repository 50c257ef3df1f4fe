"""Typed configuration: YAML or dicts in, frozen models out, every mistake named with its place.

    config = load("configs/momentum_daily.yaml", overrides=["params.lookback=126"])

`parse_costs`, `parse_risk`, `parse_latency` and `parse_venue` give the dicts of the Python face the same checks and messages.
"""

from framework.config.files import apply_overrides, load, read
from framework.config.impact_models import AlmgrenChrissImpact, PropagatorImpact, SquareRootImpact, VolumeShareImpact
from framework.config.latency_models import LatencyConfig, LognormalLatency, RecordedLatency, SampledLatency
from framework.config.models import (
    AccountConfig,
    CostsConfig,
    DataConfig,
    RiskConfig,
    RunConfig,
    VenueConfig,
    digest,
    parse_costs,
    parse_latency,
    parse_opening,
    parse_risk,
    parse_run,
    parse_venue,
)
from framework.config.opening_models import Opening, OpeningOrder

__all__ = [
    "AccountConfig",
    "AlmgrenChrissImpact",
    "CostsConfig",
    "DataConfig",
    "LatencyConfig",
    "LognormalLatency",
    "Opening",
    "OpeningOrder",
    "PropagatorImpact",
    "RecordedLatency",
    "RiskConfig",
    "RunConfig",
    "SampledLatency",
    "SquareRootImpact",
    "VenueConfig",
    "VolumeShareImpact",
    "apply_overrides",
    "digest",
    "load",
    "parse_costs",
    "parse_latency",
    "parse_opening",
    "parse_risk",
    "parse_run",
    "parse_venue",
    "read",
]
