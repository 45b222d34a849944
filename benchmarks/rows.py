"""One measured figure, what it should be, and how two sides become one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_PYDENSECRF = "pydensecrf is not installed here (pip install pydensecrf2), so there is nothing to compare with"
FASTER, OF_RIVAL = "x faster", "x as much"


@dataclass(frozen=True, slots=True)
class Aim:
    """A bound that a figure should keep."""

    value: float
    at_least: bool

    def reached(self, figure: float) -> bool:
        """Return whether the figure keeps the bound."""
        return figure >= self.value if self.at_least else figure <= self.value

    def __str__(self) -> str:
        """Say it in words."""
        return f"at {'least' if self.at_least else 'most'} {self.value:g}"


AIMS = {
    "10 iterations, all threads": Aim(12, at_least=True),
    "10 iterations, one thread": Aim(6, at_least=True),
    "build and 10 iterations, all threads": Aim(8, at_least=True),
    "10 iterations, scribbles, all threads": Aim(6, at_least=True),
    "10 iterations, theta 50/5, all threads": Aim(6, at_least=True),
    "build of both kernels, all threads": Aim(2.5, at_least=True),
    "whole refine_labels, all threads": Aim(4, at_least=True),
    "peak memory of the process": Aim(0.5, at_least=False),
    "4 x the pixels, refine_labels": Aim(4.4, at_least=False),
    "4 x the pixels, 10 iterations": Aim(4.4, at_least=False),
    "2 x the labels, refine_labels": Aim(2.2, at_least=False),
    "2 x the labels, 10 iterations": Aim(2.2, at_least=False),
    "weight slider": Aim(0.1, at_least=False),
    "labels equal to pydensecrf's": Aim(0.999, at_least=True),
    "start from the cache": Aim(0.5, at_least=False),
    "tiles: pixels equal to those at once": Aim(0.995, at_least=True),
    "tiles: pixels equal beside seams": Aim(0.995, at_least=True),
    "ids of cells: time": Aim(4, at_least=False),
    "ids of cells: time with an empty cache": Aim(20, at_least=False),
    "ids of cells: peak memory of the process": Aim(3000, at_least=False),
    "volume: peak memory of the process": Aim(4000, at_least=False),
    "volume by tiles: peak memory of the process": Aim(4000, at_least=False),
}
"""What is promised for the full sizes on two cores, by the name of the row."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table.

    Attributes
    ----------
    name, case : str
        What was measured, and on what.
    ours, rival : float or None
        Medians, in `unit`; None where there is no such side.
    rival_name : str
        Whom or what ours is compared with.
    figure : float or None
        The number that counts; `meaning` says what it is. `low` and `high` are its extremes over the pairs.
    note : str
        What a reader must know, such as why a side is missing.
    """

    name: str
    case: str
    unit: str
    ours: float | None
    rival: float | None = None
    rival_name: str = ""
    figure: float | None = None
    meaning: str = ""
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def aim(self) -> Aim | None:
        """The bound that the figure should keep."""
        return AIMS.get(self.name)

    def to_dict(self) -> dict[str, Any]:
        """Return the row and its aim, ready for JSON."""
        aim = None if self.aim is None else str(self.aim)
        reached = None if self.aim is None or self.figure is None else self.aim.reached(self.figure)
        return asdict(self) | {"aim": aim, "reached": reached}


def compare(
    name: str,
    case: str,
    ours: Sequence[float],
    rival: Sequence[float] | None,
    *,
    rival_name: str = "pydensecrf",
    meaning: str = FASTER,
    unit: str = "s",
    note: str = "",
) -> Row:
    """Return the row of two sides that ran in turn: medians, their ratio, and its extremes over the pairs.

    `FASTER` divides the rival's figure by ours, `OF_RIVAL` ours by the rival's. Without a rival the row says so.
    """
    if rival is None:
        return Row(name, case, unit, median(ours), rival_name=rival_name, meaning=meaning, note=note or NO_PYDENSECRF)
    above, below = (rival, ours) if meaning == FASTER else (ours, rival)
    ratios = [a / b for a, b in zip(above, below, strict=True)]
    figure = median(above) / median(below)
    return Row(
        name, case, unit, median(ours), median(rival), rival_name, figure, meaning, min(ratios), max(ratios), note
    )


def alone(name: str, case: str, values: Sequence[float], *, unit: str = "s", note: str = "") -> Row:
    """Return the row of a figure that stands for itself."""
    middle = median(values)
    return Row(name, case, unit, middle, None, "", middle, unit, min(values), max(values), note)
