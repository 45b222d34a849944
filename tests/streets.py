"""A tiny made-up data set in the layout of Cityscapes: three streets in two cities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

EGO, STATIC, ROAD, SKY, CAR = 1, 4, 7, 23, 26
NAMES = ("aford_000000_000019", "aford_000001_000019", "beton_000000_000007")
_COLOURS = {EGO: (20, 20, 20), STATIC: (150, 110, 40), ROAD: (110, 90, 110), SKY: (160, 200, 240), CAR: (180, 30, 30)}


def street(number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return image, coarse and fine label ids; the last street has no car."""
    fine = np.full((26, 45), ROAD, np.uint8)
    fine[: 11 + number] = SKY
    fine[9:16, 30:38] = STATIC  # of the scene, but not evaluated
    if number < 2:
        fine[12:19, 6 + number : 20] = CAR
    fine[-3:] = EGO
    rng = np.random.default_rng(number)
    image = np.zeros((*fine.shape, 3))
    for label_id, colour in _COLOURS.items():
        image[fine == label_id] = colour
    image += rng.normal(0, 40, image.shape)  # so that something is left to get wrong
    coarse = np.zeros_like(fine)
    coarse[3:6, 4:40], coarse[20:22, 3:41], coarse[-3:] = SKY, ROAD, EGO
    coarse[11:14, 32:36] = STATIC
    if number < 2:
        coarse[14:17, 10:17] = CAR
    return np.clip(image, 0, 255).astype(np.uint8), coarse, fine


def write_streets(root: Path, split: str = "val") -> Path:
    """Write the data set and return its folder."""
    for number, name in enumerate(NAMES):
        kinds = ("leftImg8bit", ""), ("gtCoarse", "_labelIds"), ("gtFine", "_labelIds")
        for (kind, ending), pixels in zip(kinds, street(number), strict=True):
            folder = root / kind / split / name.partition("_")[0]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / f"{name}_{kind}{ending}.png")
    return root
