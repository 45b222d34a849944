"""From rough labels to a dense label map that follows the image.

`refine_labels` does the whole way; `Refiner` keeps what a changed parameter does not touch.
Names are loaded on first use, so importing the package costs nothing and imports neither napari nor Qt.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_coarse_crf.errors import CoarseCRFError, CoarseCRFWarning, InputError, ParameterError
    from napari_coarse_crf.evaluation.scores import Scores, evaluate_labels
    from napari_coarse_crf.memory import estimate_memory
    from napari_coarse_crf.next_place import Place, suggest_place
    from napari_coarse_crf.objects import measure_objects, split_objects
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.refine import refine_labels, warm_up
    from napari_coarse_crf.refinement import Progress, Refinement
    from napari_coarse_crf.refiner import Refiner

__all__ = [
    "CoarseCRFError",
    "CoarseCRFWarning",
    "InputError",
    "ParameterError",
    "Parameters",
    "Place",
    "Progress",
    "Refinement",
    "Refiner",
    "Scores",
    "estimate_memory",
    "evaluate_labels",
    "measure_objects",
    "refine_labels",
    "split_objects",
    "suggest_place",
    "warm_up",
]

_HOME = {
    "CoarseCRFError": "errors",
    "CoarseCRFWarning": "errors",
    "InputError": "errors",
    "ParameterError": "errors",
    "Parameters": "parameters",
    "Place": "next_place",
    "Progress": "refinement",
    "Refinement": "refinement",
    "Refiner": "refiner",
    "Scores": "evaluation.scores",
    "estimate_memory": "memory",
    "evaluate_labels": "evaluation.scores",
    "measure_objects": "objects",
    "split_objects": "objects",
    "refine_labels": "refine",
    "suggest_place": "next_place",
    "warm_up": "refine",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("napari-coarse-crf")
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
