"""Malformed configs: each a ConfigError with file and line, none of them slow, none of them a traceback of another library."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from framework.config import load
from framework.config.text import MOST_BYTES, MOST_DEEP, parse_value, shown
from framework.errors import ConfigError

BASE = "strategy: a.b:C\ndata: {source: x}\n"
LAUGHS = "params:\n a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f" {chr(98 + k)}: &{chr(98 + k)} [{','.join(['*' + chr(97 + k)] * 10)}]\n" for k in range(9)
)
CHAIN = "params:\n a0: &a0 [1]\n" + "".join(f" a{k + 1}: &a{k + 1} [*a{k}]\n" for k in range(3000))


def refusal(folder: Path, content: bytes) -> str:
    path = folder / "run.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value).replace(str(path), "run.yaml")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("benchmark: 2024-13-45\n", 3, "'2024-13-45' is not what it looks like: month must be in 1..12"),
        ("# x\nbenchmark: 2024-02-30\n", 4, "day is out of range for month"),
        ("benchmark: 2001-01-01T00:00:00+99:99\n", 3, "offset must be a timedelta"),
        ("params: &a {x: *a}\n", 3, "it holds itself through its own name"),
        ("params: {x: &a [1, *a]}\n", 3, "it holds itself through its own name"),
        ("costs: &a\n  <<: *a\n", 3, "it holds itself through its own name"),
        (f"seed: {'9' * 5000}\n", 3, "Exceeds the limit"),
        ("benchmark: \x07\n", 3, r"the character '\x07' is none of text"),
        ("benchmark: a\0\n", 3, r"the character '\x00' is none of text"),
        ('benchmark: "\\ud800"\n', 3, "holds a character that is none of text"),
        ('benchmark: "\\0"\n', 3, "holds a character that is none of text"),
        ("seed: 1\nseed: 2\n", 4, "seed is set twice in one section"),
        ("account: {cash: 1,000,000}\n", 3, "cash: 1,000,000 is a number with commas, which end a value here; write 1000000 or 1_000_000"),
        (
            "params: {x: 5, cash: -1,250.50, y: 2}\n",
            3,
            "cash: -1,250.50 is a number with commas, which end a value here; write -1250.50 or",
        ),
        ("params: {cash: 1,\n  000, y: 2}\n", 3, "cash: 1,000 is a number with commas"),
        ("\tseed: 1\n", 3, r"found character '\t' that cannot start any token"),
        ("params: {1: 2}\n", 3, 'the key 1 is no text; write it in quotes: "1"'),
        ("params: {2020-01-01: 2}\n", 3, 'the key 2020-01-01 is no text; write it in quotes: "2020-01-01"'),
        ("params: {[1]: 2}\n", 3, "a list or section cannot be a key"),
        ("params: {[1, [2]]: 2}\n", 3, "a list or section cannot be a key"),
        ("params: *missing\n", 3, "*missing repeats what was never named"),
        ("params: !!binary aGVsbG8=\n", 3, "the tag tag:yaml.org,2002:binary is not read"),
        ("params: !!python/object/apply:os.system ['x']\n", 3, "the tag tag:yaml.org,2002:python/object/apply:os.system is not read"),
        ("seed: !!int x\n", 3, "the tag tag:yaml.org,2002:int is not read"),
        ("seed: !mine 1\n", 3, "the tag !mine is not read"),
        ("costs:\n  <<: 3\n", 4, "expected a mapping or list of mappings for merging"),
        (f"params: {{x: {'[' * 5000}{']' * 5000}}}\n", 3, f"more than {MOST_DEEP} sections and lists"),
        ("params:\n" + "".join(" " * (k + 1) + "a:\n" for k in range(600)), 34, f"more than {MOST_DEEP} sections and lists"),
        (LAUGHS, 9, "it stands for more than 200,000 values"),
        (CHAIN, 36, f"more than {MOST_DEEP} sections and lists"),
        ("a: b: c\n", 3, "mapping values are not allowed here"),
        ("params: {a: [1, 2\n", 4, "is not YAML: while parsing a flow sequence"),
        ("---\nseed: 1\n", 3, "found another document"),
    ],
)
def test_what_is_malformed_names_its_line(text: str, line: int, said: str, tmp_path: Path) -> None:
    found = refusal(tmp_path, (BASE + text).encode())
    assert found.startswith(f"run.yaml, line {line}: ") and said in found and len(found) < 400, found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (BASE.encode("utf-16"), "run.yaml, line 1: the byte 0xff is not UTF-8 text"),
        (BASE.encode("utf-16-le"), r"run.yaml, line 1: the character '\x00' is none of text"),
        (BASE.encode() + b"benchmark: \xe4\n", "run.yaml, line 3: the byte 0xe4 is not UTF-8 text"),
        (b"- a\n- b\n", "run.yaml: must hold keys and values, as in `seed: 1`; it holds one list"),
        (b"", "run.yaml: strategy is missing"),
        (b"# nothing\n", "run.yaml: strategy is missing"),
        (b"x" * (MOST_BYTES + 1), "run.yaml: holds 1,048,577 bytes; rule: at most 1,048,576"),
        (BASE.encode() + b"account: {cash: .inf}\n", "run.yaml: account.cash = inf: must be a finite number"),
        (BASE.encode() + b"account: {cash: 1e999}\n", "run.yaml: account.cash = inf: must be a finite number"),
        (BASE.encode() + b"account: {cash: .nan}\n", "run.yaml: account.cash = nan: must be a finite number"),
        (b"strategy: a.b:C\ndata: {source: x, start: 0001-01-01}\n", "year 1; rule: 1850 to 2199"),
        (b"strategy: a.b:C\ndata: {source: x, end: '2200-01-01'}\n", "year 2200; rule: 1850 to 2199"),
    ],
)
def test_what_is_no_config_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    assert said in refusal(tmp_path, content)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    for path, said in (
        (tmp_path, "is a folder, not a file"),
        (tmp_path / "pipe", "is a device or pipe, not a file"),
        (Path("/dev/zero"), "is a device or pipe, not a file"),
        (tmp_path / "none.yaml", "there is no such file"),
        (tmp_path / "no\0file", "cannot be read"),
        (tmp_path / ("x" * 300), "cannot be read"),
        (tmp_path / "round", "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=said):
            load(path)


def test_a_long_chain_of_files_is_refused(tmp_path: Path) -> None:
    for k in range(20):
        (tmp_path / f"{k}.yaml").write_text(f"extends: {k + 1}.yaml\n")
    (tmp_path / "20.yaml").write_text(BASE)
    assert load(tmp_path / "5.yaml").strategy == "a.b:C"
    with pytest.raises(ConfigError, match=r"16\.yaml: is the end of a chain of more than 16 files"):
        load(tmp_path / "0.yaml")


def test_what_is_harmless_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + BASE.encode() + b"costs: &c {fee_bps: 2.0}\n<<: {seed: 3}\nparams: {x: =, y: [*c, *c], z: 'a\tb'}\n")
    config = load(path)
    assert (config.seed, config.costs.fee_bps) == (3, 2.0)
    assert config.params == {"x": "=", "y": [{"fee_bps": 2.0}] * 2, "z": "a\tb"}


@pytest.mark.parametrize("text", ["seed=" + "9" * 5000, "params.a=[", "params.a=2024-13-45", "params.x=&a [*a]", "=", "x" * 5000])
def test_a_malformed_setting_names_itself(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(BASE)
    with pytest.raises(ConfigError, match=f"^--set {text[:5]}".replace("[", r"\[")) as caught:
        load(tmp_path / "run.yaml", [text])
    assert len(str(caught.value)) < 500


def test_a_value_is_shown_short() -> None:
    assert shown(10**5000) == "a whole number of 16,610 bits"
    assert shown(["a" * 200]).endswith("...") and len(shown(["a" * 200])) == 100
    assert parse_value("10:30", "here") == "10:30"


@pytest.mark.parametrize("text", ["a: {x: 1, 000: 5}", "a: {x: 1, '000': }", "a: {x: 1234, 000: }", "a: {x: '1', 000: }", "a: {x: 1, y: }"])
def test_keys_that_are_no_part_of_a_number_stay_keys(text: str) -> None:
    [[first, second]] = [list(section) for section in parse_value(text, "run.yaml").values()]
    assert first == "x" and second in ("000", "y")


def test_what_is_advised_for_commas_is_the_number() -> None:
    assert parse_value("{cash: 1000000, more: 1_000_000}", "run.yaml") == {"cash": 1_000_000, "more": 1_000_000}
