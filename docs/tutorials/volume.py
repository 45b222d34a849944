"""
A volume
========

A stack of planes that lie farther apart than pixels do, painted on every fifth plane only.

In napari: open the stack, give it its scale (the size of a pixel along each axis), paint on some planes, and leave
**What is refined** at everything. A stack whose first axis is time is refined frame by frame instead.
"""

# %%
# Cells in a volume
# -----------------
# We draw one: bright balls of different sizes in noise, planes three times as far apart as pixels.
import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage as ndi

from napari_coarse_crf import evaluate_labels, refine_labels

SPACING = (3.0, 1.0, 1.0)
random = np.random.default_rng(3)
z, y, x = np.indices((21, 96, 96), dtype=np.float32)
truth = np.ones(z.shape, np.uint8)
for centre in random.uniform((4, 12, 12), (17, 84, 84), (14, 3)):
    away = np.sqrt(
        sum(
            ((axis - c) * size) ** 2
            for axis, c, size in zip((z, y, x), centre, SPACING, strict=True)
        )
    )
    truth[away < random.uniform(7, 12)] = 2
volume = ndi.gaussian_filter(80.0 + 60.0 * (truth == 2), (0.4, 1.2, 1.2)) + random.normal(
    0, 14, truth.shape
)
volume = np.clip(volume, 0, 255).astype(np.uint8)

# %%
# Strokes on every fifth plane
# ----------------------------
# The middles of cells and of the ground between them, as a person would paint them.
strokes = np.zeros_like(truth)
for plane in range(0, 21, 5):
    for label_id in (1, 2):
        inside = ndi.distance_transform_edt(truth[plane] == label_id)
        strokes[plane][inside > 0.6 * inside.max()] = label_id
print(
    f"{np.mean(strokes != 0):.1%} of the voxels are labelled, on {np.unique(strokes.nonzero()[0]).size} planes"
)

# %%
# Refine with the size of a voxel
# -------------------------------
# ``spacing`` says that a step from plane to plane is three times as long. Files that say it need no option.
refined = refine_labels(volume, strokes, spacing=SPACING)
scores = evaluate_labels(refined, truth, coarse=strokes)
print(
    f"of the voxels without a stroke, {scores.unlabelled_accuracy:.1%} are right; IoU of cells {scores.iou[2]:.3f}"
)

figure, axes = plt.subplots(2, 4, figsize=(11, 5.8), layout="constrained")
for row, plane in zip(axes, (10, 12), strict=True):
    shown = {"image": volume, "strokes": strokes, "refined": refined, "truth": truth}
    for axis, (title, data) in zip(row, shown.items(), strict=True):
        low, high = (0, 255) if title == "image" else (0, 2)
        axis.imshow(data[plane], cmap="gray", vmin=low, vmax=high)
        axis.set_title(f"{title}, plane {plane}")
        axis.axis("off")

# %%
# Plane 12 holds no stroke: what it is comes from planes 10 and 15.
#
# On the command line::
#
#     napari-coarse-crf refine stack.tif coarse.tif -o refined.tif --spacing 3,1,1
#     napari-coarse-crf refine film.tif coarse.tif -o refined.tif --each-slice
#
# ``--each-slice`` refines each plane on its own: for films, and for planes that have little to do with each other. Then
# each plane needs strokes.
