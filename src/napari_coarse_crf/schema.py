"""Which form a stored file has, and how one of an older form becomes today's.

Whatever this package writes for a later version to read carries the number of its form. A file without one was written
before there were numbers, and has the form 0. Forms are counted for each kind of file on its own, and grow by one when
the meaning of what is written changes: a name that is new, and may be missing, changes none. Older forms are read for
ever, so a step is never taken away from a kind, and tests/data/stored holds files of every form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from napari_coarse_crf.errors import CoarseCRFError, InputError, in_short

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Step = Callable[[dict[str, Any]], dict[str, Any]]

KEY: Final = "schema"
"""Under which the number stands, beside what else is said."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The forms of one kind of file.

    Attributes
    ----------
    what : str
        What an error calls the file.
    steps : tuple of callable
        The n-th makes what a file of form n says into what one of form n + 1 says.
    error : type
        What is raised.
    key : str
        Under which the number stands.

    Examples
    --------
    >>> colours = Schema("The list", (lambda said: {"colours": said["colors"]},))
    >>> colours.stamped({"colours": ["red"]})
    {'schema': 1, 'colours': ['red']}
    >>> colours.todays({"colors": ["red"]}) == colours.todays({"schema": 1, "colours": ["red"]}) == {"colours": ["red"]}
    True
    """

    what: str
    steps: tuple[Step, ...]
    error: type[CoarseCRFError] = InputError
    key: str = KEY

    @property
    def number(self) -> int:
        """Of today's form."""
        return len(self.steps)

    def stamped(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a file says with the number of today's form before it."""
        return {self.key: self.number, **said}

    def todays(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a file says in today's form, without a number.

        Raises
        ------
        CoarseCRFError
            If the file is of a newer version, or what stands for the number is none.
        """
        content = dict(said)
        number = content.pop(self.key, 0)
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise self.error(
                f"{self.what} says {in_short(number)} for {self.key!r}, which must be a whole number from 0 up. "
                "Correct it, or leave it out for a file from before there were numbers."
            )
        if number > self.number:
            raise self.error(
                f"{self.what} was written by a newer version of napari-coarse-crf: its form is {in_short(number)}, and "
                f"this version knows those up to {self.number}. Update the package: pip install --upgrade "
                "napari-coarse-crf."
            )
        for step in self.steps[number:]:
            content = step(content)
        return content

    def todays_in(self, path: Path, said: Mapping[str, Any]) -> dict[str, Any]:
        """Do what `todays` does for what a file says, which an error names.

        Raises
        ------
        InputError
            As there.
        """
        try:
            return self.todays(said)
        except CoarseCRFError as error:
            raise InputError(f"{path} cannot be used. {error}") from error


def only_unnumbered(said: dict[str, Any]) -> dict[str, Any]:
    """Return what a file of form 0 says: form 1 differs by its number alone."""
    return said
