#!/usr/bin/env python
"""Draw the README's strip of pictures: strokes in napari, and what the Live switch makes of them.

scripts/on-a-display.sh python scripts/live_strip.py    # rewrites docs/images/live.png
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import napari
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from qtpy.QtCore import QEventLoop, QTimer
from scipy import ndimage as ndi

from napari_coarse_crf.samples import load_sample

if TYPE_CHECKING:
    from napari_coarse_crf.plugin import RefineWidget

OUT = Path(__file__).parents[1] / "docs" / "images" / "live.png"
SAMPLE = "tissue"
SHARES = (0.15, 0.5, 1.0)  # of the strokes, from one picture to the next
_WIDTH, _LINE = 420, 28  # of a picture and of its caption, in pixels
_PATIENCE = 300  # looks, 100 ms apart


def main() -> None:
    """Paint stroke after stroke with Live on, and put the pictures side by side."""
    sample = load_sample(SAMPLE)
    viewer = napari.Viewer()
    viewer.window._qt_window.resize(900, 800)  # what a canvas needs to be sharp
    image = viewer.add_image(sample.image, name="image", rgb=True)
    labels = viewer.add_labels(np.zeros_like(sample.coarse), name="strokes", opacity=0.55)
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    widget.image_layer.value, widget.labels_layer.value = image, labels
    panels = []
    for number, share in enumerate(SHARES):
        labels.data = _first_strokes(sample.coarse, share)
        if number == 0:
            widget.live = True
        _wait_for_full_result(widget)
        for caption, shown in (("strokes", [labels]), ("what Live makes of them", [labels, _preview(viewer)])):
            panels.append((caption, _picture(viewer, [image, *shown])))
    viewer.close()
    _side_by_side(panels).save(OUT, optimize=True)
    print(f"Drew {OUT}")


def _preview(viewer: napari.Viewer) -> napari.layers.Labels:
    """Return the preview layer: the only Labels layer that is not the strokes."""
    return next(layer for layer in viewer.layers if isinstance(layer, napari.layers.Labels) and layer.name != "strokes")


def _first_strokes(coarse: np.ndarray, share: float) -> np.ndarray:
    """Return the largest strokes of each label, as many as the share says, at least one."""
    kept = np.zeros_like(coarse)
    for label_id in np.unique(coarse[coarse > 0]):
        strokes, count = ndi.label(coarse == label_id)
        order = np.argsort(-np.bincount(strokes.ravel())[1:]) + 1
        kept[np.isin(strokes, order[: max(1, round(share * count))])] = label_id
    return kept


def _wait_for_full_result(widget: RefineWidget) -> None:
    _idle(1000)  # the first look has begun by then
    for _ in range(_PATIENCE):
        if "Keep makes it a layer of its own" in widget.status:
            return
        _idle(100)
    raise SystemExit(f"No full result came: {widget.status}")


def _picture(viewer: napari.Viewer, shown: list[napari.layers.Layer]) -> Image.Image:
    for layer in viewer.layers:
        layer.visible = layer in shown
    viewer.reset_view()
    _idle(300)
    picture = Image.fromarray(viewer.screenshot(canvas_only=True, flash=False)[..., :3])
    picture = picture.crop(picture.getbbox())
    return picture.resize((_WIDTH, round(_WIDTH * picture.height / picture.width)))


def _side_by_side(panels: list[tuple[str, Image.Image]]) -> Image.Image:
    height = max(picture.height for _, picture in panels) + _LINE
    rows = len(panels) // len(SHARES)
    sheet = Image.new("RGB", (_WIDTH * len(SHARES), height * rows), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=16)
    for number, (caption, picture) in enumerate(panels):
        left, top = number // rows * _WIDTH, number % rows * height
        pen.text((left + 6, top + 4), caption, fill="black", font=font)
        sheet.paste(picture, (left, top + _LINE))
    return sheet


def _idle(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


if __name__ == "__main__":
    main()
