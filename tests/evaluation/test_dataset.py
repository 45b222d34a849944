"""Which files belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_coarse_crf import InputError
from napari_coarse_crf.evaluation.dataset import read_folders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Fill = Callable[[str, str], Path]


@pytest.fixture
def fill(tmp_path: Path) -> Fill:
    """Make a folder with empty files of the given names."""

    def fill(folder: str, names: str) -> Path:
        (tmp_path / folder).mkdir(exist_ok=True)
        for name in names.split():
            (tmp_path / folder / name).touch()
        return tmp_path / folder

    return fill


def test_files_of_one_name_belong_together_whatever_their_type(fill: Fill) -> None:
    dataset = read_folders(fill("i", "b.jpg a.tif"), fill("c", "a.png b.PNG"), fill("f", "b.tiff a.png"))
    assert [(case.name, case.image.name, case.coarse.name, case.fine.name) for case in dataset.cases] == [
        ("a", "a.tif", "a.png", "a.png"),
        ("b", "b.jpg", "b.PNG", "b.tiff"),
    ]
    assert dataset.left_out == ()


def test_one_folder_serves_if_endings_tell_the_files_apart(fill: Fill) -> None:
    here = fill("all", "x_img.png x_coarse.png x_fine.png x_notes.txt y_image.png y_coarse.tif y_fine.png")
    names = [(case.name, case.coarse.name, case.fine.name) for case in read_folders(here, here, here).cases]
    assert names == [("x", "x_coarse.png", "x_fine.png"), ("y", "y_coarse.tif", "y_fine.png")]


def test_images_without_an_ending_may_share_the_folder_of_their_labels(fill: Fill) -> None:
    here = fill("all", "x.png x_coarse.png x_fine.png")
    (case,) = read_folders(here, here, here).cases
    assert (case.image.name, case.coarse.name, case.fine.name) == ("x.png", "x_coarse.png", "x_fine.png")


def test_the_whole_name_counts_before_the_name_without_its_ending(fill: Fill) -> None:
    dataset = read_folders(fill("i", "wood_img.png"), fill("c", "wood_img.png wood.png"), fill("f", "wood.png"))
    assert dataset.cases[0].coarse.name == "wood_img.png"
    assert dataset.cases[0].fine.name == "wood.png"


def test_what_has_no_partner_is_left_out_in_words(fill: Fill) -> None:
    dataset = read_folders(fill("i", "a.png b.png c.png"), fill("c", "a.png c.png d.png"), fill("f", "a.png b.png"))
    assert [case.name for case in dataset.cases] == ["a"]
    sentences = " ".join(dataset.left_out)
    assert "1 of 3 images have no coarse labels in" in sentences
    assert "1 of 3 images have no fine labels in" in sentences
    assert "1 files of coarse labels belong to no image (the first: d.png)" in sentences
    assert "Files belong together if" in sentences


def test_hidden_files_are_not_seen(fill: Fill) -> None:
    dataset = read_folders(fill("i", "a.png ._a.png"), fill("c", "a.png ._a.png"), fill("f", "a.png"))
    assert [case.name for case in dataset.cases] == ["a"]


@pytest.mark.parametrize(
    ("images", "coarse", "fine", "message"),
    [
        ("a.png", "b.png", "a.png", "No image in .* has both"),
        ("a.png", "notes.txt", "a.png", "There are no coarse labels in"),
        ("a.png", "a.jpg", "a.png", "There are no coarse labels in"),  # JPEG holds no ids
        ("a.png a.tif", "a.png", "a.png", "a.png and .*a.tif have the same name a"),
        ("a.png a_img.png", "a.png", "a.png", "have the same name a"),
    ],
)
def test_what_cannot_be_paired_is_refused_in_words(
    fill: Fill, images: str, coarse: str, fine: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read_folders(fill("i", images), fill("c", coarse), fill("f", fine))


def test_a_missing_folder_is_named(fill: Fill, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no folder .*gone. Give the one that holds the fine labels"):
        read_folders(fill("i", "a.png"), fill("c", "a.png"), tmp_path / "gone")


def test_labels_alone_in_one_folder_are_not_taken_for_each_other(fill: Fill) -> None:
    with pytest.raises(InputError, match="There are no coarse labels in"):
        read_folders(fill("i", "a.png"), fill("maps", "a.png"), fill("maps", "a.png"))
