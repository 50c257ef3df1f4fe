"""What the tables of a study say, in sentences: how good the models are, and which assumption fails where."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.queue.measure import END
from research.queue.study import TARGET_POINTS, Study

_FEW = 30
"""Bins with fewer orders are not talked about."""
_SHARE_OFF = 10.0
"""Points by which a model's share of cancels from behind must be off to be named."""
_SURE = 2.0
"""Standard errors from 0 at which a bias is one."""
_DIMENSIONS = {"ahead": "lots ahead", "distance": "distance from the best", "size": "own size against the lots ahead", "time": "time"}


def sentences(study: Study) -> tuple[str, ...]:
    """The findings, the most important first."""
    models = [_of_model(study, name) for name in study.kernel_models]
    told = [
        _best(study),
        *models,
        *_edge_of_powers(study),
        _naive(study),
        _contested(study),
        _cancelled(study),
        *_cancels(study),
        *_bins(study),
    ]
    return (*told, _order_of_messages(study), *_source(study.counts, study.orders))


def within(horizon: str) -> str:
    """A horizon in words."""
    return "by the end of the data" if horizon == END else f"within {horizon}"


def _best(study: Study) -> str:
    row = study.worst(study.best)
    verdict = "below" if row["ece"] < TARGET_POINTS else "not below"
    return (
        f"Best on the first half: {study.best}. On the second half its calibration error is at most {row['ece']:.2f} points "
        f"(standard error {row['ece_se']:.2f}, {within(row['horizon'])}), {verdict} the target of {TARGET_POINTS:g}."
    )


def _of_model(study: Study, name: str) -> str:
    row = study.worst(name)
    is_sure = abs(row["bias"]) > _SURE * row["bias_se"]
    way = ("too few orders" if row["bias"] < 0 else "too many orders") if is_sure else "neither too many nor too few, as far as can be told"
    return (
        f"{name} fills {way}: bias {row['bias']:+.2f} points (standard error {row['bias_se']:.2f}) {within(row['horizon'])}, "
        f"calibration error {row['ece']:.2f}; it fills {row['hit_rate']:.1f} % of those that filled and {row['false_alarm']:.1f} % of the "
        "others."
    )


def _edge_of_powers(study: Study) -> list[str]:
    powers = [float(name.removeprefix("power ")) for name in study.fit["model"] if name.startswith("power ")]
    if len(powers) == 1 or min(powers) < study.fitted_power < max(powers):
        return []
    rest = ": cancels come from whichever side holds more, nearly" if study.fitted_power == max(powers) else ""
    return [f"The best power is at the edge of those tried, {min(powers):g} to {max(powers):g}{rest}."]


def _naive(study: Study) -> str:
    rows = [study.worst(name) for name in study.naive_models]
    told = "; ".join(f"{row['model']} {row['bias']:+.2f} {within(row['horizon'])}" for row in rows)
    return f"Naive rules, bias in points where their error is largest: {told}."


def _contested(study: Study) -> str:
    row = study.worst(study.best)
    if not row["contested"]:
        return "The place in the line decided no fill: whenever a trade touched a price, one also went through it in time."
    rows = [study.row(name, row["horizon"]) for name in study.kernel_models]
    biases = ", ".join(f"{one['model']} {one['contested_bias']:+.1f}" for one in rows)
    return (
        f"For {100 * row['contested'] / row['orders']:.1f} % of the orders the place in the line decides whether they fill "
        f"{within(row['horizon'])}: the price was touched and not traded through. Among these alone the biases are, in points: {biases}."
    )


def _cancelled(study: Study) -> str:
    """Fills that cannot have been, and errors of time."""
    table = study.fill_times.set_index("model").loc[list(study.kernel_models)]
    early = ", ".join(f"{name} {share:.1f} %" for name, share in table["filled_before_cancel"].items())
    late = ", ".join(f"{row.Index} {row.q05_s:.2f} to {row.q95_s:.2f} s" for row in table.itertuples())
    return (
        f"Of the {int(table['cancelled'].iloc[0]):,} orders that were cancelled untraded the models had filled before: {early}. "
        f"Nine of ten fills are off by: {late}."
    )


def _cancels(study: Study) -> list[str]:
    """Where cancels come from, beside what the models take."""
    seen = study.cancels[study.cancels["cancels"] >= _FEW]
    table, by_lots = seen[seen["by"] == "place"].reset_index(drop=True), seen[seen["by"] == "lots"]
    if not len(table):
        return ["Too few cancels were seen in lines with lots on both sides of a place to say where they come from."]
    weights, true = table["lots"].to_numpy(np.float64), table["true"].to_numpy(np.float64)
    shares = {name: table[name].to_numpy(np.float64) for name in (*study.kernel_models, "uniform")}
    mean = {name: float(np.average(values, weights=weights)) for name, values in (*shares.items(), ("true", true))}
    taken = ", ".join(f"{name} {mean[name]:.0f} %" for name in study.kernel_models)
    told = [f"Of the lots cancelled in a line, {mean['true']:.0f} % came from behind the place; the models take {taken}."]
    for name in study.kernel_models:
        off = shares[name] - true
        at, wrong = int(np.abs(off).argmax()), int((np.abs(off) > _SHARE_OFF).sum())
        if wrong:
            told.append(
                f"{name} assumes too {'few' if off[at] < 0 else 'many'} cancels from behind where {table['bin'][at]} of the line is in "
                f"front, {shares[name][at]:.0f} % against {true[at]:.0f} % in truth; it is off by more than {_SHARE_OFF:g} points in "
                f"{wrong} of {len(table)} parts of the line."
            )
    where = "the back" if mean["true"] > mean["uniform"] else "the front"
    told.append(
        f"Cancels cluster at {where} of the line, where uniform ones would come from behind in {mean['uniform']:.0f} %: with "
        f"{table['bin'].iloc[0]} of it in front {true[0]:.0f} % come from behind, with {table['bin'].iloc[-1]} in front {true[-1]:.0f} %."
    )
    least, most = by_lots.iloc[0], by_lots.iloc[-1]
    told.append(
        f"In lines of {least['bin']} lots {least['true']:.0f} % of the cancelled lots come from behind, uniform {least['uniform']:.0f} %; "
        f"in lines of {most['bin']} lots {most['true']:.0f} %, uniform {most['uniform']:.0f} %."
    )
    return told


def _bins(study: Study) -> list[str]:
    """The bin of each dimension in which the best model is worst."""
    row = study.worst(study.best)
    table = study.bins
    own = table[(table["model"] == study.best) & (table["horizon"] == row["horizon"]) & (table["orders"] >= _FEW)]
    told = []
    for dimension, words in _DIMENSIONS.items():
        part = own[own["dimension"] == dimension]
        if len(part):
            worst = part.iloc[int(part["bias"].abs().to_numpy().argmax())]
            told.append(
                f'By {words} {study.best} is worst for "{worst["bin"]}": {worst["bias"]:+.2f} points of {int(worst["orders"]):,} orders '
                f"{within(row['horizon'])}."
            )
    return told


def _order_of_messages(study: Study) -> str:
    """What happens to the models on a feed that tells levels before their trades."""
    table = study.levels_first
    told = []
    for name in study.kernel_models:
        own = table[table["model"] == name]
        row = own.iloc[int(own["ece"].to_numpy().argmax())]
        told.append(f"{name} {row['bias']:+.2f} {within(row['horizon'])}")
    return f"If levels were told before the trades that took from them, lots would be counted twice; bias in points: {'; '.join(told)}."


def _source(counts: dict[str, int], orders: pd.DataFrame) -> list[str]:
    """What the source itself says of the assumptions."""
    told = []
    if counts["every"] > 1:
        told.append(f"One in {counts['every']:,} of the {counts['joins']:,} orders that joined was followed, evenly over time.")
    if counts["hidden_trades"]:
        share = 100 * counts["hidden_trades"] / counts["trades"]
        told.append(
            f"{share:.0f} % of the trades took from hidden orders, {counts['hidden_ahead']:,} of {counts['hidden_trades']:,} at a price "
            "where lots were shown: only those move a line by levels that they do not move in truth."
        )
    if counts["traded_lots"]:
        share = 100 * counts["told_after_lots"] / counts["traded_lots"]
        told.append(
            f"{share:.0f} % of the lots traded with shown orders left the level after the trade, at the venue's stamp of it; the rest was "
            "traded with orders that the book does not know, or off the book."
        )
    if counts["refreshed"]:
        told.append(
            f"{counts['refreshed']:,} times an iceberg traded and showed its next part at the back of the line: the level does not "
            "fall, and a model takes the next cancel there for what was traded."
        )
    traded = int(orders["own_filled_at"].notna().sum())
    told.append(
        f"Price and time priority: {counts['passed_over']:,} of {traded:,} orders that traded did so after one that stood behind them."
    )
    return told
