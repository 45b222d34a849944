"""One colour of a label changes, and no other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap, label_colormap

from napari_coarse_crf.plugin.layers.colours import colours_of, make_seen, set_colour

GREEN = (0.0, 1.0, 0.0, 1.0)
IDS = [1, 3, 4, 52, 101, 70_000]  # 3, 52 and 101 have the same turn among napari's 49 colours


def layer_with(colormap: Any = None) -> Labels:
    return Labels(np.array([IDS]), colormap=label_colormap() if colormap is None else colormap)


def of_each_id() -> DirectLabelColormap:
    return DirectLabelColormap(color_dict={None: "grey", 0: (0, 0, 0, 0), 3: "red", 52: "blue"})


@pytest.mark.parametrize("colormap", [label_colormap(), label_colormap(7), of_each_id()])
@pytest.mark.parametrize("label_id", [3, 52, 70_000])
def test_one_colour_changes_and_all_others_stay(colormap: Any, label_id: int) -> None:
    layer = layer_with(colormap)
    before = colours_of(layer, IDS)
    set_colour(layer, label_id, GREEN, IDS)
    after = colours_of(layer, IDS)
    changed = IDS.index(label_id)
    np.testing.assert_allclose(after[changed], GREEN)
    np.testing.assert_allclose(np.delete(after, changed, 0), np.delete(before, changed, 0), atol=1e-6)
    np.testing.assert_allclose(layer.get_color(label_id), GREEN)


def test_ids_that_nobody_uses_yet_keep_colours_of_their_own() -> None:
    layer = layer_with()
    before = colours_of(layer, range(1, 500))
    set_colour(layer, 3, GREEN, IDS)
    differ = np.flatnonzero((colours_of(layer, range(1, 500)) != before).any(axis=1)) + 1
    assert 3 in differ
    assert not {52, 101} & set(differ)
    assert len(differ) <= 4


def test_a_layer_that_shows_the_selected_label_alone_goes_on_so() -> None:
    layer = layer_with()
    layer.selected_label, layer.show_selected_label = 4, True
    set_colour(layer, 3, GREEN)
    assert layer.colormap.use_selection
    assert layer.colormap.selection == 4
    np.testing.assert_allclose(colours_of(layer, [3])[0], GREEN)


def test_a_label_without_a_colour_gets_one_and_others_keep_theirs() -> None:
    nothing = (0, 0, 0, 0)
    layer = layer_with(DirectLabelColormap(color_dict={None: nothing, 0: nothing, 3: "red"}))
    make_seen(layer, 4)
    make_seen(layer, 3)
    assert layer.get_color(4)[3] == 1
    np.testing.assert_allclose(layer.get_color(3), (1, 0, 0, 1))
    np.testing.assert_allclose(layer.get_color(52), nothing)


def test_ids_that_only_unsigned_numbers_of_64_bits_hold_have_colours() -> None:
    highest = 2**64 - 1
    layer = Labels(np.full((3, 3), highest, np.uint64))
    set_colour(layer, highest, (0.0, 1.0, 0.0, 1.0))
    np.testing.assert_allclose(colours_of(layer, [1, highest])[1], (0.0, 1.0, 0.0, 1.0))
