"""Parts of the dock that scroll: as wide as the dock, in as much height as there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QFrame, QScrollArea, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QAbstractButton

_LINES_FOR_BOTH: Final = 52
"""How many lines of text high a dock is that has room for two parts that scroll."""


class _Scrolling(QScrollArea):
    """An area in which a widget scrolls up and down; never so narrow that something is cut."""

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        body, bar = self.widget(), self.verticalScrollBar()
        if body is None or bar is None:
            return hint
        return QSize(body.minimumSizeHint().width() + bar.sizeHint().width(), hint.height())


def scrolling(body: QWidget) -> QScrollArea:
    """Return an area in which a widget scrolls up and down."""
    scroll = _Scrolling()
    scroll.setWidget(body)
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return scroll


def stacked(widgets: Sequence[QWidget]) -> QWidget:
    """Return the widgets one below the other."""
    body = QWidget()
    layout = QVBoxLayout(body)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch()
    return body


def let_shrink(dock: QWidget | None) -> None:
    """Let a dock become as low again as what it holds allows now.

    napari gives its docks a least size, and where somebody gave one, Qt keeps the largest that was ever needed.
    """
    if isinstance(dock, QDockWidget):
        dock.setMinimumSize(0, 0)


class OneAtATime(QObject):
    """Hides a part of a low dock while another is unfolded: of both there would be two or three rows to see.

    Parameters
    ----------
    dock : QWidget
        Whose height counts.
    part : QWidget
        What gives way.
    stand_in : QAbstractButton
        Is shown in its place; who presses it has the part back, and the other folded.
    heading : QAbstractButton
        Of the other part, which is unfolded while it is checked.
    """

    def __init__(self, dock: QWidget, part: QWidget, stand_in: QAbstractButton, heading: QAbstractButton) -> None:
        super().__init__(dock)
        self._dock, self._part, self._stand_in, self._heading = dock, part, stand_in, heading
        self._settled = QTimer(self)  # Qt asks what the dock needs while both parts are shown, and not again
        self._settled.setSingleShot(True)
        self._settled.timeout.connect(self._let_shrink)
        dock.installEventFilter(self)
        heading.toggled.connect(self._share)
        stand_in.clicked.connect(self._on_stand_in)
        self._share()

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the height of the dock."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self._share()
        return False

    def _share(self) -> None:
        has_room = self._dock.height() >= _LINES_FOR_BOTH * self._dock.fontMetrics().lineSpacing()
        both_fit = has_room or not self._heading.isChecked()
        if self._part.isHidden() == both_fit:
            self._settled.start()
        self._part.setVisible(both_fit)
        self._stand_in.setVisible(not both_fit)

    def _let_shrink(self) -> None:
        let_shrink(self._dock.parentWidget())

    def _on_stand_in(self) -> None:
        self._stand_in.setChecked(False)
        self._heading.setChecked(False)
