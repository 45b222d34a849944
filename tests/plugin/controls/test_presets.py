"""Named, saved and used parameters, and what the manifest says about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from napari.layers import Labels

from napari_coarse_crf import Parameters
from napari_coarse_crf.io import files
from napari_coarse_crf.plugin.controls.defaults import settings_schema
from napari_coarse_crf.plugin.controls.presets import PresetBar
from napari_coarse_crf.plugin.layers.provenance import parameters_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget

    Dock = Callable[..., tuple[Any, RefineWidget]]

PAPER = Parameters.preset("paper")
ROOT = Path(__file__).parents[3]


@pytest.fixture
def bar(qtbot: Any) -> tuple[PresetBar, list[Any]]:
    """Return the row above the sliders, and a list of what it chooses and says."""
    bar = PresetBar(list)
    told: list[Any] = []
    qtbot.addWidget(bar)
    bar.chosen.connect(told.append)
    bar.failed.connect(told.append)
    return bar, told


def test_parameters_come_back_from_their_file(bar: tuple[PresetBar, list[Any]], tmp_path: Path) -> None:
    presets, told = bar
    presets.show_parameters(PAPER)
    presets.save(tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.json"]
    presets.load(tmp_path / "mine.json")
    assert told == [PAPER]
    assert files.read_preset(tmp_path / "mine.json") == PAPER


def test_a_file_of_a_windows_editor_is_loaded(bar: tuple[PresetBar, list[Any]], tmp_path: Path) -> None:
    presets, told = bar
    (tmp_path / "mine.json").write_text(PAPER.to_json(), encoding="utf-8-sig")
    presets.load(tmp_path / "mine.json")
    assert told == [PAPER]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "not valid JSON"),
        (b"[1]", "must be a JSON object"),
        (b'{"theta": 1}', "no parameter 'theta'"),
        (b'{"theta_alpha": 1e9}', "from 1 to 1000"),
        (b"\xff\xfe\x00", "no text file"),
    ],
)
def test_a_file_that_holds_no_parameters_is_refused_in_words(
    bar: tuple[PresetBar, list[Any]], tmp_path: Path, content: bytes, sentence: str
) -> None:
    presets, told = bar
    path = tmp_path / "mine.json"
    path.write_bytes(content)
    presets.load(path)
    assert len(told) == 1
    assert told[0].startswith(str(path))
    assert sentence in told[0]


def test_files_that_cannot_be_reached_are_named(bar: tuple[PresetBar, list[Any]], tmp_path: Path) -> None:
    presets, told = bar
    presets.load(tmp_path / "gone.json")
    presets.save(tmp_path / "no" / "folder" / "mine.json")
    presets.load(tmp_path)
    assert f"There is no file {tmp_path / 'gone.json'}" in told[0]
    assert "mine.json could not be written" in told[1]
    assert f"{tmp_path} cannot be read" in told[2]


def test_a_layer_says_what_it_was_made_with_if_it_knows(labels: NDArray[Any]) -> None:
    known = {"napari_coarse_crf": {"parameters": PAPER.to_dict()}}
    assert parameters_of(Labels(labels, metadata=known)) == PAPER
    for metadata in ({}, {"napari_coarse_crf": {"parameters": {"theta": 1}}}, {"napari_coarse_crf": 3}):
        assert parameters_of(Labels(labels, metadata=metadata)) is None


def test_the_box_moves_the_sliders_and_names_what_they_say(dock: Dock) -> None:
    _, widget = dock()
    box = widget.presets.box
    assert box.currentText() == "auto"
    box.setCurrentText("paper")
    box.activated.emit(box.currentIndex())
    assert widget.parameters == PAPER
    widget.parameters = PAPER.replace(theta_alpha=81)
    assert box.currentText() == "your own"
    widget.parameters = Parameters()
    assert box.currentText() == "default"


def test_files_are_saved_and_loaded_by_the_widget(dock: Dock, tmp_path: Path) -> None:
    _, widget = dock()
    widget.parameters = PAPER
    widget.presets.save(tmp_path / "mine.json")
    widget.parameters = Parameters()
    widget.presets.load(tmp_path / "mine.json")
    assert widget.parameters == PAPER


def test_a_slip_with_a_file_is_said_beside_run(
    dock: Dock, tmp_path: Path, image: NDArray[Any], labels: NDArray[Any]
) -> None:
    _, widget = dock(image, labels, rgb=True)
    widget.presets.load(tmp_path / "gone.json")
    assert f"There is no file {tmp_path / 'gone.json'}" in widget.status
    assert widget.parameters == Parameters.preset("auto")


def test_the_parameters_of_a_refined_layer_are_taken_over(
    dock: Dock, press_run: Callable[[RefineWidget], Any], image: NDArray[Any], labels: NDArray[Any]
) -> None:
    _, widget = dock(image, labels, rgb=True)
    menu = widget.presets.menu
    menu.aboutToShow.emit()
    assert [(action.text(), action.isEnabled()) for action in menu.actions()] == [
        ("No refined layer yet: press Run first", False)
    ]
    widget.parameters = PAPER
    press_run(widget)
    widget.parameters = Parameters()
    menu.aboutToShow.emit()
    (action,) = menu.actions()
    assert action.text() == "strokes refined"
    action.trigger()
    assert widget.parameters == PAPER


def test_the_manifest_declares_every_parameter_as_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import parameter_settings

    written = parameter_settings.MANIFEST.read_text(encoding="utf-8")
    assert parameter_settings.with_settings(written) == written  # else: python scripts/parameter_settings.py
    assert list(settings_schema()) == list(Parameters.describe())
