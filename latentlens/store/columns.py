"""Metadata as they stand in a file."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from latentlens.core.metadata import Column, Metadata, Origin
from latentlens.store.archive import WrongFile
from latentlens.store.parts import Parts

ORIGINS = ("int", "float", "bool", "text")


def column_parts(metadata: Metadata) -> dict[str, Any]:
    """Take metadata apart; columns stand under their numbers, since names may be anything."""
    return {
        str(at): {
            "name": column.name,
            "origin": column.origin,
            "values": column.values,
            "levels": list(column.levels),
        }
        for at, column in enumerate(metadata.columns)
    }


def read_columns(parts: Parts, n: int) -> Metadata:
    """Put the metadata of `n` items together again.

    Raises
    ------
    WrongFile
        If a column is none, or two have one name.
    """
    columns = tuple(_read_column(each, n) for _, each in parts.each())
    if len({column.name.lower() for column in columns}) < len(columns):
        raise WrongFile("has two columns of one name")
    return Metadata(columns)


def _read_column(parts: Parts, n: int) -> Column:
    origin = cast(Origin, parts.text("origin", ORIGINS))
    if origin in ("int", "float"):
        values = parts.array("values", np.float64, (n,))
        known = values[~np.isnan(values)]
        if origin == "int" and not ((np.abs(known) < 2**53) & (known == np.floor(known))).all():
            raise parts.wrong("values")
        return Column(name=parts.text("name"), origin=origin, values=values)
    values, levels = parts.array("values", np.int32, (n,)), parts.texts("levels")
    if values.min() < -1 or values.max() >= len(levels):
        raise parts.wrong("values")
    if len(set(levels)) < len(levels) or (origin == "bool" and levels != ("False", "True")):
        raise parts.wrong("levels")
    return Column(name=parts.text("name"), origin=origin, values=values, levels=levels)
