"""The workers of a cluster that read blocks and follow paths while an image is planned."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_coarse_crf.errors import CoarseCRFError, InputError
from napari_coarse_crf.io.places import in_words
from napari_coarse_crf.running.planes import stored

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from napari_coarse_crf.tiles.source import Source

T = TypeVar("T")

_RETRIES = 2  # for a store that does not answer at once
_TICK = 0.05  # seconds


class OnCluster:
    """Workers of `dask.distributed` as the `Helpers` of `plan_tiles`.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster.
    workers : int
        Threads for each thing that is done.
    """

    def __init__(self, client: Any, workers: int = 1) -> None:
        self._client, self._workers = client, workers
        self._sent: tuple[Any, Any] = (None, None)  # what all things have in common, and where it is

    @property
    def at_once(self) -> int:
        """How many things keep all of them busy."""
        threads: int = sum(self._client.nthreads().values())
        return 4 * max(1, threads)

    def threads(self, count: int) -> int:
        """Return how many threads each of so many things may take."""
        del count
        return self._workers

    def each(
        self, function: Callable[..., T], common: Any, things: Sequence[tuple[Any, ...]]
    ) -> Generator[None, None, list[T]]:
        """Call the function; see `tiles.helpers.Helpers.each`."""
        if self._sent[0] is not common:
            # A task that returns it, rather than scattered data: what is lost with a worker is sent again.
            self._sent = common, self._client.submit(_Common, common, pure=False)
        options: dict[str, Any] = {"pure": False, "retries": _RETRIES}
        futures = [self._client.submit(_call, function, self._sent[1], *thing, **options) for thing in things]
        try:
            while not all(future.done() for future in futures):
                yield
                time.sleep(_TICK)
            return [result_of(future, "A part") for future in futures]
        finally:
            self._client.cancel(futures, force=True)


class _Common:
    """Keeps dask from looking for more of its collections in a value."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _call(function: Callable[..., T], common: _Common, *thing: Any) -> T:
    return function(common.value, *thing)


def is_elsewhere(source: Source) -> bool:
    """Whether other processes can read the image: all of it lies in stores, nothing in the memory of this one."""
    from dask.base import is_dask_collection

    arrays = [stored(array) for array in (source.picture.image, source.picture.mask, source.labels)]
    return not any(isinstance(array, np.ndarray) or is_dask_collection(array) for array in arrays)


def result_of(future: Any, what: str) -> Any:
    """Return what a worker found, or say what went wrong with it.

    Parameters
    ----------
    future : distributed.Future
        Of the worker's task.
    what : str
        What it was about, as the beginning of a sentence.
    """
    from dask.distributed import KilledWorker

    try:
        return future.result()
    except CoarseCRFError:
        raise
    except KilledWorker as error:
        raise InputError(
            f"{what} cost several workers of the cluster, one after the other: their memory may not suffice. Run again "
            "with smaller tiles or fewer processes; what is finished is kept."
        ) from error
    except CancelledError as error:
        raise InputError(
            f"{what} was dropped by the cluster: its scheduler may be lost. Run again; what is finished is kept."
        ) from error
    except OSError as error:
        raise InputError(
            f"{what} could not be read or written by a worker of the cluster: {in_words(error)}. All workers need the "
            "image and the result under the same names; what is finished is kept."
        ) from error
