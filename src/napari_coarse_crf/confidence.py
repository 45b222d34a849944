"""How sure one may be of a label: of the pixels said to be .8 sure, about 80 % are right.

The marginals of mean field do not say that. Each message counts once more what the neighbours have counted already, so
nearly all of them end at .99, right or wrong. The heatmap knows better: it has seen what each pixel has to do with the
strokes. It is too sure as well, though, for it adds up what its terms say, such as colours, paths and how common a
label is: witnesses who all saw the same strokes. Their mean is what one may believe, rather than their sum. So

    confidence = 1 / (1 + o^(-1 / K)),  o = h / (1 - h)

with h the heatmap's probability of the label that was found, o its odds against all other labels, and K the number of
terms that have a weight: three by default, one where colour alone was chosen. Where mean field overrules the heatmap
this is below one half, as it should be: fewer than half of those pixels are right. `docs/quality.md` has what was
measured, and what no formula can know: a label that nobody has painted is never found.

It takes nothing but the unary potential, so it is the same for both engines, and does not depend on the weights of the
CRF.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_coarse_crf.compute.compiling import compiled
from napari_coarse_crf.compute.parallel import blocks, in_chunks
from napari_coarse_crf.compute.simd import (
    columns,
    load_strip,
    log_sum_exp,
    multiply_add,
    store,
    strip_of,
    where_equal,
    width_of,
)
from napari_coarse_crf.unary import UNARY_STEP

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import ThreadPoolExecutor

    from napari_coarse_crf.compute.arrays import FloatArray, IndexArray, PixelArray
    from napari_coarse_crf.crf import FieldProblem

_NEVER = np.float32(-1e9)  # logit of a label that does not count
_BLOCK_NUMBERS = 2**18


def confidence_of(
    pool: ThreadPoolExecutor, field: FieldProblem, labels: IndexArray, chosen: PixelArray | None = None
) -> Generator[None, None, FloatArray]:
    """Return how sure one may be, 0 to 1, that free pixels have these labels.

    Parameters
    ----------
    pool : ThreadPoolExecutor
        Where the work is done.
    field : FieldProblem
        What was asked of mean field.
    labels : (R,) int32
        The label of each.
    chosen : (R,) int, optional
        Which of the free pixels these are; by default all.
    """
    unary = field.unary if chosen is None else field.unary[chosen]
    confidence = np.empty(len(labels), np.float32)
    width = unary.shape[1]
    numbers = np.arange(width, dtype=np.float32)
    never = np.where(numbers < field.n_labels, 0.0, _NEVER).astype(np.float32)
    given = strip_of(width), numbers, never, np.float32(1.0 / field.n_terms)
    tasks = [
        (*given, unary[start:stop], labels[start:stop], confidence[start:stop])
        for start, stop in blocks(len(labels), max(1, _BLOCK_NUMBERS // width))
    ]
    yield from in_chunks(pool, _confidence_kernel, tasks)
    return confidence


@compiled
def _confidence_kernel(strip, numbers, never, share, unary, labels, confidence):  # type: ignore[no-untyped-def]
    """Set the confidence, pixel by pixel: from the logit of its label, and log sum exp of those of all others."""
    width = width_of(strip, unary)
    row = np.empty(width, np.float32)
    for i in range(len(labels)):
        label = np.float32(labels[i])
        for column in columns(strip, width):
            steps, padding = load_strip(unary, i * width + column, strip), load_strip(never, column, strip)
            logits = multiply_add(steps, -UNARY_STEP, padding)
            store(row, column, where_equal(load_strip(numbers, column, strip), label, _NEVER, logits))
        against = log_sum_exp(strip, row, 0, width) + np.float32(unary[i, labels[i]]) * UNARY_STEP
        confidence[i] = np.float32(1.0) / (np.float32(1.0) + np.float32(np.exp(against * share)))
