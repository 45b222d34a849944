"""What files say of the place of their pixels is read, and said again of an array with other numbers."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_coarse_crf.io import files
from napari_coarse_crf.io.grid import Grid
from napari_coarse_crf.io.tiff import encode_tiff, read_tiff

if TYPE_CHECKING:
    from pathlib import Path

STACK = np.zeros((3, 8, 9), np.uint16)
PLANE = STACK[0]
KEYS = [
    (34735, 3, 8, (1, 1, 0, 1, 1024, 0, 1, 1), True),
    (34736, 12, 1, (6378137.0,), True),
    (34737, 2, 15, "Gauß-Krüger|".encode(), True),
]
SCALE = [(33550, 12, 3, (0.5, 0.25, 0.0), True), (33922, 12, 6, (0, 0, 0, 5e5, 4e6, 0), True), *KEYS]
MATRIX = [(34264, 12, 16, (0.3, 0.4, 0, 5e5, 0.4, -0.3, 0, 4e6, *(0,) * 7, 1), True), *KEYS]


def grid_of(path: Path, pixels: Any = STACK, **how: Any) -> Grid:
    tifffile.imwrite(path, pixels, photometric="minisblack", **how)
    return read_tiff(path).grid


def again(path: Path, values: Any, axes: str, grid: Grid) -> tuple[str, Grid]:
    """Write values on a grid, and return the axes and the grid that are read from there."""
    path.write_bytes(encode_tiff(values, axes, grid))
    read = read_tiff(path)
    assert np.array_equal(read.pixels, values)
    assert read.pixels.dtype == values.dtype
    return read.axes, read.grid


def test_imagej_says_sizes_in_a_unit_and_its_spacing(tmp_path: Path) -> None:
    said = {"axes": "ZYX", "spacing": -2.0, "unit": "\\u00B5m", "finterval": 3.5, "Info": "a\nb"}
    grid = grid_of(tmp_path / "a.tif", imagej=True, resolution=(10, 5), metadata=said)
    assert grid == Grid({"Y": 0.2, "X": 0.1, "Z": 2.0}, "µm", "ImageJ", more={"finterval": 3.5, "Info": "a\nb"})
    for dtype in (np.uint8, np.uint16, np.float32):
        assert again(tmp_path / "b.tif", STACK.astype(dtype), "ZYX", grid) == ("ZYX", grid)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.is_imagej


def test_imagej_leaves_out_a_spacing_of_one_and_may_have_a_unit_for_each_axis(tmp_path: Path) -> None:
    said: dict[str, Any] = {"axes": "ZYX", "unit": "mm"}
    assert grid_of(tmp_path / "a.tif", imagej=True, resolution=(4, 4), metadata=said).sizes["Z"] == 1
    said |= {"spacing": 500, "zunit": "micron"}
    assert grid_of(tmp_path / "a.tif", imagej=True, resolution=(4, 4), metadata=said).sizes["Z"] == 0.5
    said |= {"zunit": "hands"}
    grid = grid_of(tmp_path / "a.tif", imagej=True, resolution=(4, 4), metadata=said)
    assert grid.sizes == {}
    assert grid.doubt.startswith("Its pixel sizes are in units that were not understood (mm, hands). Give them with")
    assert grid.doubt in read_tiff(tmp_path / "a.tif").notes
    assert "Z" not in grid_of(tmp_path / "a.tif", imagej=True, metadata={"axes": "ZYX", "unit": "pixel"}).sizes


def test_ome_says_a_size_and_a_unit_for_each_axis(tmp_path: Path) -> None:
    said = {
        "axes": "ZYX",
        "PhysicalSizeX": 250.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.25,
        "PhysicalSizeZ": 2.0,
        "PhysicalSizeZUnit": "µm",
        "TimeIncrement": 3.0,
        "TimeIncrementUnit": "s",
    }
    grid = grid_of(tmp_path / "a.tif", ome=True, metadata=said)
    assert grid.sizes == pytest.approx({"X": 250.0, "Y": 250.0, "Z": 2000.0})
    assert (grid.unit, grid.style, grid.more) == ("nm", "OME", {"TimeIncrement": 3, "TimeIncrementUnit": "s"})
    for dtype in (np.uint8, np.int32, np.float32):
        axes, read = again(tmp_path / "b.tif", STACK.astype(dtype), "ZYX", grid)
        assert read.sizes == pytest.approx({"X": 0.25, "Y": 0.25, "Z": 2.0})
        assert (axes, read.unit, read.more) == ("ZYX", "µm", grid.more)


@pytest.mark.parametrize("style", ["OME", "ImageJ"])
def test_ids_that_neither_ome_nor_imagej_can_hold_keep_axes_and_sizes(tmp_path: Path, style: Any) -> None:
    grid = Grid({"X": 0.1, "Y": 0.1, "Z": 2.0}, "µm", style)
    axes, read = again(tmp_path / "a.tif", STACK.astype(np.int64), "ZYX", grid)
    assert (axes, read.unit, read.spacing(axes)) == ("ZYX", "µm", ((2.0, 0.1, 0.1), ""))
    axes, read = again(tmp_path / "a.tif", STACK.astype(np.int32), "ZYX", grid)
    assert (axes, read.style, read.spacing(axes)) == ("ZYX", "OME", ((2.0, 0.1, 0.1), ""))


@pytest.mark.parametrize("style", ["OME", "ImageJ", "plain"])
@pytest.mark.parametrize("axes", ["TZYX", "ZTYX", "CZYX", "TCYX", "CTYX", "?ZYX", "??YX", "T?YX"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.float32])
def test_axes_of_any_order_are_kept(tmp_path: Path, style: Any, axes: str, dtype: Any) -> None:
    grid = Grid({"X": 0.1, "Y": 0.2, "Z": 3.0}, "µm", style, more={"tunit": "µs"} if style == "ImageJ" else {})
    found, read = again(tmp_path / "a.tif", np.zeros((3, 2, 8, 9), dtype), axes, grid)
    assert len(found) == 4
    if "?" not in axes:
        assert found == axes
    if style != "plain" and axes.count("?") < 2:
        assert read.sizes["X"] == pytest.approx(0.1)


def test_dots_per_inch_are_sizes(tmp_path: Path) -> None:
    grid = grid_of(tmp_path / "a.tif", PLANE, resolution=(204, 98), resolutionunit="inch")
    assert grid.sizes == pytest.approx({"X": 1 / 204, "Y": 1 / 98})
    axes, read = again(tmp_path / "b.tif", PLANE, "YX", grid)
    assert (axes, read.unit) == ("YX", "inch")
    assert read.sizes == pytest.approx(grid.sizes)
    Image.fromarray(np.zeros((8, 9), np.uint8)).save(tmp_path / "c.tif", dpi=(100, 200))
    assert read_tiff(tmp_path / "c.tif").grid.spacing("YX")[0] == pytest.approx((1 / 200, 1 / 100))


def test_a_resolution_that_says_nothing_is_no_size(tmp_path: Path) -> None:
    for resolution in ((0, 0), (72, 0)):
        assert grid_of(tmp_path / "a.tif", PLANE, resolution=resolution).sizes == {}
    Image.fromarray(np.zeros((8, 9), np.uint8)).save(tmp_path / "b.tif")
    assert read_tiff(tmp_path / "b.tif").grid == Grid()


@pytest.mark.parametrize(("tags", "sizes"), [(SCALE, {"X": 0.5, "Y": 0.25}), (MATRIX, {"X": 0.5, "Y": 0.5})])
def test_a_georeference_says_sizes_and_is_said_again(tmp_path: Path, tags: Any, sizes: dict[str, float]) -> None:
    grid = grid_of(tmp_path / "a.tif", PLANE, extratags=tags)
    assert grid.sizes == pytest.approx(sizes)
    again(tmp_path / "b.tif", PLANE.astype(np.int32), "YX", grid)
    with tifffile.TiffFile(tmp_path / "a.tif") as one, tifffile.TiffFile(tmp_path / "b.tif") as other:
        assert one.geotiff_metadata
        assert one.geotiff_metadata == other.geotiff_metadata


def lsm(sizes: tuple[float, float, float]) -> bytes:
    """Return an LSM file of three planes, each with its thumbnail."""
    numbers: dict[str, Any] = {
        "DimensionX": 9,
        "DimensionY": 8,
        "DimensionZ": 3,
        "DimensionChannels": 1,
        "DimensionTime": 1,
    }
    numbers |= {"MagicNumber": 67127628, "StructureSize": 108, "VoxelSizeX": sizes[2], "VoxelSizeY": sizes[1]}
    numbers |= {"VoxelSizeZ": sizes[0], "DataType": 2}
    kinds = {"u4": "I", "i4": "i", "f8": "d", "u2": "H", "i2": "h"}
    info = b""
    for name, kind in tifffile.TIFF.CZ_LSMINFO:
        if len(info) == 108:
            break
        info += struct.pack("<" + kinds[kind], numbers.get(name, 0))
    content = BytesIO()
    with tifffile.TiffWriter(content, byteorder="<") as file:
        for number, plane in enumerate(STACK):
            tags = [(34412, 1, len(info), info, True)] if number == 0 else []
            file.write(plane, metadata=None, photometric="minisblack", extratags=tags)
            file.write(plane[::2, ::2].astype(np.uint8), metadata=None, photometric="minisblack", subfiletype=1)
    return content.getvalue()


def test_lsm_says_sizes_in_metres(tmp_path: Path) -> None:
    (tmp_path / "a.lsm").write_bytes(lsm((2e-6, 5e-7, 5e-7)))
    read = read_tiff(tmp_path / "a.lsm")
    assert (read.axes.replace("C", "").replace("T", ""), read.names_axes, read.pictures) == ("ZYX", True, 1)
    assert read.grid.sizes == pytest.approx({"X": 0.5, "Y": 0.5, "Z": 2.0})
    assert files.read_image(tmp_path / "a.lsm").axes == "ZYX"


def test_sizes_that_are_alike_but_for_rounding_are_no_spacing() -> None:
    assert Grid({"X": 0.1, "Y": 0.10001}).spacing("YX") == (None, "")
    assert Grid({"X": 0.1, "Y": 0.11}).spacing("YX") == ((0.11, 0.1), "")
    assert Grid({"X": 0.1, "Y": 0.2}).spacing("ZYX") == ((0.1, 0.2, 0.1), "Z")
    assert Grid({"X": 0.1, "Y": 0.1, "Z": 0.5}).spacing("?YX") == ((0.5, 0.1, 0.1), "")
    assert Grid().spacing("ZYX") == (None, "ZYX")


def test_without_a_grid_a_file_says_nothing_new(tmp_path: Path) -> None:
    for values, axes in ((PLANE, "YX"), (STACK, "?YX")):
        assert again(tmp_path / "a.tif", values, "", Grid())[0] == axes


def test_sizes_on_the_ground_have_no_sign_and_what_is_not_understood_of_them_is_told(tmp_path: Path) -> None:
    downwards = [(33550, 12, 3, (0.5, -0.25, 0.0), True)]
    assert grid_of(tmp_path / "a.tif", PLANE, extratags=downwards).sizes == {"X": 0.5, "Y": 0.25}
    for odd in ((33550, 12, 1, (0.5,), True), (34264, 12, 12, tuple(range(12)), True)):
        grid = grid_of(tmp_path / "a.tif", PLANE, extratags=[odd])
        assert grid.doubt == "How large its pixels are on the ground was not understood. Give it with --spacing."
