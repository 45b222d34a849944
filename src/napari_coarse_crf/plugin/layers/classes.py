"""What labels stand for, as the features of a layer say it: read, written, and said beside an id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.layers import Labels, Layer

CLASS_COLUMNS: Final = ("class", "label", "name")
"""Columns that may name a class, the first of them first."""

INDEX: Final = "index"
"""The column that says which label a row is about: the one by which napari finds what it shows beside the cursor."""

_ID_COLUMNS: Final = (INDEX, "label id", "label_id", "id", "label")


_SAID: Final = re.compile(r"(?<![\w'])([Ll]abel) (-?\d+)\b(?! \()")
"""A label in a sentence; not the name of a layer, which stands in quotes."""


def class_names_of(layer: Layer) -> dict[int, str]:
    """Return what the features of a layer call its labels.

    A column named 'class', 'label' or 'name' holds the names. A column 'index' (or 'label id', 'id', or 'label' where
    it holds numbers) says which label a row is about; without one, the first row is about label 0, as in napari.
    """
    table = layer.features
    ids, names = _columns_of(table)
    if names is None:
        return {}
    # A person's own table may have gaps, which make its numbers fractions.
    named = [(_as_id(row), name) for row, name in zip(_rows_of(table, ids), table[names], strict=True)]
    return {label_id: str(name).strip() for label_id, name in named if label_id is not None and _is_said(name)}


def name_class(layer: Labels, label_id: int, name: str) -> None:
    """Write into the features of a layer what one of its labels is called; "" takes the name away.

    All other rows and columns of the table stay. Where it has no column 'index', by which napari finds the row to show
    for the label under the cursor, it gets one.
    """
    name = name.strip()
    if class_names_of(layer).get(label_id, "") == name:
        return
    table = layer.features.copy()
    ids, names = _columns_of(table)
    rows = _rows_of(table, ids)
    if label_id not in rows:
        table = table.reset_index(drop=True).reindex(range(len(rows) + 1))
        rows.append(label_id)
    for column in {INDEX, INDEX if ids is None else ids}:
        table[column] = rows
    if names is None or _are_ids(table[names]):  # numbers of a person's own: not to be overwritten
        taken = {_plain(column) for column in table.columns}
        names = next((column for column in CLASS_COLUMNS if column not in taken), names)
    said = list(table[names]) if names in table.columns else [None] * len(rows)
    table[names] = [name or None if row == label_id else old for row, old in zip(rows, said, strict=True)]
    layer.features = table


def in_words(label_id: int, names: Mapping[int, str]) -> str:
    """Return an id with what it stands for, where that is known and more than the id again.

    Examples
    --------
    >>> in_words(3, {3: "road"}), in_words(4, {3: "road"})
    ('3 (road)', '4')
    """
    said, name = str(label_id), names.get(label_id, "")
    return f"{said} ({name})" if name not in ("", said) else said


def with_names(sentence: str, names: Mapping[int, str]) -> str:
    """Return a sentence of the core, which knows ids alone, with what its labels stand for.

    Examples
    --------
    >>> with_names("Label 3 took none of the 90 unlabelled pixels.", {3: "road"})
    'Label 3 (road) took none of the 90 unlabelled pixels.'
    """
    return _SAID.sub(lambda said: f"{said[1]} {in_words(int(said[2]), names)}", sentence)


def is_gap(value: Any) -> bool:
    """Whether a cell of a table holds nothing: None, NaN, or the NA of pandas."""
    try:
        return value is None or bool(value != value)  # NaN is not itself
    except TypeError:  # NA does not even say that
        return True
    except ValueError:  # several values
        return False


def _columns_of(table: Any) -> tuple[Any, Any]:
    """Return which columns of a table hold ids and names of classes, None for each that it lacks."""
    columns = {_plain(column): column for column in table.columns}
    ids = next((columns[name] for name in _ID_COLUMNS if name in columns and _are_ids(table[columns[name]])), None)
    names = [columns[name] for name in CLASS_COLUMNS if name in columns and columns[name] != ids]
    return ids, min(names, key=lambda column: _are_ids(table[column]), default=None)  # rather words than numbers


def _plain(column: Any) -> str:
    return str(column).strip().lower()


def _rows_of(table: Any, ids: Any) -> list[Any]:
    """Return which label each row of a table is about."""
    return list(range(len(table))) if ids is None else [None if is_gap(row) else row for row in table[ids]]


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
    return not is_gap(name) and bool(str(name).strip())
