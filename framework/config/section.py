"""What every section of a config is made of: a frozen model, and numbers that are numbers."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from framework.schema.units import LARGEST_STEPS, LONGEST_NS


def _number(value: object) -> object:
    """Refuse what pydantic would turn into a number though nobody meant one: `true`, "5"."""
    if isinstance(value, bool | str | bytes):
        raise ValueError(f"must be a number, not {type(value).__name__}")
    return value


Number = Annotated[float, BeforeValidator(_number)]
Whole = Annotated[int, BeforeValidator(_number)]
NonNegative = Annotated[Number, Field(ge=0)]
Positive = Annotated[Number, Field(gt=0)]
Share = Annotated[Number, Field(gt=0, le=1)]
Nanoseconds = Annotated[Whole, Field(ge=0, le=LONGEST_NS)]
Lots = Annotated[Whole, Field(ge=1, le=LARGEST_STEPS)]

LARGEST_MONEY, LARGEST_BPS, LARGEST_FACTOR = 1e15, 1e6, 1e12
"""Of amounts, of rates, of leverages, weights and coefficients: far beyond use, and nothing made of them passes what a float holds."""

Money = Annotated[NonNegative, Field(le=LARGEST_MONEY)]
PositiveMoney = Annotated[Positive, Field(le=LARGEST_MONEY)]
Bps = Annotated[NonNegative, Field(le=LARGEST_BPS)]
SignedBps = Annotated[Number, Field(ge=-LARGEST_BPS, le=LARGEST_BPS)]
Factor = Annotated[NonNegative, Field(le=LARGEST_FACTOR)]
PositiveFactor = Annotated[Positive, Field(le=LARGEST_FACTOR)]
CURRENCY, CURRENCY_RULE = "[A-Z]{3,5}", "must be three to five capital letters, as 'USD' or 'USDT'"


def _currency(value: str) -> str:
    if not re.fullmatch(CURRENCY, value):
        raise ValueError(CURRENCY_RULE)
    return value


Currency = Annotated[str, AfterValidator(_currency)]
LARGEST_SEED = 2**63 - 1
Seed = Annotated[Whole, Field(ge=0, le=LARGEST_SEED)]


class Section(BaseModel):
    """One section of a config: frozen, finite numbers only, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
