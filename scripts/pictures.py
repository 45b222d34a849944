#!/usr/bin/env python
"""Draw the pictures of README and pages anew, from the bundled samples and a real viewer: `make pictures`.

scripts/on-a-display.sh python scripts/pictures.py    # rewrites docs/images/
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import napari
import numpy as np
from napari.utils.colormaps import DirectLabelColormap
from PIL import Image, ImageDraw, ImageFont
from qtpy.QtCore import QEventLoop, QTimer
from scipy import ndimage as ndi

from napari_coarse_crf import refine_labels
from napari_coarse_crf.plugin.layers.camera import camera_of
from napari_coarse_crf.samples import load_sample, panels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Labels, Layer

    from napari_coarse_crf.plugin import RefineWidget
    from napari_coarse_crf.samples import Sample

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SAMPLE = "tissue"
CLASSES = {None: "transparent", 0: "transparent", 1: "#0072b2", 2: "#e69f00"}  # the colours of the panels
SHARES = (0.15, 0.5, 1.0)  # of the strokes, from one picture of the strip to the next
WINDOW = (1280, 800)
_WIDTH, _LINE = 420, 28  # of a picture of the strip and of its caption, in pixels
_SHEET = 1600  # pixels, the width of the panels: what a page shows
_NEARER = 1.6  # times as large as to fit into the window
_COLOURS = 256
_PATIENCE = 300  # looks, 100 ms apart


def main() -> None:
    """Draw all of them."""
    sample = load_sample(SAMPLE)
    _save(_panels(sample), f"{SAMPLE}.png")
    _save(_strip(sample), "live.png")
    _save(_dock(sample), "dock.png")
    for name, picture in _first_result().items():
        _save(picture, f"start-{name}.png")


def _panels(sample: Sample) -> Image.Image:
    """Return image, coarse, refined and true labels side by side."""
    refined = refine_labels(sample.image, sample.coarse)
    sheet = panels.draw_panels(sample, refined, panels.judge(sample, refined))
    sheet.thumbnail((_SHEET, _SHEET))
    return sheet


def _strip(sample: Sample) -> Image.Image:
    """Paint stroke after stroke with Live on, and return the pictures side by side."""
    with _viewer(sample) as (viewer, image, own, widget):
        viewer.window._qt_window.resize(900, 800)  # what a canvas needs to be sharp
        shown = []
        for share in SHARES:
            own.data = _first_strokes(sample.coarse, share)
            widget.live = True
            _wait_for_full_result(widget)
            for caption, layers in (("strokes", [own]), ("what Live makes of them", [own, _preview(viewer)])):
                shown.append((caption, _canvas(viewer, [image, *layers])))
    return _side_by_side(shown)


def _dock(sample: Sample) -> Image.Image:
    """Return the window as a person sees it who is about to paint a correction."""
    with _viewer(sample) as (viewer, _image, own, widget):
        viewer.window._qt_window.resize(*WINDOW)
        own.data = _first_strokes(sample.coarse, SHARES[1])
        widget.live = True
        _wait_for_full_result(widget)
        viewer.reset_view()
        camera_of(viewer).zoom *= _NEARER
        viewer.layers.selection.active = own
        own.mode, own.selected_label, own.brush_size = "paint", 2, 5
        _idle(500)
        return _window(viewer)


def _first_result() -> dict[str, Image.Image]:
    """Return the window before and after the first Run, with the sample as the menu opens it."""
    viewer = napari.Viewer()
    viewer.window._qt_window.resize(*WINDOW)
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    viewer.open_sample("napari-coarse-crf", SAMPLE)
    image, own = viewer.layers[SAMPLE], viewer.layers[f"{SAMPLE} coarse"]
    widget.image_layer.value, widget.labels_layer.value = image, own
    viewer.reset_view()
    _idle(500)
    pictures, before = {"strokes": _window(viewer)}, len(viewer.layers)
    widget.run()
    for _ in range(_PATIENCE):
        if len(viewer.layers) > before:
            break
        _idle(100)
    _idle(500)
    pictures["result"] = _window(viewer)
    viewer.close()
    return pictures


def _window(viewer: napari.Viewer) -> Image.Image:
    return Image.fromarray(viewer.screenshot(canvas_only=False, flash=False)[..., :3])


@contextmanager
def _viewer(sample: Sample) -> Iterator[tuple[napari.Viewer, Layer, Labels, RefineWidget]]:
    """Open a viewer with the image, a layer for strokes, and the dock."""
    viewer = napari.Viewer()
    image = viewer.add_image(sample.image, name="image", rgb=True)
    features = {"index": list(sample.class_names), "class": list(sample.class_names.values())}
    colours = DirectLabelColormap(color_dict=CLASSES)
    empty = np.zeros_like(sample.coarse)
    own = viewer.add_labels(empty, name="strokes", opacity=0.6, features=features, colormap=colours)
    _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
    widget.image_layer.value, widget.labels_layer.value = image, own
    yield viewer, image, own, widget
    viewer.close()


def _preview(viewer: napari.Viewer) -> Labels:
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


def _canvas(viewer: napari.Viewer, shown: list[Layer]) -> Image.Image:
    """Return what the canvas shows of these layers, without the black around."""
    for layer in viewer.layers:
        layer.visible = layer in shown
    viewer.reset_view()
    _idle(300)
    picture = Image.fromarray(viewer.screenshot(canvas_only=True, flash=False)[..., :3])
    picture = picture.crop(picture.getbbox())
    return picture.resize((_WIDTH, round(_WIDTH * picture.height / picture.width)))


def _side_by_side(shown: list[tuple[str, Image.Image]]) -> Image.Image:
    height = max(picture.height for _, picture in shown) + _LINE
    rows = len(shown) // len(SHARES)
    sheet = Image.new("RGB", (_WIDTH * len(SHARES), height * rows), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=16)
    for number, (caption, picture) in enumerate(shown):
        left, top = number // rows * _WIDTH, number % rows * height
        pen.text((left + 6, top + 4), caption, fill="black", font=font)
        sheet.paste(picture, (left, top + _LINE))
    return sheet


def _save(picture: Image.Image, name: str) -> None:
    """Save with a palette: a third of the bytes, and nobody sees the difference."""
    path = IMAGES / name
    palette = picture.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=3)  # keeps black text black
    picture.quantize(_COLOURS, palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
    print(f"Drew {path}, {path.stat().st_size / 1000:.0f} kB")


def _idle(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


if __name__ == "__main__":
    main()
