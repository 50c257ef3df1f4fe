"""A fill rule as a drawing: market events as a table, orders as lines, and the fills and outcomes expected of them.

    draw('''
        # day   open    high     low   close  volume
            1    100     101      99     100    1000
            2    100     101      98      99    1000

        at 1: BUY 100 LIMIT 98.50 DAY
        fill 2: BUY 100 @ 98.50 maker
        order 0: FILLED
        end: 100 X, 990150 USD
    ''')

Time. Day 1 is Monday 2024-01-01, UTC; `3` is the end of day 3, `3 09:30` a time in it. `clock 2024-07-01 America/New_York
16:00` names another first day, another zone and what a bare day means.

Market. A row of five numbers is a bar stamped at its close: open, high, low, close, volume. Else `99.90 x 500 / 100.10 x 300` (a
quote: bid x size / ask x size), `SPLIT 7:1`, `DIVIDEND 0.50`, `DELIST 10`, `HALT`, `RESUME`, `FUNDING 0.0001` (a rate), `MARK 101`,
`LIMITS 95 105` (price limits, 0: none).
With more instruments than one the symbol stands after the time. `instrument SAP currency EUR tick 0.01 lot 1 calendar XETR` describes
one; not described: X. `instrument P kind PERPETUAL base BTC inverse 1 initial 0.1 maintenance 0.05 liquidation 0.01` is a derivative.

Ticks. `book 99 x 5, 98 x 3 / 101 x 4` is a snapshot, `bid 99 x 7, ask 101 x 0` one message of changes, `trade 99 x 3 SELL` a trade
that a seller took, `trade 99 x 3 AUCTION` the print of an auction, `GAP` a break; `id 7` behind a size names an order of the source.
`feed 0.5`: we hear of every tick so many seconds after its time.

Orders. `at TIME:` is decided when the bar or quote of that stamp has come, or by a timer where none does; `timer TIME:` always by
a timer, after everything else of its stamp. `BUY|SELL quantity [symbol] [LIMIT p] [STOP p] [TOUCH p] [TRAIL p | TRAIL n bps]
[TRAIL_LIMIT p] [DAY | IOC | FOK | AT_OPEN | AT_CLOSE | GTD TIME] [REDUCE_ONLY] [PARENT id] [GROUP id] [POST_ONLY] [DISPLAY q]
[HIDDEN] [PEG primary|mid] [PEG_OFFSET p]`, `BRACKET BUY 100 [LIMIT p | STOP p] TARGET p LOSS p`,
`CANCEL id`, `REPLACE id [QUANTITY q] [LIMIT p] [STOP p]` (`-> False`: the answer expected), `WEIGHT 0.5 [symbol]`, `HOLD 100
[symbol]`. Orders are numbered from 0 in the order of the lines; a bracket takes three numbers.

Account. `2 TRANSFER 1000 USD` brings cash, `2 TRANSFER 10 X @ 50` units that have cost 50 each; negative takes out. `2 CORRECT 10 X @ 50`
sets a position, `2 CORRECT -25 USD` changes cash, `CORRECT WORKS|ENDED 0 X filled 10` an order, `CORRECT FOUND 1 BUY 5 X LIMIT 98` tells of
one. `opening: 1000 USD, 10 X @ 50, BUY 5 X LIMIT 98.50` is what the run begins with. `deposit 2: 1000` lines are all the deposits.

Expected. `fill` lines are all the fills there are, in order; fee, slippage (both in the instrument's currency) and `ambiguous` are none
where none is given, `of 1` names the order. `order` lines name the outcome of every order that is not FILLED, with both numbers of the
reason if it has any, and, if wanted, `filled`, `quantity`, `limit`, `stop` and `done TIME`; the broker's own orders take the next
numbers. `refused` lines are refused changes. `repriced 2: 0 @ 99` (order 0) are all moves of pegs, if any is drawn. `charge 2: FUNDING
5.00 [symbol]` and `settled 2: 12.5 [symbol]` are all charges and settlements, if any is drawn. `end` lists every position, and any of the
cash and equity.

Every drawing is played again one stamp at a time and on an open tape, event by event, and its record is replayed: all must leave the same
audit. `both=True` plays
it upside down too: prices p become 200 - p, buys become sells.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from framework import Strategy, backtest
from framework.data.tape import Tape, build
from framework.schema.codec import to_frame
from framework.schema.event import EVENT, CostKind, Flag, Kind
from framework.schema.instrument import Instrument, InstrumentKind
from framework.schema.order import OrderState
from framework.schema.units import Step
from framework.simulation.audited_run import replay
from tests.live_double import plays_live
from tests.open_tapes import fed_event_by_event
from tests.tapes import account_lines, ticks

_ACTIONS = {"SPLIT": "split", "DIVIDEND": "dividend", "DELIST": "delist"}
_PRICES = ("limit", "stop", "touch", "target", "loss")
_DISTANCES = ("trail", "trail_limit", "peg_offset")
_FORCES = ("GTC", "DAY", "IOC", "FOK", "AT_OPEN", "AT_CLOSE")
_EXPECTED = ("at", "timer", "fill", "order", "refused", "repriced", "charge", "settled", "deposit")
_ENDED = {state.name for state in OrderState if state >= OrderState.FILLED}


@dataclass(frozen=True)
class Clock:
    """What times in a drawing mean."""

    first: dt.date = dt.date(2024, 1, 1)
    zone: str = "UTC"
    close: str = "24:00"

    def ns(self, text: str) -> int:
        """`3` or `3 09:30` or `3 09:30:00.5` as a stamp."""
        day, _, time = text.strip().partition(" ")
        hours, minutes, *seconds = (time.strip() or self.close).split(":")
        since = dt.timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds[0]) if seconds else 0.0)
        wall = dt.datetime.combine(self.first + dt.timedelta(days=int(day) - 1), dt.time()) + since
        return int(pd.Timestamp(wall).tz_localize(ZoneInfo(self.zone)).as_unit("ns").value)

    def text(self, ns: int) -> str:
        """The inverse of `ns`, in its shortest form."""
        stamp = pd.Timestamp(ns, tz="UTC").tz_convert(ZoneInfo(self.zone))
        day = (stamp.date() - self.first).days + 1
        for bare in (day - 1, day):
            if self.ns(str(bare)) == ns:
                return str(bare)
        return f"{day} {stamp:%H:%M}" if stamp.second == 0 and stamp.microsecond == 0 else f"{day} {stamp:%H:%M:%S.%f}".rstrip("0.")


@dataclass
class Drawing:
    """A drawing, read."""

    clock: Clock = field(default_factory=Clock)
    instruments: dict[str, Instrument] = field(default_factory=dict)
    market: list[tuple[int, str, str, Any]] = field(default_factory=list)  # stamp, symbol, kind, payload
    orders: list[tuple[int, bool, str, dict[str, Any]]] = field(default_factory=list)  # stamp, by a timer, verb, words
    fills: list[dict[str, Any]] = field(default_factory=list)
    outcomes: dict[int, dict[str, Any]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    repriced: list[tuple[int, int, float]] = field(default_factory=list)  # stamp, order, price
    paid: list[str] = field(default_factory=list)
    deposits: list[str] = field(default_factory=list)
    opening: dict[str, Any] | None = None
    end: dict[str, float] | None = None
    feed_ns: int = 0

    @property
    def only(self) -> str:
        """The symbol that need not be written."""
        return next(iter(self.instruments)) if len(self.instruments) == 1 else ""


def number(value: float) -> str:
    """A number as drawings compare it: to eight decimals."""
    return f"{round(value, 8) + 0.0:.8f}".rstrip("0").rstrip(".") if np.isfinite(value) else str(float(value))


def read(text: str) -> Drawing:
    """Read a drawing."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    lines = [re.sub(r"\s+", " ", line) for line in lines if line]
    drawing = Drawing()
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "clock":
            day, zone, close = rest.split()
            drawing.clock = Clock(dt.date.fromisoformat(day), zone, close)
        elif word == "feed":
            drawing.feed_ns = round(float(rest) * 1e9)
        elif word == "instrument":
            instrument = _instrument(rest.split())
            drawing.instruments[instrument.symbol] = instrument
    if not drawing.instruments:
        drawing.instruments["X"] = Instrument("X")
    for line in lines:
        _read_line(drawing, line)
    return drawing


def _read_line(drawing: Drawing, line: str) -> None:
    word, _, rest = line.partition(" ")
    head, _, tail = rest.rpartition(": ") if word in _EXPECTED else ("", "", "")
    if word in ("at", "timer"):
        verb, words = _order(drawing, tail.split())
        drawing.orders.append((drawing.clock.ns(head), word == "timer", verb, words))
    elif word == "fill":
        drawing.fills.append(_fill(drawing, drawing.clock.ns(head), tail.split()))
    elif word == "order":
        drawing.outcomes[int(head)] = _outcome(drawing, tail.split())
    elif word == "refused":
        drawing.refused.append(f"refused {head}: {_with_numbers(tail.split())}")
    elif word == "repriced":
        order_id, _, price = tail.split()
        drawing.repriced.append((drawing.clock.ns(head), int(order_id), float(price)))
    elif word in ("charge", "settled"):
        words = tail.split() if tail.split()[-1] in drawing.instruments else [*tail.split(), drawing.only]
        drawing.paid.append(f"{word} {head}: {' '.join([*words[:-2], number(float(words[-2])), words[-1]])}")
    elif word == "deposit":
        drawing.deposits.append(f"deposit {drawing.clock.text(drawing.clock.ns(head))}: {number(float(tail))}")
    elif word == "opening:":
        drawing.opening = account_lines.opening_of(rest)
    elif word == "end:":
        pairs = [part.split() for part in rest.split(",")]
        drawing.end = {name: float(amount) for amount, name in pairs}
    elif word not in ("clock", "instrument", "feed"):
        drawing.market.append(_market(drawing, line.split()))


def _instrument(words: list[str]) -> Instrument:
    terms = dict(zip(words[1::2], words[2::2], strict=True))
    return Instrument(
        words[0],
        tick=Step.of(terms.pop("tick", "0.01")),
        lot=Step.of(terms.pop("lot", "1")),
        multiplier=float(terms.pop("multiplier", "1")),
        currency=terms.pop("currency", "USD"),
        kind=InstrumentKind[terms.pop("kind", "EQUITY")],
        base_currency=terms.pop("base", ""),
        calendar=terms.pop("calendar", "24/7"),
        bar_interval_ns=int(terms.pop("minutes", "0")) * 60_000_000_000,
        inverse=terms.pop("inverse", "0") == "1",
        initial_margin=float(terms.pop("initial", "1")),
        maintenance_margin=float(terms.pop("maintenance", "0")),
        liquidation_fee=float(terms.pop("liquidation", "0")),
    )


def _market(drawing: Drawing, words: list[str]) -> tuple[int, str, str, Any]:
    time = words.pop(0)
    if ":" in words[0] and words[0][0].isdigit():
        time += " " + words.pop(0)
    if words[0] in account_lines.WORDS:
        return drawing.clock.ns(time), "", "ACCOUNT", words
    symbol = words.pop(0) if words[0] in drawing.instruments else drawing.only
    assert symbol, f"which instrument? {words}"
    if words[0] in _ACTIONS or words[0] in ("HALT", "RESUME", "FUNDING", "MARK"):
        return drawing.clock.ns(time), symbol, words[0], words[1] if len(words) > 1 else None
    if words[0] == "LIMITS":
        return drawing.clock.ns(time), symbol, "LIMITS", (float(words[1]), float(words[2]))
    if words[0] in ticks.WORDS:
        return drawing.clock.ns(time), symbol, "TICKS", ticks.read_ticks(words)
    if "/" in words:
        bid, _, bid_size, _, ask, _, ask_size = words
        return drawing.clock.ns(time), symbol, "QUOTE", (float(bid), float(ask), float(bid_size), float(ask_size))
    assert len(words) == 5, f"a bar has five numbers, got {words}"
    return drawing.clock.ns(time), symbol, "BAR", tuple(float(word) for word in words)


def _order(drawing: Drawing, tokens: list[str]) -> tuple[str, dict[str, Any]]:
    found: dict[str, Any] = {"symbol": drawing.only}
    if "->" in tokens:
        found["answer"] = tokens[tokens.index("->") + 1] == "True"
        tokens = tokens[: tokens.index("->")]
    verb = tokens[0]
    if verb == "BRACKET":
        tokens = tokens[1:]
        found["sign"] = 1 if tokens[0] == "BUY" else -1
    elif verb in ("BUY", "SELL"):
        found["sign"] = 1 if verb == "BUY" else -1
        verb = "ORDER"
    found["value"] = float(tokens[1])
    rest = tokens[2:]
    for k, word in enumerate(rest):
        if word in drawing.instruments:
            found["symbol"] = word
        elif word.lower() in (*_PRICES, *_DISTANCES, "quantity", "display"):
            found[word.lower()] = float(rest[k + 1])
        elif word == "bps":
            found["trail_bps"] = found.pop("trail")
        elif word in _FORCES:
            found["time_in_force"] = word
        elif word == "GTD":
            found["time_in_force"], found["expire"] = "GTD", drawing.clock.ns(" ".join(rest[k + 1 : k + 3]))
        elif word in ("REDUCE_ONLY", "POST_ONLY", "HIDDEN"):
            found[word.lower()] = True
        elif word == "PEG":
            found["peg"] = rest[k + 1]
        elif word in ("PARENT", "GROUP"):
            found[word.lower()] = int(rest[k + 1])
        else:
            assert word[0].isdigit() or word[0] == "-" or word in ("nan", "inf", "primary", "mid"), f"unknown word {word!r} in an order"
    return verb, found


def _fill(drawing: Drawing, ns: int, tokens: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"ns": ns, "side": tokens[0], "quantity": float(tokens[1]), "symbol": drawing.only}
    if tokens[2] != "@":
        found["symbol"] = tokens.pop(2)
    found["price"], found["liquidity"] = float(tokens[3]), tokens[4]
    found["ambiguous"] = "ambiguous" in tokens
    for word, name in (("fee", "fee"), ("slippage", "slippage"), ("of", "of")):
        if word in tokens:
            found[name] = float(tokens[tokens.index(word) + 1])
    return found


def _outcome(drawing: Drawing, tokens: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"state": tokens[0], "reason": "NONE"}
    if len(tokens) > 1 and tokens[1].isupper():
        found["reason"] = tokens[1]
    for name in ("filled", "quantity", "limit", "stop", "needs", "allows"):
        if name in tokens:
            found[name] = float(tokens[tokens.index(name) + 1])
    if "done" in tokens:
        found["done"] = drawing.clock.ns(" ".join(tokens[tokens.index("done") + 1 :][:2]))
    return found


def _with_numbers(tokens: list[str]) -> str:
    return " ".join(number(float(token)) if token[0].isdigit() or token[0] == "-" else token for token in tokens)


def upside_down(drawing: Drawing) -> Drawing:
    """The same drawing with prices p as 200 - p and sides exchanged."""

    def turned(kind: str, words: Any) -> Any:
        assert kind in ("BAR", "QUOTE", "TICKS", "HALT", "RESUME", "LIMITS"), f"{kind} cannot be turned upside down"
        if kind == "TICKS":
            return ticks.upside_down(words)
        if kind == "LIMITS":
            return tuple(200 - price if price else 0 for price in reversed(words))
        if kind == "BAR":
            return (200 - words[0], 200 - words[2], 200 - words[1], 200 - words[3], words[4])
        return (200 - words[1], 200 - words[0], words[3], words[2]) if kind == "QUOTE" else words

    def order(words: dict[str, Any]) -> dict[str, Any]:
        prices = {name: 200 - words[name] for name in _PRICES if name in words}
        signs = {"sign": -words["sign"]} if "sign" in words else {}
        return words | prices | signs

    def outcome(row: dict[str, Any]) -> dict[str, Any]:
        in_prices = row["reason"] in ("POST_ONLY_WOULD_TAKE", "OUTSIDE_PRICE_LIMITS")
        prices = ("limit", "stop", *(("needs", "allows") if in_prices else ()))
        return row | {name: 200 - row[name] for name in prices if name in row}

    def fill(row: dict[str, Any]) -> dict[str, Any]:
        return row | {"side": "SELL" if row["side"] == "BUY" else "BUY", "price": 200 - row["price"]}

    return replace(
        drawing,
        market=[(ns, symbol, kind, turned(kind, words)) for ns, symbol, kind, words in drawing.market],
        orders=[(ns, timer, verb, order(words)) for ns, timer, verb, words in drawing.orders],
        fills=[fill(row) for row in drawing.fills],
        outcomes={k: outcome(v) for k, v in drawing.outcomes.items()},
        repriced=[(ns, order_id, 200 - price) for ns, order_id, price in drawing.repriced],
        end=None if drawing.end is None else {k: 0.0 - v for k, v in drawing.end.items() if k in drawing.instruments},
    )


def tape_of(drawing: Drawing) -> Tape:
    """The market rows as a tape."""
    symbols = sorted(drawing.instruments)
    frames = {}
    for symbol in symbols:
        bars = [(ns, *words) for ns, name, kind, words in drawing.market if name == symbol and kind == "BAR"]
        if bars:
            frame = pd.DataFrame(bars, columns=["ts", "open", "high", "low", "close", "volume"])
            frames[symbol] = frame.set_index(pd.to_datetime(frame.pop("ts"), utc=True))
    actions = [(symbol, ns, _ACTIONS[kind], words) for ns, symbol, kind, words in drawing.market if kind in _ACTIONS]
    table = pd.DataFrame(actions, columns=["symbol", "ts", "kind", "value"])
    table["ts"] = pd.to_datetime(table["ts"], utc=True)
    extra = [row for row in drawing.market if row[2] in ("QUOTE", "HALT", "RESUME", "FUNDING", "MARK", "LIMITS")]
    events = np.zeros(len(extra), dtype=EVENT)
    for event, (ns, symbol, kind, words) in zip(events, extra, strict=True):
        event["ts_local_ns"] = event["ts_venue_ns"] = ns
        event["instrument"] = symbols.index(symbol)
        if kind == "QUOTE":
            tick, lot = drawing.instruments[symbol].tick, drawing.instruments[symbol].lot
            event["kind"] = Kind.QUOTE
            event["w0"], event["w1"] = (tick.nearest(price) for price in words[:2])
            event["w2"], event["w3"] = (lot.nearest(size) for size in words[2:])
        elif kind == "LIMITS":
            event["kind"] = Kind.PRICE_LIMITS
            event["w0"], event["w1"] = (drawing.instruments[symbol].tick.nearest(price) if price else 0 for price in words)
        elif kind == "FUNDING":
            event["kind"], event["w0"] = Kind.FUNDING, round(float(words) * 1e9)
        elif kind == "MARK":
            tick = drawing.instruments[symbol].tick
            event["kind"] = Kind.MARK_PRICE
            event["w0"], event["w1"] = divmod(round(Fraction(words) * 10**9 * tick.denominator / tick.numerator), 10**9)
        else:
            event["kind"], event["w0"] = Kind.HALT, int(kind == "HALT")
    pieces = [events] + [
        ticks.events_of(words, ns, ns + drawing.feed_ns, symbols.index(symbol), drawing.instruments[symbol])
        for ns, symbol, kind, words in drawing.market
        if kind == "TICKS"
    ]
    said = [account_lines.event_of(words, ns, drawing.instruments) for ns, _, kind, words in drawing.market if kind == "ACCOUNT"]
    made = np.concatenate([*pieces, np.array(said, dtype=EVENT)])
    made = made[np.argsort(made["ts_local_ns"], kind="stable")]
    return build(frames, drawing.instruments, actions=table if actions else None, extra=made if len(made) else None, name="drawing")


class Scripted(Strategy):
    """Does what the order lines say, when they say it, and notes the answers and the account at the end."""

    def __init__(self, drawing: Drawing) -> None:
        super().__init__()
        self.drawing = drawing
        seen = {ns for ns, _, kind, _ in drawing.market if kind in ("BAR", "QUOTE")}
        seen |= {ns + drawing.feed_ns for ns, _, kind, words in drawing.market if kind == "TICKS" and words[0][0] != "GAP"}
        self.plans: dict[bool, dict[int, list[tuple[str, dict[str, Any]]]]] = {True: {}, False: {}}
        for ns, timer, verb, words in drawing.orders:
            self.plans[timer or ns not in seen].setdefault(ns, []).append((verb, words))
        self.answers: list[str] = []
        self.account: dict[str, float] = {}

    def on_start(self, view: Any) -> None:
        for ns in self.plans[True]:
            view.timers.once(pd.Timestamp(ns, tz="UTC").to_pydatetime(), name=str(ns))

    def on_bars(self, view: Any, bars: Any) -> None:
        self._act(view, timer=False)

    def on_quote(self, view: Any, quote: Any) -> None:
        self._act(view, timer=False)

    def on_trade(self, view: Any, trade: Any) -> None:
        self._act(view, timer=False)

    def on_book(self, view: Any, book: Any) -> None:
        self._act(view, timer=False)

    def on_timer(self, view: Any, name: str) -> None:
        self._act(view, timer=True)

    def on_stop(self, view: Any) -> None:
        self.account = dict(view.positions) | {c: view.cash_in(c) for c in view._trader.currencies} | {"equity": view.equity}

    def _act(self, view: Any, *, timer: bool) -> None:
        for verb, words in self.plans[timer].pop(view.now_ns, ()):
            self._do(view, verb, words)

    def _do(self, view: Any, verb: str, words: dict[str, Any]) -> None:
        value, symbol = words["value"], words["symbol"]
        terms = {name: words[name] for name in ("limit", "stop") if name in words}
        if verb == "ORDER":
            others = ("touch", *_DISTANCES, "trail_bps", "time_in_force", "reduce_only", "parent", "group")
            others += ("post_only", "display", "hidden", "peg")
            terms |= {name: words[name] for name in others if name in words}
            if "expire" in words:
                terms["expire"] = pd.Timestamp(words["expire"], tz="UTC").to_pydatetime()
            view.order(symbol, words["sign"] * value, **terms)
        elif verb == "BRACKET":
            view.bracket(symbol, words["sign"] * value, target=words["target"], loss=words["loss"], **terms)
        elif verb == "WEIGHT":
            view.target_weight(symbol, value)
        elif verb == "HOLD":
            view.target_quantity(symbol, value)
        elif verb == "CANCEL":
            self._note(verb, words, view.cancel(int(value)))
        elif verb == "REPLACE":
            terms |= {"quantity": words["quantity"]} if "quantity" in words else {}
            self._note(verb, words, view.replace(int(value), **terms))
        else:
            raise AssertionError(f"unknown order line {verb}")

    def _note(self, verb: str, words: dict[str, Any], answer: bool) -> None:
        if answer != words.get("answer", True):
            self.answers.append(f"{verb} {words['value']:g} -> {answer}")


def _fill_text(clock: Clock, row: Mapping[str, Any]) -> str:
    order = f" of {row['of']:g}" if "of" in row else ""
    costs = "".join(f" {name} {number(row[name])}" for name in ("fee", "slippage") if number(row.get(name, 0.0)) not in ("0", "-0"))
    ambiguous = " ambiguous" if row["ambiguous"] else ""
    what = f"{row['side']} {number(row['quantity'])} {row['symbol']} @ {number(row['price'])} {row['liquidity']}"
    return f"fill {clock.text(row['ns'])}: {what}{order}{costs}{ambiguous}"


def _fills_found(drawing: Drawing, fills: pd.DataFrame) -> list[str]:
    lines = []
    for k, row in enumerate(fills.to_dict("records")):
        names = drawing.fills[k] if k < len(drawing.fills) else {"of": None}
        found = {name: row[name] for name in ("side", "quantity", "liquidity", "ambiguous")}
        found |= {"fee": row["fee_local"], "slippage": row["slippage_local"]}
        found |= {"ns": row["ts"].value, "symbol": row["instrument"], "price": row["market_price"]}
        lines.append(_fill_text(drawing.clock, found | ({"of": row["order_id"]} if "of" in names else {})))
    return lines


def _outcome_text(drawing: Drawing, order_id: int, row: Mapping[str, Any]) -> str:
    parts = [f"order {order_id}: {row['state']}"] + ([row["reason"]] if row["reason"] != "NONE" else [])
    if row.get("filled") and row["state"] != "FILLED":
        parts.append(f"filled {number(row['filled'])}")
    needs, allows = row.get("needs", 0.0), row.get("allows", 0.0)
    if row["state"] == "REFUSED" or needs != 0.0 or allows != 0.0:
        parts.append(f"needs {number(needs)} allows {number(allows)}")
    parts += [f"{name} {number(row[name])}" for name in ("quantity", "limit", "stop") if name in row]
    return " ".join([*parts, *([f"done {drawing.clock.text(row['done'])}"] if "done" in row else [])])


def _outcomes_found(drawing: Drawing, orders: pd.DataFrame) -> list[str]:
    lines = []
    for row in orders.to_dict("records"):
        named = drawing.outcomes.get(row["order_id"], {})
        found = {"state": row["state"], "reason": row["reason"], "filled": row["filled_quantity"]}
        found |= {"needs": row["need"], "allows": row["have"]}
        columns = {"quantity": row["quantity"], "limit": row["limit_price"], "stop": row["stop_price"], "done": row["done_at"].value}
        lines.append(_outcome_text(drawing, row["order_id"], found | {k: v for k, v in columns.items() if k in named}))
    return lines


def _refused_changes(audit: Any) -> list[str]:
    rows = to_frame(audit.records)
    rows = rows[(rows["kind"] == "ORDER_REFUSED") & (rows["flags"] & int(Flag.CHANGE) != 0)]
    return [f"refused {row.w0:g}: {row.reason} needs {number(row.w2)} allows {number(row.w3)}" for row in rows.itertuples()]


def _repriced(drawing: Drawing, audit: Any) -> list[str]:
    """Moves of pegs, as they are drawn; none where none is drawn."""
    rows = to_frame(audit.records)
    rows = rows[(rows["kind"] == "ORDER_REPRICED") & (rows["w4"] == 0)] if drawing.repriced else rows[:0]  # trailing stops have a level
    tick = drawing.instruments[drawing.only].tick if len(rows) else None
    return [_repriced_text(drawing.clock, row.ts_venue.value, int(row.w0), tick.to_float(int(row.w3))) for row in rows.itertuples()]


def _repriced_text(clock: Clock, ns: int, order_id: int, price: float) -> str:
    return f"repriced {clock.text(ns)}: {order_id} @ {number(price)}"


def _paid(drawing: Drawing, audit: Any) -> list[str]:
    """Charges and settlements, as they are drawn; none where none is drawn."""
    rows = to_frame(audit.records)
    symbols, lines = sorted(drawing.instruments), []
    for row in rows[rows["kind"].isin(["CHARGE", "SETTLED"])].itertuples() if drawing.paid else ():
        what = [CostKind(int(row.w0)).name] if row.kind == "CHARGE" else []
        head = f"{row.kind.lower()} {drawing.clock.text(row.ts_venue.value)}"
        lines.append(f"{head}: {' '.join([*what, number(row.w1), symbols[row.instrument]])}")
    return lines


def play(drawing: Drawing, settings: Mapping[str, Any], *, chunk_events: int | None = None) -> tuple[Any, Scripted]:
    """Run a drawing through the public face."""
    strategy = Scripted(drawing)
    if drawing.opening is not None:
        settings = {**settings, "opening": drawing.opening}
    return backtest(strategy, tape_of(drawing), chunk_events=chunk_events, **settings), strategy


def _check(drawing: Drawing, settings: Mapping[str, Any]) -> Any:
    result, strategy = play(drawing, settings)
    expected = [_fill_text(drawing.clock, row) for row in drawing.fills]
    outcomes = {k: {"state": "FILLED", "reason": "NONE"} for k in range(len(result.orders))} | drawing.outcomes
    expected += [_outcome_text(drawing, k, row) for k, row in sorted(outcomes.items())]
    expected += drawing.refused
    found = _fills_found(drawing, result.fills) + _outcomes_found(drawing, result.orders) + _refused_changes(result.audit)
    expected += [_repriced_text(drawing.clock, *row) for row in drawing.repriced]
    expected, found = expected + drawing.paid, found + _repriced(drawing, result.audit) + _paid(drawing, result.audit)
    expected += drawing.deposits
    deposits = result.tables.deposits
    pairs = [] if deposits is None else zip(deposits.index.as_unit("ns").asi8.tolist(), deposits.tolist(), strict=True)
    found += [f"deposit {drawing.clock.text(ns)}: {number(value)}" for ns, value in pairs]
    if drawing.end is not None:
        drawn = {name: 0.0 for name in strategy.account if name in drawing.instruments} | drawing.end
        expected += [f"end: {number(drawn[name])} {name}" for name in sorted(drawn)]
        found += [f"end: {number(strategy.account.get(name, 0.0))} {name}" for name in sorted(drawn)]
    if found != expected:
        raise AssertionError("- drawn, + found\n" + "\n".join(difflib.ndiff(expected, found)))
    assert strategy.answers == [], f"other answers than drawn: {strategy.answers}"
    filled = result.orders.iloc[result.fills["order_id"].to_numpy()]
    later = result.fills["ts"].to_numpy() > filled["decided_at"].to_numpy()
    assert (later | (filled["reason"] == "LIQUIDATED").to_numpy()).all(), "a fill at or before its decision"
    ended = result.orders["state"].isin(_ENDED)
    assert ended.all(), "an order that never ended"
    assert ((result.orders["state"] == "FILLED") | (result.orders["reason"] != "NONE")).all(), "an order that ended without a reason"
    again, _ = play(drawing, settings, chunk_events=1)
    with fed_event_by_event():
        fed, _ = play(drawing, settings)
    assert again.audit_hash == result.audit_hash, "another audit when the tape comes one stamp at a time"
    assert fed.audit_hash == result.audit_hash, "another audit on an open tape, event by event"
    plays_live(Scripted(drawing), tape_of(drawing), result.audit)
    again = replay(Scripted(drawing), tape_of(drawing), result.audit)
    assert again.audit_hash == result.audit_hash, "another audit when the record is replayed"
    return result


def draw(text: str, *, both: bool = False, **settings: Any) -> Any:
    """Play a drawing and compare; return the result. `settings` go to `backtest`; `both` plays it upside down too."""
    drawing = read(text)
    if both:
        settings.setdefault("risk", {"allow_short": True, "max_leverage": 10.0})
        _check(upside_down(drawing), settings)
    return _check(drawing, settings)
