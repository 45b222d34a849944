"""Refined layers as files, without a window."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from napari.layers import Labels
from PIL import Image

from napari_coarse_crf import CoarseCRFError, InputError, Parameters
from napari_coarse_crf.io import files
from napari_coarse_crf.plugin.result.saving import Saving, TableSaving, file_name

if TYPE_CHECKING:
    from pathlib import Path


def layer_of(label_ids: list[int], parameters: dict[str, Any] | None = None, dtype: str = "uint8") -> Labels:
    metadata = {} if parameters is None else {"napari_coarse_crf": {"parameters": parameters}}
    return Labels(np.array([label_ids, label_ids], dtype), name="refined", metadata=metadata)


def test_a_png_shows_the_ids_in_the_colours_of_the_layer(tmp_path: Path) -> None:
    layer = layer_of([0, 1, 7])
    assert Saving.prepare(layer, tmp_path / "out.png").write() == [
        tmp_path / "out.png",
        tmp_path / "out.coarse-crf.json",
    ]
    np.testing.assert_array_equal(files.read_labels(tmp_path / "out.png").ids, layer.data)
    with Image.open(tmp_path / "out.png") as picture:
        colours = np.asarray(picture.convert("RGB"))
    np.testing.assert_allclose(colours[0, 1:] / 255, layer.colormap.map(np.array([1, 7]))[:, :3], atol=0.003)


def test_what_is_painted_after_the_button_was_pressed_is_not_saved(tmp_path: Path) -> None:
    layer = layer_of([1, 2, 3])
    saving = Saving.prepare(layer, tmp_path / "out.tif")
    layer.data[...] = 9
    saving.write()
    assert 9 not in files.read_labels(tmp_path / "out.tif").ids


def test_a_name_without_an_ending_becomes_a_tiff_and_a_csv(tmp_path: Path) -> None:
    parameters = Parameters(theta_alpha=80)
    saving = Saving.prepare(layer_of([1, 2], parameters.to_dict()), tmp_path / "out")
    assert [path.name for path in saving.paths] == ["out.tif", "out_parameters.json", "out.coarse-crf.json"]
    assert saving.existing == []
    saving.write()
    assert files.read_preset(tmp_path / "out_parameters.json") == parameters
    assert saving.existing == saving.paths
    assert TableSaving.prepare("label", tmp_path / "table").write() == [tmp_path / "table.csv"]


@pytest.mark.parametrize("parameters", [{"theta_alpha": -1}, {"theta": 1, "names": ["a", "b"]}])
def test_a_result_of_another_version_is_saved_with_its_parameters_as_they_stand(
    tmp_path: Path, parameters: dict[str, Any]
) -> None:
    Saving.prepare(layer_of([1, 2], parameters), tmp_path / "out.tif").write()
    np.testing.assert_array_equal(files.read_labels(tmp_path / "out.tif").ids, [[1, 2], [1, 2]])
    assert json.loads((tmp_path / "out_parameters.json").read_text(encoding="utf-8")) == parameters


@pytest.mark.parametrize(
    ("keywords", "axes", "sizes"),
    [
        ({"scale": (2, 0.5, 0.25), "units": ("um", "um", "um")}, "ZYX", {"Z": 2, "Y": 0.5, "X": 0.25}),
        ({"scale": (2, 500, 0.25), "units": ("um", "nm", "um")}, "ZYX", {"Z": 2, "Y": 0.5, "X": 0.25}),
        ({"axis_labels": ("t", "y", "x"), "scale": (9, 3, 3), "units": ("s", "mm", "mm")}, "TYX", {"Y": 3e3, "X": 3e3}),
        ({"axis_labels": ("time", "row", "column"), "units": ("um",) * 3}, "TYX", {"Y": 1, "X": 1}),
        ({"axis_labels": ("-3", "-2", "-1"), "units": ("s", "um", "um")}, "TYX", {"Y": 1, "X": 1}),
        ({"axis_labels": ("t", "z", "x"), "units": ("um",) * 3}, "ZYX", {"Z": 1, "Y": 1, "X": 1}),  # not of OME
    ],
)
def test_a_tiff_says_what_its_axes_are_and_how_large_its_pixels_are(
    tmp_path: Path, keywords: dict[str, Any], axes: str, sizes: dict[str, float]
) -> None:
    layer = Labels(np.ones((2, 3, 4), np.int32), **keywords)
    path, _ = Saving.prepare(layer, tmp_path / "out.tif").write()
    with tifffile.TiffFile(path) as file:
        assert file.series[0].axes == axes
        found = dict(re.findall(r'PhysicalSize(\w)="([^"]+)"', file.ome_metadata or ""))
        assert set(re.findall(r'PhysicalSize\wUnit="([^"]+)"', file.ome_metadata or "")) == {"µm"}
        assert file.asarray().dtype == np.int32
    assert {axis: float(size) for axis, size in found.items()} == sizes


def test_axes_that_tiff_has_no_names_for_are_saved_without(tmp_path: Path) -> None:
    layer = Labels(np.ones((1, 2, 1, 3, 4), np.int32))
    path, _ = Saving.prepare(layer, tmp_path / "out.tif").write()
    np.testing.assert_array_equal(tifffile.imread(path).reshape(layer.data.shape), layer.data)


def test_a_number_in_the_name_is_no_ending(tmp_path: Path) -> None:
    names = [path.name for path in Saving.prepare(layer_of([1, 2]), tmp_path / "theta_1.5.tif").paths]
    assert names == ["theta_1.5.tif", "theta_1.5.coarse-crf.json"]


@pytest.mark.parametrize(
    ("layer", "name", "sentence"),
    [
        (layer_of([1, 70_000], dtype="int32"), "out.png", "70000 does not fit into a PNG"),
        (Labels(np.ones((2, 3, 4), np.uint8)), "out.png", "holds one plane"),
        (layer_of([1, 2]), "out.bmp", "should end in .png, .tif or .tiff"),
        (layer_of([1, 2]), "no/out.tif", "does not exist"),
    ],
)
def test_what_cannot_be_saved_is_found_out_before_anything_is_written(
    tmp_path: Path, layer: Labels, name: str, sentence: str
) -> None:
    with pytest.raises(CoarseCRFError, match=re.escape(sentence)):
        Saving.prepare(layer, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_table_cannot_be_saved_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        TableSaving.prepare("label", tmp_path / "no" / "table.csv")


@pytest.mark.parametrize(
    ("name", "wanted"), [("a b/c", "a_b_c"), ("..", "labels"), ("strokes refined [1]", "strokes_refined_1")]
)
def test_a_layer_name_becomes_a_file_name(name: str, wanted: str) -> None:
    assert file_name(name) == wanted
