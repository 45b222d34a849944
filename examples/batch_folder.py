#!/usr/bin/env python
"""
Refine every label map of a folder
==================================

Without a window::

    python examples/batch_folder.py images/ labels/ refined/ [parameters.json]

Images and labels go together by their names without ending: images/a.tif and labels/a.png. The parameters are those
that the widget saves. Files are read and written as ``napari-coarse-crf refine`` does for one pair of files.
"""

from __future__ import annotations

import sys
from pathlib import Path

from napari_coarse_crf import CoarseCRFError, Parameters
from napari_coarse_crf.io import files
from napari_coarse_crf.io.pairs import read_pair
from napari_coarse_crf.tiles.apart import make_refiner


def refine_pair(image: Path, labels: Path, output: Path, parameters: Parameters) -> str:
    """Refine one label map; return what was done."""
    files.check_writable(output, overwrite=False)
    pair = read_pair(image, labels)
    refinement = make_refiner(pair.picture, pair.labels, pair.apart).run(parameters)
    refined = pair.finished(refinement.labels)
    content = files.encode_labels(refined, output, axes=pair.axes, grid=pair.grid)
    files.write_files({output: content}, overwrite=False)
    done = f"{(pair.labels != 0).mean():.0%} labelled before, {(refinement.labels != 0).mean():.0%} after"
    return " ".join([done, *pair.warnings, *refinement.warnings])


def main(images: Path, labels: Path, output: Path, preset: Path | None = None) -> int:
    """Refine each pair of files; return how many could not be refined."""
    parameters = Parameters() if preset is None else files.read_preset(preset)
    for folder in (images, labels):
        if not folder.is_dir():
            raise CoarseCRFError(f"There is no folder {folder}.")
    output.mkdir(parents=True, exist_ok=True)
    by_name = {path.stem: path for path in images.iterdir() if path.is_file()}
    failed = 0
    for path in sorted(labels.iterdir()):
        try:
            if path.stem not in by_name:
                raise CoarseCRFError(f"There is no image named {path.stem} in {images}.")
            print(f"{path.name}: {refine_pair(by_name[path.stem], path, output / f'{path.stem}.tif', parameters)}")
        except CoarseCRFError as error:  # the others are refined all the same
            print(f"{path.name}: {error}", file=sys.stderr)
            failed += 1
    return failed


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    try:
        sys.exit(min(main(*map(Path, sys.argv[1:])), 1))
    except CoarseCRFError as error:
        sys.exit(f"Error: {error}")
