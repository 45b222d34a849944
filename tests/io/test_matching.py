"""Which files belong together, of patterns and single files; of folders see `tests/evaluation/test_dataset.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_coarse_crf import InputError
from napari_coarse_crf.io.matching import holds_several, match_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name in ["x_image.png", "x_coarse.png", "y_image.png", "y_coarse.tif", "z.png", "z_coarse.png", "notes.txt"]:
        (tmp_path / name).touch()
    return tmp_path


def matched(image: Path, coarse: Path) -> list[tuple[str, ...]]:
    files = match_files({"image": image, "coarse": coarse}).files
    return [(name, of["image"].name, of["coarse"].name) for name, of in files.items()]


def test_a_folder_and_a_pattern_hold_several_files_and_a_name_with_brackets_does_not(here: Path) -> None:
    (here / "scan[1].png").touch()
    several = [holds_several(here / name) for name in ("", "*.png", "[xy]_image.png", "scan[1].png", "none.png")]
    assert several == [True, True, True, False, False]


def test_patterns_choose_the_files(here: Path) -> None:
    assert matched(here / "*_image.png", here / "*_coarse.*") == [
        ("x", "x_image.png", "x_coarse.png"),
        ("y", "y_image.png", "y_coarse.tif"),
    ]


def test_endings_tell_files_apart_that_two_patterns_both_choose(here: Path) -> None:
    assert matched(here / "z*", here / "*") == [("z", "z.png", "z_coarse.png")]


def test_a_single_file_goes_with_a_folder(here: Path) -> None:
    assert matched(here / "y_image.png", here) == [("y", "y_image.png", "y_coarse.tif")]


def test_nothing_that_belongs_together_is_refused_in_words(here: Path) -> None:
    with pytest.raises(InputError, match=r"No image in .*x_image.png has coarse labels in .*z_coarse.*Files belong"):
        match_files({"image": here / "x_image.png", "coarse": here / "z_coarse*"})


@pytest.mark.parametrize(
    ("image", "coarse", "name"),
    [
        ("a.ome.tif", "a.png", "a"),
        ("a.ome.tif", "a.ome.png", "a"),
        ("a.b.ome.tiff", "a.b_coarse.ome.tif", "a.b"),
        ("a_image.ome.tif", "a_coarse.png", "a"),
        ("Bäume.png", "Ba\u0308ume.png", "Bäume"),
    ],
)
def test_neither_the_words_of_a_type_nor_the_spelling_of_a_letter_part_files(
    tmp_path: Path, image: str, coarse: str, name: str
) -> None:
    for folder, file in (("images", image), ("coarse", coarse)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).touch()
    assert matched(tmp_path / "images", tmp_path / "coarse") == [(name, image, coarse)]
