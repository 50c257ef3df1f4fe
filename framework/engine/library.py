"""From "package.module:Class" to a strategy. By name, because `framework` never imports strategies; and only from where it may.

Importing a module runs it, so a name says what is run. A config is data that may come from anybody: it chooses among classes that the
user of this machine trusts already, and no key of it makes the choice wider. Trusted are

- the package `strategies` that was installed with the framework;
- what installed distributions register under the entry points `onetape.strategies`: a module or package, with all below it, or a class;
- folders that the user names, `--strategies DIR` or `strategies=[...]`: their modules, by the name they would have if the folder stood
  on Python's path, where it is put in front. The folder where a command runs is such a folder only if it is given.

Where a module lies is found out without importing it or a package around it, links followed; only then it is imported.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from framework.engine.strategy import Strategy, declared_parameters
from framework.errors import ConfigError, OneTapeError, StrategyError, did_you_mean

GROUP = "onetape.strategies"
LIBRARY = "strategies"
Folders = Sequence[str | Path]


def load_strategy(spec: str, params: Mapping[str, Any] | None = None, *, strategies: Folders = ()) -> Strategy:
    """Import the class that `spec` names, check that it is a strategy with these parameters, and build it.

    Args:
        spec: "package.module:Class", for instance "strategies.momentum:Momentum".
        params: values of the class's parameters; the class refuses what it does not know.
        strategies: folders whose modules may be named too.

    Raises:
        ConfigError: no trusted place has such a class, or it has no such parameters.
        StrategyError: importing its module, or building it, raised.
    """
    cls, given = load_class(spec, strategies=strategies), dict(params or {})
    known = declared_parameters(cls)
    for name in given:
        if name not in known:
            raise ConfigError(f"params.{name}: {cls.__name__} has no parameter {name!r}. {did_you_mean(str(name), known)}")
    try:
        return cls(**given)
    except OneTapeError:
        raise
    except Exception as error:
        raise StrategyError(f"strategy = {spec!r}: building it raised {type(error).__name__}: {error}") from error


def load_class(spec: str, *, strategies: Folders = ()) -> type[Strategy]:
    """Import the subclass of `Strategy` that `spec` names: "package.module:Class"; see `load_strategy`."""
    name, _, class_name = spec.partition(":")
    steps = name.split(".")
    if not class_name.isidentifier() or not all(step.isidentifier() for step in steps):
        raise ConfigError(f'strategy = {spec!r}: must look like "package.module:Class", for instance "strategies.momentum:Momentum"')
    importlib.invalidate_caches()  # a file may have been written a moment ago
    module = _trusted(spec, steps, class_name, _folders(strategies))
    found = getattr(module, class_name, None)
    if not inspect.isclass(found):
        classes = [known for known, cls in inspect.getmembers(module, inspect.isclass) if cls.__module__ == module.__name__]
        raise ConfigError(f"strategy = {spec!r}: {name} has no class {class_name}. {did_you_mean(class_name, classes)}")
    if not issubclass(found, Strategy):
        raise ConfigError(f"strategy = {spec!r}: {class_name} is not a subclass of framework.Strategy, so it was not called")
    return found


def _folders(given: Folders) -> list[Path]:
    folders = [Path(one).resolve() for one in ([given] if isinstance(given, str | Path) else given)]
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(f"--strategies {folder}: there is no such folder; name the one that holds the modules of your strategies")
    return folders


def _trusted(spec: str, steps: list[str], class_name: str, folders: list[Path]) -> ModuleType:
    """The module, imported from the first trusted place that has it."""
    for folder in folders:
        files = _files(spec, steps, folder, folder)
        if files:
            if str(folder) not in sys.path:
                sys.path.insert(0, str(folder))
            return _import(spec, steps, files, folder)
    if steps[0] == LIBRARY:
        root = Path(__file__).resolve().parents[2]
        files = _files(spec, steps, root, root / LIBRARY)
        if files:
            return _import(spec, steps, files, root)
        raise ConfigError(f"strategy = {spec!r}: there is no module {'.'.join(steps)}. {_near(steps, [root])}")
    name = ".".join(steps)
    for point in entry_points(group=GROUP):
        if _allows(point, name, class_name):
            return _run(spec, name)
    registered = sorted({point.value for point in entry_points(group=GROUP)})
    raise ConfigError(
        f"strategy = {spec!r}: there is no module {name} where strategies may be loaded from: the package {LIBRARY}, "
        f"{'what is installed and registered as ' + GROUP + ' (' + ', '.join(registered) + '), ' if registered else ''}"
        f"{', '.join(map(str, folders)) if folders else 'no folders'} given by --strategies DIR. "
        f"{_near(steps, folders) if folders else 'Give the folder that holds it: --strategies DIR, in Python strategies=[DIR]'}"
    )


def _allows(point: EntryPoint, name: str, class_name: str) -> bool:
    module, _, cls = point.value.partition(":")
    if cls:
        return name == module and class_name == cls
    return name == module or name.startswith(f"{module}.")


def _files(spec: str, steps: list[str], root: Path, trusted: Path) -> list[Path | None]:
    """The file of each package on the way and of the module, found without importing; None for a folder without `__init__`.

    Nothing where `root` has no such module.

    Raises:
        ConfigError: one of them lies outside of `trusted`.
    """
    path: Iterable[str] = [str(root)]
    files: list[Path | None] = []
    for depth in range(len(steps)):
        found = importlib.machinery.PathFinder.find_spec(steps[depth], list(path))  # by its last name: a whole one asks for loaded parents
        if found is None:
            return []
        files.append(Path(found.origin).resolve() if found.origin is not None else None)
        path = list(found.submodule_search_locations or ())
        for place in (*files[-1:], *(Path(one).resolve() for one in path)):
            if place is not None and not place.is_relative_to(trusted):
                raise ConfigError(
                    f"strategy = {spec!r}: {'.'.join(steps[: depth + 1])} is a link to {place}, outside of {trusted}; "
                    f"give the folder where it lies: --strategies {place.parent}"
                )
    return files if files[-1] is not None else []


def _import(spec: str, steps: list[str], files: list[Path | None], root: Path) -> ModuleType:
    """Import step by step, and stop before anything of the same name that lies elsewhere is run."""
    for depth, file in enumerate(files):
        name = ".".join(steps[: depth + 1])
        loaded = sys.modules.get(name)
        found = getattr(loaded, "__spec__", None) if loaded is not None else _find(spec, name)
        origin = None if found is None or found.origin is None else Path(found.origin).resolve()
        if found is None or origin != file:
            here = "is loaded" if loaded is not None else "is what Python finds first"
            raise ConfigError(
                f"strategy = {spec!r}: {name} of {root} has the name of another module, which {here}: "
                f"{getattr(found, 'origin', None) or name}; rename yours"
            )
        module = _run(spec, name)
    return module


def _find(spec: str, name: str) -> importlib.machinery.ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError) as error:
        raise ConfigError(f"strategy = {spec!r}: {name} cannot be found: {error}") from error


def _run(spec: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise StrategyError(f"strategy = {spec!r}: {name} needs the module {error.name}, which is not installed") from error
        raise ConfigError(f"strategy = {spec!r}: there is no module {error.name}") from None
    except OneTapeError:
        raise
    except Exception as error:
        raise StrategyError(f"strategy = {spec!r}: importing {name} raised {type(error).__name__}: {error}") from error


def _near(steps: list[str], roots: list[Path]) -> str:
    """The modules beside the missing one, in the deepest package on the way to it; nothing is imported for it."""
    for root in roots:
        path: Iterable[str] = [str(root)]
        for depth in range(len(steps)):
            prefix = ".".join([*steps[:depth], ""])
            beside = [f"{prefix}{one.name}" for one in pkgutil.iter_modules(list(path))]
            name = f"{prefix}{steps[depth]}"
            found = importlib.machinery.PathFinder.find_spec(steps[depth], list(path))
            if found is None or not found.submodule_search_locations:
                if beside:
                    return did_you_mean(name if found is None else ".".join(steps), beside)
                break
            path = list(found.submodule_search_locations)
    return "It holds no such module"
