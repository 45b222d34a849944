"""How large a quick look may be."""

from __future__ import annotations

from napari_coarse_crf.plugin.jobs.preview import TARGET_SECONDS, next_budget


def test_the_budget_shrinks_after_a_slow_look_and_never_grows() -> None:
    assert next_budget(80_000, TARGET_SECONDS / 10) == 80_000
    assert next_budget(80_000, TARGET_SECONDS * 4) == 20_000
    assert next_budget(80_000, 1e6) == 5000
