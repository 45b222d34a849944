"""An image and its labels opened lazily fit each other as those that are read whole do, and refine to the same."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.lazy.opening import LazyImage
from napari_coarse_crf.io.lazy.pairs import LazyPair, open_pair
from napari_coarse_crf.io.lazy.places import is_lazy
from napari_coarse_crf.io.lazy.writing import create_labels
from napari_coarse_crf.io.pairs import Reading, read_pair
from napari_coarse_crf.tiles.plan import plan_tiles
from tests.io.lazy.making import numbered, write_labels, write_ome

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ALL = slice(None)
_PLANES = {"photometric": "rgb", "planarconfig": "separate"}  # as tifffile writes three planes that nobody names


def _strokes(*shape: int, dtype: Any = np.uint8) -> NDArray[Any]:
    labels: NDArray[Any] = np.zeros(shape, dtype)
    labels[..., 3:5, 4:20], labels[..., -6:-3, 4:20] = 3, 7
    return labels


def _whole(pair: LazyPair) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]:
    picture = pair.picture
    return picture.image[:], pair.labels[:], None if picture.mask is None else picture.mask[:]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_an_ome_zarr_image_and_its_label_map_are_a_pair(tmp_path: Path, version: str) -> None:
    image, labels = numbered(1, 3, 4, 40, 60, dtype=np.uint16), _strokes(1, 4, 40, 60)
    write_ome(tmp_path / "i.zarr", [image], "tczyx", version=version, sizes={"z": 2.0, "y": 0.5, "x": 0.5})
    write_labels(tmp_path / "i.zarr", "coarse", [labels], "tzyx", version)
    pair = open_pair(tmp_path / "i.zarr", tmp_path / "i.zarr" / "labels" / "coarse")
    assert (pair.axes, pair.apart, pair.picture.channel_axis) == ("ZYX", (), 0)
    assert pair.picture.spacing == (2.0, 0.5, 0.5)
    assert pair.picture.by_channel
    assert pair.picture.mask is None
    assert pair.warnings == ()
    np.testing.assert_array_equal(pair.picture.image[:], image[0])
    np.testing.assert_array_equal(pair.labels[:], labels[0])
    assert pair.ground.stored == (1, 4, 40, 60)


def test_frames_are_refined_each_on_its_own(tmp_path: Path) -> None:
    write_ome(tmp_path / "i.zarr", [numbered(5, 40, 60)], "tyx")
    write_labels(tmp_path / "i.zarr", "coarse", [_strokes(5, 40, 60)], "tyx")
    pair = open_pair(tmp_path / "i.zarr", tmp_path / "i.zarr")
    assert pair.apart == (0,)
    assert pair.said == ("The 5 frames (axis T) are refined each on its own; --volume refines everything at once.",)
    assert open_pair(tmp_path / "i.zarr", tmp_path / "i.zarr", Reading(each_slice=False)).apart == ()


@pytest.mark.parametrize("name", ["l.png", "l.tif"])
def test_a_label_file_lies_beside_a_lazy_image(tmp_path: Path, name: str) -> None:
    labels = _strokes(40, 60)
    write_ome(tmp_path / "i.zarr", [numbered(3, 40, 60)], "cyx")
    if name == "l.png":
        Image.fromarray(labels).save(tmp_path / name)
    else:
        tifffile.imwrite(tmp_path / name, labels)
    pair = open_pair(tmp_path / "i.zarr", tmp_path / name)
    assert isinstance(pair.image, LazyImage)
    np.testing.assert_array_equal(pair.labels[:], labels)


def test_the_colours_of_a_palette_are_known(tmp_path: Path) -> None:
    write_ome(tmp_path / "i.zarr", [numbered(40, 60)], "yx")
    picture = Image.fromarray(_strokes(40, 60), mode="P")
    picture.putpalette([0, 0, 0, 9, 8, 7])
    picture.save(tmp_path / "l.png")
    assert open_pair(tmp_path / "i.zarr", tmp_path / "l.png").colours == {1: (9, 8, 7, 255)}


def test_a_lazy_label_map_lies_beside_an_image_file(tmp_path: Path) -> None:
    image, labels = numbered(40, 60, 3), _strokes(40, 60)
    Image.fromarray(image).save(tmp_path / "i.png")
    write_ome(tmp_path / "l.zarr", [labels], "yx", label={})
    pair = open_pair(tmp_path / "i.png", tmp_path / "l.zarr")
    np.testing.assert_array_equal(pair.picture.image, image)
    np.testing.assert_array_equal(pair.labels[:], labels)
    assert pair.ground.shape == (40, 60)


@pytest.mark.parametrize("order", ["lazy", "whole"])
def test_what_takes_no_part_is_as_when_files_are_read_whole(tmp_path: Path, order: str) -> None:
    image = numbered(40, 60, 4)
    image[:5, ..., 3] = 0
    labels, mask = _strokes(40, 60), numbered(40, 60) > 20
    labels[20, 20:30] = 255
    tifffile.imwrite(tmp_path / "i.tif", image, photometric="rgb", extrasamples=["unassalpha"], tile=(16, 16))
    tifffile.imwrite(tmp_path / "l.tif", labels, tile=(16, 16))
    tifffile.imwrite(tmp_path / "m.tif", mask.astype(np.uint8), tile=(16, 16))
    reading = Reading(mask=tmp_path / "m.tif", ignore=(255,), contrast_limits=(3, 200))
    read = read_pair(tmp_path / "i.tif", tmp_path / "l.tif", reading)
    if order == "lazy":  # a URL is read part by part, however small
        url = tmp_path.as_uri()
        pair = open_pair(f"{url}/i.tif", f"{url}/l.tif", reading, mask=f"{url}/m.tif")
        assert "Left out, and left as they are: transparent pixels, pixels of the id 255." in pair.said
    else:
        pair = open_pair(tmp_path / "i.tif", tmp_path / "l.tif", reading)
    for lazy, whole in zip(_whole(pair), (read.picture.image, read.labels, read.picture.mask), strict=True):
        np.testing.assert_array_equal(lazy, whole)
    refined = np.full((40, 60), 9, np.uint8)
    np.testing.assert_array_equal(pair.finished(refined, (ALL, ALL)), read.finished(refined))
    assert pair.picture.contrast_limits == (3, 200)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(pair)).picture.mask[:], read.picture.mask)


def test_no_data_of_one_channel_leaves_the_pixel_out(tmp_path: Path) -> None:
    image = numbered(2, 40, 60, dtype=np.uint16) + 1
    image[1, 7, 8] = 0
    tifffile.imwrite(
        tmp_path / "i.tif", image, metadata={"axes": "CYX"}, extratags=[(42113, 2, 2, "0", True)], tile=(16, 16)
    )
    tifffile.imwrite(tmp_path / "l.tif", _strokes(40, 60))
    pair = open_pair((tmp_path / "i.tif").as_uri(), tmp_path / "l.tif")
    assert np.argwhere(~pair.picture.mask[:]).tolist() == [[7, 8]]


def test_labels_at_half_the_size_count_for_all_pixels_they_cover(tmp_path: Path) -> None:
    labels = numbered(20, 30, dtype=np.uint16)
    write_ome(tmp_path / "i.zarr", [numbered(3, 41, 60)], "cyx", sizes={"y": 0.5, "x": 0.5})
    write_ome(tmp_path / "l.zarr", [labels], "yx", sizes={"y": 1.0, "x": 1.0}, label={})
    pair = open_pair(tmp_path / "i.zarr", tmp_path / "l.zarr")
    full = np.zeros((41, 60), np.uint16)
    full[:40] = np.kron(labels, np.ones((2, 2), np.uint16))
    np.testing.assert_array_equal(pair.labels[:], full)
    assert "each of these takes the label of the nearest" in pair.said[-1]


def test_labels_of_another_shape_without_metadata_are_left_to_the_core(tmp_path: Path) -> None:
    write_ome(tmp_path / "i.zarr", [numbered(3, 40, 60)], "cyx")
    zarr.create_array(str(tmp_path / "l.zarr"), data=numbered(20, 30))
    pair = open_pair(tmp_path / "i.zarr", tmp_path / "l.zarr")
    with pytest.raises(InputError, match="the labels have shape"):
        finish(plan_tiles(pair.picture, pair.labels))


def test_a_mask_of_another_shape_is_refused(tmp_path: Path) -> None:
    write_ome(tmp_path / "i.zarr", [numbered(40, 60)], "yx")
    write_labels(tmp_path / "i.zarr", "coarse", [_strokes(40, 60)], "yx")
    zarr.create_array(str(tmp_path / "m.zarr"), data=numbered(40, 30))
    with pytest.raises(InputError, match=r"The mask has shape \(40, 30\) but the labels are \(40, 60\)"):
        open_pair(tmp_path / "i.zarr", tmp_path / "i.zarr", mask=str(tmp_path / "m.zarr"))


def test_a_turned_image_is_not_turned_part_by_part(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "i.tif", numbered(40, 60), extratags=[(274, 3, 1, 6, True)])
    tifffile.imwrite(tmp_path / "l.tif", _strokes(60, 40))
    with pytest.raises(InputError, match="Save both upright"):
        open_pair((tmp_path / "i.tif").as_uri(), tmp_path / "l.tif")


def test_small_files_and_folders_are_not_read_part_by_part(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "i.tif", numbered(40, 60), tile=(16, 16))
    Image.fromarray(numbered(40, 60)).save(tmp_path / "i.png")
    write_ome(tmp_path / "i", [numbered(40, 60)], "yx")
    tifffile.imwrite(
        tmp_path / "large.tif",
        shape=(2**15, 2**14),
        dtype=np.uint8,
        compression="zlib",
        tile=(2**14, 2**14),
        data=(np.zeros((2**14, 2**14), np.uint8) for _ in range(2)),
    )
    found = {
        name: is_lazy(tmp_path / name) for name in ("i.tif", "i.png", "i", "", "gone.tif", "gone.zarr", "large.tif")
    }
    assert found == {
        "i.tif": False,
        "i.png": False,
        "i": True,
        "": False,
        "gone.tif": False,
        "gone.zarr": True,
        "large.tif": True,
    }


def test_tiles_of_a_lazy_pair_are_those_of_arrays_in_memory(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    image = (np.kron(rng.integers(0, 2, (4, 5)), np.ones((16, 16))) * 150 + rng.integers(0, 60, (64, 80))).astype(
        np.uint8
    )
    image = np.stack([image, image[::-1], image[:, ::-1]])
    labels = _strokes(64, 80)
    write_ome(tmp_path / "i.zarr", [image, image[:, ::2, ::2]], "cyx")
    write_labels(tmp_path / "i.zarr", "coarse", [labels, labels[::2, ::2]], "yx")
    pair = open_pair(tmp_path / "i.zarr", tmp_path / "i.zarr" / "labels" / "coarse")
    plan = finish(plan_tiles(pair.picture, pair.labels, tile=32))
    store = create_labels(tmp_path / "i.zarr" / "labels" / "refined", pair.ground, plan.source.dtype, tile=(32, 32))
    for tile in plan.tiles:
        store[tile.core] = plan.refine(tile).labels
    store.finish()
    arrays = finish(plan_tiles(type(pair.picture)(image, channel_axis=0, by_channel=True), labels, tile=32))
    expected = np.zeros_like(labels)
    for tile in arrays.tiles:
        expected[tile.core] = arrays.refine(tile).labels
    np.testing.assert_array_equal(
        open_pair(tmp_path / "i.zarr", tmp_path / "i.zarr/labels/refined").labels[:], expected
    )


@pytest.mark.parametrize(
    ("image", "labels", "of_image", "of_labels"),
    [
        ((3, 40, 60), (3, 40, 60), _PLANES, _PLANES),
        ((3, 40, 60), (40, 60), _PLANES, {}),
        ((40, 60, 3), (40, 60), {"photometric": "rgb"}, {}),
        ((5, 40, 60), (5, 40, 60), {"metadata": {"axes": "TYX"}}, {}),
        ((5, 2, 40, 60), (5, 40, 60), {"imagej": True, "metadata": {"axes": "ZCYX"}}, {}),
        ((5, 40, 60), (5, 40, 60), {"ome": True, "metadata": {"axes": "ZYX", "PhysicalSizeZ": 2.0}}, {}),
        ((5, 40, 60), (5, 40, 60), {}, {"imagej": True, "metadata": {"axes": "ZYX", "spacing": 2.0, "unit": "um"}}),
        ((40, 60), (40, 60), {"photometric": "miniswhite"}, {"rowsperstrip": 7}),
    ],
)
def test_tiff_files_are_paired_as_those_that_are_read_whole(
    tmp_path: Path, image: tuple[int, ...], labels: tuple[int, ...], of_image: dict[str, Any], of_labels: dict[str, Any]
) -> None:
    tifffile.imwrite(tmp_path / "i.tif", numbered(*image), **of_image)
    tifffile.imwrite(tmp_path / "l.tif", _strokes(*labels), **of_labels)
    read = read_pair(tmp_path / "i.tif", tmp_path / "l.tif")
    url = tmp_path.as_uri()
    pair = open_pair(f"{url}/i.tif", f"{url}/l.tif")
    for lazy, whole in zip(_whole(pair), (read.picture.image, read.labels, read.picture.mask), strict=True):
        np.testing.assert_array_equal(lazy, whole)
    for name in ("channel_axis", "spacing", "by_channel"):
        assert getattr(pair.picture, name) == getattr(read.picture, name)
    for name in ("axes", "grid", "apart", "said", "warnings"):
        assert getattr(pair, name) == getattr(read, name)
