"""Data sets: which files they hold, and which of their pixels count.

A data set is images with a coarse and a fine label map each. `read_folders` finds them in any three folders;
`cityscapes` knows that data set's own layout.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.io.matching import match_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Case:
    """One image of a data set and its label maps.

    Attributes
    ----------
    name : str
        What its files have in common; unique in a data set.
    image, coarse, fine : Path
        The files.
    """

    name: str
    image: Path
    coarse: Path
    fine: Path


@dataclass(frozen=True, slots=True)
class Rules:
    """Which pixels count.

    Attributes
    ----------
    masked : tuple of int
        Ids in the coarse map of pixels that take no part in the refinement.
    ignore : int or None
        The id in the fine map of pixels that nobody knows.
    classes : tuple of int or None
        The ids of the fine map that are scored; None: all but `ignore`.
    """

    masked: tuple[int, ...] = ()
    ignore: int | None = UNLABELLED
    classes: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """Scores that somebody printed, to be shown beside ours.

    Attributes
    ----------
    measure : str
        "accuracy" or "IoU".
    method : str
        What was scored.
    by_class : mapping of int to float
        By class id.
    average : float
        The average as it was printed.
    """

    measure: str
    method: str
    by_class: Mapping[int, float]
    average: float


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images with label maps, and how they are scored.

    Attributes
    ----------
    name : str
        For headings.
    cases : tuple of Case
        At least one, by name.
    rules : Rules
        Which pixels count.
    class_names : mapping of int to str
        The scored classes in the order they are shown; empty: those that are found, by id.
    published : tuple of PublishedRow
        Scores of others on this data set.
    source : str
        Where `published` comes from.
    left_out : tuple of str
        One sentence for each kind of file that is not used.
    """

    name: str
    cases: tuple[Case, ...]
    rules: Rules
    class_names: Mapping[int, str] = field(default_factory=dict)
    published: tuple[PublishedRow, ...] = ()
    source: str = ""
    left_out: tuple[str, ...] = ()


def read_folders(images: Path, coarse: Path, fine: Path, *, ignore: int = UNLABELLED) -> Dataset:
    """Find the images that have coarse and fine labels.

    Files belong together if their names are the same but for the type (.png, .tif) and the endings `_image`, `_img`,
    `_coarse` and `_fine`. Folders may be one and the same if the endings tell the files apart. Images without labels
    and labels without an image are left out; `Dataset.left_out` says so.

    Parameters
    ----------
    images, coarse, fine : Path
        Folders; what lies in folders below them is not seen.
    ignore : int
        The id in the fine maps of pixels that nobody knows.

    Raises
    ------
    InputError
        If a folder is missing or holds nothing of use, two files have one name, or nothing belongs together.
    """
    matching = match_files({"image": images, "coarse": coarse, "fine": fine})
    cases = tuple(Case(name, of["image"], of["coarse"], of["fine"]) for name, of in matching.files.items())
    return Dataset(images.name, cases, Rules(ignore=ignore), left_out=matching.left_out)
