"""Turns a mapping into a model, and every mistake into a sentence: place, key, value, rule, way out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from framework.config.text import shown
from framework.errors import ConfigError, did_you_mean

Model = TypeVar("Model", bound=BaseModel)

_SECTION_TYPES = ("model_type", "model_attributes_type", "dict_type")
_PLAIN_TYPES = ("int_type", "float_type", "string_type", "bool_type")
"""Of mistakes: no section where one is needed, and a section where a plain value is."""


def validate(model: type[Model], raw: Mapping[str, Any] | Model | None, place: str, origins: Mapping[str, str] | None = None) -> Model:
    """Build `model` from `raw` or raise a `ConfigError` that lists every mistake.

    Args:
        model: what to build; None builds its defaults.
        raw: a mapping, or a model already built, which is returned as it is.
        place: file or argument, named in the errors.
        origins: for values that came from elsewhere, dotted key to place.
    """
    if isinstance(raw, model):
        return raw
    content = {} if raw is None else raw
    if not isinstance(content, Mapping):
        raise ConfigError(f"{place}: must be a mapping of keys to values, got {shown(content)}; its keys: {', '.join(model.model_fields)}")
    check_keys(model, content, place)
    try:
        return model.model_validate(dict(content))
    except ValidationError as error:
        details = _meant(error.errors(include_url=False), content)
        raise ConfigError("\n".join(_sentence(detail, model, content, place, origins or {}) for detail in details)) from None


def check_keys(model: type[BaseModel], raw: Mapping[str, Any], place: str, prefix: str = "") -> None:
    """Refuse keys that `model` does not know, at any depth; values are not looked at."""
    for key, value in raw.items():
        dotted = f"{prefix}{key}"
        if key not in model.model_fields:
            raise ConfigError(unknown_key(str(key), model.model_fields, place, prefix))
        members = sections_at(model, str(key), value)
        if len(members) == 1 and isinstance(value, Mapping):
            check_keys(members[0], value, place, f"{dotted}.")


def unknown_key(key: str, known: Iterable[str], place: str, prefix: str = "") -> str:
    """The sentence for a key nobody knows, its neighbours given with their full dotted path."""
    return f"{place}: unknown key {prefix}{key}. {did_you_mean(f'{prefix}{key}', [f'{prefix}{name}' for name in known])}"


def sections_at(model: type[BaseModel], key: str, value: object) -> list[type[BaseModel]]:
    """The sections that `key` of `model` may hold: none for a plain value, one for a section, several for a union.

    In a union the key `model` of `value` chooses one; until it does, all members are possible.
    """
    members = _members(model, key)
    if not members:
        return []
    tag = value.get("model") if isinstance(value, Mapping) else None
    chosen = [member for member in members if "model" in member.model_fields and member.model_fields["model"].default == tag]
    return chosen or list(members)


@cache
def _members(model: type[BaseModel], key: str) -> tuple[type[BaseModel], ...]:
    return tuple(_sections(model.model_fields[key].annotation))


def _sections(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType):
        for argument in get_args(annotation):
            yield from _sections(argument)
    elif get_origin(annotation) is Annotated:
        yield from _sections(get_args(annotation)[0])


def _meant(details: Sequence[ErrorDetails], raw: Mapping[str, Any]) -> list[ErrorDetails]:
    """The mistakes without those of what was not meant: where a number or a section may stand, pydantic says what both lack."""
    paths = [_path_in(raw, detail["loc"]) for detail in details]

    def is_meant(k: int) -> bool:
        others = [path for j, path in enumerate(paths) if j != k and path[: len(paths[k])] == paths[k]]
        of_the_other_kind = _PLAIN_TYPES if isinstance(details[k]["input"], Mapping) else _SECTION_TYPES
        return not others or details[k]["type"] not in of_the_other_kind

    return [detail for k, detail in enumerate(details) if is_meant(k)]


def _kinds_at(model: type[BaseModel], path: Sequence[str]) -> str:
    """What the key `model` of a section may be."""
    members: tuple[type[BaseModel], ...] = (model,)
    for step in path:
        members = _members(members[0], step) if len(members) == 1 and step in members[0].model_fields else ()
    return ", ".join(sorted(str(member.model_fields["model"].default) for member in members if "model" in member.model_fields))


def _sentence(detail: ErrorDetails, model: type[BaseModel], raw: Mapping[str, Any], place: str, origins: Mapping[str, str]) -> str:
    path = _path_in(raw, detail["loc"])
    dotted = ".".join(path)
    where = origins.get(dotted, place)
    rule = re.sub(r"^\w+ should ", "must ", detail["msg"].removeprefix("Value error, "))
    if detail["type"] in _SECTION_TYPES:
        rule = "must be a section of keys and values"
    if detail["type"] == "missing":
        return f"{where}: {'.'.join(str(step) for step in detail['loc'])} is missing and has no default"
    if detail["type"] == "union_tag_not_found":
        return f"{where}: {dotted} needs the key `model`, which chooses among its kinds: {_kinds_at(model, path)}"
    if detail["type"] == "union_tag_invalid":
        tags = [tag.strip().strip("'") for tag in detail["ctx"]["expected_tags"].split(",")]
        return f"{where}: {dotted}.model = {detail['ctx']['tag']!r} is not one of its kinds. {did_you_mean(detail['ctx']['tag'], tags)}"
    if not dotted or isinstance(detail["input"], Mapping):
        return f"{where}: {dotted + ': ' if dotted else ''}{rule}"
    return f"{where}: {dotted} = {shown(detail['input'])}: {rule}"


def _path_in(raw: Any, loc: Sequence[int | str]) -> list[str]:
    """The steps of `loc` that exist in `raw`: pydantic puts the names of union members between them."""
    path: list[str] = []
    for step in loc:
        in_list = isinstance(raw, Sequence) and not isinstance(raw, str) and isinstance(step, int) and step < len(raw)
        if in_list or (isinstance(raw, Mapping) and step in raw):
            raw = raw[step]
            path.append(str(step))
    return path
