"""The layers of one image, without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from napari.components import ViewerModel
from napari.layers import Labels

from napari_coarse_crf.plugin.series.folder import Folder, Loaded
from napari_coarse_crf.plugin.series.shown import Habit, Shown

if TYPE_CHECKING:
    from pathlib import Path


def shown_with(folder: Path, labels: Any, look: Any, habit: Any = None) -> Shown:
    loaded = Folder(folder).load(0)
    stored = Loaded(loaded.image, {"coarse": (labels, look, "labels")}, ())
    return Shown.opened(ViewerModel(), "a2", stored, habit or Habit())


def test_negative_ids_that_somebody_else_wrote_stay(folder: Path) -> None:
    theirs = np.zeros((40, 60), np.int32)
    theirs[3], theirs[5] = -1, 7
    (folder / "coarse-labels").mkdir()
    tifffile.imwrite(folder / "coarse-labels" / "a2.tif", theirs)
    shown = Shown.opened(ViewerModel(), "a2", Folder(folder).load(0), Habit())
    np.testing.assert_array_equal(shown.labels.data, theirs)


def test_labels_are_shown_though_their_look_is_none(folder: Path) -> None:
    shown = shown_with(folder, np.ones((40, 60), np.uint8), {"blending": "none that there is"})
    assert shown.labels.data.all()


def test_labels_are_added_though_the_look_that_is_carried_on_is_none(folder: Path) -> None:
    habit = Habit.of_stored({"blending": "none that there is"})
    assert Shown.opened(ViewerModel(), "a2", Folder(folder).load(0), habit).is_open


def test_a_label_in_hand_that_the_next_labels_cannot_hold_is_not_taken(folder: Path) -> None:
    before = Labels(np.zeros((40, 60), np.int32))
    before.selected_label, before.brush_size = 70_000, 3
    shown = shown_with(folder, np.ones((40, 60), np.uint8), {}, Habit.of(before))
    assert (shown.labels.selected_label, shown.labels.brush_size) == (1, 3)
