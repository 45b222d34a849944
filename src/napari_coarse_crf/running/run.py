"""A run that may be stopped or killed at any moment: what it is made from, its plan, its results and its journal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_coarse_crf.running.helpers import OnCluster, is_elsewhere
from napari_coarse_crf.running.inputs import digest_run
from napari_coarse_crf.running.journal import Journal
from napari_coarse_crf.running.tiles import check_finished, run_here, run_on_cluster, sum_gained, without_source
from napari_coarse_crf.tiles.plan import STAGES, plan_tiles
from napari_coarse_crf.tiles.source import Source

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from napari_coarse_crf.inputs import Picture
    from napari_coarse_crf.parameters import Parameters
    from napari_coarse_crf.refinement import Progress
    from napari_coarse_crf.running.results import Results
    from napari_coarse_crf.tiles.plan import TilePlan

_PLAN = "plan"


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """All tiles of an image, of which some may be finished.

    Attributes
    ----------
    plan : TilePlan
        How it is refined.
    results : Results
        Where the tiles go.
    journal : Journal
        Which are finished.
    found_done : int
        How many were, when the run began.
    """

    plan: TilePlan
    results: Results
    journal: Journal
    found_done: int

    @classmethod
    def prepare(
        cls,
        picture: Picture,
        labels: Any,
        parameters: Parameters,
        folder: Path,
        results: Results,
        *,
        wanted: Mapping[str, Any] | None = None,
        tile: int | Sequence[int] | None = None,
        workers: int | None = None,
        client: Any = None,
    ) -> Generator[Progress, None, Run]:
        """Plan the tiles, or find the plan and the finished tiles of a run of the same inputs.

        Parameters
        ----------
        picture, labels, parameters, tile, workers
            As for `plan_tiles`. What the labels chose is kept with the plan: the parameters asked for tell runs apart.
        folder : Path
            Of the journal.
        results : Results
            What is written, perhaps with the tiles of a run before.
        wanted : mapping, optional
            What a person asked for that changes the result, where it is not the other arguments alone that do.
        client : distributed.Client, optional
            Of a cluster that helps.
        """
        source = Source.of(picture, labels)
        digest = yield from digest_run(source, parameters, dict(wanted or {}))
        journal = Journal(folder, digest)
        plan = journal.load(_PLAN)
        if plan is None:
            helpers = OnCluster(client, workers or 1) if client is not None and is_elsewhere(source) else None
            plan = yield from plan_tiles(
                picture, labels, parameters, tile=tile, workers=workers, kept=journal, helpers=helpers
            )
            journal.store(_PLAN, without_source(plan))
            journal.drop(*STAGES)
        else:
            plan = replace(plan, source=source)
        lost = yield from check_finished(plan, results, journal.done.values())
        journal.forget(lost)
        return cls(plan, results, journal, len(journal.done))

    def steps(self, client: Any = None, workers: int | None = None) -> Generator[Progress, None, None]:
        """Refine the tiles that are left, in this process or on the cluster of a client."""
        if client is None:
            yield from run_here(self.plan, self.results, self.journal.done, self.journal.keep, workers)
        else:
            self.results.check_side_by_side(self.plan.tiles)
            tiles = self.plan, self.results, self.journal.done, self.journal.keep
            yield from run_on_cluster(client, *tiles, workers=workers or 1)

    @property
    def reason(self) -> str:
        """Why these weights, in one sentence, where the labels chose them; else ""."""
        return self.plan.reason

    @property
    def counts(self) -> dict[int, tuple[int, int]]:
        """How many pixels each label had and has, among those that take part."""
        return dict(self.plan.label_counts(sum_gained(self.plan, self.journal.done.values())))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should look at, one sentence each."""
        return tuple(self.plan.warnings(sum_gained(self.plan, self.journal.done.values())))
