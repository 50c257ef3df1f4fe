"""Who is measured on what, and where a peer means something else by the same strategy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PEER_SCRIPTS = HERE / "peers"
HARNESS = PEER_SCRIPTS / "harness.py"
_PLACES = (Path.cwd() / ".venv-peers", HERE.parents[1] / ".venv-peers")
ENVIRONMENTS = next((place for place in _PLACES if place.is_dir()), _PLACES[0])
"""Where `make peers` puts each peer's environment."""

WORKLOADS = {
    "W1": "one-minute bars of one symbol, 20/50 cross, 1 bp, events are bars",
    "W2": "a universe of daily bars, monthly weights, 1 bp, events are cells (symbols x days)",
    "W3": "a sweep over pairs of windows, 1 bp, events are bars x pairs",
    "W4": "a book by level with trades, two-sided quotes anew every 100 ms, events are rows",
    "W4R": "the same, asked on every row",
    "W4B": "a capture of Binance through the quoter of W4, events are rows",
    "startup": "fresh processes and long ones",
    "data": "files, datasets and stores of ticks, each work in a process of its own",
}


@dataclass(frozen=True)
class Contender:
    """One row of the benchmark.

    Attributes:
        workload: W1, W2, W3, W4, W4R or W4B.
        engine: its name; a peer's is the name of its script and of its environment.
        mode: which of an engine's ways is used.
        script: what the harness runs: a module of ours, or a file.
        peer: whether it lives in its own environment.
        limit: rows (bars, days or pairs) it is given, 0 for all: the slow ones get fewer.
        fills: where it fills what was decided at a close: "next open" like ours, "same close" or "next close".
        apart: what else keeps its result from equalling ours; "" means that the final equity must agree.
        compared: whether its result means anything.
    """

    workload: str
    engine: str
    mode: str
    script: str
    peer: bool = False
    limit: int = 0
    fills: str = "next open"
    apart: str = ""
    compared: bool = True

    @property
    def must_agree(self) -> bool:
        """Whether its final equity has to be ours."""
        return self.compared and self.fills == "next open" and not self.apart

    @property
    def python(self) -> Path:
        """The interpreter of a peer's environment."""
        return ENVIRONMENTS / self.engine / "bin" / "python"


def ours(workload: str, mode: str, *, compared: bool = True) -> Contender:
    """A row of ours."""
    return Contender(workload, "onetape", mode, "framework.bench.ours", compared=compared)


def loop(workload: str, fills: str = "next open") -> Contender:
    """The hand-written loop, filling where it is told to."""
    return Contender(
        workload, "hand_loop", "numba, no records" if fills == "next open" else fills, "framework.bench.hand_loop", fills=fills
    )


def _peer(workload: str, engine: str, mode: str, *, limit: int = 0, fills: str = "next open", apart: str = "") -> Contender:
    return Contender(workload, engine, mode, str(PEER_SCRIPTS / f"{engine}.py"), True, limit, fills, apart)


OURS = (
    ours("W1", "compiled"),
    ours("W1", "compiled, from a frame"),
    ours("W1", "python"),
    ours("W1", "kernel idle", compared=False),
    loop("W1"),
    ours("W2", "weights"),
    ours("W2", "python"),
    loop("W2"),
    ours("W3", "sweep"),
    ours("W3", "run by run"),
    loop("W3"),
    ours("W4", "compiled"),
    ours("W4", "python"),
    ours("W4R", "compiled"),
    ours("W4B", "compiled"),
    ours("W4B", "python"),
)
"""The first of a workload that runs is what all others are compared with."""

PEERS = (
    _peer("W1", "vectorbt", "from_signals"),
    _peer("W1", "backtesting", "Strategy.next", limit=200_000),
    _peer("W1", "backtrader", "Strategy.next", limit=100_000),
    _peer("W1", "nautilus_trader", "Strategy.on_bar", limit=100_000, fills="same close", apart="fees in whole cents"),
    _peer("W2", "vectorbt", "from_orders"),
    _peer("W2", "bt", "WeighTarget", fills="same close"),
    _peer("W2", "zipline_reloaded", "order_target_percent", limit=504, fills="next close", apart="whole shares"),
    _peer("W3", "vectorbt", "from_signals"),
    _peer("W3", "backtesting", "Strategy.next", limit=4),
    _peer("W4", "hftbacktest", "elapse"),
    _peer("W4R", "hftbacktest", "wait_next_feed"),
    _peer("W4B", "hftbacktest", "elapse"),
)


def rows_of(workload: str, *, peers: bool) -> list[Contender]:
    """What is measured on a workload, ours first."""
    return [contender for contender in (*OURS, *(PEERS if peers else ())) if contender.workload == workload]
