#!/usr/bin/env python
"""How well objects with an id each are found, beside watershed from the same strokes.

Takes the bundled nuclei, cut where they are narrow, and folders of PNG: `<name>_img` and `<name>_instances` (0 =
background). Each object gets a stroke: its core, a dot in its middle, or its middle line. The background gets one
pixel in fifty, or with the lines one row in forty, at 4 px and more from the objects. Prints a Markdown table: median
and mean IoU of the objects, IoU of all of them together, and how many of their pixels are cut off from their strokes.

    python benchmarks/instances.py
    python benchmarks/instances.py cells --strokes core dot line
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from skimage import measure, morphology, segmentation

from napari_coarse_crf import Parameters, refine_labels
from napari_coarse_crf.io.files import read_image, read_labels
from napari_coarse_crf.samples import load_sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Array = np.ndarray[Any, Any]

STROKES = ("core", "dot", "line")


def watershed(image: Array, strokes: Array) -> Array:
    """Flood the gradient of the grey image from the strokes."""
    grey = image.astype(float) if image.ndim == 2 else image.astype(float).mean(axis=-1)
    flooded: Array = segmentation.watershed(np.hypot(*np.gradient(grey)), strokes)
    return flooded


METHODS: dict[str, Callable[[Array, Array], Array]] = {
    "watershed": watershed,
    "each id a class": lambda image, strokes: refine_labels(image, strokes, Parameters(instances="never")),
    "default": lambda image, strokes: refine_labels(image, strokes),
}


def images(folders: list[Path]) -> Iterator[tuple[str, Array, Array]]:
    """Yield name, image and numbered objects."""
    for name in ("nuclei", "dim_nuclei"):
        sample = load_sample(name)
        depth = ndimage.distance_transform_edt(sample.fine == 2)
        markers = measure.label(morphology.h_maxima(depth, 1.0) > 0)
        yield f"sample {name}", sample.image, segmentation.watershed(-depth, markers, mask=sample.fine == 2)
    for folder in folders:
        for path in sorted(folder.glob("*_instances.png")):
            image = read_image(path.with_name(path.name.replace("_instances", "_img"))).image
            yield folder.name, image, read_labels(path).ids.astype(np.int32)


def drawn(objects: Array, kind: str) -> Array:
    """Return strokes: 1 for the background, one more than its number for each object of 20 pixels and more."""
    strokes = np.zeros(objects.shape, np.int32)
    for region in measure.regionprops(objects):
        if region.area < 20:
            continue
        depth = ndimage.distance_transform_edt(np.pad(region.image, 1))[1:-1, 1:-1]
        if kind == "dot":
            middle = np.unravel_index(depth.argmax(), depth.shape)
            square = sum((axis - at) ** 2 for axis, at in zip(np.indices(depth.shape), middle, strict=True))
            stroke = region.image & (square <= max(2.0, 0.25 * depth.max()) ** 2)
        else:
            stroke = depth > {"core": 0.6, "line": 0.4}[kind] * depth.max()
            stroke = morphology.skeletonize(stroke) if kind == "line" else stroke
        strokes[region.slice][stroke] = region.label + 1
    free = ndimage.distance_transform_edt(objects == 0) > 4
    rows = np.zeros(objects.shape, np.bool_)
    rows[::40] = True
    strokes[free & (rows if kind == "line" else np.random.default_rng(0).random(objects.shape) < 0.02)] = 1
    return strokes


def figures(found: Array, strokes: Array, truth: Array) -> tuple[float, float, float, float]:
    """Return median and mean IoU, that of all objects together, and the share of pixels that are cut off."""
    ious, cut = [], 0
    for label_id in np.unique(strokes[strokes > 1]):
        own, right = found == label_id, truth == label_id
        ious.append((own & right).sum() / (own | right).sum())
        parts = measure.label(own, connectivity=1)
        cut += int((own & ~np.isin(parts, parts[strokes == label_id])).sum())
    together = ((found > 1) & (truth > 1)).sum() / ((found > 1) | (truth > 1)).sum()
    return float(np.median(ious)), float(np.mean(ious)), float(together), cut / max(1, int((found > 1).sum()))


def main() -> None:
    """Score the samples and the folders given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--strokes", nargs="+", choices=STROKES, default=["core"])
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # classes that take nothing count in the figures
    rows: dict[str, list[Array]] = {}
    for name, image, objects in images(args.folders):
        for kind in args.strokes:
            strokes = drawn(objects, kind)
            found = [figures(method(image, strokes), strokes, objects + 1) for method in METHODS.values()]
            rows.setdefault(f"{name}, {kind}", []).append(np.array(found))
    print("| images, strokes | cases | " + " | ".join(METHODS) + " |")
    print("|---|---|" + "---|" * len(METHODS))
    for title, values in rows.items():
        cells = (" / ".join(f"{value:.3f}" for value in row) for row in np.mean(values, axis=0))
        print(f"| {title} | {len(values)} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
