"""What lies behind a URL, by fsspec: which needs a client for S3, HTTP and others, and says which."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_coarse_crf.errors import InputError
from napari_coarse_crf.io.lazy.places import is_url
from napari_coarse_crf.io.reading import explained

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_coarse_crf.io.lazy.places import Place


def open_url(url: Place) -> Any:
    """Open what a URL leads to, as a file that is read."""
    import fsspec  # here: who refines a file shall not wait for it

    return fsspec.open(str(url), "rb").open()


@contextmanager
def reached(place: Place) -> Iterator[None]:
    """Make a sentence of whatever hinders from reading a place.

    Raises
    ------
    InputError
        Whatever is wrong.
    """
    way_out = "Check the address and what it asks for." if is_url(place) else "Make it anew, or take another one."
    with explained(place, way_out):
        try:
            yield
        except FileNotFoundError as error:
            raise InputError("There is nothing. Check the name and where it lies.") from error
        except ImportError as error:  # the words of fsspec: "Install s3fs to access S3"
            raise InputError(
                f"What reads such addresses is not installed: {str(error).rstrip('.')} (pip install "
                "'napari-coarse-crf[remote]' brings it for S3, HTTP and Google)."
            ) from error
