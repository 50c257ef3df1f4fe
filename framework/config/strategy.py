"""From "package.module:Class" to a strategy object. By name, because `framework` never imports strategies."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from framework.errors import ConfigError, OneTapeError, StrategyError, did_you_mean


def load_strategy(spec: str, params: Mapping[str, Any] | None = None) -> object:
    """Import the class that `spec` names and build it with `params`.

    Args:
        spec: "package.module:Class", for instance "strategies.momentum:Momentum".
        params: values of the class's parameters; the class refuses what it does not know.
    """
    strategy: object = load_class(spec)(**dict(params or {}))
    return strategy


def load_class(spec: str) -> type:
    """Import the class that `spec` names: "package.module:Class"."""
    module_name, colon, class_name = spec.partition(":")
    if not colon or not module_name or not class_name.isidentifier():
        raise ConfigError(f'strategy = {spec!r}: must look like "package.module:Class", for instance "strategies.momentum:Momentum"')
    module = _import(module_name, spec)
    found = getattr(module, class_name, None)
    if not inspect.isclass(found):
        classes = [name for name, _ in inspect.getmembers(module, inspect.isclass) if _.__module__ == module.__name__]
        raise ConfigError(f"strategy = {spec!r}: {module_name} has no class {class_name}. {did_you_mean(class_name, classes)}")
    return found


def _import(name: str, spec: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise StrategyError(f"strategy = {spec!r}: {name} needs the module {error.name}, which is not installed") from error
        raise ConfigError(f"strategy = {spec!r}: there is no module {error.name}. {_near(error.name)}") from None
    except OneTapeError:
        raise
    except Exception as error:
        raise StrategyError(f"strategy = {spec!r}: importing {name} raised {type(error).__name__}: {error}") from error


def _near(missing: str) -> str:
    """Modules beside the missing one; for a missing top-level package, how Python finds packages."""
    parent, dot, _ = missing.rpartition(".")
    if not dot:
        return "A strategy's package must be installed or lie in the folder where the command runs."
    package = importlib.import_module(parent)
    return did_you_mean(missing, [f"{parent}.{found.name}" for found in pkgutil.iter_modules(getattr(package, "__path__", []))])
