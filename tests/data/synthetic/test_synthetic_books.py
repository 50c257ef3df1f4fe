"""Synthetic order books: rates and distributions against theory, and orders that are born, met and gone once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from framework.data.series.book_replay import OrderBook, check_books
from framework.data.series.conflate import conflate
from framework.data.synthetic.draws import Synthetic
from framework.data.synthetic.hawkes import HawkesModel, hawkes_book
from framework.data.synthetic.queue_reactive import QueueModel, intensities, queue_reactive_book
from framework.data.synthetic.streams import Market
from framework.data.tape.recording import Recording
from framework.errors import DataError, InputError
from framework.schema.event import Flag, Kind

ERRORS = 4.0
Make = Callable[..., Synthetic[object]]
MODELS: dict[str, Make] = {"hawkes": hawkes_book, "queue-reactive": queue_reactive_book}  # type: ignore[dict-item]
both = pytest.mark.parametrize("name", MODELS)


def test_hawkes_rates_are_stationary_ones() -> None:
    market, model = Market(duration="4h", seed=21), HawkesModel()
    times, kinds = hawkes_book(market, model).truth.arrivals("SYN")
    reach = np.linalg.inv(np.eye(6) - np.array(model.branching))
    rates = reach @ np.array(model.base)
    # Bacry, Delattre, Hoffmann, Muzy (2013): counts over T have covariance T (I - N)^-1 diag(rates) (I - N)^-T
    errors = np.sqrt(np.diag(reach @ np.diag(rates) @ reach.T) / market.seconds)
    assert (np.abs(np.bincount(kinds, minlength=6) / market.seconds - rates) < ERRORS * errors).all()
    assert model.rates == pytest.approx(rates)
    assert (np.diff(times) > 0).all()
    assert times[-1] < market.seconds


def test_hawkes_arrivals_are_stationary_from_the_start() -> None:
    """The first quarter of a second of a thousand books has the mean rates. From an empty past a third of them would be missing."""
    market = Market(symbols=tuple(f"S{k}" for k in range(1_000)), duration="250ms", seed=23)
    made, model = hawkes_book(market), HawkesModel()
    counts = np.array([len(made.truth.arrivals(symbol)[0]) for symbol in market.symbols])
    expected = model.rates.sum() * 0.25
    assert abs(counts.mean() - expected) < ERRORS * counts.std() / np.sqrt(len(counts))
    assert ERRORS * counts.std() / np.sqrt(len(counts)) < 0.15 * expected
    excited = np.array([made.truth.excited(symbol) for symbol in market.symbols])
    errors = excited.std(axis=0) / np.sqrt(len(excited))
    assert (np.abs(excited.mean(axis=0) - (model.rates - np.array(model.base))) < ERRORS * errors).all()
    with pytest.raises(InputError, match="no book of 'X' was made"):
        made.truth.excited("X")


def test_hawkes_arrivals_are_unit_exponential_in_their_own_time() -> None:
    model = HawkesModel()
    truth = hawkes_book(Market(duration="1h", seed=22), model).truth
    times, kinds = truth.arrivals("SYN")
    base, excited, before = sum(model.base), truth.excited("SYN"), 0.0
    added, decay = np.array(model.branching) * model.decay, model.decay
    passed = []
    for time, kind in zip(times.tolist(), kinds.tolist(), strict=True):
        wait = time - before
        passed.append(base * wait + excited.sum() * (1 - np.exp(-decay * wait)) / decay)
        excited = excited * np.exp(-decay * wait) + added[:, kind]
        before = time
    sample = np.sort(passed)
    steps = np.arange(1, len(sample) + 1) / len(sample)
    distance = np.abs(1 - np.exp(-sample) - steps).max()
    assert distance * np.sqrt(len(sample)) < 1.95  # Kolmogorov: p = 0.001
    assert len(sample) > 50_000
    plain = np.sort(np.diff(times) / np.diff(times).mean())  # by the clock they are not: they cluster
    assert np.abs(1 - np.exp(-plain) - steps[:-1]).max() * np.sqrt(len(plain)) > 5


def test_hawkes_messages_are_the_arrivals() -> None:
    market = Market(duration="10min", seed=3)
    made = hawkes_book(market)
    events, (times, kinds) = made.recording.events(), made.truth.arrivals("SYN")
    later = events[events["w4"] > 1]  # message 1 is the snapshot, message n + 2 is arrival n
    arrival = later["w4"] - 2
    assert (later["ts_venue_ns"] == market.start_ns + (times[arrival] * 1e9).astype(np.int64)).all()
    trades = later["kind"] == Kind.TRADE
    assert set(kinds[arrival[trades & ((later["flags"] & Flag.BUY) != 0)]]) == {0}
    assert set(kinds[arrival[trades & ((later["flags"] & Flag.SELL) != 0)]]) == {1}
    single = ~np.isin(arrival, arrival[trades]) & (np.diff(arrival, prepend=-1) != 0) & (np.diff(arrival, append=-1) != 0)
    kind = kinds[arrival[single]]
    assert (((later["flags"][single] & Flag.BUY) != 0) == (kind % 2 == 0)).all()
    assert ((later["w1"][single] > 0) == (kind < 4)).all()
    assert len(np.unique(arrival)) > 0.97 * len(kinds)  # few are without effect
    with pytest.raises(InputError, match="no book of 'X' was made, but of SYN"):
        made.truth.arrivals("X")


def lengths_over_time(recording: Recording, price: int, lengths: int) -> NDArray[np.float64]:
    """Share of time for which so many orders stood at a price."""
    standing, share, before = set(), np.zeros(lengths), 0
    for row in recording.events():
        if row["kind"] == Kind.DEPTH and row["w0"] == price:
            now = int(row["ts_venue_ns"])
            share[len(standing)] += now - before if before else 0
            before = now
            if row["w1"]:
                standing.add(int(row["w2"]))
            else:
                standing.discard(int(row["w2"]))
    return share / share.sum()


def test_a_queue_of_constant_intensities_has_the_length_of_a_birth_death_process() -> None:
    join, leave, meet, most = 1.0, 1.2, 0.8, 40
    flat = tuple(join if length < most else 0.0 for length in range(most + 1))
    gone = tuple(leave if length else 0.0 for length in range(most + 1))
    met = tuple(meet if length else 0.0 for length in range(most + 1))
    market = Market(duration="8h", seed=8)
    made = queue_reactive_book(market, QueueModel((flat,), (gone,), (met,), move=0.0))
    found = lengths_over_time(made.recording, market.start_ticks, most + 1)
    ratio = join / (leave + meet)
    expected = (1 - ratio) * ratio ** np.arange(most + 1)  # M/M/1; what is cut off at 40 is below 1e-12
    assert made.truth.model.invariant[0] == pytest.approx(expected, abs=1e-9)
    slowest = 1 / (np.sqrt(leave + meet) - np.sqrt(join)) ** 2  # the relaxation time of M/M/1, seconds
    errors = np.sqrt(2 * slowest / market.seconds * expected * (1 - expected))
    assert (np.abs(found - expected) < ERRORS * errors + 1e-6).all()
    assert len(made.truth.reference_price("SYN")[0]) == 1


def test_the_invariant_distribution_is_balanced() -> None:
    model = QueueModel()
    limit, cancel, market = model.arrays
    for level, found in enumerate(model.invariant):
        death = cancel[level] + (market[level] if level == 0 else 0.0)
        generator = np.diag(limit[level, :-1], 1) + np.diag(death[1:], -1)
        generator -= np.diag(generator.sum(axis=1))
        assert np.abs(found @ generator).max() < 1e-12
        assert found.sum() == pytest.approx(1)


def test_the_reference_price_lies_between_bids_and_offers_and_moves_by_ticks() -> None:
    made = queue_reactive_book(Market(duration="30min", seed=4))
    stamps, prices = made.truth.reference_price("SYN")
    assert len(stamps) > 50
    assert set(np.abs(np.diff(prices))) == {1.0}
    events, book = made.recording.events(), OrderBook()
    for at in book.messages(events):
        reference = prices[np.searchsorted(stamps, events["ts_venue_ns"][at], side="right") - 1]
        bids, asks = book.bids(9), book.asks(9)
        assert all(price < reference for price, _ in bids)
        assert all(price > reference for price, _ in asks)
        assert len(bids) <= 5 >= len(asks)


def test_without_moves_or_with_certain_ones() -> None:
    still = queue_reactive_book(Market(duration="10min"), QueueModel(move=0.0))
    moving = queue_reactive_book(Market(duration="10min"), QueueModel(move=1.0, redraw=1.0))
    assert len(still.truth.reference_price("SYN")[0]) == 1
    assert len(moving.truth.reference_price("SYN")[0]) > 10


@both
def test_books_are_known_and_never_crossed(name: str) -> None:
    made = MODELS[name](Market(("A", "B"), duration="20min", seed=2, latency_ns=1000, jitter_ns=5e5))
    for check in check_books(made.recording):
        assert (check.unknown, check.gaps, check.crossed) == (0, 0, 0)
        assert check.messages > 5_000


@both
def test_orders_are_born_met_and_gone_once(name: str) -> None:
    events = MODELS[name](Market(duration="20min", seed=2)).recording.events()
    standing: dict[int, list[int]] = {}
    gone: set[int] = set()
    pending: tuple[int, int] | None = None
    trades = 0
    for kind, flags, price, lots, order, other in zip(
        *(events[c].tolist() for c in ("kind", "flags", "w0", "w1", "w2", "w3")), strict=True
    ):
        if kind == Kind.TRADE:
            side = int(Flag.SELL) if flags & Flag.BUY else int(Flag.BUY)
            own = [(o[1] if side == Flag.SELL else -o[1], number) for number, o in standing.items() if o[0] == side]
            assert min(own)[1] == other  # the best price, and there the oldest: ids rise
            assert standing[other][1] == price
            pending, trades = (other, standing[other][2] - lots), trades + 1
            continue
        side = flags & (Flag.BUY | Flag.SELL)
        if pending is not None:
            assert pending == (order, lots)  # what remains after the trade is told at once
            pending = None
        if order not in standing:
            assert order not in gone
            assert lots > 0
            standing[order] = [side, price, lots]
            continue
        assert standing[order][:2] == [side, price]
        standing[order][2] = lots
        if not lots:
            gone.add(order)
            del standing[order]
    assert trades > 300
    assert len(gone) > 3_000
    assert sorted([*gone, *standing]) == list(range(1, len(gone) + len(standing) + 1))


@both
def test_a_snapshot_comes_first_and_messages_end(name: str) -> None:
    market = Market(duration="1min")
    events = MODELS[name](market).recording.events()
    snapshot = events[(events["flags"] & Flag.SNAPSHOT) != 0]
    assert (events["ts_venue_ns"][: len(snapshot)] == market.start_ns).all()
    assert events["flags"][0] & Flag.CLEAR
    assert snapshot["flags"][-1] & Flag.LAST
    ends = np.flatnonzero(np.diff(events["w4"], append=-1))
    assert (events["flags"][ends] & Flag.LAST).all()
    assert ((events["flags"] & Flag.LAST) != 0).sum() == len(ends)


@both
def test_the_length_of_parts_changes_no_byte(name: str) -> None:
    market = Market(("A", "B"), duration="5min", seed=6, latency_ns=10_000, jitter_ns=3e8)
    found = [MODELS[name](market, part_seconds=seconds).recording for seconds in (1.7, 60.0, 1e6)]
    one, two, three = (recording.events().tobytes() for recording in found)  # events() refuses stamps that run backwards
    assert one == two == three
    assert len(list(found[0].parts())) > 100


@both
def test_long_books_come_in_parts(name: str) -> None:
    sizes = [len(part) for part in MODELS[name](Market(duration="16h")).recording.parts()]
    assert sum(sizes) > 1_000_000
    assert max(sizes) < 1_000_000


@both
def test_another_book_changes_no_book(name: str) -> None:
    def of(symbols: tuple[str, ...]) -> bytes:
        rows = MODELS[name](Market(symbols, duration="5min", jitter_ns=1e6)).recording.events()
        rows = rows[rows["instrument"] == symbols.index("A")].copy()
        rows["instrument"] = 0
        return rows.tobytes()

    assert of(("A",)) == of(("B", "A", "C"))


@both
def test_latency_makes_stamps_later_and_never_overtakes(name: str) -> None:
    events = MODELS[name](Market(duration="10min", latency_ns=250_000, jitter_ns=1e6)).recording.events()
    delay = events["ts_local_ns"] - events["ts_venue_ns"]
    first = np.unique(events["w4"], return_index=True)[1]
    assert delay.min() >= 250_000
    assert (np.diff(events["ts_venue_ns"]) >= 0).all()
    mean, error = 1_250_000, 1e6 / np.sqrt(len(first))
    assert mean - ERRORS * error < delay[first].mean() < 1.1 * mean  # a little more: messages wait for those before them
    assert np.ptp(delay) > 0


def test_another_process_and_hash_seed_give_the_same_bytes() -> None:
    code = (
        "import hashlib; from framework.data.synthetic.{0} import {1} as make; from framework.data.synthetic.streams import Market; "
        "print(hashlib.sha256(make(Market(duration='2min', seed=9)).recording.events().tobytes()).hexdigest())"
    )
    for module, function in (("hawkes", hawkes_book), ("queue_reactive", queue_reactive_book)):
        here = hashlib.sha256(function(Market(duration="2min", seed=9)).recording.events().tobytes()).hexdigest()
        ran = subprocess.run(
            [sys.executable, "-c", code.format(module, function.__name__)],
            capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3], env={**os.environ, "PYTHONHASHSEED": "7"},
        )  # fmt: skip
        assert ran.stdout.strip() == here


@both
def test_levels_are_made_of_orders(name: str) -> None:
    made = MODELS[name](Market(duration="5min", seed=1)).recording
    levels = conflate(made, to="levels")
    by_order, by_level = OrderBook(), OrderBook()
    by_order.apply(made.events())
    by_level.apply(levels.events())
    assert (by_order.bids(99), by_order.asks(99)) == (by_level.bids(99), by_level.asks(99))
    assert not levels.events()["w2"][levels.events()["kind"] == Kind.DEPTH].any()
    assert levels.notes[0].startswith("Synthetic data: made by a generator")


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: HawkesModel(branching=tuple(tuple(0.2 for _ in range(6)) for _ in range(6))), r"spectral radius of branching is 1\.200"),
        (lambda: HawkesModel(base=(1.0,)), "base has 6"),
        (lambda: HawkesModel(decay=0.0), "decay=0.0"),
        (lambda: HawkesModel(most_orders=10), "1 <= least_orders <= at the start <= most_orders"),
        (lambda: QueueModel(limit=intensities((1.0,))), "tables of the same levels x lengths"),
        (lambda: QueueModel(cancel=intensities((1.0,) * 5)), "cancel and market at length 0"),
        (lambda: QueueModel(move=1.5), "both from 0 to 1"),
        (lambda: Market(mean_lots=0.5), "mean_lots >= 1"),
        (lambda: Market(("A", "A")), "each once"),
    ],
)
def test_what_cannot_be_is_refused(made: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        made()  # type: ignore[operator]


def test_a_price_below_one_tick_is_refused() -> None:
    with pytest.raises(DataError, match="SYN: .* below 1 tick. Choose a higher start_ticks"):
        hawkes_book(Market(start_ticks=12, duration="4h"), HawkesModel(spread_ticks=6.0)).recording.events()
    with pytest.raises(DataError, match="SYN: prices fall below 1 tick"):
        queue_reactive_book(Market(start_ticks=6, duration="8h")).recording.events()
