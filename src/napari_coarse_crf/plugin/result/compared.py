"""What is compared, as one value that does not change: another choice is another value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_coarse_crf.plugin.layers.classes import class_names_of
from napari_coarse_crf.plugin.layers.grid import finest
from napari_coarse_crf.plugin.layers.match import labels_at
from napari_coarse_crf.plugin.layers.provenance import BOX, provenance
from napari_coarse_crf.plugin.layers.store import store_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Labels

_NOTHING = "Press Run first or tick Live, or choose a coarse and a refined layer here."
_NO_COARSE = "Choose coarse labels to compare with, or save the refined ones as they are."


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
    def has_result(self) -> bool:
        """Whether there is a result to save: one of shapes or points has no coarse labels to be compared with."""
        return not self.problem or (self.coarse is None and self.refined is not None)

    @property
    def layers(self) -> list[Labels]:
        """All of them, each once, in the order of flipping."""
        chosen = (self.coarse, self.refined, *self.others, self.truth)
        return list(dict.fromkeys(layer for layer in chosen if layer is not None))

    @property
    def class_names(self) -> dict[int, str]:
        """What the ids stand for, where coarse or refined layer say it."""
        layers = (self.coarse, self.refined)
        named = [class_names_of(layer) for layer in layers if layer is not None]
        return {label_id: name for names in named for label_id, name in names.items()}


def labels_on(layer: Labels, refined: Labels) -> Any:
    """Return what a layer holds at the pixels of a refined one; None if they cannot be compared.

    If the refined one was made from labels of another size or place, these are read again as the run read them.
    """
    about = provenance(refined)
    if not {"read_at", "labels_plane", BOX} & set(about):
        return finest(layer) if tuple(finest(layer).shape) == tuple(finest(refined).shape) else None
    plane, axis = about.get("labels_plane"), about.get("channel_axis")
    known = isinstance(plane, int) and isinstance(axis, int)
    return labels_at(layer, refined, *((plane, axis) if known else ()))


def _find_problem(coarse: Labels | None, refined: Labels | None, more: Sequence[Labels | None]) -> str:
    if refined is None:
        return _NOTHING
    if coarse is None:
        return _NO_COARSE
    if coarse is refined:
        return "Coarse and refined are the same layer. Choose two different ones."
    for layer in (coarse, refined, *more):
        if layer is None:
            continue
        if layer.multiscale and store_of(layer) is None:
            return f"'{layer.name}' has several resolutions and cannot be compared. Choose another layer."
        if labels_on(layer, refined) is None:
            return f"'{layer.name}' and '{refined.name}' differ in size. Choose layers of one image."
    return ""
