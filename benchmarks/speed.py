"""Mean field against pydensecrf on the same field problem: kernels' build, iterations, and whether labels agree.

Both sides have the same image, labels, unary potential (the heatmap of the default parameters), kernels and number of
iterations, and run in turn. Ours runs with all threads and with one; pydensecrf has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from engines import OurEngine
from fields import Field, make_field
from rivals import HAS_PYDENSECRF, PyDenseCRF
from rows import NO_PYDENSECRF, Row, compare
from turns import Turn, in_turn

from napari_coarse_crf import Parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from session import Session

Contest = dict[str, list[Turn]]

KERNELS = Parameters(appearance_weight=10, theta_alpha=80, theta_beta=13, smoothness_weight=3, theta_gamma=3)
"""The kernels of Krähenbühl and Koltun's example, and everything else by default."""


def measure_iterations(session: Session) -> Iterator[Row]:
    """Measure the kernels' build, iterations and both at Cityscapes' size, half labelled."""
    field = make_field(*session.size(2048, 1024), 19, 0.5)
    contest = run_contest(session, field, KERNELS)
    yield from _rows(contest, field, KERNELS)


def measure_scribbles(session: Session) -> Iterator[Row]:
    """Measure iterations where nearly every pixel is free."""
    field = make_field(*session.size(2048, 1024), 19, 0.02)
    contest = run_contest(session, field, KERNELS)
    yield from _iteration_rows(contest, field, KERNELS, "10 iterations, scribbles")


def measure_narrow(session: Session) -> Iterator[Row]:
    """Measure iterations with narrow kernels: more lattice vertices, so blurring weighs more."""
    parameters = KERNELS.replace(theta_alpha=50, theta_beta=5)
    field = make_field(*session.size(2048, 1024), 19, 0.5)
    contest = run_contest(session, field, parameters)
    yield from _iteration_rows(contest, field, parameters, "10 iterations, theta 50/5")


def measure_agreement(session: Session) -> Iterator[Row]:
    """Count the unlabelled pixels that get the same label from both engines, at the default parameters."""
    parameters = Parameters()
    field = make_field(*session.size(2048, 1024), 19, 0.5)
    contest = run_contest(session, field, parameters)
    case = _describe(field, parameters)
    if HAS_PYDENSECRF:
        free = field.labels == 0
        ours, theirs = contest["all threads"][-1].labels[free], contest["pydensecrf"][-1].labels[free]
        share = float((ours == theirs).mean())
        note = f"{int((ours != theirs).sum())} of {len(ours)} differ"
        yield Row("labels equal to pydensecrf's", case, "", share, None, "pydensecrf", share, "", share, share, note)
    else:
        yield Row("labels equal to pydensecrf's", case, "", None, rival_name="pydensecrf", note=NO_PYDENSECRF)
    yield from _iteration_rows(contest, field, parameters, "10 iterations, defaults")


def measure_grid(session: Session) -> Iterator[Row]:
    """Measure iterations and build over sizes, numbers of labels and kernels."""
    sizes, label_counts = [(512, 256), (1024, 512), (2048, 1024)], [2, 6, 19, 35]
    if session.quick:
        sizes, label_counts = sizes[:1], label_counts[:2]
    for width, height in sizes:
        for n_labels in label_counts:
            field = make_field(*session.size(width, height), n_labels, 0.5)
            for alpha, beta in ((80, 13), (50, 5), (30, 3)):
                parameters = KERNELS.replace(theta_alpha=alpha, theta_beta=beta)
                contest = run_contest(session, field, parameters)
                yield from _rows(contest, field, parameters, prefix="grid: ")


def run_contest(session: Session, field: Field, parameters: Parameters) -> Contest:
    """Let ours, with all threads and with one, and pydensecrf run in turn."""
    first = parameters.replace(iterations=1)  # enough to compile, and to touch all the memory
    ours = OurEngine(field)
    sides = {
        "all threads": lambda: ours.run(parameters, session.all_threads),
        "one thread": lambda: ours.run(parameters, 1),
    }
    warm_ups = [lambda: ours.run(first, session.all_threads)]
    if HAS_PYDENSECRF:
        rival = PyDenseCRF(field)
        sides["pydensecrf"] = lambda: rival.run(parameters)
        warm_ups.append(lambda: rival.run(first))
    return in_turn(session, _describe(field, parameters), sides, warm_ups)


def _rows(contest: Contest, field: Field, parameters: Parameters, prefix: str = "") -> Iterator[Row]:
    case = _describe(field, parameters)
    yield from _iteration_rows(contest, field, parameters, f"{prefix}{parameters.iterations} iterations")
    for threads in ("all threads", "one thread"):
        yield _row(
            contest, f"{prefix}one iteration, {threads}", case, threads, lambda turn: float(np.median(turn.each))
        )
        yield _row(contest, f"{prefix}build of both kernels, {threads}", case, threads, lambda turn: turn.build)
        name = f"{prefix}build and {parameters.iterations} iterations, {threads}"
        yield _row(contest, name, case, threads, lambda turn: turn.whole)


def _iteration_rows(contest: Contest, field: Field, parameters: Parameters, name: str) -> Iterator[Row]:
    for threads in ("all threads", "one thread"):
        case = _describe(field, parameters)
        yield _row(contest, f"{name}, {threads}", case, threads, lambda turn: turn.iterations)


def _row(contest: Contest, name: str, case: str, threads: str, part: Callable[[Turn], float]) -> Row:
    rival = [part(turn) for turn in contest["pydensecrf"]] if "pydensecrf" in contest else None
    return compare(name, case, [part(turn) for turn in contest[threads]], rival)


def _describe(field: Field, parameters: Parameters) -> str:
    return f"{field.case}, theta {parameters.theta_alpha:g}/{parameters.theta_beta:g}"
