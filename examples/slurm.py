#!/usr/bin/env python
"""
Refine on a SLURM cluster
=========================

From one store of zarr to another::

    python examples/slurm.py image.zarr coarse.zarr refined.zarr --jobs 10 --cores 8 --memory 32GB --walltime 04:00:00

Run it where ``sbatch`` works, with the stores where all nodes see them under the same paths. It needs
``pip install dask-jobqueue``. Each job is one worker, which refines a tile on each core; how much memory that takes:
docs/scaling.md. With ``--here`` it runs on this computer without SLURM, to try it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import dask.array as da
from dask.distributed import Client, LocalCluster, progress

from napari_coarse_crf import CoarseCRFError, Parameters, refine_labels


def start_cluster(options: argparse.Namespace) -> Any:
    """Ask SLURM for workers, which come when it has room; or start them here."""
    if options.here:
        return LocalCluster(n_workers=options.jobs, threads_per_worker=1, dashboard_address="localhost:0")
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise CoarseCRFError(
            "dask-jobqueue is missing, which asks SLURM for jobs: pip install dask-jobqueue."
        ) from error
    cluster = SLURMCluster(
        queue=options.queue,
        account=options.account,
        cores=options.cores,  # a tile each at a time: they share the memory
        processes=1,
        memory=options.memory,
        walltime=options.walltime,
        log_directory="slurm-logs",
    )
    cluster.scale(jobs=options.jobs)
    return cluster


def refine(options: argparse.Namespace) -> None:
    """Refine on the cluster; nothing of the image comes here."""
    for path in (options.image, options.labels):
        if not path.exists():
            raise CoarseCRFError(f"There is no {path}.")
    if options.output.exists():
        raise CoarseCRFError(f"{options.output} exists; name another output, or remove it.")
    with start_cluster(options) as cluster, Client(cluster) as client:
        image, labels = da.from_zarr(str(options.image)), da.from_zarr(str(options.labels))
        parameters = Parameters(theta_alpha=options.theta_alpha)
        refined = refine_labels(image, labels, parameters, channel_axis=options.channel_axis)  # nothing is read yet
        # Each chunk is one task, which writes it as a whole: no two workers write the same file.
        writing = client.compute(da.asarray(refined).to_zarr(str(options.output), compute=False))
        progress(writing, notebook=False)
        writing.result()
    print(f"\n{options.output} is written.")


def main() -> int:
    """Read the options and refine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("image", "labels", "output"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--jobs", type=int, default=4, help="workers (4)")
    parser.add_argument("--queue", help="SLURM's partition")
    parser.add_argument("--account", help="whom SLURM counts the hours for")
    parser.add_argument("--cores", type=int, default=4, help="of each job (4)")
    parser.add_argument("--memory", default="24GB", help="of each job (24GB)")
    parser.add_argument("--walltime", default="02:00:00", help="of each job (02:00:00)")
    parser.add_argument("--channel-axis", type=int, default=-1, help="axis of the channels (-1, the last)")
    parser.add_argument(
        "--theta-alpha", type=float, default=Parameters().theta_alpha, help="px; less is faster in volumes"
    )
    parser.add_argument("--here", action="store_true", help="on this computer instead, to try it")
    try:
        refine(parser.parse_args())
    except CoarseCRFError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
