"""Microstructure features: each is one compiled step, fed one event at a time or whole arrays, with the same bytes."""

from framework.stages.features.depth import BookPressure, Depth
from framework.stages.features.feature import Feature, Step, feature_kernel
from framework.stages.features.kyle_lambda import KyleLambda
from framework.stages.features.market_table import market_table
from framework.stages.features.order_flow import OrderFlowImbalance, TradeImbalance, order_flow
from framework.stages.features.pin import PinEstimate, fit_pin
from framework.stages.features.price import MicroPrice, WeightedMid, weighted_mid
from framework.stages.features.signs import LeeReady, SignAutocorrelation, TickRule
from framework.stages.features.spreads import EffectiveSpread, PriceImpact, RealisedSpread, RollSpread
from framework.stages.features.volatility import BipowerVariation, RealisedVariance, TwoScaleVariance
from framework.stages.features.vpin import Vpin

__all__ = [
    "BipowerVariation",
    "BookPressure",
    "Depth",
    "EffectiveSpread",
    "Feature",
    "KyleLambda",
    "LeeReady",
    "MicroPrice",
    "OrderFlowImbalance",
    "PinEstimate",
    "PriceImpact",
    "RealisedSpread",
    "RealisedVariance",
    "RollSpread",
    "SignAutocorrelation",
    "Step",
    "TickRule",
    "TradeImbalance",
    "TwoScaleVariance",
    "Vpin",
    "WeightedMid",
    "feature_kernel",
    "fit_pin",
    "market_table",
    "order_flow",
    "weighted_mid",
]
