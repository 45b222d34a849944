#!/usr/bin/env python
"""
Compare sets of parameters
==========================

On one image, cell by cell: runs as a script, and as a notebook where "# %%" is known::

    python examples/compare_parameters.py [comparison.png]
"""

# %% An image with coarse labels, and what a person drew with care.
from __future__ import annotations

import sys

import numpy as np
from imageio.v3 import imwrite
from skimage.segmentation import mark_boundaries

from napari_coarse_crf import Parameters, Refiner, evaluate_labels
from napari_coarse_crf.samples import load_sample

sample = load_sample("tissue")
print(f"{np.mean(sample.coarse != 0):.0%} of the pixels of {sample.title!r} are labelled.")

# %% Refine with each set. The Refiner keeps what a changed parameter does not touch.
sets = {
    "default": Parameters(),
    "paper": Parameters.preset("paper"),
    "smoother": Parameters(smoothness_weight=8, theta_gamma=5),
    "colour only": Parameters(similarity="colour"),
}
refiner = Refiner(sample.image, sample.coarse)
refined = {name: refiner.run(parameters).labels for name, parameters in sets.items()}

# %% Scores against the careful labels, over the pixels that had no label.
for name, labels in refined.items():
    scores = evaluate_labels(labels, sample.fine, coarse=sample.coarse)
    print(f"{name:12} accuracy {scores.mean_accuracy:.3f}, IoU {scores.mean_iou:.3f}")

# %% Outlines side by side.
if len(sys.argv) > 1:
    strip = [mark_boundaries(sample.image, labels, color=(1, 1, 0)) for labels in (sample.fine, *refined.values())]
    imwrite(sys.argv[1], (np.concatenate(strip, axis=1) * 255).astype(np.uint8))
    print(f"Drawn into {sys.argv[1]}: careful labels, then {', '.join(refined)}.")
