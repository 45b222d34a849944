"""The order of tutorials and examples in their galleries."""

from __future__ import annotations

ORDER = (
    "nuclei.py",
    "aerial.py",
    "volume.py",
    "slide.py",
    "folder.py",
    "parameters_by_example.py",
    "compare_parameters.py",
    "batch_folder.py",
    "napari_session.py",
    "slurm.py",
)


class InOrder:
    """What sphinx-gallery sorts by; it names the folder, which does not matter."""

    def __init__(self, _folder: str) -> None: ...

    def __call__(self, name: str) -> int:
        """Return the place of a script; one that is not named has none."""
        return ORDER.index(name)
