#!/usr/bin/env python
"""
Parameters by example
=====================

One parameter, five values, one picture: a corner of the aerial sample with a few dots of each class, or crowded nuclei
with two of each; all other parameters as usual. The default is in bold. More paint makes all of them matter less.
It needs matplotlib.

The table of all parameters with their ranges is in docs/parameters.md.
"""

# %%
# The scenes
# ----------
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage as ndi
from skimage.color import label2rgb
from skimage.segmentation import mark_boundaries

from napari_coarse_crf import Parameters, Refiner, evaluate_labels
from napari_coarse_crf.samples import load_sample

COLOURS = [(0.84, 0.37, 0), (0.94, 0.89, 0.26), (0.4, 0.4, 0.4), (0, 0.62, 0.45), (0.34, 0.71, 0.91)]


def few_dots(coarse: np.ndarray, most: int, radius: float) -> np.ndarray:
    """Return a dot in the middle of the largest pieces of each label."""
    dots = np.zeros_like(coarse)
    for label_id in np.unique(coarse[coarse > 0]):
        pieces, _ = ndi.label(coarse == label_id)
        for piece in np.argsort(-np.bincount(pieces.ravel())[1:])[:most] + 1:
            depth = ndi.distance_transform_edt(pieces == piece)
            middle = np.zeros(coarse.shape, bool)
            middle[np.unravel_index(np.argmax(depth), depth.shape)] = True
            dots[(ndi.distance_transform_edt(~middle) <= radius) & (depth > 0)] = label_id
    return dots


@dataclass(frozen=True)
class Scene:
    """An image with little paint, and what refines it."""

    image: np.ndarray
    dots: np.ndarray
    fine: np.ndarray
    refiner: Refiner


def make_scene(name: str, box: tuple[slice, slice], most: int, radius: float) -> Scene:
    """Return a part of a sample with a few dots."""
    sample = load_sample(name)
    image, fine = sample.image[box], sample.fine[box]
    dots = few_dots(sample.coarse[box], most, radius)
    return Scene(image if image.ndim == 3 else np.dstack([image] * 3), dots, fine, Refiner(image, dots))


town = make_scene("aerial", np.s_[:300, :400], most=3, radius=6)
nuclei = make_scene("nuclei", np.s_[:, :], most=2, radius=4)


def compare(scene: Scene, name: str, *values: Any) -> None:
    """Draw what is painted, then what five values of a parameter make of it, with the mean IoU."""
    _, axes = plt.subplots(2, 3, figsize=(10, 5.6), layout="constrained")
    for axis in axes.flat:
        axis.axis("off")
    painted = label2rgb(scene.dots, scene.image, colors=COLOURS, alpha=1, bg_label=0, bg_color=None, saturation=1)
    axes.flat[0].imshow(mark_boundaries(painted, scene.dots, color=(1, 1, 1), mode="outer"))
    axes.flat[0].set_title("painted")
    for axis, value in zip(axes.flat[1:], values, strict=True):
        labels = scene.refiner.run(Parameters(**{name: value})).labels
        axis.imshow(label2rgb(labels, scene.image, colors=COLOURS, alpha=0.6, bg_label=0, bg_color=None, saturation=1))
        weight = "bold" if value == getattr(Parameters(), name) else "normal"
        axis.set_title(f"{value}   (IoU {evaluate_labels(labels, scene.fine).mean_iou:.2f})", fontweight=weight)


# %%
# Similarity
# ----------
# How an unlabelled pixel is compared with the labelled ones. ``combined`` suits most images.
compare(town, "similarity", "combined", "joint", "kernel", "geodesic", "colour")

# %%
# Colour tolerance
# ----------------
# How different a colour may be and still count as alike in the heatmap. Larger: colour matters less.
compare(town, "heatmap_colour", 1, 2.5, 5, 20, 80)

# %%
# Edge cost
# ---------
# How much a step across a colour change costs on the way from a label. Larger: labels stop at weaker edges.
compare(nuclei, "geodesic_colour_weight", 0, 0.5, 2, 8, 20)

# %%
# Path weight
# -----------
# How strongly longer paths lower the probability. At 0 they do not count; large, the label with the shortest path wins.
compare(town, "geodesic_exponent", 0, 1, 4, 8, 20)

# %%
# Size of labels
# --------------
# How much likelier a label is that you painted more of. Larger: large classes win where colour and paths leave it open.
compare(town, "prior_weight", 0, 0.4, 0.8, 1.4, 2)

# %%
# Texture
# -------
# How much the surroundings of a pixel count beside its colour. From so few dots texture is not learnt well, and much of
# it is worse here. Where nothing else is said, your labels choose this weight.
compare(town, "texture_weight", 0, 0.25, 0.5, 1, 3)

# %%
# Appearance kernel: weight
# -------------------------
# How strongly pixels of similar colour pull each other to one label. Larger: small classes may vanish.
compare(town, "appearance_weight", 0, 1, 2, 8, 30)

# %%
# Appearance kernel: distance
# ---------------------------
# How far apart two pixels of similar colour may be and still pull each other.
compare(town, "theta_alpha", 5, 20, 80, 160, 640)

# %%
# Appearance kernel: colour
# -------------------------
# How different two colours may be and still pull each other. Larger: edges matter less.
compare(town, "theta_beta", 2, 4, 8, 20, 60)

# %%
# Smoothness kernel: weight
# -------------------------
# How strongly neighbouring pixels pull each other to one label, whatever their colour. Larger: fewer specks.
compare(town, "smoothness_weight", 0, 1, 3, 8, 20)

# %%
# Smoothness kernel: distance
# ---------------------------
# How far apart two pixels may be and still smooth each other. Larger: larger specks vanish.
compare(town, "theta_gamma", 0.5, 1, 3, 8, 20)

# %%
# Iterations
# ----------
# How often the labels are updated at most. Most is done after five.
compare(town, "iterations", 1, 2, 5, 10, 40)

# %%
# Leave unlabelled below
# ----------------------
# Pixels less sure of their label than this stay unlabelled: they show the image. The IoU counts them as wrong.
compare(town, "min_confidence", 0, 0.5, 0.6, 0.7, 0.9)

# %%
# Smallest part
# -------------
# Connected parts of a label with fewer pixels are taken away, unless they touch a dot of it.
compare(town, "smallest_part", 0, 10, 50, 200, 1000)
