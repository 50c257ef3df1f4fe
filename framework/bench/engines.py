"""Who is measured on what, and where a peer means something else by the same strategy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PEER_SCRIPTS = HERE / "peers"
HARNESS = PEER_SCRIPTS / "harness.py"

WORKLOADS = {
    "W1": "1M one-minute bars, 20/50 cross, 1 bp",
    "W2": "500 symbols x 2,520 days, monthly weights",
    "W3": "1,000 parameter pairs x 100k bars",
}


@dataclass(frozen=True)
class Entry:
    """One row of the benchmark.

    Attributes:
        workload: W1, W2 or W3.
        engine: its name; a peer's is the name of its script and of its environment.
        mode: which of an engine's ways is used.
        script: what the harness runs.
        peer: whether it lives in its own environment.
        limit: rows (bars, days or pairs) it is given, 0 for all: the slow ones get fewer.
        differs: how its semantics differ; "" means that its final equity must equal ours to 1e-6.
        compared: whether its result is comparable at all.
    """

    workload: str
    engine: str
    mode: str
    script: Path
    peer: bool = False
    limit: int = 0
    differs: str = ""
    compared: bool = True


def _ours(workload: str, mode: str, *, compared: bool = True) -> Entry:
    return Entry(workload, "onetape", mode, HERE / "ours.py", compared=compared)


def _loop(workload: str) -> Entry:
    return Entry(workload, "hand_loop", "numba, no records", HERE / "hand_loop.py")


def _peer(workload: str, engine: str, mode: str, limit: int = 0, differs: str = "") -> Entry:
    return Entry(workload, engine, mode, PEER_SCRIPTS / f"{engine}.py", peer=True, limit=limit, differs=differs)


OURS = (
    _ours("W1", "compiled"),
    _ours("W1", "compiled, from a frame"),
    _ours("W1", "python"),
    _ours("W1", "kernel idle", compared=False),
    _loop("W1"),
    _ours("W2", "weights"),
    _ours("W2", "python"),
    _loop("W2"),
    _ours("W3", "sweep"),
    _loop("W3"),
)
"""The first of each workload is what all others are compared with."""

PEERS = (
    _peer("W1", "vectorbt", "from_signals"),
    _peer("W1", "backtesting", "Strategy.next", limit=200_000),
    _peer("W1", "backtrader", "Strategy.next", limit=100_000),
    _peer("W1", "nautilus_trader", "Strategy.on_bar", limit=100_000, differs="a market order fills at the close of the bar that decided it"),
    _peer("W2", "vectorbt", "from_orders"),
    _peer("W2", "bt", "WeighTarget", differs="fills at the close that decided"),
    _peer("W2", "zipline_reloaded", "order_target_percent", limit=504, differs="fills at the next close, in whole shares"),
    _peer("W3", "vectorbt", "from_signals"),
    _peer("W3", "backtesting", "Strategy.next", limit=4),
)
