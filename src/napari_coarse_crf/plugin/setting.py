"""What the dock "Refine labels" is set to: the layers and parameters that its controls say, read once for all that ask.

Run, Live and Next place work from it; see `live.Dock`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_coarse_crf.plugin.jobs.refiner_cache import RefinerCache
from napari_coarse_crf.plugin.layers.accepted import keeping_accepted
from napari_coarse_crf.plugin.layers.snapshot import Snapshot

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

    from napari_coarse_crf import Parameters
    from napari_coarse_crf.plugin.controls.layer_box import SteadyBox
    from napari_coarse_crf.plugin.controls.parameters import ParameterControls
    from napari_coarse_crf.plugin.controls.scope import ScopeControls
    from napari_coarse_crf.plugin.layers.choice import Choice
    from napari_coarse_crf.tiles.parts import Scope


class Setting:
    """What is to be refined, and how.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where the layers are.
    image_box, labels_box : SteadyBox
        Say which layers.
    scope : ScopeControls
        Says what of them.
    controls : ParameterControls
        Say how.

    Attributes
    ----------
    refiners : RefinerCache
        Where the Refiner of the last full result is kept.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        image_box: SteadyBox,
        labels_box: SteadyBox,
        scope: ScopeControls,
        controls: ParameterControls,
    ) -> None:
        self._viewer = viewer
        self._image_box, self._labels_box, self._scope, self._controls = image_box, labels_box, scope, controls
        self._snapshot: Snapshot | None = None
        self._seen_of: tuple[Snapshot, Scope, Snapshot] | None = None
        self.refiners = RefinerCache()

    @property
    def layers(self) -> tuple[Layer | None, Layer | None]:
        """Image and labels, as they are chosen."""
        return self._image_box.value, self._labels_box.value

    @property
    def choice(self) -> Choice:
        """What is chosen besides the two layers, and what was accepted for these labels."""
        return keeping_accepted(self._viewer, self._labels_box.value, self._scope.choice())

    @property
    def snapshot(self) -> Snapshot:
        """All of it at one moment: looked at anew after `forget`."""
        if self._snapshot is None:
            self._snapshot = Snapshot.take(*self.layers, self.choice)
        return self._snapshot

    @property
    def parameters(self) -> Parameters:
        """What a run is made with."""
        return self._controls.parameters

    @property
    def shown_parameters(self) -> Parameters:
        """The same with fixed weights: where the labels choose them, those that they chose last."""
        return self._controls.shown

    @property
    def look_scope(self) -> Scope:
        """What a quick look is at: the current slice, where slices are refined each on its own; of tiles, the view."""
        return self._scope.choice(one_slice=True).scope

    @property
    def seen(self) -> Snapshot:
        """What Live and Next place work on: of an image that is refined tile by tile, what is in view."""
        whole = self.snapshot
        if not whole.choice.by_tiles:
            return whole
        scope = self.look_scope
        if self._seen_of is None or self._seen_of[:2] != (whole, scope):
            self._seen_of = whole, scope, whole.narrowed(scope).alone()
        return self._seen_of[2]

    def forget(self) -> None:
        """Take note that layers or controls may say something else."""
        self._snapshot = None

    def begin_anew(self) -> None:
        """Take note that other layers are chosen: a job that still runs keeps the Refiners that it has."""
        self.refiners = RefinerCache()
        self.forget()
