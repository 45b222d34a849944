"""What can go wrong, in words.

Every message says what was found, what is needed and what to do; the widget and the command line show it unchanged.
"""

_LONGEST = 100  # letters


def in_short(value: object) -> str:
    """Return a value as a message names it, however long it is.

    Examples
    --------
    >>> in_short("80"), in_short(10**5000)
    ("'80'", 'a number of very many digits')
    """
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4300 digits
        return "a number of very many digits"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


class CoarseCRFError(ValueError):
    """Base of every error that this package raises on purpose."""


class ParameterError(CoarseCRFError):
    """A parameter is outside its range."""


class InputError(CoarseCRFError):
    """The image, the labels or something that comes with them cannot be used."""


class CoarseCRFWarning(UserWarning):
    """The result is usable, but a person should look at it."""
