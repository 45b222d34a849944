"""What labels stand for, as the features of a layer say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Layer

CLASS_COLUMNS: Final = ("class", "label", "name")
"""Columns that may name a class, the first of them first."""

INDEX: Final = "index"
"""The column that says which label a row is about: the one by which napari finds what it shows beside the cursor."""

_ID_COLUMNS: Final = (INDEX, "label id", "label_id", "id", "label")


def class_names_of(layer: Layer) -> dict[int, str]:
    """Return what the features of a layer call its labels.

    A column named 'class', 'label' or 'name' holds the names. A column 'index' (or 'label id', 'id', or 'label' where
    it holds numbers) says which label a row is about; without one, the first row is about label 0, as in napari.
    """
    features = layer.features
    columns = {str(column).strip().lower(): list(features[column]) for column in features.columns}
    ids = next((name for name in _ID_COLUMNS if name in columns and _are_ids(columns[name])), None)
    names = next((name for name in CLASS_COLUMNS if name in columns and name != ids), None)
    if names is None:
        return {}
    rows = columns[ids] if ids is not None else range(len(features))
    # A person's own table may have gaps, which make its numbers fractions.
    named = [(_as_id(row), name) for row, name in zip(rows, columns[names], strict=True)]
    return {label_id: str(name) for label_id, name in named if label_id is not None and _is_said(name)}


def _are_ids(values: Sequence[Any]) -> bool:
    """Whether a column holds label ids, or gaps."""
    return any(_as_id(value) is not None for value in values)


def _as_id(value: Any) -> int | None:
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return int(value)
    return None


def _is_said(name: Any) -> bool:
    return name is not None and name == name and bool(str(name).strip())  # NaN is not itself
