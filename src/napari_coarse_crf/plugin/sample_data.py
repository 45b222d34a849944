"""The bundled samples as layers, for File > Open Sample.

npe2 calls a sample's command without arguments, so every sample has a function of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_coarse_crf.plugin.layers.provenance import KEY
from napari_coarse_crf.samples import load_sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    LayerData = tuple[NDArray[np.uint8], dict[str, Any], str]


def open_aerial() -> list[LayerData]:
    """Return the aerial image with its coarse and fine labels."""
    return _layers("aerial")


def open_tissue() -> list[LayerData]:
    """Return the stained tissue with its coarse and fine labels."""
    return _layers("tissue")


def open_nuclei() -> list[LayerData]:
    """Return the crowded nuclei with their coarse and fine labels."""
    return _layers("nuclei")


def open_dim_nuclei() -> list[LayerData]:
    """Return the dim nuclei with their coarse and fine labels."""
    return _layers("dim_nuclei")


def _layers(name: str) -> list[LayerData]:
    sample = load_sample(name)
    title = name.replace("_", " ")
    about = {"source": sample.source, "licence": sample.licence}
    # napari shows the features of the label under the cursor; the column "index" says which label a row is about.
    features = {"index": list(sample.class_names), "class": list(sample.class_names.values())}
    of_labels: dict[str, Any] = {**about, "class_names": dict(sample.class_names)}
    coarse = {"name": f"{title} coarse", "features": features, "metadata": of_labels}
    fine = {
        "name": f"{title} fine",
        "features": features,
        "metadata": {**of_labels, KEY: {"truth": True}},
        "visible": False,
    }
    return [
        (sample.image, {"name": title, "rgb": sample.image.ndim == 3, "metadata": about}, "image"),
        (sample.fine, fine, "labels"),
        (sample.coarse, coarse, "labels"),  # last, so that napari selects what a person paints on
    ]
