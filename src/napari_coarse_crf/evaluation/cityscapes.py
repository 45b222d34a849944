"""The data set Cityscapes: its folders, its classes, and the scores that the source printed for it.

The data set is for research only and must be asked for at https://www.cityscapes-dataset.com; nothing of it is part of
this package. Ids and names of the classes are those of the data set's own scripts.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.evaluation.dataset import Case, Dataset, PublishedRow, Rules
from napari_coarse_crf.io.matching import check_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MASKED = (1, 2, 3)
"""Ego vehicle, rectification border and out of region: no part of the scene."""

SOURCE = (
    'Published: Table 1 of the letter "semantic segmentation using coarse label maps" (in Korean), averages over the '
    "500 images of the split val; it does not say which of the two averages that is."
)

_PACKAGES = {
    "leftImg8bit": "leftImg8bit_trainvaltest.zip",
    "gtCoarse": "gtCoarse.zip",
    "gtFine": "gtFine_trainvaltest.zip",
}

# Id, name, then the columns of Table 1: accuracy Coarse and Ours, IoU SegNet, Coarse and Ours; rows in its order.
_TABLE_1 = (
    (7, "road", 0.870, 0.966, 0.956, 0.864, 0.861),
    (8, "sidewalk", 0.338, 0.434, 0.701, 0.330, 0.379),
    (11, "building", 0.541, 0.770, 0.828, 0.531, 0.669),
    (12, "wall", 0.169, 0.208, 0.299, 0.166, 0.170),
    (13, "fence", 0.295, 0.351, 0.319, 0.265, 0.255),
    (17, "pole", 0.307, 0.322, 0.381, 0.297, 0.288),
    (19, "traffic light", 0.193, 0.205, 0.431, 0.189, 0.189),
    (31, "train", 0.195, 0.244, 0.347, 0.195, 0.191),
    (24, "person", 0.316, 0.363, 0.673, 0.312, 0.309),
    (22, "terrain", 0.104, 0.141, 0.623, 0.101, 0.118),
    (23, "sky", 0.580, 0.856, 0.917, 0.575, 0.758),
    (32, "motorcycle", 0.188, 0.213, 0.405, 0.181, 0.185),
    (21, "vegetation", 0.547, 0.822, 0.873, 0.541, 0.672),
    (26, "car", 0.524, 0.655, 0.879, 0.522, 0.552),
    (27, "truck", 0.243, 0.293, 0.217, 0.240, 0.259),
    (28, "bus", 0.350, 0.415, 0.290, 0.346, 0.358),
    (20, "traffic sign", 0.373, 0.410, 0.446, 0.361, 0.360),
    (25, "rider", 0.260, 0.289, 0.507, 0.255, 0.254),
    (33, "bicycle", 0.253, 0.280, 0.566, 0.246, 0.246),
)
_COLUMNS = (  # measure, method, the printed average
    ("accuracy", "published Coarse", 0.350),
    ("accuracy", "published Ours", 0.433),
    ("IoU", "published SegNet", 0.561),
    ("IoU", "published Coarse", 0.343),
    ("IoU", "published Ours", 0.372),
)

CLASS_NAMES: Mapping[int, str] = MappingProxyType({row[0]: row[1] for row in _TABLE_1})
"""The 19 evaluated classes by label id, in the order of Table 1."""

PUBLISHED = tuple(
    PublishedRow(measure, method, {row[0]: float(row[2 + column]) for row in _TABLE_1}, average)
    for column, (measure, method, average) in enumerate(_COLUMNS)
)
"""Table 1 of the source."""


def read_cityscapes(root: Path, split: str = "val") -> Dataset:
    """Find the images of one split and their label maps.

    In `gtCoarse`, id 0 is unlabelled and `MASKED` take no part; every other id takes part in the refinement, evaluated
    or not. In `gtFine`, the 19 evaluated classes are scored and everything else is ignored.

    Parameters
    ----------
    root : Path
        The folder that holds `leftImg8bit`, `gtCoarse` and `gtFine`.
    split : str
        "val" or "train"; the fine maps of the others are not public.

    Raises
    ------
    InputError
        If a folder or a file is missing.
    """
    for part, package in _PACKAGES.items():
        check_folder(root / part / split, f"data of Cityscapes' split {split} (unpack {package} into {root})")
    images = sorted((root / "leftImg8bit" / split).glob("*/*_leftImg8bit.png"))
    if not images:
        raise InputError(f"There are no files <city>/*_leftImg8bit.png in {root / 'leftImg8bit' / split}.")
    cases = tuple(_case(root, split, image) for image in images)
    for part, files in {"gtCoarse": [case.coarse for case in cases], "gtFine": [case.fine for case in cases]}.items():
        missing = [path for path in files if not path.is_file()]
        if missing:
            raise InputError(
                f"{len(missing)} of {len(cases)} images have no label map in {part} (the first: {missing[0]}). "
                f"Unpack {_PACKAGES[part]} into {root} again."
            )
    rules = Rules(masked=MASKED, ignore=None, classes=tuple(sorted(CLASS_NAMES)))
    return Dataset(f"Cityscapes {split}", cases, rules, CLASS_NAMES, PUBLISHED, SOURCE)


def _case(root: Path, split: str, image: Path) -> Case:
    name, city = image.name.removesuffix("_leftImg8bit.png"), image.parent.name
    return Case(
        name,
        image,
        root / "gtCoarse" / split / city / f"{name}_gtCoarse_labelIds.png",
        root / "gtFine" / split / city / f"{name}_gtFine_labelIds.png",
    )
