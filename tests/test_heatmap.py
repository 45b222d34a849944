"""The label heatmap, eq. (1) and (2), against sums and minima over all pairs of pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest

from napari_coarse_crf import Parameters, Refiner
from napari_coarse_crf.geodesic import UNREACHED
from napari_coarse_crf.inputs import Picture
from napari_coarse_crf.logits import painted_share
from napari_coarse_crf.problem import read_problem
from napari_coarse_crf.similarity import Similarity
from tests import oracles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

FORMS: tuple[Similarity, ...] = get_args(Similarity)
SHAPES = {
    "grey": ((21, 34), 0),
    "rgb": ((34, 21), 3),
    "two channels": ((19, 25), 2),
    "3-D": ((5, 13, 11), 0),
    "3-D rgb": ((4, 11, 14), 3),
}


def _case(shape: tuple[int, ...], channels: int, n_labels: int = 3) -> tuple[Array, Array]:
    """Return stripes of different colour with noise, and small spots of label in each, ids 4, 9, 16, ..."""
    rng = np.random.default_rng(shape[-1] + channels)
    stripe = np.indices(shape)[-1] * n_labels // shape[-1]
    image = 60 * stripe[..., None] + rng.integers(0, 60, (*shape, max(1, channels)))
    labels = np.zeros(shape, np.int32)
    for label in range(n_labels):
        inside = np.flatnonzero(stripe.reshape(-1) == label)
        labels.reshape(-1)[rng.choice(inside, 12, replace=False)] = (label + 2) ** 2
    image = image.astype(np.uint8)
    return (image if channels else image[..., 0]), labels


def _painted_share(labels: Array) -> float:
    """Return how much of the planes that hold a label is labelled."""
    painted = labels if labels.ndim == 2 else labels[labels.any(axis=(1, 2))]
    return np.count_nonzero(painted) / painted.size


def _exact(form: Similarity, image: Array, labels: Array, parameters: Parameters, **options: Any) -> Array:
    """Return (N, L) probabilities of the brute-force heatmap."""
    xy = oracles.positions(labels.shape, options.get("spacing"))
    rgb = oracles.colours(image, labels.ndim)
    high = oracles.stretched(rgb)
    distance, colour = parameters.heatmap_distance, parameters.heatmap_colour
    if form == "joint":
        return oracles.softmax(oracles.joint_logits(xy, rgb, labels, distance=distance, colour=colour))
    logits = np.zeros((labels.size, len(oracles.members(labels))))
    share = np.count_nonzero(labels) / labels.size
    if form == "kernel":
        logits += oracles.kernel_logits(xy, high, labels, distance=distance, colour=colour)
    if form == "combined":
        logits += 0.8 * (1 - 2 * _painted_share(labels)) * np.log([len(own) for own in oracles.members(labels)])
    if form in {"colour", "combined"}:
        logits += oracles.colour_logits(high, labels, colour=colour)
    if form in {"geodesic", "combined"}:
        weight = parameters.geodesic_colour_weight
        slowness = oracles.edge_slowness(high.reshape(*labels.shape, -1), labels.ndim, weight=weight, **options)
        logits += oracles.geodesic_logits(
            oracles.geodesic_distances(slowness, labels, crossing=10 / share**2, **options),
            scale=parameters.geodesic_scale,
            exponent=parameters.geodesic_exponent * (labels.ndim - 1),
            farthest=float(UNREACHED),
        )
    return oracles.softmax(logits)


def _both(form: Similarity, image: Array, labels: Array, **options: Any) -> tuple[Array, Array]:
    """Return the (F, L) probabilities of the unlabelled pixels, from the package and by brute force."""
    # Scales at which no part of a form drowns the others on images this small: most pixels are undecided.
    parameters = Parameters(
        similarity=form, heatmap_distance=2, heatmap_colour=100, geodesic_colour_weight=0.005, geodesic_exponent=1
    )
    found = Refiner(image, labels, **options).heatmap(parameters)
    free = labels.reshape(-1) == 0
    exact = _exact(form, image, labels, parameters, **options)
    return found.reshape(len(found), -1).T[free], exact[free]


@pytest.mark.parametrize(("shape", "channels"), SHAPES.values(), ids=SHAPES)
def test_joint_is_the_nearest_labelled_pixel_in_colour_and_position(shape: tuple[int, ...], channels: int) -> None:
    found, exact = _both("joint", *_case(shape, channels))
    np.testing.assert_allclose(found, exact, atol=1e-4)  # the search is exact; the potential has steps of .0003


def test_a_hundred_labels_are_weighed_like_a_few() -> None:
    found, exact = _both("joint", *_case((20, 100), 0, n_labels=100))
    np.testing.assert_allclose(found, exact, atol=1e-4)


@pytest.mark.parametrize(("shape", "channels"), SHAPES.values(), ids=SHAPES)
def test_geodesic_is_the_shortest_path_around_colour_edges(shape: tuple[int, ...], channels: int) -> None:
    found, exact = _both("geodesic", *_case(shape, channels))
    # Lengths are settled to 0.01 px; with exponent 4 and scale 5 px that is below 1 % of a probability.
    np.testing.assert_allclose(found, exact, atol=0.01)


@pytest.mark.parametrize("form", ["kernel", "colour", "combined"])
@pytest.mark.parametrize(("shape", "channels"), SHAPES.values(), ids=SHAPES)
def test_kernel_sums_are_near_the_exact_ones(shape: tuple[int, ...], channels: int, form: Similarity) -> None:
    _assert_near(*_both(form, *_case(shape, channels)))


@pytest.mark.parametrize("form", ["kernel", "colour", "combined"])
def test_kernel_sums_in_a_volume_of_unlike_spacing_are_near_the_exact_ones(form: Similarity) -> None:
    _assert_near(*_both(form, *_case((5, 13, 11), 0), spacing=(3.0, 1.0, 1.5)))


def _assert_near(found: Array, exact: Array) -> None:
    """Probabilities are near those of exact sums, and where these are clear the best label is the same."""
    # Sums are filters on lattices, 10 % and more off the exact sum; softmax takes their ratios.
    uninformed = np.abs(exact - exact.mean(axis=0)).mean()
    assert np.abs(found - exact).mean() < min(0.03, uninformed / 4)
    assert np.quantile(np.abs(found - exact), 0.98) < 0.2  # the rest: a few pixels whose colours are like no label's
    second, first = np.sort(exact, axis=1)[:, -2:].T
    clear = first - second > 0.2
    assert clear.mean() > 0.1
    assert (found.argmax(axis=1) == exact.argmax(axis=1))[clear].mean() > 0.98


@pytest.mark.parametrize("name", ["grey", "two channels", "3-D"])
def test_the_parts_of_a_form_have_their_weights(name: str) -> None:
    # With one or two channels the lattice is near enough to tell the formula from its neighbours.
    image, labels = _case(*SHAPES[name])
    labels[tuple(np.argwhere((labels == 0) & (np.indices(labels.shape)[-1] < 6))[:40].T)] = 4  # one label has more
    sizes = np.array([len(own) for own in oracles.members(labels)])
    free = labels.reshape(-1) == 0
    xy, high = oracles.positions(labels.shape), oracles.stretched(oracles.colours(image, labels.ndim))
    slower = oracles.kernel_logits(xy, high, labels, distance=2, colour=100, decay=2.0)
    colour = oracles.colour_logits(high, labels, colour=100)
    share = 1 - free.mean()
    prior = 0.8 * (1 - 2 * _painted_share(labels)) * np.log(sizes)
    slowness = oracles.edge_slowness(high.reshape(*labels.shape, -1), labels.ndim, weight=0.005)
    lengths, unfenced = (
        oracles.geodesic_distances(slowness, labels, crossing=crossing) for crossing in (10 / share**2, 0.0)
    )
    path, through = (
        oracles.geodesic_logits(d, scale=5, exponent=labels.ndim - 1, farthest=float(UNREACHED))
        for d in (lengths, unfenced)
    )
    mistakes: dict[Similarity, list[Array]] = {
        "kernel": [slower],
        "geodesic": [through],
        "combined": [0.5 * colour + path + prior, colour + path, colour + prior, colour + through + prior],
    }
    for form, mistaken in mistakes.items():
        found, exact = _both(form, image, labels)
        for logits in mistaken:
            other = oracles.softmax(logits)[free]
            assert np.linalg.norm(found - exact) < 0.67 * np.linalg.norm(other - exact)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_the_odds_of_a_path_fall_with_the_line_or_surface_that_is_as_far_away(ndim: int) -> None:
    image, labels = np.zeros((3,) * (ndim - 1) + (12,), np.uint8), np.zeros((3,) * (ndim - 1) + (12,), np.int32)
    labels[..., 0], labels[..., -1] = 1, 2
    heatmap = Refiner(image, labels).heatmap(Parameters(similarity="geodesic"))
    lengths = np.arange(1, 11)
    odds = ((1 + lengths / 5) / (1 + lengths[::-1] / 5)) ** (-4 * max(1, ndim - 1))
    found = heatmap[0, ..., 1:-1] / heatmap[1, ..., 1:-1]
    np.testing.assert_allclose(found, np.broadcast_to(odds, found.shape), rtol=0.01)


def test_planes_without_labels_do_not_count_in_how_much_a_person_paints() -> None:
    rng = np.random.default_rng(0)
    labels = np.where(rng.random((4, 20, 30)) < 0.6, 1 + (np.indices((4, 20, 30))[-1] > 19), 0)
    between = np.zeros((4, 3, 20, 30), labels.dtype)
    between[:, 1] = labels
    sparse = between.reshape(12, 20, 30)
    shares = [
        painted_share(read_problem(Picture(np.zeros(one.shape, np.uint8), mask), one))
        for one, mask in ((labels, None), (sparse, None), (sparse, np.indices(sparse.shape)[0] < 6), (labels[0], None))
    ]
    exact = [np.mean(one > 0) for one in (labels, labels, labels[:2], labels[0])]
    np.testing.assert_allclose(shares, exact, rtol=1e-12)


def test_spacing_stretches_distances_in_the_heatmap() -> None:
    image, labels = _case((5, 13, 11), 0)
    for form in ("joint", "geodesic"):
        found, exact = _both(form, image, labels, spacing=(4.0, 2.0, 2.0))
        np.testing.assert_allclose(found, exact, atol=0.01)
        assert np.abs(found - _both(form, image, labels)[0]).max() > 0.03


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("spread", [3, 200], ids=["tiny differences", "strong noise"])
def test_every_unlabelled_pixel_has_a_distribution_however_far_from_any_label(form: Similarity, spread: int) -> None:
    labels = np.zeros((40, 700), np.int64)
    labels[:2, :2], labels[3:5, :2], labels[30, 697:] = 5, 2**40, 6
    image = np.random.default_rng(0).integers(0, spread, labels.shape, dtype=np.uint8)
    image[:, 350:] = 255 - image[:, 350:]  # another colour than any label has
    near = Parameters(
        similarity=form, heatmap_distance=1, heatmap_colour=1, geodesic_colour_weight=20, geodesic_scale=0.5,
        geodesic_exponent=20,
    )  # fmt: skip
    heatmap = Refiner(image, labels).heatmap(near)
    assert np.isfinite(heatmap).all()
    np.testing.assert_allclose(heatmap.sum(axis=0), 1.0, atol=1e-4)
    free = heatmap[:, labels == 0]
    assert free.min() > 0  # an occurring label is never ruled out


@pytest.mark.parametrize("form", FORMS)
def test_an_area_cut_off_by_the_mask_has_a_distribution_too(form: Similarity) -> None:
    image, labels = _case((21, 34), 0)
    mask = np.ones(labels.shape, bool)
    mask[:, 28] = False
    labels[:, 28:] = 0
    heatmap = Refiner(image, labels, mask=mask).heatmap(Parameters(similarity=form))
    np.testing.assert_allclose(heatmap[:, mask].sum(axis=0), 1.0, atol=1e-4)
    assert not heatmap[:, ~mask].any()  # a pixel that takes no part has no probabilities


@pytest.mark.parametrize("form", FORMS)
def test_only_labels_that_take_part_have_a_heatmap(form: Similarity) -> None:
    image, labels = _case((21, 34), 3)
    labels[0, 0] = 77  # outside the mask
    mask = np.ones(labels.shape, bool)
    mask[0, 0] = False
    refiner = Refiner(image, labels, mask=mask)
    assert refiner.label_ids.tolist() == [4, 9, 16]
    assert refiner.heatmap(Parameters(similarity=form)).shape == (3, 21, 34)


@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_the_labels_does_not_matter(form: Similarity) -> None:
    image, labels = _case((21, 34), 3)
    turned = np.choose(np.searchsorted([0, 4, 9, 16], labels), [0, 30, 20, 10])
    heatmap, other = (Refiner(image, some).heatmap(Parameters(similarity=form)) for some in (labels, turned))
    np.testing.assert_allclose(heatmap, other[::-1], atol=1e-5)  # sums over labels run in another order


def test_labelled_pixels_are_one_hot() -> None:
    image, labels = _case((21, 34), 0)
    refiner = Refiner(image, labels)
    heatmap = refiner.heatmap()
    for label, label_id in enumerate(refiner.label_ids):
        own = heatmap[:, labels == label_id]
        assert (own[label] == 1).all()
        assert (np.delete(own, label, axis=0) == 0).all()


def test_doubted_labels_leave_the_others_an_equal_share() -> None:
    image, labels = _case((21, 34), 0)
    heatmap = Refiner(image, labels).heatmap(Parameters(label_confidence=0.7))
    np.testing.assert_allclose(heatmap[:, labels == 9], [[0.15], [0.7], [0.15]] * np.ones(12), atol=1e-6)


def test_labels_far_away_in_colour_and_position_are_less_probable() -> None:
    image = np.repeat(np.array([[0, 0, 0, 0, 0, 200, 200, 200, 200, 200]], np.uint8), 6, axis=0)
    labels = np.zeros(image.shape, np.uint8)
    labels[3, 1], labels[3, 8] = 1, 2
    for form in FORMS:
        first, second = Refiner(image, labels).heatmap(Parameters(similarity=form))
        assert (first[:, :5] > second[:, :5]).all(), form
        assert (first[:, 5:] < second[:, 5:]).all(), form


@pytest.mark.parametrize("form", FORMS)
def test_the_image_is_stretched_by_one_gain_for_all_but_joint(form: Similarity) -> None:
    # A third of the contrast: I' is the same, so all forms but "joint" have the same heatmap.
    image, labels = _case((21, 34), 3)
    dark = image // 3
    parameters = Parameters(similarity=form, geodesic_scale=20)
    bright, dim = (Refiner(3 * dark, labels).heatmap(parameters), Refiner(dark, labels).heatmap(parameters))
    if form == "joint":
        assert np.abs(bright - dim).max() > 0.1
    else:
        np.testing.assert_allclose(bright, dim, atol=1e-3)  # float32 colours, embedded in lattices
