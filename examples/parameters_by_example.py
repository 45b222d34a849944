#!/usr/bin/env python
"""
Parameters by example
=====================

One parameter, five values, one picture: the tissue sample with a sixth of its strokes, all other parameters as usual.
The default is in bold. Yellow lines are the outlines of what was found. It needs matplotlib.

The table of all parameters with their ranges: :doc:`/parameters`.
"""

# %%
from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage as ndi
from skimage.segmentation import mark_boundaries

from napari_coarse_crf import Parameters, Refiner, evaluate_labels
from napari_coarse_crf.samples import Sample, load_sample


def few_strokes(coarse: np.ndarray, every: int) -> np.ndarray:
    """Return every n-th stroke of each label: where little is painted, parameters matter more."""
    kept = np.zeros_like(coarse)
    for label_id in (1, 2):
        strokes, _ = ndi.label(coarse == label_id)
        kept[(strokes % every == 1) & (strokes > 0)] = label_id
    return kept


sample = load_sample("tissue")
coarse = few_strokes(sample.coarse, every=6)
refiner = Refiner(sample.image, coarse)


def compare(name: str, *values: Any, base: Parameters | None = None, on: Sample = sample) -> None:
    """Draw the strokes, then what five values of one parameter make of them, with their mean IoU."""
    base = base or Parameters()
    usual = getattr(base, name)
    figure, axes = plt.subplots(2, 3, figsize=(10.5, 6.2), layout="constrained")
    figure.suptitle(f"{Parameters.describe()[name].label}: {name}")
    axes.flat[0].imshow(mark_boundaries(on.image, coarse, color=(0, 1, 1), mode="inner"))
    axes.flat[0].set_title("strokes")
    for axis, value in zip(axes.flat[1:], values, strict=True):
        labels = refiner.run(base.replace(**{name: value})).labels
        axis.imshow(mark_boundaries(on.image, labels, color=(1, 1, 0), mode="inner"))
        weight = "bold" if value == usual else "normal"
        axis.set_title(f"{value}   (IoU {evaluate_labels(labels, on.fine).mean_iou:.2f})", fontweight=weight)
    for axis in axes.flat:
        axis.axis("off")
    plt.show()


# %%
# Similarity
# ----------
# How an unlabelled pixel is compared with the labelled ones. ``combined`` suits most images.
compare("similarity", "combined", "joint", "kernel", "geodesic", "colour")

# %%
# Colour tolerance
# ----------------
# How different a colour may be and still count as alike in the heatmap. Larger: colour matters less.
compare("heatmap_colour", 1, 2.5, 5, 20, 80)

# %%
# Edge cost
# ---------
# How much a step across a colour change costs on the way from a label. Larger: labels stop at weaker edges.
compare("geodesic_colour_weight", 0, 0.5, 2, 8, 20)

# %%
# Path weight
# -----------
# How strongly longer paths lower the probability. At 0 paths do not count.
compare("geodesic_exponent", 0, 1, 4, 8, 20)

# %%
# Size of labels
# --------------
# How much likelier a label is that you painted more of. Larger: large classes win where colour and paths leave it open.
compare("prior_weight", 0, 0.4, 0.8, 1.4, 2)

# %%
# Texture
# -------
# How much the surroundings of a pixel count beside its colour.
compare("texture_weight", 0, 0.25, 0.5, 1, 3)

# %%
# Appearance kernel: weight
# -------------------------
# How strongly pixels of similar colour pull each other to one label. Larger: small classes may vanish.
compare("appearance_weight", 0, 1, 2, 8, 30)

# %%
# Appearance kernel: distance
# ---------------------------
# How far apart two pixels of similar colour may be and still pull each other.
compare("theta_alpha", 5, 20, 80, 160, 640)

# %%
# Appearance kernel: colour
# -------------------------
# How different two colours may be and still pull each other. Larger: edges matter less.
compare("theta_beta", 2, 4, 8, 20, 60)

# %%
# Smoothness kernel: weight
# -------------------------
# How strongly neighbouring pixels pull each other to one label, whatever their colour.
compare("smoothness_weight", 0, 1, 3, 8, 20)

# %%
# Smoothness kernel: distance
# ---------------------------
# How far apart two pixels may be and still smooth each other. Larger: larger specks vanish.
compare("theta_gamma", 1, 2, 3, 6, 12)

# %%
# Iterations
# ----------
# How often the labels are updated at most.
compare("iterations", 1, 2, 5, 10, 40)

# %%
# Leave unlabelled below
# ----------------------
# Pixels less sure than this stay unlabelled: here their outline is drawn like that of a label. The IoU counts them as
# wrong.
compare("min_confidence", 0, 0.6, 0.7, 0.8, 0.95)

# %%
# Smallest part
# -------------
# Connected parts of a label with fewer pixels are taken away, unless they touch a stroke of it.
compare("smallest_part", 0, 10, 50, 200, 1000)
