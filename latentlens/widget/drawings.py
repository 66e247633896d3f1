"""What a lens looks like outside the notebook: charts and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from latentlens.core.palette import Theme
from latentlens.store import check_target, write_whole
from latentlens.widget import picture
from latentlens.widget.draw_chart import draw_chart
from latentlens.widget.look import themed
from latentlens.widget.results import Results

Chart = Literal["map", "top_k", "max_neurons", "mean_activation", "fidelity", "confusion"]


class Drawings(Results):
    """A lens's charts, for people to restyle, and its picture."""

    def chart(self, kind: Chart = "map", **options: Any) -> Any:
        """Draw what a pane shows as an altair chart, to be restyled and published.

        The subtitle says what the figure is worth: exact, measured or estimated,
        and from how many items. Every chart holds fewer than 5,000 rows; what is
        left out for that, or drawn at random, is said there too.

        Parameters
        ----------
        kind : str
            "map": coloured by the lens's `color_by`, the sample ringed, its errors
            crossed, what is selected ringed widely and all else faint; its parameters
            are named ``zoom``, ``size`` and, where colours stand for names, ``classes``.
            "top_k", "max_neurons", "mean_activation": as the methods of these names.
            "fidelity": scores by fraction. "confusion": classes against predictions.
        **options
            What the method of that name takes, such as ``label="7"`` or ``k=20``;
            for the map ``theme="dark"``, which also sets paper and ink, so that the
            chart stands alone and can be part of no other.

        Returns
        -------
        altair.Chart, LayerChart or FacetChart

        Raises
        ------
        ValueError
            If there is no such chart, or its figures are not known.
        TypeError
            If the chart has no such option.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> lens = LatentLens.from_arrays([[0.0, 1.0], [1.0, 0.2], [0.9, 0.0]], [0, 1, 1])
        >>> chart = lens.chart("max_neurons", on="all").properties(width=200)
        >>> chart.to_dict()["title"]["text"]
        'items that each unit of latent leads, all items'
        """
        drawn = draw_chart(self, kind, options)
        return themed(drawn, "dark") if options.get("theme") == "dark" else drawn

    def to_png(
        self, path: str | Path | None = None, *, width: int = 1600, theme: Theme = "light"
    ) -> bytes | Path:
        """Draw the lens as one PNG: map, top units, maximal units, means.

        The map has the colours and the selection that it has on screen.
        No browser and no network is needed. With ``pip install 'latentlens[pictures]'``
        the picture is made of the altair charts; without it it is drawn by hand, with
        the map and the bars, 1,520 pixels wide.

        Parameters
        ----------
        path : str or Path, optional
            Where to write it; if not given, the picture itself is returned.
        width : int
            In pixels, from 100 to 8,000.
        theme : {"light", "dark"}

        Returns
        -------
        bytes or Path

        Raises
        ------
        ValueError
            If an argument is none of its choices.
        FileNotFoundError, IsADirectoryError, PermissionError
            If `path` cannot be written, before anything is drawn.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> lens = LatentLens.from_arrays([[0.0, 1.0], [1.0, 0.2], [0.9, 0.0]], [0, 1, 1])
        >>> lens.to_png("lens.png", width=800).name
        'lens.png'
        """
        target = None if path is None else check_target(path, "lens.png", endings=(".png",))
        drawn = picture.png(self, width=width, theme=theme)
        return drawn if target is None else write_whole(target, drawn)

    def to_svg(self, path: str | Path | None = None, *, theme: Theme = "light") -> str | Path:
        """Draw the lens as one SVG, made of the altair charts.

        Parameters
        ----------
        path : str or Path, optional
            Where to write it; if not given, the text itself is returned.
        theme : {"light", "dark"}

        Returns
        -------
        str or Path

        Raises
        ------
        ImportError
            Without vl-convert-python, which ``pip install 'latentlens[pictures]'`` brings.
        ValueError, FileNotFoundError
            As of `to_png`.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> lens = LatentLens.from_arrays([[0.0, 1.0], [1.0, 0.2], [0.9, 0.0]], [0, 1, 1])
        >>> lens.to_svg()[:4]
        '<svg'
        """
        target = None if path is None else check_target(path, "lens.svg", endings=(".svg",))
        drawn = picture.svg(self, theme=theme)
        return drawn if target is None else write_whole(target, drawn.encode())
