"""The whole of `refine_labels`, heatmap included, against what people use today.

`against pydensecrf`: ours makes its heatmap, pydensecrf gets it ready-made and only builds its kernels and iterates.
`against others`: every side starts from image and labels. The methods differ, so their labels do too: this is about
how long a person waits.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING

from fields import describe_case, make_field, make_inputs
from rivals import HAS_PYDENSECRF, PyDenseCRF, flood, random_walk, refine_with_kd_tree
from rows import NO_PYDENSECRF, OF_RIVAL, Row, compare
from turns import in_turn, timed

from napari_coarse_crf import CoarseCRFWarning, Parameters, refine_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from session import Session

_WALKER_PIXELS = 1024 * 512
"""The largest size that the random walker is asked for: beyond, it takes minutes."""
_CHOICES = ((2048, 1024, 19, 0.5), (2048, 1024, 19, 0.02), (1024, 1024, 4, 0.02))
"""Width, height, labels and share of them, for which labels choose."""


def measure_whole(session: Session) -> Iterator[Row]:
    """Measure refine_labels from image and labels against pydensecrf's build and 10 iterations from a ready heatmap."""
    field = make_field(*session.size(2048, 1024), 19, 0.5)
    sides = {
        "all threads": timed(partial(refine, field.image, field.labels)),
        "one thread": timed(partial(refine, field.image, field.labels, workers=1)),
    }
    if HAS_PYDENSECRF:
        rival = PyDenseCRF(field)
        sides["pydensecrf"] = lambda: rival.run(Parameters()).whole
    times = in_turn(session, f"whole refine_labels, {field.case}", sides, [sides["all threads"]])
    for threads in ("all threads", "one thread"):
        name, rival_times = f"whole refine_labels, {threads}", times.get("pydensecrf")
        yield compare(name, field.case, times[threads], rival_times, rival_name="pydensecrf without a heatmap")


def measure_others(session: Session) -> Iterator[Row]:
    """Measure refine_labels against a KD-tree heatmap with pydensecrf, random walker and watershed."""
    for width, height in ((512, 256), (1024, 512), (2048, 1024)):
        image, labels = make_inputs(*session.size(width, height), 19, 0.5)
        sides = {"ours": timed(partial(refine, image, labels)), "watershed": timed(partial(flood, image, labels))}
        if width * height <= _WALKER_PIXELS:
            sides["random walker"] = timed(partial(random_walk, image, labels))
        if HAS_PYDENSECRF:
            sides["KD-tree and pydensecrf"] = timed(partial(refine_with_kd_tree, image, labels, Parameters()))
        case = describe_case(labels)
        times = in_turn(session, f"refine_labels against others, {case}", sides, [sides["ours"], sides["watershed"]])
        for rival in ("KD-tree and pydensecrf", "random walker", "watershed"):
            note = NO_PYDENSECRF if "pydensecrf" in rival and not HAS_PYDENSECRF else ""
            if rival in times or note:
                yield compare("whole refine_labels", case, times["ours"], times.get(rival), rival_name=rival, note=note)


def measure_choice(session: Session) -> Iterator[Row]:
    """Measure what it takes that the labels choose the weights, texture and all, beside fixed weights."""
    for width, height, n_labels, share in _CHOICES:
        image, labels = make_inputs(*session.size(width, height), n_labels, share)
        sides = {
            name: timed(partial(refine, image, labels, parameters=preset))
            for name, preset in (("chosen", "auto"), ("fixed", "default"))
        }
        case = describe_case(labels)
        times = in_turn(session, f"weights that labels choose, {case}", sides, sides.values())
        yield compare(
            "labels choose the weights", case, times["chosen"], times["fixed"],
            rival_name="fixed weights", meaning=OF_RIVAL,
        )  # fmt: skip


def refine(
    image: np.ndarray, labels: np.ndarray, workers: int | None = None, parameters: str | None = None
) -> np.ndarray:
    """Call `refine_labels`; that a label took nothing does not matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CoarseCRFWarning)
        return refine_labels(image, labels, parameters, workers=workers)
