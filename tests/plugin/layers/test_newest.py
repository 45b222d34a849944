"""One result at a time is seen; the others are hidden, not removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.components import ViewerModel

from napari_coarse_crf.plugin.layers.look import add_result, read_look
from napari_coarse_crf.plugin.layers.newest import show_alone, show_only, was_hidden_for_another

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEY = "napari_coarse_crf"


def add_results(labels: NDArray[Any], count: int) -> tuple[ViewerModel, list[Any]]:
    """Return a viewer with strokes and some results of theirs, each shown alone when it came."""
    viewer = ViewerModel()
    viewer.add_image(labels.astype(float), name="photo")
    source = viewer.add_labels(labels, name="strokes")
    results = []
    for _ in range(count):
        about = {"parameters": {}, "labels": "strokes"}
        results.append(add_result(viewer, labels.copy(), read_look(source), about, source))
        show_alone(viewer, results[-1])
    return viewer, results


def test_of_several_results_the_newest_is_seen_and_the_persons_own_layers_stay(labels: NDArray[Any]) -> None:
    viewer, results = add_results(labels, 3)
    assert [layer.name for layer in viewer.layers if layer.visible] == ["photo", "strokes", "strokes refined [2]"]
    assert [was_hidden_for_another(layer) for layer in results] == [True, True, False]


def test_a_result_that_is_seen_already_is_not_drawn_again(labels: NDArray[Any]) -> None:
    viewer, (result,) = add_results(labels, 1)
    drawn: list[Any] = []
    result.events.set_data.connect(drawn.append)
    show_alone(viewer, result)
    assert not drawn
    result.visible = False
    show_alone(viewer, result)
    assert result.visible
    assert len(drawn) == 1


def test_what_was_made_of_an_earlier_result_goes_with_it(labels: NDArray[Any]) -> None:
    viewer, (result,) = add_results(labels, 1)
    about = {KEY: {"shows": "confidence", "of": result.name}}
    confidence = viewer.add_image(labels.astype(float), name="confidence", metadata=about)
    show_alone(viewer, result)
    assert confidence.visible
    newer = add_result(
        viewer, labels.copy(), read_look(viewer.layers["strokes"]), {"parameters": {}}, viewer.layers["strokes"]
    )
    show_alone(viewer, newer)
    assert not confidence.visible
    assert not result.visible


def test_a_result_that_lies_elsewhere_stays_in_sight(labels: NDArray[Any]) -> None:
    viewer, (result,) = add_results(labels, 1)
    other = viewer.add_labels(labels, name="others", translate=(0, 100))
    newer = add_result(viewer, labels.copy(), read_look(other), {"parameters": {}, "labels": "others"}, other)
    show_alone(viewer, newer)
    assert result.visible
    assert newer.visible


def test_what_a_person_has_shown_again_is_not_said_to_be_hidden(labels: NDArray[Any]) -> None:
    _, (first, _) = add_results(labels, 2)
    first.visible = True
    assert not was_hidden_for_another(first)


def test_a_map_of_a_result_is_seen_without_the_result_and_the_other_maps(labels: NDArray[Any]) -> None:
    viewer, (result,) = add_results(labels, 1)
    for title in ("confidence", "heatmap"):
        about = {KEY: {"shows": title, "of": result.name}}
        show_only(viewer, viewer.add_image(labels.astype(float), name=title, metadata=about))
        assert [layer.name for layer in viewer.layers if layer.visible] == ["photo", "strokes", title]
    assert was_hidden_for_another(result)
    show_only(viewer, result)
    assert [layer.name for layer in viewer.layers if layer.visible] == ["photo", "strokes", result.name]
