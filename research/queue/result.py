"""A study of queue models that draws itself."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from research.queue import page
from research.queue.findings import sentences
from research.queue.study import Study

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True, slots=True)
class QueueCalibration(Study):
    """What `calibrate_queue` returns: the tables of `Study`, sentences and pictures of them."""

    @property
    def findings(self) -> tuple[str, ...]:
        """What the tables say and which assumption fails where, in sentences."""
        return sentences(self)

    def plot(self) -> Figure:
        """Bias by model and horizon in one plotly figure."""
        from plotly.graph_objects import Figure

        return Figure(page.bias(self))

    def report(self, path: str | Path = "queue.html") -> Path:
        """Write a self-contained HTML page and return where it is."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page.render(self, self.findings), encoding="utf-8")
        return target

    def summary(self) -> pd.DataFrame:
        """Bias and calibration error in points by model and horizon: the kernel's models with the fitted power, and the naive ones."""
        table = self.calibration[self.calibration["model"].isin(page.chosen(self))]
        horizons = list(dict.fromkeys(table["horizon"]))
        wide = {word: table.pivot(index="model", columns="horizon", values=word)[horizons] for word in ("bias", "ece")}
        return pd.concat(wide, axis=1).reindex(list(page.chosen(self)))

    def words(self) -> dict[str, Any]:
        """All but the single orders as plain lists and dicts, for JSON; what is not known is None."""
        tables = ("fit", "calibration", "levels_first", "bins", "fill_times", "cancels")
        head = {"source": self.source, "instrument": self.instrument, "best": self.best, "fitted_power": self.fitted_power}
        head |= {"split_at": self.split_at.isoformat(), "orders": len(self.orders), "counts": self.counts, "findings": list(self.findings)}
        return head | {name: _rows(getattr(self, name)) for name in tables}

    def _repr_html_(self) -> str:
        told = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.findings)
        table = self.summary().round(2).to_html(border=0)
        return f"<h3>{escape(self.instrument)}: models of the line</h3><ul>{told}</ul>{table}"

    def __repr__(self) -> str:
        """The summary and the findings on one screen."""
        head = f"QueueCalibration of {self.instrument}: {len(self.orders):,} orders, best {self.best}; bias and calibration error in points"
        return "\n".join([head, self.summary().round(2).to_string(), *(f"- {sentence}" for sentence in self.findings)])


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    plain = table.astype(object).where(table.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]
