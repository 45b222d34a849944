"""What is saved opens in napari as the layer that it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap, label_colormap

from napari_coarse_crf import InputError, Parameters
from napari_coarse_crf.plugin import refine_layer
from napari_coarse_crf.plugin.layers.classes import class_names_of
from napari_coarse_crf.plugin.layers.look import place_of, same_place
from napari_coarse_crf.plugin.layers.provenance import parameters_of, provenance
from napari_coarse_crf.plugin.layers.saved import describe_layer, description_path, get_reader, open_saved
from napari_coarse_crf.plugin.result.saving import Saving

if TYPE_CHECKING:
    from collections.abc import Callable

STORED = Path(__file__).parents[2] / "data" / "stored"

FLAT: dict[str, Any] = {"scale": (0.5, 0.25), "translate": (3, 1), "units": ("um", "um"), "axis_labels": ("y", "x")}
DEEP: dict[str, Any] = {
    "scale": (2, 0.5, 0.25),
    "units": ("um", "nm", "um"),
    "axis_labels": ("z", "y", "x"),
    "affine": np.array([[1, 0, 0, 4], [0, 1, 0, 5], [0, 0, 1, 6], [0, 0, 0, 1.0]]),
    "rotate": (0, 0, 30),
}


def saved(layer: Labels, folder: Path, ending: str = "tif") -> Path:
    """Save a layer and return the file that napari opens as it."""
    path = folder / f"out.{ending}"
    Saving.prepare(layer, path).write()
    return description_path(path)


@pytest.mark.parametrize("plugin", ["napari-coarse-crf", None])
@pytest.mark.parametrize(
    ("shape", "place", "ending"), [((40, 60), FLAT, "tif"), ((40, 60), FLAT, "png"), ((3, 20, 30), DEEP, "tif")]
)
def test_a_result_that_was_saved_opens_as_the_layer_it_was(
    make_napari_viewer: Callable[..., Any],
    tmp_path: Path,
    shape: tuple[int, ...],
    place: dict[str, Any],
    ending: str,
    plugin: str | None,
) -> None:
    viewer = make_napari_viewer()
    labels = np.zeros(shape, np.uint8)
    labels[..., 5:9, 3], labels[..., 5:9, -4] = 2, 7
    image = viewer.add_image(np.repeat(np.linspace(0, 9, shape[-1])[np.newaxis], shape[-2], 0) + np.zeros(shape))
    strokes = viewer.add_labels(labels, name="strokes", features={"index": [2, 7], "class": ["sky", "sea"]})
    strokes.colormap = DirectLabelColormap(color_dict={None: "black", 0: (0, 0, 0, 0), 2: "red", 7: (0, 0.5, 1, 1)})
    for layer in (image, strokes):
        for name, value in place.items():
            setattr(layer, name, value)
    result = refine_layer(viewer, image, strokes, Parameters(iterations=2))
    (opened,) = viewer.open(str(saved(result, tmp_path, ending)), plugin=plugin)
    assert isinstance(opened, Labels)
    np.testing.assert_array_equal(opened.data, result.data)
    assert same_place(place_of(opened), place_of(result))
    np.testing.assert_allclose(opened.colormap.map(np.array([0, 2, 7])), result.colormap.map(np.array([0, 2, 7])))
    assert opened.features.to_dict() == strokes.features.to_dict()
    assert provenance(opened) == provenance(result)
    assert opened.name == "strokes refined [1]"


def test_a_tiff_alone_opens_as_labels(make_napari_viewer: Callable[..., Any], tmp_path: Path) -> None:
    layer = Labels(np.eye(40, dtype=np.uint8))
    viewer = make_napari_viewer()
    saved(layer, tmp_path)
    (opened,) = viewer.open(str(tmp_path / "out.tif"), plugin=None)  # ours takes no TIFF away: nobody need choose
    assert isinstance(opened, Labels)
    np.testing.assert_array_equal(opened.data, layer.data)


def test_colours_in_turn_stay_and_so_do_axes_of_length_one(tmp_path: Path) -> None:
    layer = Labels(np.arange(24, dtype=np.int64).reshape(1, 2, 1, 3, 4), colormap=label_colormap(7, seed=0.3))
    data, keywords, _ = open_saved(saved(layer, tmp_path))
    opened = Labels(data, **keywords)
    np.testing.assert_array_equal(opened.data, layer.data)
    np.testing.assert_allclose(opened.colormap.map(np.arange(24)), layer.colormap.map(np.arange(24)), atol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "uint64"])
def test_labels_in_a_tiff_have_a_type_that_napari_opens_as_labels(tmp_path: Path, dtype: str) -> None:
    highest = np.iinfo(dtype).max
    Saving.prepare(Labels(np.array([[0, highest]], dtype)), tmp_path / "out.tif").write()
    labels = tifffile.imread(tmp_path / "out.tif")
    assert labels.dtype in (np.int32, np.uint32, np.int64, np.uint64)
    assert labels.max() == highest


def test_what_live_shows_opens_as_a_result(tmp_path: Path) -> None:
    layer = Labels(np.eye(4, dtype=int), metadata={"napari_coarse_crf": {"parameters": {}, "preview": True}})
    _, keywords, _ = open_saved(saved(layer, tmp_path))
    assert keywords["metadata"]["napari_coarse_crf"] == {"parameters": {}}


def test_what_somebody_else_wrote_is_declined(tmp_path: Path) -> None:
    (tmp_path / "other.coarse-crf.json").write_text('{"labels": "out.tif"}', encoding="utf-8")
    (tmp_path / "broken.coarse-crf.json").write_bytes(b"\xff\xfe\0")
    (tmp_path / "list.coarse-crf.json").write_text("[1]", encoding="utf-8")
    (tmp_path / "other.json").write_text(json.dumps({"format": "napari-coarse-crf layer"}), encoding="utf-8")
    (tmp_path / "deep.coarse-crf.json").write_text("[" * 100_000, encoding="utf-8")
    for path in [*tmp_path.iterdir(), tmp_path / "none.coarse-crf.json"]:
        assert get_reader(str(path)) is None
    assert get_reader([str(path) for path in tmp_path.iterdir()]) is None


def test_the_labels_may_be_moved_with_their_description_but_not_cut(tmp_path: Path) -> None:
    layer, home = Labels(np.eye(4, dtype=int)), tmp_path / "home"
    home.mkdir()
    moved = saved(layer, tmp_path).rename(home / "other.coarse-crf.json")
    (tmp_path / "out.tif").rename(home / "out.tif")
    np.testing.assert_array_equal(open_saved(moved)[0], layer.data)
    tifffile.imwrite(home / "out.tif", np.eye(3, dtype=np.int32))
    with pytest.raises(InputError, match="was saved with"):
        open_saved(moved)
    (home / "out.tif").unlink()
    with pytest.raises(InputError, match=r"out\.tif"):
        open_saved(moved)


def test_what_json_cannot_say_is_said_in_words(tmp_path: Path) -> None:
    about = {"napari_coarse_crf": {"parameters": {}, "mask": np.array([1, 2]), "count": np.int64(3), "home": tmp_path}}
    said = json.loads(describe_layer(Labels(np.eye(4, dtype=int), metadata=about), tmp_path / "out.tif"))
    assert said["made_by"] == {"parameters": {}, "mask": [1, 2], "count": 3, "home": str(tmp_path)}


def test_a_class_without_a_name_has_none_when_it_is_opened_again(tmp_path: Path) -> None:
    features = {"index": [1, 2, 3], "class": pd.Categorical(["road", None, "sky"])}
    layer = Labels(np.ones((4, 5), np.uint8), features=features)
    data, keywords, _ = open_saved(saved(layer, tmp_path))
    assert class_names_of(Labels(data, **keywords)) == {1: "road", 3: "sky"}


def test_a_layer_that_was_saved_before_there_were_numbers_of_forms_is_opened() -> None:
    labels, keywords, kind = open_saved(STORED / "layer-0" / "refined.coarse-crf.json")
    layer = Labels(labels, **keywords)
    assert (kind, layer.name, class_names_of(layer)) == ("labels", "strokes refined", {2: "sky", 7: "sea"})
    np.testing.assert_array_equal(np.unique(labels), [2, 7])
    np.testing.assert_allclose(layer.scale, (0.5, 0.25))
    assert parameters_of(layer) == Parameters.from_dict(provenance(layer)["parameters"])
    assert parameters_of(layer) == Parameters(theta_alpha=20, iterations=2)


def test_a_layer_of_a_newer_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    layer = Labels(np.eye(4, dtype=int))
    path = saved(layer, tmp_path)
    said = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**said, "schema": said["schema"] + 1, "place": "elsewhere"}), encoding="utf-8")
    reader = get_reader(str(path))
    assert reader is not None
    with pytest.raises(InputError, match=r"cannot be used\. .*newer version.*Update the package"):
        reader(str(path))


def test_parameters_of_a_newer_version_are_kept_with_their_number_when_a_layer_is_saved(tmp_path: Path) -> None:
    about = {"schema": 99, "parameters": {"unheard_of": 3}}
    layer = Labels(np.eye(4, dtype=int), metadata={"napari_coarse_crf": about})
    assert parameters_of(layer) is None
    saved(layer, tmp_path)
    said = json.loads((tmp_path / "out_parameters.json").read_text(encoding="utf-8"))
    assert said == {"schema": 99, "unheard_of": 3}
    assert parameters_of(Labels(np.eye(4, dtype=int), metadata={"napari_coarse_crf": {"parameters": {}}})) is not None
