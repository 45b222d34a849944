"""A layer that was refined tile by tile as a folder of OME-Zarr: its store is copied, nothing is read into memory."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_coarse_crf import InputError
from napari_coarse_crf.io.beside import hidden_name
from napari_coarse_crf.io.grid import Grid
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
_PLANE: Final = "YX"


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
        if path.suffix.lower() != STORE_SUFFIX:
            raise InputError(
                f"{path} should end in {STORE_SUFFIX}: '{layer.name}' was refined tile by tile and is saved as a "
                "folder."
            )
        if not path.parent.is_dir():
            raise InputError(f"{path.parent} is no folder. Create it first, or choose another one.")
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
        beside, old = (self.path.with_name(hidden_name(self.path.name, ending)) for ending in (".part", ".old"))
        try:
            shutil.rmtree(beside, ignore_errors=True)
            self.store.copy_to(beside, self.described)
            if self.path.exists():
                shutil.rmtree(old, ignore_errors=True)
                self.path.rename(old)  # at once, which removing it is not
            beside.rename(self.path)
            shutil.rmtree(old, ignore_errors=True)
        except OSError as error:
            shutil.rmtree(beside, ignore_errors=True)
            raise InputError(
                f"{self.path} cannot be written ({error.strerror or error}). Choose another place."
            ) from error
        return [self.path]


def _describe(layer: Labels, store: LabelStore) -> dict[str, Any]:
    """Return the attributes of the store: what OME-Zarr says of labels, if it has words for the axes, and how made."""
    # Half a second to import, which the dock need not wait for.
    from napari_coarse_crf.io.lazy.ground import Ground
    from napari_coarse_crf.io.lazy.ome import describe_pyramid

    about = {KEY: provenance(layer)}
    letters = axis_letters(layer)[: -len(_PLANE)] + _PLANE
    like = Ground.of(store.shape, letters, Grid(unit=str(layer.units[-1]))).multiscale
    if like is None:
        return about
    scale, place = np.asarray(layer.scale, float), tuple(np.asarray(layer.translate, float).tolist())
    pyramid = replace(
        like,
        paths=tuple(level.path.rpartition("/")[2] for level in store.levels),
        scales=tuple(tuple((scale * np.round(np.divide(store.shape, one.shape))).tolist()) for one in store.levels),
        translations=(place,) * len(store.levels),
    )
    return describe_pyramid(pyramid, layer.name, are_labels=True, shown=_colours(layer)) | about


def _colours(layer: Labels) -> dict[int, list[int]]:
    """Return the colour of each label that the run knows of, 0..255."""
    ids: Sequence[int] = sorted(int(one) for one in provenance(layer).get("label_counts", {}))
    return dict(zip(ids, np.round(255 * colours_of(layer, ids)).astype(int).tolist(), strict=True))
