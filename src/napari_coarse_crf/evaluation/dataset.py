"""Which files of a data set belong together, and which of their pixels count.

A data set is images with a coarse and a fine label map each. `read_folders` finds them in any three folders;
`cityscapes` knows that data set's own layout.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.io.files import WRITABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Role = Literal["image", "coarse", "fine"]

_LABEL_FILES = WRITABLE  # what keeps every id exactly
_IMAGE_FILES = (*_LABEL_FILES, ".bmp", ".jpeg", ".jpg", ".lsm", ".webp")
_ENDINGS: dict[Role, tuple[str, ...]] = {"image": ("_image", "_img"), "coarse": ("_coarse",), "fine": ("_fine",)}
_CALLED: dict[Role, str] = {"image": "images", "coarse": "coarse labels", "fine": "fine labels"}
_RULE = (
    "Files belong together if their names are the same, but for the type and the endings _image, _img, _coarse, _fine."
)


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
    folders: dict[Role, Path] = {"image": images, "coarse": coarse, "fine": fine}
    found = {role: _files(role, folders) for role in folders}
    cases: list[Case] = []
    unpaired: dict[Role, int] = {"coarse": 0, "fine": 0}
    used: set[Path] = set()
    for name, image in found["image"].items():
        # The whole name first: without its ending, "wood_fine" may be the name of another image.
        partners = {role: _partner(found[role], role, image.stem, name) for role in unpaired}
        if partners["coarse"] and partners["fine"]:
            cases.append(Case(name, image, partners["coarse"], partners["fine"]))
        used.update(path for path in partners.values() if path)
        for role, path in partners.items():
            unpaired[role] += path is None
    if not cases:
        raise InputError(f"No image in {images} has both coarse labels in {coarse} and fine labels in {fine}. {_RULE}")
    left_out = [
        f"{count} of {len(found['image'])} images have no {_CALLED[role]} in {folders[role]} and are left out."
        for role, count in unpaired.items()
        if count
    ]
    for role in unpaired:
        spare = [path.name for path in found[role].values() if path not in used]
        if spare:
            left_out.append(f"{len(spare)} files of {_CALLED[role]} belong to no image (the first: {spare[0]}).")
    if left_out:
        left_out.append(_RULE)
    return Dataset(images.name, tuple(cases), Rules(ignore=ignore), left_out=tuple(left_out))


def check_folder(folder: Path, what: str) -> None:
    """Raise if a folder is missing.

    Raises
    ------
    InputError
        With one sentence on what is missing.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}. Give the one that holds the {what}.")


def _files(role: Role, folders: Mapping[Role, Path]) -> dict[str, Path]:
    """Return the files of one role by name; the image's without its ending."""
    folder = folders[role]
    check_folder(folder, _CALLED[role])
    kinds = _IMAGE_FILES if role == "image" else _LABEL_FILES
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in kinds and path.name[0] != "."]
    sharing = [other for other in folders if other != role and folders[other].resolve() == folder.resolve()]
    if sharing:
        own = [path for path in paths if path.stem.endswith(_ENDINGS[role])]
        others = tuple(ending for other in sharing for ending in _ENDINGS[other])
        paths = own or [path for path in paths if role == "image" and not path.stem.endswith(others)]
    if not paths:
        raise InputError(f"There are no {_CALLED[role]} in {folder}. {_RULE}")
    by_name: dict[str, Path] = {}
    for path in paths:
        name = _without_ending(path.stem, role) if role == "image" else path.stem
        if name in by_name:
            raise InputError(
                f"{by_name[name].name} and {path.name} in {folder} have the same name {name}. Keep one of them there."
            )
        by_name[name] = path
    return by_name


def _partner(files: Mapping[str, Path], role: Role, *names: str) -> Path | None:
    """Return the label file that belongs to an image of these names."""
    for name in names:
        for ending in ("", *_ENDINGS[role]):
            if name + ending in files:
                return files[name + ending]
    return None


def _without_ending(stem: str, role: Role) -> str:
    for ending in _ENDINGS[role]:
        stem = stem.removesuffix(ending)
    return stem
