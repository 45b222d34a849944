"""What all commands print with, and the application they join."""

from collections.abc import Callable
from contextlib import suppress
from typing import IO, Annotated, Any, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

import napari_coarse_crf
from napari_coarse_crf.compute.room import free_memory
from napari_coarse_crf.io.lazy.pairs import LazyPair
from napari_coarse_crf.io.pairs import Pair
from napari_coarse_crf.memory import memory_warning
from napari_coarse_crf.parameters import Parameters
from napari_coarse_crf.refinement import Progress as Step
from napari_coarse_crf.refinement import Refinement
from napari_coarse_crf.refiner import Refiner
from napari_coarse_crf.tiles.apart import PartRefiner

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
stdout = Console(highlight=False)


class _Forgiving:
    """A stream that may take nothing more, as on a full disk: what is said there is lost then, and the work goes on."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what the stream takes."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Send on what the stream has kept."""
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _ErrorConsole(Console):
    """The error stream as it is at each moment: rich puts another in its place while a bar moves."""

    @property  # type: ignore[misc]  # nothing sets it
    def file(self) -> IO[str]:
        """What is written to."""
        return cast("IO[str]", _Forgiving(super().file))


stderr = _ErrorConsole(stderr=True, highlight=False)


def say(text: str) -> None:
    """Print a line on the standard output."""
    stdout.print(text, markup=False, soft_wrap=True)


def warn(sentence: str) -> None:
    """Print a warning on the error stream."""
    stderr.print(f"Warning: {sentence}", style="yellow", markup=False, soft_wrap=True)


def tell(pair: Pair | LazyPair) -> None:
    """Print how the files were taken, and what of them a person should look at."""
    for sentence in pair.said:
        say(sentence)
    for sentence in pair.warnings:
        warn(sentence)


def memory_note(pair: Pair, refiner: Refiner | PartRefiner, parameters: Parameters) -> str:
    """Return a sentence and advice if a run may not find the memory that it needs, else ""."""
    is_volume = pair.labels.ndim - len(pair.apart) > 2
    smaller = "refine each plane on its own (--each-slice), crop the image" if is_volume else "crop the image"
    advice = f"Stop it and {smaller}, or close other programs."
    return memory_warning(refiner.estimate_memory(parameters), free_memory(), advice)


def run_refiner(refiner: Refiner | PartRefiner, parameters: Parameters, title: str) -> Refinement:
    """Refine with a progress bar on the error stream."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr) as bar:
        task = bar.add_task(f"{title}: starting (the first run compiles, 10 to 20 s)", total=None)

        def show(step: Step) -> None:
            bar.update(task, description=f"{title}: {step.stage}", completed=step.step, total=step.total)

        refinement = run_steps(refiner, parameters, show)
        bar.update(task, description=f"{title}: done", completed=1, total=1)
    return refinement


def run_steps(refiner: Refiner | PartRefiner, parameters: Parameters, show: Callable[[Step], None]) -> Refinement:
    """Refine, and call `show` after every step."""
    refinement: Refinement | None = None
    for step in refiner.steps(parameters):
        show(step)
        refinement = step.refinement
    assert refinement is not None  # noqa: S101  # the last step always carries it
    return refinement


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(napari_coarse_crf.__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Label roughly, get a dense label map that follows the image."""
