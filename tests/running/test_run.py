"""A run over tiles gives the same bits wherever its tiles are refined, and goes on from where it was stopped."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
import zarr
from skimage import data

from napari_coarse_crf import InputError, Parameters
from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.running.cluster import processes_here
from napari_coarse_crf.running.results import Results
from napari_coarse_crf.running.run import Run
from napari_coarse_crf.tiles.plan import plan_tiles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

TILE, SIDE = 64, 200
PARAMETERS = Parameters(theta_alpha=30, iterations=4)


@dataclass
class Job:
    """An image in zarr, and a run of it."""

    folder: Path
    picture: Picture
    labels: Any

    def results(self, tile: int = TILE) -> Results:
        arrays = [
            zarr.open_array(self.folder / name, mode="a", shape=(SIDE, SIDE), chunks=(tile, tile), dtype=kind)
            for name, kind in (("refined.zarr", self.labels.dtype), ("confidence.zarr", np.float32))
        ]
        return Results(*arrays)

    def prepare(self, parameters: Parameters = PARAMETERS, client: Any = None, **wanted: Any) -> Run:
        return finish(
            Run.prepare(
                *(self.picture, self.labels, parameters, self.folder / "journal", self.results()),
                wanted=wanted,
                tile=TILE,
                client=client,
            )
        )

    def run(self, client: Any = None) -> tuple[NDArray[Any], NDArray[Any], Run]:
        run = self.prepare(client=client)
        finish(run.steps(client))
        return run.results.labels[:], run.results.confidence[:], run


def make_job(folder: Path) -> Job:
    image, labels = data.astronaut()[:SIDE, :SIDE], np.zeros((SIDE, SIDE), np.uint16)
    labels[20:24, 60:90], labels[100:104, 100:130], labels[180:184, 20:60] = 3, 7, 300
    stored = []
    for name, array in (("image.zarr", image), ("labels.zarr", labels)):
        stored.append(zarr.create_array(folder / name, data=array, chunks=(50, 50, *array.shape[2:])))
    return Job(folder, Picture(stored[0]), stored[1])


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return make_job(tmp_path)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[NDArray[Any], NDArray[Any], Run]:
    """The result of a run that nobody stopped."""
    return make_job(tmp_path_factory.mktemp("whole")).run()


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with processes_here(2) as client:
        yield client


def test_a_run_writes_what_the_plan_gives_and_counts_it(job: Job, expected: Any) -> None:
    labels, confidence, run = expected
    plan = finish(plan_tiles(job.picture, job.labels, PARAMETERS, tile=TILE))
    for tile in plan.tiles:
        refinement = plan.refine(tile)
        np.testing.assert_array_equal(labels[tile.core], refinement.labels)
        np.testing.assert_array_equal(confidence[tile.core], refinement.confidence)
    before = {label: int((job.labels[:] == label).sum()) for label in (3, 7, 300)}
    assert run.counts == {label: (count, int((labels == label).sum())) for label, count in before.items()}
    assert run.warnings == ()


@pytest.mark.parametrize("stop_after", [0, 3, 11])
def test_a_stopped_run_goes_on_with_the_same_result_and_makes_no_tile_twice(
    job: Job, expected: Any, stop_after: int
) -> None:
    run = job.prepare()
    steps = run.steps(workers=1)
    while len(run.journal.done) < stop_after:
        next(steps)
    steps.close()
    made = {path: path.stat().st_mtime_ns for path in (job.folder / "refined.zarr").rglob("*/*/*")}
    labels, confidence, again = job.run()
    assert again.found_done == stop_after
    assert {path: path.stat().st_mtime_ns for path in made} == made
    np.testing.assert_array_equal(labels, expected[0])
    np.testing.assert_array_equal(confidence, expected[1])
    assert again.counts == expected[2].counts


def test_a_plan_is_made_once(job: Job) -> None:
    run = job.prepare()
    stages = set()
    steps = Run.prepare(job.picture, job.labels, PARAMETERS, job.folder / "journal", job.results(), tile=TILE)
    while True:
        try:
            stages.add(next(steps).stage)
        except StopIteration as stop:
            again = stop.value
            break
    assert stages == {"looking for changes"}
    tile = run.plan.tiles[5]
    np.testing.assert_array_equal(again.plan.refine(tile).labels, run.plan.refine(tile).labels)
    assert run.journal.load("plan").source is None  # no pixels are kept with it


@pytest.mark.parametrize("changed", ["image", "labels", "parameters", "wanted", "mask"])
def test_changed_inputs_make_all_anew(job: Job, changed: str) -> None:
    run = job.prepare()
    finish(run.steps())
    if changed == "image":
        job.picture.image[199, 199] = 255 - job.picture.image[199, 199]
    if changed == "labels":
        job.labels[199, 199] = 3
    if changed == "mask":
        job.picture = replace(job.picture, mask=np.indices((SIDE, SIDE))[0] > 2)
    parameters = PARAMETERS.replace(theta_beta=9) if changed == "parameters" else PARAMETERS
    again = job.prepare(parameters, **({"tile": 64} if changed == "wanted" else {}))
    assert again.found_done == 0


def test_a_tile_that_does_not_hold_any_more_what_was_written_is_made_again(job: Job, expected: Any) -> None:
    _, _, run = job.run()
    run.results.labels[70, 70] = 999
    run.results.confidence[0, 0] = 0.123
    again = job.prepare()
    assert set(range(len(again.plan.tiles))) - set(again.journal.done) == {0, 5}
    np.testing.assert_array_equal(job.run()[0], expected[0])


def test_two_processes_give_the_same_bits_as_threads(job: Job, client: Any, expected: Any) -> None:
    labels, confidence, run = job.run(client)
    np.testing.assert_array_equal(labels, expected[0])
    np.testing.assert_array_equal(confidence, expected[1])
    assert run.counts == expected[2].counts
    for one, other in zip(run.plan.parts, expected[2].plan.parts, strict=True):  # the plan is theirs, too
        np.testing.assert_array_equal(one.rim.lengths, other.rim.lengths)
    palette, of_threads = run.plan.whole.facts.palette, expected[2].plan.whole.facts.palette
    np.testing.assert_array_equal(palette.sums, of_threads.sums)


def test_an_image_in_memory_goes_to_processes_in_parts(job: Job, client: Any, expected: Any) -> None:
    job.picture, job.labels = Picture(job.picture.image[:]), job.labels[:]
    np.testing.assert_array_equal(job.run(client)[0], expected[0])


def test_a_lost_worker_costs_its_tiles_time_alone(job: Job, client: Any, expected: Any) -> None:
    run = job.prepare()
    steps = run.steps(client)
    while not run.journal.done:
        next(steps)
    psutil.Process(min(client.run(os.getpid).values())).kill()
    finish(steps)
    np.testing.assert_array_equal(run.results.labels[:], expected[0])
    assert run.counts == expected[2].counts


def test_a_worker_lost_while_the_plan_is_made_costs_its_time_alone(job: Job, client: Any, expected: Any) -> None:
    preparing = Run.prepare(
        *(job.picture, job.labels, PARAMETERS, job.folder / "journal", job.results()), tile=TILE, client=client
    )
    for progress in preparing:
        if progress.stage == "paths":
            break
    psutil.Process(max(client.run(os.getpid).values())).kill()
    run = finish(preparing)
    for one, other in zip(run.plan.parts, expected[2].plan.parts, strict=True):
        np.testing.assert_array_equal(one.rim.lengths, other.rim.lengths)


def test_what_the_labels_chose_holds_for_processes_and_when_a_run_goes_on(job: Job, client: Any) -> None:
    asked = Parameters.preset("auto").replace(theta_alpha=30, iterations=4)
    run = job.prepare(asked, client)
    assert run.plan.parameters.weights == "fixed"
    assert run.reason != ""
    finish(run.steps(client))
    again = job.prepare(asked)
    assert again.found_done == len(run.plan.tiles)
    assert (again.plan.parameters, again.reason) == (run.plan.parameters, run.reason)
    chosen = finish(plan_tiles(job.picture, job.labels, run.plan.parameters, tile=TILE))
    for tile in chosen.tiles:
        np.testing.assert_array_equal(run.results.labels[tile.core], chosen.refine(tile).labels)


def test_processes_do_not_share_chunks(job: Job) -> None:
    plan = finish(plan_tiles(job.picture, job.labels, PARAMETERS, tile=50))
    with pytest.raises(InputError, match=r"Chunks of the result are 64 x 64 pixels.*--tile"):
        job.results().check_side_by_side(plan.tiles)
    with pytest.raises(InputError, match="lies in the memory of this process"):
        Results(np.zeros((SIDE, SIDE), np.uint16)).check_side_by_side(plan.tiles)
