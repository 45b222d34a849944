"""What the section "Result" looks like: buttons, table, slider, and which of them can be used.

It decides nothing; `section` and `looking` connect it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psygnal import Signal
from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import signals_blocked

from napari_coarse_crf.plugin.controls.scrolling import scrolling
from napari_coarse_crf.plugin.controls.sentence import Sentence
from napari_coarse_crf.plugin.controls.slider import Slider
from napari_coarse_crf.plugin.layers.saved import SUFFIX
from napari_coarse_crf.plugin.result.contour_box import ContourBox
from napari_coarse_crf.plugin.result.numbers import Comparison
from napari_coarse_crf.plugin.result.objects import ObjectsBox
from napari_coarse_crf.plugin.result.table import LabelTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qtpy.QtGui import QColor

    from napari_coarse_crf.plugin.layers.record import Record
    from napari_coarse_crf.plugin.result.boxes import ComparedBoxes

FLIP_KEY = "N"
"""Next. napari itself uses it neither for the viewer nor for a kind of layer."""
_MOST_CUT = 100  # per cent
_LEAST_HEIGHT = 200
_MOST_CHARACTERS = 12
"""Of a name on a button: two of them share the width of a narrow dock."""


class ResultPanel(QWidget):
    """All of the section but its heading: what scrolls, and a sentence below that is always in sight.

    Parameters
    ----------
    boxes : ComparedBoxes
        Shown at the top.

    Attributes
    ----------
    body : QWidget
        What scrolls.
    difference_chosen : psygnal.Signal
        Emitted with the place in the menu of differences.
    """

    difference_chosen = Signal(int)

    def __init__(self, boxes: ComparedBoxes) -> None:
        super().__init__()
        self._make_looking()
        self._make_measuring()
        self._make_layers()
        self._make_objects()
        self.save_button = _button(
            "Save result…",
            "<p>Writes the refined labels (TIFF or PNG), the confidence (TIFF) and the parameters (JSON) side by side, "
            f"and a file '{SUFFIX}': open that in napari to have this layer again, with colours, names and place.</p>",
        )
        self.status = Sentence(lines=2, most=8)
        self.body = QWidget()
        self._lay_out_body(boxes)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        scroll = scrolling(self.body)
        scroll.setMinimumHeight(_LEAST_HEIGHT)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.status)

    def sizeHint(self) -> QSize:
        """Return the room without what a long sentence takes of that of the rest: nothing above is to move."""
        hint = super().sizeHint()
        return QSize(hint.width(), hint.height() - self.status.growth)

    @property
    def cut(self) -> int:
        """How many per cent of the filled pixels are to be left unlabelled, by the slider."""
        return int(self.cut_slider.value())

    def say(self, sentence: str) -> None:
        """Show a sentence."""
        self.status.setText(sentence)

    def offer(self, *, ready: bool, known: bool, label: str) -> None:
        """Enable what can be done: with the layers (`ready`), a result of this session (`known`), a chosen label."""
        looking = (self.flip_button, self.blink_button, self.contour_button, self.grid_button)
        for widget in (*looking, self.difference_button):
            widget.setEnabled(ready)
        self.confidence_button.setEnabled(known)
        self._cut_row.setEnabled(known)
        of_label = f" of {_shortened(label, self.objects_button)}" if label else ""
        self.heatmap_button.setEnabled(known and bool(label))
        self.heatmap_button.setText(f"Heatmap{of_label}")
        self.objects_button.setEnabled(ready and bool(label))
        self.objects_button.setText(f"Objects{of_label}")

    def show_contours(self, *, on: bool, has_truth: bool) -> None:
        """Offer what may be outlined, while anything is."""
        self.contour_box.setVisible(on)
        self.contour_box.truth.setEnabled(has_truth)

    def show_cut(self, record: Record | None) -> None:
        """Show how much of what was filled is left unlabelled."""
        with signals_blocked(self.cut_slider):
            self.cut_slider.setValue(0 if record is None else record.percent)
        self._show_cut_value()

    def offer_differences(self, titles: Sequence[str]) -> None:
        """Fill the menu of differences."""
        texts = [title.replace("&", "&&") for title in titles]  # else "&" would underline what follows
        menu = self.difference_menu
        # Left as it is where nothing changed: the layer that a chosen one adds leads here too.
        if [action.text() for action in menu.actions()] != texts:
            menu.clear()
            for text in texts:
                menu.addAction(text)

    def show_comparison(self, comparison: Comparison, colours: Mapping[int, QColor]) -> None:
        """Fill the table."""
        self.table.show_comparison(comparison, colours)
        for widget in (self.table, self.copy_button, self.save_table_button):
            widget.setVisible(bool(comparison.rows))
        if comparison.note:
            self.say(comparison.note)

    def show_nothing(self) -> None:
        """Empty the table."""
        self.show_comparison(Comparison(), {})

    def _lay_out_body(self, boxes: ComparedBoxes) -> None:
        layout = QVBoxLayout(self.body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(boxes)
        looking = (self.flip_button, self.blink_button, self.contour_button, self.grid_button)
        layout.addLayout(_in_rows([*looking, self.back_button]))
        layout.addWidget(self.contour_box)
        layout.addWidget(self.table)
        layout.addLayout(_in_rows([self.copy_button, self.save_table_button]))
        layout.addWidget(self._cut_row)
        layout.addWidget(QLabel("Add as a layer:"))
        layout.addLayout(_in_rows([self.difference_button, self.confidence_button, self.heatmap_button]))
        layout.addWidget(self.objects_box)
        layout.addLayout(_in_rows([self.objects_button, self.save_objects_button]))
        layout.addWidget(self.save_button)
        layout.addStretch()

    def _on_difference(self, action: Any) -> None:
        # Only the place: a menu keeps what its actions were made with even after they are gone.
        self.difference_chosen.emit(self.difference_menu.actions().index(action))

    def _show_cut_value(self) -> None:
        self.cut_value.setText(f"{self.cut} %")

    def _make_looking(self) -> None:
        self.flip_button = _button("Flip", "Shows the compared layers one after the other, each alone.")
        self.blink_button = _button("Blink", "Flips by itself until you press it again.", checkable=True)
        self.contour_button = _button(
            "Contours", "Draws the compared layers as outlines, those of the truth in white.", checkable=True
        )
        self.contour_box = ContourBox()
        self.contour_box.hide()
        self.grid_button = _button("Side by side", "Lays image and compared layers beside each other.", checkable=True)
        self.back_button = _button("Put layers back", "Shows all layers as they were before.")

    def _make_measuring(self) -> None:
        self.table = LabelTable()
        self.copy_button = _button("Copy table", "Copies the table for a spreadsheet or a text.")
        self.save_table_button = _button("Save table…", "Saves the table as a CSV file.")
        for widget in (self.table, self.copy_button, self.save_table_button):
            widget.hide()

    def _make_layers(self) -> None:
        tip = (
            "<p>So many per cent of the pixels that were filled, those that the refinement is least sure of, become "
            "unlabelled (0) in the refined layer, without another run; fewer where many are equally sure. Move it back "
            "and they return. Your strokes and what you paint on the refined layer stay.</p>"
            "<p>Known for results of this session.</p>"
        )
        self.cut_slider = Slider()
        self.cut_slider.setRange(0, _MOST_CUT)
        self.cut_slider.setAccessibleName("Share of the filled pixels to leave unlabelled, the least sure ones")
        self.cut_value = QLabel("0 %")
        self.cut_slider.valueChanged.connect(self._show_cut_value)
        title = QLabel("Leave the least sure unlabelled")
        title.setBuddy(self.cut_slider)
        self._cut_row = QFrame()
        self._cut_row.setToolTip(tip)
        rows = QGridLayout(self._cut_row)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(title, 0, 0)
        rows.addWidget(self.cut_value, 0, 1, Qt.AlignmentFlag.AlignRight)
        rows.addWidget(self.cut_slider, 1, 0, 1, 2)
        self.difference_button = _button("Difference", "What was filled, what two refinements differ in, errors.")
        self.difference_menu = QMenu(self.difference_button)
        self.difference_menu.triggered.connect(self._on_difference)
        self.difference_button.setMenu(self.difference_menu)
        self.confidence_button = _button(
            "Confidence", "How sure the refinement is of each pixel. Known for results of this session."
        )
        self.heatmap_button = _button(
            "Heatmap",
            "How probable a label was at each pixel before the CRF, the step in which pixels pull each other. Click a "
            "row of the table first. Known for results of this session.",
        )

    def _make_objects(self) -> None:
        self.objects_box = ObjectsBox()
        self.objects_button = _button(
            "Objects",
            "Adds a layer with an id for each object of a label: its connected parts, split where they are narrow. "
            "Click a row of the table first. napari shows area, centre and confidence of the one under the cursor.",
        )
        self.save_objects_button = _button(
            "Save objects…", "Saves the table of the objects that were found last as a CSV file."
        )
        self.save_objects_button.setEnabled(False)


def _button(text: str, tooltip: str, *, checkable: bool = False) -> QPushButton:
    button = QPushButton(text)
    button.setCheckable(checkable)
    button.setToolTip(f"<p>{tooltip}</p>")  # a paragraph: Qt breaks lines in rich text only
    return button


def _shortened(name: str, button: QPushButton) -> str:
    """Return a name as a button shows it: no wider, and "&" as it is, which would underline what follows."""
    metrics = button.fontMetrics()
    width = _MOST_CHARACTERS * metrics.averageCharWidth()
    return str(metrics.elidedText(name, Qt.TextElideMode.ElideRight, width)).replace("&", "&&")


def _in_rows(buttons: list[QPushButton]) -> QGridLayout:
    """Return two buttons a row; a last one without a partner takes the width of both."""
    grid = QGridLayout()
    for place, button in enumerate(buttons):
        alone = place == len(buttons) - 1 and place % 2 == 0
        grid.addWidget(button, place // 2, place % 2, 1, 2 if alone else 1)
    return grid
