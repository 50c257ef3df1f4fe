"""YAML files that may extend one another, and `--set a.b=c` on top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from framework.config.check import check_keys, sections_at, unknown_key, validate
from framework.config.models import RunConfig
from framework.config.text import parse_value, read_text, shown
from framework.errors import ConfigError, did_you_mean

EXTENDS = "extends"
_KINDS: dict[type, str] = {list: "list", str: "text"}
"""Of what a file holds that is no config, whose content is nobody's business."""


_SHOWN = 100

MOST_EXTENDS = 16
"""Files that build upon one another."""


def load(path: str | Path, overrides: Iterable[str] = ()) -> RunConfig:
    """Read a run's config, what it extends and `overrides` on top; refuse whatever cannot be right.

    Args:
        path: a YAML file; its key `extends` names another one, relative to itself, that it builds upon.
        overrides: settings such as "params.lookback=126", as `--set` takes them.
    """
    raw, origins = read(path)
    texts = list(overrides)
    origins.update({text.partition("=")[0].strip(): "--set" for text in texts})
    return validate(RunConfig, apply_overrides(raw, texts), place=str(path), origins=origins)


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The content of a config file with all it extends merged in, and for each dotted key the file that set it."""
    return _read(Path(path), ())


def apply_overrides(raw: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """A copy of `raw` with settings such as "costs.fee_bps=2.5" applied; values are read as YAML.

    >>> apply_overrides({"seed": 1}, ["seed=7", "params.fast=10"])
    {'seed': 7, 'params': {'fast': 10}}
    """
    result = _merge(raw, {})
    for text in overrides:
        dotted, equals, value_text = text.partition("=")
        text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        path = dotted.strip().split(".")
        if not equals or not all(path):
            raise ConfigError(f"--set {text}: must look like key=value or section.key=value")
        _check_path(path, result, text)
        result = _merge(result, _nest(path, parse_value(value_text, f"--set {text}")))
    return result


def _read(path: Path, chain: tuple[Path, ...]) -> tuple[dict[str, Any], dict[str, str]]:
    content = parse_value(_text(path, chain), str(path))
    if path.resolve() in chain:
        circle = " -> ".join(str(link) for link in (*chain, path.resolve()))
        raise ConfigError(f"{path}: extends itself through {circle}; remove one `{EXTENDS}`")
    if len(chain) >= MOST_EXTENDS:
        raise ConfigError(f"{path}: is the end of a chain of more than {MOST_EXTENDS} files that extend one another; put some into one")
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must hold keys and values, as in `seed: 1`; it holds one {_KINDS.get(type(content), 'value')}")
    parent = content.pop(EXTENDS, None)
    if parent is not None and not isinstance(parent, str):
        raise ConfigError(f"{path}: {EXTENDS} = {shown(parent)}: must be one path, relative to this file")
    check_keys(RunConfig, content, str(path))
    base: dict[str, Any] = {}
    origins: dict[str, str] = {}
    if parent is not None:
        base, origins = _read(path.parent / parent, (*chain, path.resolve()))
    origins.update({dotted: str(path) for dotted in _leaves(content)})
    return _merge(base, content), origins


def _text(path: Path, chain: tuple[Path, ...]) -> str:
    try:
        return read_text(path)
    except FileNotFoundError:
        siblings = [str(near) for near in path.parent.glob("*.y*ml")]
        hint = did_you_mean(str(path), siblings) if siblings else f"{path.parent} holds no YAML file."
        source = f" (extended by {chain[-1]})" if chain else ""
        raise ConfigError(f"{path}: there is no such file{source}. {hint}") from None


def _merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """`top` over `base`, section by section; lists and plain values are replaced whole."""
    merged = {key: _merge(value, {}) if isinstance(value, Mapping) else value for key, value in base.items()}
    for key, value in top.items():
        below = merged.get(key)
        if not isinstance(value, Mapping):
            merged[key] = value
        elif isinstance(below, dict) and below.get("model") == value.get("model", below.get("model")):
            merged[key] = _merge(below, value)
        else:  # another kind of the same section, so the keys of the old kind must not linger
            merged[key] = _merge(value, {})
    return merged


def _leaves(content: Mapping[str, Any], prefix: str = "") -> Iterable[str]:
    for key, value in content.items():
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")


def _nest(path: list[str], value: object) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def _check_path(path: list[str], raw: Mapping[str, Any], text: str) -> None:
    """Refuse a path the models do not know. What lies below `params` is the strategy's, which checks it itself."""
    sections: list[type[BaseModel]] = [RunConfig]
    here: object = raw
    for depth, key in enumerate(path):
        above = ".".join(path[:depth])
        if not sections:
            raise ConfigError(f"--set {text}: {above} is a single value, it has no keys below it")
        known = {name: section for section in sections for name in section.model_fields}
        if key not in known:
            raise ConfigError(unknown_key(key, known, f"--set {text}", f"{above}." if above else ""))
        here = here.get(key) if isinstance(here, Mapping) else None
        sections = sections_at(known[key], key, here)
        if key == "params":
            return
