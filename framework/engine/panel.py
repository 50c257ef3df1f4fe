"""The strategy behind `backtest(weights=...)`: a matrix that was computed beforehand, followed row by row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framework.engine.market import Bar
from framework.engine.strategy import Strategy
from framework.engine.view import View
from framework.kernel.loops.panel import PANEL, WISH, drive
from framework.kernel.trader import trader_calls
from framework.kernel.trader.trader import Trader

_DIGEST_BYTES = 16


class Panel(Strategy):
    """Follows a matrix: what its row of a stamp says is decided when all bars of that stamp have closed.

    Args:
        mode: "weights" (fractions of equity), "targets" (signed quantities in units) or "signals" (sums of ENTRY, EXIT,
            SHORT_ENTRY and SHORT_EXIT of `framework.kernel.loops.panel`).
        stamps: int64 UTC ns, increasing, shape (rows,).
        symbols: one a column, in any order.
        values: float64, shape (rows, columns). NaN, or no signal, holds what there is.
        size: for signals, what an entry aims at.
        in_units: for signals, whether `size` is a quantity in units; else it is a fraction of equity.

    Rows that hold everything change nothing and are left out, of the digest too. A row at a stamp without bars is passed over:
    `framework.simulation.arrays.as_strategy` refuses it beforehand.
    """

    history = 2  # it never looks back
    runs_compiled = True

    def __init__(
        self,
        mode: str,
        stamps: NDArray[np.int64],
        symbols: Sequence[str],
        values: NDArray[np.float64],
        *,
        size: float = 0.0,
        in_units: bool = False,
    ) -> None:
        super().__init__()
        order = sorted(range(len(symbols)), key=lambda column: symbols[column])
        says = (values != 0.0).any(axis=1) if mode == "signals" else ~np.isnan(values).all(axis=1)
        kept = values[says]
        self._mode, self._size = mode, size
        self._symbols = tuple(symbols[column] for column in order)
        self._stamps = np.ascontiguousarray(stamps[says])
        self._cells = np.ascontiguousarray(kept if order == list(range(len(symbols))) else kept[:, order])
        self._what = trader_calls.QUANTITY if mode == "targets" or in_units else trader_calls.WEIGHT
        self._digest = self._digested()
        self._wishes: NDArray[np.void] = np.zeros(len(symbols), dtype=WISH)
        self.record: NDArray[np.void] = np.zeros(1, dtype=PANEL)

    @property
    def mode(self) -> str:
        """What the cells mean."""
        return self._mode

    @property
    def cells(self) -> NDArray[np.float64]:
        """The rows that say something; columns sorted by symbol."""
        return self._cells

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What tells this matrix from others: mode, rows that say something, columns, digest; for signals the size of an entry."""
        rows, columns = self._cells.shape
        found: dict[str, Any] = {"mode": self._mode, "rows": rows, "columns": columns, "digest": self._digest}
        if self._mode == "signals":
            found["quantity" if self._what == trader_calls.QUANTITY else "weight"] = self._size
        return found

    def _digested(self) -> str:
        digest = hashlib.blake2b(json.dumps([self._mode, self._symbols]).encode(), digest_size=_DIGEST_BYTES)
        digest.update(self._stamps.view(np.uint8).data)
        digest.update(self._cells.reshape(-1).view(np.uint8).data)
        return digest.hexdigest()

    def on_start(self, view: View) -> None:
        """Begin at the first row."""
        root = self.record
        self._wishes["instrument"] = [view.number(symbol) for symbol in self._symbols]
        root["stamps"], root["cells"], root["wishes"] = self._stamps.ctypes.data, self._cells.ctypes.data, self._wishes.ctypes.data
        root["rows_count"], root["columns_count"] = self._cells.shape
        root["at"], root["is_due"] = 0, 0
        root["what"], root["is_signals"], root["size"] = self._what, self._mode == "signals", self._size

    def on_bars(self, view: View, bars: Mapping[str, Bar]) -> None:
        """Follow the row of this stamp; the same compiled code that runs without Python in between."""
        view.rebalance(self.record)


class PanelDriver:
    """Replays and follows a panel until something needs Python. Takes the place of `replay.advance`."""

    def __init__(self, panel: Panel, trader: Trader) -> None:
        self._panel = panel
        trader_calls.link(trader.record, orders=False)

    def __call__(self, trader: int, exchange: int, until_ns: int) -> int:
        """Like `replay.advance`; wakes for the bars of a stamp do not come back."""
        wake: int = drive(trader, exchange, self._panel.record, until_ns)
        return wake
