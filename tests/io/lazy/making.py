"""OME-Zarr images as others write them: by zarr and the words of the specification alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from yaozarrs import v04, v05

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_AXES = {
    "t": {"name": "t", "type": "time", "unit": "second"},
    "c": {"name": "c", "type": "channel"},
    **{name: {"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"},
}
CHUNK = 16


def write_ome(
    place: Path | str,
    levels: list[NDArray[Any]],
    axes: str,
    *,
    version: str = "0.5",
    sizes: dict[str, float] | None = None,
    omero: dict[str, Any] | None = None,
    label: dict[str, Any] | None = None,
) -> None:
    """Write a pyramid, each level half as large along y and x, or as the shapes say."""
    group = zarr.open_group(str(place), mode="a", zarr_format=2 if version == "0.4" else 3)
    datasets = []
    for number, level in enumerate(levels):
        chunks = tuple(min(size, CHUNK) for size in level.shape)
        named: Any = {} if version == "0.4" else {"dimension_names": list(axes)}
        group.create_array(str(number), shape=level.shape, dtype=level.dtype, chunks=chunks, **named)[:] = level
        ratios = [full / size for full, size in zip(levels[0].shape, level.shape, strict=True)]
        scale = [(sizes or {}).get(name, 1.0) * round(ratio) for name, ratio in zip(axes, ratios, strict=True)]
        datasets.append({"path": str(number), "coordinateTransformations": [{"type": "scale", "scale": scale}]})
    pyramid: dict[str, Any] = {"axes": [_AXES[name] for name in axes], "datasets": datasets}
    said: dict[str, Any] = {"multiscales": [pyramid]} | ({"omero": omero} if omero else {})
    if label is not None:
        said["image-label"] = label
    if version == "0.4":
        pyramid["version"] = "0.4"
        v04.Image.model_validate(said)
        group.attrs.update(said)
    else:
        said["version"] = "0.5"
        v05.Image.model_validate(said)
        group.attrs.update({"ome": said})


def write_labels(image: Path | str, name: str, levels: list[NDArray[Any]], axes: str, version: str = "0.5") -> None:
    """Write a label map into an image, and its name into the list of them."""
    inner = zarr.open_group(f"{image}/labels", mode="a", zarr_format=2 if version == "0.4" else 3)
    said: Any = inner.attrs.asdict()
    said = said.get("ome", said)
    names = {"labels": [*said.get("labels", []), name]}
    inner.attrs.update(names if version == "0.4" else {"ome": {"version": "0.5", **names}})
    write_ome(f"{image}/labels/{name}", levels, axes, version=version, label={})


def numbered(*shape: int, dtype: Any = np.uint8) -> NDArray[Any]:
    """Return an array whose numbers tell where they stand."""
    return (np.arange(np.prod(shape)) * 7 % 251).reshape(shape).astype(dtype)
