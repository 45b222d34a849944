"""
A folder of images
==================

Many images with their coarse labels, refined by one command that can be stopped at any time, then scored.

In napari: **Plugins > Coarse CRF > Annotate a series** goes through a folder image by image and saves everything beside
them.
"""

# %%
# The files
# ---------
# Two folders. Files belong together by their names. Here they are quarters of the tissue sample.
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import imageio.v3 as iio
import matplotlib.pyplot as plt

from napari_coarse_crf.samples import load_sample

sample = load_sample("tissue")
root = Path(tempfile.mkdtemp())
for name, array in {
    "images": sample.image,
    "labels": sample.coarse,
    "fine": sample.fine,
}.items():
    (root / name).mkdir()
    for number, (top, left) in enumerate([(0, 0), (0, 160), (128, 0), (128, 160)]):
        iio.imwrite(
            root / name / f"field{number}.png", array[top : top + 128, left : left + 160]
        )
print(*sorted(path.relative_to(root).as_posix() for path in root.glob("*/*")), sep="\n")


# %%
# Refine them all
# ---------------
# ``napari-coarse-crf refine images labels -o refined``: the labels of each image choose its weights.
# ``--preset default`` fixes them for all, and so does a file of parameters.
def command(*words):
    """Run napari-coarse-crf in the folder and print what it says."""
    plain = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    line = [sys.executable, "-m", "napari_coarse_crf.cli", *words]
    done = subprocess.run(line, cwd=root, env=plain, capture_output=True, text=True, check=True)
    print(done.stdout)


command("refine", "images", "labels", "-o", "refined")

# %%
# A second call skips what is there; ``--overwrite`` makes it again.
command("refine", "images", "labels", "-o", "refined")

# %%
# Score them
# ----------
# Where some images have fine labels: how close does the result come, and what do nearest label, watershed and random
# walker make of the same strokes?
command("evaluate", "--images", "images", "--coarse", "labels", "--fine", "fine", "--baselines")

# %%
# The results are label maps like those you painted: the same names, ids and type.
figure, axes = plt.subplots(2, 4, figsize=(11, 4.8), layout="constrained")
for number, (upper, lower) in enumerate(axes.T):
    upper.imshow(iio.imread(root / "images" / f"field{number}.png"))
    lower.imshow(iio.imread(root / "refined" / f"field{number}.png"), cmap="gray")
    upper.set_title(f"field{number}")
    upper.axis("off")
    lower.axis("off")
