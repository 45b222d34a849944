"""`napari-coarse-crf demo`: the bundled samples, refined, judged and drawn."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from napari_coarse_crf.cli.console import run_refiner, say, stdout
from napari_coarse_crf.evaluation.scores import Scores
from napari_coarse_crf.inputs import UNLABELLED
from napari_coarse_crf.io import files
from napari_coarse_crf.parameters import Parameters
from napari_coarse_crf.refiner import Refiner
from napari_coarse_crf.samples import SAMPLE_NAMES, Sample, load_sample, panels


def run_demo(
    out: Annotated[Path, typer.Option(help="The folder for the pictures; made if missing.")] = Path("demo-output"),
) -> None:
    """Refine the bundled samples, compare with their fine labels and draw them side by side."""
    files.make_folder(out)
    say("Warming up: the very first run compiles for 10 to 20 seconds, later ones load what it compiled.")
    first = load_sample(SAMPLE_NAMES[-1])
    run_refiner(Refiner(first.image, first.coarse), Parameters(iterations=1), "Warming up")
    for name in SAMPLE_NAMES:
        sample = load_sample(name)
        start = time.perf_counter()
        refinement = run_refiner(Refiner(sample.image, sample.coarse), Parameters.preset("auto"), sample.title)
        seconds = time.perf_counter() - start
        scores = panels.judge(sample, refinement.labels)
        _print_scores(sample, scores, seconds)
        path = out / f"{name}.png"
        files.write_files({path: files.encode_png(panels.draw_panels(sample, refinement.labels, scores))})
        say(f"Drew {path}\n")


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
    stdout.print(table)
