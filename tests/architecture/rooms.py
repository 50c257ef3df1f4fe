"""The rooms of a package and which of them imports which: `python -m tests.architecture.rooms` prints the arrows.

A room is a folder of the package. A file that lies beside the folders is what users import, above all rooms; the kernel has none.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from tests.architecture.sources import Source, imports, sources, target

DATA = "framework.data"
DATA_ROOMS = ("checks", "reference", "tape", "series", "synthetic", "store", "quality", "formats")
"""From the lowest floor upward: a room imports only from rooms before it."""
KERNEL = "framework.kernel"
KERNEL_ROOMS = ("machine", "layout", "market", "account", "trader", "venue", "loops")
"""Likewise."""
HALVES = ("trader", "venue")
"""Neither imports the other: they meet by messages only."""
BESIDE = "beside"

Arrows = Counter[tuple[str, str]]
"""By importing and imported room: how many names are imported."""


def room_of(module: str, package: str) -> str:
    """The room of a module below a package; `BESIDE` for a file that lies in none."""
    parts = module.removeprefix(f"{package}.").split(".")
    return parts[0] if len(parts) > 1 else BESIDE


def arrows(found: Sequence[Source], package: str) -> Arrows:
    """Imports from one room of the package to another, those inside functions and under TYPE_CHECKING included."""
    modules = {source.name for source in found}
    rooms = {room_of(name, package) for name in modules if name.startswith(f"{package}.")} - {BESIDE}
    counted: Arrows = Counter()
    for source in found:
        if not source.name.startswith(f"{package}."):
            continue
        here = source.name.removeprefix(f"{package}.") if source.is_package else room_of(source.name, package)
        for imported in imports(source):
            module = target(imported, modules)
            if not module.startswith(f"{package}."):
                continue
            face = module.removeprefix(f"{package}.")
            there = face if face in rooms else room_of(module, package)
            if there != here:
                counted[here, there] += 1
    return counted


def upward(found: Arrows, order: Sequence[str]) -> list[str]:
    """One sentence for each arrow that does not point to a lower floor, and for each room without a floor."""
    floors = {room: floor for floor, room in enumerate((*order, BESIDE))}
    return [
        f"{here} imports {there}, which is not below it"
        for here, there in sorted(found)
        if here not in floors or there not in floors or floors[there] >= floors[here]
    ]


def between(found: Arrows, apart: Sequence[str]) -> list[str]:
    """One sentence for each arrow between rooms that may not know each other."""
    return [f"{here} imports {there}, and neither may know the other" for here, there in sorted(found) if here in apart and there in apart]


def shown(found: Arrows, order: Sequence[str]) -> str:
    """The arrows as text, one importing room a line, from the highest floor down."""
    lines = [f"{len(found)} arrows, {sum(found.values())} imports"]
    for here in reversed((*order, BESIDE)):
        lower = ", ".join(f"{there} ({found[here, there]})" for there in order if found[here, there])
        lines.append(f"  {here} -> {lower or 'nothing'}")
    return "\n".join(lines)


if __name__ == "__main__":
    for package, order in ((KERNEL, KERNEL_ROOMS), (DATA, DATA_ROOMS)):
        sys.stdout.write(f"{package}: {shown(arrows(sources('framework'), package), order)}\n")
