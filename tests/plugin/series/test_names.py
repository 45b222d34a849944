"""What the files beside images are called."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import pytest

from napari_coarse_crf.plugin.series.names import names_beside


def names_of(*images: str, **written: str) -> list[str]:
    return names_beside([Path(image) for image in images], {f"{image}.png": {name} for image, name in written.items()})


def test_files_are_called_as_the_image_without_its_type_where_no_other_is() -> None:
    assert names_of("a.png", "b.jpg", "b.png") == ["a", "b.jpg", "b.png"]


def test_names_that_were_written_are_kept() -> None:
    assert names_of("b.jpg", "b.png", b="b") == ["b.jpg", "b"]


@pytest.mark.parametrize(
    "images",
    [
        ("a.png", "A.png"),
        ("a.png", "a.jpg", "a.png.tif"),
        (normalize("NFC", "ä.png"), normalize("NFD", "ä.png")),
        (f"{'ä' * 125}.png", f"{'ä' * 125}.jpg", f"{'ä' * 124}.png"),
    ],
)
def test_no_two_names_are_alike_for_any_file_system(images: tuple[str, ...]) -> None:
    names = names_of(*images)
    assert len({normalize("NFC", name.casefold()) for name in names}) == len(images)
    assert all(len(name.encode()) <= 220 for name in names)


def test_a_name_that_was_written_for_another_image_is_taken_by_none() -> None:
    images = [Path("a.jpg"), Path("a.png"), Path("a.png.tif")]
    names = names_beside(images, {"a.png.tif": {"a.png"}})
    assert names[2] == "a.png"
    assert len(set(names)) == 3
