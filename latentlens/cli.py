"""The command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(
    help="See what a PyTorch model sees, where it hesitates, and whether a sample can tell.",
    no_args_is_help=True,
    add_completion=False,
)


Data = Literal["mnist", "fashion_mnist", "digits", "galaxy"]
Measure = Literal["max", "mean", "count"]


@app.callback()
def main() -> None:
    """See what a PyTorch model sees, where it hesitates, and whether a sample can tell."""


@app.command()
def paper(  # noqa: PLR0917
    out: Annotated[
        Path, typer.Option(help="Folder for tables, charts and the page.", file_okay=False)
    ],
    data: Annotated[Data, typer.Option(help="Which data set.")] = "mnist",
    quick: Annotated[bool, typer.Option("--quick", help="Few items, fractions and draws.")] = False,
    weights: Annotated[
        Path | None, typer.Option(help="Trained weights; if not given, a network is trained.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="One result, such as figure_4; may be repeated.")
    ] = None,
    measure: Annotated[Measure, typer.Option(help="By what S1 ranks units in the charts.")] = "max",
    redo: Annotated[bool, typer.Option("--redo", help="Run again what is there.")] = False,
    progress: Annotated[bool, typer.Option(help="Show bars.")] = True,
) -> None:
    """Run the paper's experiments: tables, charts and one HTML page.

    A second run reads what is there under equal settings, and runs the rest.
    """
    from dataclasses import replace

    from latentlens.experiments import prepare, run_paper
    from latentlens.experiments.prepare import make_folder
    from latentlens.experiments.render import MISSING

    try:
        make_folder(out)
        experiment = prepare(data, out, quick=quick, weights=weights, progress=progress)
        experiment.settings = replace(experiment.settings, measure=measure)
        done = run_paper(experiment, out, names=only or (), redo=redo, say=typer.echo)
    except (ValueError, FileNotFoundError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from None
    for claim in done.claims:
        typer.echo(f"[{claim.verdict}] {claim.of}: {claim.paper} {claim.here}")
    if not done.drawn:
        typer.echo(MISSING)
    typer.echo(f"The page is {done.page}")
