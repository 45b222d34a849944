"""One option for each field of `Parameters`, for every command that refines."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io import files
from napari_coarse_crf.parameters import PRESETS, Description, Parameters

Preset = Annotated[
    str | None,
    typer.Option(help=f"Start from a JSON file of parameters or from a named preset ({', '.join(PRESETS)})."),
]
"""The option `--preset`, for `chosen_parameters`."""


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


def chosen_parameters(preset: str | None, changes: dict[str, Any]) -> Parameters:
    """Return the preset, or the defaults, with what the person changed."""
    if preset is None:
        return Parameters().replace(**changes)
    if preset in PRESETS:
        return Parameters.preset(preset).replace(**changes)
    if Path(preset).exists():
        return files.read_preset(Path(preset)).replace(**changes)
    raise InputError(f"There is no preset and no file {preset}. Named presets are {', '.join(PRESETS)}.")
