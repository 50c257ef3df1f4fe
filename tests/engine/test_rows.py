"""numpy's functions on what a hook is handed: the same from a plain strategy, a compiled one and its Python form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from framework import State, Strategy, backtest, compiled
from framework.engine.declared_rows import Rows, rows

BARS = 201
CLOSES = np.round(100.0 * np.exp(np.cumsum(np.random.default_rng(11).normal(0.0, 0.02, BARS))), 2)
FRAME = pd.DataFrame(
    {"open": CLOSES, "high": CLOSES, "low": CLOSES, "close": CLOSES, "volume": 1e6},
    index=pd.date_range("2024-01-01", periods=BARS, freq="D", tz="UTC"),
)

EXACT = (
    "np.max(x)",
    "x.max()",
    "np.min(x)",
    "x.min()",
    "np.ptp(x)",
    "np.argmax(x)",
    "x.argmax()",
    "np.argmin(x)",
    "x.argmin()",
    "np.median(x)",
    "np.median(x[1:])",
    "np.nanmedian(x)",
    "np.nanmax(x)",
    "np.nanmin(x)",
    "np.sort(x)[40]",
    "np.argsort(x)[40]",
    "np.diff(x)[3]",
    "np.any(x > 110.0)",
    "(x > 1e6).any()",
    "np.all(x > 0.0)",
    "(x > 100.0).all()",
    "np.count_nonzero(x > 100.0)",
    "np.sum(x > 100.0)",
    "np.mean(x > 100.0)",
    "np.cumsum(x)[-1]",
    "x.cumsum()[-1]",
    "np.sum(x)",
    "x.sum()",
    "np.sum(x, axis=0)",
    "x.sum(axis=0)",
    "np.mean(x)",
    "x.mean()",
    "np.std(x)",
    "x.std()",
    "np.var(x)",
    "x.var()",
    "x[5:].mean()",
    "np.diff(x).std()",
    "np.where(x > 100.0, x, 0.0).sum()",
    "np.abs(x - 100.0).max()",
    "np.maximum(x, 100.0).min()",
    "np.clip(x, 99.0, 101.0).sum()",
    "np.searchsorted(np.sort(x), 100.0)",
    "np.isnan(x).any()",
    "np.roll(x, 2)[0]",
    "np.concatenate((x, x)).sum()",
    "np.zeros_like(x).sum()",
    "np.sqrt(x)[7]",
)
"""Of closes `x`: every form gives the same bits, the plain strategy's sums of many values aside."""

NEAR = (
    "np.percentile(x, 30.0)",
    "np.quantile(x, 0.3)",
    "np.prod(x / 100.0)",
    "(x / 100.0).prod()",
    "np.cumprod(x / 100.0)[-1]",
    "np.dot(x, x)",
    "x @ x",
    "np.nansum(x)",
    "np.nanmean(x)",
    "np.nanstd(x)",
    "np.nanvar(x)",
    "np.corrcoef(x[1:], x[:-1])[0, 1]",
    "np.convolve(x, x)[7]",
    "np.interp(2.5, np.arange(201) * 1.0, x)",
    "np.linalg.norm(x)",
)
"""The same but for the order in which numpy and numba add."""


FORMS = ("np.max(x)", "np.median(x)", "np.sum(x)", "np.std(x)")
"""Those that are compiled as well; numba takes seconds for each."""

HOOK = f"""
class Asks(Strategy):
    which: int = 0
    found: State[float] = 0.0

    def on_bar(self, view, bar):
        x = view.closes(bar.instrument, {BARS})
        if len(x) < {BARS}:
            return
""" + "".join(f"        if self.which == {k}:\n            self.found = float({text})\n" for k, text in enumerate(FORMS))


def _class() -> Any:
    scope: dict[str, Any] = {"Strategy": Strategy, "State": State, "np": np, "__name__": __name__}
    exec(HOOK, scope)
    return scope["Asks"]


def _found(strategy: Any) -> float:
    backtest(strategy, FRAME)
    return strategy.found  # type: ignore[no-any-return]


def test_every_form_of_a_strategy_finds_the_same() -> None:
    plain, machine = _class(), compiled(_class())
    for which, text in enumerate(FORMS):
        expected = eval(text, {"np": np, "x": CLOSES})
        assert _found(plain(which=which)) == pytest.approx(expected, rel=1e-12), text
        assert _found(machine(which=which)) == pytest.approx(expected, rel=1e-12), text
        assert _found(machine(which=which)) == _found(machine.python(which=which)), text


@pytest.mark.parametrize("text", EXACT + NEAR)
def test_functions_of_numpy_take_rows_and_hand_out_numbers_of_python(text: str) -> None:
    found = eval(text, {"np": np, "x": rows(CLOSES.copy())})
    assert type(found) in (int, float, bool)
    assert found == pytest.approx(eval(text, {"np": np, "x": CLOSES}), rel=1e-12)


def test_options_of_numpy_are_obeyed() -> None:
    x = rows(np.array([3.0, 1.0, 8.0]))
    assert (np.std(x, ddof=1), x.var(ddof=1)) == (13.0**0.5, 13.0)
    assert np.sum(x, where=x > 2.0) == 11.0
    assert np.max(x, initial=9.0) == 9.0
    assert np.sum(x, initial=1.0) == 13.0
    assert np.mean(x, keepdims=True).tolist() == [4.0]
    assert np.sum(np.outer(x, x), axis=1).tolist() == [36.0, 12.0, 96.0]


def test_what_is_made_of_rows_is_rows() -> None:
    x = rows(np.array([3.0, 1.0, 8.0]))
    kept = x
    x += 1.0
    assert x is kept or np.shares_memory(x, kept)
    assert all(type(made) is Rows for made in (x, np.sort(x), np.diff(x), np.where(x > 2.0, x, 0.0), x[1:], np.sqrt(x)))
    with pytest.raises(ZeroDivisionError):
        1.0 / np.max(x - x)
