"""Rows of a table that pandas wrote as one JSON object (`DataFrame.to_json`), by columns or split."""

from collections.abc import Mapping


def frame_rows(values: Mapping[str, object]) -> list[tuple[str, dict[str, object]]]:
    """Return the rows of a table under their keys; empty if the object is no table.

    >>> frame_rows({"title": {"0": "أ", "1": "ب"}, "text": {"0": "خبر", "1": "آخر"}})[1]
    ('1', {'title': 'ب', 'text': 'آخر'})
    >>> frame_rows({"columns": ["text"], "index": [0], "data": [["خبر"]]})
    [('data/1', {'text': 'خبر'})]
    """
    return _of_columns(values) or _of_split(values)


def _of_columns(values: Mapping[str, object]) -> list[tuple[str, dict[str, object]]]:
    """Return the rows of columns whose cells stand under the numbers of their rows (`orient="columns"`)."""
    columns = {name: cells for name, cells in values.items() if isinstance(cells, dict)}
    keys = next(iter(columns.values()), {}).keys()
    is_table = keys and len(columns) == len(values) and all(key.isdecimal() for key in keys)
    if not is_table or any(cells.keys() != keys for cells in columns.values()):
        return []
    return [(key, {name: cells[key] for name, cells in columns.items()}) for key in keys]


def _of_split(values: Mapping[str, object]) -> list[tuple[str, dict[str, object]]]:
    """Return the rows of a table whose columns are named once (`orient="split"`)."""
    names, rows = values.get("columns"), values.get("data")
    if not isinstance(names, list) or not isinstance(rows, list) or not values.keys() <= {"columns", "index", "data"}:
        return []
    if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        return []
    return [(f"data/{number}", dict(zip(map(str, names), row, strict=True))) for number, row in enumerate(rows, 1)]
