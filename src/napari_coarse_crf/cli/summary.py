"""What a refinement came to, in a table."""

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.table import Table

from napari_coarse_crf.cli.console import say, stdout, warn
from napari_coarse_crf.inputs import UNLABELLED

_MOST_ROWS = 40  # a map of numbered objects has thousands of ids


def print_summary(
    counts: Mapping[int, tuple[int, int]], pixels: int, warnings: Sequence[str], took: str, choice: str = ""
) -> None:
    """Print the pixels of each label before and after, what a person should look at, and what the run took.

    Parameters
    ----------
    counts : mapping of int to (int, int)
        Of each label; the rest is unlabelled.
    pixels : int
        How many there are.
    warnings : sequence of str
        One sentence each.
    took : str
        The last line.
    choice : str
        What the labels chose, and why; a line before that, if they did.
    """
    labelled = {label_id: count for label_id, count in counts.items() if label_id != UNLABELLED}
    table = Table(box=box.SIMPLE_HEAD, title="Pixels by label id", title_justify="left")
    for heading in ("label", "before", "after", "share"):
        table.add_column(heading, justify="right")
    present = [label_id for label_id, (_, after) in labelled.items() if after]
    largest = sorted(present, key=lambda label_id: -labelled[label_id][1])[:_MOST_ROWS]
    rows = {str(label_id): labelled[label_id] for label_id in sorted(largest)}
    rows["unlabelled"] = _rest(pixels, labelled.values())
    for name, (before, after) in rows.items():
        table.add_row(name, str(before), str(after), f"{after / pixels:.1%}")
    stdout.print(table)
    if len(present) > _MOST_ROWS:
        say(f"The {_MOST_ROWS} largest of {len(present)} labels are shown.")
    for warning in warnings:
        warn(warning)
    if choice:
        say(choice)
    say(took)


def _rest(pixels: int, counts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Return how many pixels are not counted, before and after."""
    before, after = (sum(column) for column in zip(*counts, strict=True))
    return pixels - before, pixels - after
