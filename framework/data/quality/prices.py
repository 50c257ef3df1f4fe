"""Rules over a series of prices: spikes, steps, powers of ten, splits that nobody told, columns exchanged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.data.quality.row_rules import UNIT_TOLERANCE, mid
from framework.data.quality.stretches import Floats, Ints, Mask, Stretch, Tally
from framework.schema.event import Kind

SCALE_ROWS = 128
"""The usual size of a move is taken from so many rows, smoothed over five such blocks."""
CANDIDATE_SCALES, CANDIDATE_MOVE = 8.0, 0.02
"""A move is looked at when it is above so many usual moves and 2 %."""
SPIKE_SCALES = 20.0
"""`spike`: from the median of five prices before and five after, both above so many usual moves and 2 %, ..."""
SPIKE_RETURN = 0.25
"""... while these two medians differ by less than this part of it."""
STEP = np.log(1.2)
"""`jump`, `units`, `split_like`: the medians of five prices before and after differ by 20 % or more."""
SPLIT_TOLERANCE = 0.03
"""`split_like`: what is left of the step without the ratio is within 3 %; of whole ratios within three usual moves, at most 6 %."""
SPLIT_RATIOS = (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 1.5, 4 / 3, 5 / 4, 5 / 3, 5 / 2, 7 / 2)
"""New shares for an old one, or old for a new one. The last six are told from a fall of a third only by the money traded."""
USUAL_MONEY = 3.0
"""`split_like`: after a split as much money changes hands as before, up to this factor; after a crash far more."""
BREAK_NS, BREAK_REACH_NS = 4 * 3600 * 10**9, 12 * 3600 * 10**9
"""A session begins after four hours without rows; what happens within twelve hours of it counts as overnight."""
NOISE_MOVE, NOISE_ROWS = 0.05, 32
"""`noise`: the median move from row to row is 5 %, over at least so many rows that are less than a day apart, ..."""
NOISE_TICKS, NOISE_STEPS, NOISE_GROWTH = 8, 8, 1.5
"""... above eight steps of the price, and over eight rows less than 1.5 times as far: a walk comes 2.8 times as far, noise nowhere."""
WICK_SCALES, WICK_MOVES, WICK_MOVE, BUSY = 25.0, 12.0, 0.05, 0.9
"""`wick`: above so many usual wicks, so many usual moves and 5 %; in one of the tenth of bars with most volume around it, it is a note."""
BUSY_ROWS, BUSY_FACTOR = 128, 2.0
"""Around are so many rows on both sides; the volume must be twice their median, too."""
SWAP_ROWS, SWAP_FACTOR = 64, 1.5
"""`swapped`: over so many bars, opens are this much nearer to the open two bars on than closes to the next open."""
_MOST_CANDIDATES = 2_000
_DAY_NS = 86_400 * 10**9


def local_scale(moves: Floats) -> Floats:
    """The usual size of a move around each: the 90 % quantile of sizes in blocks, a median over five blocks, as a standard deviation."""
    size = np.abs(moves)
    if not len(size):
        return size
    starts = range(0, len(size), SCALE_ROWS)
    blocks = np.array([np.quantile(size[a : a + SCALE_ROWS], 0.9) for a in starts])
    if len(size) % SCALE_ROWS and len(size) % SCALE_ROWS < SCALE_ROWS // 2 and len(blocks) > 1:
        blocks[-1] = blocks[-2]  # too few to tell by themselves
    smooth = np.array([np.median(blocks[max(k - 2, 0) : k + 3]) for k in range(len(blocks))])
    return np.repeat(smooth, SCALE_ROWS)[: len(size)] / 1.645


@dataclass(frozen=True, slots=True)
class _Moves:
    """The moves of a stretch that are worth a look.

    Attributes:
        rows, prices: the rows that tell a price.
        at: positions among them after a large move.
        before, after: medians of the log prices before and after each; `after` leaves the position itself out.
        usual: the usual move there.
        is_spike: which of them stand alone.
    """

    rows: Ints
    prices: Floats
    at: Ints
    before: Floats
    after: Floats
    usual: Floats
    is_spike: Mask


def _large_moves(rows: Ints, prices: Floats, tick: float) -> _Moves:
    logs = np.log(prices)
    moves = np.diff(logs)
    scale = np.maximum(local_scale(moves), np.maximum(_step_of(prices, tick) / prices[1:], 1e-6))
    at = np.flatnonzero(np.abs(moves) > np.maximum(CANDIDATE_SCALES * scale, CANDIDATE_MOVE))[:_MOST_CANDIDATES] + 1
    before, after, usual = _median(logs, at, -5, 0), _median(logs, at, 1, 6), scale[at - 1]
    up, down = logs[at] - before, logs[at] - after
    off = np.minimum(np.abs(up), np.abs(down))
    spike = (np.sign(up) == np.sign(down)) & (off > np.maximum(SPIKE_SCALES * usual, CANDIDATE_MOVE))
    spike &= ~np.isnan(after) & (np.abs(before - after) < SPIKE_RETURN * off)
    return _Moves(rows, prices, at, before, after, usual, spike)


def _step_of(prices: Floats, tick: float) -> float:
    """The step on which these prices move: the smallest change, often coarser than the tick that a format declares."""
    changes = np.abs(np.diff(prices))
    return float(changes[changes > tick / 2].min()) if (changes > tick / 2).any() else tick


def spike_rows(stretch: Stretch) -> Ints:
    """Rows of a stretch, context left out, whose price stands alone: those of `spike`, and of `units` where it is one row."""
    rows, prices = mid(stretch)
    if len(rows) < 5:
        return rows[:0]
    found = _large_moves(rows, prices, stretch.instrument.tick.size)
    alone = rows[found.at[found.is_spike]]
    return alone[(alone >= stretch.begin) & (alone < stretch.end)]


def price_rules(stretch: Stretch, tally: Tally, known_splits: Ints) -> None:
    """`noise`, `spike`, `units`, `split_like`, `jump`. Splits at or within three days of `known_splits` are expected."""
    rows, prices = mid(stretch)
    if len(rows) < 5:
        return
    logs = np.log(prices)
    moves = np.diff(logs)
    if _noise(stretch, tally, moves, np.diff(stretch.stamps[rows]), rows):
        return
    found = _large_moves(rows, prices, stretch.instrument.tick.size)
    at = found.at
    if not len(at):
        return
    _spikes(stretch, tally, rows, prices, at[found.is_spike], found.before[found.is_spike])
    step = _median(logs, at, 0, 5) - found.before
    jump = ~found.is_spike & (np.abs(step) > np.maximum(CANDIDATE_SCALES * found.usual, STEP))
    jump &= np.abs(step - moves[at - 1]) < 0.5 * np.abs(step)
    for k in np.flatnonzero(jump).tolist():
        _step(stretch, tally, rows, prices, int(at[k]), float(step[k]), float(found.usual[k]), known_splits)


def _median(values: Floats, at: Ints, first: int, past: int) -> Floats:
    """Medians of values[t + first : t + past] at each t; what lies outside is left out, NaN where nothing is inside."""
    where = at[:, None] + np.arange(first, past)
    inside = (where >= 0) & (where < len(values))
    found = np.where(inside, values[np.clip(where, 0, len(values) - 1)], np.nan)
    result = np.full(len(at), np.nan)
    some = inside.any(axis=1)
    if some.any():
        result[some] = np.nanmedian(found[some], axis=1)
    return result


def _noise(stretch: Stretch, tally: Tally, moves: Floats, spacings: Ints, rows: Ints) -> bool:
    near = spacings < _DAY_NS
    if near.sum() < NOISE_ROWS:
        near = np.ones(len(moves), np.bool_)
    if near.sum() < NOISE_ROWS or np.median(np.abs(moves[near])) < NOISE_MOVE:
        return False
    levels = mid(stretch)[1]
    if np.median(np.abs(np.diff(levels))) < NOISE_TICKS * _step_of(levels, stretch.instrument.tick.size):
        return False
    path = np.concatenate([[0.0], np.cumsum(moves)])
    if np.median(np.abs(path[NOISE_STEPS:] - path[:-NOISE_STEPS])) > NOISE_GROWTH * np.median(np.abs(moves)):
        return False
    broken = np.zeros(len(stretch.events), np.bool_)
    broken[rows] = True
    typical = 100 * float(np.median(np.abs(moves[near])))
    tally.rows(stretch, "noise", "error", broken, lambda row: f"the usual move from row to row is {typical:.3g} %")
    return True


def _spikes(stretch: Stretch, tally: Tally, rows: Ints, prices: Floats, at: Ints, before: Floats) -> None:
    for position, level in zip(at.tolist(), np.exp(before).tolist(), strict=True):
        power = _power_of_ten(float(np.log10(prices[position] / level)))
        broken = np.zeros(len(stretch.events), np.bool_)
        broken[rows[position]] = True
        said = f"{prices[position]:g} among {level:g}" + (f", a factor of about 10^{power}" if power else "")
        tally.rows(stretch, "units" if power else "spike", "error" if power else "warning", broken, lambda row, said=said: said)  # type: ignore[misc]


def _power_of_ten(decades: float) -> int:
    whole = round(decades)
    return whole if whole and abs(decades - whole) <= UNIT_TOLERANCE else 0


def _step(stretch: Stretch, tally: Tally, rows: Ints, prices: Floats, at: int, step: float, usual: float, known: Ints) -> None:
    """Judge one step between two levels of the price."""
    stamp = int(stretch.events["ts_local_ns"][rows[at]])
    if len(known) and np.abs(known - stamp).min() <= 3 * _DAY_NS:
        return
    goes_on, now = _goes_on(stretch, int(rows[at]), step), float(prices[at])
    if stretch.kind is Kind.BAR and not goes_on:
        now = float(stretch.floats("w0")[rows[at]])  # what a bar moves after its open belongs to no step
    inside = goes_on and _is_busy(stretch, int(rows[at]))  # somebody traded on the way: the market did move
    step = float(np.log(now / prices[at - 1]))
    ratio = float(np.exp(step))
    said = f"{prices[at - 1]:g}, then {now:g}: a factor of {ratio:.4g}"
    power = 0 if inside else _power_of_ten(step / np.log(10.0))
    money = _money_ratio(stretch, rows, at)
    overnight = _is_overnight(stretch, int(rows[at]))
    split = _split(ratio, usual) if overnight and not inside and (money is None or money < USUAL_MONEY) else None
    broken = np.zeros(len(stretch.events), np.bool_)
    broken[rows[at]] = True
    if power and (abs(power) > 1 or split is None):
        tally.rows(stretch, "units", "error", broken, lambda row: f"{said}, about 10^{power}")
    elif split is not None:
        traded = "" if money is None else f", and {money:.2g} times the usual money was traded"
        tally.rows(stretch, "split_like", "warning", broken, lambda row: f"{said}, about {split}{traded}")
    else:
        quiet = not overnight and not inside
        tally.rows(stretch, "jump", "warning" if quiet else "note", broken, lambda row: said)


def _goes_on(stretch: Stretch, row: int, step: float) -> bool:
    """Whether a bar opens where the one before closed, so that the step lies inside it."""
    if stretch.kind is not Kind.BAR or row == 0:
        return False
    first, before = int(stretch.events["w0"][row]), int(stretch.events["w3"][row - 1])
    return first > 0 and before > 0 and abs(np.log(first / before)) < 0.5 * abs(step)


def _is_busy(stretch: Stretch, row: int) -> bool:
    volumes = stretch.events["w4"][max(row - BUSY_ROWS, 0) : row + BUSY_ROWS]
    return bool(stretch.events["w4"][row] > np.quantile(volumes, BUSY))


def _split(ratio: float, usual: float) -> str | None:
    """The split that explains a price ratio, as "7:1" or "1:8"."""
    for shares in SPLIT_RATIOS:
        for factor in (1 / shares, shares):
            room = min(3 * usual, 2 * SPLIT_TOLERANCE) if shares >= 2 and shares == int(shares) else 0.0
            if abs(np.log(ratio / factor)) <= max(SPLIT_TOLERANCE, room):
                new, old = float(shares).as_integer_ratio() if shares in (1.5, 2.5, 3.5, 1.25) else _thirds(shares)
                return f"{new}:{old}" if factor < 1 else f"{old}:{new}"
    return None


def _thirds(shares: float) -> tuple[int, int]:
    return (int(shares), 1) if shares == int(shares) else (round(3 * shares), 3)


def _is_overnight(stretch: Stretch, row: int) -> bool:
    stamps = stretch.stamps[max(row - 2 * SCALE_ROWS, 0) : row + 1]
    breaks = np.flatnonzero(np.diff(stamps) > BREAK_NS)
    return bool(len(breaks)) and int(stamps[-1] - stamps[breaks[-1] + 1]) <= BREAK_REACH_NS


def _money_ratio(stretch: Stretch, rows: Ints, at: int) -> float | None:
    """Money traded in the day after a step against the days before it; None where volumes are not told."""
    if stretch.kind not in (Kind.BAR, Kind.TRADE):
        return None
    price, size = ("w3", "w4") if stretch.kind is Kind.BAR else ("w0", "w1")
    events = stretch.events[rows]
    money = events[price].astype(np.float64) * events[size]
    days = (events["ts_local_ns"] - events["ts_local_ns"][at]) // _DAY_NS
    near = (days >= -20) & (days <= 0)
    sums = np.bincount(days[near] + 20, weights=money[near], minlength=21)
    before, after = sums[:20][sums[:20] > 0], sums[20]
    return float(after / np.median(before)) if len(before) and after > 0 else None


def wick_rules(stretch: Stretch, tally: Tally) -> None:
    """`wick`: highs and lows far from everything around them."""
    events = stretch.events
    opens, highs, lows, closes = (stretch.floats(word) for word in ("w0", "w1", "w2", "w3"))
    good = (lows > 0) & (lows <= np.minimum(opens, closes)) & (highs >= np.maximum(opens, closes))
    if good.sum() < NOISE_ROWS:
        return
    volumes = events["w4"].astype(np.float64)
    moves = np.zeros(len(events))
    moves[1:] = np.log(np.where(good, closes, 1.0)[1:] / np.where(good, closes, 1.0)[:-1])
    busy = volumes > np.maximum(_local_quantile(volumes, BUSY), BUSY_FACTOR * _local_quantile(volumes, 0.5))
    for name, inner, outer in (("high", np.maximum(opens, closes), highs), ("low", lows, np.minimum(opens, closes))):
        wick = np.zeros(len(events))
        wick[good] = np.log(outer[good] / inner[good])
        bound = np.maximum(WICK_SCALES * local_scale(wick), WICK_MOVES * local_scale(moves))
        long = wick > np.maximum(bound, WICK_MOVE)
        column = highs if name == "high" else lows

        def say(row: int, name: str = name, column: Floats = column) -> str:
            return f"{name} {column[row]:g}, open {opens[row]:g}, close {closes[row]:g}"

        tally.rows(stretch, "wick", "warning", long & ~busy, say)
        tally.rows(stretch, "wick", "note", long & busy, say)


def _local_quantile(values: Floats, share: float) -> Floats:
    """A quantile of the `BUSY_ROWS` values before and after each, in blocks."""
    found = np.empty(len(values))
    for first in range(0, len(values), BUSY_ROWS):
        found[first : first + BUSY_ROWS] = np.quantile(values[max(first - BUSY_ROWS, 0) : first + 2 * BUSY_ROWS], share)
    return found


def swap_rules(stretch: Stretch, tally: Tally) -> None:
    """`swapped`: blocks of bars that fit together better with open and close exchanged.

    An open is near the close before it. Exchanged, what is written as open is the close, and lies as far from the "close" before it as
    two bars move.
    """
    opens, closes = stretch.floats("w0"), stretch.floats("w3")
    if len(opens) <= SWAP_ROWS or (opens <= 0).any() or (closes <= 0).any():
        return
    joint = np.abs(np.log(opens[1:] / closes[:-1]))
    across = np.abs(np.log(closes[1:] / opens[:-1]))
    broken = np.zeros(len(opens), np.bool_)
    for first in range(0, len(joint) - SWAP_ROWS + 1, SWAP_ROWS):
        block = slice(first, first + SWAP_ROWS)
        bound = np.quantile(across[block], 0.9)  # one step of a split must not decide
        if np.minimum(joint[block], bound).mean() > SWAP_FACTOR * np.minimum(across[block], bound).mean():
            broken[first + 1 : first + 1 + SWAP_ROWS] = True
    tally.rows(
        stretch, "swapped", "error", broken, lambda row: f"open {opens[row]:g}, close {closes[row]:g}, the close before {closes[row - 1]:g}"
    )
