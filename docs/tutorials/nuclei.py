"""
Nuclei in a stained tissue
==========================

From a few strokes to a table of nuclei: refine, look, ask how sure it is, and give each nucleus an id.

In napari: **File > Open Sample > Coarse CRF**, then **Plugins > Coarse CRF > Refine labels (Coarse CRF)** and **Run**.
"""

# %%
# An image and its strokes
# ------------------------
# A sample has an image, coarse labels as a person in a hurry would paint them, and fine labels to compare with.
# 0 is unlabelled; the background has an id of its own.
import matplotlib.pyplot as plt
import numpy as np
from skimage.color import label2rgb

from napari_coarse_crf import (
    Parameters,
    Refiner,
    evaluate_labels,
    measure_objects,
    refine_labels,
    split_objects,
)
from napari_coarse_crf.samples import load_sample

COLOURS = [(0, 0.45, 0.7), (0.9, 0.62, 0)]
sample = load_sample("tissue")


def show(image, **layers):
    """Draw the image, and label maps over it."""
    _, axes = plt.subplots(
        1, 1 + len(layers), figsize=(3.5 * (1 + len(layers)), 3), layout="constrained"
    )
    axes[0].imshow(image)
    axes[0].set_title("image")
    for axis, (title, labels) in zip(axes[1:], layers.items(), strict=True):
        axis.imshow(
            label2rgb(
                labels,
                image,
                colors=COLOURS,
                alpha=0.6,
                bg_label=0,
                bg_color=None,
                saturation=1,
            )
        )
        axis.set_title(title)
    for axis in axes:
        axis.axis("off")


print(
    f"{np.mean(sample.coarse != 0):.0%} of the pixels are labelled: {dict(sample.class_names)}"
)
show(sample.image, strokes=sample.coarse, wanted=sample.fine)

# %%
# Refine
# ------
# One call. What you labelled stays as it is; every other pixel gets a label.
refined = refine_labels(sample.image, sample.coarse)
show(sample.image, strokes=sample.coarse, refined=refined)

# %%
# How good is it?
# ---------------
# With fine labels at hand, by figures: IoU (intersection over union) of each class, 1 is perfect.
scores = evaluate_labels(refined, sample.fine, coarse=sample.coarse)
for label_id, name in sample.class_names.items():
    print(f"{name:10} IoU {scores.iou[label_id]:.3f}")
print(f"of the pixels without a stroke, {scores.unlabelled_accuracy:.1%} are right")

# %%
# How sure is it?
# ---------------
# A `Refiner` gives more than labels, and keeps what a changed parameter does not touch: the second run is faster.
# Of the pixels that are .8 sure about 80 % should be right. What is less sure than `min_confidence` stays unlabelled.
refiner = Refiner(sample.image, sample.coarse)
refinement = refiner.run()
sure = refiner.run(refinement.parameters.replace(min_confidence=0.8))

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
figure.colorbar(
    left.imshow(refinement.confidence, cmap="magma", vmin=0.5, vmax=1), ax=left, shrink=0.8
)
left.set_title("confidence")
right.imshow(
    label2rgb(
        sure.labels,
        sample.image,
        colors=COLOURS,
        alpha=0.6,
        bg_label=0,
        bg_color=None,
        saturation=1,
    )
)
right.set_title("only what is .8 sure")
for axis in (left, right):
    axis.axis("off")

# %%
# What the labels chose
# ---------------------
# Without parameters your labels choose the weights. The result says what and why.
print(refinement.reason)
changed = {
    name: value
    for name, value in refinement.parameters.to_dict().items()
    if value != getattr(Parameters.preset("auto"), name) and name != "weights"
}
print(changed or "the usual weights")

# %%
# A nucleus each
# --------------
# From the class to objects: connected parts, split where they are narrow. In napari: the section *Result*.
ids = split_objects(refined, 2, smallest=30)
table = measure_objects(ids, confidence=refinement.confidence)
print(f"{ids.max()} nuclei, median area {np.median(table['size']):.0f} px")

plt.figure(figsize=(6, 4.8), layout="constrained")
plt.imshow(label2rgb(ids, sample.image, alpha=0.6, bg_label=0, bg_color=None, saturation=1))
plt.axis("off")
