"""What each of several strategies in one account made, by the virtual account that was kept for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from framework.engine.several_strategies import ACCOUNT
from framework.kernel.layout.half import Half
from framework.kernel.trader.trader import Trader
from framework.reports.summary import summary
from framework.schema.event import CostKind

_CHARGES = (CostKind.BORROW, CostKind.FUNDING, CostKind.TAX)


class StrategyTables:
    """Makes the tables of several strategies when they are asked for.

    Args:
        trader: the trader half of the finished run.
        initial_cash: what the account opened with.
        equity, fills, trades: make those tables of the run.
    """

    def __init__(
        self,
        trader: Trader,
        initial_cash: float,
        equity: Callable[[], pd.Series],
        fills: Callable[[], pd.DataFrame],
        trades: Callable[[], pd.DataFrame],
    ) -> None:
        self._trader, self._initial_cash = trader, initial_cash
        self._equity, self._fills, self._trades = equity, fills, trades

    def equity(self) -> pd.DataFrame:
        """Each one's capital and what it has made since, at the stamps of the account's equity; ACCOUNT: what is left of the account's."""
        whole, accounts = self._equity(), self._trader.accounts
        curves = {account.name: _levels(account) for account in accounts}
        if accounts:
            curves[ACCOUNT] = whole.to_numpy() - np.sum(list(curves.values()), axis=0)
        return pd.DataFrame(curves, index=whole.index)

    def summary(self) -> pd.DataFrame:
        """A row a strategy: money in the account's currency, then the metrics of its curve; ACCOUNT: what is left of the account's."""
        if not self._trader.accounts:
            return pd.DataFrame()
        curves, fills, trades = self.equity(), self._fills(), self._trades()
        rows = {}
        for account in self._trader.accounts:
            exposure = pd.DataFrame({"gross": account.used("points")["gross"].copy()}, index=curves.index)
            own_trades, own_fills = (table[table["owner"] == account.name] for table in (trades, fills))
            curve, capital = curves[account.name], account.capital
            metrics = summary(curve, trades=own_trades, fills=own_fills, exposure=exposure, initial_equity=capital)
            rows[account.name] = pd.concat((_money(account, curve, capital), metrics))
        whole = _money(self._trader, self._equity(), self._initial_cash)
        rows[ACCOUNT] = whole - sum(row[whole.index] for row in rows.values())
        return pd.DataFrame(rows).T.reindex(columns=list(rows[self._trader.accounts[0].name].index))


def _levels(account: Half) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    points = account.used("points")
    levels: np.ndarray[tuple[int], np.dtype[np.float64]] = points["cash"] + points["net"]
    return levels


def _money(account: Half, curve: pd.Series, capital: float) -> pd.Series:
    """Of a virtual account, or of the account."""
    root = account.record[0]
    costs = root["cost_totals"]
    return pd.Series(
        {
            "capital": capital,
            "pnl": (float(curve.iloc[-1]) if len(curve) else capital) - capital,
            "fees": float(costs[CostKind.FEE]),
            "charges": float(sum(costs[kind] for kind in _CHARGES)),
            "dividends": float(root["income"]),
        }
    )
