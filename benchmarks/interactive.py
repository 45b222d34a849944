"""From a changed parameter, or a painted stroke, to the new result on one `Refiner`: what a person waits for.

Before every timed run the Refiner has a result for the default parameters, as in the widget; then one parameter moves.
Each is compared with the first run of a new Refiner on the same image, which has nothing to build on.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from fields import Field, make_field
from rivals import HAS_PYDENSECRF, PyDenseCRF
from rows import OF_RIVAL, Row, compare
from turns import in_turn, seconds

from napari_coarse_crf import Parameters, Refiner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from session import Session

_BRUSH = 12  # pixels, radius


def measure_interactive(session: Session) -> Iterator[Row]:
    """Measure each parameter in turn, a painted stroke, a new Refiner, and a full run of pydensecrf."""
    field = make_field(*session.size(1024, 512), 19, 0.5)
    refiner = Refiner(field.image, field.labels)
    changes = {name: Parameters().replace(**{name: _moved(name)}) for name in Parameters.describe()}
    sides: dict[str, Callable[[], float]] = {
        name: partial(_time_change, refiner, parameters) for name, parameters in changes.items()
    }
    sides["painted stroke"] = partial(_time_painting, refiner, field)
    sides["first run"] = lambda: seconds(lambda: Refiner(field.image, field.labels).run())
    if HAS_PYDENSECRF:
        rival = PyDenseCRF(field)
        sides["pydensecrf"] = lambda: rival.run(Parameters()).whole
    times = in_turn(session, f"interactive, {field.case}", sides, [refiner.run])
    yield _against_pydensecrf(times, field.case)
    for name in [*changes, "painted stroke"]:
        case = f"{field.case}: {_describe_change(name)}"
        yield compare(f"again: {name}", case, times[name], times["first run"], rival_name="first run", meaning=OF_RIVAL)


def _against_pydensecrf(times: dict[str, list[float]], case: str) -> Row:
    case = f"{case}: {_describe_change('appearance_weight')}"
    rival, rival_name = times.get("pydensecrf"), "pydensecrf, build and 10 iterations"
    return compare("weight slider", case, times["appearance_weight"], rival, rival_name=rival_name, meaning=OF_RIVAL)


def _time_change(refiner: Refiner, changed: Parameters) -> float:
    refiner.run()
    return seconds(lambda: refiner.run(changed))


def _time_painting(refiner: Refiner, field: Field) -> float:
    """Time a stroke of an existing label over unlabelled pixels, and the run after it; then take it away again."""
    refiner.run()
    painted = _paint(field.labels)

    def paint_and_run() -> None:
        refiner.update_labels(painted)
        refiner.run()

    time = seconds(paint_and_run)
    refiner.update_labels(field.labels)
    return time


def _paint(labels: np.ndarray) -> np.ndarray:
    """Return the labels with a horizontal stroke of label 1 on the unlabelled pixels in the middle."""
    height, width = labels.shape
    y, x = np.indices(labels.shape)
    stroke = (abs(y - height // 2) <= _BRUSH) & (abs(x - width // 2) <= 5 * _BRUSH)
    return np.where(stroke & (labels == 0), 1, labels)


def _moved(name: str) -> object:
    """Return a value near the default, a tenth further where there is room; for a choice, the last one."""
    described, default = Parameters.describe()[name], getattr(Parameters(), name)
    if described.choices:
        return described.choices[-1]
    if isinstance(default, int):
        return default + 1
    step = 0.1 * (described.high - described.low) if default in (0, described.high) else 0.1 * default
    return default + step if default + step <= described.high else default - step


def _describe_change(name: str) -> str:
    if name not in Parameters.describe():
        return "update_labels, then run"
    return f"{getattr(Parameters(), name)} -> {_moved(name)}"
