"""What a lens says of single items: found, near one another, and where the map tears."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.checks import check_count
from latentlens.core.metadata import Column
from latentlens.core.neighbors import NOT_MEASURED, Overlap, nearest, neighbor_overlap
from latentlens.core.search import FIELDS, Vocabulary, find_rows, named_columns, read_search
from latentlens.core.search_terms import LEVELS
from latentlens.widget import frames
from latentlens.widget.conductor import Job, running_loop
from latentlens.widget.work import Work

if TYPE_CHECKING:
    import pandas as pd


class Items(Work):
    """Search, neighbours and the map's trust; `LatentLens` brings the session."""

    _overlap: Overlap | None = None

    def find(self, text: str) -> NDArray[np.uint32]:
        """Find items as the search box does.

        Parameters
        ----------
        text : str
            Rows (``"3, 14, 15"``, ``"10-20"``, ``"#12"`` for a position in the
            dataset), a class (``"7"``, ``"class 7"``, ``"true 4 pred 9"``),
            ``"wrong"`` or ``"right"``, or a condition on a column of `frame` or on
            ``kept`` (see `trust`): ``"age > 30"``, ``"source = lab-2"``,
            ``"note contains blur"``, ``"age is missing"``, ``"role = outlier"``,
            ``"margin < 0.1"``, ``"pred != 4"``, ``"in_sample"``. "not", "and" and "or"
            join them, in this order, and parentheses say otherwise:
            ``"wrong and not (age > 30 or in_sample)"``. A missing value meets no
            condition but "is missing"; "not" gives all items that what follows it
            does not find, those without a value among them. A class's name alone
            means its items; a name with such a word in it may be quoted.

        Returns
        -------
        ndarray of uint32
            Rows, ascending; none if nothing is found.

        Raises
        ------
        TypeError
            If it is no text.
        ValueError
            If it is not understood; the message says what was expected, what came
            and at which word.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> lens = LatentLens.from_arrays(
        ...     [[0.0, 1.0], [1.0, 0.2], [0.9, 0.0]], [0, 1, 1], metadata={"age": [31, 8, 40]}
        ... )
        >>> lens.find("class 1 and age > 30")
        array([2], dtype=uint32)
        >>> lens.find("row < 1 or not (class 0 or age <= 30)")
        array([0, 2], dtype=uint32)
        """
        if not isinstance(text, str):
            whole = isinstance(text, Integral)
            hint = f' Say "class {text}" or "row {text}".' if whole else ""
            raise TypeError(
                'find needs a line of text, such as "wrong", "class 8" or "loss > 2"; got '
                f"{text!r}.{hint}"
            )
        session = self._ready()
        record, own = session.record, session.columns
        numbers = {name: column.kind == "number" for name, column in own.items()}
        vocabulary = Vocabulary(
            n_items=len(record), classes=record.classes, columns={**numbers, **FIELDS}
        )
        query = read_search(text, vocabulary)
        columns = {
            name: own[name] if name in own else self._field(name) for name in named_columns(query)
        }
        return find_rows(
            query, label=record.label, pred=record.pred, columns=columns, ids=record.ids
        )

    def _field(self, name: str) -> Column:
        """Give a column that every lens has, worked out if need be."""
        session = self._ready()
        record = session.record
        if name == "kept":
            return Column(name=name, origin="float", values=self.trust["kept"].to_numpy())
        if name in ("true", "pred"):
            values = record.label if name == "true" else record.pred
            return Column(name=name, origin="text", values=values, levels=record.classes)
        if name == "correct":
            known = record.correct | record.incorrect
            values = np.where(known, record.correct, -1).astype(np.int32)
            return Column(name=name, origin="bool", values=values, levels=LEVELS[name])
        if name in LEVELS:
            roles = session.roles(self._question()).astype(np.int32)
            values = roles if name == "role" else (roles > 0).astype(np.int32)
            return Column(name=name, origin="text", values=values, levels=LEVELS[name])
        return Column(name=name, origin="float", values=self._numbers(name).astype(np.float64))

    def _numbers(self, name: str) -> NDArray[Any]:
        session, xy = self._ready(), self._xy
        assert xy is not None
        if name in ("row", "position"):
            ids = session.record.ids
            return np.arange(len(ids)) if name == "row" else ids
        if name in ("x", "y"):
            return xy[:, "xy".index(name)]
        ranking = session.ranking(self.sampler)
        numbers: dict[str, NDArray[Any]] = {
            "margin": ranking.log_ratio, "rank": ranking.rank, "group": ranking.group,
        }  # fmt: skip
        return numbers[name]

    def neighbors(self, row: int, n: int = 10) -> pd.DataFrame:
        """Give the items nearest to one in the latent, which a map may have torn apart.

        Parameters
        ----------
        row : int
        n : int
            How many; all others where there are fewer.

        Returns
        -------
        DataFrame
            The nearest first: row, distance (Euclidean, exact), true, pred, correct
            and in_sample.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> lens = LatentLens.from_arrays([[0.0, 1.0], [1.0, 0.2], [0.9, 0.0]], [0, 1, 1])
        >>> lens.neighbors(1)["row"].tolist()
        [2, 0]
        """
        import pandas as pd

        session = self._ready()
        record = session.record
        row = check_count(row, "row", len(record) - 1, low=0)
        most = max(1, len(record) - 1)
        n = check_count(min(n, most) if isinstance(n, Integral) else n, "n", most)
        rows, distance = nearest(record.latent, row, n)
        columns: dict[str, Any] = {
            "row": rows,
            "distance": distance,
            "true": frames.class_names(record.label, record.classes)[rows],
            "pred": frames.class_names(record.pred, record.classes)[rows],
            "correct": frames.correctness(record)[rows],
            "in_sample": session.roles(self._question())[rows] > 0,
        }
        return pd.DataFrame(columns)

    @property
    def trust(self) -> pd.DataFrame:
        """How far the map can be believed, item by item; measured if need be.

        Returns
        -------
        DataFrame
            Indexed by row: ``kept``, the share of the item's k nearest neighbours
            in the latent that are among its k nearest on the map, NaN where it was
            not measured. ``.attrs`` has k, the mean with its standard error, what a
            map at random would keep, n_measured, projection, and kind: "exact", or
            "estimate" where a random sample of items was measured.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> lens = LatentLens.from_arrays([[0.0, 1.0], [1.0, 0.2], [0.9, 0.0]], [0, 1, 1])
        >>> lens.trust.attrs["mean"], lens.trust.attrs["kind"]
        (1.0, 'exact')
        """
        import pandas as pd

        if self._overlap is None:
            for step in self._measure():
                if isinstance(step, Overlap):
                    self._take_overlap(step)
        overlap = self._overlap
        assert overlap is not None
        kept = np.where(overlap.kept == NOT_MEASURED, np.nan, overlap.kept / max(overlap.k, 1))
        frame = pd.DataFrame({"kept": kept}, index=pd.RangeIndex(len(kept), name="row"))
        frame.attrs = {
            "k": overlap.k,
            "mean": overlap.mean,
            "error": overlap.error,
            "random": overlap.random,
            "n_measured": overlap.n_measured,
            "projection": self.points["projection"] if self.points else self.projection,
            "kind": "exact" if overlap.n_measured == len(kept) else "estimate",
        }
        return frame

    # -- the map's trust, beside the notebook ------------------------------------

    def _measure(self) -> Iterator[tuple[int, int] | Overlap]:
        session = self._ready()
        assert self._xy is not None
        return neighbor_overlap(session.record.latent, self._xy, seed=self._random_state)

    def _measure_trust(self) -> None:
        """Measure the map once nothing moves and nothing else is worked on.

        Of a lens that is not shown, and in a script, where no loop runs, it waits
        until it is asked for.
        """
        if self._session is None or not self._shown or running_loop() is None:
            return
        busy = any(self._conductor.busy(name) for name in ("pass", "ranking", "layout", "trust"))
        moving = self.points is None or not self.points["done"]
        if self._overlap is not None or busy or moving:
            return
        self._conductor.beside(
            "trust",
            Job(
                steps=self._measure(),
                on_step=self._take_step,
                on_end=lambda: None,
                on_error=partial(self._fail, "trust"),
            ),
        )

    def _take_step(self, step: tuple[int, int] | Overlap) -> None:
        if isinstance(step, Overlap):
            self._take_overlap(step)

    def _take_overlap(self, overlap: Overlap) -> None:
        self._overlap = overlap
        if not overlap.n_measured or self.points is None:
            return
        self.set_trait(
            "map_trust",
            {
                "projection": self.points["projection"],
                "k": overlap.k,
                "kept": overlap.kept,
                "mean": overlap.mean,
                "error": overlap.error,
                "random": overlap.random,
                "n_measured": overlap.n_measured,
            },
        )

    def _forget_trust(self) -> None:
        """Let go of what was measured of a map that is no more."""
        self._conductor.stop("trust")
        self._overlap = None
        self.set_trait("map_trust", None)
