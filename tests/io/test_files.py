"""Files to arrays and back: ids, types and palettes survive; what would lose them is refused in words."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections import UserDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_coarse_crf import InputError, ParameterError, Parameters
from napari_coarse_crf.io import files
from napari_coarse_crf.io.lazy.places import is_lazy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

RNG = np.random.default_rng(5)
GREY = RNG.integers(0, 256, (6, 9), dtype=np.uint8)
RGB = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)


def saved(path: Path, pixels: NDArray[Any], **options: Any) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize("pixels", [GREY, RGB, GREY.astype(np.uint16) * 257], ids=["grey", "rgb", "grey16"])
@pytest.mark.parametrize("ending", [".png", ".tif", ".TIFF"])
def test_images_are_read_as_they_were_written(tmp_path: Path, pixels: NDArray[Any], ending: str) -> None:
    read = files.read_image(saved(tmp_path / f"a{ending}", pixels))
    assert read.mask is None
    assert read.image.dtype == pixels.dtype
    assert np.array_equal(read.image, pixels)


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_an_alpha_channel_is_dropped_and_its_zeros_become_a_mask(tmp_path: Path, ending: str) -> None:
    alpha = np.full(GREY.shape, 200, np.uint8)
    alpha[2, 3] = 0
    read = files.read_image(saved(tmp_path / f"a{ending}", np.dstack([RGB, alpha])))
    assert np.array_equal(read.image, RGB)
    assert read.mask is not None
    assert np.argwhere(~read.mask).tolist() == [[2, 3]]


def test_grey_with_alpha_stays_grey(tmp_path: Path) -> None:
    alpha = np.where(GREY > 100, 255, 0).astype(np.uint8)
    read = files.read_image(saved(tmp_path / "a.png", np.dstack([GREY, alpha])))
    assert np.array_equal(read.image, GREY)
    assert read.mask is not None
    assert np.array_equal(read.mask, GREY > 100)


def test_a_picture_with_a_palette_is_read_in_its_colours(tmp_path: Path) -> None:
    picture = Image.fromarray(GREY // 64)
    picture.putpalette([0, 0, 0, 250, 0, 0, 0, 250, 0, 0, 0, 250])
    picture.save(tmp_path / "a.png")
    read = files.read_image(tmp_path / "a.png").image
    assert np.array_equal(read[GREY // 64 == 2], np.full(((GREY // 64 == 2).sum(), 3), [0, 250, 0]))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64, np.uint64])
def test_tiff_labels_keep_ids_and_type(tmp_path: Path, dtype: type[Any]) -> None:
    labels = np.array([[0, 3, 7], [np.iinfo(dtype).max, 1, 0]], dtype=dtype)
    path = tmp_path / "labels.tif"
    files.check_labels_fit(labels, path)
    files.write_files({path: files.encode_labels(labels, path)})
    read = files.read_labels(path).ids
    assert read.dtype == dtype
    assert np.array_equal(read, labels)


@pytest.mark.parametrize(
    ("dtype", "highest", "stored"),
    [
        (np.uint8, 255, np.uint8),
        (np.uint16, 200, np.uint16),
        (np.uint16, 65535, np.uint16),
        (np.int32, 255, np.uint8),
        (np.int64, 70, np.uint8),
        (np.int64, 65535, np.uint16),
    ],
)
def test_png_labels_keep_ids_and_as_many_bits_as_they_had(
    tmp_path: Path, dtype: type[Any], highest: int, stored: type[Any]
) -> None:
    labels = np.array([[0, 3], [highest, 1]], dtype=dtype)
    path = tmp_path / "labels.png"
    files.check_labels_fit(labels, path)
    files.write_files({path: files.encode_labels(labels, path)})
    read = files.read_labels(path).ids
    assert read.dtype == stored
    assert np.array_equal(read, labels)


def test_a_palette_of_labels_keeps_indices_and_colours(tmp_path: Path) -> None:
    picture = Image.fromarray(GREY // 64)
    picture.putpalette([9, 8, 7, 250, 0, 0, 0, 250, 0, 0, 0, 250])
    picture.save(tmp_path / "in.png")
    read = files.read_labels(tmp_path / "in.png")
    assert np.array_equal(read.ids, GREY // 64)
    out = tmp_path / "out.png"
    files.write_files({out: files.encode_labels(read.ids, out, read.palette)})
    with Image.open(out) as written:
        assert written.mode == "P"
        kept, given = written.getpalette(), picture.getpalette()
        assert kept is not None
        assert given is not None
        assert kept[:12] == given[:12]
        assert np.array_equal(np.asarray(written), GREY // 64)


def test_labels_of_one_bit_become_the_ids_0_and_1(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", GREY > 100)
    assert np.array_equal(files.read_labels(path).ids, (GREY > 100).astype(np.uint8))


@pytest.mark.parametrize(
    ("highest", "lowest", "stored"),
    [(200, 0, np.uint8), (1000, 0, np.uint16), (70000, 0, np.uint32), (5, -1, np.int8), (70000, -9999, np.int32)],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_whole_numbered_floats_are_ids(tmp_path: Path, highest: int, lowest: int, stored: Any, dtype: Any) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.array([[0, 3], [highest, lowest]], dtype))
    read = files.read_labels(path)
    assert read.ids.dtype == stored
    assert read.ids.tolist() == [[0, 3], [highest, lowest]]
    assert read.missing is None


def test_numbers_that_are_no_ids_are_refused_and_nan_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    for number, word in ((2.5, "2.5"), (np.inf, "inf"), (1e30, r"1e\+30")):
        tifffile.imwrite(path, np.array([[1, number]], np.float32))
        with pytest.raises(InputError, match=rf"a.tif cannot be used. .* no ids, such as {word}\."):
            files.read_labels(path)
    tifffile.imwrite(path, np.array([[1, np.nan, 7]], np.float32))
    read = files.read_labels(path)
    assert read.ids.tolist() == [[1, 0, 7]]
    assert read.missing is not None
    assert read.missing.tolist() == [[False, True, False]]


def test_ids_beside_an_opacity_are_read_unless_labels_are_transparent(tmp_path: Path) -> None:
    ids = np.array([[0, 1, 2]], np.uint8)
    path = saved(tmp_path / "a.png", np.dstack([ids, (ids > 0) * np.uint8(255)]))
    assert files.read_labels(path).ids.tolist() == [[0, 1, 2]]
    saved(path, np.dstack([ids, (ids > 1) * np.uint8(255)]))
    with pytest.raises(InputError, match="labelled pixels are transparent"):
        files.read_labels(path)


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_labels_stored_as_colours_are_refused_with_a_way_out(tmp_path: Path, ending: str) -> None:
    with pytest.raises(InputError, match=r"holds colours, not label ids. Save the label map with one channel"):
        files.read_labels(saved(tmp_path / f"a{ending}", RGB))


WHITE = GREY > 100


def masks(folder: Path) -> Iterator[Path]:
    """Write the same mask in many ways, and yield each file."""
    number = np.where(WHITE, 255, 0).astype(np.uint8)
    for name, pixels in (
        ("grey", number),
        ("ids", WHITE * np.uint8(3)),
        ("bits", WHITE),
        ("rgb", np.dstack([number] * 3)),
    ):
        for ending in (".png", ".tif"):
            yield saved(folder / f"{name}{ending}", pixels)
    yield saved(folder / "alpha.png", np.dstack([number | 255, number]))
    yield saved(folder / "rgba.png", np.dstack([*[number | 255] * 3, number]))
    for black in (0, 1):  # which index of the palette
        picture = Image.fromarray(WHITE ^ np.uint8(black))
        picture.putpalette([0, 0, 0, 255, 255, 255] if black == 0 else [255, 255, 255, 0, 0, 0])
        for ending in (".png", ".tif"):
            picture.save(folder / f"palette{black}{ending}")
            yield folder / f"palette{black}{ending}"
    for name, stored in (("white", 255 - number), ("white16", 65535 - number.astype(np.uint16) * 257), ("bit", ~WHITE)):
        tifffile.imwrite(folder / f"{name}.tif", stored, photometric="miniswhite", software="a scanner")
        yield folder / f"{name}.tif"
    tifffile.imwrite(folder / "true.tif", WHITE)  # in which white is zero too, though napari shows True in white
    yield folder / "true.tif"
    tifffile.imwrite(folder / "float.tif", np.where(WHITE, np.float32(0.5), 0))
    yield folder / "float.tif"
    tifffile.imwrite(folder / "nan.tif", np.where(WHITE, np.float32(0.5), np.nan))
    yield folder / "nan.tif"
    tag = (42113, "s", 0, "7", True)
    tifffile.imwrite(folder / "nodata.tif", np.where(WHITE, 1, 7).astype(np.uint8), extratags=[tag])
    yield folder / "nodata.tif"
    planes = np.stack([number] * 3)
    tifffile.imwrite(folder / "planar.tif", planes, photometric="rgb", planarconfig="separate")
    yield folder / "planar.tif"


def test_white_takes_part_however_it_is_stored(tmp_path: Path) -> None:
    labels = files.read_labels(saved(tmp_path / "labels.png", GREY))
    for path in masks(tmp_path):
        read = files.read_mask(path, labels)
        assert np.array_equal(read.mask, WHITE), path
        assert bool(read.said) == path.name.startswith(("white", "bit."))
    assert read.mask.dtype == np.bool_


def test_a_mask_that_does_not_say_what_is_black_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a.png cannot be used. It holds colours, not a mask. Save it in black"):
        files.read_mask(saved(tmp_path / "a.png", RGB))
    with pytest.raises(InputError, match="JPEG blurs"):
        files.read_mask(saved(tmp_path / "a.jpg", GREY))
    picture = Image.fromarray(WHITE.astype(np.uint8))
    picture.putpalette([9, 90, 200, 255, 255, 255])
    picture.save(tmp_path / "b.png")
    with pytest.raises(InputError, match="None of its colours is black"):
        files.read_mask(tmp_path / "b.png")


def test_labels_in_a_jpeg_are_refused_because_it_blurs_ids(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only PNG and TIFF keep them exactly"):
        files.read_labels(saved(tmp_path / "a.jpg", GREY))


@pytest.mark.parametrize("read", [files.read_image, files.read_labels])
@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_files_that_are_missing_or_damaged_are_named(tmp_path: Path, read: Any, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    with pytest.raises(InputError, match=r"There is no file .*a\."):
        read(path)
    path.write_bytes(b"nothing like an image")
    with pytest.raises(InputError, match=r"a\.\w+ cannot be read: .* Save it as PNG or TIFF"):
        read(path)
    saved(path, np.tile(GREY, (40, 40)))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match=r"a\.\w+ cannot be read"):
        read(path)
    with pytest.raises(InputError, match="is a folder, where a file is due"):
        read(tmp_path)


def test_a_plane_format_refuses_volumes_and_large_ids_before_any_work() -> None:
    with pytest.raises(InputError, match="label id 70000 does not fit into a PNG"):
        files.check_labels_fit(np.array([[70000]]), Path("a.png"))
    with pytest.raises(InputError, match=r"a.png holds one plane, but the labels have shape \(2, 3, 4\)"):
        files.check_labels_fit(np.zeros((2, 3, 4), np.uint8), Path("a.png"))


def test_confidence_is_kept_in_tiff_and_spread_over_sixteen_bits_in_png(tmp_path: Path) -> None:
    confidence = np.array([[0.0, 0.5, 1.0]], dtype=np.float32)
    tiff, png = tmp_path / "c.tif", tmp_path / "c.png"
    files.write_files({path: files.encode_confidence(confidence, path) for path in (tiff, png)})
    assert np.array_equal(tifffile.imread(tiff), confidence)
    with Image.open(png) as picture:
        assert np.asarray(picture).tolist() == [[0, 32768, 65535]]


def test_a_result_may_not_replace_what_it_should_not(tmp_path: Path) -> None:
    taken = saved(tmp_path / "taken.png", GREY)
    files.check_writable(tmp_path / "new.png", overwrite=False)
    files.check_writable(taken, overwrite=True)
    link = tmp_path / "link.png"
    link.symlink_to(taken)
    (tmp_path / "folder.png").mkdir()
    for path, message in [
        (taken, "taken.png exists. Add --overwrite"),
        (tmp_path / "a.jpg", "should end in .png, .tif or .tiff"),
        (tmp_path / "none" / "a.png", "none does not exist. Create it first"),
        (tmp_path / "folder.png", "is a folder"),
    ]:
        with pytest.raises(InputError, match=message):
            files.check_writable(path, overwrite=False)
    for same in (taken, link, tmp_path / "folder.png" / ".." / "taken.png"):
        with pytest.raises(InputError, match="is read by this command"):
            files.check_writable(same, overwrite=True, inputs=(taken,))


def test_what_the_system_will_not_write_is_found_before_the_work(tmp_path: Path) -> None:
    long = tmp_path / f"{'o' * 300}.png"  # as a folder without leave would not stop root
    with pytest.raises(InputError, match=r"png cannot be written: .* Choose another folder or name"):
        files.check_writable(long, overwrite=False)
    files.check_writable(tmp_path / "o.png", overwrite=False)
    assert list(tmp_path.iterdir()) == []


class StoppedHalfway(UserDict[Path, bytes]):
    """Contents whose second file never comes: the person pressed Ctrl-C."""

    def items(self) -> Iterator[tuple[Path, bytes]]:  # type: ignore[override]  # no view
        yield next(iter(self.data.items()))
        raise KeyboardInterrupt


def test_a_stop_while_writing_leaves_what_was_there(tmp_path: Path) -> None:
    old = tmp_path / "a.png"
    old.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        files.write_files(StoppedHalfway({old: b"new", tmp_path / "b.png": b"new"}))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert old.read_bytes() == b"old"


def refuse_link(source: Path, target: Path) -> None:
    """Do as a file system without hard links does."""
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), source, None, target)


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_cannot_be_replaced_leaves_all_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    if not has_links:
        monkeypatch.setattr("os.link", refuse_link)
    old, new, folder, last = (tmp_path / name for name in ("old.png", "new.png", "folder.png", "last.png"))
    old.write_bytes(b"old")
    last.write_bytes(b"old")
    (folder / "inside").mkdir(parents=True)
    with pytest.raises(InputError, match=r"folder\.png could not be written: .*No file was changed"):
        files.write_files(dict.fromkeys((old, new, folder, last), b"new"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.png", "last.png", "old.png"]
    assert old.read_bytes() == last.read_bytes() == b"old"
    assert folder.is_dir()
    files.write_files(dict.fromkeys((old, new, last), b"new"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.png", "last.png", "new.png", "old.png"]
    assert old.read_bytes() == new.read_bytes() == last.read_bytes() == b"new"


@pytest.mark.parametrize("moment", range(1, 5))
def test_a_crash_at_any_moment_leaves_each_file_whole(tmp_path: Path, moment: int) -> None:
    """A process ends without another word when it is about to link or to move a file for the nth time."""
    script = (
        "import os, sys; from pathlib import Path; from napari_coarse_crf.io import files\n"
        "left = int(sys.argv[1])\n"
        "def crash(event, _):\n"
        "    global left\n"
        "    left -= event in ('os.link', 'os.rename')\n"
        "    if not left: os._exit(9)\n"
        "sys.addaudithook(crash)\n"
        "files.write_files({Path(path): b'new' for path in sys.argv[2:]})"
    )
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", script, str(moment), *map(str, paths)], check=False)
    assert done.returncode == 9
    assert [path.read_bytes() for path in paths] in ([b"old", b"old"], [b"new", b"old"], [b"new", b"new"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit to the size of files")
@pytest.mark.parametrize("is_there", [True, False])
def test_a_disk_that_is_full_at_the_second_file_leaves_the_first_as_it_was(tmp_path: Path, is_there: bool) -> None:
    script = (
        "import resource, sys; from pathlib import Path; from napari_coarse_crf.io import files\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "files.write_files({Path(sys.argv[1]): bytes(500), Path(sys.argv[2]): bytes(5000)})"
    )
    paths = [tmp_path / "a.png", tmp_path / "b.png"] if is_there else []
    for path in paths:
        path.write_bytes(b"old")
    command = [sys.executable, "-c", script, tmp_path / "a.png", tmp_path / "b.png"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert "b.png could not be written: File too large. No file was changed." in done.stderr
    assert sorted(tmp_path.iterdir()) == paths
    assert all(path.read_bytes() == b"old" for path in paths)


def test_several_pictures_in_a_png_are_told(tmp_path: Path) -> None:
    path, two = tmp_path / "a.png", Image.fromarray(GREY + np.uint8(1))
    Image.fromarray(GREY).save(path, format="TIFF", save_all=True, append_images=[two])
    assert files.read_labels(path).ids.shape == (2, *GREY.shape)  # pages of one size are planes
    for kind in ("PNG", "GIF"):
        Image.fromarray(GREY).save(path, format=kind, save_all=True, append_images=[two])
        with pytest.raises(InputError, match=r"It holds 2 images\. Save the one that is meant alone"):
            files.read_labels(path)
        assert any("It holds 2 images; the first one is taken" in note for note in files.read_image(path).notes)


def test_a_link_stays_a_link_and_its_target_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "target.png", tmp_path / "link.png"
    target.write_bytes(b"old")
    link.symlink_to(target)
    files.write_files({link: b"new"})
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_system_that_refuses_to_write_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="could not be written: "):
        files.write_files({tmp_path / "gone" / "a.png": b"new"})


def test_presets_are_read_from_json(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(Parameters(theta_alpha=33).to_json(), encoding="utf-8-sig")
    assert files.read_preset(path) == Parameters(theta_alpha=33)
    path.write_text('{"theta_alpha": 0}')
    with pytest.raises(ParameterError, match=r"p\.json cannot be used\. theta_alpha is 0"):
        files.read_preset(path)
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match="no text file"):
        files.read_preset(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows counts the letters of the whole path")
def test_names_as_long_as_the_system_allows_are_written_and_longer_ones_refused_before_the_work(tmp_path: Path) -> None:
    for name in ("x" * 251 + ".png", "ä" * 125 + ".png"):
        files.check_writable(tmp_path / name, overwrite=False)
        files.write_files({tmp_path / name: b"new"})
        assert (tmp_path / name).read_bytes() == b"new"
    assert len(list(tmp_path.iterdir())) == 2
    for path in (tmp_path / ("x" * 252 + ".png"), tmp_path / ("d/" * 2500 + "o.png")):
        with pytest.raises(InputError, match=r"cannot be written: File name too long|does not exist"):
            files.check_writable(path, overwrite=False)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets few people make links")
@pytest.mark.parametrize("read", [files.read_image, files.read_labels, files.read_mask, files.read_preset])
def test_paths_that_lead_nowhere_are_named(tmp_path: Path, read: Any) -> None:
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    for path in (loop, tmp_path / ("x" * 300), tmp_path / ("d/" * 2500)):
        with pytest.raises(InputError, match="cannot be read: "):
            read(path)
    with pytest.raises(InputError, match="cannot be written: "):
        files.check_writable(loop, overwrite=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes among its files")
def test_pipes_are_neither_waited_for_nor_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    assert not is_lazy(pipe)
    for read in (files.read_image, files.read_labels, files.read_mask, files.read_preset):
        with pytest.raises(InputError, match="is a device or a pipe, which cannot be read twice"):
            read(pipe)
    with pytest.raises(InputError, match="is a device or a pipe, which is not replaced"):
        files.check_writable(pipe, overwrite=True)


@pytest.mark.parametrize("has_links", [True, False])
def test_what_others_wrote_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    if not has_links:
        monkeypatch.setattr("os.link", refuse_link)
    first, taken = tmp_path / "a.png", tmp_path / "b.png"
    taken.write_bytes(b"theirs")
    with pytest.raises(InputError, match=r"b\.png exists: something else has written it meanwhile. No file was"):
        files.write_files({first: b"new", taken: b"new"}, overwrite=False)
    assert [path.name for path in tmp_path.iterdir()] == ["b.png"]
    assert taken.read_bytes() == b"theirs"
    taken.unlink()
    files.write_files({first: b"new", taken: b"new"}, overwrite=False)
    assert first.read_bytes() == taken.read_bytes() == b"new"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a folder that somebody is in")
def test_a_working_folder_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(InputError, match="the folder that you are in is gone"):
        files.check_writable(Path("o.png"), overwrite=False)


@pytest.mark.parametrize("number", [np.inf, np.finfo(np.float32).min, 1e20, 0.5])
def test_floats_that_stand_for_no_data_are_no_ids_that_labels_must_hold(tmp_path: Path, number: float) -> None:
    numbers = np.array([[1, 2, number], [0, 300, number]], np.float32)
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, numbers, extratags=[(42113, "s", 0, repr(float(np.float32(number))), True)])
    read = files.read_labels(path)
    assert np.array_equal(read.ids, [[1, 2, 0], [0, 300, 0]])
    assert read.missing is not None
    assert np.array_equal(read.missing, numbers == number)
    tifffile.imwrite(path, numbers)
    with pytest.raises(InputError, match="holds numbers that are no ids, such as "):
        files.read_labels(path)
