"""The weights that labels choose, by name and in words."""

from __future__ import annotations

from collections import Counter
from typing import Final, Protocol

from napari_coarse_crf.judging.look import CANDIDATES
from napari_coarse_crf.parameters import Parameters

LEFT_TO_LABELS: Final = tuple(
    name
    for name in Parameters.describe()
    if name == "texture_weight" or any(name in changes for changes in CANDIDATES.values())
)
"""The parameters that labels choose where `weights` is "auto"."""


class Made(Protocol):
    """What says how it was made, as a `Refinement` does."""

    @property
    def parameters(self) -> Parameters:
        """Those that were chosen, where the labels chose the weights."""

    @property
    def reason(self) -> str:
        """Why these weights, in one sentence; "" where they were fixed."""


def weights_in_words(parameters: Parameters) -> str:
    """Return what labels may choose, with its values.

    Examples
    --------
    >>> weights_in_words(Parameters(texture_weight=0.25))
    'edge cost 2, path weight 4, size of labels 0.8, texture 0.25, weight of the appearance kernel 2'
    """
    return ", ".join(f"{name} {value:g}" for name, value in _named(parameters).items())


def choice_in_words(made: Made) -> str:
    """Return one sentence on what the labels chose and why, "" where the weights were fixed."""
    if not made.reason:
        return ""
    return f"Weights: {weights_in_words(made.parameters)}. {made.reason}"


def choice_in_short(made: Made, before: Parameters) -> str:
    """Return what of the weights the labels changed, "" where these were fixed."""
    if not made.reason:
        return ""
    old = _named(before)
    changed = [f"{name} {value:g}" for name, value in _named(made.parameters).items() if value != old[name]]
    return f"Your labels chose {', '.join(changed)}." if changed else "Your labels keep the usual weights."


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
