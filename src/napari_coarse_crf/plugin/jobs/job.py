"""One refinement of two layers: read before, computed step by step, added as a new layer afterwards.

The widget lets a thread worker take the steps; `refine_layer` takes them itself. Both come this way, so both give the
same pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from napari_coarse_crf import CoarseCRFError, Progress
from napari_coarse_crf.compute.parallel import retold
from napari_coarse_crf.compute.room import free_memory
from napari_coarse_crf.memory import memory_warning
from napari_coarse_crf.parameters import reduce_parameters
from napari_coarse_crf.plugin.jobs.aside import take_aside
from napari_coarse_crf.plugin.jobs.explained import explained
from napari_coarse_crf.plugin.jobs.outcome import Glance, Loaded, Outcome
from napari_coarse_crf.plugin.jobs.refiner_cache import RefinerCache
from napari_coarse_crf.plugin.layers.key import key_of_whole
from napari_coarse_crf.plugin.layers.look import add_result, renewed
from napari_coarse_crf.plugin.layers.newest import show_alone
from napari_coarse_crf.plugin.layers.provenance import describe_run
from napari_coarse_crf.plugin.layers.record import Record, remember
from napari_coarse_crf.refinement import ALL_LABELLED
from napari_coarse_crf.tiles.apart import step_among
from napari_coarse_crf.tiles.parts import Assembly, has_two_labels
from napari_coarse_crf.tiles.reduced import enlarge_refinement, reduce_picture, thin_out_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    import napari
    from napari.layers import Labels, Layer

    from napari_coarse_crf import Parameters, Refinement, Refiner
    from napari_coarse_crf.plugin.jobs.outcome import Before
    from napari_coarse_crf.plugin.layers.key import Read
    from napari_coarse_crf.plugin.layers.look import Look
    from napari_coarse_crf.plugin.layers.read import Inputs
    from napari_coarse_crf.plugin.layers.snapshot import Snapshot
    from napari_coarse_crf.tiles.parts import Part

_ENGINE: Final = "lattice"
_LARGE: Final = 2**22
"""Pixels from which on the memory is estimated first: below, a run with few labels takes less than 3 GB."""
_ITERATIONS_OF_A_LOOK: Final = 5
"""At most: on the samples, looks of ten are no closer to the full result."""
_IF_SHORT: Final = "Cancel and choose a smaller scope, or close other programs."
_PREPARING: Final = Progress("preparation", 0, 0)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Notice(Progress):
    """A step that has something to say while the job goes on."""

    sentence: str = ""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Job:
    """Everything one run needs, independent of what happens to the layers meanwhile.

    Attributes
    ----------
    inputs, look, parameters
        What is refined, and with what.
    source : napari.layers.Layer
        The layer that the result will lie above.
    about : mapping
        Where the result comes from, as its metadata will say.
    misfit : str
        What was matched in a way to know of.
    refiners : RefinerCache
        Where the Refiner of the last run is kept for the next one.
    step : int
        For a quick look: only every so many-th pixel along each axis is refined.
    is_live : bool
        Whether the Live switch asked for it: shown in the preview layer, without a bar of its own.
    known : Read
        What need not be refined, as its result is shown: the job ends without an outcome if it reads nothing else.
    before : Before or None
        For a quick look: what it begins from, if that is of the same picture.
    """

    inputs: Inputs
    look: Look
    parameters: Parameters
    source: Layer
    about: Mapping[str, Any]
    misfit: str
    refiners: RefinerCache
    step: int = 1
    is_live: bool = False
    known: Read = ()
    before: Before | None = None

    @classmethod
    def prepare(
        cls, snapshot: Snapshot, parameters: Parameters, refiners: RefinerCache | None = None, **live: Any
    ) -> Job:
        """Read the layers, on the main thread.

        Parameters
        ----------
        snapshot : Snapshot
            What is chosen.
        parameters : Parameters
            Those of the run.
        refiners : RefinerCache, optional
            Where the Refiner of the last run is kept for the next one.
        **live
            `step`, `is_live`, `known` and `before`, see there.

        Raises
        ------
        InputError
            If the layers cannot be refined.
        """
        return cls(
            inputs=snapshot.inputs,
            look=snapshot.look,
            parameters=parameters,
            source=snapshot.source,
            about=snapshot.in_plain_values,
            misfit=snapshot.misfit,
            refiners=refiners or RefinerCache(),
            **live,
        )

    def steps(self) -> Generator[Progress, None, Outcome | None]:
        """Refine, yielding after every step. Touches no layer, so any thread may take the steps.

        Returns
        -------
        Outcome or None
            None if what was read is known already.

        Raises
        ------
        CoarseCRFError
            If the input cannot be used, or if something went wrong that nobody foresaw.
        """
        with explained("The refinement stopped"):
            began = perf_counter()
            parts = self.inputs.parts()
            assembly = None if self.inputs.takes_all else (yield from _aside(self._assemble))
            only = (yield from self._load(parts[0])) if len(parts) == 1 else None
            around = (yield from self._read_around(assembly)) if self.is_live else ()
            if self.known and (yield from self._is_known(around, parts, only)):
                return None
            refinement, read, glance = yield from self._refine(parts, only, assembly)
            notes = (*self._told(refinement.warnings), *([self.misfit] if self.misfit else []))
            return Outcome(refinement, perf_counter() - began, notes, (*around, *read) if self.is_live else (), glance)

    def add_layer(self, viewer: napari.viewer.Viewer, outcome: Outcome) -> Labels:
        """Add the result to `viewer`, on the main thread, and select the layer that a correction is painted on."""
        refined = outcome.refinement.labels
        layer = add_result(viewer, refined, renewed(self.look, self.source), self.describe(outcome), self.source)
        remember(layer, Record.of(outcome.refinement, self.inputs), self.source)
        show_alone(viewer, layer)
        if self.source in viewer.layers:
            viewer.layers.selection.active = self.source
        return layer

    def describe(self, outcome: Outcome) -> dict[str, Any]:
        """Return where the result comes from: plain values only, so that they can be saved as JSON."""
        reason = outcome.refinement.reason
        return {
            **describe_run(outcome.refinement.parameters, outcome.seconds, outcome.warnings),
            **self.about,
            "engine": _ENGINE,
            "iterations": outcome.refinement.iterations,
            **({"reason": reason} if reason else {}),
            "label_counts": {int(i): (int(a), int(b)) for i, (a, b) in outcome.refinement.label_counts.items()},
        }

    def _told(self, warnings: Sequence[str]) -> Sequence[str]:
        """Return warnings in the words of the dock: where nothing is left to refine, why not, and the way back."""
        accepted = self.about.get("accepted")
        if accepted is None:
            return warnings
        why = (
            f"Every pixel has a label already, yours or one of '{accepted}'. Erase there to go on, or take back what "
            "was accepted since it was opened."
        )
        return [why if sentence == ALL_LABELLED else sentence for sentence in warnings]

    def _assemble(self) -> Assembly:
        return Assembly(self.inputs.all_labels)

    def _load(self, part: Part) -> Generator[Progress, None, Loaded]:
        def load() -> Loaded:
            picture, labels = self.inputs.load(part)
            return Loaded(part, picture, labels, self.inputs.key(part, picture, labels))

        return (yield from _aside(load))

    def _read_around(self, assembly: Assembly | None) -> Generator[Progress, None, Read]:
        """Return what stands for the labels around the parts."""
        if assembly is None:
            return ()
        return ((None, (yield from _aside(partial(key_of_whole, assembly.labels)))),)

    def _is_known(self, around: Read, parts: list[Part], only: Loaded | None) -> Generator[Progress, None, bool]:
        """Return whether nothing else would be read than what is known; ends with the first difference."""
        if not all(one in self.known for one in around):
            return False
        for part in parts:
            loaded = only or (yield from self._load(part))
            if (part, loaded.key) not in self.known:
                return False
        return True

    def _refine(
        self, parts: list[Part], only: Loaded | None, assembly: Assembly | None
    ) -> Generator[Progress, None, tuple[Refinement, Read, Glance | None]]:
        """Refine everything at once, the only part there is, or several in turn; and what was read, and the glance."""
        if only is not None:
            small = yield from self._refine_part(only, self.parameters)
            refinement = self._at_full_size(small, only)
            if assembly is not None:
                assembly.put(only.part, refinement)
                refinement = replace(assembly.result(refinement.parameters), reason=refinement.reason)
            glance = Glance(only.part, only.key, small.labels, self.step) if self.step > 1 else None
            return refinement, ((only.part, only.key),), glance
        assert assembly is not None  # noqa: S101  # everything is one part
        read: list[tuple[Part, object]] = []
        is_first, parameters, reason = True, self.parameters, ""
        for number, part in enumerate(parts):
            loaded = yield from self._load(part)
            read.append((part, loaded.key))
            if not has_two_labels(loaded.labels, loaded.picture.mask):
                assembly.skip(part)
                continue
            # The others are of the same size, and take the weights that its labels chose.
            steps = self._refine_part(loaded, parameters, says_memory=is_first)
            small = yield from retold(steps, partial(step_among, number, len(parts)))
            refinement = self._at_full_size(small, loaded)
            assembly.put(part, refinement)
            is_first, parameters, reason = False, refinement.parameters, reason or refinement.reason
        return replace(assembly.result(parameters), reason=reason), tuple(read), None

    def _refine_part(
        self, loaded: Loaded, parameters: Parameters, *, says_memory: bool = True
    ) -> Generator[Progress, None, Refinement]:
        """Refine one part, at reduced size if this is a quick look."""
        picture, labels, step = loaded.picture, loaded.labels, self.step
        if step > 1:
            picture, labels = reduce_picture(picture, step, labels.ndim), thin_out_labels(labels, step)
            parameters = reduce_parameters(parameters, step, labels.ndim)
            parameters = parameters.replace(iterations=min(parameters.iterations, _ITERATIONS_OF_A_LOOK))
        refiner = self.refiners.get(picture, labels, loaded.key, step)
        if says_memory and labels.size >= _LARGE:
            yield from self._say_memory(refiner, parameters)
        for progress in refiner.steps(parameters):
            if progress.refinement is not None:
                return progress.refinement
            yield progress
        raise CoarseCRFError("The refinement ended without a result; please report it.")

    def _at_full_size(self, refinement: Refinement, loaded: Loaded) -> Refinement:
        if self.step == 1:
            return refinement
        earlier = None if self.before is None else self.before.found(loaded)
        return enlarge_refinement(refinement, self.step, loaded.labels, loaded.picture.mask, self.parameters, earlier)

    def _say_memory(self, refiner: Refiner, parameters: Parameters) -> Generator[Progress, None, None]:
        """Say if the memory may not suffice."""
        needed = yield from _aside(partial(refiner.estimate_memory, parameters))
        if sentence := memory_warning(needed, free_memory(), _IF_SHORT):
            yield Notice("preparation", 0, 0, sentence=sentence)


def _aside(work: Callable[[], T]) -> Generator[Progress, None, T]:
    """Do what cannot be cut into steps, before the first of them."""
    return (yield from take_aside(work, lambda: _PREPARING))
