"""What can go wrong, in words.

Every message says what was found, what is needed and what to do; the widget and the command line show it unchanged.
"""


class CoarseCRFError(ValueError):
    """Base of every error that this package raises on purpose."""


class ParameterError(CoarseCRFError):
    """A parameter is outside its range."""


class InputError(CoarseCRFError):
    """The image, the labels or something that comes with them cannot be used."""


class CoarseCRFWarning(UserWarning):
    """The result is usable, but a person should look at it."""
