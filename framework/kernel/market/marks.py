"""The market as the trader half sees it: last bar, last quote, mark, and a ring of past bars per instrument."""

from __future__ import annotations

import math

from framework.kernel.layout.codes import MARK_IS_PUBLISHED, MARK_IS_RATE, MARK_IS_WATCHED
from framework.kernel.layout.market_records import Marks, PastBar, Terms, marks_row, past_bar_row, terms_row
from framework.kernel.layout.roots import TraderRoot
from framework.kernel.machine.compile import inlined, kernel, outlined
from framework.kernel.market.currencies import follow_rates
from framework.kernel.market.valuation import forget_sums, put_back, take_out
from framework.schema.event import Event
from framework.schema.units import LARGEST_STEPS

_NANO = 1e-9

GAP_BARS = 15
"""How many bars the usual gap is measured over: one less than a power of two, so that the least ring holds them."""


@kernel
def marks_of(t: TraderRoot, instrument: int) -> Marks:
    """The marks of one instrument: its present market as the trader half has seen it."""
    return marks_row(t.marks, instrument)


@kernel
def terms_of(t: TraderRoot, instrument: int) -> Terms:
    """The terms row of one instrument."""
    return terms_row(t.terms, instrument)


@inlined
def mark_to(t: TraderRoot, instrument: int, mark_ticks: float) -> None:
    """A market price: it is the mark where the venue does not tell one."""
    marks = marks_of(t, instrument)
    if marks.mark_flags == 0:
        _put_mark(t, marks, instrument, mark_ticks)
    elif not marks.mark_flags & MARK_IS_PUBLISHED:
        set_mark(t, instrument, mark_ticks)


@kernel
def see_mark(t: TraderRoot, event: Event) -> None:
    """The venue tells its mark: from now on nothing else moves it."""
    marks_of(t, event.instrument).mark_flags |= MARK_IS_PUBLISHED
    set_mark(t, event.instrument, event.w0 + event.w1 * _NANO)
    t.dirty |= 1


@inlined
def _put_mark(t: TraderRoot, marks: Marks, instrument: int, mark_ticks: float) -> None:
    has_sums = take_out(t, instrument)
    marks.mark_ticks = mark_ticks
    if has_sums:
        put_back(t, instrument)
    if marks.seen_ns == 0:
        marks.seen_ns = t.now_ns


@kernel
def set_mark(t: TraderRoot, instrument: int, mark_ticks: float) -> None:
    """Set the mark; where the instrument is a currency pair, the rates of currencies follow."""
    marks = marks_of(t, instrument)
    _put_mark(t, marks, instrument, mark_ticks)
    if marks.mark_flags & MARK_IS_WATCHED and t.margined != 0:
        t.mark_moved, t.touched = 1, 1
    if marks.mark_flags & MARK_IS_RATE:
        forget_sums(t)
        follow_rates(t)


@kernel
def past_bar(t: TraderRoot, marks: Marks, k: int) -> PastBar:
    """Bar `k` of an instrument, counted from its first; only the last ones are kept."""
    return past_bar_row(marks.history, k & t.history_mask)


@outlined
def _sum_from_oldest(t: TraderRoot, marks: Marks, count: int) -> float:
    """The sum of closes is beyond what a float counts exactly: begin it anew at the oldest bar kept. Returns it with bar `count`.

    Where not even the kept bars add up exactly it goes on as it is: means are then off in their last digits.
    """
    close = past_bar(t, marks, count).close
    first = max(count - t.history_mask, 0)
    before = past_bar(t, marks, count - 1).sum_close
    if before - past_bar(t, marks, first).sum_close > LARGEST_STEPS // 2:
        return before + close
    total = 0.0
    for k in range(first, count):
        row = past_bar(t, marks, k)
        total += row.close
        row.sum_close = total
    return total + close


@inlined
def see_bar(t: TraderRoot, event: Event) -> None:
    """Take in a closed bar: the mark is its close, the ring gets one row."""
    marks = marks_of(t, event.instrument)
    count = marks.bars
    row = past_bar(t, marks, count)
    row.open, row.high, row.low = float(event.w0), float(event.w1), float(event.w2)
    close = float(event.w3)
    row.close, row.volume = close, float(event.w4)
    total = past_bar(t, marks, count - 1).sum_close + close
    row.sum_close = total if total <= LARGEST_STEPS else _sum_from_oldest(t, marks, count)
    marks.bar_ns = event.ts_local_ns
    marks.bars = count + 1
    mark_to(t, event.instrument, close)
    t.dirty = 1


@kernel
def see_quote(t: TraderRoot, event: Event) -> None:
    """Take in a quote: the mark is its mid; a quote with an empty side (price 0) leaves the mark as it was."""
    marks = marks_of(t, event.instrument)
    marks.bid, marks.ask, marks.bid_lots, marks.ask_lots = event.w0, event.w1, event.w2, event.w3
    marks.quote_ns = event.ts_local_ns
    if event.w0 > 0 and event.w1 > 0:
        mark_to(t, event.instrument, 0.5 * (event.w0 + event.w1))
        t.dirty = 1


@kernel
def adjust_history(t: TraderRoot, instrument: int, price_factor: float, volume_factor: float) -> None:
    """Restate the ring as of now, so that returns across a split or dividend are returns and not jumps."""
    marks = marks_of(t, instrument)
    size = t.history_mask + 1
    kept = min(marks.bars, size)
    sum_close = 0.0
    for k in range(marks.bars - kept, marks.bars):
        row = past_bar(t, marks, k)
        row.open *= price_factor
        row.high *= price_factor
        row.low *= price_factor
        row.close *= price_factor
        row.volume *= volume_factor
        sum_close += row.close
        row.sum_close = sum_close


@kernel
def mean_volume(t: TraderRoot, instrument: int, bars: int) -> float:
    """Mean volume in lots of the last `bars` bars, or of those there are; 0 when there are none."""
    marks = marks_of(t, instrument)
    n = min(marks.bars, min(bars, t.history_mask + 1))
    if n == 0:
        return 0.0
    total = 0.0
    for k in range(marks.bars - n, marks.bars):
        total += past_bar(t, marks, k).volume
    return total / n


@kernel
def volatility(t: TraderRoot, instrument: int, bars: int) -> float:
    """Sample standard deviation (ddof 1) of the last `bars` close-to-close returns; 0 with fewer than two."""
    marks = marks_of(t, instrument)
    n = min(marks.bars - 1, min(bars, t.history_mask))
    if n < 2:
        return 0.0
    total = 0.0
    for k in range(marks.bars - n, marks.bars):
        total += past_bar(t, marks, k).close / past_bar(t, marks, k - 1).close - 1.0
    mean, squares = total / n, 0.0
    for k in range(marks.bars - n, marks.bars):
        change = past_bar(t, marks, k).close / past_bar(t, marks, k - 1).close - 1.0
        squares += (change - mean) * (change - mean)
    return math.sqrt(squares / (n - 1))


@kernel
def mean_gap(t: TraderRoot, instrument: int) -> float:
    """Mean distance of the last opens from the close before each, as a fraction of it; 0 where there are none.

    Over the last `GAP_BARS` bars, or those there are.
    """
    marks = marks_of(t, instrument)
    n = min(marks.bars - 1, min(GAP_BARS, t.history_mask))
    if n < 1:
        return 0.0
    total = 0.0
    for k in range(marks.bars - n, marks.bars):
        close = past_bar(t, marks, k - 1).close
        if close > 0.0:
            total += abs(past_bar(t, marks, k).open / close - 1.0)
    return total / n


@inlined
def mean_close(t: TraderRoot, instrument: int, bars: int) -> float:
    """Mean of the last `bars` adjusted closes in price units, NaN while there are fewer; `bars` is from 1 to what is kept."""
    marks = marks_of(t, instrument)
    if bars > marks.bars:
        return math.nan
    last, first = past_bar(t, marks, marks.bars - 1), past_bar(t, marks, marks.bars - bars)
    terms = terms_of(t, instrument)
    return (last.sum_close - first.sum_close + first.close) * terms.tick_numerator / (bars * terms.tick_denominator)


@kernel
def deviation(t: TraderRoot, instrument: int, bars: int) -> float:
    """Sample standard deviation (ddof 1) of the last `bars` adjusted closes in price units; NaN while there are fewer, or below two."""
    marks = marks_of(t, instrument)
    if bars < 2 or bars > marks.bars or bars > t.history_mask + 1:
        return math.nan
    total = 0.0
    for k in range(marks.bars - bars, marks.bars):
        total += past_bar(t, marks, k).close
    mean, squares = total / bars, 0.0
    for k in range(marks.bars - bars, marks.bars):
        off = past_bar(t, marks, k).close - mean
        squares += off * off
    terms = terms_of(t, instrument)
    return math.sqrt(squares / (bars - 1)) * terms.tick_numerator / terms.tick_denominator
