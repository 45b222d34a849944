"""The command line: `napari-coarse-crf refine | demo`.

The same way as everywhere, driven by files. This room only parses and prints; `files` reads and writes, `Refiner`
refines, `demo` judges and draws. typer reads the annotations at run time, so they are real here, not strings.
"""

import functools
import inspect
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn, cast

import typer
from PIL import Image
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

import napari_coarse_crf
from napari_coarse_crf import demo, files
from napari_coarse_crf.errors import CoarseCRFError, InputError
from napari_coarse_crf.evaluation import Scores
from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.parameters import PRESETS, Description, Parameters
from napari_coarse_crf.refiner import EngineName, Refinement, Refiner
from napari_coarse_crf.samples import SAMPLE_NAMES, Sample, load_sample

_MOST_ROWS = 40  # of the summary: a map of numbered objects has thousands of ids

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave: errors of ours become one sentence and exit code 1.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process if not given.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # θ on a terminal that has no Greek
    signal.signal(signal.SIGTERM, _terminate)
    Image.MAX_IMAGE_PIXELS = None  # Pillow takes a large aerial image for an attack; these are a person's own files
    try:
        app(args=arguments)
    except CoarseCRFError as error:
        _err.print(f"Error: {error}", style="red", markup=False, soft_wrap=True)
        raise SystemExit(1) from None
    except MemoryError:
        _err.print("Error: The memory does not suffice for this image. Crop it, or refine it in parts.", style="red")
        raise SystemExit(1) from None


def _terminate(number: int, frame: Any) -> NoReturn:
    """Leave through every `finally`, so that no temporary file stays behind."""
    raise SystemExit(128 + number)


def with_parameter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each field of `Parameters`.

    The command gets those that the person gave as its argument `changes`, a dict from field to value.
    """
    described = Parameters.describe()

    @functools.wraps(command)
    def wrapper(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in described}
        command(**arguments, changes={name: value for name, value in given.items() if value is not None})

    plain = [spec for spec in inspect.signature(command).parameters.values() if spec.name != "changes"]
    options = [_parameter_option(name, description) for name, description in described.items()]
    wrapper.__signature__ = inspect.Signature([*plain, *options])  # type: ignore[attr-defined]  # what typer reads
    wrapper.__annotations__ = {spec.name: spec.annotation for spec in (*plain, *options)}
    return wrapper


def _parameter_option(name: str, description: Description) -> inspect.Parameter:
    """Return the option of one parameter; its range is checked by `Parameters`, whose sentences are better."""
    default: Any = getattr(Parameters(), name)
    kind: Any = type(default)
    allowed = (
        ", ".join(description.choices) or f"{description.low:g} to {description.high:g} {description.unit}".strip()
    )
    shown = default if description.choices else f"{default:g}"
    symbol = f"{description.symbol}: " if description.symbol else ""
    option = typer.Option(
        None,  # not given: the preset's value stays
        f"--{name.replace('_', '-')}",
        help=f"{symbol}{description.help_text} ({allowed}; default {shown})",
        rich_help_panel=description.section.capitalize(),
    )
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=kind | None)


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


@app.command(name="refine")
@with_parameter_options
def refine(
    *,
    image: Annotated[Path, typer.Argument(help="The image: PNG or TIFF, grey, colour or with any number of channels.")],
    coarse: Annotated[Path, typer.Argument(help="The coarse labels: PNG or TIFF of label ids, 0 = unlabelled.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the refined labels go: .png, .tif or .tiff.")],
    confidence_out: Annotated[
        Path | None, typer.Option(help="Write the confidence too: 0 to 1 in a TIFF, 0 to 65535 in a PNG.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help=f"Start from a JSON file of parameters or from a named preset ({', '.join(PRESETS)})."),
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(help="PNG or TIFF: pixels that are 0 there take no part and stay as they are.")
    ] = None,
    spacing: Annotated[
        str | None, typer.Option(help="Size of a pixel along each axis, separated by commas, for example 2,0.5,0.5.")
    ] = None,
    contrast_limits: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Values that become 0 and 255; without, the darkest and brightest thousandth are cut off."),
    ] = None,
    engine: Annotated[str, typer.Option(help="lattice, or pydensecrf where it is installed.")] = "lattice",
    workers: Annotated[int | None, typer.Option(help="Threads; without, as many as the process may use.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
    changes: dict[str, Any],
) -> None:
    """Refine the coarse labels of an image: every unlabelled pixel gets the label that fits it best.

    Your own labels are never changed. Options below are the parameters, the same as in the plugin.
    """
    targets = [out] if confidence_out is None else [out, confidence_out]
    inputs = tuple(path for path in (image, coarse, mask) if path is not None)
    for number, target in enumerate(targets):
        files.check_writable(target, overwrite=overwrite, inputs=(*inputs, *targets[:number]))
    parameters = _parameters(preset, changes)
    picture, painted = files.read_image(image), files.read_labels(coarse)
    files.check_labels_fit(painted.ids, out)
    if confidence_out is not None:
        files.check_plane_fits(painted.ids.shape, confidence_out)

    start = time.perf_counter()
    refiner = Refiner(
        picture.pixels,
        painted.ids,
        mask=_joined_mask(picture.mask, mask),
        channel_axis=files.channel_axis(picture.pixels.shape, painted.ids.shape),
        spacing=_numbers(spacing),
        contrast_limits=contrast_limits,
        engine=cast("EngineName", engine),  # another name is refused there, in words
        workers=workers,
    )
    refinement = _run(refiner, parameters, f"Refining {coarse.name}")
    contents = {out: files.encode_labels(refinement.labels, out, painted.palette)}
    if confidence_out is not None:
        contents[confidence_out] = files.encode_confidence(refinement.confidence, confidence_out)
    files.write_files(contents)
    _print_summary(refinement, time.perf_counter() - start)
    for target in contents:
        _say(f"Wrote {target}")


@app.command(name="demo")
def run_demo(
    out: Annotated[Path, typer.Option(help="The folder for the pictures; made if missing.")] = Path("demo-output"),
) -> None:
    """Refine the bundled samples, compare with their fine labels and draw them side by side."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The folder {out} cannot be made: {error.strerror}. Choose another one with --out."
        ) from error
    _say("Warming up: the very first run compiles for some seconds, later ones load what it compiled.")
    first = load_sample(SAMPLE_NAMES[-1])
    _run(Refiner(first.image, first.coarse), Parameters(iterations=1), "Warming up")
    for name in SAMPLE_NAMES:
        sample = load_sample(name)
        start = time.perf_counter()
        refinement = _run(Refiner(sample.image, sample.coarse), Parameters(), sample.title)
        seconds = time.perf_counter() - start
        scores = demo.judge(sample, refinement.labels)
        _print_scores(sample, scores, seconds)
        path = out / f"{name}.png"
        demo.draw_panels(sample, refinement.labels, scores).save(path)
        _say(f"Drew {path}\n")


def _parameters(preset: str | None, changes: dict[str, Any]) -> Parameters:
    """Return the preset, or the defaults, with what the person changed."""
    if preset is None:
        return Parameters().replace(**changes)
    start = Parameters.preset(preset) if preset in PRESETS else files.read_preset(Path(preset))
    return start.replace(**changes)


def _joined_mask(transparency: Any, path: Path | None) -> Any:
    if path is None:
        return transparency
    given = files.read_mask(path)
    # Shapes that differ are left to the core, which says so in words.
    return given if transparency is None or transparency.shape != given.shape else transparency & given


def _numbers(text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"The spacing {text!r} is no list of numbers. Give one for each axis, for example 2,0.5,0.5."
        ) from None


def _run(refiner: Refiner, parameters: Parameters, title: str) -> Refinement:
    """Refine with a progress bar on the error stream."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    refinement: Refinement | None = None
    with Progress(*columns, console=_err) as bar:
        task = bar.add_task(f"{title}: starting (the first run compiles)", total=None)
        for progress in refiner.steps(parameters):
            bar.update(task, description=f"{title}: {progress.stage}", completed=progress.step, total=progress.total)
            refinement = progress.refinement
        bar.update(task, description=f"{title}: done", completed=1, total=1)
    assert refinement is not None  # noqa: S101  # the last step always carries it
    return refinement


def _print_summary(refinement: Refinement, seconds: float) -> None:
    """Print the pixels of each label before and after."""
    pixels = refinement.labels.size
    table = Table(box=box.SIMPLE_HEAD, title="Pixels by label id", title_justify="left")
    for heading in ("label", "before", "after", "share"):
        table.add_column(heading, justify="right")
    counts = sorted(refinement.label_counts.items(), key=lambda item: -item[1][1])[:_MOST_ROWS]
    for label_id, (before, after) in sorted(counts):
        table.add_row(str(label_id), str(before), str(after), f"{after / pixels:.1%}")
    open_after = int((refinement.labels == UNLABELLED).sum())
    open_before = open_after + sum(after - before for before, after in refinement.label_counts.values())
    table.add_row("unlabelled", str(open_before), str(open_after), f"{open_after / pixels:.1%}")
    _out.print(table)
    if len(refinement.label_counts) > _MOST_ROWS:
        _say(f"The {_MOST_ROWS} largest of {len(refinement.label_counts)} labels are shown.")
    for warning in refinement.warnings:
        _err.print(f"Warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    _say(f"{refinement.iterations} iterations, {seconds:.1f} s")


def _print_scores(sample: Sample, scores: dict[str, Scores], seconds: float) -> None:
    """Print accuracy and IoU by class and on average, for the coarse, the nearest and the refined labels."""
    rows, columns = sample.coarse.shape
    painted = (sample.coarse != UNLABELLED).mean()
    title = f"{sample.title}: {columns} x {rows}, {painted:.0%} painted, refined in {seconds:.1f} s"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("class")
    for measure in ("accuracy", "IoU"):
        for name in scores:
            table.add_column(f"{measure}\n{name}", justify="right")
    by_measure = [[s.accuracy for s in scores.values()], [s.iou for s in scores.values()]]
    for label_id, class_name in sample.class_names.items():
        table.add_row(class_name, *(f"{values[label_id]:.3f}" for group in by_measure for values in group))
    table.add_section()
    means = [[s.mean_accuracy for s in scores.values()], [s.mean_iou for s in scores.values()]]
    table.add_row("average", *(f"{value:.3f}" for group in means for value in group), style="bold")
    _out.print(table)


def _say(text: str) -> None:
    _out.print(text, markup=False, soft_wrap=True)


if __name__ == "__main__":
    main()
