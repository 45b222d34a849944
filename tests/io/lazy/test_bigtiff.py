"""What is written tile by tile into a TIFF file is read by others without complaint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_coarse_crf.compute.parallel import finish
from napari_coarse_crf.io.grid import Grid
from napari_coarse_crf.io.lazy.bigtiff import write_bigtiff

if TYPE_CHECKING:
    from pathlib import Path

    from napari_coarse_crf.io.grid import Style


@pytest.mark.parametrize(("axes", "style"), [("YX", "plain"), ("YX", "OME"), ("ZYX", "OME")])
def test_no_reader_complains_of_the_smaller_sizes(
    axes: str, style: Style, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    full = np.random.default_rng(0).integers(0, 9, (2, 700, 600)[-len(axes) :], np.uint16)
    levels = [full, full[..., ::2, ::2]]
    finish(write_bigtiff(levels, tmp_path / "labels.tif", axes, Grid(style=style)))  # type: ignore[arg-type]
    with tifffile.TiffFile(tmp_path / "labels.tif") as file:
        read = [level.asarray() for level in file.series[0].levels]
    for one, level in zip(read, levels, strict=True):
        np.testing.assert_array_equal(one, level)
    assert not caplog.records
