#!/usr/bin/env python
"""Refine every label map of a folder, without a window.

python examples/batch_folder.py images/ labels/ refined/ [parameters.json]

Images and labels go together by their names without ending: images/a.tif and labels/a.png. The parameters are those
that the widget saves. `napari-coarse-crf refine` does the same for one pair of files.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tifffile
from imageio.v3 import imread

from napari_coarse_crf import CoarseCRFError, Parameters, refine_labels


def main(images: Path, labels: Path, output: Path, preset: Path | None = None) -> int:
    """Refine each pair of files; return how many could not be refined."""
    parameters = Parameters() if preset is None else Parameters.from_json(preset.read_text(encoding="utf-8"))
    output.mkdir(parents=True, exist_ok=True)
    by_name = {path.stem: path for path in images.iterdir() if path.is_file()}
    failed = 0
    for path in sorted(labels.iterdir()):
        try:
            if path.stem not in by_name:
                raise CoarseCRFError(f"There is no image named {path.stem} in {images}.")
            coarse = np.asarray(imread(path))
            refined = refine_labels(np.asarray(imread(by_name[path.stem])), coarse, parameters)
        except CoarseCRFError as error:  # the others are refined all the same
            print(f"{path.name}: {error}", file=sys.stderr)
            failed += 1
            continue
        tifffile.imwrite(output / f"{path.stem}.tif", refined, compression="zlib")
        print(f"{path.name}: {np.mean(coarse != 0):.0%} labelled before, {np.mean(refined != 0):.0%} after")
    return failed


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    sys.exit(min(main(*map(Path, sys.argv[1:])), 1))
