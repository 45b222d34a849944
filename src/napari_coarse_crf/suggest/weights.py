"""The weights that labels choose, by name and in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from napari_coarse_crf.judging.look import CANDIDATES
from napari_coarse_crf.parameters import Parameters

if TYPE_CHECKING:
    from napari_coarse_crf.refiner import Refinement

LEFT_TO_LABELS: Final = tuple(
    name
    for name in Parameters.describe()
    if name == "texture_weight" or any(name in changes for changes in CANDIDATES.values())
)
"""The parameters that labels choose where `weights` is "auto"."""


def weights_in_words(parameters: Parameters) -> str:
    """Return what labels may choose, with its values.

    Examples
    --------
    >>> weights_in_words(Parameters(texture_weight=0.25))
    'path weight 4, size of labels 0.8, texture 0.25, weight of the appearance kernel 4'
    """
    return ", ".join(f"{name} {value:g}" for name, value in _named(parameters).items())


def changes_in_words(parameters: Parameters, before: Parameters) -> str:
    """Return what of it differs from before, "" if nothing does.

    Examples
    --------
    >>> changes_in_words(Parameters(texture_weight=0.25), Parameters())
    'texture 0.25'
    """
    old = _named(before)
    return ", ".join(f"{name} {value:g}" for name, value in _named(parameters).items() if value != old[name])


def choice_in_words(refinement: Refinement) -> str:
    """Return one sentence on what the labels chose and why, "" where the weights were fixed."""
    if not refinement.reason:
        return ""
    return f"Weights that the labels chose: {weights_in_words(refinement.parameters)}. {refinement.reason}"


def _named(parameters: Parameters) -> dict[str, float]:
    """Return the values by what they are called among people; two kernels have a weight."""
    described = Parameters.describe()
    counts = Counter(one.label for one in described.values())
    named = {}
    for name in LEFT_TO_LABELS:
        one = described[name]
        label = one.label.lower() if counts[one.label] == 1 else f"{one.label.lower()} of the {one.section}"
        named[label] = getattr(parameters, name)
    return named
