"""
A slide that does not fit into memory
=====================================

Image and labels on disk, refined tile by tile into a store on disk. Nothing here ever holds the whole image.

In napari: open the slide, paint in a Labels layer, and press **Run**. What would take more than half of the free memory
is refined tile by tile, what is in view first; *Tile by tile* asks for it.
"""

# %%
# A slide on disk
# ---------------
# This one is small, so that the page is made quickly: the tissue sample, four times four, as zarr. Yours may be an
# OME-Zarr, a tiled TIFF or a file of a slide scanner.
import tempfile
from pathlib import Path

import dask.array as da
import matplotlib.pyplot as plt
import numpy as np

from napari_coarse_crf import Parameters, estimate_memory, refine_labels
from napari_coarse_crf.samples import load_sample

sample = load_sample("tissue")
folder = Path(tempfile.mkdtemp())


def mosaic(tile):
    """Return the tile four times four, mirrored so that no seam shows."""
    row = np.concatenate([tile, tile[:, ::-1]] * 2, axis=1)
    return np.concatenate([row, row[::-1]] * 2)


da.from_array(mosaic(sample.image), chunks=(256, 256, 3)).to_zarr(str(folder / "slide.zarr"))
da.from_array(mosaic(sample.coarse), chunks=(256, 256)).to_zarr(str(folder / "coarse.zarr"))

# %%
# Refine lazily
# -------------
# Arrays of dask give an array of dask. It is planned and refined when it is computed, a tile at a time for each thread,
# and written chunk by chunk.
image, strokes = (
    da.from_zarr(str(folder / "slide.zarr")),
    da.from_zarr(str(folder / "coarse.zarr")),
)
parameters = Parameters(theta_alpha=40)
refined = refine_labels(image, strokes, parameters, tile=512)
print(f"{refined.shape} in chunks of {refined.chunksize}")
refined.to_zarr(str(folder / "refined.zarr"))

# %%
# What would all at once have taken, and how much do tiles differ from it? This one fits, so we can ask.
at_once = refine_labels(image.compute(), strokes.compute(), parameters)
in_tiles = da.from_zarr(str(folder / "refined.zarr")).compute()
print(
    f"at once: {estimate_memory(image.compute(), strokes.compute(), parameters) / 1e6:.0f} MB"
)
print(f"pixels that differ: {np.mean(at_once != in_tiles):.2%}")

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
axes[0].imshow(image[::2, ::2].compute())
axes[0].set_title("every second pixel of the slide")
axes[1].imshow(in_tiles[::2, ::2], cmap="gray", interpolation="none")
axes[1].set_title("refined in tiles")
for axis in axes:
    axis.axis("off")

# %%
# On the command line
# -------------------
# The same, and a run that is stopped or killed goes on from its finished tiles::
#
#     napari-coarse-crf refine slide.zarr coarse.zarr -o refined.zarr
#     napari-coarse-crf refine slide.ome.tif coarse.tif -o refined.tif --memory-limit 4GB
#     napari-coarse-crf refine slide.zarr slide.zarr/labels/coarse -o slide.zarr/labels/refined --processes 4
#
# How to choose tiles, memory and workers: :doc:`/scaling`. On a cluster: :doc:`/how-to/cluster`.
