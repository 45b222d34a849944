"""The part "Classes" of the dock: name, colour and key of each label of the chosen layer.

Names are kept in the layer's features and colours in its colormap, where napari itself, results and saved files have
them from; nothing is remembered here.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

import numpy as np
from napari.layers import Labels, Points, Shapes
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QColor, QKeySequence
from qtpy.QtWidgets import QColorDialog, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_coarse_crf.plugin.controls.class_table import ClassRow, ClassTable
from napari_coarse_crf.plugin.controls.heading import Heading
from napari_coarse_crf.plugin.controls.keys import undo_nothing
from napari_coarse_crf.plugin.jobs.background import Background
from napari_coarse_crf.plugin.jobs.worker import Failure
from napari_coarse_crf.plugin.layers.accepted import seen_part
from napari_coarse_crf.plugin.layers.classes import class_names_of, in_words, name_class
from napari_coarse_crf.plugin.layers.colours import colours_of, make_seen, set_colour
from napari_coarse_crf.plugin.layers.following import Following
from napari_coarse_crf.plugin.layers.ids import find_ids, range_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    import napari
    from napari.layers import Layer

    from napari_coarse_crf.plugin.controls.keys import ViewerKeys

DIGITS: Final = range(1, 10)
MOST_LISTED: Final = 50
"""Of thousands of objects with an id each nobody needs a list."""
_LOOK_AGAIN_MS: Final = 200
"""How long after a stroke the ids are looked for again: once for many strokes."""
_MOST_PIXELS: Final = 2**26
"""Of labels in memory that are looked at as a whole after each stroke."""
_TASK: Final = "ids"
_IDLE: Final = ("pan_zoom", "transform")
"""Tools of a layer that paint nothing."""
_ABOUT: Final = (
    "Name and colour of each label, and the key that selects it while you paint. They are kept in the layer, shown "
    "wherever labels are told, given to results and saved with them."
)


class ClassControls(QWidget):
    """Lists the labels of a layer to choose, name and colour them.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers are.

    Attributes
    ----------
    heading : Heading
        Unfolds the list.
    table : ClassTable
        The list.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._following = Following(viewer)
        self._background = Background()
        self._layer: Layer | None = None
        self._found: list[int] = []  # painted
        self._added: list[int] = []  # in this list, whether they are painted yet or not
        self._digits: list[int] = []  # whose keys are ours
        self.heading = Heading("Classes", "names, colours, keys", _ABOUT)
        self.table = ClassTable()
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.add_button = QPushButton("Add class")
        self.add_button.setToolTip("<p>Takes the brush with the next free id, and asks for its name.</p>")
        self._look_soon = QTimer(self)
        self._look_soon.setSingleShot(True)
        self._look_soon.setInterval(_LOOK_AGAIN_MS)
        self._lay_out()
        self._look_soon.timeout.connect(self._look)
        self.heading.toggled.connect(self._body.setVisible)
        self.table.chosen.connect(self._on_chosen)
        self.table.taken.connect(self._take_brush)
        self.table.named.connect(self._on_named)
        self.table.edited.connect(self._show)
        self.table.colour_asked.connect(self._on_colour_asked)
        self.add_button.clicked.connect(self._on_add)
        self.destroyed.connect(self._background.abandon)  # with a dock that nobody holds, which hears nothing of it
        self.follow(None)

    def follow(self, layer: Layer | None) -> None:
        """List the labels of this layer, and of no other any more; None: hold nothing of the viewer."""
        self._following.follow(layer)
        if layer is self._layer:
            return
        self._watch(False)
        self._layer = layer
        self._found, self._added = [], []
        self._background.drop(_TASK)
        self._look_soon.stop()
        self._watch(True)
        self._look()
        self._show()

    def take_keys(self, keys: ViewerKeys) -> None:
        """Let Ctrl (on a Mac, Command) and a digit select a label.

        The digits alone are napari's, for the modes of its layers; with Alt held, a brush changes its size when the
        pointer moves.
        """
        self._digits = [digit for digit in DIGITS if keys.call(f"Control-{digit}", _presser(self, digit))]
        self._show()

    def press(self, digit: int) -> None:
        """Select the label of a digit, and take the brush."""
        for label_id, its_digit in digits_of(self._listed()).items():
            if its_digit == digit:
                self._on_chosen(label_id)
                self._take_brush()

    @property
    def _labels(self) -> Labels | None:
        return self._layer if isinstance(self._layer, Labels) else None

    def _lay_out(self) -> None:
        self._body = QWidget()
        self._body.hide()
        body, layout = QVBoxLayout(self._body), QVBoxLayout(self)
        for each in (body, layout):
            each.setContentsMargins(0, 0, 0, 0)
        for widget in (self.table, self.note, self.add_button):
            body.addWidget(widget)
        layout.addWidget(self.heading)
        layout.addWidget(self._body)

    def _watch(self, on: bool) -> None:
        layer = self._layer
        if layer is None:
            return
        shown = (layer.events.features, *((layer.events.colormap, layer.events.selected_label) if self._labels else ()))
        painted = (layer.events.data, layer.events.paint, layer.events.set_data) if self._labels else ()
        for events, slot in ((shown, self._show), (painted, self._look_soon_again)):
            for event in events:
                (event.connect if on else event.disconnect)(slot)

    def _look_soon_again(self) -> None:
        self._look_soon.start()

    def _look(self) -> None:
        """Look for ids in a thread; of labels that are large or stored elsewhere, in the slices that are seen."""
        layer = self._labels
        if layer is None or layer.multiscale:
            return
        data = layer.data
        is_quick = isinstance(data, np.ndarray) and data.size <= _MOST_PIXELS
        part = ... if is_quick else seen_part(self._viewer, layer)
        known = [] if is_quick else self._found  # on other slices
        self._background.start(_TASK, partial(self._on_found, known), lambda: find_ids(np.asarray(data[part])))

    def _on_found(self, known: list[int], found: Any) -> None:
        if not isinstance(found, Failure):  # what cannot be read, Run tells
            self._found = sorted({*known, *found.tolist()})
            self._show()

    def _all_ids(self) -> list[int]:
        """Return the ids there are to list: in hand, named, added, painted."""
        layer = self._labels
        if layer is None:
            return []
        lowest, highest = range_of(layer.data[0] if layer.multiscale else layer.data)
        ids = dict.fromkeys([int(layer.selected_label), *class_names_of(layer), *self._added, *self._found])
        return [one for one in ids if one and lowest <= one <= highest]

    def _listed(self) -> list[int]:
        return sorted(self._all_ids()[:MOST_LISTED])

    def _show(self) -> None:
        """Show what the layer says now; a name that is being typed is left alone."""
        layer = self._layer
        self.setVisible(layer is not None)
        for widget in (self.table, self.add_button):
            widget.setVisible(self._labels is not None)
        self.note.setText(self._say_more())
        self.note.setVisible(bool(self.note.text()))
        if self._labels is None or self.table.is_edited:
            return
        ids, names = self._listed(), class_names_of(self._labels)
        digits = digits_of(ids)
        keys = {one: _written(digit) for one, digit in digits.items() if digit in self._digits}
        colours = colours_of(self._labels, ids)[:, :3].tolist()
        rows = [
            ClassRow(one, names.get(one, ""), tuple(colour), keys.get(one, ""))
            for one, colour in zip(ids, colours, strict=True)
        ]
        self.table.show_rows(rows, int(self._labels.selected_label))
        self.add_button.setEnabled(self._free_id() is not None)

    def _say_more(self) -> str:
        if isinstance(self._layer, Shapes | Points):
            return (
                f"The classes of '{self._layer.name}' are what its feature 'class' says of each "
                f"{'point' if isinstance(self._layer, Points) else 'shape'}, else its colours: change them there."
            )
        more = len(self._all_ids()) - MOST_LISTED
        return f"{more:,} more labels are not listed." if more > 0 else ""

    def _free_id(self) -> int | None:
        """Return the lowest id that nobody uses, None if the layer can hold no further one."""
        layer = self._labels
        if layer is None or layer.multiscale:
            return None
        return next_free(self._all_ids(), range_of(layer.data)[1])

    def _on_chosen(self, label_id: int) -> None:
        if self._labels is not None:
            self._labels.selected_label = label_id

    def _take_brush(self) -> None:
        """Let the next stroke be one of the chosen label, unless another tool than the hand is in use."""
        if (layer := self._labels) is not None:
            self._viewer.layers.selection.active = layer
            if str(layer.mode) in _IDLE:
                layer.mode = "paint"

    def _on_named(self, label_id: int, name: str) -> None:
        if self._labels is not None:
            name_class(self._labels, label_id, name)

    def _on_add(self) -> None:
        layer, label_id = self._labels, self._free_id()
        if layer is None or label_id is None:
            return
        self._added.append(label_id)
        layer.selected_label = label_id
        make_seen(layer, label_id)
        self._take_brush()
        self._show()
        self.table.edit_name(label_id)

    def _on_colour_asked(self, label_id: int) -> None:
        layer = self._labels
        if layer is None:
            return
        red, green, blue, alpha = map(float, colours_of(layer, [label_id])[0])
        dialog = QColorDialog(QColor.fromRgbF(red, green, blue), self)
        dialog.setWindowTitle(f"Colour of label {in_words(label_id, class_names_of(layer))}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(partial(self._on_colour, label_id, alpha))
        dialog.open()  # not executed: napari stays alive below it

    def _on_colour(self, label_id: int, alpha: float, colour: QColor) -> None:
        if self._labels is not None:
            opaque = (colour.redF(), colour.greenF(), colour.blueF(), alpha or 1.0)
            set_colour(self._labels, label_id, opaque, self._all_ids())


def _presser(controls: ClassControls, digit: int) -> Callable[[Any], Callable[[], None]]:
    """Return what a key does; a function, as napari asks for its name."""
    weak = ref(controls)  # the viewer would keep a closed dock otherwise

    def press(_viewer: Any) -> Callable[[], None]:
        if (living := weak()) is not None:
            living.press(digit)
        return undo_nothing

    return press


def digits_of(label_ids: Iterable[int]) -> dict[int, int]:
    """Return the digit that selects each label: its own, for others the next that is left; none beyond nine.

    Examples
    --------
    >>> digits_of([2, 70, 71])
    {2: 2, 70: 1, 71: 3}
    """
    ids = list(label_ids)
    own = {one: one for one in ids if one in DIGITS}
    left = (digit for digit in DIGITS if digit not in own)
    return own | dict(zip((one for one in ids if one not in own), left, strict=False))


def next_free(label_ids: Collection[int], highest: int) -> int | None:
    """Return the lowest id above 0 that is free, None if there is none up to the highest.

    Examples
    --------
    >>> next_free([1, 2, 4, 255], 255)
    3
    """
    taken = set(label_ids)
    free = next(one for one in range(1, len(taken) + 2) if one not in taken)
    return free if free <= highest else None


def _written(digit: int) -> str:
    """Return a key as it is written on the keyboard of this computer."""
    return str(QKeySequence(f"Ctrl+{digit}").toString(QKeySequence.SequenceFormat.NativeText))
