"""An image and its labels as files: which axis is what, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from napari_coarse_crf import InputError
from napari_coarse_crf.io.pairs import Pair, Reading, read_pair
from napari_coarse_crf.problem import read_problem

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RNG = np.random.default_rng(6)
SHAPE = (20, 30)


def labels(*before: int) -> NDArray[np.uint8]:
    ids = np.zeros((*before, *SHAPE), np.uint8)
    ids[..., 2:5, 3:20], ids[..., 14:16, 5:22] = 1, 2
    return ids


def noise(*shape: int, dtype: Any = np.uint8) -> NDArray[Any]:
    return RNG.integers(0, 250, shape).astype(dtype)


def pair_of(folder: Path, image: NDArray[Any], ids: NDArray[Any], reading: Reading | None = None, **how: Any) -> Pair:
    """Write an image with `how` and its labels plainly, and read both."""
    tifffile.imwrite(folder / "image.tif", image, **{"photometric": "minisblack", **how})
    tifffile.imwrite(folder / "labels.tif", ids, photometric="minisblack")
    return read_pair(folder / "image.tif", folder / "labels.tif", reading)


def colours(pair: Pair) -> NDArray[Any]:
    """Return the image with its channels last."""
    image: NDArray[Any] = pair.picture.fitted(pair.labels.shape).image
    return image


OME: dict[str, Any] = {"ome": True}
IMAGEJ: dict[str, Any] = {"imagej": True}


@pytest.mark.parametrize("kind", [OME, IMAGEJ], ids=["OME", "ImageJ"])
@pytest.mark.parametrize(("axes", "channel"), [("ZCYX", 1), ("TCYX", 1)])
def test_the_axes_of_a_file_decide_where_several_fit(
    tmp_path: Path, kind: dict[str, Any], axes: str, channel: int
) -> None:
    image = noise(3, 3, *SHAPE)
    pair = pair_of(tmp_path, image, labels(3), metadata={"axes": axes}, **kind)
    assert np.array_equal(colours(pair), np.moveaxis(image, channel, -1))
    assert pair.axes == axes.replace("C", "")
    assert pair.apart == ((0,) if "T" in axes else ())


def test_without_axes_the_first_that_fits_is_taken_and_the_other_named(tmp_path: Path) -> None:
    image = noise(5, 5, *SHAPE)
    pair = pair_of(tmp_path, image, labels(5))
    assert np.array_equal(colours(pair), np.moveaxis(image, 0, -1))
    assert pair.said == (
        "The 5 planes of the image along axis 0 are taken as its channels. --channel-axis 1 takes those along axis 1.",
    )
    chosen = pair_of(tmp_path, image, labels(5), reading=Reading(channel_axis=1))
    assert np.array_equal(colours(chosen), np.moveaxis(image, 1, -1))


def test_a_person_overrules_the_file(tmp_path: Path) -> None:
    image = noise(3, 3, *SHAPE)
    for axis in (0, 1, -4):
        pair = pair_of(
            tmp_path, image, labels(3), reading=Reading(channel_axis=axis), metadata={"axes": "ZCYX"}, ome=True
        )
        assert np.array_equal(colours(pair), np.moveaxis(image, axis, -1))
    with pytest.raises(InputError, match=r"have as many axes, so none of them holds channels. Leave out"):
        pair_of(tmp_path, image[0], labels(3), reading=Reading(channel_axis=0))
    with pytest.raises(InputError, match=r"channel_axis is 4 but the image has 4 axes; use -4 to 3"):
        pair_of(tmp_path, image, labels(3), reading=Reading(channel_axis=4))


def test_axes_of_length_one_are_dropped_and_still_counted(tmp_path: Path) -> None:
    image = noise(1, 5, *SHAPE)
    for reading in (None, Reading(channel_axis=1)):
        pair = pair_of(tmp_path, image, labels(1, 1), reading=reading)
        assert pair.labels.shape == SHAPE
        assert np.array_equal(colours(pair), np.moveaxis(image[0], 0, -1))


def test_three_or_four_planes_written_as_colours_are_a_stack_where_the_labels_are(tmp_path: Path) -> None:
    planar: dict[str, Any] = {
        "photometric": "rgb",
        "planarconfig": "separate",
    }  # what tifffile makes of (3, Y, X), and napari
    for count in (3, 4):
        image = noise(count, *SHAPE)
        tifffile.imwrite(tmp_path / "image.tif", image, photometric="rgb", planarconfig="separate")
        tifffile.imwrite(tmp_path / "labels.tif", labels(count), photometric="rgb", planarconfig="separate")
        pair = read_pair(tmp_path / "image.tif", tmp_path / "labels.tif")
        assert pair.picture.mask is None
        assert np.array_equal(colours(pair)[..., 0], image)
        assert np.array_equal(pair.labels, labels(count))
        flat = pair_of(tmp_path, image, labels(), **planar)
        assert np.array_equal(colours(flat), np.moveaxis(image[:3], 0, -1))
        assert (flat.picture.mask is None) == (count == 3)
    deep = noise(3, 3, *SHAPE)
    assert np.array_equal(colours(pair_of(tmp_path, deep, labels(3), **planar)), np.moveaxis(deep, 0, -1))
    with_alpha = noise(2, 4, *SHAPE)
    pair = pair_of(tmp_path, with_alpha, labels(2), extrasamples=["unassalpha"], **planar)
    assert np.array_equal(colours(pair), np.moveaxis(with_alpha[:, :3], 1, -1))
    assert np.array_equal(pair.picture.mask, with_alpha[:, 3] > 0)


def test_time_is_refined_frame_by_frame_and_said(tmp_path: Path) -> None:
    pair = pair_of(tmp_path, noise(3, 4, *SHAPE), labels(3, 4), metadata={"axes": "TZYX"}, imagej=True)
    assert (pair.axes, pair.apart) == ("TZYX", (0,))
    assert pair.said == ("The 3 frames (axis T) are refined each on its own; --volume refines everything at once.",)
    for each_slice, apart in ((True, (0, 1)), (False, ())):
        reading = Reading(each_slice=each_slice)
        chosen = pair_of(
            tmp_path, noise(3, 4, *SHAPE), labels(3, 4), reading=reading, metadata={"axes": "TZYX"}, ome=True
        )
        assert (chosen.apart, chosen.said) == (apart, ())


def test_labels_for_each_channel_are_refined_channel_by_channel(tmp_path: Path) -> None:
    pair = pair_of(tmp_path, noise(2, *SHAPE), labels(2), metadata={"axes": "CYX"}, ome=True)
    assert (pair.axes, pair.apart) == ("CYX", (0,))
    assert "The 2 channels (axis C) are refined each on its own" in pair.said[0]


def test_a_stack_without_words_is_a_volume(tmp_path: Path) -> None:
    pair = pair_of(tmp_path, noise(5, *SHAPE), labels(5))
    assert (pair.axes, pair.apart, pair.said) == ("?YX", (), ())


def test_channels_are_scaled_each_by_its_own_range_and_colours_together(tmp_path: Path) -> None:
    image = np.stack([noise(*SHAPE, dtype=np.uint16), noise(*SHAPE, dtype=np.uint16) * 10])
    for is_said in (True, False):
        how: dict[str, Any] = {"metadata": {"axes": "CYX"}, "imagej": True} if is_said else {}
        pair = pair_of(tmp_path, image, labels(), **how)
        brightest = read_problem(pair.picture, pair.labels).colours.max(axis=1)
        assert np.allclose(brightest, [255 if is_said else 25.5, 255], atol=0.3)


VOXEL = {"axes": "ZYX", "spacing": 2.0, "unit": "um"}


def test_the_pixel_size_in_the_file_becomes_the_spacing_and_a_person_overrules_it(tmp_path: Path) -> None:
    pair = pair_of(tmp_path, noise(3, *SHAPE), labels(3), imagej=True, resolution=(10, 10), metadata=VOXEL)
    assert pair.picture.spacing == (2, 0.1, 0.1)
    assert pair.said == (
        "The pixel size in the file, 2 x 0.1 x 0.1 um (Z, Y, X), is taken as the spacing; --spacing overrules it.",
    )
    reading = Reading(spacing=(1, 1, 1))
    pair = pair_of(tmp_path, noise(3, *SHAPE), labels(3), reading, imagej=True, resolution=(10, 10), metadata=VOXEL)
    assert (pair.picture.spacing, pair.said) == ((1, 1, 1), ())


def test_square_pixels_are_nothing_to_speak_of(tmp_path: Path) -> None:
    for ids, image in ((labels(), noise(*SHAPE)), (labels(3), noise(3, *SHAPE))):
        pair = pair_of(tmp_path, image, ids, resolution=(72, 72), resolutionunit="inch")
        assert (pair.picture.spacing, pair.said) == (None, ())


def test_a_size_that_the_file_lacks_is_told(tmp_path: Path) -> None:
    said = {"axes": "ZYX", "PhysicalSizeX": 1.0, "PhysicalSizeY": 2.0}
    pair = pair_of(tmp_path, noise(3, *SHAPE), labels(3), ome=True, metadata=said)
    assert pair.picture.spacing == (1, 2, 1)
    assert "is taken as the spacing, along Z the smallest of the others" in pair.said[0]


def test_the_size_of_frames_is_that_of_their_pixels(tmp_path: Path) -> None:
    said = {"axes": "TYX", "unit": "um"}
    pair = pair_of(tmp_path, noise(3, *SHAPE), labels(3), imagej=True, resolution=(10, 5), metadata=said)
    assert pair.picture.spacing == (0.1, 0.2, 0.1)
    assert "0.2 x 0.1 um (Y, X)" in pair.said[1]


def test_the_file_that_says_more_of_its_pixels_is_believed(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "image.tif", noise(3, *SHAPE), photometric="minisblack", resolution=(72, 72))
    tifffile.imwrite(tmp_path / "labels.tif", labels(3), imagej=True, resolution=(10, 10), metadata=VOXEL)
    pair = read_pair(tmp_path / "image.tif", tmp_path / "labels.tif")
    assert (pair.axes, pair.picture.spacing, pair.grid.style) == ("ZYX", (2, 0.1, 0.1), "ImageJ")


def nodata(text: str) -> dict[str, Any]:
    return {"extratags": [(42113, "s", 0, text, True)]}


HOLE = np.zeros(SHAPE, bool)
HOLE[:, :4] = True


@pytest.mark.parametrize(
    ("dtype", "value", "text"),
    [
        (np.float32, -9999, "-9999"),
        (np.float32, -9999, " -9999.0\0"),
        (np.float32, np.finfo(np.float32).min, "-3.40282346638529e+38"),
        (np.float32, np.nan, "nan"),
        (np.float64, 1e-7, "1e-07"),
        (np.int16, -32768, "-32768"),
        (np.uint16, 0, "0"),
        (np.uint8, 255, "255"),
        (np.uint64, 2**64 - 1, str(2**64 - 1)),
    ],
)
def test_what_gdal_calls_no_data_takes_no_part(tmp_path: Path, dtype: type[Any], value: Any, text: str) -> None:
    image = (1 + noise(*SHAPE)).astype(dtype)
    image[HOLE] = value
    pair = pair_of(tmp_path, image, labels(), **nodata(text))
    assert np.array_equal(pair.picture.mask, ~HOLE)
    assert pair.said == (f"Left out, and left as they are: {HOLE.sum()} pixels of no data.",)


def test_no_data_outside_the_numbers_of_a_file_is_nowhere(tmp_path: Path) -> None:
    for text in ("-9999", "0.5", "1e300", "nan", "300"):
        assert pair_of(tmp_path, noise(*SHAPE), labels(), **nodata(text)).picture.mask is None
    with pytest.raises(InputError, match=r"image.tif cannot be used. Its number for no data is 'none', which is none."):
        pair_of(tmp_path, noise(*SHAPE), labels(), **nodata("none"))


def test_of_several_channels_all_bytes_or_one_other_number_say_no_data(tmp_path: Path) -> None:
    rgb = 1 + noise(*SHAPE, 3)
    rgb[HOLE] = 0
    rgb[10, 10, 1] = 0  # a dark blue is a colour
    for planar in (False, True):
        stored, layout = (np.moveaxis(rgb, -1, 0), "separate") if planar else (rgb, "contig")
        pair = pair_of(tmp_path, stored, labels(), photometric="rgb", planarconfig=layout, **nodata("0"))
        assert np.array_equal(pair.picture.mask, ~HOLE)
    bands = 1 + noise(3, *SHAPE).astype(np.float32)
    bands[1, HOLE] = -9999
    assert np.array_equal(pair_of(tmp_path, bands, labels(), **nodata("-9999")).picture.mask, ~HOLE)


def test_transparent_pixels_no_data_and_nan_are_counted_once_each(tmp_path: Path) -> None:
    image = 1 + noise(*SHAPE, 2).astype(np.float32)
    image[..., 1] = 1
    image[0, :9, 1] = 0
    image[0, :20, 0] = -9999
    image[:2, :20, 0][:, ::2] = np.nan
    how: dict[str, Any] = {"planarconfig": "contig", "extrasamples": ["unassalpha"], **nodata("-9999")}
    pair = pair_of(tmp_path, image, labels(), **how)
    assert pair.said == (
        "Left out, and left as they are: 9 transparent pixels, 6 pixels of no data, 15 pixels of NaN.",
    )
    assert np.count_nonzero(~pair.picture.mask) == 30
    with pytest.raises(InputError, match="No pixel takes part: all are transparent pixels or pixels of no data"):
        pair_of(tmp_path, np.where(image[..., [1]] == 0, image, [-9999, 1]).astype(np.float32), labels(), **how)


def test_a_mask_that_gdal_stores_beside_takes_out_pixels(tmp_path: Path) -> None:
    rgb = noise(*SHAPE, 3)
    with tifffile.TiffWriter(tmp_path / "image.tif") as file:
        file.write(rgb, photometric="rgb", metadata=None)
        file.write(~HOLE, photometric=4, subfiletype=4, metadata=None)
        file.write(~HOLE[::2, ::2], photometric=4, subfiletype=5, metadata=None)
    Image.fromarray(labels()).save(tmp_path / "labels.png")
    pair = read_pair(tmp_path / "image.tif", tmp_path / "labels.png")
    assert np.array_equal(pair.picture.mask, ~HOLE)
    assert pair.warnings == ()


def test_no_data_in_labels_is_no_id_and_stays(tmp_path: Path) -> None:
    ids = labels().astype(np.int32)
    ids[HOLE] = -9999
    tifffile.imwrite(tmp_path / "labels.tif", ids, **nodata("-9999"))
    tifffile.imwrite(tmp_path / "image.tif", noise(*SHAPE))
    pair = read_pair(tmp_path / "image.tif", tmp_path / "labels.tif")
    assert np.array_equal(pair.labels, np.where(HOLE, 0, labels()))
    assert np.array_equal(pair.picture.mask, ~HOLE)
    assert pair.said == (f"Left out, and left as they are: {HOLE.sum()} pixels whose label stands for no data.",)
    assert np.array_equal(pair.finished(np.full_like(ids, 7)), np.where(HOLE, -9999, 7))
    tifffile.imwrite(tmp_path / "labels.tif", labels(), **nodata("0"))
    assert read_pair(tmp_path / "image.tif", tmp_path / "labels.tif").picture.mask is None


def test_an_ignored_id_takes_no_part_and_stays(tmp_path: Path) -> None:
    ids = labels()
    ids[HOLE] = 255
    pair = pair_of(tmp_path, noise(*SHAPE), ids, Reading(ignore=(255,)))
    assert np.array_equal(pair.labels, np.where(HOLE, 0, labels()))
    assert np.array_equal(pair.picture.mask, ~HOLE)
    assert np.array_equal(pair.finished(np.full_like(ids, 7)), np.where(HOLE, 255, 7))
    assert pair.said == (f"Left out, and left as they are: {HOLE.sum()} pixels of the id 255.",)
    with pytest.raises(InputError, match="0 cannot be ignored"):
        pair_of(tmp_path, noise(*SHAPE), ids, Reading(ignore=(0,)))


def test_a_mask_beside_labels_takes_out_pixels(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "labels.tif") as file:
        file.write(labels(), photometric="minisblack", metadata=None)
        file.write(~HOLE, photometric=4, subfiletype=4, metadata=None)
    tifffile.imwrite(tmp_path / "image.tif", noise(*SHAPE))
    pair = read_pair(tmp_path / "image.tif", tmp_path / "labels.tif")
    assert np.array_equal(pair.picture.mask, ~HOLE)
    assert np.array_equal(pair.finished(np.full_like(pair.labels, 7)), np.where(HOLE & (labels() > 0), labels(), 7))


def test_a_resolution_of_one_without_a_unit_says_nothing(tmp_path: Path) -> None:
    image, coarse = tmp_path / "image.tif", tmp_path / "labels.ome.tif"
    tifffile.imwrite(image, noise(*SHAPE), resolution=(1, 1), resolutionunit="NONE")
    tifffile.imwrite(coarse, labels(), metadata={"axes": "YX", "PhysicalSizeX": 1.0, "PhysicalSizeY": 2.0})
    assert read_pair(image, coarse).picture.spacing == (2.0, 1.0)


def test_smooth_edges_of_labels_are_told(tmp_path: Path) -> None:
    y, x = np.mgrid[:120, :160]
    ids = sum(n * (30.5 - np.hypot(y - 60, x - centre)).clip(0, 1) for n, centre in ((100, 40), (200, 120)))
    pair = pair_of(tmp_path, noise(120, 160), np.asarray(ids, np.uint8))
    assert "ids have few pixels each, beside 100, 200" in pair.warnings[0]


def test_a_picture_is_turned_upright_where_only_so_it_fits(tmp_path: Path) -> None:
    upright = noise(30, 20, 3)
    ids = np.zeros((30, 20), np.uint8)
    ids[3:20, 2:4], ids[5:22, 14:16] = 1, 2
    Image.fromarray(ids).save(tmp_path / "labels.png")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[274] = orientation
        # What is stored is what the camera saw; turned by its orientation, it is upright.
        inverse = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
        holder = Image.fromarray(upright)
        holder.getexif()[274] = inverse
        stored = np.asarray(ImageOps.exif_transpose(holder))
        Image.fromarray(stored).save(tmp_path / "image.png", exif=exif)
        tifffile.imwrite(tmp_path / "image.tif", stored, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
        for name in ("image.png", "image.tif"):
            pair = read_pair(tmp_path / name, tmp_path / "labels.png")
            assert np.array_equal(colours(pair), upright if orientation > 4 else stored)
            assert ("turned upright (orientation" in "".join(pair.said)) == (orientation > 4)
            assert ("fit it as it is stored" in "".join(pair.warnings)) == (1 < orientation < 5)


def turned_tag(orientation: int) -> dict[str, Any]:
    return {"extratags": [(274, 3, 1, orientation, True)]}


def test_labels_drawn_on_the_stored_picture_or_turned_like_it_need_no_words(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "image.tif", noise(*SHAPE), **turned_tag(6))
    tifffile.imwrite(tmp_path / "labels.tif", labels())
    pair = read_pair(tmp_path / "image.tif", tmp_path / "labels.tif")
    assert (pair.said, pair.warnings, pair.grid.orientation) == ((), (), 1)
    tifffile.imwrite(tmp_path / "image.tif", noise(*SHAPE), **turned_tag(3))
    tifffile.imwrite(tmp_path / "labels.tif", labels(), **turned_tag(3))
    pair = read_pair(tmp_path / "image.tif", tmp_path / "labels.tif")
    assert (pair.said, pair.warnings, pair.grid.orientation) == ((), (), 3)


def test_labels_and_masks_turned_otherwise_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "image.tif", noise(*SHAPE))
    tifffile.imwrite(tmp_path / "labels.tif", labels(), **turned_tag(3))
    with pytest.raises(InputError, match=r"labels are stored turned \(orientation 3\), and the image otherwise \(1\)"):
        read_pair(tmp_path / "image.tif", tmp_path / "labels.tif")
    tifffile.imwrite(tmp_path / "labels.tif", labels())
    tifffile.imwrite(tmp_path / "mask.tif", labels() + 1, **turned_tag(3))
    with pytest.raises(InputError, match=r"mask.tif cannot be used. It is stored turned in another way"):
        read_pair(tmp_path / "image.tif", tmp_path / "labels.tif", Reading(mask=tmp_path / "mask.tif"))


def test_an_upright_picture_has_upright_pixel_sizes_and_no_georeference(tmp_path: Path) -> None:
    tags: list[Any] = [
        (274, 3, 1, 8, True),
        (33550, "d", 3, (0.5, 0.25, 0.0), True),
        (34735, "H", 4, (1, 1, 0, 0), True),
    ]
    tifffile.imwrite(tmp_path / "image.tif", noise(*SHAPE[::-1]), extratags=tags)
    tifffile.imwrite(tmp_path / "labels.tif", labels())
    pair = read_pair(tmp_path / "image.tif", tmp_path / "labels.tif")
    assert (pair.picture.spacing, pair.grid.georeference) == ((0.5, 0.25), ())


def test_several_images_in_a_file_are_told_and_several_label_maps_refused(tmp_path: Path) -> None:
    for name, pixels in (("image.tif", noise(*SHAPE)), ("labels.tif", labels())):
        with tifffile.TiffWriter(tmp_path / name) as file:
            file.write(pixels, metadata=None)
            file.write(pixels[:9], metadata=None)
    Image.fromarray(labels()).save(tmp_path / "labels.png")
    pair = read_pair(tmp_path / "image.tif", tmp_path / "labels.png")
    assert pair.picture.image.shape == SHAPE
    assert pair.warnings == (f"{tmp_path / 'image.tif'}: It holds 2 images; the first one is taken.",)
    with pytest.raises(InputError, match=r"labels.tif cannot be used. It holds 2 images"):
        read_pair(tmp_path / "image.tif", tmp_path / "labels.tif")


def test_channels_of_colour_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="channels are colour pictures of their own"):
        pair_of(tmp_path, noise(2, *SHAPE, 3), labels(), metadata={"axes": "CYXS"}, ome=True, photometric="rgb")
