"""What is compared, as one value that does not change: another choice is another value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Labels

_NOTHING = "Press Run first or tick Live, or choose a coarse and a refined layer here."


@dataclass(frozen=True, slots=True)
class Compared:
    """The layers that were chosen to be compared.

    Attributes
    ----------
    coarse, refined : Labels or None
        What was refined, and the result; neither is None where there is no `problem`.
    others : tuple of Labels
        Other refinements.
    truth : Labels or None
        The labels known to be right, if any.
    problem : str
        One sentence on what keeps the layers from being compared, or "".
    """

    coarse: Labels | None = None
    refined: Labels | None = None
    others: tuple[Labels, ...] = ()
    truth: Labels | None = None
    problem: str = _NOTHING

    @classmethod
    def choose(
        cls, coarse: Labels | None, refined: Labels | None, others: Sequence[Labels] = (), truth: Labels | None = None
    ) -> Compared:
        """Return these layers, with the problem that they have now."""
        return cls(coarse, refined, tuple(others), truth, _find_problem(coarse, refined, (*others, truth)))

    @property
    def layers(self) -> list[Labels]:
        """All of them, each once, in the order of flipping."""
        chosen = (self.coarse, self.refined, *self.others, self.truth)
        return list(dict.fromkeys(layer for layer in chosen if layer is not None))


def _find_problem(coarse: Labels | None, refined: Labels | None, more: Sequence[Labels | None]) -> str:
    if coarse is None or refined is None:
        return _NOTHING
    if coarse is refined:
        return "Coarse and refined are the same layer. Choose two different ones."
    for layer in (coarse, refined, *more):
        if layer is None:
            continue
        if layer.multiscale:
            return f"'{layer.name}' has several resolutions and cannot be compared. Choose another layer."
        if tuple(layer.data.shape) != tuple(refined.data.shape):
            return f"'{layer.name}' and '{refined.name}' differ in size. Choose layers of one image."
    return ""
