"""Mean field, eq. (3) and (4): against pydensecrf's stored answers, and against textbook mean field over all pairs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_coarse_crf import Refiner
from napari_coarse_crf.compute.parallel import finish
from tests import oracles
from tests.helpers import lattice_matrix, mean_field, with_probability
from tests.parity import ANSWERS, STORED_CASES, ParityCase, assert_same_answer, checksum, stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

# Shape, channels (0: smoothness alone has no colours), labels. All non-square; 9 and 17 labels need padding.
SMALL = {
    "grey 2-D, 2 labels": ((7, 11), 1, 2),
    "rgb 2-D, 3 labels": ((11, 7), 3, 3),
    "rgb 2-D, 9 labels": ((6, 13), 3, 9),
    "grey 3-D, 4 labels": ((4, 5, 6), 1, 4),
    "rgb 3-D, 17 labels": ((3, 5, 7), 3, 17),
}
small = pytest.mark.parametrize(("shape", "channels", "n_labels"), SMALL.values(), ids=SMALL)


def _potentials(n: int, n_labels: int, strength: float = 1.5) -> Array:
    return np.random.default_rng(n).normal(0, strength, (n, n_labels))


def _features(
    shape: tuple[int, ...],
    channels: int,
    theta_alpha: float,
    theta_beta: float,
    spacing: tuple[float, ...] | None = None,
) -> tuple[Array, Array]:
    """Return appearance features of two noisy halves, and smoothness features (2 px)."""
    rng = np.random.default_rng(channels)
    half = np.indices(shape)[-1].reshape(-1, 1) >= shape[-1] // 2
    rgb = 80.0 * half + rng.integers(0, 60, (int(np.prod(shape)), channels))
    xy = oracles.positions(shape, spacing)
    appearance = np.hstack([xy / theta_alpha, rgb / theta_beta])
    return appearance.astype(np.float32), (xy / 2.0).astype(np.float32)


def _agree(found: Any, q: Array, tolerance: float) -> None:
    """The best label may differ only where the two best are as near each other as the tolerance."""
    np.testing.assert_allclose(found.confidence, q.max(axis=1), atol=tolerance)
    second, first = np.sort(q, axis=1)[:, -2:].T
    clear = first - second > tolerance
    assert clear.mean() > 0.5
    assert np.array_equal(found.best[clear], q.argmax(axis=1)[clear])


@pytest.mark.parametrize("case", STORED_CASES, ids=lambda case: case.name)
def test_labels_and_probabilities_are_those_of_pydensecrf(case: ParityCase) -> None:
    answer = stored()[case.name]
    assert answer.checksum == checksum(case), "tests/data is older than the questions: store the answers again"
    image, labels = case.inputs()
    refinement = with_probability(Refiner(image, labels), case.parameters())
    assert_same_answer(refinement.labels, refinement.confidence, answer, labels == 0)


def test_pydensecrf_was_not_asked_what_is_obvious() -> None:
    # Where every probability is 1, any engine would agree; on average a third of these pixels is undecided.
    undecided = [(answer.confidence < 0.95).mean() for answer in stored().values()]
    assert np.mean(undecided) > 0.3
    assert ANSWERS.stat().st_size < 300_000


@small
@pytest.mark.parametrize("iterations", [1, 6])
def test_an_iteration_is_the_textbook_update_over_the_lattice(
    shape: tuple[int, ...], channels: int, n_labels: int, iterations: int
) -> None:
    # With the lattice's own matrices for kernels, only float32 separates the two: the loop itself is exact.
    features = _features(shape, channels, 4, 25)
    unary = _potentials(len(features[0]), n_labels)
    matrices = [(w, lattice_matrix(f, normalise=True)) for w, f in zip((2.0, 1.0), features, strict=True)]
    found = mean_field(unary, list(zip((2.0, 1.0), features, strict=True)), iterations=iterations)
    _agree(found, oracles.mean_field(unary, matrices, iterations), 1e-4)
    assert found.iterations == iterations


@pytest.mark.parametrize("n_labels", [65, 200])
def test_rows_of_several_strips_are_updated_as_whole_ones(n_labels: int) -> None:
    features = _features((7, 11), 3, 4, 25)
    unary = _potentials(77, n_labels)
    kernels = list(zip((2.0, 1.0), features, strict=True))
    matrices = [(weight, lattice_matrix(f, normalise=True)) for weight, f in kernels]
    clamped = np.where(np.arange(77) % 3 == 0, np.arange(77) * 13 % n_labels, -1)
    exact = oracles.mean_field(unary, matrices, 5, clamped)[clamped < 0]
    found = mean_field(unary, kernels, iterations=5, clamped=clamped)
    _agree(found, exact, 1e-4)
    watching = mean_field(unary, kernels, iterations=5, clamped=clamped, tolerance=1e-9)
    assert watching.confidence.tobytes() == found.confidence.tobytes()
    settled = mean_field(unary, kernels, iterations=50, clamped=clamped, tolerance=1e-3)
    assert 1 < settled.iterations < 50


@small
def test_clamped_pixels_stay_and_speak(shape: tuple[int, ...], channels: int, n_labels: int) -> None:
    features = _features(shape, channels, 4, 25)
    unary = _potentials(len(features[0]), n_labels)
    clamped = np.random.default_rng(1).integers(-2, n_labels, len(unary)).clip(-1)
    weights = (2.0, 1.0)
    matrices = [(w, lattice_matrix(f, normalise=True)) for w, f in zip(weights, features, strict=True)]
    found = mean_field(unary, list(zip(weights, features, strict=True)), iterations=5, clamped=clamped)
    free = clamped < 0
    _agree(found, oracles.mean_field(unary, matrices, 5, clamped)[free], 1e-4)
    unclamped = oracles.mean_field(unary, matrices, 5)[free]
    assert np.abs(unclamped.max(axis=1) - found.confidence).max() > 0.05


@small
@pytest.mark.parametrize("tolerance", [0.0, 0.1], ids=["found anew", "kept"])
def test_all_probabilities_of_some_pixels_can_be_asked_for(
    shape: tuple[int, ...], channels: int, n_labels: int, tolerance: float
) -> None:
    features = _features(shape, channels, 4, 25)
    unary = _potentials(len(features[0]), n_labels)
    clamped = np.random.default_rng(1).integers(-2, n_labels, len(unary)).clip(-1)
    kernels = [(2.0, features[0]), (1.0, features[1])]
    found = mean_field(unary, kernels, iterations=5, clamped=clamped, tolerance=tolerance)
    matrices = [(w, lattice_matrix(f, normalise=True)) for w, f in kernels]
    q = oracles.mean_field(unary, matrices, found.iterations, clamped)[clamped < 0]
    chosen = np.flatnonzero(np.arange(len(q)) % 3 == 1)
    with ThreadPoolExecutor(2) as pool:
        rows = finish(found.probabilities(pool, chosen))
        assert finish(found.probabilities(pool, chosen[:0])).shape == (0, n_labels)
    np.testing.assert_allclose(rows, q[chosen], atol=1e-4)
    assert rows.argmax(axis=1).tolist() == found.best[chosen].tolist()
    assert rows.max(axis=1).tobytes() == found.confidence[chosen].tobytes()


@pytest.mark.parametrize(
    ("shape", "channels", "n_labels", "spacing"),
    [
        *((*case, None) for case in SMALL.values()),
        ((4, 5, 6), 1, 4, (3.0, 1.0, 1.0)),
        ((4, 6, 5), 2, 3, (1.0, 2.0, 1.5)),
    ],
    ids=[*SMALL, "grey 3-D, planes apart", "two channels 3-D, all sides unlike"],
)
def test_marginals_are_near_those_of_exact_gaussians(
    shape: tuple[int, ...], channels: int, n_labels: int, spacing: tuple[float, ...] | None
) -> None:
    # Messages over a lattice are 2 to 5 % off on such an image. With weights of 2 and 1 and three iterations that moves
    # a probability by 0.03 at most; a mistake in the formula moves it more. Stronger coupling would multiply the
    # lattice's own error until it says nothing about the code.
    features = _features(shape, channels, 4, 40, spacing)
    stripe = np.indices(shape)[-1].reshape(-1) * n_labels // shape[-1]
    unary = _potentials(len(stripe), n_labels, strength=1.0) - np.eye(n_labels)[stripe]
    weights = (2.0, 1.0)
    exact = [(w, oracles.gaussian_matrix(f, normalise=True)) for w, f in zip(weights, features, strict=True)]
    found = mean_field(unary, list(zip(weights, features, strict=True)), iterations=3)
    q = oracles.mean_field(unary, exact, 3)
    _agree(found, q, 0.05)
    for mistaken in _wrong_fields(unary, exact, features):
        assert _distance(found.confidence, q.max(axis=1)) < _distance(mistaken.max(axis=1), q.max(axis=1)) / 3


def _distance(a: Array, b: Array) -> float:
    return float(np.sqrt(np.mean(np.square(a - b))))


def _wrong_fields(unary: Array, exact: Sequence[tuple[float, Array]], features: tuple[Array, Array]) -> list[Array]:
    """Return marginals without messages, without the smoothness kernel, and with kernels that are not normalised."""
    raw = [
        (weight, oracles.gaussian_matrix(f, normalise=False)) for (weight, _), f in zip(exact, features, strict=True)
    ]
    return [oracles.softmax(-unary), oracles.mean_field(unary, exact[:1], 3), oracles.mean_field(unary, raw, 3)]


def test_smoothness_alone_is_exact_to_a_few_percent() -> None:
    shape = (17, 12)
    features = (oracles.positions(shape) / 3.0).astype(np.float32)
    unary = _potentials(len(features), 4)
    exact = oracles.gaussian_matrix(features, normalise=True)
    found = mean_field(unary, [(3.0, features)], iterations=5)
    # Messages of a full grid of pixels are about 1.5 % off.
    _agree(found, oracles.mean_field(unary, [(3.0, exact)], 5), 0.03)


def test_without_kernels_the_marginals_are_the_heatmap() -> None:
    unary = _potentials(30, 5)
    _agree(mean_field(unary, [], iterations=4), oracles.softmax(-unary), 1e-4)  # the unary has steps of .0003


def test_mean_field_stops_when_nothing_changes_by_more_than_the_tolerance() -> None:
    features = _features((11, 7), 3, 4, 25)
    kernels = list(zip((2.0, 1.0), features, strict=True))
    unary = _potentials(77, 3)
    matrices = [(w, lattice_matrix(f, normalise=True)) for w, f in kernels]
    steps = [oracles.mean_field(unary, matrices, count) for count in range(41)]
    changes = [np.abs(after - before).max() for before, after in pairwise(steps)]
    expected = next(count for count, change in enumerate(changes, start=1) if change <= 0.003)
    stopped = mean_field(unary, kernels, iterations=40, tolerance=0.003)
    assert stopped.iterations == expected
    assert 2 < expected < 40
    _agree(stopped, steps[expected], 1e-3)


def test_without_a_tolerance_all_iterations_run() -> None:
    unary = _potentials(30, 3, strength=20.0)  # settled at once
    features = _features((5, 6), 1, 4, 25)[1]
    assert mean_field(unary, [(1e-6, features)], iterations=7).iterations == 7
    assert mean_field(unary, [(1e-6, features)], iterations=7, tolerance=0.1).iterations == 1


def test_the_strongest_coupling_stays_finite() -> None:
    features = _features((11, 7), 3, 1000, 100)
    unary = np.where(np.random.default_rng(0).random((77, 40)) < 0.5, 0.0, 18.4)  # -log 1e-8, the heatmap's bound
    found = mean_field(unary, [(50.0, features[0]), (20.0, features[1])], iterations=100)
    assert np.isfinite(found.confidence).all()
    assert ((found.confidence > 0) & (found.confidence <= 1)).all()
    assert (found.best < 40).all()


def test_pixels_of_different_chunks_and_clamped_ones_count_once() -> None:
    # A strip of several chunks against a piece of it that is one chunk: far from its ends both hear the same.
    n, inside = 140_000, slice(200, -200)
    features = (np.arange(n, dtype=np.float32) / 3.0).reshape(-1, 1)
    unary = _potentials(n, 3)
    clamped = np.random.default_rng(4).integers(-1, 3, n)
    whole = np.full(n, np.nan, np.float32)
    whole[clamped < 0] = mean_field(unary, [(3.0, features)], iterations=4, clamped=clamped).confidence
    for middle in np.linspace(0, n, 9, dtype=int)[1:-1]:  # the chunks' bounds, whether they are 2, 4 or 8
        piece = slice(middle - 2000, middle + 2000)
        part = np.full(4000, np.nan, np.float32)
        part[clamped[piece] < 0] = mean_field(
            unary[piece], [(3.0, features[piece])], iterations=4, clamped=clamped[piece]
        ).confidence
        np.testing.assert_allclose(part[inside], whole[piece][inside], atol=1e-4)


def test_any_number_of_workers_gives_the_same_bits() -> None:
    shape = (270, 311)  # 83,970 pixels: several chunks
    kernels = list(zip((4.0, 3.0), _features(shape, 3, 80, 13), strict=True))
    unary = _potentials(shape[0] * shape[1], 3)
    clamped = np.where(np.random.default_rng(2).random(len(unary)) < 0.3, 1, -1)
    runs = [mean_field(unary, kernels, iterations=3, clamped=clamped, workers=workers) for workers in (1, 3)]
    assert np.array_equal(runs[0].best, runs[1].best)
    assert runs[0].confidence.tobytes() == runs[1].confidence.tobytes()


def test_only_watched_pixels_decide_when_to_stop() -> None:
    # Two pairs of pixels, far apart: one pair moves for many iterations, the other is settled from the beginning.
    features = np.array([[0.0], [0.1], [1000.0], [1000.1]], np.float32)
    unary = np.array([[0.0, 0.3], [0.01, 0.0], [0.0, 15.0], [0.0, 15.0]])
    settled = np.array([False, False, True, True])
    options: dict[str, Any] = {"iterations": 30, "tolerance": 1e-3}
    assert mean_field(unary, [(3.0, features)], watched=settled, **options).iterations == 1
    assert mean_field(unary, [(3.0, features)], watched=~settled, **options).iterations > 1
