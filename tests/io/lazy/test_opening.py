"""What is opened part by part holds what the file does, at every part, and says the same of it."""

from __future__ import annotations

import pickle
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
import zarr

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.lazy.opening import open_image, open_labels, open_mask
from napari_coarse_crf.io.reading import read_image, read_labels
from tests.io.lazy.making import numbered, write_labels, write_ome
from tests.io.test_tiff import with_mask

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS = ("0.4", "0.5")
RGB = {
    "channels": [
        {"color": color, "window": {"start": 0, "end": 255, "min": 0, "max": 255}}
        for color in ("FF0000", "00FF00", "0000FF")
    ]
}
PARTS = ((slice(3, 20), slice(17, 18)), (-1, slice(None, None, 3)), (slice(30, 30),), (), (..., -1))


def _is_alike(lazy: Any, array: Any) -> bool:
    same = lazy.shape == array.shape and lazy.dtype == array.dtype
    return same and all(np.array_equal(lazy[part], array[part]) for part in PARTS)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, ">u2"])
@pytest.mark.parametrize(
    ("axes", "shape", "kept"),
    [
        ("yx", (40, 60), "YX"),
        ("cyx", (3, 40, 60), "CYX"),
        ("zyx", (40, 33, 20), "ZYX"),
        ("tyx", (4, 40, 60), "TYX"),
        ("tczyx", (1, 3, 1, 40, 60), "CYX"),
        ("tczyx", (5, 2, 4, 20, 18), "TCZYX"),
    ],
)
def test_an_ome_zarr_image_is_what_was_written(
    tmp_path: Path, version: str, dtype: Any, axes: str, shape: tuple[int, ...], kept: str
) -> None:
    array = numbered(*shape, dtype=dtype)
    write_ome(tmp_path / "i.zarr", [array, array[..., ::2, ::2]], axes, version=version)
    opened = open_image(tmp_path / "i.zarr")
    assert (opened.axes, opened.names_axes, len(opened.levels)) == (kept, True, 2)
    squeezed = np.squeeze(array).astype(array.dtype.newbyteorder("="))
    assert _is_alike(opened.image, squeezed)
    assert _is_alike(pickle.loads(pickle.dumps(opened.image)), squeezed)
    assert _is_alike(opened.levels[1].data, squeezed[..., ::2, ::2])
    assert opened.levels[1].scale == tuple(2.0 if letter in "YX" else 1.0 for letter in kept)
    channel = None if "C" not in kept else kept.index("C")
    assert opened.channel_axis == channel
    assert opened.has_own_ranges(channel) == (channel is not None)


@pytest.mark.parametrize("version", VERSIONS)
def test_sizes_of_pixels_are_taken_from_the_metadata(tmp_path: Path, version: str) -> None:
    write_ome(tmp_path / "i.zarr", [numbered(4, 20, 30)], "zyx", version=version, sizes={"z": 2.0, "y": 0.5, "x": 0.5})
    grid = open_image(str(tmp_path / "i.zarr")).grid
    assert (grid.sizes, grid.unit) == ({"Z": 2.0, "Y": 0.5, "X": 0.5}, "µm")
    assert grid.spacing("ZYX") == ((2.0, 0.5, 0.5), "")


@pytest.mark.parametrize("version", VERSIONS)
def test_red_green_and_blue_bytes_are_colours(tmp_path: Path, version: str) -> None:
    array = numbered(3, 40, 60)
    write_ome(tmp_path / "i.zarr", [array], "cyx", version=version, omero=RGB)
    opened = open_image(tmp_path / "i.zarr")
    assert opened.axes == "YXS"
    assert not opened.has_own_ranges(opened.channel_axis)
    assert _is_alike(opened.image, np.moveaxis(array, 0, -1))


@pytest.mark.parametrize("version", VERSIONS)
def test_axes_are_told_apart_by_type_name_and_place(tmp_path: Path, version: str) -> None:
    """Units that the specification does not know are those of people."""
    write_ome(tmp_path / "i.zarr", [numbered(2, 4, 20, 30)], "czyx", version=version)
    group = zarr.open_group(str(tmp_path / "i.zarr"))
    said: Any = group.attrs.asdict()
    pyramid = said.get("ome", said)["multiscales"][0]
    for axes, letters in (
        ([("c", "channel"), ("depth", "space"), ("row", "space"), ("column", "space")], "CZYX"),
        ([("c", "channel"), ("x", "space"), ("y", "space"), ("z", "space")], "CXYZ"),
        ([("angle", "angle"), ("z", "space"), ("y", "space"), ("x", "space")], "?ZYX"),
        ([("phase", None), ("z", "space"), ("y", "space"), ("x", "space")], "?ZYX"),
    ):
        pyramid["axes"] = [
            {"name": name, "unit": "micron"} | ({} if kind is None else {"type": kind}) for name, kind in axes
        ]
        group.attrs.put(said)
        opened = open_image(tmp_path / "i.zarr")
        assert (opened.axes, opened.grid.unit) == (letters, "micron")


def test_the_first_of_several_images_is_taken_which_is_said(tmp_path: Path) -> None:
    """As bioformats2raw writes them."""
    group = zarr.create_group(str(tmp_path / "i.zarr"), zarr_format=2)
    group.attrs.put({"bioformats2raw.layout": 3})
    for name in ("0", "1"):
        write_ome(tmp_path / "i.zarr" / name, [numbered(40, 60)], "yx", version="0.4")
    opened = open_image(tmp_path / "i.zarr")
    assert _is_alike(opened.image, numbered(40, 60))
    assert opened.notes == (f"{tmp_path / 'i.zarr'}: It holds 2 images; the first one is taken.",)


def test_a_url_is_opened_as_a_path_is() -> None:
    array = numbered(3, 40, 60, dtype=np.uint16)
    write_ome("memory://folder/i.zarr", [array], "cyx")
    write_labels("memory://folder/i.zarr", "coarse", [array[0]], "yx")
    assert _is_alike(open_image("memory://folder/i.zarr").image, array)
    assert _is_alike(open_labels("memory://folder/i.zarr/labels/coarse").ids, array[0])


def test_another_process_opens_the_image_again(tmp_path: Path) -> None:
    array = numbered(40, 60)
    write_ome(tmp_path / "i.zarr", [array], "yx")
    tifffile.imwrite(tmp_path / "i.tif", array, tile=(16, 16), compression="zlib")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for name in ("i.zarr", "i.tif"):
            opened = open_image(tmp_path / name)
            np.testing.assert_array_equal(pool.submit(opened.image.__getitem__, slice(3, 20)).result(), array[3:20])


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_an_array_of_zarr_is_opened_without_metadata(tmp_path: Path, zarr_format: Any) -> None:
    array = numbered(40, 60, 3)
    zarr.create_array(str(tmp_path / "a.zarr"), data=array, chunks=(16, 16, 3), zarr_format=zarr_format)
    opened = open_image(tmp_path / "a.zarr")
    assert not opened.names_axes
    assert _is_alike(opened.image, array)


def test_an_array_of_zarr_may_name_its_axes(tmp_path: Path) -> None:
    array = numbered(2, 40, 60)
    zarr.create_array(str(tmp_path / "a.zarr"), data=array, dimension_names=["time", "y", "x"])
    assert open_image(tmp_path / "a.zarr").axes == "TYX"


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((40, 60), {"tile": (16, 16)}),
        ((40, 60, 3), {"tile": (16, 16), "photometric": "rgb", "compression": "jpeg"}),
        ((40, 60, 4), {"tile": (16, 16), "photometric": "rgb", "extrasamples": ["unassalpha"]}),
        ((3, 40, 60), {"tile": (16, 16), "photometric": "rgb", "planarconfig": "separate", "bigtiff": True}),
        ((5, 40, 60), {"tile": (16, 16), "metadata": {"axes": "TYX"}}),
        ((5, 2, 40, 60), {"tile": (16, 16), "ome": True, "metadata": {"axes": "ZCYX", "PhysicalSizeX": 0.5}}),
        ((40, 60), {"rowsperstrip": 7, "compression": "zlib", "photometric": "miniswhite"}),
        ((40, 60), {"photometric": "palette", "colormap": (numbered(3, 256).astype(np.uint16) * 256)}),
        ((40, 60), {"byteorder": ">", "extratags": [(42113, 2, 4, "7", True)]}),
    ],
)
def test_a_tiff_is_opened_as_it_is_read(tmp_path: Path, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    tifffile.imwrite(tmp_path / "i.tif", numbered(*shape), **options)
    opened, read = open_image(tmp_path / "i.tif"), read_image(tmp_path / "i.tif")
    assert _is_alike(opened.image, read.image)
    assert _is_alike(pickle.loads(pickle.dumps(opened.image)), read.image)
    assert (opened.axes, opened.names_axes, opened.grid, opened.notes) == (
        read.axes,
        read.names_axes,
        read.grid,
        read.notes,
    )
    for lazy, whole in ((opened.mask, read.mask), (opened.missing, read.missing)):
        assert (lazy is None) == (whole is None)
        assert lazy is None or _is_alike(lazy, whole)


def test_the_levels_of_a_slide_are_found(tmp_path: Path) -> None:
    """As a scanner of Aperio writes them: the slide, a picture of it in strips, its levels, its label and the glass."""
    array = numbered(128, 192, 3)
    said = "Aperio Image Library v1\n192x128 (32x32)"
    plain: dict[str, Any] = {"photometric": "rgb", "metadata": None}
    with tifffile.TiffWriter(tmp_path / "i.svs", bigtiff=True) as file:
        file.write(array, tile=(32, 32), description=f"{said}|AppMag = 40|MPP = 0.25", **plain)
        file.write(array[::8, ::8], description=f"{said} -> 24x16", **plain)
        for step in (2, 4):
            file.write(array[::step, ::step], tile=(32, 32), description=f"{said} -> level", **plain)
        for name in ("label", "macro"):
            file.write(array[:20, :20], description=f"Aperio\n{name} 20x20", subfiletype=1, **plain)
    opened = open_image(tmp_path / "i.svs")
    assert (opened.grid.sizes, opened.grid.unit, opened.notes) == ({"X": 0.25, "Y": 0.25}, "µm", ())
    assert [level.scale for level in opened.levels] == [(1, 1, 1), (2, 2, 1), (4, 4, 1)]
    assert _is_alike(opened.levels[2].data, array[::4, ::4])


def test_a_tiff_behind_a_url_is_read_part_by_part(tmp_path: Path) -> None:
    array = numbered(40, 60)
    tifffile.imwrite(tmp_path / "i.tif", array, tile=(16, 16))
    url = (tmp_path / "i.tif").as_uri()
    assert _is_alike(open_image(url).image, array)


@pytest.mark.parametrize("version", VERSIONS)
def test_labels_are_found_in_the_image_by_name_or_alone(tmp_path: Path, version: str) -> None:
    ids = numbered(40, 60, dtype=np.int32)
    write_ome(tmp_path / "i.zarr", [numbered(40, 60)], "yx", version=version)
    write_labels(tmp_path / "i.zarr", "coarse", [ids], "yx", version)
    for place in ("i.zarr", "i.zarr/labels", "i.zarr/labels/coarse"):
        assert _is_alike(open_labels(tmp_path / place).ids, ids)
    write_labels(tmp_path / "i.zarr", "fine", [ids], "yx", version)
    with pytest.raises(
        InputError, match=r"It holds 2 label maps \(coarse, fine\)\. Give one of them, such as .*coarse"
    ):
        open_labels(tmp_path / "i.zarr")


@pytest.mark.parametrize("level", [0, 1, 2])
def test_strokes_may_lie_on_any_level(tmp_path: Path, level: int) -> None:
    levels = [np.zeros((-(-41 // step), 60 // step), np.uint16) for step in (1, 2, 4)]
    levels[level][-1, 3] = 7
    levels[level][2, 5] = 9
    write_ome(tmp_path / "l.zarr", levels, "yx", label={})
    opened = open_labels(tmp_path / "l.zarr")
    step = 2**level
    full = np.kron(levels[level], np.ones((step, step), np.uint16))[:41, :60]
    assert _is_alike(opened.ids, full)
    assert _is_alike(pickle.loads(pickle.dumps(opened.ids)), full)
    assert bool(opened.said) == (level > 0)


def test_labels_of_a_tiff_are_opened_as_they_are_read(tmp_path: Path) -> None:
    for dtype, options in ((np.uint16, {"tile": (16, 16)}), (np.float32, {"rowsperstrip": 8})):
        ids = numbered(40, 60, dtype=dtype)
        tifffile.imwrite(tmp_path / "l.tif", ids, **options)
        opened, read = open_labels(tmp_path / "l.tif"), read_labels(tmp_path / "l.tif")
        np.testing.assert_array_equal(opened.ids[:], read.ids)
        assert opened.ids.dtype.kind in "iu"


def test_floats_that_stand_for_no_data_are_no_labels(tmp_path: Path) -> None:
    ids = numbered(40, 60, dtype=np.float64)
    ids[3] = np.nan
    zarr.create_array(str(tmp_path / "l.zarr"), data=ids)
    opened = open_labels(tmp_path / "l.zarr")
    assert not opened.ids[3].any()
    assert opened.missing[2:5].any(axis=1).tolist() == [False, True, False]


def test_a_mask_is_what_is_not_black(tmp_path: Path) -> None:
    mask = numbered(40, 60) > 100
    zarr.create_array(str(tmp_path / "m.zarr"), data=mask)
    tifffile.imwrite(tmp_path / "m.tif", mask.astype(np.uint8) * 255, tile=(16, 16))
    assert _is_alike(open_mask(tmp_path / "m.zarr").mask, mask)
    assert _is_alike(open_mask(tmp_path / "m.tif").mask, mask)


def _damaged(folder: Path) -> dict[str, str]:
    """Make what cannot be opened, and return what is said of each by its name."""
    write_ome(folder / "level.zarr", [numbered(20, 20), numbered(10, 10)], "yx")
    shutil.rmtree(folder / "level.zarr" / "1")
    (folder / "text.zarr").mkdir()
    (folder / "text.zarr" / "zarr.json").write_text("{no")
    (folder / "empty.zarr").mkdir()
    zarr.create_group(str(folder / "group.zarr"))
    zarr.create_group(str(folder / "arrays.zarr")).create_array("raw", data=numbered(4, 4))
    old = zarr.create_group(str(folder / "old.zarr"), zarr_format=2)
    old.attrs.update({"multiscales": [{"version": "0.1", "datasets": [{"path": "0"}]}]})
    new = zarr.create_group(str(folder / "new.zarr"))
    new.attrs.update({"ome": {"version": "0.6", "multiscales": []}})
    bare = zarr.create_group(str(folder / "bare.zarr"))
    bare.attrs.update({"ome": {"version": "0.5", "multiscales": [{"datasets": []}]}})
    none = zarr.create_group(str(folder / "none.zarr"))
    none.attrs.update({"ome": {"version": "0.5", "multiscales": []}})
    plate = zarr.create_group(str(folder / "plate.zarr"))
    plate.attrs.update({"ome": {"version": "0.5", "plate": {}}})
    return {
        "level.zarr": "Its level 1 is missing: it is incomplete",
        "text.zarr": "cannot be read: Expecting",
        "empty.zarr": "It holds no zarr array or group",
        "gone.zarr": "There is no file or folder",
        "group.zarr": "describes no image",
        "arrays.zarr": "with the arrays raw. Give one of them, such as .*arrays.zarr/raw",
        "old.zarr": "It is OME-Zarr 0.1, and 0.4 and 0.5 are read here",
        "new.zarr": "It is OME-Zarr 0.6",
        "bare.zarr": "is not OME-Zarr 0.5: multiscales.0.axes: Field required",
        "none.zarr": r"Its list of pyramids \(multiscales\) holds none",
        "plate.zarr": "It is a plate of many images",
    }


def test_what_cannot_be_opened_is_said_in_a_sentence(tmp_path: Path) -> None:
    for name, sentence in _damaged(tmp_path).items():
        with pytest.raises(InputError, match=rf"^{tmp_path}/{name} .*{sentence}"):
            open_image(tmp_path / name)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("memory://nothing.zarr", "no zarr array or group"),
        ("unheard://bucket/i.zarr", "cannot be read: Protocol not known: unheard"),
        ("memory://nothing.tif", "There is nothing"),
        ("oss://bucket/i.zarr", "What reads such addresses is not installed: Install ossfs"),
    ],
)
def test_urls_that_lead_nowhere_are_named(url: str, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{url} .*{sentence}"):
        open_image(url)


@pytest.mark.parametrize("samples", [3, 4])
@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_mask_that_is_stored_beside_is_read_as_that_of_a_whole_file(
    tmp_path: Path, samples: int, bands: int, dtype: Any
) -> None:
    mask = (numbered(*(40, 60, 3)[: 2 + (bands > 1)]) > 90).astype(np.uint8)
    path = with_mask(tmp_path / "i.tif", numbered(40, 60, samples, dtype=dtype), mask)
    opened, read = open_image(path), read_image(path)
    assert read.mask is not None
    assert _is_alike(opened.mask, read.mask)


def test_labels_are_read_as_those_of_a_whole_file_with_a_mask_beside_or_opacity(tmp_path: Path) -> None:
    ids, opaque = numbered(40, 60), (numbered(60, 40).T > 90).astype(np.uint8)
    path = with_mask(tmp_path / "l.tif", ids, opaque, photometric="minisblack")
    opened, read = open_labels(path), read_labels(path)
    assert read.missing is not None
    assert _is_alike(opened.ids, read.ids)
    assert _is_alike(opened.missing, read.missing)
    tifffile.imwrite(path, np.stack([ids, opaque], -1), photometric="minisblack", extrasamples=["unassalpha"])
    with pytest.raises(InputError, match="Some of its labelled pixels are transparent"):
        open_labels(path).ids[:]
    tifffile.imwrite(path, np.stack([ids * opaque, opaque], -1), photometric="minisblack", extrasamples=["unassalpha"])
    assert _is_alike(open_labels(path).ids, read_labels(path).ids)


def test_a_mask_beside_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    opened = open_image(with_mask(tmp_path / "i.tif", numbered(40, 60, 3), numbered(20, 60)))
    assert opened.mask is None
    assert opened.notes == (f"{tmp_path / 'i.tif'}: It holds a mask of another shape, which is not used.",)


def test_a_part_that_is_damaged_gets_a_sentence_when_it_is_read(tmp_path: Path) -> None:
    store, picture = tmp_path / "a.zarr", tmp_path / "a.tif"
    zarr.create_array(store, data=np.ones((20, 30), np.uint8), chunks=(20, 30), compressors=None)
    (store / "c" / "0" / "0").write_bytes(b"\1\2")
    tifffile.imwrite(picture, np.ones((64, 64), np.uint8), tile=(32, 32), compression="zlib")
    with tifffile.TiffFile(picture) as file:
        place = file.pages.first.dataoffsets[0]
    content = bytearray(picture.read_bytes())
    content[place : place + 4] = b"\xff" * 4
    picture.write_bytes(content)
    for path in (store, picture):
        image = open_image(path).image
        with pytest.raises(InputError, match=rf"{path.name} cannot be read: .*It is damaged or incomplete"):
            image[:9, :9]


def test_a_part_that_the_system_refuses_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones((64, 64), np.uint8), tile=(32, 32))
    image = open_image(path).image
    path.unlink()
    with pytest.raises(OSError, match=r"a\.tif"):
        image[:9, :9]


def test_pixels_without_a_size_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "a.zarr"
    write_ome(place, [np.ones((20, 30), np.uint8)], "yx", sizes={"y": 0})
    with pytest.raises(InputError, match="gives its pixels the size 0"):
        open_image(place)
