"""TIFF as many programs write it: the same pixels however they are packed, or one sentence."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_coarse_crf import InputError
from napari_coarse_crf.io import files

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (32, 48), dtype=np.uint8)
RGB = RNG.integers(0, 256, (32, 48, 3), dtype=np.uint8)
BANDS = RNG.integers(0, 2**16, (32, 48, 5), dtype=np.uint16)
ALPHA = np.where(GREY > 100, 255, 0).astype(np.uint8)


def written(path: Path, pixels: NDArray[Any], **options: Any) -> Path:
    tifffile.imwrite(path, pixels, **options)
    return path


@pytest.mark.parametrize("compression", ["lzw", "zstd", "zlib", "lzma", "packbits", "jpeg2000", "png"])
def test_packed_files_hold_what_unpacked_ones_do(tmp_path: Path, compression: str) -> None:
    deep = RGB.astype(np.uint16) * 200
    for pixels in (GREY, RGB, deep):
        photometric = "rgb" if pixels.ndim == 3 else "minisblack"
        path = written(tmp_path / "a.tif", pixels, compression=compression, photometric=photometric)
        assert np.array_equal(files.read_image(path).image, pixels)
    path = written(tmp_path / "labels.tif", GREY.astype(np.uint16), compression=compression)
    assert np.array_equal(files.read_labels(path).ids, GREY)


@pytest.mark.parametrize("compression", ["lzw", "zlib", "zstd"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float16, np.float32])
def test_predictors_are_undone(tmp_path: Path, compression: str, dtype: type[Any]) -> None:
    pixels = RGB.astype(dtype)
    predictor = 3 if pixels.dtype.kind == "f" else 2
    path = written(tmp_path / "a.tif", pixels, compression=compression, predictor=predictor, photometric="rgb")
    read = files.read_image(path).image
    assert read.dtype == dtype
    assert np.array_equal(read, pixels)


@pytest.mark.parametrize(
    "dtype", [f"{order}{kind}" for order, kind in itertools.product("<>", ["u2", "u4", "u8", "i2", "i4", "f2", "f8"])]
)
def test_numbers_of_any_size_and_byte_order_are_kept(tmp_path: Path, dtype: str) -> None:
    pixels = (GREY.astype(np.int64) - (0 if "u" in dtype else 30)).astype(dtype)
    read = files.read_image(written(tmp_path / "a.tif", pixels, byteorder=dtype[0])).image
    assert read.dtype == np.dtype(dtype).newbyteorder("=")
    assert np.array_equal(read, pixels)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_are_ids_in_labels_and_reach_from_black_to_white_in_an_image(tmp_path: Path, bits: int) -> None:
    numbers = GREY % 2**bits
    stored = numbers.astype(bool) if bits == 1 else numbers
    options = {} if bits == 1 else {"bitspersample": bits}
    path = written(tmp_path / "a.tif", stored, photometric="minisblack", **options)
    assert np.array_equal(files.read_labels(path).ids, numbers)
    assert np.array_equal(files.read_image(path).image, np.round(numbers * (255 / (2**bits - 1))))


def test_twelve_bits_are_kept(tmp_path: Path) -> None:
    numbers = BANDS[..., 0] >> 4
    assert np.array_equal(files.read_image(written(tmp_path / "a.tif", numbers, bitspersample=12)).image, numbers)


@pytest.mark.parametrize("options", [{"tile": (16, 16)}, {"bigtiff": True}, {"rowsperstrip": 3}, {"byteorder": ">"}])
def test_the_layout_of_a_file_makes_no_difference(tmp_path: Path, options: dict[str, Any]) -> None:
    path = written(tmp_path / "a.tif", RGB, photometric="rgb", **options)
    assert np.array_equal(files.read_image(path).image, RGB)


@pytest.mark.parametrize("planar", [False, True], ids=["by pixel", "by band"])
@pytest.mark.parametrize("extra", ["unassalpha", "assocalpha"])
def test_opacity_is_opacity_however_samples_are_stored(tmp_path: Path, planar: bool, extra: str) -> None:
    pixels = np.dstack([RGB, ALPHA])
    stored = np.moveaxis(pixels, -1, 0) if planar else pixels
    layout = "separate" if planar else "contig"
    read = files.read_image(
        written(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=layout, extrasamples=[extra])
    )
    assert np.array_equal(read.image, RGB)
    assert read.mask is not None
    assert np.array_equal(read.mask, ALPHA > 0)


def test_a_band_that_is_no_opacity_is_a_channel(tmp_path: Path) -> None:
    for name, options in (("rgb", {"extrasamples": ["unspecified"] * 2}), ("minisblack", {})):
        path = written(tmp_path / "a.tif", BANDS, photometric=name, planarconfig="contig", compression="lzw", **options)
        read = files.read_image(path)
        assert read.mask is None
        assert np.array_equal(read.image, BANDS)


def test_opacity_amid_the_bands_is_found(tmp_path: Path) -> None:
    pixels = np.dstack([RGB, ALPHA, GREY])
    path = written(tmp_path / "a.tif", pixels, photometric="rgb", extrasamples=["unassalpha", "unspecified"])
    read = files.read_image(path)
    assert np.array_equal(read.image, np.dstack([RGB, GREY]))
    assert read.mask is not None
    assert np.array_equal(read.mask, ALPHA > 0)


def test_a_colour_table_is_colours_to_an_image_and_ids_to_labels(tmp_path: Path) -> None:
    colours = RNG.integers(0, 256, (4, 3), dtype=np.uint8)
    picture = Image.fromarray(GREY // 64)
    picture.putpalette(colours.tobytes())
    picture.save(tmp_path / "a.tif")
    packed = written(
        tmp_path / "b.tif",
        GREY // 64,
        photometric="palette",
        colormap=np.pad(colours, ((0, 252), (0, 0))).T.astype(np.uint16) * 257,
        compression="lzw",
    )
    for path in (tmp_path / "a.tif", packed):
        assert np.array_equal(files.read_image(path).image, colours[GREY // 64])
        assert np.array_equal(files.read_labels(path).ids, GREY // 64)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_as_zero_is_turned_in_an_image_and_left_in_labels(tmp_path: Path, dtype: type[Any]) -> None:
    path = written(tmp_path / "a.tif", GREY.astype(dtype), photometric="miniswhite")
    assert np.array_equal(files.read_image(path).image, np.iinfo(dtype).max - GREY.astype(dtype))
    assert np.array_equal(files.read_labels(path).ids, GREY)


def test_white_as_zero_leaves_opacity_as_it_is(tmp_path: Path) -> None:
    pixels = np.dstack([GREY, ALPHA])
    how: dict[str, Any] = {"photometric": "miniswhite", "planarconfig": "contig", "extrasamples": ["unassalpha"]}
    read = files.read_image(written(tmp_path / "a.tif", pixels, **how))
    assert np.array_equal(read.image, 255 - GREY)
    assert read.mask is not None
    assert np.array_equal(read.mask, ALPHA > 0)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_other_ways_to_store_colours_become_rgb(tmp_path: Path, mode: str) -> None:
    picture = Image.fromarray(RGB).convert(mode)
    picture.save(tmp_path / "a.tif")
    assert np.array_equal(files.read_image(tmp_path / "a.tif").image, np.asarray(picture.convert("RGB")))


def test_colours_that_are_not_understood_are_named(tmp_path: Path) -> None:
    Image.fromarray(RGB).convert("LAB").save(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"colours are stored as CIELAB, which is not understood. Save it as RGB"):
        files.read_image(tmp_path / "a.tif")


def test_jpeg_in_a_tiff_is_an_image_and_no_place_for_ids(tmp_path: Path) -> None:
    smooth = np.mgrid[:32, :48][1].astype(np.uint8)[..., np.newaxis] * np.array([5, 3, 1], np.uint8)
    Image.fromarray(smooth).save(tmp_path / "a.tif", compression="jpeg", quality=98)
    for path in (tmp_path / "a.tif", written(tmp_path / "b.tif", smooth, photometric="rgb", compression="jpeg")):
        assert np.abs(files.read_image(path).image.astype(int) - smooth).max() < 12
    path = written(tmp_path / "labels.tif", GREY, compression="jpeg")
    with pytest.raises(InputError, match=r"labels.tif cannot be used. JPEG blurs what it keeps"):
        files.read_labels(path)


def test_reduced_copies_are_passed_over(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(RGB, tile=(16, 16), metadata=None, photometric="rgb")
        file.write(RGB[::2, ::2], tile=(16, 16), subfiletype=1, metadata=None, photometric="rgb")
    assert np.array_equal(files.read_image(tmp_path / "a.tif").image, RGB)


def test_a_file_that_lacks_planes_is_refused(tmp_path: Path) -> None:
    first = '<TiffData IFD="0" FirstZ="0" PlaneCount="1"><UUID FileName="a.ome.tif">urn:uuid:1</UUID></TiffData>'
    second = '<TiffData IFD="0" FirstZ="1" PlaneCount="1"><UUID FileName="b.ome.tif">urn:uuid:2</UUID></TiffData>'
    whole = written(tmp_path / "whole.ome.tif", np.stack([GREY, GREY]), metadata={"axes": "ZYX"})
    with tifffile.TiffFile(whole) as file:
        about = str(file.ome_metadata).replace('<TiffData IFD="0" PlaneCount="2"/>', first + second)
    path = written(tmp_path / "a.ome.tif", GREY, description=about.encode(), metadata=None)
    with pytest.raises(InputError, match=r"1 of its planes are missing: it is one file of several."):
        files.read_image(path)
    written(tmp_path / "b.ome.tif", GREY // 2, description=about.encode(), metadata=None)
    assert np.array_equal(files.read_image(path).image, [GREY, GREY // 2])


def test_a_stack_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", np.stack([BANDS[..., 0]] * 5), imagej=True)
    path.write_bytes(path.read_bytes()[:8000])
    with pytest.raises(InputError, match=r"a.tif cannot be used. It is damaged or incomplete"):
        files.read_image(path)


def test_what_the_reader_of_tiff_doubts_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ome.tif", np.stack([GREY] * 3), metadata={"axes": "ZYX"})
    with tifffile.TiffFile(path) as file:
        fewer = str(file.ome_metadata).replace('SizeZ="3"', 'SizeZ="2"').encode()
    written(path, np.stack([GREY] * 3), photometric="minisblack", description=fewer, metadata=None)
    read = files.read_image(path)
    assert read.image.shape == (2, *GREY.shape)
    assert [note.removeprefix(f"{path}: ") for note in read.notes] == ["OME series expected 2 frames, got 3"]


@pytest.mark.parametrize(
    ("compression", "exact", "blurred", "name"),
    [
        ("jpeg2000", {}, {"level": 30}, "JPEG 2000"),
        ("jpeg2000", {"reversible": True}, {"reversible": False}, "JPEG 2000"),
        ("lerc", {}, {"level": 2}, "LERC"),
        ("lerc", {"compression": "deflate"}, {"level": 2, "compression": "deflate"}, "LERC"),
    ],
)
def test_ids_are_read_where_the_compression_kept_them_and_refused_where_it_blurred(
    tmp_path: Path, compression: str, exact: dict[str, Any], blurred: dict[str, Any], name: str
) -> None:
    for dtype in (np.uint8, np.uint16):
        ids = GREY.astype(dtype)
        path = written(tmp_path / "a.tif", ids, compression=compression, compressionargs=exact)
        assert np.array_equal(files.read_labels(path).ids, ids)
        path = written(tmp_path / "a.tif", ids, compression=compression, compressionargs=blurred)
        assert files.read_image(path).image.shape == ids.shape
        with pytest.raises(InputError, match=f"{name} blurs what it keeps"):
            files.read_labels(path)


@pytest.mark.parametrize(("lossless", "message"), [(True, "holds colours"), (False, "WebP blurs")])
def test_webp_says_whether_it_blurs(tmp_path: Path, lossless: bool, message: str) -> None:
    options = {"compression": "webp", "compressionargs": {"lossless": lossless, "level": 20}, "photometric": "rgb"}
    with pytest.raises(InputError, match=message):
        files.read_labels(written(tmp_path / "a.tif", RGB, **options))


def with_mask(path: Path, pixels: NDArray[Any], mask: NDArray[Any], photometric: str = "rgb") -> Path:
    """Write an image with a mask beside, as GDAL does: tifffile marks only those of one bit."""
    with tifffile.TiffWriter(path) as file:
        file.write(pixels, photometric=photometric, metadata=None)
        file.write(mask, photometric="rgb" if mask.ndim == 3 else "minisblack", metadata=None, subfiletype=2)
    with tifffile.TiffFile(path, mode="r+") as file:
        tags = file.pages[1].aspage().tags
        tags["NewSubfileType"].overwrite(4)
        tags["PhotometricInterpretation"].overwrite(4)
    return path


def test_a_mask_of_each_band_is_taken_as_their_no_data_is(tmp_path: Path) -> None:
    bands = np.where(np.stack([GREY > 50, GREY > 100, GREY > 150], axis=-1), 255, 0).astype(np.uint8)
    for pixels, expected in ((RGB, GREY > 50), (RGB.astype(np.uint16), GREY > 150)):
        mask = files.read_image(with_mask(tmp_path / "a.tif", pixels, bands)).mask
        assert mask is not None
        assert np.array_equal(mask, expected)


def test_a_mask_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    read = files.read_image(with_mask(tmp_path / "a.tif", RGB, ALPHA[::2]))
    assert read.mask is None
    assert read.notes == (f"{tmp_path / 'a.tif'}: It holds a mask of another shape, which is not used.",)


def test_a_number_beyond_the_colour_table_is_named(tmp_path: Path) -> None:
    picture = Image.fromarray(GREY % 7)
    picture.putpalette(bytes(range(15)))
    picture.save(tmp_path / "a.png")
    assert np.array_equal(files.read_labels(tmp_path / "a.png").ids, GREY % 7)
    with pytest.raises(InputError, match="Its colour table has 5 colours, and a pixel has number 6"):
        files.read_image(tmp_path / "a.png")


def test_words_of_ome_that_are_cut_off_are_told(tmp_path: Path) -> None:
    whole = '<?xml version="1.0"?><OME><Image><Pixels DimensionOrder="XYZCT"'
    path = written(tmp_path / "a.tif", np.stack([GREY] * 3), description=whole, metadata=None, photometric="minisblack")
    assert files.read_image(path).notes == (
        f"{path}: What it says of its axes and sizes as OME is cut off, and not used.",
    )


@pytest.mark.parametrize(("shape", "axes"), [((20, 30), "YX"), ((3, 20, 30), "TYX"), ((2, 3, 20, 30), "TZYX")])
def test_a_stack_is_converted_plane_by_plane_to_the_same_file(
    shape: tuple[int, ...], axes: str, tmp_path: Path
) -> None:
    labels = np.random.default_rng(0).integers(0, 9, shape, np.uint8)
    one, other = tmp_path / "one.tif", tmp_path / "other.tif"
    one.write_bytes(files.encode_labels(labels, one, axes=axes, dtype=np.int32))
    other.write_bytes(files.encode_labels(labels.astype(np.int32), other, axes=axes))
    assert one.stat().st_size == other.stat().st_size
    read = files.read_labels(one)
    assert read.axes == axes
    assert read.ids.dtype == np.int32
    np.testing.assert_array_equal(read.ids, labels)
