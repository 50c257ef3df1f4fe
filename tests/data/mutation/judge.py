"""What may come of a damaged file: our error with its place and a way out, or a right reading. Nothing else."""

from __future__ import annotations

import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from framework.errors import InputError
from tests.data.mutation import changes, peers
from tests.data.mutation.small_files import Specimen, arrow_bars, packed, placed

WAY_OUT = re.compile(
    r"\b(add|ask|choose|complete|convert|correct|cut|declare|did you mean|drop|end|fetch|fill|give|import again|keep|leave|localize|look|"
    r"map|move|name|number|quote|read|remove|rename|restore|rewrite|round|save|say|set|sort|split|start|swap|take|use|write)\b",
    re.IGNORECASE,
)
CLOSE = Fraction(1, 10**6)


def damaged(specimen: Specimen, draw: random.Random) -> tuple[str, bytes, bytes | None]:
    """The change's name, the file's bytes, and what they hold; None where the packing itself was damaged."""
    if specimen.pack and draw.random() < 0.4:
        change = draw.choice(changes.BYTES)
        return change.__name__, change(packed(specimen, specimen.content), draw), None
    change = draw.choice(changes.TEXT if specimen.is_text else changes.BYTES)
    content = change(specimen.content, draw)
    return change.__name__, packed(specimen, content), content


def judged(specimen: Specimen, good: Any, path: Path, content: bytes | None) -> str:
    """ "refused", "same" or "changed"; an AssertionError where what was read is neither the good file nor what the bytes say."""
    try:
        found = specimen.read(path)
    except InputError as error:
        check_message(str(error), path, *specimen.beside)
        return "refused"
    if found == good:
        return "same"
    assert content is not None, "the packing is damaged, and something else was read"
    if specimen.peer is not None:
        agree(found, reading(specimen.peer, content))
    elif path.suffix in (".parquet", ".feather"):
        agree(found, of_arrow(path))
    else:
        assert specimen.shown is not None
        assert specimen.shown(content) != specimen.shown(specimen.content), "another result from the same words"
    return "changed"


def reading(peer: Callable[[bytes], Any], content: bytes) -> Any:
    try:
        return peer(content)
    except (peers.Unreadable, ValueError, IndexError, KeyError, OverflowError) as error:
        raise AssertionError(f"read, though a strict reader finds {type(error).__name__}: {error}") from error


def of_arrow(path: Path) -> list[peers.Row]:
    """The rows of a Parquet or feather file, by its name."""
    if "trades" in path.name:
        rows = peers.arrow(path, ("timestamp", "price", "amount"))
        return [(ms * 10**6, "TRADE", "ACME_USDT", peers.number(price), peers.number(size)) for ms, price, size in rows]
    if path.name == "acme.parquet":
        rows = peers.arrow(path, ("ts", "price", "size", "trade_id", "side"))
        return [(ts * 10**6, "TRADE", "acme", *map(peers.number, (price, size, id)), side.lower()) for ts, price, size, id, side in rows]
    if path.suffix == ".feather":
        return arrow_bars(path, "date", "ACME_USDT", 60 * 10**9)
    return arrow_bars(path, "ts", "ACME", 0)


def agree(found: Any, expected: Any) -> None:
    if isinstance(found, set):
        strange = {row for row in found if row not in expected and not any(is_close(row, other) for other in expected)}
        assert not strange, f"not in the file: {list(strange)[:2]}"
        return
    assert len(found) == len(expected), f"{len(found)} rows, a strict reader finds {len(expected)}"
    for number, (row, other) in enumerate(zip(found, expected, strict=True)):
        assert is_close(row, other), f"row {number}: {row}, a strict reader finds {other}"


def is_close(row: peers.Row, other: peers.Row) -> bool:
    """Equal, numbers to a millionth of them, which is what a grid may move a value by."""
    if len(row) != len(other):
        return False
    pairs = zip(row, other, strict=True)
    return all(abs(a - b) <= CLOSE * abs(b) if isinstance(b, Fraction) and isinstance(a, (Fraction, int)) else a == b for a, b in pairs)


def check_message(message: str, path: Path, *beside: str) -> None:
    """A message names the file or what in it, says what to do, and is not a page."""
    names = [path.name, path.name.split(".")[0], path.parent.name, *beside, "ES 2013-12", "equity of usa"]
    assert any(name in message for name in names), f"no place: {message}"
    assert WAY_OUT.search(message), f"no way out: {message}"
    assert len(message) < 2000 and message.count("\n") <= 1, f"too long: {message[:300]}"


def hunt(name: str, specimen: Specimen, cases: range, folder: Path, also: Callable[[Path], None]) -> Counter[str]:
    """Damage a file once for each number, and judge what comes of it; the outcomes counted."""
    good = specimen.read(placed(specimen, packed(specimen, specimen.content), folder / "good"))
    outcomes: Counter[str] = Counter()
    for case in cases:
        draw = random.Random(f"{name} {case}")
        change, data, content = damaged(specimen, draw)
        below = folder / str(case)
        path = placed(specimen, data, below)
        try:
            outcomes[judged(specimen, good, path, content)] += 1
            if specimen.guess and case % 5 == 0:
                also(path)
        except InputError as error:
            check_message(str(error), path)
        except BaseException as error:
            error.add_note(f"{name}, case {case}, {change}: {path}")
            raise
        shutil.rmtree(below)
    return outcomes
