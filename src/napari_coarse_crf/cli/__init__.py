"""The command line: `napari-coarse-crf refine | objects | evaluate | demo`.

The same way as everywhere, driven by files. Each command has a module, which only parses and prints; `files` reads and
writes, `Refiner` refines, `scoring` evaluates, `demo` judges and draws. typer reads the annotations at run time, so
they are real in this package, not strings.
"""

import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from PIL import Image

from napari_coarse_crf.cli import demo, evaluate, objects, refine
from napari_coarse_crf.cli.console import app, stderr, warn
from napari_coarse_crf.errors import CoarseCRFError, CoarseCRFWarning
from napari_coarse_crf.io.places import in_words

__all__ = ["app", "main"]

# In the order of the help.
_COMMANDS: dict[str, Callable[..., None]] = {
    "refine": refine.refine,
    "objects": objects.find_objects,
    "evaluate": evaluate.evaluate,
    "demo": demo.run_demo,
}
for _name, _command in _COMMANDS.items():
    app.command(name=_name)(_command)


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
    warnings.showwarning = _show_warning
    Image.MAX_IMAGE_PIXELS = None  # Pillow takes a large aerial image for an attack; these are a person's own files
    try:
        app(args=arguments)
    except CoarseCRFError as error:
        stderr.print(f"Error: {error}", style="red", markup=False, soft_wrap=True)
        raise SystemExit(1) from None
    except MemoryError:
        stderr.print("Error: The memory does not suffice for this image. Crop it, or refine it in parts.", style="red")
        raise SystemExit(1) from None
    except OSError as error:
        if error.filename is None:
            _drop_output()
        what = error.filename or "What this command says"
        sentence = f"Error: {what} could not be written or read: {in_words(error)}."
        stderr.print(sentence, style="red", markup=False, soft_wrap=True)
        raise SystemExit(1) from None


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    """Print a warning of ours as a sentence, and another with the place in the code that it comes from."""
    if issubclass(category, CoarseCRFWarning):
        warn(str(message))
    else:
        stderr.out(warnings.formatwarning(message, category, filename, lineno), end="")


def _drop_output() -> None:
    """Let nothing more go to the standard output: what it did not take, Python would try to write again at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.__stdout__.fileno() if sys.__stdout__ else 1)


def _terminate(number: int, frame: Any) -> NoReturn:
    """Leave through every `finally`, so that no temporary file stays behind."""
    raise SystemExit(128 + number)
