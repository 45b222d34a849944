"""A layer that was refined tile by tile as a folder of OME-Zarr: its store is copied, nothing is read into memory."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_coarse_crf import InputError
from napari_coarse_crf.io.axes import TIME
from napari_coarse_crf.io.raster import CHANNELS
from napari_coarse_crf.plugin.layers.axes import axis_letters
from napari_coarse_crf.plugin.layers.colours import colours_of
from napari_coarse_crf.plugin.layers.provenance import KEY, provenance
from napari_coarse_crf.plugin.layers.store import store_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari.layers import Labels

    from napari_coarse_crf.plugin.layers.store import LabelStore

STORE_SUFFIX: Final = ".zarr"
STORE_KIND: Final = f"OME-Zarr (*{STORE_SUFFIX})"
"""What the file dialog offers."""
_VERSION: Final = "0.5"
_SPACE: Final = "zyx"
_TYPES: Final = {TIME: "time", CHANNELS: "channel"}


@dataclass(frozen=True, slots=True, eq=False)
class StoreSaving:
    """A store and what is said of it; offers what `Saving` does."""

    store: LabelStore
    described: dict[str, Any]
    path: Path

    @classmethod
    def prepare(cls, layer: Labels, path: Path) -> StoreSaving:
        """Read the layer, on the main thread.

        Raises
        ------
        InputError
            If its store is gone, or the place is none for a folder.
        """
        store = store_of(layer)
        if store is None:
            raise InputError(f"'{layer.name}' has no store any more. Run again.")
        path = path if path.suffix else path.with_suffix(STORE_SUFFIX)
        if path.is_file() or (path.is_dir() and not (path / "zarr.json").exists()):
            raise InputError(f"{path} is there, and no Zarr store that could be replaced. Choose another name.")
        return cls(store, _describe(layer, store), path)

    @property
    def existing(self) -> list[Path]:
        """The folder, if it is there already."""
        return [self.path] if self.path.exists() else []

    def write(self) -> list[Path]:
        """Copy the store, all of it or nothing, and return its path. Call it off the main thread.

        Raises
        ------
        InputError
            If the system refuses.
        """
        beside = self.path.with_name(f".{self.path.name}.part")
        try:
            shutil.rmtree(beside, ignore_errors=True)
            self.store.copy_to(beside, self.described)
            if self.path.exists():
                shutil.rmtree(self.path)
            beside.rename(self.path)
        except OSError as error:
            shutil.rmtree(beside, ignore_errors=True)
            raise InputError(
                f"{self.path} cannot be written ({error.strerror or error}). Choose another place."
            ) from error
        return [self.path]


def _describe(layer: Labels, store: LabelStore) -> dict[str, Any]:
    """Return the attributes of the store: what OME-Zarr 0.5 says of labels, and how they were made."""
    scale, translate = np.asarray(layer.scale, float), np.asarray(layer.translate, float)
    largest = np.array(store.levels[0].shape, float)
    datasets = []
    for level in store.levels:
        by = np.round(largest / level.shape)
        moved = [
            {"type": "scale", "scale": (scale * by).tolist()},
            {"type": "translation", "translation": translate.tolist()},
        ]
        datasets.append({"path": level.path.rpartition("/")[2], "coordinateTransformations": moved})
    multiscales = [{"name": layer.name, "axes": _axes(layer), "datasets": datasets, "type": "every n-th pixel"}]
    ome = {"version": _VERSION, "multiscales": multiscales, "image-label": {"colors": _colours(layer)}}
    return {"ome": ome, KEY: provenance(layer)}


def _axes(layer: Labels) -> list[dict[str, str]]:
    """Return name, type and unit of each axis: as the layer calls it, else by its place."""
    space = iter(_SPACE[-min(layer.ndim, len(_SPACE)) :])
    axes = []
    for letter, unit in zip(axis_letters(layer), layer.units, strict=True):
        kind = _TYPES.get(letter, "space")
        name = letter.lower() if letter in _TYPES else next(space, "")
        known = {} if str(unit) == "pixel" else {"unit": str(unit)}
        axes.append({"name": name, "type": kind, **known})
    return axes


def _colours(layer: Labels) -> list[dict[str, Any]]:
    """Return the colour of each label that the run knows of."""
    ids: Sequence[int] = sorted(int(one) for one in provenance(layer).get("label_counts", {}))
    colours = np.round(255 * np.asarray(colours_of(layer, ids))).astype(int).tolist()
    return [{"label-value": one, "rgba": rgba} for one, rgba in zip(ids, colours, strict=True)]
