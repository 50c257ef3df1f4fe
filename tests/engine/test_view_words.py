"""The view has the same words in Python and in compiled hooks: each with the same parameters, in the same order, of the same defaults."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import pytest
from numba.core.typing.templates import builtin_registry

from framework.engine import compiled_driver
from framework.engine.compiled_types import ViewType
from framework.engine.view import View
from framework.kernel.trader.order_terms import NUMBERS

assert compiled_driver  # which brings the words of compiled hooks
ONLY_IN_PYTHON = {("order", "expire")}


def compiled_words() -> dict[str, Callable[..., Any]]:
    """What numba binds a call of each word to."""
    words = {
        template._attr: template._overload_func for template in builtin_registry.attributes if getattr(template, "key", None) is ViewType
    }
    return {name: function for name, function in words.items() if callable(getattr(View, name))}


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    defaults = ((p.name, p.default) for p in list(inspect.signature(function).parameters.values())[1:])
    return [(name, int(default) if isinstance(default, IntEnum) else default) for name, default in defaults]


def test_there_are_words() -> None:
    assert {"order", "bracket", "replace", "cancel", "target_weight", "mean_close", "imbalance"} <= compiled_words().keys()


@pytest.mark.parametrize("name", sorted(compiled_words()))
def test_a_word_takes_the_same_in_both(name: str) -> None:
    in_python = [(parameter, default) for parameter, default in parameters(getattr(View, name)) if (name, parameter) not in ONLY_IN_PYTHON]
    assert parameters(compiled_words()[name]) == in_python


def test_each_number_of_an_order_is_a_parameter() -> None:
    signature = inspect.signature(View.order).parameters
    assert all(signature[name].default is None for name in NUMBERS)
