"""Ask where to save, ask before anything is overwritten, and write off the main thread.

Dialogs are opened, not executed: napari stays alive below them, and closing it closes them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QMessageBox, QPushButton

from napari_coarse_crf import CoarseCRFError
from napari_coarse_crf.plugin.jobs.worker import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

    from napari_coarse_crf.plugin.jobs.background import Background


class Writable(Protocol):
    """Something that can be written to files."""

    @property
    def existing(self) -> list[Path]:
        """The files that would be replaced."""

    def write(self) -> list[Path]:
        """Write, and return the paths."""


class SaveDialogs:
    """The way from a button to files.

    Parameters
    ----------
    parent : QWidget
        Over which the dialogs open.
    background : Background
        Where the files are written.
    say : callable
        Shows a sentence to the person.
    """

    def __init__(self, parent: QWidget, background: Background, say: Callable[[str], None]) -> None:
        self._parent, self._background, self._say = parent, background, say
        self._folder = ""

    def ask(self, kinds: str, name: str, prepare: Callable[[Path], Writable]) -> None:
        """Ask for a file name, and save what `prepare` makes of it."""
        dialog = QFileDialog(self._parent, "Save", str(Path(self._folder) / name), kinds)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        # Several files are written: all that would be replaced are named in one question afterwards.
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filterSelected.connect(partial(_follow_kind, dialog))
        dialog.fileSelected.connect(partial(self._on_selected, prepare))
        dialog.open()

    def _on_selected(self, prepare: Callable[[Path], Writable], selected: str) -> None:
        self._folder = str(Path(selected).parent)
        try:
            saving = prepare(Path(selected))
        except CoarseCRFError as error:
            self._say(f"Nothing was saved. {error}")
            return
        if saving.existing:
            self._ask_to_replace(saving)
        else:
            self._write(saving)

    def _ask_to_replace(self, saving: Writable) -> None:
        names = [path.name for path in saving.existing]
        question = QMessageBox(self._parent)
        question.setIcon(QMessageBox.Icon.Warning)
        question.setWindowTitle("Replace files?")
        question.setTextFormat(Qt.TextFormat.PlainText)
        question.setText(f"{' and '.join(names)} exist{'s' if len(names) == 1 else ''} in this folder. Replace?")
        # A child of the question, which keeps it: PySide6 would drop a button that only this function knows.
        replace = QPushButton("Replace", question)
        question.addButton(replace, QMessageBox.ButtonRole.AcceptRole)
        question.addButton(QMessageBox.StandardButton.Cancel)
        question.setDefaultButton(QMessageBox.StandardButton.Cancel)
        question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        replace.clicked.connect(partial(self._on_replace, saving))
        question.rejected.connect(self._on_kept)
        question.open()

    def _on_replace(self, saving: Writable, _checked: bool = False) -> None:
        self._write(saving)

    def _on_kept(self) -> None:
        self._say("Nothing was saved: the files that are there stay.")

    def _write(self, saving: Writable) -> None:
        self._say("Saving.")
        self._background.start("saving", self._on_written, saving.write)

    def _on_written(self, outcome: Any) -> None:
        if isinstance(outcome, Failure):
            self._say(str(outcome.error))
            return
        names = ", ".join(path.name for path in outcome)
        self._say(f"Saved {names} in {outcome[0].parent}.")


def _follow_kind(dialog: QFileDialog, kind: str) -> None:
    """Give a name that nobody typed an ending of the chosen kind."""
    selected = dialog.selectedFiles()
    if selected:
        ending = kind[kind.index("*.") + 1 : -1].split()[0]
        dialog.selectFile(str(Path(selected[0]).with_suffix(ending)))
