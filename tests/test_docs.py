"""The pages of the site: none is lost, each public name has one, and the code in them runs.

`make docs` builds the site itself, where every warning is an error.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import dask.array as da
import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from PIL import Image
from roifile import ImagejRoi, roiwrite

import napari_coarse_crf
from napari_coarse_crf import plugin, refine_labels, samples
from napari_coarse_crf.io.reading import read_labels
from napari_coarse_crf.samples import load_sample

DOCS = Path(__file__).parents[1] / "docs"
SCRIPTS = [*(DOCS / "tutorials").glob("*.py"), *(DOCS.parent / "examples").glob("*.py")]
PAGES = {
    path.relative_to(DOCS).with_suffix("").as_posix(): path.read_text(encoding="utf-8")
    for path in DOCS.rglob("*.md")
    if not {"generated", "_build"} & set(path.relative_to(DOCS).parts)
}
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
CODE = [(page, code) for page, text in PAGES.items() for code in BLOCK.findall(text)]


def code_of(page: str) -> list[str]:
    return [code for named, code in CODE if named == page]


def test_every_page_is_in_a_toctree() -> None:
    listed = {"index"}
    for page, text in PAGES.items():
        for entries in re.findall(r"^```{toctree}\n(.*?)^```", text, re.S | re.M):
            named = [line for line in entries.splitlines() if line and not line.startswith(":")]
            listed |= {(DOCS / page).parent.joinpath(name).resolve().relative_to(DOCS).as_posix() for name in named}
    assert set(PAGES) <= listed
    assert {"generated/tutorials/index", "generated/examples/index"} <= listed


def test_every_public_name_is_in_the_reference() -> None:
    found: dict[str, set[str]] = {}
    package = ""
    for line in PAGES["api"].splitlines():
        if line.startswith(".. currentmodule::"):
            package = line.split()[-1]
        elif re.fullmatch(r"   \w+", line):
            found.setdefault(package, set()).add(line.strip())
    assert found["napari_coarse_crf"] == set(napari_coarse_crf.__all__)
    assert found["napari_coarse_crf.plugin"] == set(plugin.__all__)
    assert all(hasattr(samples, name) for name in found["napari_coarse_crf.samples"])


def test_every_tutorial_and_example_has_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS / "_extensions"))
    from gallery_order import ORDER

    assert {path.name for path in SCRIPTS} == set(ORDER)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_begins_with_a_title_and_imports_what_exists(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    title, line = (ast.get_docstring(tree) or "").splitlines()[:2]
    assert line == "=" * len(title)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "napari_coarse_crf":
            assert {name.name for name in node.names} <= set(napari_coarse_crf.__all__)


@pytest.mark.parametrize(("page", "code"), CODE, ids=[f"{page}-{place}" for place, (page, _) in enumerate(CODE)])
def test_code_in_a_page_is_python(page: str, code: str) -> None:
    compile(code, page, "exec")


def test_the_code_for_scripts_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sample = load_sample("nuclei")
    da.from_array(sample.image).to_zarr("image.zarr")
    da.from_array(sample.coarse).to_zarr("coarse.zarr")
    names: dict[str, Any] = {"image": sample.image, "labels": sample.coarse, "truth": sample.fine}
    at_once, lazily, scored, *of_napari = code_of("how-to/script")
    exec(at_once, names)
    assert names["refined"].all()
    assert names["refinement"].confidence.shape == sample.image.shape
    exec(lazily, names)
    refined = da.from_zarr("refined.zarr").compute()
    assert np.mean(refined != refine_labels(sample.image, sample.coarse)) < 0.01
    names["refined"] = refined
    exec(scored, names)
    assert names["scores"].mean_iou > 0.7
    assert len(names["place"].position) == 2
    assert all("viewer" in code for code in of_napari)


IDS = np.zeros((40, 60), np.uint8)
IDS[5:10, 5:20], IDS[20:30, 30:50] = 1, 2


def test_labels_are_read_as_qupath_labelme_and_fiji_save_them(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (3, 256))
    picture = Image.fromarray(IDS)
    picture.putpalette(colours.T.ravel().tolist())
    picture.save(tmp_path / "labelme.png")
    tifffile.imwrite(tmp_path / "qupath.tif", IDS, photometric="palette", colormap=(257 * colours).astype(np.uint16))
    tifffile.imwrite(tmp_path / "float.tif", IDS.astype(np.float32), imagej=True)
    tifffile.imwrite(tmp_path / "many.tif", IDS.astype(np.uint16), imagej=True)
    tifffile.imwrite(tmp_path / "lut.tif", IDS, imagej=True, metadata={"LUTs": [colours.astype(np.uint8)]})
    for path in tmp_path.iterdir():
        np.testing.assert_array_equal(read_labels(path).ids, IDS, err_msg=path.name)


def run_in(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> np.ndarray:
    monkeypatch.chdir(folder)
    exec(code, {})
    return read_labels(folder / "coarse.png").ids


def test_colours_of_cvat_become_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    colours = np.array([[0, 0, 0], [250, 50, 83], [52, 209, 183]], np.uint8)
    (tmp_path / "SegmentationClass").mkdir()
    iio.imwrite(tmp_path / "SegmentationClass" / "image.png", colours[IDS])
    (tmp_path / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\nground:250,50,83::\ncar:52,209,183::\n", encoding="utf-8"
    )
    from_cvat, *_ = code_of("how-to/labels-of-other-programs")
    np.testing.assert_array_equal(run_in(tmp_path, monkeypatch, from_cvat), IDS)


RECTANGLES: dict[str, Any] = {"ground": [[4.5, 4.5], [19.5, 4.5], [19.5, 9.5], [4.5, 9.5]]}
RECTANGLES["car"] = RECTANGLES["cell"] = [[29.5, 19.5], [49.5, 19.5], [49.5, 29.5], [29.5, 29.5]]


def test_polygons_of_labelme_become_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = [{"label": name, "points": RECTANGLES[name], "shape_type": "polygon"} for name in ("ground", "car")]
    told = {"version": "5.4.1", "shapes": shapes, "imagePath": "image.jpg", "imageHeight": 40, "imageWidth": 60}
    (tmp_path / "image.json").write_text(json.dumps(told), encoding="utf-8")
    _, from_labelme, _ = code_of("how-to/labels-of-other-programs")
    np.testing.assert_array_equal(run_in(tmp_path, monkeypatch, from_labelme), IDS)


def test_regions_of_fiji_become_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    regions = [ImagejRoi.frompoints(np.array(RECTANGLES[name]), name=f"{name}-1") for name in ("ground", "cell")]
    roiwrite(tmp_path / "RoiSet.zip", regions)
    iio.imwrite(tmp_path / "image.png", np.zeros((40, 60, 3), np.uint8))
    *_, from_fiji = code_of("how-to/labels-of-other-programs")
    np.testing.assert_array_equal(run_in(tmp_path, monkeypatch, from_fiji), IDS)
