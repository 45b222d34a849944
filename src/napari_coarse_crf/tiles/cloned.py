"""A dask array again under other names, so that dask does not keep its chunks for whoever reads them later.

`dask.graph_manipulation.clone` forgets to rename what a chunk is made of where that is a node of dask's own kind, as of
an array that was rechunked or stacked, or made from something delayed: computing such a clone fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask.array as da
from dask._task_spec import convert_legacy_graph
from dask.core import flatten
from dask.highlevelgraph import HighLevelGraph

if TYPE_CHECKING:
    from collections.abc import Hashable


def clone(array: da.Array) -> da.Array:
    """Return an array of the same values, none of whose nodes has the name of one of the given array's.

    What a cluster holds already (`persist`) is not made again: it keeps its name.
    """
    given, seed = dict(array.dask), uuid4().hex
    nodes: dict[Any, Any] = convert_legacy_graph(given)  # without what is held: these have no way to be made
    names = {key: _renamed(key, seed) for key in nodes}
    graph = {key: held for key, held in given.items() if key not in nodes}
    graph.update({names[key]: node.substitute(names, key=names[key]) for key, node in nodes.items()})
    if any(key in graph for key in flatten(array.__dask_keys__())):
        return array
    name = _renamed(array.name, seed)
    return da.Array(HighLevelGraph.from_collections(name, graph), name, array.chunks, meta=array._meta)


def _renamed(key: Hashable, seed: str) -> Any:
    return (f"{key[0]}-{seed}", *key[1:]) if isinstance(key, tuple) else f"{key}-{seed}"
