"""A digest of a strategy's code, by which kept results know what they were made by. The same in every process."""

from __future__ import annotations

from framework.engine.strategy import Strategy
from framework.machine.fingerprint import fingerprint_of


def code_digest(cls: type[Strategy]) -> str:
    """The digest of a strategy class: its methods and parameters' defaults, those of its bases, what they call and read in its package.

    What other packages hold, and data read from files, is not in it; of their objects the pickle counts, or else the kind.
    """
    package = cls.__module__.split(".")[0]
    own = [base for base in cls.__mro__ if base not in Strategy.__mro__]
    members = [
        (name, value) for base in own for name, value in sorted(vars(base).items()) if not name.startswith("__") or name == "__init__"
    ]
    values = [*(name for name, _ in members), *(value for _, value in members)]
    return fingerprint_of(values, lambda module: module.split(".")[0] == package, takes_pickles=True).digest
