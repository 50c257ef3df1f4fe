"""What the reference pages promise to list, they list in full."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import framework
from framework.config.models import CostsConfig, LatencyConfig, RiskConfig, VenueConfig
from framework.data.store.embedded import DATASETS
from framework.engine.reading import Reading
from framework.engine.strategy import Strategy
from framework.engine.view import View
from framework.errors import OneTapeError
from framework.schema.order import Reason, TimeInForce

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def first_cells(page: str) -> list[str]:
    """The names in the first column of a page's tables."""
    rows = re.findall(r"^\| (`[^|]*`) \|", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([A-Za-z_]\w*)", row)]


def anchors(page: Path) -> set[str]:
    """The anchors GitHub gives a page's headings."""
    titles = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def public(cls: type) -> list[str]:
    return [name for name in vars(cls) if not name.startswith("_")]


def test_every_reason_is_explained_once() -> None:
    listed = [name for name in first_cells("costs-and-risk.md") if name in Reason.__members__]
    assert sorted(listed) == sorted(Reason.__members__)


def test_no_reason_is_explained_that_does_not_exist() -> None:
    named = [name for name in first_cells("costs-and-risk.md") if name.isupper()]
    assert [name for name in named if name not in Reason.__members__] == []


@pytest.mark.parametrize("section", [CostsConfig, RiskConfig])
def test_every_cost_and_limit_key_is_explained_once(section: type[CostsConfig] | type[RiskConfig]) -> None:
    listed = [name for name in first_cells("costs-and-risk.md") if name in section.model_fields]
    assert sorted(listed) == sorted(section.model_fields)


def test_every_rule_of_a_venue_is_explained_once() -> None:
    assert sorted(first_cells("venue.md")) == sorted(VenueConfig.model_fields)


def test_every_latency_key_is_named() -> None:
    text = (DOCS / "costs-and-risk.md").read_text(encoding="utf-8")
    assert all(f'"{name}"' in text for name in LatencyConfig.model_fields)


def test_every_time_in_force_is_explained() -> None:
    assert sorted(first_cells("fills.md")) == sorted(TimeInForce.__members__)


def test_every_hook_is_explained() -> None:
    hooks = [name for name in public(Strategy) if name.startswith("on_")]
    assert sorted(name for name in first_cells("concepts.md") if name.startswith("on_")) == sorted(hooks)


def test_every_dataset_is_listed() -> None:
    assert [name for name in first_cells("data.md") if name in DATASETS] == list(DATASETS)


def test_every_public_name_is_in_the_reference() -> None:
    text = (DOCS / "reference.md").read_text(encoding="utf-8")
    used_by_the_engine = {
        "at",
        "take_decision",
        "event",
        "quote",
        "bar",
        "timer_fired",
        "start_timers",
        "order_event",
        "bars_now",
        "rebalance",
        "trader",
        "owner_of_wake",
        "add_refused",
    }
    names = [*framework.__all__, *(name for name in (*public(View), *public(Reading)) if name not in used_by_the_engine)]
    assert [name for name in names if f"`{name}" not in text and f".{name}" not in text] == []


def test_the_call_of_backtest_is_the_one_there_is() -> None:
    text = (DOCS / "reference.md").read_text(encoding="utf-8")
    call = re.search(r"^    backtest\((.*?)\)\n", text, re.MULTILINE | re.DOTALL)
    assert call is not None
    parameters = ast.parse(f"def backtest({call[1]}): ...").body[0].args  # type: ignore[attr-defined]
    signature = inspect.signature(framework.backtest)
    names = [argument.arg for argument in (*parameters.args, *parameters.kwonlyargs)]
    values = [ast.literal_eval(default) for default in (*parameters.defaults, *parameters.kw_defaults)]
    assert dict(zip(names, values, strict=True)) == {name: one.default for name, one in signature.parameters.items()}
    assert names == list(signature.parameters)


def test_every_error_is_in_the_reference() -> None:
    text = (DOCS / "reference.md").read_text(encoding="utf-8")
    found, queue = [], [OneTapeError]
    while queue:
        error = queue.pop()
        found.append(error.__name__)
        queue += error.__subclasses__()
    assert [name for name in found if f"`{name}`" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        if not place.exists() or (anchor and anchor not in anchors(place)):
            broken.append(target)
    assert broken == []
