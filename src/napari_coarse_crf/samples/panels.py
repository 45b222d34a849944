"""The bundled samples, refined, judged and drawn side by side.

The arithmetic and the pictures of `napari-coarse-crf demo`; `cli` runs it and prints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_coarse_crf.evaluation.baselines import label_by_distance
from napari_coarse_crf.evaluation.scores import Scores, evaluate_labels

if TYPE_CHECKING:
    from napari_coarse_crf.compute.arrays import LabelArray
    from napari_coarse_crf.samples import Sample

Colours = NDArray[np.uint8]

# Okabe and Ito's colours, told apart by colour-blind people too.
_COLOURS = {
    "background": (0, 114, 178),
    "building": (213, 94, 0),
    "land": (230, 159, 0),
    "nucleus": (230, 159, 0),
    "road": (204, 121, 167),
    "vegetation": (0, 158, 115),
    "water": (0, 114, 178),
}
_PANEL_HEIGHT = 480  # pixels; smaller images are enlarged by a whole factor, so that a pixel stays a square
_GAP, _TEXT, _LINE = 12, 18, 32


def judge(sample: Sample, refined: LabelArray) -> dict[str, Scores]:
    """Return the scores against the fine map of the coarse labels, the nearest labels and the refined ones."""
    candidates = {"coarse": sample.coarse, "nearest": label_by_distance(sample.coarse), "refined": refined}
    return {name: evaluate_labels(labels, sample.fine, coarse=sample.coarse) for name, labels in candidates.items()}


def draw_panels(sample: Sample, refined: LabelArray, scores: dict[str, Scores]) -> Image.Image:
    """Return image, coarse, refined and fine labels side by side, with captions above and the classes below."""
    image = _displayed(sample.image)
    panels = {
        "image": image,
        f"coarse labels, mean IoU {scores['coarse'].mean_iou:.2f}": _overlay(image, sample.coarse, sample),
        f"refined labels, mean IoU {scores['refined'].mean_iou:.2f}": _overlay(image, refined, sample),
        "fine labels (the truth)": _overlay(image, sample.fine, sample),
    }
    factor = max(1, round(_PANEL_HEIGHT / image.shape[0]))
    height, width = image.shape[0] * factor, image.shape[1] * factor
    sheet = Image.new("RGB", (len(panels) * (width + _GAP) + _GAP, height + 2 * _LINE), "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_TEXT)
    for column, (caption, pixels) in enumerate(panels.items()):
        left = _GAP + column * (width + _GAP)
        sheet.paste(Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST), (left, _LINE))
        pen.text((left, _LINE // 2), caption, fill="black", font=font, anchor="lm")
    _draw_legend(pen, sample, height + _LINE + _LINE // 2)
    return sheet


def _draw_legend(pen: ImageDraw.ImageDraw, sample: Sample, middle: int) -> None:
    font = ImageFont.load_default(_TEXT)
    left: float = _GAP
    for name in sample.class_names.values():
        box = (left, middle - _TEXT // 2, left + _TEXT, middle + _TEXT // 2)
        pen.rectangle(box, fill=_COLOURS[name])
        pen.text((left + 1.4 * _TEXT, middle), name, fill="black", font=font, anchor="lm")
        left += 3 * _TEXT + font.getlength(name)
    pen.text((left, middle), "darkened: no label", fill="black", font=font, anchor="lm")


def _displayed(image: NDArray[np.uint8]) -> Colours:
    """Return RGB with the contrast stretched: a dim image would be a black square."""
    grey = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=-1)
    low, high = np.percentile(grey, [0.1, 99.9])
    stretched: Colours = np.clip((grey - low) * (255.0 / max(high - low, 1.0)), 0, 255).astype(np.uint8)
    return stretched


def _overlay(image: Colours, labels: LabelArray, sample: Sample) -> Colours:
    """Return the image with its labels laid over it; unlabelled pixels show the image, darkened."""
    blended = 0.6 * image
    for label_id, name in sample.class_names.items():
        here = labels == label_id
        blended[here] = 0.4 * image[here] + 0.6 * np.array(_COLOURS[name])
    shown: Colours = blended.astype(np.uint8)
    return shown
