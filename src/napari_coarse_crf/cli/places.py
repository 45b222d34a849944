"""What the command line reads and writes, and whether part by part: without what it takes to do so."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_coarse_crf.io.lazy.places import Place, is_lazy, is_url, is_zarr


@dataclass(frozen=True, slots=True)
class Places:
    """What is read and written.

    Attributes
    ----------
    image, coarse, out : Place
        The image, its labels, and where the refined ones go.
    mask, confidence : Place or None
        What a person gave besides.
    preset : tuple of Place
        Files that may not be replaced either.
    """

    image: Place
    coarse: Place
    out: Place
    mask: Place | None = None
    confidence: Place | None = None
    preset: tuple[Place, ...] = ()

    @property
    def are_lazy(self) -> bool:
        """Whether any of them is to be read or written part by part."""
        read = [place for place in (self.image, self.coarse, self.mask) if place is not None]
        written = [place for place in (self.out, self.confidence) if place is not None]
        return any(map(is_lazy, read)) or any(is_url(place) or is_zarr(place) for place in written)

    def for_others(self) -> "Places":
        """Return the same for processes that stand in other folders."""

        def whole(place: Place | None) -> Any:
            return place.absolute() if isinstance(place, Path) else place

        image, coarse, out, mask, confidence = map(
            whole, (self.image, self.coarse, self.out, self.mask, self.confidence)
        )
        return Places(image, coarse, out, mask, confidence, tuple(map(whole, self.preset)))

    @property
    def targets(self) -> tuple[Place, ...]:
        """What is written."""
        return (self.out,) if self.confidence is None else (self.out, self.confidence)

    @property
    def inputs(self) -> tuple[Place, ...]:
        """What is read."""
        return tuple(place for place in (self.image, self.coarse, self.mask, *self.preset) if place is not None)
