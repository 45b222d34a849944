"""What the tests of the plugin share: a small problem, a docked widget, and a watch over forgotten workers."""

from __future__ import annotations

import gc
import sys
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import napari.settings
import numpy as np
import pytest
from napari._vispy import canvas
from napari.components import LayerList
from npe2 import PluginManager
from qtpy.QtCore import QThreadPool
from superqt.utils import WorkerBase

from tests.plugin.waiting import TIMEOUT, PatientBot, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from napari_coarse_crf.plugin import RefineWidget


# napari before 0.9 has no settings for plugins.
collect_ignore = [] if hasattr(napari.settings, "get_plugin_settings") else ["controls/test_preferences.py"]


def look_through_no_more() -> None:
    """Let Python leave alone, when it looks for what is garbage, what there is after a test: it stays.

    napari keeps what its menus were made of, some 4 000 objects for each viewer of a test: a look for
    garbage would take as long as opening a viewer after a hundred tests.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def viewers_open_quickly() -> Iterator[None]:
    """Read the manifests of plugins once, not for every viewer.

    napari looks for garbage whenever a layer goes, for drivers on Windows.
    """
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(PluginManager, "discover", lru_cache(PluginManager.discover))
        if sys.platform != "win32":
            patches.setattr(canvas, "gc", SimpleNamespace(collect=int), raising=False)
        yield


@pytest.fixture
def make_napari_viewer(make_napari_viewer: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return napari's own maker of viewers, which at the end of a test does not take out layer after layer first.

    A test that closes a viewer itself does it as napari does.
    """
    yield make_napari_viewer
    monkeypatch.setattr(LayerList, "clear", lambda _layers: None)  # until napari has closed them, in its turn


@pytest.fixture
def qtbot(qapp: Any, request: pytest.FixtureRequest) -> PatientBot:
    """Return pytest-qt's robot, which waits longer here."""
    return PatientBot(request)


@pytest.fixture(autouse=True)
def no_worker_is_left(qapp: Any) -> Iterator[None]:
    yield
    assert QThreadPool.globalInstance().waitForDone(TIMEOUT)
    qapp.processEvents()  # delivers what the last worker sent
    running = [worker for worker in WorkerBase._worker_set if worker.is_running]
    assert not running
    look_through_no_more()


@pytest.fixture(autouse=True)
def napari_is_touched_on_the_main_thread_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "1")  # napari then refuses anything else


@pytest.fixture
def image() -> NDArray[np.uint8]:
    """Return an RGB image of two halves, not square, a little noisy."""
    random = np.random.default_rng(3)
    image = np.full((40, 60, 3), (60, 90, 40), np.uint8)
    image[:, 35:] = (180, 60, 90)
    return image + random.integers(0, 12, image.shape, dtype=np.uint8)


@pytest.fixture
def labels() -> NDArray[np.int32]:
    """Return one stroke on each half, with ids that leave gaps."""
    labels = np.zeros((40, 60), np.int32)
    labels[10:30, 8] = 3
    labels[10:30, 50] = 70_000
    return labels


@pytest.fixture
def dock(make_napari_viewer: Callable[..., Any]) -> Callable[..., tuple[Any, RefineWidget]]:
    """Return a function that opens a viewer with these layers and docks the widget as a user would."""

    def open_dock(image: Any = None, labels: Any = None, **image_keywords: Any) -> tuple[Any, RefineWidget]:
        viewer = make_napari_viewer()
        if image is not None:
            viewer.add_image(image, name="photo", **image_keywords)
        if labels is not None:
            viewer.add_labels(labels, name="strokes")
        _, widget = viewer.window.add_plugin_dock_widget("napari-coarse-crf", "Refine labels")
        return viewer, widget

    return open_dock


@pytest.fixture
def press_run(qtbot: Any) -> Callable[[RefineWidget], Any]:
    """Return a function that clicks Run and returns the new layer once the widget is ready again."""

    def press(widget: RefineWidget) -> Any:
        with qtbot.waitCallback() as refined:
            widget.refined.connect(refined)
            widget.run_bar.button.click()
        widget.refined.disconnect(refined)
        wait_until_ready(qtbot, widget)
        return refined.args[0]

    return press
