"""Where a layer comes from, as its metadata say: plain values, so that they outlive the session.

The one place that knows the key. A layer may come from another version, or hold anything a script has put there, so
nothing here relies on more than was checked.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from napari_coarse_crf import ParameterError, Parameters, __version__
from napari_coarse_crf.parameters import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.layers import Layer

KEY: Final = "napari_coarse_crf"
"""Under which a layer's metadata say how it was made."""

BOX: Final = "box"
"""Under which it says that a result is of a part of the image only, and lies there."""
OF_SHAPE: Final = "of_shape"
"""Under which it says then how many pixels all of the image has along each axis."""


def provenance(layer: Layer) -> dict[str, Any]:
    """Return what the metadata say; empty for a layer that no run has made."""
    about = layer.metadata.get(KEY)
    return dict(about) if isinstance(about, dict) else {}


def set_provenance(layer: Layer, about: Mapping[str, Any]) -> None:
    """Say in the metadata how a layer was made; what else they hold stays."""
    layer.metadata = {**layer.metadata, KEY: dict(about)}


def describe_run(parameters: Parameters, seconds: float, warnings: Sequence[str]) -> dict[str, Any]:
    """Return what is said of every result that was just made: plain values only, so that they can be saved as JSON."""
    return {
        "version": __version__,
        **describe_parameters(parameters),
        "seconds": round(seconds, 3),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "warnings": list(warnings),
    }


def describe_parameters(parameters: Parameters) -> dict[str, Any]:
    """Return what is said of the parameters that a layer was made with: them, and beside them what form they have."""
    return SCHEMA.stamped({"parameters": parameters.to_dict()})


def parameters_as_said(layer: Layer) -> dict[str, Any] | None:
    """Return the parameters that a layer was made with as they stand, with the number of their form if it is known."""
    about = provenance(layer)
    values = about.get("parameters")
    if not isinstance(values, dict):
        return None
    return {SCHEMA.key: about[SCHEMA.key], **values} if SCHEMA.key in about else dict(values)


def parameters_of(layer: Layer) -> Parameters | None:
    """Return the parameters a refined layer was made with, or None if it does not say them in a way we know."""
    values = parameters_as_said(layer)
    try:
        return None if values is None else Parameters.from_dict(values)
    except ParameterError:  # of a newer version, or changed by hand
        return None


def is_result(layer: Layer) -> bool:
    """Whether a layer is the result of a run, of this session or of another; what Live shows is none."""
    about = provenance(layer)
    return isinstance(about.get("parameters"), dict) and not about.get("preview")


def is_preview(layer: Layer) -> bool:
    """Whether a layer is what Live shows, and not a result to work with."""
    return bool(provenance(layer).get("preview"))


def is_to_look_at(layer: Layer) -> bool:
    """Whether a layer was made of a result to be looked at: a difference, errors, confidence, a heatmap."""
    return "shows" in provenance(layer)


def is_truth(layer: Layer) -> bool:
    """Whether a layer is known to be right, and nothing to refine."""
    return bool(provenance(layer).get("truth"))


def is_shown_only(layer: Layer) -> bool:
    """Whether a layer is there to be looked at, and nothing to refine or to refine with."""
    return is_preview(layer) or is_to_look_at(layer)


def is_accepted(layer: Layer) -> bool:
    """Whether a layer holds what was accepted of results."""
    return "accepted_for" in provenance(layer)


def may_be_own(layer: Layer) -> bool:
    """Whether a layer may be what a person works with: none that is looked at, known to be right, or accepted."""
    return not is_shown_only(layer) and not is_truth(layer) and not is_accepted(layer)


def source_name(layer: Layer) -> str | None:
    """Return what the coarse labels of a result were called when it was made."""
    name = provenance(layer).get("labels")
    return name if isinstance(name, str) else None
