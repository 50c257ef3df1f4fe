"""The records of rules: what trading costs, and what the pre-trade checks allow."""

from framework.kernel.machine.compile import row_of
from framework.schema.record import F8, I8, Record, dtype_of


class CostTerms(Record):
    """What trading costs: the terms of `costs.py` and `displacement.py`."""

    maker_rate: F8  # fraction of notional
    taker_rate: F8
    per_unit: F8  # money per share or coin
    per_order: F8
    minimum: F8  # per order; 0: none
    maximum_rate: F8  # cap per order, fraction of notional; negative: none
    half_spread_rate: F8
    impact_coefficient: F8  # square-root impact; 0: none
    volume_share_coefficient: F8  # 0: none
    max_participation: F8  # share of a bar's volume; 0: no limit
    volatility_bars: I8
    limit_needs_through: I8
    queue_model: I8  # of books published by level: QUEUE_* of `codes`
    queue_power: F8
    pushes: I8  # whose fills push the price, see `displacement.py`: PUSHES_* of `codes`
    permanent: F8  # fraction of the price per participation
    temporary: F8
    fixed_rate: F8  # fraction of notional
    takes_at_arrival: I8  # an order takes from the standing book, not from the next message on


class Tier(Record):
    """A row of a fee schedule: the rates from so much traded in the days before, base currency."""

    traded_from: F8
    maker_rate: F8
    taker_rate: F8


class Traded(Record):
    """What was traded on a UTC day, base currency; a ring of the last days."""

    day: I8
    notional: F8


class Levy(Record):
    """What US regulators take of a sale from a moment on; see `costs.us_levies`."""

    from_ns: I8
    sec_rate: F8
    taf_per_share: F8
    taf_maximum: F8


class RiskTerms(Record):
    """What the pre-trade checks allow."""

    allow_short: I8
    max_leverage: F8
    max_position_weight: F8  # 0: no limit
    max_order_notional: F8  # 0: no limit


COST_TERMS = dtype_of(CostTerms)
TIER = dtype_of(Tier)
TRADED = dtype_of(Traded)
LEVY = dtype_of(Levy)
RISK_TERMS = dtype_of(RiskTerms)

tier_row, traded_row, levy_row = row_of(Tier), row_of(Traded), row_of(Levy)
