"""Which files belong together: images and their label maps, by name."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.files import WRITABLE
from napari_coarse_crf.io.places import exists, in_words, is_file, is_folder, real_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Role = Literal["image", "coarse", "fine"]

_LABEL_FILES = WRITABLE  # what keeps every id exactly
_IMAGE_FILES = (*_LABEL_FILES, ".bmp", ".jpeg", ".jpg", ".lsm", ".webp")
_ENDINGS: dict[Role, tuple[str, ...]] = {"image": ("_image", "_img"), "coarse": ("_coarse",), "fine": ("_fine",)}
_CALLED: dict[Role, str] = {"image": "images", "coarse": "coarse labels", "fine": "fine labels"}
_RULE = (
    "Files belong together if their names are the same, but for the type and the endings _image, _img, _coarse, _fine."
)


@dataclass(frozen=True, slots=True)
class Matching:
    """What belongs together.

    Attributes
    ----------
    files : mapping of str to mapping of role to Path
        By the name that they have in common, at least one; each with a file for every role.
    left_out : tuple of str
        One sentence for each kind of file that is not used.
    """

    files: Mapping[str, Mapping[Role, Path]]
    left_out: tuple[str, ...]


def holds_several(source: Path) -> bool:
    """Whether this is a folder, or a pattern such as `cells/*_image.tif`, and no single file."""
    return is_folder(source) or (has_magic(str(source)) and not exists(source))


def match_files(sources: Mapping[Role, Path]) -> Matching:
    """Find the images that have label maps of every role asked for.

    Files belong together if their names are the same but for the type (.png, .tif) and the endings `_image`, `_img`,
    `_coarse` and `_fine`. Sources may be one and the same if the endings tell the files apart. Images without labels
    and labels without an image are left out.

    Parameters
    ----------
    sources : mapping of role to Path
        For the images and each kind of labels a folder, of which what lies in folders below is not seen, a pattern or
        a file.

    Raises
    ------
    InputError
        If a source is missing or holds nothing of use, two files have one name, or nothing belongs together.
    """
    listed = {role: _list_files(role, source) for role, source in sources.items()}
    found = {role: _by_name(role, sources[role], _told_apart(role, listed)) for role in sources}
    unpaired = {role: 0 for role in sources if role != "image"}
    matched: dict[str, Mapping[Role, Path]] = {}
    used: set[Path] = set()
    for name, image in found["image"].items():
        # The whole name first: without its ending, "wood_fine" may be the name of another image.
        partners = {role: _partner(found[role], role, _stem(image), name) for role in unpaired}
        present: dict[Role, Path] = {role: path for role, path in partners.items() if path is not None}
        if len(present) == len(unpaired):
            matched[name] = {"image": image, **present}
        used.update(present.values())
        for role in unpaired:
            unpaired[role] += role not in present
    if not matched:
        wanted = " and ".join(f"{_CALLED[role]} in {sources[role]}" for role in unpaired)
        both = "both " if len(unpaired) > 1 else ""
        raise InputError(f"No image in {sources['image']} has {both}{wanted}. {_RULE}")
    left_out = [
        f"{count} of {len(found['image'])} images have no {_CALLED[role]} in {sources[role]} and are left out."
        for role, count in unpaired.items()
        if count
    ]
    for role in unpaired:
        spare = [path.name for path in found[role].values() if path not in used]
        if spare:
            left_out.append(f"{len(spare)} files of {_CALLED[role]} belong to no image (the first: {spare[0]}).")
    if left_out:
        left_out.append(_RULE)
    return Matching(matched, tuple(left_out))


def find_images(folder: Path) -> list[Path]:
    """Return the images of a folder, without those whose ending says that they are labels.

    Raises
    ------
    InputError
        If the folder is missing or cannot be read.
    """
    paths = _list_files("image", folder)
    return _told_apart("image", {"image": paths, "coarse": paths, "fine": paths})


def shared_name(path: Path) -> str:
    """Return the name that a label file of this image is to have, without its type, to be found by `match_files`."""
    return _stem(path)


def check_folder(folder: Path, what: str) -> None:
    """Raise if a folder is missing.

    Raises
    ------
    InputError
        With one sentence on what is missing.
    """
    if not is_folder(folder):
        raise InputError(f"There is no folder {folder}. Give the one that holds the {what}.")


def _list_files(role: Role, source: Path) -> list[Path]:
    """Return the files of a source whose type is that of the role."""
    kinds = _IMAGE_FILES if role == "image" else _LABEL_FILES
    if is_file(source):
        paths = [source]
    elif holds_several(source) and not is_folder(source):
        paths = [Path(name) for name in glob(str(source))]
    else:
        check_folder(source, _CALLED[role])
        try:
            paths = list(source.iterdir())
        except OSError as error:
            raise InputError(f"The folder {source} cannot be read: {in_words(error)}.") from error
    return sorted(path for path in paths if path.suffix.lower() in kinds and path.name[0] != ".")


def _told_apart(role: Role, listed: Mapping[Role, Sequence[Path]]) -> list[Path]:
    """Return the files of a role; where another role has some of the same, those whose ending says so."""
    places = {other: _places(paths) for other, paths in listed.items()}
    sharing = [other for other in listed if other != role and places[other] & places[role]]
    if not sharing:
        return list(listed[role])
    own = [path for path in listed[role] if _stem(path).endswith(_ENDINGS[role])]
    others = tuple(ending for other in sharing for ending in _ENDINGS[other])
    return own or [path for path in listed[role] if role == "image" and not _stem(path).endswith(others)]


def _places(paths: Sequence[Path]) -> set[Path]:
    """Return where files lie, whatever the folder was called."""
    folders = {folder: real_path(folder) for folder in {path.parent for path in paths}}
    return {folders[path.parent] / path.name for path in paths}


def _by_name(role: Role, source: Path, paths: Sequence[Path]) -> dict[str, Path]:
    """Return files by name; the image's without its ending."""
    if not paths:
        raise InputError(f"There are no {_CALLED[role]} in {source}. {_RULE}")
    by_name: dict[str, Path] = {}
    for path in paths:
        name = _without_ending(_stem(path), role) if role == "image" else _stem(path)
        if name in by_name:
            raise InputError(f"{by_name[name]} and {path} have the same name {name}. Keep one of them there.")
        by_name[name] = path
    return by_name


def _partner(files: Mapping[str, Path], role: Role, *names: str) -> Path | None:
    """Return the label file that belongs to an image of these names."""
    for name in names:
        for ending in ("", *_ENDINGS[role]):
            if name + ending in files:
                return files[name + ending]
    return None


def _stem(path: Path) -> str:
    """Return a name without its type, which .ome.tif is as a whole; letters as one, which a Mac takes apart."""
    return unicodedata.normalize("NFC", path.stem).removesuffix(".ome")


def _without_ending(stem: str, role: Role) -> str:
    for ending in _ENDINGS[role]:
        stem = stem.removesuffix(ending)
    return stem
