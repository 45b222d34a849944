"""A refined layer as files side by side: labels, confidence, parameters, and the layer itself for napari.

napari's own writers drop the metadata of a layer, and with it how the labels were made.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf.io import files
from napari_coarse_crf.io.grid import UNKNOWN, Grid
from napari_coarse_crf.plugin.layers.axes import axis_letters
from napari_coarse_crf.plugin.layers.grid import pixel_size
from napari_coarse_crf.plugin.layers.provenance import parameters_as_said, parameters_of
from napari_coarse_crf.plugin.layers.record import recall
from napari_coarse_crf.plugin.layers.saved import describe_layer, description_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.layers import Labels
    from numpy.typing import NDArray

_AXES = "TZYX"
FILE_KINDS = "TIFF, any labels (*.tif *.tiff);;PNG, one plane, ids up to 65535 (*.png)"
"""What the file dialog offers."""


@dataclass(frozen=True, slots=True, eq=False)
class Saving:
    """What is to be written where, read from the layer at once: it may change while the files are written.

    Attributes
    ----------
    labels : ndarray
        A copy of what the layer shows; written into a TIFF as 32 bits, which napari opens as labels.
    palette : bytes
        The colours of the first 256 ids, for PNG.
    confidence : ndarray or None
        None where it is not known: the layer was made in another session.
    axes, grid
        What each axis is and how large the pixels are, as `files.encode_labels` takes them.
    parameters : bytes or None
        The JSON file of what they were made with, as the metadata say it; None where nobody knows.
    description : bytes
        The JSON file that napari opens as this layer.
    labels_path, confidence_path, parameters_path, description_path : Path
        Where each goes.
    """

    labels: NDArray[Any]
    palette: bytes
    confidence: NDArray[np.float32] | None
    axes: str
    grid: Grid | None
    parameters: bytes | None
    description: bytes
    labels_path: Path
    confidence_path: Path
    parameters_path: Path
    description_path: Path

    @classmethod
    def prepare(cls, layer: Labels, path: Path) -> Saving:
        """Read the layer, on the main thread.

        Raises
        ------
        InputError
            If the file cannot be written, or its kind cannot hold these labels.
        """
        if not path.suffix:
            path = path.with_suffix(".tif")
        files.check_writable(path, overwrite=True)  # whether to overwrite is asked before anything is written
        files.check_labels_fit(np.asarray(layer.data), path)
        return cls.of(layer, path)

    @classmethod
    def of(cls, layer: Labels, path: Path, labels: NDArray[Any] | None = None) -> Saving:
        """Read the layer, on the main thread, whether or not the file can be written.

        By default its labels are copied.
        """
        record = recall(layer)
        return cls(
            np.array(layer.data) if labels is None else labels,
            _palette(layer),
            None if record is None else record.confidence,
            *_place(layer),
            _parameters(layer),
            describe_layer(layer, path),
            path,
            path.with_name(f"{path.stem}_confidence.tif"),
            path.with_name(f"{path.stem}_parameters.json"),
            description_path(path),
        )

    @property
    def paths(self) -> list[Path]:
        """The files that will be written."""
        known = (
            (self.labels_path, True),
            (self.confidence_path, self.confidence is not None),
            (self.parameters_path, self.parameters is not None),
            (self.description_path, True),
        )
        return [path for path, is_known in known if is_known]

    @property
    def existing(self) -> list[Path]:
        """Those of them that are there already."""
        return [path for path in self.paths if path.exists()]

    def contents(self) -> dict[Path, bytes]:
        """Return what goes into each file. Call it off the main thread."""
        labels = files.encode_labels(
            self.labels, self.labels_path, self.palette, axes=self.axes, grid=self.grid, dtype=_stored_type(self.labels)
        )
        contents = {self.labels_path: labels}
        if self.confidence is not None:
            contents[self.confidence_path] = files.encode_confidence(
                self.confidence, self.confidence_path, axes=self.axes, grid=self.grid
            )
        if self.parameters is not None:
            contents[self.parameters_path] = self.parameters
        contents[self.description_path] = self.description
        return contents

    def write(self) -> list[Path]:
        """Write the files, all or none, and return their paths. Call it off the main thread.

        Raises
        ------
        InputError
            If the system refuses.
        """
        contents = self.contents()
        files.write_files(contents)
        return list(contents)


@dataclass(frozen=True, slots=True, eq=False)
class TableSaving:
    """The table as a CSV file; offers what `Saving` does."""

    text: str
    path: Path

    @classmethod
    def prepare(cls, text: str, path: Path) -> TableSaving:
        """Find out whether the file can be written.

        Raises
        ------
        InputError
            If it cannot.
        """
        path = path if path.suffix else path.with_suffix(".csv")
        files.check_free(path, overwrite=True)
        return cls(text, path)

    @property
    def existing(self) -> list[Path]:
        """The file, if it is there already."""
        return [self.path] if self.path.exists() else []

    def write(self) -> list[Path]:
        """Write the file and return its path.

        Raises
        ------
        InputError
            If the system refuses.
        """
        files.write_files({self.path: self.text.encode()})
        return [self.path]


def file_name(layer_name: str) -> str:
    """Return a file name for a layer, without an ending.

    Examples
    --------
    >>> file_name("slide 3/7: strokes refined")
    'slide_3_7_strokes_refined'
    """
    return re.sub(r"[^\w.-]+", "_", layer_name).strip("_.") or "labels"


def _stored_type(labels: NDArray[Any]) -> np.dtype[Any]:
    """Return a type that napari takes for labels when it opens them from a TIFF: it has images in 8 and 16 bits."""
    least: np.dtype[Any] = np.dtype(np.int32)
    return least if labels.dtype.itemsize < least.itemsize else labels.dtype


def _place(layer: Labels) -> tuple[str, Grid | None]:
    """Return what each axis of a layer is and how large its pixels are; nothing where TIFF has no names for them."""
    if layer.ndim > len(_AXES):
        return "", None
    axes, unit = _name_axes(layer), layer.units[-1]
    sizes = dict(zip(axes, pixel_size(layer, unit), strict=True))
    return axes, Grid({axis: size for axis, size in sizes.items() if axis != "T"}, f"{unit:~}", "OME")


def _name_axes(layer: Labels) -> str:
    """Return what each axis is: as the layer calls it, else by its place."""
    said = zip(layer.axis_labels, axis_letters(layer), strict=True)
    letters = [str(name).upper() if letter == UNKNOWN else letter for name, letter in said]
    left = [axis for axis in _AXES if axis not in letters]
    named = [letter if letter in set(_AXES) else left.pop() for letter in reversed(letters)]
    axes = "".join(reversed(named))
    # No axis twice, and planes as TIFF has them.
    return axes if len(set(axes)) == len(axes) and axes.endswith("YX") else _AXES[-layer.ndim :]


def _parameters(layer: Labels) -> bytes | None:
    """Return the content of the file of parameters; those of another version as they stand."""
    known, said = parameters_of(layer), parameters_as_said(layer)
    if known is not None:
        return known.to_json().encode()
    return None if said is None else (json.dumps(said, indent=2, default=str) + "\n").encode()


def _palette(layer: Labels) -> bytes:
    colour_of: Callable[[Any], NDArray[Any]] = layer.colormap.map
    colours = np.atleast_2d(colour_of(np.arange(256, dtype=np.uint8)))[:, :3]
    return np.round(colours * 255).astype(np.uint8).tobytes()
