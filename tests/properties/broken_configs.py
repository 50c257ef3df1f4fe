"""Configs broken at random: whole texts, single values, `--set` and `--grid`."""

from __future__ import annotations

import random
import re
from pathlib import Path

WHOLE = """# a whole config
strategy: strategies.crossover:Crossover
params: {{fast: 3, slow: 8}}
data:
  source: {data}
  instruments: [S0, S1]
  start: 2020-01-05
  end: 2020-02-20 12:00:00Z
  calendar: bars
  tick_size: 0.01
account: {{cash: 250000.0, currency: USD}}
costs:
  fee_bps: 1.0
  half_spread_bps: 0.5
  fee_tiers:
    - {{traded_from: 1.0e+6, maker_bps: 0.5, taker_bps: 1.0}}
  impact: {{model: square_root, coefficient: 0.5, volatility_bars: 5}}
  max_participation: 0.5
  borrow_bps_by_symbol: {{S0: 30.0}}
risk:
  allow_short: true
  max_leverage: 2.0
  locates: {{S0: 100, S1: 50}}
latency:
  entry_ns: 1000
  response_ns: {{model: lognormal, median_ns: 5000, sigma: 0.1}}
venue: {{self_trade: cancel_oldest}}
seed: 7
benchmark: S1
mode: backtest
"""


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.strip().split("\n"))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


VALUES = (
    *("9" * 30, "9" * 5000, "é" * 200, "\ufeff", "\u2028"),
    *_words(r"""
    ~ null true yes NO 0 -1 1e999 -.inf .nan 1_000 0x1F 010 10:30 -0.0 1e-400 1e308 -1e308 = @ ` % << [ ] { } [] {} ' "
    2024-13-45 2024-02-30 0001-01-01 9999-12-31 2020-01-05T00:00:00+99:99 2262-04-12 1677-09-21 2020-02-01
    'quoted' "\0" "\ud800" "\x07" {a:{b:{c:1}}} [[[[[[[[[[1]]]]]]]]]] *missing !x ..
    subprocess:Popen os:system evil:Evil strategies.os:system strategies.crossover:Strategy ..evil:Evil strategies.crossover
    strategies.momentum:Momentum strategies.buy_and_hold:BuyAndHold
    /dev/zero / evil.py S0 S9 square_root propagator sampled reg_t cash
    """),
    *_lines(r"""
[1, 2
{a: 1
&a [*a]
&a {x: *a}
!!binary aGVsbG8=
!!set {a, b}
!!python/object/apply:os.system ['touch canary']
!!python/object/new:subprocess.Popen [[touch, canary]]
!!python/name:os.system x
!!int x
!!timestamp x
!!bool maybe
! z
2020-01-05 25:61:61
{1: 2}
{[1]: 2}
{? a : b}
{a: 1, a: 2}
{<<: 3}
{<<: {fee_bps: 2.0}}
- a
? a
: b
| text
> text
{model: sampled}
{model: sampled, quantiles_ns: [5, 3]}
{model: recorded, file: evil.py}
{model: nothing}
{model: [1]}
{model: propagator, decay: []}
{model: volume_share}
"""),
)
"""What takes the place of a value."""

LINES = (
    *("\t", "\x00", "\x1b[31m", "\r", "\x85"),
    "  " * 40 + "deep: 1",
    "x: " + "[" * 60 + "]" * 60,
    "x: " + "{a: " * 60 + "}" * 60,
    "#" + "x" * 5000,
    "\n".join(f"k{k}: &k{k} [{', '.join([f'*k{k - 1}' if k else '1'] * 10)}]" for k in range(12)),
    *_lines(r"""
extends: run.yaml
extends: evil.py
extends: case.yaml
extends: /dev/zero
extends: [a]
extends: missing.yaml
extends: ../..
extends: ''
---
...
%YAML 9.9
strategy: subprocess:Popen
params: {args: [sh, -c, touch canary]}
strategies: [.]
path: .
seed: 7
unknown: 1
? [a]
- item
&a *a
a: &a [1]
b: [*a, *a]
<<: {seed: 3}
<<: *a
x: |
'
a b c
# a comment
"""),
)
"""What is put between two lines."""

LETTERS = ":-{}[],#&*!|>'\"%@` \n\t09é\x00."

KEYS = _words("seed params.fast params.fast.x data.source costs.impact costs.impact.model risk strategy extends mode a..b")


def broken(draw: random.Random, data: Path) -> bytes:
    """A config with one to three faults, of which some do no harm."""
    text = WHOLE.format(data=data)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        text = draw.choice(
            (_value, _value, _value, _line, _line, _drop, _copy, _swap, _letter, _letter, _indent, _key, _number, _number, _comment)
        )(draw, text)
    content = text.encode("utf-8", "surrogatepass")
    kind = draw.random()
    if kind < 0.04 and content:
        at = draw.randrange(len(content))
        return content[:at] + bytes([draw.randrange(256)]) + content[at + 1 :]
    if kind < 0.06:
        return content[: draw.randrange(len(content) + 1)]
    if kind < 0.08:
        return text.encode(draw.choice(("utf-16", "utf-8-sig", "utf-16-le", "utf-32")), "surrogatepass")
    return content


def setting(draw: random.Random) -> str:
    """A text for `--set`."""
    return f"{draw.choice(KEYS)}{draw.choice(('=', '=', '=', '', '=='))}{draw.choice(VALUES)}"


def listing(draw: random.Random) -> str:
    """A text for `--grid`."""
    known = ("3", "5", "8", "13", "1_0", " 4 ")
    some = [draw.choice(VALUES if draw.random() < 0.2 else known) for _ in range(draw.randrange(1, 4))]
    return f"{draw.choice(('fast', 'slow', 'fast', 'slow', 'wrong', ''))}{draw.choice(('=', '=', '=', '=', ''))}{','.join(some)}"


def _value(draw: random.Random, text: str) -> str:
    lines = text.split("\n")
    k = draw.choice([k for k, line in enumerate(lines) if ":" in line] or [0])
    if "{" in lines[k] and draw.random() < 0.6:  # one value inside a section on one line
        parts = lines[k].split(", ")
        at = draw.randrange(len(parts))
        head, colon, _ = parts[at].rpartition(": ")
        parts[at] = f"{head}{colon}{draw.choice(VALUES)}{'}' if parts[at].endswith('}') else ''}"
        lines[k] = ", ".join(parts)
    else:
        lines[k] = f"{lines[k].partition(':')[0]}: {draw.choice(VALUES)}"
    return "\n".join(lines)


def _line(draw: random.Random, text: str) -> str:
    lines = text.split("\n")
    lines.insert(draw.randrange(len(lines) + 1), draw.choice(LINES))
    return "\n".join(lines)


def _drop(draw: random.Random, text: str) -> str:
    lines = text.split("\n")
    del lines[draw.randrange(len(lines))]
    return "\n".join(lines)


def _copy(draw: random.Random, text: str) -> str:
    lines = text.split("\n")
    lines.insert(draw.randrange(len(lines)), draw.choice(lines))
    return "\n".join(lines)


def _swap(draw: random.Random, text: str) -> str:
    lines = text.split("\n")
    a, b = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return "\n".join(lines)


def _letter(draw: random.Random, text: str) -> str:
    at = draw.randrange(len(text) + 1)
    put = draw.choice(LETTERS)
    return text[:at] + put + text[at + draw.randrange(2) :]


def _indent(draw: random.Random, text: str) -> str:
    lines = text.split("\n")
    k = draw.randrange(len(lines))
    lines[k] = " " * draw.randrange(1, 5) + lines[k] if draw.random() < 0.5 else lines[k].lstrip()
    return "\n".join(lines)


def _key(draw: random.Random, text: str) -> str:
    lines = text.split("\n")
    k = draw.randrange(len(lines))
    head, colon, rest = lines[k].partition(":")
    key = draw.choice((f"{head}x", head.upper(), head[:-1], "1", "true", "~", "[a]", "2020-01-01", '""', "a.b"))
    lines[k] = f"{key}{colon}{rest}"
    return "\n".join(lines)


def _number(draw: random.Random, text: str) -> str:
    """Another number, which the rules may well allow."""
    found = list(re.finditer(r"(?<![\w.:-])[1-9][0-9]*(?:\.[0-9]+)?(?![\w.:-])", text))
    one = draw.choice(found)
    made = draw.choice((f"{draw.randrange(1, 100)}", f"{draw.uniform(0.1, 3.0):.3f}", f"{one.group()}0"))
    return text[: one.start()] + made + text[one.end() :]


def _comment(draw: random.Random, text: str) -> str:
    """What changes nothing."""
    lines = text.split("\n")
    lines.insert(draw.randrange(len(lines)), draw.choice(("# nothing", "", "  # [{'")))
    return "\n".join(lines)
