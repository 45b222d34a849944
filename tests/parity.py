"""What our engine and pydensecrf are both asked, and what pydensecrf answers.

Images and labels come from whole-number arithmetic alone, so they are the same on every machine, and the answers that
`scripts/store_pydensecrf_answers.py` stored in `data/pydensecrf_answers.npz` hold where pydensecrf cannot be installed.
The reference shares no code with the package: its heatmap is the brute-force one, its features are made here.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_coarse_crf import Parameters
from tests import oracles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

ANSWERS = Path(__file__).parent / "data" / "pydensecrf_answers.npz"

LEAST_PROBABILITY = 1e-8  # the heatmap rules no label out
CERTAIN = 1e4  # a potential that no message outweighs: what pydensecrf has for a clamped pixel


@dataclass(frozen=True)
class ParityCase:
    """One question to both engines; `channels` 0 is an image without a channel axis."""

    name: str
    shape: tuple[int, ...]
    channels: int
    n_labels: int
    theta_alpha: float
    theta_beta: float
    label_confidence: float = 1.0
    appearance_weight: float = 3.0
    smoothness_weight: float = 1.0

    def parameters(self, **changes: Any) -> Parameters:
        """Return what the package is asked with; "joint" is the one heatmap that is exact."""
        return Parameters(
            similarity="joint",
            heatmap_distance=30.0,
            heatmap_colour=15.0,
            appearance_weight=self.appearance_weight,
            smoothness_weight=self.smoothness_weight,
            theta_alpha=self.theta_alpha,
            theta_beta=self.theta_beta,
            label_confidence=self.label_confidence,
        ).replace(**changes)

    def inputs(self) -> tuple[Array, Array]:
        """Return a noisy uint8 image of flat patches and a spot of label around the middle of each patch."""
        ndim, n_patches = len(self.shape), 2 * self.n_labels
        seed = zlib.crc32(repr((self.shape, self.channels, self.n_labels)).encode())
        grid = np.indices(self.shape).reshape(ndim, -1).T
        middles = _numbers((n_patches, ndim), seed) % np.array(self.shape)
        squared = np.square(grid[:, None, :] - middles[None, :, :]).sum(axis=2)
        patch = squared.argmin(axis=1)
        n_channels = max(1, self.channels)
        paint = _numbers((n_patches, n_channels), seed + 1) % 180
        noise = _numbers((len(grid), n_channels), seed + 2) % 70
        image = (paint[patch] + noise).astype(np.uint8)
        labels = np.where(squared.min(axis=1) <= 4, 1 + patch % self.n_labels, 0).astype(np.uint8)
        return image.reshape(*self.shape, *([self.channels] if self.channels else [])), labels.reshape(self.shape)


@dataclass(frozen=True)
class Answer:
    """Most probable label of each pixel, its probability, and a checksum of what was asked."""

    labels: Array
    confidence: Array
    checksum: int


STORED_CASES = (
    ParityCase("rgb 61x97, 2 labels, 160/8", (61, 97), 3, 2, 160, 8),
    ParityCase("rgb 97x61, 5 labels, 80/13", (97, 61), 3, 5, 80, 13),
    ParityCase("rgb 48x120, 19 labels, 50/5", (48, 120), 3, 19, 50, 5),
    ParityCase("rgb 90x70, 40 labels, 30/3", (90, 70), 3, 40, 30, 3),
    ParityCase("rgb 13x17, 3 labels, 80/13", (13, 17), 3, 3, 80, 13),
    ParityCase("grey 64x83, 6 labels, 80/13", (64, 83), 0, 6, 80, 13),
    ParityCase("five channels 40x52, 4 labels, 50/5", (40, 52), 5, 4, 50, 5),
    ParityCase("grey 9x31x26, 4 labels, 30/3", (9, 31, 26), 0, 4, 30, 3),
    ParityCase("rgb 7x28x30, 8 labels, 160/8", (7, 28, 30), 3, 8, 160, 8),
    ParityCase("doubted rgb 66x51, 5 labels, 80/13", (66, 51), 3, 5, 80, 13, label_confidence=0.9),
    ParityCase("doubted grey 8x27x33, 3 labels, 50/5", (8, 27, 33), 0, 3, 50, 5, label_confidence=0.7),
)


def reference(case: ParityCase) -> Answer:
    """Ask pydensecrf, which must be installed."""
    from pydensecrf import densecrf

    image, labels = case.inputs()
    xy, rgb = oracles.positions(case.shape), oracles.colours(image, labels.ndim)
    crf = densecrf.DenseCRF(labels.size, case.n_labels)
    crf.setUnaryEnergy(np.ascontiguousarray(_unary(case, xy, rgb, labels).T, dtype=np.float32))
    parameters = case.parameters()
    for weight, features in (
        (parameters.appearance_weight, np.hstack([xy / case.theta_alpha, rgb / case.theta_beta])),
        (parameters.smoothness_weight, xy / parameters.theta_gamma),
    ):
        transposed = np.ascontiguousarray(features.T, dtype=np.float32)
        crf.addPairwiseEnergy(transposed, float(weight), densecrf.DIAG_KERNEL, densecrf.NORMALIZE_SYMMETRIC)
    q = np.array(crf.inference(parameters.iterations))
    return Answer(1 + q.argmax(axis=0).reshape(case.shape), q.max(axis=0).reshape(case.shape), checksum(case))


def stored() -> dict[str, Answer]:
    """Return the stored answers by the name of their case."""
    with np.load(ANSWERS) as file:
        return {
            case.name: Answer(
                file[f"{case.name}: labels"],
                file[f"{case.name}: confidence"].astype(np.float32),
                int(file[f"{case.name}: checksum"]),
            )
            for case in STORED_CASES
        }


def store(answers: dict[str, Answer]) -> None:
    """Write the answers; probabilities as float16, which is 40 times finer than the tolerance of the tests."""
    arrays: dict[str, Array] = {}
    for name, answer in answers.items():
        arrays[f"{name}: labels"] = answer.labels.astype(np.uint8)
        arrays[f"{name}: confidence"] = answer.confidence.astype(np.float16)
        arrays[f"{name}: checksum"] = np.array(answer.checksum)
    np.savez_compressed(ANSWERS, allow_pickle=False, **arrays)


def checksum(case: ParityCase) -> int:
    """Return a number that changes with every bit of the inputs and every parameter."""
    image, labels = case.inputs()
    return zlib.crc32(image.tobytes() + labels.tobytes() + repr(case.parameters()).encode())


def assert_same_answer(labels: Array, confidence: Array, answer: Answer, open_pixels: Array) -> None:
    """Both engines do the same arithmetic; float32 sums in another order may turn a tie, hence 99.9 % and 0.02."""
    same = labels[open_pixels] == answer.labels[open_pixels]
    assert same.mean() >= 0.999
    assert np.abs(confidence - answer.confidence).max() <= 0.02


def _unary(case: ParityCase, xy: Array, rgb: Array, labels: Array) -> Array:
    """Return (N, L) potentials: -log of the brute-force heatmap, and what the labelled pixels are believed."""
    parameters = case.parameters()
    logits = oracles.joint_logits(
        xy, rgb, labels, distance=parameters.heatmap_distance, colour=parameters.heatmap_colour
    )
    unary = -np.log(np.maximum(oracles.softmax(logits), LEAST_PROBABILITY))
    own = np.arange(1, case.n_labels + 1) == labels.reshape(-1, 1)
    p = case.label_confidence
    other = CERTAIN if p == 1 else -np.log((1 - p) / (case.n_labels - 1))
    return np.where(labels.reshape(-1, 1) > 0, np.where(own, -np.log(p), other), unary)


def _numbers(shape: tuple[int, ...], seed: int) -> Array:
    """Return well-mixed whole numbers from 0 to 2^31 - 1 (splitmix64), without a library's generator."""
    count = int(np.prod(shape))
    x = (np.arange(1, count + 1, dtype=np.uint64) + np.uint64(seed) * np.uint64(2**20)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(33)).astype(np.int64).reshape(shape)
