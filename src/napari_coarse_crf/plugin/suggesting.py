"""Parameters found from the person's own labels, as a job like any other: in a thread, with progress, to be cancelled.

Used by widget.py.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Final

from napari_coarse_crf import Progress, suggest_parameters
from napari_coarse_crf.plugin.job import internal_error
from napari_coarse_crf.plugin.layers import read_layers

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari.layers import Image, Labels

    from napari_coarse_crf import Suggestion
    from napari_coarse_crf.plugin.layers import Choice, Inputs

_TICK: Final = 0.05
"""Seconds between two looks at how far the search is."""


class _Stopped(Exception):
    """The job was cancelled."""


@dataclass(frozen=True, slots=True, eq=False)
class SuggestJob:
    """A search for parameters, independent of what happens to the layers meanwhile."""

    inputs: Inputs
    is_live: bool = False

    @classmethod
    def prepare(cls, image_layer: Image, labels_layer: Labels, choice: Choice) -> SuggestJob:
        """Read layers that `find_problem` accepts, on the main thread; of several slices the choice names one."""
        return cls(read_layers(image_layer, labels_layer, choice))

    def steps(self) -> Generator[Progress, None, Suggestion]:
        """Search, yielding how many trials are done. Touches no layer, so any thread may take the steps.

        Raises
        ------
        CoarseCRFError
            If the input cannot be used, or if something went wrong that nobody foresaw.
        """
        part = self.inputs.parts()[0]
        image, labels, mask = self.inputs.load(part)
        latest, stopped = [Progress("suggestion", 0, 1)], Event()

        def report(done: int, total: int) -> None:
            if stopped.is_set():
                raise _Stopped
            latest[0] = Progress("suggestion", done, total)

        # The search reports by calling back, which cannot yield: so it runs in a thread of its own.
        with ThreadPoolExecutor(1) as pool:
            search = pool.submit(
                suggest_parameters,
                image,
                labels,
                progress=report,
                mask=mask,
                spacing=self.inputs.spacing_of(part),
                contrast_limits=self.inputs.contrast_limits,
            )
            try:
                while wait([search], timeout=_TICK).not_done:
                    yield latest[0]
            finally:
                stopped.set()
        try:
            return search.result()
        except RuntimeError as error:  # superqt would never end the worker
            raise internal_error(error) from error
