"""
An aerial scene
===============

Five classes from polygons: score by class, see where it fails, and paint where it helps most.

In napari: **File > Open Sample > Coarse CRF > Aerial image**. Polygons may be drawn in a Shapes layer, too; a
feature ``class`` or their colour says what each stands for.
"""

# %%
# The scene
# ---------
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from napari_coarse_crf import Refiner, evaluate_labels, suggest_place
from napari_coarse_crf.samples import load_sample

COLOURS = ["#d55e00", "#f0e442", "#666666", "#009e73", "#56b4e9"]
sample = load_sample("aerial")


def show(**layers):
    """Draw the image and three label maps, with a legend of the classes."""
    figure, axes = plt.subplots(2, 2, figsize=(9, 8), layout="constrained")
    axes.flat[0].imshow(sample.image)
    axes.flat[0].set_title("image")
    for axis, (title, labels) in zip(axes.flat[1:], layers.items(), strict=True):
        shown = np.ma.masked_equal(labels, 0)
        axis.imshow(shown, cmap=ListedColormap(COLOURS), vmin=1, vmax=5, interpolation="none")
        axis.set_title(title)
    for axis in axes.flat:
        axis.axis("off")
    named = [
        Patch(color=colour, label=sample.class_names[i + 1]) for i, colour in enumerate(COLOURS)
    ]
    figure.legend(handles=named, loc="outside lower center", ncols=5, frameon=False)


refiner = Refiner(sample.image, sample.coarse)
refined = refiner.run().labels
show(polygons=sample.coarse, refined=refined, wanted=sample.fine)

# %%
# Class by class
# --------------
# A class does well where it has a colour or an outline of its own. Roads have the colour of the land here: that is what
# this method cannot tell. ``label_counts`` says what each label had before and has now.
refinement = refiner.run()
scores = evaluate_labels(refinement.labels, sample.fine, coarse=sample.coarse)
for label_id, name in sample.class_names.items():
    before, after = refinement.label_counts[label_id]
    print(f"{name:11} IoU {scores.iou[label_id]:.2f}   {before:7} px -> {after:7} px")

# %%
# Where to paint next
# -------------------
# Where are two labels nearly even, over an area that matters? In napari: **Next place**.
place = suggest_place(sample.image, sample.coarse)
first, second = (sample.class_names[label_id] for label_id in place.labels)
print(f"at {place.position}: {first} or {second}? {place.size} px are in doubt around it")

# %%
# A person who knows the scene paints a stroke there: here we take it from the fine labels. The kernels of the image
# are kept, so this run is faster than the first one.
row, column = place.position
around = (slice(max(0, row - 12), row + 12), slice(max(0, column - 12), column + 12))
corrected = sample.coarse.copy()
corrected[around] = np.where(corrected[around] == 0, sample.fine[around], corrected[around])
refiner.update_labels(corrected)
better = evaluate_labels(refiner.run().labels, sample.fine, coarse=sample.coarse)
print(f"mean IoU {scores.mean_iou:.3f} -> {better.mean_iou:.3f}")
