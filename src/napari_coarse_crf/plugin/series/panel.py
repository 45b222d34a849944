"""What the dock "Annotate a series" shows: the series, its images, the way from one to the next, how far one is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QListView,
    QMenu,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_coarse_crf.plugin.controls.sentence import Sentence
from napari_coarse_crf.plugin.series.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QResizeEvent
    from qtpy.QtWidgets import QAbstractButton

    from napari_coarse_crf.plugin.controls.keys import ViewerKeys
    from napari_coarse_crf.plugin.series.source import Source


_ROWS: Final = 6
"""Of the list, where there is room."""
_FEWEST_ROWS: Final = 4
"""Where the window is low."""
_CHARACTERS: Final = 60
"""Of the title, with the buttons that napari puts before it."""
_NO_STACK: Final = "No image with frames or slices is open"
_BORROW: Final = "Begin with the colours of {}s before"


class SeriesPanel(QWidget):
    """The controls; it knows no viewer."""

    def __init__(self) -> None:
        super().__init__()
        self.choose = _button("Choose folder…", "<p>Annotate the images of a folder one after the other.</p>")
        self.frames = _button("Choose stack", "<p>Annotate the frames or slices of an open stack one by one.</p>")
        self.frames_menu = QMenu(self.frames)
        self.frames.setMenu(self.frames_menu)
        self.path = _Elided()
        self.rows = Rows()
        self.list = _LowList()
        self.list.setModel(self.rows)
        self.list.setUniformItemSizes(True)  # else each of thousands is measured
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setAccessibleName("Images of the series")
        self.previous = _button("Previous", "<p>Save, and open the image before.</p>")
        self.next = _button("Next", "<p>Save, and open the next image.</p>")
        self.done = QCheckBox("Done")
        self.done.setToolTip("<p>Whether this image is finished; the list shows it.</p>")
        self.done_next = _button(
            "Done, next", "<p>Mark this image as done, save, and open the next one that is not done yet.</p>"
        )
        self.borrow = QCheckBox(_BORROW.format("image"))
        self.borrow.setToolTip(
            "<p>An image or frame without strokes gets a first result by the colours of the strokes on those before "
            "it, the nearest four. For images of one kind and light; a few strokes of its own are far better.</p>"
        )
        self.progress = QLabel()
        self.status = Sentence(lines=3)
        self._keys: dict[str, QAbstractButton] = {
            "PageUp": self.previous,
            "PageDown": self.next,
            "Shift-D": self.done_next,
        }
        self._lay_out()

    def sizeHint(self) -> QSize:
        """Return a width that has room for the title, too, which napari writes with the name of the plugin."""
        hint = super().sizeHint()
        return QSize(max(hint.width(), _CHARACTERS * self.fontMetrics().averageCharWidth()), hint.height())

    def take_keys(self, keys: ViewerKeys) -> None:
        """Let keys press the buttons, and say so in their tooltips."""
        for key, button in self._keys.items():
            if keys.click(key, button) and (said := f"<p>Key: {key}</p>") not in button.toolTip():
                button.setToolTip(button.toolTip() + said)

    def offer_stacks(self, names: Sequence[str]) -> None:
        """List stacks in the menu."""
        self.frames_menu.clear()
        for name in names or [_NO_STACK]:
            self.frames_menu.addAction(name)
        for action in self.frames_menu.actions():
            action.setEnabled(bool(names))

    def show_source(self, source: Source | None) -> None:
        """List the images or frames of a series."""
        self.path.show_path("" if source is None else source.title)
        self.rows.show_source(source)
        self.borrow.setText(_BORROW.format("image" if source is None else source.one))

    def show_state(self, source: Source | None, row: int | None, *, opened: bool) -> None:
        """Show where a person is, and how far they are."""
        count = 0 if source is None else len(source.names)
        self.previous.setEnabled(row is not None and row > 0)
        self.next.setEnabled(row is not None and row < count - 1)
        for button in (self.done, self.done_next):
            button.setEnabled(opened)
        self.progress.setText("" if source is None else f"{source.done_count} of {count} done")
        if row is not None:
            self.list.setCurrentIndex(self.rows.index(row))
            self.rows.note_states()

    def _lay_out(self) -> None:
        top, way, end = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.choose, 1)
        top.addWidget(self.frames, 1)
        for button in (self.previous, self.next, self.done_next):
            way.addWidget(button, 1)
        end.addWidget(self.done)
        end.addStretch()
        end.addWidget(self.progress)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(top)
        layout.addWidget(self.path)
        layout.addWidget(self.list, 1)
        layout.addLayout(way)
        layout.addLayout(end)
        layout.addWidget(self.borrow)
        layout.addWidget(self.status)


class _LowList(QListView):
    """A list that asks for a few rows: the other dock needs the height more. It takes what there is."""

    def sizeHint(self) -> QSize:
        return self._room_for(_ROWS)

    def minimumSizeHint(self) -> QSize:
        return self._room_for(_FEWEST_ROWS)

    def _room_for(self, rows: int) -> QSize:
        return QSize(super().sizeHint().width(), rows * self.fontMetrics().lineSpacing() + 2 * self.frameWidth())


class _Elided(QLabel):
    """A path, shortened in the middle to the room there is."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def show_path(self, path: str) -> None:
        self._text = path
        self.setToolTip(self._text)
        self._shorten()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._shorten()

    def _shorten(self) -> None:
        metrics = self.fontMetrics()
        frame = self.sizeHint().width() - metrics.horizontalAdvance(self.text())  # which napari's theme draws around it
        self.setText(metrics.elidedText(self._text, Qt.TextElideMode.ElideMiddle, self.width() - frame))


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    return button
