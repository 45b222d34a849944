"""The forms of the heatmap's similarity, eq. (2), described once: what a person may choose and what each choice takes.

S_c, what goes into the softmax for label c, is a sum of terms, whose formulas stand in `heatmap`. What a form reads,
how much it works and what it needs memory for follow from its terms: the choices of `Parameters` and their help, the
heatmap, its progress, the estimate of the memory and the controls that are grey all look here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Similarity = Literal["combined", "joint", "kernel", "geodesic", "colour"]
"""How eq. (2) compares a pixel with the labelled pixels: a key of `FORMS`."""


@dataclass(frozen=True, slots=True)
class Term:
    """A summand of S_c.

    Attributes
    ----------
    reads : tuple of str
        The parameters that it depends on.
    units : int
        Units of work that it reports.
    reaches : tuple of float
        The lattices that it builds one after the other, by how many times `heatmap_distance` their kernels reach;
        infinite: position does not matter.
    sweeps : bool
        Whether it sweeps the pixel grid for the shortest paths.
    weight : str
        The parameter that, at 0, takes it away; "" if none does.
    """

    reads: tuple[str, ...] = ()
    units: int = 0
    reaches: tuple[float, ...] = ()
    sweeps: bool = False
    weight: str = ""


JOINT = Term(("heatmap_distance", "heatmap_colour"), units=1)
KERNEL = Term(("heatmap_distance", "heatmap_colour"), units=4, reaches=(1, 2, 4, 8))
COLOUR = Term(("heatmap_colour",), units=1, reaches=(math.inf,))
GEODESIC = Term(
    ("geodesic_colour_weight", "geodesic_scale", "geodesic_exponent", "instances"),
    units=1,
    sweeps=True,
    weight="geodesic_exponent",
)
PRIOR = Term(("prior_weight", "weights"), weight="prior_weight")
TEXTURE = Term(("texture_weight",), weight="texture_weight")


@dataclass(frozen=True, slots=True)
class Form:
    """One way to compare a pixel with the labelled pixels.

    Attributes
    ----------
    in_words : str
        What it does, as the end of a sentence about it.
    terms : tuple of Term
        What S_c is the sum of.
    """

    in_words: str
    terms: tuple[Term, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The parameters that it depends on."""
        return tuple(name for term in self.terms for name in term.reads)

    @property
    def units(self) -> int:
        """Units of work that it reports."""
        return sum(term.units for term in self.terms)

    @property
    def finest_reach(self) -> float | None:
        """Of its lattices the one with the most vertices, as in `Term.reaches`; None if it builds none."""
        return min((reach for term in self.terms for reach in term.reaches), default=None)

    @property
    def knows_parts(self) -> bool:
        """Whether it can compare a part of an image with strokes beyond: no term looks for them by their place."""
        return "heatmap_distance" not in self.reads

    @property
    def sweeps(self) -> bool:
        """Whether it sweeps the pixel grid for the shortest paths."""
        return any(term.sweeps for term in self.terms)


FORMS: Mapping[Similarity, Form] = MappingProxyType(
    {
        "combined": Form("suits most images", (TEXTURE, COLOUR, GEODESIC, PRIOR)),
        "joint": Form("looks for the nearest labelled pixel in colour and position", (JOINT,)),
        "kernel": Form("counts all near and alike ones", (KERNEL,)),
        "geodesic": Form("walks around colour edges", (GEODESIC,)),
        "colour": Form("ignores position", (COLOUR,)),
    }
)
"""The forms by name, the default first."""


def readers(name: str) -> tuple[Similarity, ...]:
    """Return the forms that depend on a parameter.

    Examples
    --------
    >>> readers("heatmap_distance")
    ('joint', 'kernel')
    """
    return tuple(similarity for similarity, form in FORMS.items() if name in form.reads)
