"""The layout, classes and published numbers of Cityscapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_coarse_crf import InputError
from napari_coarse_crf.evaluation.cityscapes import CLASS_NAMES, PUBLISHED, read_cityscapes
from tests.streets import NAMES, write_streets

if TYPE_CHECKING:
    from pathlib import Path

    from napari_coarse_crf.evaluation.dataset import PublishedRow


def test_the_three_files_of_every_image_are_found(tmp_path: Path) -> None:
    dataset = read_cityscapes(write_streets(tmp_path))
    assert tuple(case.name for case in dataset.cases) == NAMES
    for case in dataset.cases:
        assert case.image.name == f"{case.name}_leftImg8bit.png"
        assert case.coarse.relative_to(tmp_path).parts[:2] == ("gtCoarse", "val")
        assert case.fine.name == f"{case.name}_gtFine_labelIds.png"
    assert dataset.rules.masked == (1, 2, 3)
    assert len(dataset.rules.classes or ()) == 19


def test_the_classes_are_those_of_the_data_set() -> None:
    # As in the data set's own labels.py: ids that are not ignored in evaluation.
    assert sorted(CLASS_NAMES) == [7, 8, 11, 12, 13, 17, *range(19, 29), 31, 32, 33]
    assert (CLASS_NAMES[7], CLASS_NAMES[24], CLASS_NAMES[33]) == ("road", "person", "bicycle")


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row.measure}, {row.method}")
def test_the_published_average_is_that_of_the_published_classes(row: PublishedRow) -> None:
    values = list(row.by_class.values())
    assert len(values) == 19
    # Every printed number is rounded to a thousandth, or cut off there.
    assert sum(values) / 19 == pytest.approx(row.average, abs=1.1e-3)


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no folder .*leftImg8bit.*unpack leftImg8bit_trainvaltest.zip"):
        read_cityscapes(tmp_path)
    write_streets(tmp_path)
    with pytest.raises(InputError, match="Cityscapes' split train"):
        read_cityscapes(tmp_path, "train")


def test_a_missing_label_map_is_named(tmp_path: Path) -> None:
    write_streets(tmp_path)
    path = tmp_path / "gtFine" / "val" / "beton" / f"{NAMES[2]}_gtFine_labelIds.png"
    path.unlink()
    with pytest.raises(InputError, match=r"1 of 3 images have no label map in gtFine .*beton_.*Unpack gtFine"):
        read_cityscapes(tmp_path)


def test_a_split_without_images_is_named(tmp_path: Path) -> None:
    for part in ("leftImg8bit", "gtCoarse", "gtFine"):
        (tmp_path / part / "val").mkdir(parents=True)
    with pytest.raises(InputError, match="There are no files <city>"):
        read_cityscapes(tmp_path)
