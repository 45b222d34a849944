"""What is written part by part is whole in the end, and is recognised until then as what it is: unfinished."""

from __future__ import annotations

import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
import yaozarrs
import zarr
from napari_builtins.io import napari_get_reader
from zarr.errors import ZarrUserWarning

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.grid import Grid
from napari_coarse_crf.io.lazy.chunks import align, chunks_for
from napari_coarse_crf.io.lazy.ground import Ground
from napari_coarse_crf.io.lazy.opening import open_image, open_labels
from napari_coarse_crf.io.lazy.stores import check_place, unfinished_run
from napari_coarse_crf.io.lazy.writing import create_confidence, create_labels, reopen
from napari_coarse_crf.io.reading import read_labels
from napari_coarse_crf.tiles.cutting import cut_boxes
from tests.io.lazy.making import numbered, write_labels, write_ome

if TYPE_CHECKING:
    from pathlib import Path

    from napari_coarse_crf.io.lazy.writing import Written

TILE = (32, 48)
IDS = numbered(100, 130, dtype=np.uint16)
VERSIONS = ("0.4", "0.5")


def _write(store: Written, box: tuple[slice, ...], values: Any) -> None:
    store[box] = values


def _fill(store: Written, values: Any = IDS, tile: Any = TILE) -> None:
    """Write all tiles, the last one first."""
    for box in reversed(cut_boxes(store.shape, tile)):
        store[box] = values[box]


def _image(place: Path | str, version: str, axes: str = "cyx", shape: tuple[int, ...] = (3, 100, 130)) -> Ground:
    array = numbered(*shape)
    levels = [array, array[..., ::2, ::2], array[..., ::4, ::4]]
    sizes = {"y": 0.5, "x": 0.5}
    write_ome(place, levels, axes, version=version, sizes=sizes)
    opened = open_image(place)
    return Ground.of_image(opened, (100, 130), "YX", opened.channel_axis)


def _names(image: Path) -> list[str]:
    said: Any = zarr.open_group(str(image / "labels"), mode="r").attrs.asdict()
    names: list[str] = said.get("ome", said)["labels"]
    return names


def _validate(place: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ZarrUserWarning)
        yaozarrs.validate_zarr_store(str(place))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("axes", "shape"), [("cyx", (3, 100, 130)), ("tczyx", (1, 3, 1, 100, 130)), ("yx", (100, 130))]
)
def test_labels_are_written_into_an_image(tmp_path: Path, version: str, axes: str, shape: tuple[int, ...]) -> None:
    image = tmp_path / "i.zarr"
    ground = _image(image, version, axes, shape)
    place = image / "labels" / "refined"
    store = create_labels(place, ground, np.uint16, tile=TILE, colours={3: (255, 0, 0, 255), 1: (0, 0, 9, 255)})
    _fill(store)
    store.finish()
    _validate(image)
    opened = open_labels(image)
    np.testing.assert_array_equal(opened.ids[:], IDS)
    assert opened.colours == {1: (0, 0, 9, 255), 3: (255, 0, 0, 255)}
    assert opened.multiscale is not None
    assert opened.multiscale.version == version
    assert opened.grid.sizes == {"Y": 0.5, "X": 0.5} | ({"Z": 1.0} if "z" in axes else {})
    group: Any = zarr.open_group(str(place), mode="r")
    assert [group[str(number)].shape[-2:] for number in range(3)] == [(100, 130), (50, 65), (25, 33)]
    np.testing.assert_array_equal(np.squeeze(group["1"][:]), IDS[::2, ::2])
    assert set(np.unique(group["2"][:])) <= set(np.unique(IDS))
    said: Any = group.attrs.asdict()
    label = said.get("ome", said)["image-label"]
    assert [one["label-value"] for one in label["colors"]] == [1, 3]
    assert label["source"] == {"image": "../../"}


@pytest.mark.parametrize("version", VERSIONS)
def test_napari_opens_what_was_written(tmp_path: Path, version: str) -> None:
    ground, place = _image(tmp_path / "i.zarr", version), tmp_path / "i.zarr" / "labels" / "refined"
    store = create_labels(place, ground, np.uint16, tile=TILE)
    _fill(store)
    store.finish()
    read = napari_get_reader(str(place))
    assert read is not None
    ((levels, *_),) = read(str(place))
    np.testing.assert_array_equal(levels[0], IDS)
    assert [level.shape for level in levels] == [(100, 130), (50, 65), (25, 33)]


@pytest.mark.parametrize("version", VERSIONS)
def test_other_label_maps_of_the_image_stay_in_its_list(tmp_path: Path, version: str) -> None:
    image = tmp_path / "i.zarr"
    ground = _image(image, version)
    write_labels(image, "coarse", [IDS], "yx", version)
    store = create_labels(image / "labels" / "refined", ground, np.uint16, tile=TILE)
    assert _names(image) == ["coarse"], "not before it is finished"
    store.finish()
    assert _names(image) == ["coarse", "refined"]


def test_a_summary_of_the_metadata_is_renewed(tmp_path: Path) -> None:
    image = tmp_path / "i.zarr"
    ground = _image(image, "0.4")
    zarr.consolidate_metadata(str(image))
    create_labels(image / "labels" / "refined", ground, np.uint16, tile=TILE).finish()
    group = zarr.open_group(str(image), mode="r", use_consolidated=True)["labels/refined"]
    assert set(group.attrs) == {"multiscales", "image-label"}


@pytest.mark.parametrize("name", ["l.zarr", "l.tif", "i.zarr/labels/refined"])
def test_processes_write_tiles_in_any_order(tmp_path: Path, name: str) -> None:
    ground = _image(tmp_path / "i.zarr", "0.5")
    store = create_labels(tmp_path / name, ground, np.uint16, tile=TILE)
    boxes = cut_boxes(store.shape, TILE)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(_write, [store] * len(boxes), reversed(boxes), [IDS[box] for box in reversed(boxes)]))
    np.testing.assert_array_equal(store[:], IDS)
    store.finish()
    np.testing.assert_array_equal(open_labels(tmp_path / name).ids[:], IDS)


@pytest.mark.parametrize("name", ["l.zarr", "l.tif", "i.zarr/labels/refined"])
def test_another_run_goes_on_with_what_is_unfinished(tmp_path: Path, name: str) -> None:
    ground, place = _image(tmp_path / "i.zarr", "0.5"), tmp_path / name
    first = create_labels(place, ground, np.uint16, tile=TILE, run={"digest": "a1"})
    top = (slice(0, 64), slice(None))
    first[top] = IDS[top]
    with pytest.raises(InputError):
        open_labels(place)
    assert unfinished_run(place) == {"digest": "a1"}
    check_place(place)
    with pytest.raises(InputError, match="An unfinished result is there"):
        create_labels(place, ground, np.uint16, tile=TILE)
    with pytest.raises(InputError, match="It was begun in tiles of other sides"):
        reopen(place, ground, tile=(40, 40))
    with pytest.raises(InputError, match="It was begun for an image of another shape"):
        reopen(place, Ground.of((50, 50)), tile=TILE)
    again = reopen(place, ground, tile=TILE)
    bottom = (slice(64, 100), slice(None))
    again[bottom] = IDS[bottom]
    again.finish()
    assert unfinished_run(place) is None
    np.testing.assert_array_equal(open_labels(place).ids[:], IDS)
    with pytest.raises(InputError, match="Nothing unfinished is there"):
        reopen(place, ground, tile=TILE)
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_what_is_unfinished_says_so_to_readers(tmp_path: Path) -> None:
    create_labels(tmp_path / "l.zarr", Ground.of((100, 130)), np.uint16, tile=TILE)
    with pytest.raises(InputError, match="It is not finished: the run that writes it goes on, or was stopped"):
        open_labels(tmp_path / "l.zarr")


def test_a_run_stopped_while_it_finishes_is_finished_by_another(tmp_path: Path) -> None:
    ground, place = _image(tmp_path / "i.zarr", "0.4"), tmp_path / "i.zarr" / "labels" / "refined"
    store = create_labels(place, ground, np.uint16, tile=TILE)
    _fill(store)
    steps = store.finishing()
    next(steps), next(steps)
    steps.close()
    assert unfinished_run(place) == {}
    with pytest.raises(InputError, match="It is not finished"):
        open_labels(place)
    reopen(place, ground, tile=TILE).finish()
    _validate(tmp_path / "i.zarr")


@pytest.mark.parametrize("name", ["l.zarr", "l.tif", "i.zarr/labels/refined"])
def test_nothing_is_overwritten_unless_asked_for(tmp_path: Path, name: str) -> None:
    ground, place = _image(tmp_path / "i.zarr", "0.5"), tmp_path / name
    store = create_labels(place, ground, np.uint16, tile=TILE)
    _fill(store)
    store.finish()
    for refused in (create_labels, create_confidence):
        with pytest.raises(InputError):
            refused(place, ground, np.uint16, tile=TILE)
    with pytest.raises(InputError, match="Add --overwrite to replace it"):
        check_place(place)
    check_place(place, overwrite=True)
    store = create_labels(place, ground, np.uint16, tile=TILE, overwrite=True)
    _fill(store, IDS[::-1])
    store.finish()
    np.testing.assert_array_equal(open_labels(place).ids[:], IDS[::-1])


def test_what_is_read_is_never_written_to(tmp_path: Path) -> None:
    image = tmp_path / "i.zarr"
    _image(image, "0.5")
    (tmp_path / "folder").mkdir()
    for place, inputs in (
        (image, [image]),
        (image / "0", [image]),
        (tmp_path, [image]),
        (image / "labels" / "a", [image / "labels" / "a"]),
    ):
        with pytest.raises(InputError, match="is read by this command"):
            check_place(place, overwrite=True, inputs=inputs)
    check_place(image / "labels" / "refined", inputs=[image])
    with pytest.raises(InputError, match=r"Give this one a name: .*labels/NAME"):
        check_place(image / "labels", inputs=[image])
    with pytest.raises(InputError, match="is no zarr store, and is not replaced"):
        check_place(tmp_path / "folder", overwrite=True)
    with pytest.raises(InputError, match="Create it first, or choose another one"):
        check_place(tmp_path / "gone" / "l.zarr")
    with pytest.raises(InputError, match="TIFF files are written to folders"):
        check_place("memory://l.tif")


@pytest.mark.parametrize("name", ["l.zarr", "i.zarr/labels/refined"])
def test_a_url_is_written_to_as_a_path_is(name: str) -> None:
    folder = f"memory://{name.replace('/', '-')}"
    ground, place = _image(f"{folder}/i.zarr", "0.5"), f"{folder}/{name}"
    store = create_labels(place, ground, np.uint16, tile=TILE)
    _fill(store)
    store.finish()
    np.testing.assert_array_equal(open_labels(place).ids[:], IDS)
    with pytest.raises(InputError, match="Add --overwrite to replace it"):
        create_labels(place, ground, np.uint16, tile=TILE)
    store = create_labels(place, ground, np.uint16, tile=TILE, overwrite=True)
    store.discard()
    with pytest.raises(InputError):
        open_labels(place)


@pytest.mark.parametrize("axes", ["YX", "TYX", "ZYX"])
def test_a_tiff_says_where_its_pixels_lie_and_has_smaller_sizes(tmp_path: Path, axes: str) -> None:
    ids = numbered(*(2, 700, 1100)[-len(axes) :], dtype=np.uint32)
    grid = Grid({"Z": 2.0, "Y": 0.5, "X": 0.5}, "µm", "OME")
    tile = (1, 512, 512)[-len(axes) :]
    store = create_labels(tmp_path / "l.tif", Ground.of(ids.shape, axes, grid), np.uint32, tile=tile)
    _fill(store, ids, tile)
    store.finish()
    read = read_labels(tmp_path / "l.tif")
    np.testing.assert_array_equal(read.ids, ids)
    assert (read.axes, read.grid.size_along("X"), read.grid.unit) == (axes, 0.5, "µm")
    with tifffile.TiffFile(tmp_path / "l.tif") as file:
        assert file.is_bigtiff
        assert file.pages.first.is_tiled
        assert [level.shape[-2:] for level in file.series[0].levels] == [(700, 1100), (350, 550), (175, 275)]
        np.testing.assert_array_equal(file.series[0].levels[1].asarray(), ids[..., ::2, ::2])


@pytest.mark.parametrize(("dtype", "most"), [(np.float32, 1.0), (np.uint8, 255), (np.uint16, 65535)])
@pytest.mark.parametrize("name", ["c.zarr", "c.tif"])
def test_confidence_is_stored_in_floats_or_whole_numbers(tmp_path: Path, name: str, dtype: Any, most: float) -> None:
    values = (IDS / 250).astype(np.float32)
    store = create_confidence(tmp_path / name, Ground.of(IDS.shape), dtype, tile=TILE)
    _fill(store, values)
    store.finish()
    opened = open_image(tmp_path / name).image
    assert opened.dtype == dtype
    np.testing.assert_allclose(opened[:] / most, values, atol=0.5 / most if most > 1 else 0)


def test_confidence_is_no_label_map(tmp_path: Path) -> None:
    ground = _image(tmp_path / "i.zarr", "0.5")
    with pytest.raises(InputError, match="confidence is none"):
        create_confidence(tmp_path / "i.zarr" / "labels" / "sure", ground, tile=TILE)


@pytest.mark.parametrize("axes", ["??YX", "XY"])
def test_axes_without_words_in_ome_zarr_make_an_array_of_zarr(tmp_path: Path, axes: str) -> None:
    ids = numbered(*(2, 3, 20, 30)[-len(axes) :], dtype=np.uint8)
    store = create_labels(tmp_path / "l.zarr", Ground.of(ids.shape, axes), np.uint8, tile=ids.shape)
    store[(slice(None),) * ids.ndim] = ids
    store.finish()
    np.testing.assert_array_equal(open_labels(tmp_path / "l.zarr").ids[:], ids)


@pytest.mark.parametrize("shape", [(5000, 7000), (40, 60), (3, 500, 5000), (300, 301, 302), (997,)])
@pytest.mark.parametrize("side", [16, 100, 997, 1000, 2048])
def test_no_two_tiles_write_one_chunk(shape: tuple[int, ...], side: int) -> None:
    asked = (side,) * len(shape)
    tile, chunk = align(shape, asked)
    for size, one, other, wanted in zip(shape, tile, chunk, asked, strict=True):
        assert one >= size or one % other == 0
        assert wanted <= one <= 2 * wanted
    for size, one, other in zip(shape, asked, chunks_for(shape, asked), strict=True):
        assert one >= size or one % other == 0
