"""The label heatmap, eq. (1): how probable each label is at each unlabelled pixel, before the CRF.

A softmax over the labels that occur, of what `logits` sums up for each of them, as the form says that was chosen
(`similarity`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.logits import ADD, Logits, colour_stays
from napari_coarse_crf.similarity import FORMS, TEXTURE

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import ThreadPoolExecutor

    from napari_coarse_crf.compute.arrays import UnaryArray
    from napari_coarse_crf.elsewhere import Elsewhere
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.problem import Problem
    from napari_coarse_crf.texture import Texture


def heatmap_key(parameters: Parameters) -> tuple[object, ...]:
    """Return what the heatmap depends on: two parameters with the same key have the same heatmap."""
    return (parameters.similarity, *(getattr(parameters, name) for name in FORMS[parameters.similarity].reads))


def reads_texture(parameters: Parameters) -> bool:
    """Whether the heatmap depends on what surrounds a pixel."""
    return parameters.texture_weight > 0 and TEXTURE in FORMS[parameters.similarity].terms


def n_voices(parameters: Parameters) -> int:
    """Return how many terms speak of the same strokes, each for itself: texture takes the place of colour.

    Examples
    --------
    >>> from napari_coarse_crf import Parameters
    >>> n_voices(Parameters()), n_voices(Parameters(geodesic_exponent=0, prior_weight=0))
    (3, 1)
    """
    weights = [term.weight for term in FORMS[parameters.similarity].terms if term is not TEXTURE]
    silent = [weight for weight in weights if weight and getattr(parameters, weight) == 0]
    return max(1, len(weights) - len(silent))


def compute_unary(
    pool: ThreadPoolExecutor,
    problem: Problem,
    parameters: Parameters,
    elsewhere: Elsewhere | None = None,
    texture: Texture | None = None,
) -> Generator[int | None, None, UnaryArray]:
    """Return -log of the heatmap at the F unlabelled pixels, the unary potential of eq. (3).

    Parameters
    ----------
    pool : ThreadPoolExecutor
        Where the work is done.
    problem, parameters : Problem, Parameters
        What is to be refined, and how.
    elsewhere : Elsewhere, optional
        The rest of the image, where the problem is a part of one. For forms that `knows_parts`.
    texture : Texture, optional
        Of the problem, where the parameters ask for it (`reads_texture`).

    Returns
    -------
    (F, P) uint16
        In steps of `UNARY_STEP`; P is the number of labels padded to whole vectors.

    Yields
    ------
    int or None
        An int after each unit of work, None where a caller may stop in between.
    """
    heatmap = Logits(pool, problem, parameters, elsewhere, texture)
    for term in FORMS[parameters.similarity].terms:
        yield from ADD[term](heatmap)
    return (yield from heatmap.to_unary())


class HeatmapTerms:
    """The terms of "combined" for one problem, found once to be weighed again and again.

    Parameters
    ----------
    pool, problem, parameters, texture
        As for `compute_unary`; weights among the parameters do not matter.
    other : HeatmapTerms, optional
        Of the same, but for the cost of edges: all but the paths is taken from there.
    """

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        problem: Problem,
        parameters: Parameters,
        texture: Texture | None = None,
        other: HeatmapTerms | None = None,
    ) -> None:
        alone = parameters.replace(geodesic_exponent=1.0, texture_weight=1.0)
        self._heatmap = Logits(pool, problem, alone, None, texture)
        self._has_texture = texture is not None
        self._other = other
        self._path, self._colour, self._texture, self._typical = (np.zeros(0, np.float32),) * 4

    def find(self) -> Generator[int | None, None, None]:
        """Find the terms."""
        heatmap = self._heatmap
        yield from heatmap.add_geodesic()
        self._path = heatmap.take()
        if (other := self._other) is not None:
            self._colour = other._colour
            if self._has_texture:
                self._texture, self._typical = other._texture, other._typical
            return
        yield from heatmap.add_colour()
        self._colour = heatmap.take()
        if self._has_texture:
            yield from heatmap.add_texture()
            self._texture, self._typical = heatmap.take(), heatmap.typical

    def unary(self, parameters: Parameters) -> Generator[int | None, None, UnaryArray]:
        """Return what `compute_unary` does for "combined" with the weights of these parameters."""
        heatmap, weight = self._heatmap, np.float32(parameters.texture_weight)
        heatmap.parameters = parameters

        def weigh(start: int, stop: int) -> None:
            logits = heatmap.logits[start:stop]
            logits[:] = self._colour[start:stop]
            if weight > 0 and self._has_texture:
                logits *= colour_stays(weight, self._typical[start:stop])
                logits += weight * self._texture[start:stop]
            logits += np.float32(parameters.geodesic_exponent) * self._path[start:stop]

        yield from heatmap.on_blocks(weigh)
        yield from heatmap.add_prior()
        return (yield from heatmap.to_unary())
