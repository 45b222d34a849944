"""Refined layers as files, without a window."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
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
    assert Saving.prepare(layer, tmp_path / "out.png").write() == [tmp_path / "out.png"]
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
    assert [path.name for path in saving.paths] == ["out.tif", "out_parameters.json"]
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


def test_a_number_in_the_name_is_no_ending(tmp_path: Path) -> None:
    assert Saving.prepare(layer_of([1, 2]), tmp_path / "theta_1.5.tif").paths == [tmp_path / "theta_1.5.tif"]


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
