"""What goes in: every image and label type that is accepted, and every error, each by its own sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest

from napari_coarse_crf import (
    InputError,
    ParameterError,
    Parameters,
    Refinement,
    Refiner,
    refine_labels,
)
from napari_coarse_crf.inputs import Picture, fitting_channel_axes
from napari_coarse_crf.problem import read_problem
from tests.helpers import problem_of, with_probability

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]

QUICK = Parameters(iterations=2, theta_alpha=30)


def _image(shape: tuple[int, ...] = (18, 29)) -> Array:
    """Return noise around a step, with more than 0.1 % of 0 and of 255, so that its percentiles are 0 and 255."""
    rng = np.random.default_rng(1)
    image = rng.integers(60, 120, shape) + 70 * (np.indices(shape)[1] > shape[1] // 2)
    image[0, :6] = 0
    image[-1, :6] = 255
    return image.astype(np.uint8)


def _labels(shape: tuple[int, ...] = (18, 29)) -> Array:
    labels = np.zeros(shape, np.int32)
    labels[8:10, 3:6], labels[4:6, 22:25], labels[12, 20:25] = 3, 7, 70000
    return labels


def _same(a: Refinement, b: Refinement) -> bool:
    return np.array_equal(a.labels, b.labels) and a.confidence.tobytes() == b.confidence.tobytes()


# --- Images ----------------------------------------------------------------------------------------------------------

AS_OTHER_TYPES: dict[str, Callable[[Array], Array]] = {
    "int8": lambda u8: (u8.astype(np.int16) - 128).astype(np.int8),
    "uint16": lambda u8: u8.astype(np.uint16) * 257,
    "big-endian uint16": lambda u8: (u8.astype(np.uint16) * 257).astype(">u2"),
    "int32": lambda u8: u8.astype(np.int32) * 1000 - 70_000,
    "uint64": lambda u8: u8.astype(np.uint64) * np.uint64(2**40),
    "float16": lambda u8: u8.astype(np.float16),
    "float32 from 0 to 1": lambda u8: u8.astype(np.float32) / np.float32(256),
    "big-endian float64": lambda u8: (u8 * 0.5 - 3).astype(">f8"),
    "huge floats": lambda u8: (u8.astype(np.float64) - 127.5) * 1.3e306,
    "long double": lambda u8: u8.astype(np.longdouble) * 3,
    "tiny floats": lambda u8: u8.astype(np.float64) * 5e-320,
}


@pytest.mark.parametrize("convert", AS_OTHER_TYPES.values(), ids=AS_OTHER_TYPES)
def test_an_image_of_another_type_is_scaled_by_its_percentiles(convert: Callable[[Array], Array]) -> None:
    image = _image()
    scaled = problem_of(convert(image), _labels()).colours
    np.testing.assert_allclose(scaled, problem_of(image, _labels()).colours, atol=1e-4)  # float32 of 0..255


def test_percentiles_are_those_of_all_channels_or_of_each() -> None:
    image = np.stack([_image().astype(np.uint16), _image().astype(np.uint16) * 5], axis=-1)
    for by_channel, brightest in ((False, [51, 255]), (True, [255, 255])):
        colours = read_problem(Picture(image, by_channel=by_channel), _labels()).colours
        np.testing.assert_allclose(colours.max(axis=1), brightest)


def test_uint8_is_taken_as_it_is() -> None:
    # Percentiles would stretch these.
    narrow = 100 + _image() // 16
    assert set(np.unique(problem_of(narrow, _labels()).colours)) == set(np.unique(narrow))


def test_a_boolean_image_is_black_and_white() -> None:
    image = _image() > 150
    runs = [Refiner(some, _labels()).run(QUICK) for some in (image, image.astype(np.uint8) * 255)]
    assert _same(*runs)


def test_explicit_limits_are_manual_scaling() -> None:
    image = _image().astype(np.uint16) * 100
    manual = ((image.clip(5000, 20_000) - 5000.0) / 15_000 * 255).astype(np.float32)
    given_limits = problem_of(image, _labels(), contrast_limits=(5000, 20_000))
    scaled = np.empty(image.size)
    scaled[given_limits.pixels] = given_limits.colours[0]
    np.testing.assert_allclose(scaled.reshape(image.shape), manual, atol=1e-4)  # beyond the limits: clipped
    runs = [Refiner(image, _labels(), contrast_limits=(0, 65535)).run(QUICK), Refiner(image, _labels()).run(QUICK)]
    assert not _same(*runs)


def test_limits_of_the_full_range_make_uint16_the_same_as_uint8() -> None:
    image = _image()
    wide = Refiner(image.astype(np.uint16) * 257, _labels(), contrast_limits=(0, 65535)).run(QUICK)
    assert _same(wide, Refiner(image, _labels()).run(QUICK))


def test_each_channel_may_have_limits_of_its_own() -> None:
    image = np.stack([_image() * 1.0, _image() * 10.0 + 4], axis=-1)
    equal = Refiner(image, _labels(), contrast_limits=[(0, 255), (4, 2554)]).run(QUICK)
    assert _same(equal, Refiner(np.stack([_image()] * 2, axis=-1), _labels()).run(QUICK))


def test_without_limits_all_channels_share_them() -> None:
    # So a dark channel stays dark, as in a colour image.
    image = np.stack([_image() * 1.0, _image() * 0.1], axis=-1)
    bright, dark = problem_of(image, _labels()).colours
    assert bright.max() == 255.0
    assert dark.max() < 30


def test_a_constant_image_is_no_error() -> None:
    for image in (np.full((18, 29), 3.5), np.zeros((18, 29), bool), np.full((18, 29), 9, np.uint8)):
        assert (refine_labels(image, _labels(), QUICK) != 0).all()


def test_channels_may_stand_on_any_axis() -> None:
    image = np.stack([_image(), 255 - _image(), _image() // 2], axis=-1)
    last = Refiner(image, _labels()).run(QUICK)
    assert _same(last, Refiner(np.moveaxis(image, -1, 0), _labels(), channel_axis=0).run(QUICK))
    assert _same(last, Refiner(np.moveaxis(image, -1, 1), _labels(), channel_axis=-2).run(QUICK))


@pytest.mark.parametrize("channel_axis", [-1, 0, 1])
def test_channels_may_be_arrays_of_their_own(channel_axis: int) -> None:
    channels = [_image(), 255 - _image(), _image() // 2]
    together = Refiner(np.stack(channels, axis=-1), _labels()).run(QUICK)
    for given_as in (list, tuple):
        refiner = Refiner(given_as(channels), _labels(), channel_axis=channel_axis)
        assert _same(together, refiner.run(QUICK))


def test_channels_of_a_volume_may_be_arrays_of_their_own() -> None:
    labels = np.stack([_labels()] * 4)
    channels = [np.stack([_image()] * 4), np.stack([255 - _image()] * 4)]
    together = Refiner(np.stack(channels, axis=-1), labels, spacing=(3, 1, 1)).run(QUICK)
    assert _same(together, Refiner(channels, labels, spacing=(3, 1, 1)).run(QUICK))


def test_channels_of_unlike_types_are_read_as_the_widest() -> None:
    channels = [_image(), _image().astype(np.uint16) * 100, np.where(_image() == 255, np.nan, 3.5)]
    together = Refiner(np.stack(channels, axis=-1), _labels()).run(QUICK)
    assert _same(together, Refiner(channels, _labels()).run(QUICK))


def test_planes_in_a_list_are_a_volume_and_one_array_is_one_channel() -> None:
    labels, planes = np.stack([_labels()] * 4), [_image()] * 4
    assert _same(Refiner(np.stack(planes), labels).run(QUICK), Refiner(planes, list(labels)).run(QUICK))
    coloured = [np.stack([plane] * 3, axis=-1) for plane in planes]
    assert _same(Refiner(np.stack(coloured), labels).run(QUICK), Refiner(coloured, labels).run(QUICK))
    assert _same(Refiner(_image(), _labels()).run(QUICK), Refiner([_image()], _labels()).run(QUICK))


def test_one_channel_on_an_axis_is_a_grey_image() -> None:
    assert _same(Refiner(_image()[..., None], _labels()).run(QUICK), Refiner(_image(), _labels()).run(QUICK))


def test_arrays_need_not_be_contiguous_or_writable() -> None:
    image, labels = _image(), _labels()
    expected = Refiner(image, labels).run(QUICK)
    wide_image, wide_labels = np.zeros((36, 58), np.uint8), np.zeros((36, 58), np.int32)
    wide_image[::2, ::2], wide_labels[::2, ::2] = image, labels
    wide_image.flags.writeable = wide_labels.flags.writeable = False
    assert _same(expected, Refiner(wide_image[::2, ::2], wide_labels[::2, ::2]).run(QUICK))
    assert _same(expected, Refiner(np.asfortranarray(image), np.asfortranarray(labels)).run(QUICK))
    assert _same(expected, Refiner(image[::-1][::-1], labels.T.copy().T).run(QUICK))
    assert _same(expected, Refiner(image.tolist(), labels.tolist(), contrast_limits=(0, 255)).run(QUICK))


# --- Mask and spacing ------------------------------------------------------------------------------------------------


def _masked() -> tuple[Array, Array, Array]:
    mask = np.ones((18, 29), bool)
    mask[:6, :9], mask[10:, 26:] = False, False
    return _image() * 1.0, _labels(), mask


def test_outside_the_mask_the_labels_come_back() -> None:
    image, labels, mask = _masked()
    labels[0, 0], labels[17, 28] = 500, 3
    refinement = Refiner(image, labels, mask=mask).run(QUICK)
    assert np.array_equal(refinement.labels[~mask], labels[~mask])
    assert (refinement.labels[mask] != 0).all()
    assert np.array_equal(refinement.confidence[~mask], (labels[~mask] != 0).astype(np.float32))


def test_nothing_outside_the_mask_matters_inside() -> None:
    image, labels, mask = _masked()
    expected = Refiner(image, labels, mask=mask).run(QUICK)
    other_image, other_labels = image.copy(), labels.copy()
    other_image[~mask] = np.random.default_rng(0).choice([np.nan, np.inf, -1e300, 4e5], np.count_nonzero(~mask))
    other_labels[~mask] = np.random.default_rng(0).choice([0, 3, 7, 12345], np.count_nonzero(~mask))
    found = Refiner(other_image, other_labels, mask=mask).run(QUICK)
    assert np.array_equal(found.labels[mask], expected.labels[mask])
    assert found.confidence[mask].tobytes() == expected.confidence[mask].tobytes()


def test_pixels_of_nan_take_no_part_as_with_a_mask() -> None:
    image, labels, mask = _masked()
    image = image.astype(np.float32)
    channels = np.stack([image, image / 2], axis=-1)
    for hole, expected in (
        (np.where(mask, image, np.nan), Refiner(image, labels, mask=mask).run(QUICK)),
        (channels.copy(), Refiner(channels, labels, mask=mask).run(QUICK)),
    ):
        if hole.ndim == 3:
            hole[~mask, 1] = np.nan  # of one channel
        found = Refiner(hole, labels).run(QUICK)
        assert _same(found, expected)
        count = np.count_nonzero(~mask)
        assert found.warnings[0].startswith(f"{count} pixels of NaN in the image: left out")
        assert not Refiner(hole, labels, mask=mask).run(QUICK).warnings
        chosen, with_mask = Refiner(hole, labels).run(), Refiner(hole, labels, mask=mask).run()
        assert (chosen.parameters, chosen.reason) == (with_mask.parameters, with_mask.reason)


def test_a_value_far_from_all_others_is_named() -> None:
    image = _image().astype(np.float32)
    image[:3] = -9999
    for some in (image, image.astype(np.int16), np.dstack([image, _image()])):
        (warning,) = Refiner(some, _labels()).run(QUICK).warnings
        assert re.fullmatch(
            r"The value -9999 stands on 1\d% of the pixels, far from all others \(\d+ to 255\).*mask.*", warning
        )
    image[:3] = 1e30
    assert "The value 1e+30 stands on" in Refiner(image, _labels()).run(QUICK).warnings[0]


def test_values_that_are_no_strangers_are_not_named() -> None:
    image = _image().astype(np.float32)
    few, near, drawn = image.copy(), image.copy(), np.where(image > 150, 900.0, 3.0)
    few[3, 4], near[:3] = -9999, -100
    drawn[:2] = -9999
    for some in (image, few, near, drawn):
        assert not Refiner(some, _labels()).run(QUICK).warnings
    image[:3] = -9999
    assert not Refiner(image, _labels(), contrast_limits=(0, 255)).run(QUICK).warnings
    assert not Refiner(image, _labels(), mask=image > -1).run(QUICK).warnings


def test_a_mask_that_is_true_everywhere_changes_nothing() -> None:
    image, labels, mask = _masked()
    assert _same(Refiner(image, labels, mask=np.ones_like(mask)).run(QUICK), Refiner(image, labels).run(QUICK))


@pytest.mark.parametrize("spacing", [(2, 2), (0.1, 0.1), np.array([1e-9, 1e-9]), [1e6, 1e6]])
def test_equal_spacing_of_any_size_is_none(spacing: Any) -> None:
    assert _same(Refiner(_image(), _labels(), spacing=spacing).run(QUICK), Refiner(_image(), _labels()).run(QUICK))


def test_only_the_ratios_of_spacing_matter() -> None:
    expected = Refiner(_image(), _labels(), spacing=(3, 1)).run(QUICK)
    for spacing in ((6, 2), (0.75, 0.25), (3e-200, 1e-200)):
        assert _same(Refiner(_image(), _labels(), spacing=spacing).run(QUICK), expected)


@pytest.mark.parametrize("similarity", ["joint", "geodesic", "kernel", "combined"])
def test_a_label_far_away_along_a_coarse_axis_loses_to_a_near_one(similarity: Any) -> None:
    image, labels = np.zeros((9, 11), np.uint8), np.zeros((9, 11), np.uint8)
    labels[2, 4], labels[4, 8] = 1, 2  # two rows above the middle pixel, four columns to its right
    parameters = Parameters(similarity=similarity, heatmap_distance=3, appearance_weight=0, smoothness_weight=0)
    assert refine_labels(image, labels, parameters)[4, 4] == 1
    assert refine_labels(image, labels, parameters, spacing=(4, 1))[4, 4] == 2


def test_spacing_changes_the_reach_of_the_kernels() -> None:
    # The heatmap "colour" knows no position: what differs comes from the kernels.
    parameters = Parameters(similarity="colour", theta_alpha=4, theta_beta=30)
    near, far = (with_probability(Refiner(_image(), _labels(), spacing=some), parameters) for some in ((1, 1), (5, 1)))
    assert np.abs(near.confidence - far.confidence).max() > 0.05


# --- Picture ---------------------------------------------------------------------------------------------------------


def test_a_refiner_of_a_picture_is_that_of_its_parts() -> None:
    image, labels, mask = _masked()
    channels_first = np.stack([image, 300 - image, image / 2])
    options: dict[str, Any] = {"channel_axis": 0, "spacing": (3, 1), "contrast_limits": (20, 230)}
    expected = Refiner(channels_first, labels, mask=mask, **options, workers=1).run(QUICK)
    picture = Picture(channels_first, mask, **options)
    assert _same(Refiner.of(picture, labels, workers=1).run(QUICK), expected)
    assert _same(Refiner.of(picture.fitted(labels.shape), labels).run(QUICK), expected)
    assert _same(Refiner.of(Picture(image), labels).run(QUICK), Refiner(image, labels).run(QUICK))
    with pytest.raises(ParameterError, match="engine is 'gpu'"):
        Refiner.of(picture, labels, engine="gpu")  # type: ignore[arg-type]


def test_a_picture_fitted_to_its_labels_has_its_channels_last() -> None:
    channels_first = np.moveaxis(RGB, -1, 0)
    fitted = Picture(channels_first.tolist(), channel_axis=0, spacing=(2, 1)).fitted((18, 29))
    assert np.array_equal(fitted.image, RGB)
    assert (fitted.mask, fitted.channel_axis, fitted.spacing) == (None, -1, (2, 1))
    assert Picture(_image()).fitted((18, 29)).image.shape == (18, 29, 1)


def test_the_axis_of_the_channels_is_the_one_the_labels_lack() -> None:
    assert fitting_channel_axes((2, 40, 60), (40, 60)) == [0]
    assert fitting_channel_axes((40, 60, 2), (40, 60)) == [2]
    assert fitting_channel_axes((5, 5, 60), (5, 60)) == [0, 1]
    assert fitting_channel_axes((2, 41, 60), (40, 60)) == []


# --- Errors ----------------------------------------------------------------------------------------------------------

RGB = np.stack([_image()] * 3, axis=-1)


def _with(array: Array, value: float) -> Array:
    changed = array.astype(np.float64)
    changed[3, 4] = value
    return changed


ERRORS: dict[str, tuple[Any, Any, dict[str, Any], str]] = {
    "another shape": (_image((18, 30)), _labels(), {}, r"have shape \(18, 29\) but the image is \(18, 30\).*crop"),
    "transposed": (_image().T, _labels(), {}, r"labels have shape \(18, 29\) but the image is \(29, 18\)"),
    "too many axes": (RGB[None], _labels(), {}, "image has 4 axes and the labels 2.*one more for channels"),
    "too few axes": (_image()[0], _labels(), {}, "image has 1 axes and the labels 2"),
    "channels first": (np.moveaxis(RGB, -1, 0), _labels(), {}, r"Use channel_axis=0\."),
    "channels in the middle": (np.moveaxis(RGB, -1, 1), _labels(), {}, r"Use channel_axis=1\."),
    "channels last": (RGB, _labels(), {"channel_axis": 0}, r"Use channel_axis=2\."),
    "channels, another shape": (RGB[:-1], _labels(), {}, "leaves .*Choose labels drawn on this image"),
    "no such channel axis": (RGB, _labels(), {"channel_axis": 3}, "channel_axis is 3 but the image has 3 axes"),
    "channel axis of no number": (RGB, _labels(), {"channel_axis": None}, "channel_axis is None.* -3 to 2"),
    "channel axis between": (RGB, _labels(), {"channel_axis": 1.5}, "channel_axis is 1.5"),
    "channels of unlike shapes": (
        [_image(), _image((9, 29))], _labels(), {},
        r"number 1 has shape \(18, 29\) and number 2 \(9, 29\).*each channel the shape of the labels, \(18, 29\)",
    ),
    "a channel that is coloured": ([_image(), RGB], _labels(), {}, r"number 2 \(18, 29, 3\)"),
    "separate channels of another shape": ([_image((9, 29))] * 2, _labels(), {}, r"labels have shape \(18, 29\)"),
    "a channel of words": ([_image(), _image().astype(str)], _labels(), {}, "image's channel 2 has dtype <U"),
    "empty image": (np.zeros((0, 29), np.uint8), _labels(), {}, r"image is empty \(shape \(0, 29\)\)"),
    "no channels": (np.zeros((18, 29, 0)), _labels(), {}, "image is empty"),
    "empty labels": (_image(), np.zeros((18, 0), int), {}, "labels are empty"),
    "scalar labels": (_image(), 3, {}, "labels are empty"),
    "no image": (None, _labels(), {}, "image has dtype object; pass an array of real numbers"),
    "complex image": (_image() * 1j, _labels(), {}, r"image has dtype complex128.*np\.abs"),
    "object image": (_image().astype(object), _labels(), {}, "image has dtype object"),
    "text image": (_image().astype(str), _labels(), {}, "image has dtype <U"),
    "time image": (_image().astype("m8[s]"), _labels(), {}, "image has dtype timedelta64"),
    "ragged image": ([[1, 2], [3]], _labels(), {}, "image cannot be read as one array"),
    "masked image": (np.ma.masked_less(_image(), 3), _labels(), {}, "image is a masked array.*mask=~image.mask"),
    "NaN alone": (_image() * np.nan, _labels(), {}, "NaN everywhere, so no pixel takes part"),
    "NaN in the mask": (
        np.where(_image() > 200, _image(), np.nan), _labels(), {"mask": _image() < 9}, "NaN everywhere where the mask",
    ),
    "infinity": (_with(_image(), -np.inf), _labels(), {}, "holds 1 value that are infinite.*nan_to_num.*mask"),
    "float labels": (_image(), _labels() * 1.0, {}, r"labels have dtype float64.*astype\(np\.int32\)"),
    "boolean labels": (_image(), _labels() > 0, {}, "labels have dtype bool"),
    "object labels": (_image(), _labels().astype(object), {}, "labels have dtype object"),
    "negative id": (_image(), _labels() - 1, {}, "negative id -1.*ids from 1 up"),
    "no label": (_image(), _labels() * 0, {}, "no label yet: paint at least two"),
    "one label": (_image(), (_labels() > 0) * 9, {}, r"only one label \(9\).*background"),
    "one label in the mask": (_image(), _labels(), {"mask": np.indices((18, 29))[1] < 9}, r"only one label \(3\)"),
    "no label in the mask": (_image(), _labels(), {"mask": np.indices((18, 29))[0] < 2}, "no label yet"),
    "mask of another shape": (
        _image(), _labels(), {"mask": np.ones((29, 18), bool)}, r"mask has shape \(29, 18\) but .* \(18, 29\)",
    ),
    "mask of channels": (RGB, _labels(), {"mask": RGB > 3}, r"mask has shape \(18, 29, 3\)"),
    "mask of numbers": (_image(), _labels(), {"mask": _image()}, "mask has dtype uint8.*mask > 0"),
    "mask of nothing": (_image(), _labels(), {"mask": _image() > 255}, "mask is False everywhere"),
    "too many spacings": (_image(), _labels(), {"spacing": (1, 1, 1)}, r"\(1, 1, 1\); pass 2 positive numbers"),
    "one spacing": (_image(), _labels(), {"spacing": 2.0}, "pass 2 positive numbers"),
    "no spacing": (_image(), _labels(), {"spacing": (0, 1)}, "pass 2 positive numbers"),
    "negative spacing": (_image(), _labels(), {"spacing": (1, -1)}, "pass 2 positive numbers"),
    "NaN spacing": (_image(), _labels(), {"spacing": (np.nan, 1)}, "pass 2 positive numbers"),
    "text for spacing": (_image(), _labels(), {"spacing": "ab"}, "pass 2 positive numbers"),
    "spacing of two units": (_image(), _labels(), {"spacing": (1e6, 1e-3)}, "same unit"),
    "spacing beyond numbers": (_image(), _labels(), {"spacing": (1e300, 1e-300)}, "same unit"),
    "channel axis in digits": (RGB, _labels(), {"channel_axis": "2"}, "channel_axis is '2' but the image has 3 axes"),
    "channel axis of a switch": (RGB, _labels(), {"channel_axis": True}, "channel_axis is True but the image has"),
    "complex spacing": (_image(), _labels(), {"spacing": (1 + 0j, 1)}, "pass 2 positive numbers"),
    "spacing in digits": (_image(), _labels(), {"spacing": ("1", "2")}, "pass 2 positive numbers"),
    "spacing beyond floats": (_image(), _labels(), {"spacing": (10**400, 1)}, "pass 2 positive numbers"),
    "masked spacing": (
        _image(), _labels(), {"spacing": np.ma.array([1, 2], mask=[False, True])}, "pass 2 positive numbers",
    ),
    "spacing of anything": (_image(), _labels(), {"spacing": (np.complex64(1), object())}, "pass 2 positive numbers"),
    "spacing in part masked": (_image(), _labels(), {"spacing": [np.ma.masked, 1]}, "pass 2 positive numbers"),
    "limits of switches": (_image() > 9, _labels(), {"contrast_limits": (False, True)}, "low < high"),
    "limits beyond floats": (_image() * 1.0, _labels(), {"contrast_limits": (0, 10**400)}, "low < high"),
    "complex limits": (_image() * 1.0, _labels(), {"contrast_limits": (0j, 1)}, "low < high"),
    "limits in digits": (_image() * 1.0, _labels(), {"contrast_limits": ("0", "9")}, "low < high"),
    "reversed limits": (_image() * 1.0, _labels(), {"contrast_limits": (9, 3)}, "low < high"),
    "equal limits": (_image() * 1.0, _labels(), {"contrast_limits": (3, 3)}, "low < high"),
    "infinite limits": (_image() * 1.0, _labels(), {"contrast_limits": (0, np.inf)}, "low < high"),
    "limits of two channels": (RGB * 1.0, _labels(), {"contrast_limits": [(0, 1)] * 2}, "each of the 3 channels"),
    "text for limits": (_image() * 1.0, _labels(), {"contrast_limits": "auto"}, "low < high"),
    "reversed limits on uint8": (_image(), _labels(), {"contrast_limits": (9, 3)}, "low < high"),
}  # fmt: skip


@pytest.mark.parametrize(("image", "labels", "options", "message"), ERRORS.values(), ids=ERRORS)
def test_what_cannot_be_used_is_refused_in_words(image: Any, labels: Any, options: Any, message: str) -> None:
    # The constructor, which computes nothing, refuses; so does the front door.
    for function in (Refiner, refine_labels):
        with pytest.raises(InputError, match=f"(?s){message}"):
            function(image, labels, **options)


@pytest.mark.parametrize(
    ("image", "labels", "mask", "message"),
    [
        (da.from_array(_image()), _labels(), None, r"A lazy dask array .* the image,.*image\.compute\(\)"),
        (_image(), da.from_array(_labels()), None, r"A lazy dask array .* the labels,.*labels\.compute\(\)"),
        (_image(), _labels(), da.ones((18, 29), bool), "A lazy dask array was given for the mask"),
        ([_image(), da.from_array(_image())], _labels(), None, "lazy dask array was given for the image's"),
    ],
    ids=["image", "labels", "mask", "channel"],
)
def test_what_works_in_memory_refuses_lazy_arrays(image: Any, labels: Any, mask: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"{message}.*refine_labels"):
        Refiner(image, labels, mask=mask)


@pytest.mark.parametrize("engine", ["gpu", "", None, "Lattice", []])
def test_an_unknown_engine_is_refused_with_the_known_ones(engine: Any) -> None:
    with pytest.raises(ParameterError, match=r"engine is .*must be one of: lattice, pydensecrf"):
        Refiner(_image(), _labels(), engine=engine)


@pytest.mark.parametrize("workers", [0, -1, 2.0, "2", np.nan, True])
def test_workers_are_a_whole_number_from_one_up(workers: Any) -> None:
    with pytest.raises(ParameterError, match=r"workers is .*whole number from 1 up"):
        Refiner(_image(), _labels(), workers=workers)


def test_what_is_not_parameters_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"Parameters\(\.\.\.\)|Parameters\.from_dict"):
        Refiner(_image(), _labels()).run({"theta_alpha": 3})  # type: ignore[arg-type]  # a slip


def test_values_that_are_not_finite_may_stand_outside_the_mask() -> None:
    image = _with(_image(), np.nan)
    mask = np.isfinite(image)
    assert np.array_equal(refine_labels(image, _labels(), QUICK, mask=mask) == 0, ~mask)


def test_thousands_of_labels_are_refined_as_any_others() -> None:
    grid = np.arange(96 * 96).reshape(96, 96)
    labels = np.where(grid % 9 < 8, grid + 1, 0)  # 8192 of them
    refined = Refiner(np.zeros((96, 96), np.uint8), labels).run(QUICK).labels
    assert np.array_equal(refined[labels > 0], labels[labels > 0])
    assert np.isin(refined, labels[labels > 0]).all()


def test_more_axes_than_can_be_compiled_are_said_before_any_work() -> None:
    deep = np.zeros((2,) * 7, np.uint8)
    deep.reshape(-1)[[0, -1]] = 1, 2
    with pytest.raises(InputError, match="The labels have 7 axes, and at most 6"):
        refine_labels(deep, deep)
    six = deep[0].copy()
    six.reshape(-1)[[0, -1]] = 1, 2
    assert Refiner(deep[0], six).run().labels.all()
