"""Flip, blink, contours and side by side in a real viewer, by buttons and the key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.settings import get_settings

from napari_coarse_crf.plugin.layers.camera import camera_of, grid_of
from napari_coarse_crf.plugin.result.panel import FLIP_KEY
from tests.plugin.result.using import press_flip_key, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.plugin.result.using import Dock, Measured


def test_the_button_shows_one_layer_after_the_other(measured: Measured) -> None:
    viewer, widget = measured
    panel = widget.result.panel
    for name in ("strokes", "strokes refined", "truth", "strokes"):
        panel.flip_button.click()
        assert shown(viewer) == ["photo", name]
        assert widget.result.status == f"Showing '{name}'."
    panel.back_button.click()
    assert shown(viewer) == ["photo", "strokes", "strokes refined"]
    assert not panel.back_button.isEnabled()


def test_the_key_does_what_the_button_does(measured: Measured, qtbot: Any) -> None:
    viewer, widget = measured
    assert f"({FLIP_KEY})" in widget.result.panel.flip_button.text()
    press_flip_key(qtbot, viewer)
    assert shown(viewer) == ["photo", "strokes"]
    press_flip_key(qtbot, viewer)
    assert shown(viewer) == ["photo", "strokes refined"]


def test_napari_uses_the_key_for_nothing_else() -> None:
    taken = {str(key) for keys in get_settings().shortcuts.shortcuts.values() for key in keys}
    assert FLIP_KEY not in taken


def test_blinking_flips_by_itself_until_it_is_stopped(measured: Measured, qtbot: Any) -> None:
    viewer, widget = measured
    panel = widget.result.panel
    panel.blink_button.click()
    for name in ("strokes", "strokes refined", "truth"):
        qtbot.waitUntil(lambda name=name: shown(viewer) == ["photo", name])
    panel.blink_button.click()
    assert not widget.result.looking.is_blinking
    panel.blink_button.click()
    panel.flip_button.click()  # a hand on the button takes over
    assert not panel.blink_button.isChecked()
    assert not widget.result.looking.is_blinking
    panel.blink_button.click()
    widget.result.heading.setChecked(False)  # and the button is out of sight
    assert not widget.result.looking.is_blinking


def test_contours_and_side_by_side_go_with_their_buttons(measured: Measured) -> None:
    viewer, widget = measured
    panel = widget.result.panel
    panel.contour_button.click()
    panel.grid_button.click()
    assert grid_of(viewer).enabled
    assert shown(viewer) == ["photo", "strokes", "strokes refined", "truth"]
    assert {viewer.layers[name].contour for name in ("strokes", "strokes refined", "truth")} == {2}
    panel.flip_button.click()  # one after the other is not side by side
    assert not grid_of(viewer).enabled
    assert not panel.grid_button.isChecked()
    camera = camera_of(viewer)
    zoom, center = camera.zoom, camera.center
    panel.grid_button.click()
    assert camera.zoom < zoom  # all of the image is seen in each place
    panel.grid_button.click()
    assert not grid_of(viewer).enabled
    assert (camera.zoom, camera.center) == (zoom, center)
    panel.contour_button.click()
    assert {viewer.layers[name].contour for name in ("strokes", "strokes refined", "truth")} == {0}
    assert shown(viewer) == ["photo", "strokes", "strokes refined"]


def test_a_person_chooses_what_is_outlined_and_how_wide(measured: Measured) -> None:
    viewer, widget = measured
    panel, layers = widget.result.panel, [viewer.layers[name] for name in ("strokes", "strokes refined", "truth")]
    box, colours = panel.contour_box, layers[2].colormap
    assert box.isHidden()
    panel.contour_button.click()
    assert not box.isHidden()
    assert shown(viewer) == ["photo", "strokes", "strokes refined", "truth"]
    box.width_box.setValue(4)
    box.coarse.click()
    assert [layer.contour for layer in layers] == [0, 4, 4]
    np.testing.assert_array_equal(layers[2].colormap.map(3), np.ones(4))
    box.truth.click()
    assert [layer.contour for layer in layers] == [0, 4, 0]
    assert not layers[2].visible
    panel.back_button.click()
    assert box.isHidden()
    assert [layer.contour for layer in layers] == [0, 0, 0]
    assert layers[2].colormap is colours
    widget.result.boxes.truth_box.value = None
    panel.contour_button.click()
    assert not box.truth.isEnabled()


def test_the_sentence_says_how_the_layers_are_shown_now(measured: Measured) -> None:
    _, widget = measured
    panel, section = widget.result.panel, widget.result
    panel.grid_button.click()
    panel.contour_button.click()
    assert section.status == "Showing the compared layers side by side and as outlines."
    panel.grid_button.click()
    assert section.status == "Showing the compared layers as outlines."
    panel.grid_button.click()
    panel.contour_button.click()
    assert section.status == "Showing the compared layers side by side."
    panel.grid_button.click()
    assert section.status == "The layers are shown as before."
    panel.contour_button.click()
    panel.flip_button.click()
    assert section.status == "Showing 'strokes' as outlines."
    panel.contour_button.click()
    assert section.status == "Showing 'strokes'."


def test_under_live_alone_the_key_shows_preview_and_coarse_labels_in_turn(
    dock: Dock, qtbot: Any, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    viewer, widget = dock(image, labels.copy(), rgb=True)
    widget.live = True
    qtbot.waitUntil(lambda: widget.runs.live.can_be_kept)
    for name in ("strokes", "strokes preview", "strokes"):
        press_flip_key(qtbot, viewer)
        assert shown(viewer) == ["photo", name]
    viewer.layers["strokes"].paint((20, 30), 9)  # the preview stays hidden, and compared
    qtbot.waitUntil(lambda: widget.runs.live.can_be_kept)
    assert shown(viewer) == ["photo", "strokes"]
    press_flip_key(qtbot, viewer)
    assert shown(viewer) == ["photo", "strokes preview"]
    kept = widget.keep()
    assert widget.result.compared.refined is kept
