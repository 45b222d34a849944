"""Options that several commands share: how the files are read, and one for each field of `Parameters`."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io import files
from napari_coarse_crf.io.lazy.places import Place, is_url
from napari_coarse_crf.io.pairs import Reading
from napari_coarse_crf.io.places import exists
from napari_coarse_crf.judging.words import LEFT_TO_LABELS
from napari_coarse_crf.parameters import PRESETS, Description, Parameters
from napari_coarse_crf.tiles.choice import read_limit

Preset = Annotated[
    str | None,
    typer.Option(
        help=f"Start from a JSON file of parameters or from a named preset ({', '.join(PRESETS)}); without, from auto."
    ),
]
"""The option `--preset`, for `chosen_parameters`."""

_LARGE = "Large images"
"""The panel of the help."""

Spacing = Annotated[
    str | None,
    typer.Option(help="Size of a pixel along each axis, separated by commas, for example 2,0.5,0.5."),
]
"""The option `--spacing`, for `read_numbers`."""


def read_place(text: str) -> Place:
    """Return a path, or a URL as it is."""
    if not text:
        raise typer.BadParameter("It is empty. Give the name of a file.")  # Path("") is the folder that one is in
    return text if is_url(text) else Path(text)


def with_reading_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say how its files are read. The command gets them as its argument `reading`."""
    return _with_options_of(_reading, "reading", command)


def with_tiling_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options for large images. The command gets them as its argument `tiling`."""
    return _with_options_of(_tiling, "tiling", command)


def _with_options_of(make: Callable[..., Any], name: str, command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a function, and what this makes of them as one argument."""

    @functools.wraps(command)
    def wrapper(**arguments: Any) -> None:
        given = {option: arguments.pop(option) for option in inspect.signature(make).parameters}
        command(**arguments, **{name: make(**given)})

    _take_options(wrapper, command, name, list(inspect.signature(make).parameters.values()))
    return wrapper


def _reading(
    *,
    mask: Annotated[
        Any,
        typer.Option(
            parser=read_place,
            metavar="PATH",
            help="A file or store as the labels: pixels that are black there take no part and stay as they are.",
        ),
    ] = None,
    channel_axis: Annotated[
        int | None,
        typer.Option(help="The axis of the image that holds its channels, from 0; without, as the files say."),
    ] = None,
    spacing: Spacing = None,
    contrast_limits: Annotated[
        tuple[float, float] | None,
        typer.Option(
            help="Two values, separated by a space, that become 0 and 255; without, the darkest and brightest "
            "thousandth are cut off."
        ),
    ] = None,
    ignore: Annotated[
        list[int] | None,
        typer.Option(
            help="The id of labelled pixels that take no part and stay as they are, 255 in many data sets. May be "
            "given several times."
        ),
    ] = None,
    each_slice: Annotated[
        bool | None,
        typer.Option(
            "--each-slice/--volume",
            help="Refine each plane of a stack on its own, or everything at once, time too; without, frames each on "
            "their own and depth at once.",
        ),
    ] = None,
) -> Reading:
    return Reading(
        mask=mask,
        channel_axis=channel_axis,
        spacing=read_numbers(spacing),
        contrast_limits=contrast_limits,
        each_slice=each_slice,
        ignore=tuple(ignore or ()),
    )


@dataclass(frozen=True, slots=True)
class Tiling:
    """What a person says of images that do not fit into memory.

    Attributes
    ----------
    tile : sequence of int or None
        How long a tile is, along all axes or each.
    memory_limit : int or None
        Bytes that a refinement may take.
    processes : int or None
        How many tiles are refined at a time, each in a process.
    scheduler : str or None
        The address of the scheduler of a cluster that refines them.
    """

    tile: tuple[int, ...] | None = None
    memory_limit: int | None = None
    processes: int | None = None
    scheduler: str | None = None

    @property
    def is_asked_for(self) -> bool:
        """Whether the image is to be cut, however small it is."""
        return self.tile is not None or self.processes is not None or self.scheduler is not None

    @property
    def wanted(self) -> dict[str, Any]:
        """What of it changes the result."""
        return {"tile": self.tile, "memory_limit": self.memory_limit}


def _tiling(
    *,
    tile: Annotated[
        str | None,
        typer.Option(
            help="Refine in tiles of so many pixels along each axis, or along all, for example 16,1024,1024 or 2048; "
            "without, where an image does not fit into the memory that it may take.",
            rich_help_panel=_LARGE,
        ),
    ] = None,
    memory_limit: Annotated[
        str | None,
        typer.Option(
            help="How much memory a refinement may take, for example 4GB; without, half of what is free.",
            rich_help_panel=_LARGE,
        ),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            help="So many tiles at a time, each in a process of its own with --workers threads, by default one.",
            rich_help_panel=_LARGE,
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Address of a dask scheduler whose cluster refines the tiles; it must reach the same files.",
            rich_help_panel=_LARGE,
        ),
    ] = None,
) -> Tiling:
    if processes is not None and scheduler is not None:
        raise InputError("--processes and --scheduler both say where tiles are refined; give one of them.")
    if processes is not None and processes < 1:
        raise InputError(f"--processes is {processes}; give a whole number from 1 up.")
    return Tiling(_read_tile(tile), None if memory_limit is None else read_limit(memory_limit), processes, scheduler)


def _read_tile(text: str | None) -> tuple[int, ...] | None:
    """Return the sides of a tile, None if they were not given."""
    if text is None:
        return None
    try:
        sides = tuple(int(part) for part in text.split(","))
    except ValueError:
        sides = ()
    if not sides or min(sides) < 1:
        raise InputError(f"--tile is {text!r}. Give a number of pixels, or one for each axis, such as 16,1024,1024.")
    return sides


def read_numbers(text: str | None) -> tuple[float, ...] | None:
    """Return the numbers of a spacing, None if it was not given."""
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"The spacing {text!r} is no list of numbers. Give one for each axis, for example 2,0.5,0.5."
        ) from None


def with_parameter_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one option for each field of `Parameters`.

    The command gets those that the person gave as its argument `changes`, a dict from field to value.
    """
    described = Parameters.describe()

    @functools.wraps(command)
    def wrapper(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in described}
        command(**arguments, changes={name: value for name, value in given.items() if value is not None})

    _take_options(wrapper, command, "changes", [_parameter_option(*one) for one in described.items()])
    return wrapper


def _take_options(
    wrapper: Callable[..., None], command: Callable[..., None], name: str, options: list[inspect.Parameter]
) -> None:
    """Show typer a command with these options in place of its argument `name`."""
    plain = [spec for spec in inspect.signature(command).parameters.values() if spec.name != name]
    wrapper.__signature__ = inspect.Signature([*plain, *options])  # type: ignore[attr-defined]  # what typer reads
    wrapper.__annotations__ = {spec.name: spec.annotation for spec in (*plain, *options)}


def _parameter_option(name: str, description: Description) -> inspect.Parameter:
    """Return the option of one parameter; its range is checked by `Parameters`, whose sentences are better."""
    default: Any = getattr(Parameters.preset("auto"), name)
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


def chosen_parameters(preset: str | None, changes: dict[str, Any]) -> Parameters:
    """Return the preset, or "auto" where none is named, with what the person changed.

    Who sets one of the weights that labels would choose has them fixed, unless `--weights` says otherwise.
    """
    if "weights" not in changes and not changes.keys().isdisjoint(LEFT_TO_LABELS):
        changes = {**changes, "weights": "fixed"}
    return _read_preset("auto" if preset is None else preset).replace(**changes)


def _read_preset(preset: str) -> Parameters:
    """Return a named preset, or that of a file."""
    if preset in PRESETS:
        return Parameters.preset(preset)
    if exists(Path(preset)):
        return files.read_preset(Path(preset))
    if preset.lstrip().startswith("{"):
        raise InputError("--preset takes a name, not the JSON itself. Save that to a file, and name the file.")
    raise InputError(f"There is no preset and no file {preset}. Named presets are {', '.join(PRESETS)}.")


def preset_file(preset: str | None) -> tuple[Path, ...]:
    """Return the file that a preset is read from, if it is one: no result may replace it."""
    return () if preset is None or preset in PRESETS else (Path(preset),)
