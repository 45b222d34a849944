"""Small real images with coarse and fine labels, so that anyone can try the method at once."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import imageio.v3 as iio

from napari_coarse_crf.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One image with the labels a person would paint and the labels that are wanted.

    Attributes
    ----------
    name, title : str
        Its name for `load_sample`, and for people.
    image : (Y, X) or (Y, X, 3) ndarray of uint8
        Grey or RGB.
    coarse, fine : (Y, X) ndarray of uint8
        Label ids. 0 is unlabelled in `coarse` and "nobody knows" in `fine`.
    class_names : mapping of int to str
        What each label id stands for.
    source, licence : str
        Where image and fine labels come from, and what one may do with them.
    """

    name: str
    title: str
    image: NDArray[np.uint8]
    coarse: NDArray[np.uint8]
    fine: NDArray[np.uint8]
    class_names: Mapping[int, str]
    source: str
    licence: str


_AERIAL = {
    "class_names": MappingProxyType({1: "building", 2: "land", 3: "road", 4: "vegetation", 5: "water"}),
    "source": "Semantic segmentation of aerial imagery (Mohammed Bin Rashid Space Centre, Humans in the Loop), tile 1",
    "licence": "CC0-1.0",
}
_NUCLEI = {
    "class_names": MappingProxyType({1: "background", 2: "nucleus"}),
    "source": "BBBC038v1, 2018 Data Science Bowl (Caicedo et al., Nature Methods 2019)",
    "licence": "CC0-1.0",
}
_ABOUT: Mapping[str, Mapping[str, Any]] = MappingProxyType({
    "aerial": {"title": "Aerial image", **_AERIAL},
    "tissue": {"title": "Nuclei in stained tissue", **_NUCLEI},
    "nuclei": {"title": "Nuclei, crowded, fluorescence", **_NUCLEI},
    "dim_nuclei": {"title": "Nuclei, dim, fluorescence", **_NUCLEI},
})  # fmt: skip

SAMPLE_NAMES = tuple(_ABOUT)
"""The names that `load_sample` knows."""


def load_sample(name: str) -> Sample:
    """Return a bundled sample.

    Parameters
    ----------
    name : str
        One of `SAMPLE_NAMES`.

    Raises
    ------
    InputError
        If there is no sample of that name.

    Examples
    --------
    >>> sample = load_sample("aerial")
    >>> sample.image.shape, sample.class_names[3]
    ((644, 797, 3), 'road')
    """
    if name not in _ABOUT:
        raise InputError(f"There is no sample {name!r}. Choose one of: {', '.join(SAMPLE_NAMES)}.")
    return Sample(
        name=name,
        image=_read(f"{name}_image.png"),
        coarse=_read(f"{name}_coarse.png"),
        fine=_read(f"{name}_fine.png"),
        **_ABOUT[name],
    )


def _read(file_name: str) -> NDArray[np.uint8]:
    # Through the import system rather than a path: the package may live in a zip file.
    return iio.imread((files(__name__) / file_name).read_bytes(), extension=".png")
