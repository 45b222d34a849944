"""Clusters of dask: one of processes on this computer, or one that a scheduler leads anywhere.

A client is dask's default only as long as it is used: a default that could not be reached would stay one, and nothing
else of dask's could be computed in this process.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_coarse_crf.errors import InputError, ParameterError
from napari_coarse_crf.refine import warm_up

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE = 30  # seconds until a worker has come
_QUIET = {"distributed.admin.large-graph-warning-threshold": "1 TB"}  # what a plan weighs is sent once


@contextmanager
def processes_here(count: int) -> Iterator[Any]:
    """Start so many processes that each do one thing at a time, and end them afterwards.

    Raises
    ------
    InputError
        If the package is missing.
    ParameterError
        If that is no whole number from 1 up.
    """
    distributed = _distributed()
    if count < 1:
        raise ParameterError(f"processes is {count}; it must be a whole number from 1 up.")
    warm_up()  # processes that compile at the same time would each do it, into the same cache
    with (
        distributed.LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            memory_limit=0,  # what is known beforehand is known better; dask would pause a worker for good
            dashboard_address="localhost:0",  # any port: another cluster may have the usual one
            silence_logs=logging.CRITICAL,
            preload="napari_coarse_crf.running.worker",
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
        client.as_current(),
        _quietly(),
    ):
        yield client


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Return a client of the scheduler at an address, as it printed it.

    Raises
    ------
    InputError
        If there is no scheduler, or the package is missing.
    """
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=10, set_as_default=False)  # seconds
    except (OSError, ValueError) as error:
        raise InputError(
            f"There is no scheduler at {address} ({error}). Give the address that it printed when it started, such as "
            "tcp://host:8786."
        ) from error
    with client, client.as_current(), _quietly():
        yield client


def wait_for_workers(client: Any, address: str) -> None:
    """Wait until a cluster has a worker.

    Raises
    ------
    InputError
        If none comes.
    """
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError as error:
        raise InputError(f"The scheduler at {address} has no worker. Start some: dask worker {address}.") from error


def _quietly() -> Any:
    import dask.config  # here: most runs have no use for it, and shall not wait for it

    return dask.config.set(_QUIET)


def _distributed() -> Any:
    try:
        import dask.distributed
    except ImportError as error:
        raise InputError(
            'A cluster needs the package distributed: pip install "napari-coarse-crf[cluster]". Without --scheduler '
            "and --processes, the work is done in this process."
        ) from error
    return dask.distributed
