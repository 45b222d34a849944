"""What a job reads: of several parts each once, and no more than it needs to know that nothing is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_coarse_crf import Parameters
from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.plugin import Choice, Scope
from napari_coarse_crf.plugin.jobs.job import Job
from napari_coarse_crf.plugin.jobs.outcome import Before, Outcome
from napari_coarse_crf.plugin.layers.snapshot import Snapshot

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARAMETERS = Parameters(iterations=1)


class Stored:
    """A stack that is stored elsewhere, and notes which of its planes are read."""

    def __init__(self, stack: NDArray[Any]) -> None:
        self.shape, self.dtype, self.ndim, self.size = stack.shape, stack.dtype, stack.ndim, stack.size
        self.stack = stack
        self.planes_read: list[int] = []

    def __getitem__(self, key: Any) -> NDArray[Any]:
        self.planes_read += [key[0]]
        return self.stack[key]


@pytest.fixture
def stored(image: NDArray[Any]) -> Stored:
    return Stored(np.stack([image[..., 0]] * 3))


@pytest.fixture
def layers(stored: Stored, labels: NDArray[Any]) -> tuple[Image, Labels]:
    """Return the stack and strokes on all its planes."""
    return Image(stored, contrast_limits=(0, 255)), Labels(np.stack([labels] * 3))


def run(stored: Stored, layers: tuple[Image, Labels], **live: Any) -> Any:
    """Refine each plane on its own, and return what the job returns; only its reads are noted."""
    snapshot = Snapshot.take(*layers, Choice(scope=Scope(slice_axis=0)))
    job = Job.prepare(snapshot, PARAMETERS, **live)
    stored.planes_read.clear()
    return finish(job.steps())


@pytest.mark.parametrize("is_live", [False, True])
def test_every_plane_is_read_once(stored: Stored, layers: tuple[Image, Labels], is_live: bool) -> None:
    outcome = run(stored, layers, is_live=is_live)
    assert stored.planes_read == [0, 1, 2]
    assert bool(outcome.read) == is_live


def test_a_result_that_is_known_is_not_made_again(stored: Stored, layers: tuple[Image, Labels]) -> None:
    known = run(stored, layers, is_live=True).read
    assert run(stored, layers, is_live=True, known=known) is None
    assert stored.planes_read == [0, 1, 2]


def test_what_is_known_is_looked_at_no_further_than_to_the_first_difference(
    stored: Stored, layers: tuple[Image, Labels]
) -> None:
    known = run(stored, layers, is_live=True).read
    stored.stack[1] += 1
    outcome = run(stored, layers, is_live=True, known=known)
    assert stored.planes_read == [0, 1, 0, 1, 2]
    assert [one == other for one, other in zip(outcome.read, known, strict=True)] == [True, True, False, True]
    layers[1].data[2, 0, 0] = 3  # told by the labels alone
    outcome = run(stored, layers, is_live=True, known=outcome.read)
    assert stored.planes_read == [0, 1, 2]


def refined(image: NDArray[Any], labels: NDArray[Any], **live: Any) -> Outcome:
    """Return what a live job returns for an RGB image."""
    snapshot = Snapshot.take(Image(image, rgb=True), Labels(labels))
    outcome = finish(Job.prepare(snapshot, Parameters(), is_live=True, **live).steps())
    assert outcome is not None
    return outcome


def test_a_look_begins_from_the_last_full_result_of_the_same_picture(image: NDArray[Any], labels: NDArray[Any]) -> None:
    full, look = refined(image, labels), refined(image, labels, step=3)
    before = Before.of(look.glance, full)
    assert before is not None
    again = refined(image, labels, step=3, before=before)
    np.testing.assert_array_equal(again.refinement.labels, full.refinement.labels)
    elsewhere = image[:, ::-1].copy()
    without = refined(elsewhere, labels, step=3)
    with_other = refined(elsewhere, labels, step=3, before=before)
    np.testing.assert_array_equal(with_other.refinement.labels, without.refinement.labels)


def test_a_look_is_of_five_iterations_at_most(image: NDArray[Any], labels: NDArray[Any]) -> None:
    assert refined(image, labels, step=2).refinement.iterations == 5
    assert refined(image, labels).refinement.iterations == Parameters().iterations


def test_a_full_result_and_a_look_at_something_else_are_no_pair(image: NDArray[Any], labels: NDArray[Any]) -> None:
    full, painted = refined(image, labels), labels.copy()
    painted[20, 30] = 9
    assert full.glance is None
    assert Before.of(None, full) is None
    assert Before.of(refined(image, painted, step=2).glance, full) is None
