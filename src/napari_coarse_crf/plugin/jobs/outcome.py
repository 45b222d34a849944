"""What a job gives, and what later quick looks begin from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_coarse_crf.tiles.reduced import Earlier

if TYPE_CHECKING:
    from napari_coarse_crf import Refinement
    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.plugin.layers.key import Key, Read
    from napari_coarse_crf.tiles.parts import Part


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """What a quick look at one part found at reduced size.

    Attributes
    ----------
    part, key
        What was looked at, and what it held.
    labels : array of int
        Of every `step`-th pixel.
    step : int
        By how much it was reduced.
    """

    part: Part
    key: Key
    labels: LabelArray
    step: int


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Outcome:
    """What a job returns: the refinement, how long it took, and what a person should know about it.

    Attributes
    ----------
    read : Read
        What was read; empty where nobody asked.
    glance : Glance or None
        Of a quick look at one part.
    """

    refinement: Refinement
    seconds: float
    warnings: tuple[str, ...]
    read: Read
    glance: Glance | None = None

    @property
    def time_in_words(self) -> str:
        """How long it took."""
        return f"{self.seconds:.1f} s" if self.seconds >= 0.1 else f"{1e3 * self.seconds:.0f} ms"


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """One part in memory."""

    part: Part
    picture: Picture
    labels: LabelArray
    key: Key


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """A full result and what the quick look at the same input found: what the next looks begin from.

    Attributes
    ----------
    glance : Glance
        Of the look.
    result : Earlier
        What both found.
    """

    glance: Glance
    result: Earlier

    @classmethod
    def of(cls, glance: Glance | None, full: Outcome) -> Before | None:
        """Return the two as one; None where they are not of the same input."""
        if glance is None or (glance.part, glance.key) not in full.read:
            return None
        return cls(glance, Earlier(full.refinement.labels[glance.part], glance.labels, glance.step))

    def copied(self) -> Before:
        """Return the same with labels that nobody paints on."""
        return replace(self, result=replace(self.result, labels=self.result.labels.copy()))

    def found(self, loaded: Loaded) -> Earlier | None:
        """Return what was found, if what is looked at now is the same place of the same picture."""
        is_same = self.glance.part == loaded.part and self.glance.key.picture == loaded.key.picture
        return self.result if is_same else None
