"""Parameters found from the person's own labels, as a job like any other: in a thread, cancelled at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_coarse_crf import InputError, Progress, suggest_parameters
from napari_coarse_crf.plugin.jobs.aside import take_aside
from napari_coarse_crf.plugin.jobs.job import internal_error
from napari_coarse_crf.plugin.layers.read import read_layers
from napari_coarse_crf.tiles.parts import NO_SLICE, has_two_labels

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.layers import Image, Labels

    from napari_coarse_crf import Suggestion
    from napari_coarse_crf.plugin.layers.read import Choice, Inputs


_STAGE: Final = "trying parameters on hidden labels"

_MOST_SLICES: Final = 6
"""Slices that stand for all: each makes the search longer by as much as the first took."""


class _Stopped(Exception):
    """The job was cancelled."""


@dataclass(frozen=True, slots=True, eq=False)
class SuggestJob:
    """A search for parameters, independent of what happens to the layers meanwhile."""

    inputs: Inputs
    is_live: bool = False

    @classmethod
    def prepare(cls, image_layer: Image, labels_layer: Labels, choice: Choice) -> SuggestJob:
        """Read layers that `find_problem` accepts, on the main thread."""
        return cls(read_layers(image_layer, labels_layer, choice))

    def steps(self) -> Generator[Progress, None, Suggestion]:
        """Search, yielding how many trials are done. Touches no layer, so any thread may take the steps.

        Raises
        ------
        CoarseCRFError
            If the input cannot be used, or if something went wrong that nobody foresaw.
        """
        latest, stopped = [Progress(_STAGE, 0, 0)], Event()

        def report(done: int, total: int) -> None:
            if stopped.is_set():
                raise _Stopped
            latest[0] = Progress(_STAGE, done, total)

        try:
            images, label_maps, masks = yield from take_aside(self._load, lambda: latest[0])
            search = partial(
                suggest_parameters,
                images,
                label_maps,
                progress=report,
                mask=masks,
                spacing=self.inputs.spacing_of(self.inputs.parts()[0]),
                contrast_limits=self.inputs.contrast_limits,
            )
            # The search reports by calling back, which cannot yield: so it runs in a thread of its own.
            return (yield from take_aside(search, lambda: latest[0]))
        except RuntimeError as error:  # superqt would never end the worker
            raise internal_error(error) from error
        finally:
            stopped.set()

    def _load(self) -> tuple[list[Any], list[Any], list[Any]]:
        """Return image, labels and mask of everything, or of a few slices spread over those with two labels."""
        parts = self.inputs.parts()
        if len(parts) > 1:
            parts = [part for part in parts if has_two_labels(np.asarray(self.inputs.labels[part]))]
            parts = [parts[number] for number in spread(len(parts), _MOST_SLICES)]
        loaded = [self.inputs.load(part) for part in parts]
        if len(loaded) > 1:
            loaded = [one for one in loaded if has_two_labels(*one[1:])]
        if not loaded:
            raise InputError(NO_SLICE)
        images, label_maps, masks = zip(*loaded, strict=True)
        return list(images), list(label_maps), list(masks)


def spread(count: int, most: int) -> list[int]:
    """Return up to `most` of `count` numbers, from the first to the last and evenly apart.

    Examples
    --------
    >>> spread(9, 3), spread(2, 3)
    ([0, 4, 8], [0, 1])
    """
    numbers: list[int] = np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()
    return numbers
