"""A chart's name in, a chart of a lens out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from latentlens.core.checks import check_choice
from latentlens.widget.charts import confusion_chart, maxima_chart, mean_chart, top_chart
from latentlens.widget.colouring import colour_items
from latentlens.widget.groups import group_words
from latentlens.widget.map_chart import map_chart

if TYPE_CHECKING:
    from latentlens.widget.results import Results


def draw_chart(lens: Results, kind: str, options: dict[str, Any]) -> Any:
    """Draw one chart of a lens.

    Raises
    ------
    TypeError, ValueError
        If there is no such chart, or it has no such option.
    """
    check_choice(kind, "kind", tuple(CHARTS))
    try:
        return CHARTS[kind](lens, **options)
    except TypeError as error:
        if "keyword argument" not in str(error):
            raise
        known = "; ".join(f"{name}: {words}" for name, words in OPTIONS.items())
        raise TypeError(
            f"lens.chart({kind!r}) does not take {', '.join(options)}. It takes, by kind: {known}."
        ) from None


def _map(lens: Results, *, theme: Any = "light") -> Any:
    check_choice(theme, "theme", ("light", "dark"))
    frame = lens.frame
    assert lens.points is not None
    return map_chart(
        frame,
        colouring=colour_items(lens),
        selection=lens.selection,
        projection=lens.points["projection"],
        theme=theme,
    )


def _top_k(lens: Results, k: int | None = None, **options: Any) -> Any:
    frame = lens.top_k(k, **options)
    layer, words = about(lens, options)
    measure = options.get("measure") or lens.measure
    return top_chart(frame, f"top {len(frame)} units of {layer}, {words}", measure=measure)


def _max_neurons(lens: Results, **options: Any) -> Any:
    layer, words = about(lens, options)
    return maxima_chart(
        lens.max_neurons(**options), f"items that each unit of {layer} leads, {words}"
    )


def _mean_activation(lens: Results, **options: Any) -> Any:
    layer, words = about(lens, options)
    return mean_chart(lens.mean_activation(**options), f"mean activation of {layer}, {words}")


def _fidelity(lens: Results, **options: Any) -> Any:
    return lens.fidelity(**{"progress": False, **options}).chart()


def _confusion(lens: Results) -> Any:
    return confusion_chart(lens.record, lens.frame["in_sample"].to_numpy())


def about(lens: Results, options: dict[str, Any]) -> tuple[str, str]:
    """Name the layer and the group that a chart is about."""
    asked = {
        name: getattr(lens, name) if options.get(name) is None else options[name]
        for name in ("layer", "label", "correctness", "by", "selection")
    }
    words = group_words(asked["label"], asked["correctness"], asked["by"])
    whole = f"all {words}" if words == "items" else words
    return asked["layer"], f"{words} of the selection" if len(asked["selection"]) else whole


CHARTS: dict[str, Callable[..., Any]] = {
    "map": _map,
    "top_k": _top_k,
    "max_neurons": _max_neurons,
    "mean_activation": _mean_activation,
    "fidelity": _fidelity,
    "confusion": _confusion,
}
GROUP = "layer, label, by, correctness, selection, on"
OPTIONS = {
    "map": "theme",
    "top_k": f"k, measure, {GROUP}",
    "max_neurons": GROUP,
    "mean_activation": GROUP,
    "fidelity": "fractions, samplers, by, layers, k, measure",
    "confusion": "nothing",
}
