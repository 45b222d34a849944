"""Headings of the dock, and those that fold what is below them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize
from qtpy.QtWidgets import QLabel, QPushButton
from superqt import QCollapsible

if TYPE_CHECKING:
    from qtpy.QtGui import QResizeEvent


def heading(section: str, about: str = "") -> QLabel:
    """Return the name of a section of the dock, as a heading; what it is about is its tooltip."""
    label = QLabel(f"<b>{section.capitalize()}</b>")
    label.setToolTip(f"<p>{about}</p>" if about else "")
    label.setContentsMargins(0, 6, 0, 0)
    return label


class Heading(QPushButton):
    """A heading that folds what is below it; looks like a heading, not like a button.

    Parameters
    ----------
    title : str
        What it is called.
    about : str
        What there is below, in a few words; shown while that is folded away.
    tooltip : str
        The same in sentences.
    """

    def __init__(self, title: str, about: str, tooltip: str) -> None:
        super().__init__()
        self._title, self._about = title, about
        self.setCheckable(True)
        self.setStyleSheet("border: none; background: none; font-weight: bold; text-align: left; padding-left: 0px;")
        self.setToolTip(f"<p>{tooltip}</p>")
        self.toggled.connect(self._show_text)
        self._show_text()

    def sizeHint(self) -> QSize:
        """Return the room of the title alone: what it is about is left out where a dock is too narrow."""
        hint = super().sizeHint()
        too_much = self.fontMetrics().horizontalAdvance(self.text()) - self.fontMetrics().horizontalAdvance(self._short)
        return QSize(hint.width() - too_much, hint.height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Follow the width of the dock."""
        super().resizeEvent(event)
        self._show_text()

    @property
    def _short(self) -> str:
        return f"{'▾' if self.isChecked() else '▸'} {self._title}"

    def _show_text(self, *_: Any) -> None:
        whole = f"{self._short}: {self._about}"
        fits = self.fontMetrics().horizontalAdvance(whole) <= self.width()
        self.setText(self._short if self.isChecked() or not fits else whole)


class Folded(QCollapsible):
    """A collapsible part that looks like a heading of napari's theme, not like a button."""

    def __init__(self, title: str) -> None:
        super().__init__(title)
        # superqt draws its arrows in the colour of the system's palette: black on napari's dark theme.
        self.toggleButton().setIconSize(QSize(0, 0))
        self._title = title
        self.setDuration(100)
        self.toggleButton().setStyleSheet("text-align: left; border: none; background: none; font-weight: bold;")
        for part in (self, self.content()):
            layout = part.layout()
            if layout is not None:
                layout.setContentsMargins(0, 0, 0, 0)
        self.toggled.connect(self._show_arrow)
        self._show_arrow(False)

    def _show_arrow(self, expanded: bool) -> None:
        self.setText(f"{'▾' if expanded else '▸'} {self._title}")
