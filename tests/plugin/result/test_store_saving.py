"""What can be done with a result on disk: measured, compared and saved, or refused in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zarr
from napari.layers import Labels

from napari_coarse_crf import InputError, Parameters
from napari_coarse_crf.io.lazy.opening import open_labels
from napari_coarse_crf.plugin.layers.provenance import KEY
from napari_coarse_crf.plugin.layers.store import LabelStore, keep_store, store_of
from napari_coarse_crf.plugin.result.store_saving import StoreSaving
from tests.plugin.result.using import click_row, save_as, wait_for_words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget

    Dock = Callable[..., tuple[Any, RefineWidget]]
    PressRun = Callable[[RefineWidget], Any]


@pytest.fixture
def with_result(
    dock: Dock, press_run: PressRun, image: NDArray[Any], labels: NDArray[Any]
) -> tuple[Any, RefineWidget, Labels]:
    """Return viewer, widget and a result that was made tile by tile, with the section Result open."""
    viewer, widget = dock(None, None)
    widget.scope.least_for_tiles, widget.scope.memory_limit, widget.scope.tile_side = 1000, 10_000, 24
    viewer.add_image(image, rgb=True, name="photo")
    viewer.add_labels(labels, name="strokes")
    widget.parameters = Parameters(iterations=2, theta_alpha=10)
    layer = press_run(widget)
    widget.result.heading.setChecked(True)
    return viewer, widget, layer


def test_pixels_are_counted_and_differences_shown(
    with_result: tuple[Any, RefineWidget, Labels], qtbot: Any, labels: NDArray[Any]
) -> None:
    viewer, widget, layer = with_result
    section = widget.result
    qtbot.waitUntil(lambda: bool(section.panel.table.comparison.rows))
    rows = {row.label_id: (row.before, row.after) for row in section.panel.table.comparison.rows}
    now = np.asarray(layer.data)
    assert rows[3] == (20, int((now == 3).sum()))
    assert rows[None] == (40, now.size)
    section.panel.difference_menu.actions()[0].trigger()
    wait_for_words(qtbot, section, "green = filled")
    np.testing.assert_array_equal(np.asarray(viewer.layers[-1].data), ((labels == 0) & (now != 0)).astype(np.uint8))


def test_what_is_not_known_is_not_offered_or_refused_in_words(
    with_result: tuple[Any, RefineWidget, Labels], qtbot: Any
) -> None:
    viewer, widget, _ = with_result
    section = widget.result
    qtbot.waitUntil(lambda: bool(section.panel.table.comparison.rows))
    click_row(qtbot, section, 1)
    assert not section.panel.confidence_button.isEnabled()
    assert not section.panel.heatmap_button.isEnabled()
    section.panel.objects_button.click()
    assert "tile by tile" in section.status
    widget.run_bar.commit.click()
    assert "on disk" in widget.status
    assert len(viewer.layers) == 3
    for button in (section.panel.flip_button, section.panel.contour_button, section.panel.grid_button):
        button.click()
    section.panel.back_button.click()


def test_it_is_saved_as_labels_of_ome_zarr(
    with_result: tuple[Any, RefineWidget, Labels], qtbot: Any, tmp_path: Path
) -> None:
    _, widget, layer = with_result
    layer.scale = (2, 0.5)
    save_as(qtbot, widget.result, widget.result.panel.save_button, tmp_path / "slide.zarr")
    wait_for_words(qtbot, widget.result, "Saved slide.zarr")
    saved: Any = zarr.open_group(store=str(tmp_path / "slide.zarr"), mode="r")
    np.testing.assert_array_equal(saved["0"][:], np.asarray(layer.data))
    about = saved.attrs["ome"]
    (multiscale,) = about["multiscales"]
    assert [axis["name"] for axis in multiscale["axes"]] == ["y", "x"]
    assert multiscale["datasets"][0]["coordinateTransformations"][0] == {"type": "scale", "scale": [2.0, 0.5]}
    assert [one["label-value"] for one in about["image-label"]["colors"]] == [3, 70_000]
    assert saved.attrs[KEY]["labels"] == "strokes"


@pytest.mark.parametrize(("names", "said"), [(("t", "y", "x"), "TYX"), (None, "ZYX"), (("t", "z", "y", "x"), "TZYX")])
def test_what_is_saved_is_read_as_it_was(names: tuple[str, ...] | None, said: str, tmp_path: Path) -> None:
    store = LabelStore((1, 2, 3, 40)[-len(said) :], np.uint8)
    layer = Labels(store.data, axis_labels=names, scale=(1, 1, 0.5, 0.25)[-len(said) :], units="um")
    keep_store(layer, store)
    StoreSaving.prepare(layer, tmp_path / "saved.zarr").write()
    opened = open_labels(tmp_path / "saved.zarr")
    assert opened.multiscale is not None
    assert opened.multiscale.letters == said
    assert opened.multiscale.scales[0] == tuple(layer.scale)
    assert opened.multiscale.axes[-1]["unit"] == "micrometer"


def test_axes_without_words_in_ome_zarr_are_saved_all_the_same(tmp_path: Path) -> None:
    store = LabelStore((2, 2, 3, 40), np.uint8)
    layer = Labels(store.data)
    keep_store(layer, store)
    StoreSaving.prepare(layer, tmp_path / "saved.zarr").write()
    saved: Any = zarr.open_group(store=str(tmp_path / "saved.zarr"), mode="r")
    assert "ome" not in saved.attrs
    assert saved["0"].shape == store.shape


@pytest.fixture
def kept() -> Labels:
    store = LabelStore((3, 40), np.uint8)
    layer = Labels(store.data)
    keep_store(layer, store)
    return layer


def test_a_store_goes_into_a_folder_that_is_there_and_is_called_one(kept: Labels, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"c\.tif should end in \.zarr: .* is saved as a folder"):
        StoreSaving.prepare(kept, tmp_path / "c.tif")
    with pytest.raises(InputError, match=r"missing is no folder\. Create it first"):
        StoreSaving.prepare(kept, tmp_path / "missing" / "a.zarr")
    assert not list(tmp_path.iterdir())
    assert StoreSaving.prepare(kept, tmp_path / "a").path == tmp_path / "a.zarr"


def test_only_a_store_is_replaced(kept: Labels, tmp_path: Path) -> None:
    path = tmp_path / "folder.zarr"
    path.mkdir()
    with pytest.raises(InputError, match="no Zarr store"):
        StoreSaving.prepare(kept, path)
    path.rmdir()
    saving = StoreSaving.prepare(kept, tmp_path / "folder")
    assert saving.existing == []
    assert saving.write() == [path]
    store = store_of(kept)
    assert store is not None
    store.write((slice(0, 3), slice(0, 40)), np.full((3, 40), 9, np.uint8))
    again = StoreSaving.prepare(kept, path)
    assert again.existing == [path]
    again.write()
    replaced: Any = zarr.open_group(store=str(path), mode="r")
    assert (replaced["0"][:] == 9).all()
    assert [one.name for one in tmp_path.iterdir()] == ["folder.zarr"]


def test_a_place_that_cannot_be_written_is_named(kept: Labels, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    saving = StoreSaving.prepare(kept, tmp_path / "there" / "folder.zarr")
    (tmp_path / "there").rmdir()
    (tmp_path / "there").write_text("")
    with pytest.raises(InputError, match=r"folder\.zarr cannot be written"):
        saving.write()
