"""Table I: how large data, model and activations are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latentlens.experiments.experiment import Experiment
from latentlens.experiments.result import Result

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd


def table_1(experiment: Experiment) -> Result:
    """Compare the sizes of the data, the model and what the model makes of the data.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    Result
        Columns what, kind, units, megabytes, times_input. Kinds are "input",
        "model", "activations" (of all items, in float32, one row per layer and
        one for all) and "kept" (what latentlens holds instead).

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.experiments import Experiment, Settings, table_1
    >>> settings = Settings(
    ...     data="digits", samplers=("coreset", "random"), layers=("fc1", "fc2"),
    ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
    ... )
    >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
    >>> experiment = Experiment(model, loader, settings, progress=False)
    >>> table_1(experiment).frame.columns.tolist()[:4]
    ['what', 'kind', 'units', 'megabytes']
    """
    import pandas as pd

    rows = [*_given(experiment), *_activations(experiment), *_kept(experiment)]
    frame = pd.DataFrame(rows)
    frame["times_input"] = frame["megabytes"] / frame["megabytes"].iloc[0]
    n = len(experiment.record)
    return Result(
        name="table_1",
        title="Table I: sizes of the data, the model and its activations",
        frame=frame,
        draw=draw_sizes,
        notes=(
            f"Of {n:,} items. The input is counted as stored, a byte per pixel and channel; "
            "activations as float32, after every module of the network. Nothing of them was "
            "stored: the index and the sums were made in the pass.",
        ),
    )


def _given(experiment: Experiment) -> list[dict[str, Any]]:
    parameters = sum(each.numel() for each in experiment.model.parameters())
    pixels = experiment.loader.dataset[0][0].numel()
    return [
        {
            "what": "input",
            "kind": "input",
            "units": pixels,
            "megabytes": pixels * len(experiment.record) / 1e6,
        },
        {
            "what": "parameters",
            "kind": "model",
            "units": parameters,
            "megabytes": 4 * parameters / 1e6,
        },
    ]


def _activations(experiment: Experiment) -> list[dict[str, Any]]:
    from latentlens.extract import plan

    every = plan(experiment.model, experiment.loader, layers="*").layers
    n = len(experiment.record)
    units = {spec.name: spec.units for spec in every}
    units["all layers"] = sum(units.values())
    return [
        {"what": name, "kind": "activations", "units": count, "megabytes": 4 * count * n / 1e6}
        for name, count in units.items()
    ]


def _kept(experiment: Experiment) -> list[dict[str, Any]]:
    record = experiment.record
    layers = record.layers.values()
    sizes = {
        "latent": record.latent.nbytes,
        "top-K index": sum(layer.index_bytes for layer in layers),
        "running sums": sum(layer.sum_bytes for layer in layers),
    }
    units = {
        "latent": record.latent.shape[1],
        "top-K index": sum(layer.keep for layer in layers),
        "running sums": sum(layer.units for layer in layers),
    }
    return [
        {"what": name, "kind": "kept", "units": units[name], "megabytes": size / 1e6}
        for name, size in sizes.items()
    ]


def draw_sizes(frame: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw `table_1`."""
    import altair as alt

    from latentlens.experiments.look import COLOURS

    kinds = ["input", "model", "activations", "kept"]
    return (
        alt.Chart(frame)
        .mark_point(filled=True, size=70)
        .encode(
            x=alt.X("megabytes:Q", title="Size [MB], log", scale=alt.Scale(type="log")),
            y=alt.Y("what:N", title=None, sort=None),
            color=alt.Color(
                "kind:N", title="Kind", scale=alt.Scale(domain=kinds, range=list(COLOURS[:4]))
            ),
            shape=alt.Shape("kind:N", title="Kind", scale=alt.Scale(domain=kinds)),
            tooltip=["what", "kind", "units", "megabytes", "times_input"],
        )
        .properties(width=420)
    )
