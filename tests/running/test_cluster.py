"""Clusters: what is said where there is none, and what is not where there are others."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress

import dask.array as da
import pytest

from napari_coarse_crf import InputError
from napari_coarse_crf.running.cluster import connected, processes_here


def test_an_address_that_is_none_is_refused_and_dask_works_on_without() -> None:
    address = "pigeon://roof"
    with pytest.raises(InputError, match=f"There is no scheduler at {address}") as refused, connected(address):
        pass
    assert refused.value.__cause__ is not None  # which holds the client, and so it is not closed yet
    assert da.ones(3).sum().compute() == 3


def test_a_cluster_without_its_package_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask.distributed", None)  # Python's way to say: cannot be imported
    for cluster in (connected("tcp://127.0.0.1:8786"), processes_here(2)):
        with pytest.raises(InputError, match=r'pip install "napari-coarse-crf\[cluster\]"'), cluster:
            pass


def test_another_cluster_on_the_machine_is_not_in_the_way() -> None:
    with socket.socket() as dashboard:
        with suppress(OSError):  # then something else holds the port, as well
            dashboard.bind(("", 8787))
            dashboard.listen()
        with processes_here(1) as client:
            assert client.submit(sum, [1, 2]).result() == 3
