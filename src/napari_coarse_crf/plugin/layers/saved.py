"""A Labels layer beside its file: a JSON that says where it lies, how it looks and where it comes from.

TIFF and PNG keep the ids and little else. napari asks which plugin shall open a file whenever two can read names like
it, so this one reads no TIFF or PNG by itself: it opens the JSON, and with it the labels that lie beside it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.json_text import read_json
from napari_coarse_crf.plugin.layers.classes import is_gap
from napari_coarse_crf.plugin.layers.dimmed import opacity_of
from napari_coarse_crf.plugin.layers.provenance import KEY, provenance
from napari_coarse_crf.schema import Schema, only_unnumbered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari.layers import Labels
    from numpy.typing import NDArray

    LayerData = tuple[NDArray[Any], dict[str, Any], str]

SUFFIX: Final = ".coarse-crf.json"
"""How the names of these files end; the manifest says it, too."""

_FORMAT: Final = "napari-coarse-crf layer"
_SCHEMA: Final = Schema("The description of the layer", (only_unnumbered,))
_DIGITS: Final = 6
"""Of a colour: more than a screen shows."""
_OF_THIS_SESSION: Final = "preview"
"""What a layer is no more when it is opened again."""


def description_path(labels_path: Path) -> Path:
    """Return where the description of a file of labels lies."""
    return labels_path.with_name(f"{labels_path.stem}{SUFFIX}")


def describe_layer(layer: Labels, labels_path: Path) -> bytes:
    """Return the content of the file that says all of a layer but its labels, which lie beside it."""
    about = {name: value for name, value in provenance(layer).items() if name != _OF_THIS_SESSION}
    values = {
        "format": _FORMAT,
        **_SCHEMA.stamped({}),
        "labels": labels_path.name,
        "shape": list(layer.data.shape),
        "name": layer.name,
        "place": {
            "scale": np.asarray(layer.scale).tolist(),
            "translate": np.asarray(layer.translate).tolist(),
            "rotate": np.asarray(layer.rotate).tolist(),
            "shear": np.asarray(layer.shear).tolist(),
            "affine": layer.affine.affine_matrix.tolist(),
            "units": [str(unit) for unit in layer.units],
            "axis_labels": list(layer.axis_labels),
        },
        "opacity": opacity_of(layer),
        "blending": str(layer.blending),
        "colours": _colours_of(layer.colormap),
        "features": {str(column): _cells(values) for column, values in layer.features.items()},
        "made_by": about,
    }
    return (json.dumps(values, indent=1, default=_plain) + "\n").encode()


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerData]] | None:
    """Return what opens a layer that this plugin saved; None for anything else, as napari asks of a reader."""
    if not isinstance(path, str) or not path.lower().endswith(SUFFIX) or _read_description(Path(path)) is None:
        return None
    return _open


def open_saved(path: Path) -> LayerData:
    """Return a saved layer as napari takes it.

    Parameters
    ----------
    path : Path
        Of its description; the file with the labels lies beside it.

    Raises
    ------
    InputError
        If the file holds no such description, a newer version wrote it, or the labels are not what it says.
    """
    from napari_coarse_crf.io.files import read_labels  # napari asks for a reader before it has a use for it

    said = _said_in(path)
    try:
        labels_path, shape = path.with_name(Path(str(said["labels"])).name), tuple(map(int, said["shape"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _not_understood(path) from error
    labels = read_labels(labels_path).ids
    if labels.size != math.prod(shape):
        raise InputError(
            f"{labels_path} has the shape {labels.shape}, but it was saved with {shape}. Open the labels themselves."
        )
    return labels.reshape(shape), read_look_of(path), "labels"


def read_look_of(path: Path) -> dict[str, Any]:
    """Return all that a description says of a layer but its labels, as napari takes it.

    Raises
    ------
    InputError
        If the file holds no such description, or a newer version wrote it.
    """
    said = _said_in(path)
    try:
        keywords = {
            "name": said["name"],
            **said["place"],
            "opacity": said["opacity"],
            "blending": said["blending"],
            "colormap": _colormap(said["colours"]),
            "features": said["features"],
            "metadata": {KEY: _with_numbers(said["made_by"])} if said["made_by"] else {},
        }
        for name in ("scale", "translate", "rotate", "shear", "affine"):
            keywords[name] = np.asarray(keywords[name], np.float64)
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # changed by hand, say
        raise _not_understood(path) from error
    return keywords


def _open(path: str | list[str]) -> list[LayerData]:
    return [open_saved(Path(one)) for one in ([path] if isinstance(path, str) else path)]


def _said_in(path: Path) -> dict[str, Any]:
    said = _read_description(path)
    if said is None:
        raise _not_understood(path)
    return _SCHEMA.todays_in(path, said)


def _not_understood(path: Path) -> InputError:
    return InputError(f"{path} is no layer saved by this plugin. Open the labels themselves.")


def _read_description(path: Path) -> dict[str, Any] | None:
    """Return what a file says, or None if it is not ours."""
    try:
        said = read_json(path.read_bytes())
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) and said.get("format") == _FORMAT else None


def _colours_of(colormap: Any) -> dict[str, Any]:
    """Return the colours of labels: one for each id, or a number of them in turn."""
    if hasattr(colormap, "color_dict"):
        each = [[label_id, _rounded(colour)] for label_id, colour in colormap.color_dict.items()]
        return {"each": each, "background": colormap.background_value}
    return {"in_turn": _rounded(colormap.colors), "seed": colormap.seed, "background": colormap.background_value}


def _colormap(colours: Mapping[str, Any]) -> Any:
    from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap

    if "each" in colours:
        each: Any = {label_id: np.array(colour, np.float32) for label_id, colour in colours["each"]}
        return DirectLabelColormap(color_dict=each, background_value=colours["background"])
    in_turn = np.array(colours["in_turn"], np.float32)
    return CyclicLabelColormap(colors=in_turn, seed=colours["seed"], background_value=colours["background"])


def _with_numbers(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return where a layer comes from with its ids as numbers, which JSON has as text."""
    counts = about.get("label_counts")
    if not isinstance(counts, dict):
        return dict(about)
    return {**about, "label_counts": {int(label_id): tuple(both) for label_id, both in counts.items()}}


def _rounded(colours: Any) -> Any:
    return np.round(np.asarray(colours, np.float64), _DIGITS).tolist()


def _cells(values: Any) -> list[Any]:
    """Return a column of features; a gap among words is None, which comes back as one."""
    cells: list[Any] = values.tolist()
    is_plain = isinstance(values.dtype, np.dtype) and values.dtype.kind in "biuf"
    return cells if is_plain else [None if is_gap(cell) else cell for cell in cells]


def _plain(value: Any) -> Any:
    """Return a value of numpy as JSON has it, anything else in words."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
