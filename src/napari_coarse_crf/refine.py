"""The front door: image and labels in, refined labels out."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from napari_coarse_crf.errors import CoarseCRFWarning, ParameterError
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.parameters import Parameters, read_parameters
from napari_coarse_crf.refiner import EngineName, Refiner
from napari_coarse_crf.tiles.choice import InTiles, choose, is_empty, is_lazy, read_limit
from napari_coarse_crf.tiles.tiled import refine_tiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_coarse_crf.compute.arrays import LabelArray


def refine_labels(
    image: Any,
    labels: Any,
    parameters: Parameters | str | None = None,
    *,
    mask: Any = None,
    channel_axis: int = -1,
    spacing: Sequence[float] | None = None,
    contrast_limits: Any = None,
    examples: Sequence[tuple[Any, Any]] = (),
    engine: EngineName = "lattice",
    workers: int | None = None,
    tile: int | Sequence[int] | None = None,
    memory_limit: int | str | None = None,
) -> LabelArray:
    """Label the unlabelled pixels of a coarse label map so that the result follows the image.

    Parameters
    ----------
    image : array ([Z,] Y, X[, C]), or sequence of arrays ([Z,] Y, X)
        The shape of `labels`, or one axis more for channels, or an array of that shape for each channel. Any real
        dtype: uint8 is used as it is, everything else is scaled to 0..255 by `contrast_limits`. Pixels of NaN take no
        part. Drop an alpha channel first (and pass alpha > 0 as `mask`).
    labels : array of int ([Z,] Y, X)
        Any ids; 0 = unlabelled. At least two ids must occur.
    parameters : Parameters or str, optional
        By default the preset "auto": the labels choose the weights, of all of the image for all of its tiles, and
        specks go. Others are taken at their word; a name is that of a preset.
    mask : array of bool, optional
        True where pixels take part. Elsewhere the result equals `labels`, and nothing there influences the rest.
    channel_axis : int
        Axis of the channels, where the image is one array with one axis more than the labels.
    spacing : sequence of float, optional
        Size of a pixel along each axis. Twice the size halves the reach of the kernels in pixels there.
    contrast_limits : (low, high), or one such pair for each channel, optional
        What becomes 0 and 255; by default the 0.1 and 99.9 percentiles over all channels, or of each where one is 20
        times as bright as another.
    examples : sequence of (image, labels), optional
        Other images with strokes, whose colours stand in where this one has none at all; read as `image` is.
    engine : {"lattice", "pydensecrf"}
        "pydensecrf" is the reference (an optional install).
    workers : int, optional
        Threads; by default as many as the process may use, for arrays of dask one for each task. The result has the
        same bits for any number.
    tile : int or sequence of int, optional
        Refine in tiles this long, in pixels, along all axes or each.
    memory_limit : int or str, optional
        How many bytes a run may take, such as "4GB"; by default half of what is free. What would take more is refined
        in tiles, which differs a little: see docs/method.md.

    Returns
    -------
    ndarray
        Shape and dtype of `labels`, whose labelled pixels are unchanged. Where image, labels or mask are arrays of
        dask, one of dask, too, in the chunks of `labels`: what is wrong with values is then said when it is computed.

    Raises
    ------
    InputError
        If the image, the labels or what comes with them cannot be used.
    ParameterError
        If there is no such engine, `workers` is below 1, `memory_limit` is no size, or something is asked for that
        cannot be had in tiles.

    Warns
    -----
    CoarseCRFWarning
        If a label took none of the unlabelled pixels, colours came from examples, nothing was left to label, pixels are
        NaN, many have one value far from all others, or the image was refined in tiles for want of memory.

    Notes
    -----
    A label heatmap from the coarse labels is the unary potential of a fully connected CRF [1]_, which mean field
    minimises; labelled pixels stay as they are. See `napari_coarse_crf.heatmap` and `napari_coarse_crf.crf`.

    References
    ----------
    .. [1] Krähenbühl, Koltun: Efficient inference in fully connected CRFs with Gaussian edge potentials. NIPS 2011.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((20, 30), np.uint8)
    >>> image[:, 15:] = 200
    >>> labels = np.zeros((20, 30), np.uint8)
    >>> labels[10, 3], labels[10, 26] = 3, 7
    >>> refined = refine_labels(image, labels)
    >>> np.unique(refined[:, :15]), np.unique(refined[:, 15:])
    (array([3], dtype=uint8), array([7], dtype=uint8))
    """
    chosen = read_parameters(parameters)
    picture, limit = Picture(image, mask, channel_axis, spacing, contrast_limits), read_limit(memory_limit)
    if is_lazy(image, labels, mask) or tile is not None:
        _check_alone(examples, engine)
    if is_lazy(image, labels, mask):
        from napari_coarse_crf.tiles.lazy import refine_lazily  # loads dask

        lazy: Any = refine_lazily(picture, labels, chosen, tile=tile, workers=1 if workers is None else workers).labels
        return cast("LabelArray", lazy)  # to whoever slices it, it is one
    way: Refiner | InTiles = InTiles(tile, ())
    if tile is None:
        way = choose(picture, labels, chosen, limit, examples=examples, engine=engine, workers=workers)
    refined: LabelArray
    if isinstance(way, Refiner):
        refinement = way.run(chosen)
        refined, said = refinement.labels, refinement.warnings
    else:
        refined, said = refine_tiles(picture, labels, chosen, tile=way.tile, workers=workers)
        said = (*way.why, *said)
    for sentence in said:
        warnings.warn(sentence, CoarseCRFWarning, stacklevel=2)
    return refined


def _check_alone(examples: Sequence[tuple[Any, Any]], engine: str) -> None:
    """Raise if something is asked for that can be had all at once alone."""
    if not is_empty(examples):
        raise ParameterError("Colours cannot be borrowed from examples in tiles; pass no examples, or numpy arrays.")
    if engine != "lattice":
        raise ParameterError(f"The engine {engine!r} cannot refine in tiles; pass engine='lattice', or no tile.")


def warm_up() -> None:
    """Compile the engine, or load it from numba's cache, so that the next refinement need not wait for it.

    Takes 10 to 20 seconds the first time on a machine, about one afterwards; without it, the first refinement takes
    that long more. May run in any thread.

    Examples
    --------
    >>> warm_up()
    """
    image = np.random.default_rng(0).integers(0, 256, (64, 96), np.uint8)  # noise: so many vertices that tables grow
    labels = np.zeros(image.shape, np.uint8)
    labels[0] = labels[-1] = 1
    labels[32, ::24] = range(2, 6)  # four objects
    parameters = Parameters(weights="auto", iterations=1, smallest_part=9, fill_holes=9)
    Refiner(image, labels, workers=1).run(parameters)
