"""What the dock is set to at one moment: the one place that decides whether it can be refined, and what it is.

Run, Live and Next place work from a snapshot, and the sentence beside Run is that of a snapshot; so a change is looked
at once, and what is read is read once.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from napari_coarse_crf import InputError
from napari_coarse_crf.plugin.layers.choice import EVERYTHING, Choice
from napari_coarse_crf.plugin.layers.drawn import as_labels
from napari_coarse_crf.plugin.layers.fit import find_problem, find_problem_of_classes, find_problem_of_scope
from napari_coarse_crf.plugin.layers.look import Look, read_look
from napari_coarse_crf.plugin.layers.match import Match
from napari_coarse_crf.plugin.layers.provenance import BOX, OF_SHAPE
from napari_coarse_crf.plugin.layers.read import Inputs, read_match
from napari_coarse_crf.tiles.parts import Scope, part_shape

if TYPE_CHECKING:
    from napari.layers import Image, Labels, Layer

MOST_ALONE: Final = 2**24
"""Pixels that may be in view where only that is refined, 2.4 GB of memory."""
_TOO_LARGE: Final = "Zoom in to 16 megapixels: Live and Next place look at what is in view here."


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The chosen layers and what else was chosen; read on the main thread, when somebody asks for it.

    Attributes
    ----------
    image_layer, labels_layer : napari.layers.Layer or None
        What is chosen; shapes and points as the labels they stand for.
    choice : Choice
        Scope, further channels, region.
    problem : str
        One sentence on what keeps this from being refined, or "".
    chosen_layer : napari.layers.Layer or None
        The person's own layer that the labels are read from.
    is_alone : bool
        Whether the result is to be of the chosen scope only, and not of all that lies around it, too.
    """

    image_layer: Image | None
    labels_layer: Labels | None
    choice: Choice
    problem: str
    chosen_layer: Layer | None
    is_alone: bool = False

    @classmethod
    def take(cls, image_layer: Image | None, labels_layer: Layer | None, choice: Choice | None = None) -> Snapshot:
        """Look at the layers. By default, all of the two is to be refined."""
        chosen = choice or EVERYTHING
        try:
            labels = as_labels(labels_layer, image_layer, chosen)
        except InputError as error:
            return cls(image_layer, None, chosen, str(error), labels_layer)
        problem = find_problem(image_layer, labels, chosen)
        if labels is not None and labels is not labels_layer:
            problem = problem or find_problem_of_classes(labels, chosen.accepted)
        return cls(image_layer, labels, chosen, problem, labels_layer)

    def narrowed(self, scope: Scope) -> Snapshot:
        """Return the same with another scope, itself if it is the same one."""
        if scope == self.choice.scope or self.labels_layer is None:
            return self
        choice = replace(self.choice, scope=scope, by_tiles=False)
        if self.image_layer is None or self.problem:
            return replace(self, choice=choice)
        problem = find_problem_of_scope(Match.of(self.image_layer, self.labels_layer, choice))
        return replace(self, choice=choice, problem=problem)

    def alone(self) -> Snapshot:
        """Return the same for a result of the chosen scope only, which lies on that part of the image."""
        too_large = ""
        if not self.problem and math.prod(part_shape(self.match.scope.parts(self.match.grid.shape)[0])) > MOST_ALONE:
            too_large = _TOO_LARGE
        return replace(self, is_alone=True, problem=self.problem or too_large)

    @cached_property
    def match(self) -> Match:
        """How the layers belong together.

        Raises
        ------
        InputError
            If there is a problem.
        """
        return Match.of(*self._layers(), self.choice)

    @cached_property
    def inputs(self) -> Inputs:
        """What a run reads; labels that are painted on are copied.

        Raises
        ------
        InputError
            If there is a problem.
        """
        inputs = read_match(self.match)
        return inputs.alone() if self.is_alone else inputs

    @cached_property
    def look(self) -> Look:
        """How the result will look."""
        grid = self.match.grid
        place = grid.place_from([one.start for one in self._window]) if self.is_alone else grid.place
        return read_look(self._layers()[1], place)

    @property
    def source(self) -> Layer:
        """The layer that the result will lie above."""
        _, labels = self._layers()
        return self.chosen_layer or labels

    @property
    def misfit(self) -> str:
        """What was matched in a way to know of, in a sentence each, or ""."""
        return self.match.describe()

    @property
    def in_plain_values(self) -> dict[str, Any]:
        """What was chosen as it stands in the metadata of the result: names, and what differs from all of both."""
        image_layer, labels_layer = self._layers()
        values: dict[str, Any] = {"image": image_layer.name, "labels": labels_layer.name}
        match, choice = self.match, self.choice
        if (scope := replace(choice.scope, apart=None)) != Scope():
            values["scope"] = {name: value for name, value in asdict(scope).items() if name != "apart"}
        if match.time_axes:
            values["time_axes"] = match.time_axes
        if choice.channels:
            values["channels"] = [layer.name for layer in choice.channels]
        if match.channel_axis is not None and not image_layer.rgb:
            values["channel_axis"] = match.channel_axis
        if match.plane is not None:
            values["labels_plane"] = match.plane
        if elsewhere := [one for one in match.lookups if not one.is_here]:
            values["read_at"] = {one.own.layer.name: one.in_plain_values for one in elsewhere}
        if self.is_alone:
            values[BOX] = [[one.start, one.stop] for one in self._window]
            values[OF_SHAPE] = list(match.grid.shape)
        if match.accepted is not None:
            values["accepted"] = match.accepted.name
        if choice.region is not None:
            values["region"] = choice.region.name
        return values

    @property
    def _window(self) -> tuple[slice, ...]:
        return self.match.scope.window(self.match.grid.shape)

    def _layers(self) -> tuple[Image, Labels]:
        if self.image_layer is None or self.labels_layer is None or self.problem:
            raise InputError(self.problem)
        return self.image_layer, self.labels_layer
