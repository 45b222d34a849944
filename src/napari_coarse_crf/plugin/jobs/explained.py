"""Errors that nobody foresaw, in words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari_coarse_crf import CoarseCRFError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Let nothing but our own errors out; another becomes the cause of one of ours.

    In the steps of a job, this is what ends its worker: superqt swallows a RuntimeError of a generator and never ends
    the worker, so napari would stay busy.

    Parameters
    ----------
    what : str
        What did not work, as the beginning of a sentence.
    """
    try:
        yield
    except CoarseCRFError:
        raise
    except MemoryError as error:
        raise CoarseCRFError(
            f"{what}, as the memory does not suffice. Close other layers, or crop the image and its labels."
        ) from error
    except Exception as error:
        raise CoarseCRFError(
            f"{what} because of an internal error ({type(error).__name__}: {error}). Your layers are as they were; "
            "please report it."
        ) from error
