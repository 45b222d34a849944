"""Values of an image to grey levels of 0..255, in which colour tolerances and thetas are meant.

Bytes are grey levels already. Everything else is scaled by its contrast limits: those that were given, or percentiles
over all channels, so that colours stay what they are; or percentiles of each channel, for channels that say different
things or differ much in range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.compute.arrays import real_numbers
from napari_coarse_crf.errors import InputError, in_short

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_coarse_crf.compute.arrays import FeatureArray

_PERCENTILES = (0.1, 99.9)
_MANY = 0.01  # of the pixels: so many with one value far from all others are no accident
_VARIED = 16  # values: an image that has fewer is a drawing, in which every value is far from the others
_DIMMER = 20.0
"""How many times as bright the brightest channel must be as the dimmest for each to have limits of its own: then they
are no colours, and the dim one would say nothing."""
_BLOCK = 2**15
_MOST_NAMED = 5


def scale_colours(values: NDArray[Any], contrast_limits: Any, by_channel: bool, out: FeatureArray) -> tuple[str, ...]:
    """Write (N, C) values to (C, N) grey levels of 0..255, and return what a person should know about it.

    Parameters
    ----------
    values : (N, C) array of real numbers
        uint8 is used as it is, everything else scaled.
    contrast_limits : (low, high), or one such pair for each channel, or None
        What becomes 0 and 255; None: percentiles.
    by_channel : bool
        Whether percentiles are those of each channel, even if the channels are alike in range.
    out : (C, N) float32 or uint16
        Written to.

    Raises
    ------
    InputError
        If values are infinite, or the contrast limits cannot be used.
    """
    if values.dtype == np.uint8:
        if contrast_limits is not None:  # not needed, but what cannot be used is refused
            _read_contrast_limits(contrast_limits, values.shape[-1])
        out[:] = values.T
        return ()
    if values.dtype.itemsize > 8:  # long double: what float64 cannot hold becomes infinite, and is refused
        with np.errstate(over="ignore"):
            values = values.astype(np.float64)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        count = int(np.count_nonzero(~np.isfinite(values)))
        raise InputError(
            f"The image holds {count} value{'s' * (count > 1)} that are infinite; replace them (np.nan_to_num), or "
            "leave those pixels out with mask."
        )
    if contrast_limits is None:
        limits, notes = _find_limits(values, by_channel)
        notes += _say_lone_extreme(values)
    else:
        limits, notes = _read_contrast_limits(contrast_limits, values.shape[-1]), ()
    for channel, (low, high) in enumerate(limits):
        # Halves, as the difference of two huge numbers may overflow; that of two tiny ones may be nothing.
        halves, span = np.clip(values[:, channel].astype(np.float64), low, high) / 2 - low / 2, high / 2 - low / 2
        out[channel] = halves / span * 255.0 if span > 0 else 0.0
    return notes


def find_contrast_limits(values: NDArray[Any], by_channel: bool) -> NDArray[np.float64]:
    """Return (C, 2) contrast limits for (N, C) values, for what is to be scaled alike."""
    return _find_limits(values, by_channel)[0]


def _find_limits(values: NDArray[Any], by_channel: bool) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return (C, 2) limits, the same for all channels or those of each, and a sentence where that was not asked for."""
    channels = values.shape[-1]
    halves = values.astype(np.float64, copy=False) / 2  # see scale_colours
    of_each: NDArray[np.float64] = (
        2 * np.percentile(halves, _PERCENTILES, axis=0).T if channels > 1 else np.empty((0, 2))
    )
    if by_channel and channels > 1:
        return of_each, ()
    of_all = 2 * np.percentile(halves, _PERCENTILES)
    brightness = of_each[:, 1] / 2 - of_all[0] / 2
    bright = brightness[brightness > 0]  # a channel without any signal is none to bring out
    if len(bright) < 2 or bright.max() / _DIMMER < bright.min():
        return np.broadcast_to(of_all, (channels, 2)), ()
    ranges = ", ".join(f"{low:g} to {high:g}" for low, high in of_each[:_MOST_NAMED])
    more = ", ..." if channels > _MOST_NAMED else ""
    sentence = (
        f"The channels differ much in brightness, so each is scaled by its own range ({ranges}{more}). Give contrast "
        "limits to scale all alike."
    )
    return of_each, (sentence,)


def _read_contrast_limits(contrast_limits: Any, channels: int) -> NDArray[np.float64]:
    """Return (C, 2) limits: one pair for all channels, or a pair for each.

    Raises
    ------
    InputError
        If they are neither.
    """
    limits = real_numbers(contrast_limits)
    fitting = limits.shape in {(2,), (channels, 2)} and np.isfinite(limits).all()
    if not fitting or (limits[..., 0] >= limits[..., 1]).any():
        raise InputError(
            f"contrast_limits is {in_short(contrast_limits)}; pass (low, high) with low < high, or one such "
            f"pair for each of the {channels} channel{'s' * (channels > 1)}."
        )
    return np.broadcast_to(limits, (channels, 2))


def _say_lone_extreme(values: NDArray[Any]) -> tuple[str, ...]:
    """Name the lowest or highest of (N, C) values if many pixels have it and all others are far away.

    It makes all others alike when they are scaled, and mostly stands for no data. Bytes are not scaled.
    """
    if values.dtype.itemsize == 1:
        return ()
    for channel in values.T:
        for extreme in (channel.min(), channel.max()):
            is_extreme = channel == extreme
            share = np.count_nonzero(is_extreme) / len(channel)
            if not _MANY < share < 1:
                continue
            others = channel[~is_extreme]
            low, high = float(others.min()), float(others.max())
            gap = max(low - float(extreme), float(extreme) - high)
            if gap > high - low and len(np.unique(others[:_BLOCK])) >= _VARIED:
                sentence = (
                    f"The value {float(extreme):g} stands on {share:.0%} of the pixels, far from all others ({low:g} "
                    f"to {high:g}): if it means no data, leave these pixels out with a mask, or make them NaN."
                )
                return (sentence,)
    return ()
