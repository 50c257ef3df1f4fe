"""A strategy inside another: what a proof puts between the engine and the strategy that is tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from framework.engine.strategy import Strategy


class Wrapped(Strategy):
    """Has the parameters, the state, the wakes and the look-back of the strategy inside; how it decides is up to the subclass."""

    def __init__(self, strategy: Strategy) -> None:
        super().__init__()
        self._strategy = strategy

    @classmethod
    def like(cls, strategy: Strategy) -> type[Self]:
        """This class with the look-back and the names that the strategy's class asks for."""
        return type(cls.__name__, (cls,), {"history": strategy.history, "uses_numbers": strategy.uses_numbers})

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The strategy's."""
        return self._strategy.parameters

    @property
    def wakes(self) -> int:
        """The strategy's."""
        return self._strategy.wakes

    def reset_state(self, instruments: int) -> None:
        """The strategy's."""
        self._strategy.reset_state(instruments)

    def end_run(self) -> None:
        """The strategy's."""
        self._strategy.end_run()
