"""YAML in, plain values out: text, numbers, truth values, dates, lists and sections, and every fault with its line.

It is read as version 1.2 says, because 1.1 reads 10:30 as 630, NO as false and 1e-4 as text; in a trading config each of these costs
money. What a config does not need is refused rather than trusted: tags, keys that are no text, control characters, texts whose
aliases stand for more than `MOST_VALUES`. A config comes from anybody, and reading it must neither run, nor fill memory, nor take long.
"""

from __future__ import annotations

import re
import stat
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import yaml

from framework.errors import ConfigError

MOST_BYTES = 1 << 20
"""Of one file. A config of ten thousand symbols has less than half."""

MOST_VALUES = 200_000
"""Values of one text, those an alias or a merge key stands for counted each time."""

MOST_DEEP = 32
"""Sections and lists inside one another."""

_TOO_DEEP = f"more than {MOST_DEEP} sections and lists stand inside one another; write it flatter"
_SHOWN = 100
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufeff]")


def shown(value: object) -> str:
    """A value as a message shows it: cut where it is long."""
    if isinstance(value, int) and value.bit_length() > 8 * _SHOWN:
        return f"a whole number of {value.bit_length():,} bits"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


_LEADING, _GROUP = re.compile("^[-+]?[0-9]{1,3}$"), re.compile(r"^[0-9]{3}(?:\.[0-9]*)?$")
_NOTHING = re.compile("^$")


def _is_group(node: yaml.Node, pattern: re.Pattern[str]) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style is None and pattern.match(node.value) is not None


def _is_rest(pair: tuple[yaml.Node, yaml.Node]) -> bool:
    """Whether a key without a value is three digits of the number before it."""
    return _is_group(pair[0], _GROUP) and _is_group(pair[1], _NOTHING)


class _Loader(yaml.SafeLoader):
    """Builds plain values only; what it refuses it refuses with the line."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the hints leave it out
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise self.refusal(event, f"*{event.anchor} repeats what was never named; write &{event.anchor} before it")
        elif event.tag not in (None, "!"):
            raise self.refusal(event, f"the tag {event.tag} is not read; write the value plainly, text in quotes")
        self.depth: int = getattr(self, "depth", 0) + 1
        if self.depth > MOST_DEEP:
            raise self.refusal(event, _TOO_DEEP)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - PyYAML's signature
        try:
            value = super().construct_object(node, deep=deep)
        except (ValueError, OverflowError, LookupError, AttributeError, TypeError) as error:
            written = shown(node.value) if isinstance(node, yaml.ScalarNode) else "this value"
            raise self.refusal(node, f"{written} is not what it looks like: {_first_line(error)}; text is written in quotes") from None
        if isinstance(value, str) and _CONTROL.search(value):
            raise self.refusal(node, f"{shown(value)} holds a character that is none of text; leave it out")
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen: set[str] = set()
        self._refuse_commas(node)
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.refusal(key, "a list or section cannot be a key; keys are text")
            if key.value in seen:
                raise self.refusal(key, f"{key.value} is set twice in one section; keep one")
            if key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
                raise self.refusal(key, f'the key {shown(key.value)[1:-1]} is no text; write it in quotes: "{shown(key.value)[1:-1]}"')
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def _refuse_commas(self, node: yaml.MappingNode) -> None:
        """Refuse a number with commas inside braces, where a comma ends it: {cash: 1,000,000} would be cash: 1 and the key 000, twice."""
        for place, ((key, value), after) in enumerate(pairwise(node.value if node.flow_style else ())):
            if _is_group(value, _LEADING) and _is_rest(after):
                groups = [value.value, *(one.value for one, _ in takewhile(_is_rest, node.value[place + 1 :]))]
                raise self.refusal(
                    value,
                    f"{shown(getattr(key, 'value', ''))[1:-1]}: {','.join(groups)} is a number with commas, which end a value here; "
                    f"write {''.join(groups)} or {'_'.join(groups)}",
                )

    def check_size(self, root: yaml.Node) -> None:
        """Refuse what holds itself, and what stands for more than `MOST_VALUES` or is deeper than `MOST_DEEP` through aliases."""
        known: dict[int, tuple[int, int]] = {}  # how many values, and how deep; an alias repeats a node that came before it
        open_nodes: set[int] = set()

        def measure(node: yaml.Node) -> tuple[int, int]:
            if id(node) in open_nodes:
                raise self.refusal(node, "it holds itself through its own name (&name ... *name); remove the inner one")
            if isinstance(node, yaml.ScalarNode):
                return 1, 0
            if id(node) not in known:
                open_nodes.add(id(node))
                values, depth = 1, 0
                for one in (one for pair in node.value for one in pair) if isinstance(node, yaml.MappingNode) else node.value:
                    more, below = measure(one)
                    values, depth = values + more, max(depth, below + 1)
                if values > MOST_VALUES:
                    raise self.refusal(node, f"it stands for more than {MOST_VALUES:,} values, aliases counted each time; write less")
                if depth > MOST_DEEP:
                    raise self.refusal(node, _TOO_DEEP)
                open_nodes.discard(id(node))
                known[id(node)] = (values, depth)
            return known[id(node)]

        measure(root)

    def refusal(self, where: Any, rule: str) -> ConfigError:
        """The error of a node or event, with its place."""
        return ConfigError(f"{self.name}, line {where.start_mark.line + 1}: {rule}")


_REPLACED = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float", "value"))
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _REPLACED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile("^[-+]?(?:0|[1-9][0-9_]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^(?:[-+]?(?:[0-9][0-9_]*)?\.[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+(?:\.?[eE][-+]?[0-9]+|\.)|[-+]?\.inf|\.nan)$"),
    list("-+0123456789."),
)


def parse_value(text: str, place: str) -> Any:
    """What a text says, read as YAML 1.2; `place` is named where it cannot be read.

    Raises:
        ConfigError: it is no YAML, or holds what a config may not; with the line.
    """
    if len(text) > MOST_BYTES:
        raise ConfigError(f"{place}: holds {len(text):,} characters; rule: at most {MOST_BYTES:,}")
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        raise ConfigError(f"{place}, line {_line(text, error.position)}: the character {chr(error.character)!r} is none of text") from None
    loader.name = place
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        loader.check_size(root)
        return loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = place if mark is None else f"{place}, line {mark.line + 1}"
        raise ConfigError(f"{where}: is not YAML: {', '.join(filter(None, (error.context, error.problem)))}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{place}: is not YAML: {_first_line(error)}") from None
    finally:
        loader.dispose()


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        FileNotFoundError: there is none.
        ConfigError: it is not a file, too long, or not UTF-8.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"{path}: is a {'folder' if stat.S_ISDIR(found.st_mode) else 'device or pipe'}, not a file; name a YAML file")
        if found.st_size > MOST_BYTES:
            raise ConfigError(
                f"{path}: holds {found.st_size:,} bytes; rule: at most {MOST_BYTES:,}; a config names its data, it does not hold them"
            )
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(f"{path}: cannot be read: {_first_line(error)}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{path}, line {line}: the byte 0x{content[error.start]:02x} is not UTF-8 text ({error.reason}); save the file as UTF-8"
        ) from None


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
