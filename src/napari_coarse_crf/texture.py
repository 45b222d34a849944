"""What a pixel's surroundings look like: features at four scales that a single colour does not show.

Membranes, vessels, cracks and woven or speckled surfaces are told from what lies beside them by edges, ridges and
roughness. With I' (`heatmap`), G its Gaussian mean over the pixels that take part, and M the mean of G over the
channels, the features of a pixel are

- I' of each channel;
- and for sigma in 1, 2, 4, 8 px of the finest axis: G of each channel (of up to four); sigma |grad M|; the Laplacian
  sigma^2 tr H, H the Hessian of M; sigma^2 |H - (tr H / D) 1|, how far H is from being the same in all directions; and
  the standard deviation of the channels' mean.

In 2-D the Laplacian and what is beyond it span the same as the two eigenvalues of H, and they need none in any
dimension. These are the features of pixel classifiers such as ilastik's. What a label's pixels have in common
is learnt from a sample of the labelled pixels (`compute.discriminant`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_coarse_crf.compute.compiling import compiled
from napari_coarse_crf.compute.discriminant import Discriminant
from napari_coarse_crf.compute.parallel import blocks, in_chunks
from napari_coarse_crf.compute.smoothing import smooth
from napari_coarse_crf.geodesic import PixelGrid

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import ThreadPoolExecutor

    from napari_coarse_crf.compute.arrays import FloatArray, IndexArray, MaskArray, PixelArray
    from napari_coarse_crf.problem import Problem

TextureArray = NDArray[np.int16]
"""(K, N) features of pixels, in steps of `TEXTURE_STEP`."""

TEXTURE_STEP = 0.125
"""Grey levels of I' that 1 stands for: 16 bits reach 4096 of them either way."""

MOST_LEARNT = 10_000
"""Pixels that are learnt from, shared evenly by the labels."""

_SCALES = (1.0, 2.0, 4.0, 8.0)  # px
_OF_MEAN = 4  # features of each scale beside the Gaussian means
_BESIDE = 2  # what is smoothed beside the channels: the square of their mean, and where there is something
_MOST_SMOOTHED = 4  # channels: with more, the features would outgrow the image, and their mean alone is smoothed
_BLOCK = 2**13
_MIDDLE = 127.5


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """What surrounds the pixels of a problem, and what that says of its labels.

    Attributes
    ----------
    features : (K, N) int16
        From `texture_features`.
    discriminant : Discriminant
        Learnt from its labelled pixels or, where it is a part of an image, from those of all of it.
    """

    features: TextureArray
    discriminant: Discriminant

    @classmethod
    def learn(cls, features: TextureArray, problem: Problem) -> Texture:
        """Learn from a sample of the labelled pixels."""
        sample = sample_labelled(problem, MOST_LEARNT)
        rows = rows_of(features, sample)
        return cls(features, Discriminant.learn(rows, problem.labels[sample], len(problem.label_ids)))

    def tell(self, pixels: PixelArray) -> tuple[FloatArray, FloatArray]:
        """Return the (n, L) probabilities of the labels at some pixels, and (n,) how typical these are, 0 to 1."""
        return self.discriminant.tell(rows_of(self.features, pixels))


def rows_of(features: TextureArray, pixels: PixelArray | slice) -> FloatArray:
    """Return the (n, K) features of some pixels, in grey levels."""
    rows: FloatArray = features[:, pixels].T * np.float32(TEXTURE_STEP)
    return rows


def sample_labelled(problem: Problem, most: int) -> PixelArray:
    """Return some of the labelled pixels: of each label as many as there are, up to an even share, evenly spread."""
    return evenly_by_label(problem.labels, len(problem.label_ids), most)


def evenly_by_label(labels: IndexArray, n_labels: int, most: int) -> PixelArray:
    """Return the places of some of the labels 0..L-1: of each as many as there are, up to an even share."""
    share = max(1, most // n_labels)
    known = np.flatnonzero(labels >= 0)
    order = known[np.argsort(labels[known], kind="stable")]
    ends = np.searchsorted(labels[order], np.arange(n_labels + 1))
    chosen = []
    for start, stop in pairwise(ends):
        places = np.linspace(start, stop - 1, min(share, stop - start)).astype(np.intp)
        chosen.append(order[places])
    return np.concatenate(chosen)


def n_textures(channels: int) -> int:
    """Return how many features there are.

    Examples
    --------
    >>> n_textures(1), n_textures(3)
    (21, 31)
    """
    return channels + len(_SCALES) * (_OF_MEAN + _n_kept(channels))


def n_planes(channels: int) -> int:
    """Return how many planes of float32 there are while features are made: what is smoothed, M and a spare one."""
    return _n_smoothed(channels) + _BESIDE + 2


class Surroundings:
    """What surrounds the pixels of a problem, whatever their labels.

    Parameters
    ----------
    problem : Problem
        Its labels are not read.
    gain : float
        What turns I into I'.
    """

    def __init__(self, problem: Problem, gain: float) -> None:
        self._problem = replace(problem, labels=problem.labels[:0].copy())
        self.gain = gain
        self._of_all: TextureArray | None = None
        self._was_asked = False

    def of_all(self, pool: ThreadPoolExecutor) -> Generator[int | None, None, TextureArray]:
        """Return the (K, N) features of all pixels, which are kept."""
        if self._of_all is None:
            self._of_all = yield from texture_features(pool, self._problem, self.gain)
        return self._of_all

    def rows(self, pool: ThreadPoolExecutor, pixels: PixelArray) -> Generator[int | None, None, FloatArray]:
        """Return the (n, K) features of some pixels, in grey levels.

        Who asks again will go on asking, as labels change: from then on those of all are kept.
        """
        if self._of_all is not None or self._was_asked:
            return rows_of((yield from self.of_all(pool)), pixels)
        self._was_asked = True
        of_some = yield from texture_features(pool, self._problem, self.gain, pixels)
        return rows_of(of_some, slice(None))


def texture_features(
    pool: ThreadPoolExecutor, problem: Problem, gain: float, pixels: PixelArray | None = None
) -> Generator[int | None, None, TextureArray]:
    """Return the features of the pixels that take part, or of some of them; `gain` turns I into I'."""
    grid, channels = PixelGrid(problem), len(problem.colours)
    asked = grid.cells if pixels is None else grid.cells[pixels]
    found = np.empty((n_textures(channels), len(asked)), np.int16)
    centre = np.float32(gain * _MIDDLE)  # so that squares stay small; it changes nothing else
    n_kept, n_smoothed = _n_kept(channels), _n_smoothed(channels)
    planes = np.zeros((n_smoothed + _BESIDE, grid.size), np.float32)  # channels or their mean, its square, weight
    spare, mean = np.empty(grid.size, np.float32), np.full(grid.size, np.nan, np.float32)
    steps, own_steps = blocks(len(grid.cells), _BLOCK), blocks(len(asked), _BLOCK)

    def keep_raw(start: int, stop: int) -> None:
        which = slice(start, stop) if pixels is None else pixels[start:stop]
        own = problem.colours[:, which] * np.float32(gain) - centre
        found[:channels, start:stop] = np.rint(own / np.float32(TEXTURE_STEP))

    placed = (problem.colours, np.float32(gain), centre, grid.cells)
    yield from in_chunks(pool, _place_kernel, [(*placed, start, stop, planes) for start, stop in steps])
    yield from in_chunks(pool, keep_raw, own_steps)
    spacing = np.array(grid.spacing, np.float32)
    outside = np.ones(grid.size, np.bool_)
    outside[grid.cells] = False
    (beyond,) = np.nonzero(outside)
    near = grid.cells if pixels is None else _with_neighbours(asked, grid, outside)
    row, before = channels, 0.0
    for scale in _SCALES:
        sigmas = np.sqrt(scale**2 - before**2) / spacing  # what is missing from the last scale to this one
        for plane in planes:
            yield from smooth(pool, plane, grid.shape, sigmas, spare)
            plane[beyond] = 0.0  # what was spread there must not come back with the next scale
        averaged = [(planes, near[start:stop], mean) for start, stop in blocks(len(near), _BLOCK)]
        yield from in_chunks(pool, _mean_kernel, averaged)
        own = found[row : row + n_kept + _OF_MEAN]
        for kernel, given in (
            (_means_kernel, (planes, mean)),
            (_shape_kernel, (grid.strides, spacing, np.float32(scale), mean)),
        ):
            tasks = [(*given, asked[start:stop], own, start) for start, stop in own_steps]
            yield from in_chunks(pool, kernel, tasks)
        row, before = row + len(own), scale
    return found


def _with_neighbours(cells: PixelArray, grid: PixelGrid, outside: MaskArray) -> PixelArray:
    """Return some cells and those of their neighbours that are not outside."""
    moves = np.concatenate([[0], grid.offsets, -grid.offsets]).astype(cells.dtype)
    found: PixelArray = np.unique(cells[:, np.newaxis] + moves)
    return found[~outside[found]]


def _n_kept(channels: int) -> int:
    """Return of how many channels the Gaussian means are features."""
    return channels if channels <= _MOST_SMOOTHED else 0


def _n_smoothed(channels: int) -> int:
    """Return how many planes of colours are smoothed: those channels, or their mean alone."""
    return _n_kept(channels) or 1


@compiled
def _place_kernel(colours, gain, centre, cells, start, stop, planes):  # type: ignore[no-untyped-def]
    """Set the planes at some pixels: the channels of I' or their mean, the square of this, and 1."""
    channels, n_smoothed = len(colours), len(planes) - 2
    for i in range(start, stop):
        cell = cells[i]
        total = np.float32(colours[0, i]) * gain - centre
        planes[0, cell] = total
        for channel in range(1, channels):
            own = np.float32(colours[channel, i]) * gain - centre
            total += own
            if channel < n_smoothed:
                planes[channel, cell] = own
        mean = total / np.float32(channels)
        if n_smoothed < channels:
            planes[0, cell] = mean
        planes[n_smoothed, cell] = mean * mean
        planes[n_smoothed + 1, cell] = np.float32(1.0)


@compiled
def _in_steps(value):  # type: ignore[no-untyped-def]
    return np.int16(min(max(np.rint(value / np.float32(TEXTURE_STEP)), np.float32(-32767.0)), np.float32(32767.0)))


@compiled
def _mean_kernel(planes, cells, mean):  # type: ignore[no-untyped-def]
    """Set the plane of M at some cells."""
    n_smoothed = len(planes) - 2
    for cell in cells:
        total = planes[0, cell]
        for channel in range(1, n_smoothed):
            total += planes[channel, cell]
        mean[cell] = total / (planes[n_smoothed + 1, cell] * np.float32(n_smoothed))


@compiled
def _means_kernel(planes, mean, cells, found, start):  # type: ignore[no-untyped-def]
    """Set the Gaussian means and the standard deviation from a pixel on."""
    n_smoothed, n_kept = len(planes) - 2, len(found) - 4
    for i in range(len(cells)):
        cell = cells[i]
        weight = planes[n_smoothed + 1, cell]
        for channel in range(n_kept):
            found[channel, start + i] = _in_steps(planes[channel, cell] / weight)
        square = planes[n_smoothed, cell] / weight - mean[cell] * mean[cell]
        found[n_kept + 3, start + i] = _in_steps(np.sqrt(max(square, np.float32(0.0))))


@compiled
def _shape_kernel(strides, spacing, scale, mean, cells, found, start):  # type: ignore[no-untyped-def]
    """Set gradient, Laplacian and what is beyond it. A neighbour that takes no part counts as if it were alike."""
    first, n_axes = len(found) - 4, len(strides)
    for i in range(len(cells)):
        cell = cells[i]
        own = mean[cell]
        slopes, trace, squares = np.float32(0.0), np.float32(0.0), np.float32(0.0)
        for a in range(n_axes):
            after, before = _or_own(mean[cell + strides[a]], own), _or_own(mean[cell - strides[a]], own)
            slope = (after - before) / (np.float32(2.0) * spacing[a])
            bend = (after + before - np.float32(2.0) * own) / (spacing[a] * spacing[a])
            slopes += slope * slope
            trace += bend
            squares += bend * bend
            for b in range(a):
                along, across = strides[a] + strides[b], strides[a] - strides[b]
                twist = _or_own(mean[cell + along], own) + _or_own(mean[cell - along], own)
                twist -= _or_own(mean[cell + across], own) + _or_own(mean[cell - across], own)
                twist /= np.float32(4.0) * spacing[a] * spacing[b]
                squares += np.float32(2.0) * twist * twist
        beyond = max(squares - trace * trace / np.float32(n_axes), np.float32(0.0))
        found[first, start + i] = _in_steps(scale * np.sqrt(slopes))
        found[first + 1, start + i] = _in_steps(scale * scale * trace)
        found[first + 2, start + i] = _in_steps(scale * scale * np.sqrt(beyond))


@compiled
def _or_own(value, own):  # type: ignore[no-untyped-def]
    return own if np.isnan(value) else value
