"""The paper's statements about its samplers, one beside the other (figure 4)."""

from __future__ import annotations

from latentlens.experiments.checks.found import NEAR, PAPER, Checked, Found, Missing, graded


def grid_like_random(found: Found) -> Checked:
    """Compare the latent grid with random."""
    grid, random = found.scores("latent_grid"), found.scores("random")
    return (
        found.told("latent_grid", "random") + ".",
        graded(abs(grid[0] - random[0]) < NEAR and abs(grid[2] - random[2]) < NEAR, grid[1] < 0.1),
    )


def stratified_over_random(found: Found) -> Checked:
    """Compare stratifying by the confusion matrix with random."""
    own, random = found.scores("stratified"), found.scores("random")
    return (
        found.told("stratified", "random") + ".",
        graded(own[0] - random[0] >= NEAR, random[2] - own[2] >= NEAR),
    )


def vas_like_stratified(found: Found) -> Checked:
    """Compare VAS with stratifying by the confusion matrix."""
    own, other = found.scores("vas"), found.scores("stratified")
    return (
        found.told("vas", "stratified") + ".",
        graded(abs(own[0] - other[0]) < NEAR, abs(own[2] - other[2]) < NEAR),
    )


def full_over_spherical(found: Found) -> Checked:
    """Compare the mixture of full covariances with the spherical one."""
    full, spherical = found.scores("gmm_full"), found.scores("gmm_spherical")
    return found.told("gmm_full", "gmm_spherical") + ".", graded(*_better(full, spherical))


def spherical_over_stratified(found: Found) -> Checked:
    """Compare the spherical mixture with stratifying, which is to win on galaxies."""
    spherical, other = found.scores("gmm_spherical"), found.scores("stratified")
    better = _better(spherical, other)
    galaxy = found.settings.data == "galaxy"
    return (
        found.told("gmm_spherical", "stratified") + ".",
        graded(*(each != galaxy for each in better)),
    )


def _better(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[bool, bool, bool]:
    return a[0] > b[0], a[1] < b[1], a[2] < b[2]


def max_margin_is_best(found: Found) -> Checked:
    """Find the best of the paper's samplers by each score."""
    larger = _larger(found)
    ranked = [
        [name for name in _ranked(found, metric) if name not in larger]
        for metric in (found.s1, "S2", "S3")
    ]
    told = ", ".join(f"{m} {names[0]}" for m, names in zip(("S1", "S2", "S3"), ranked, strict=True))
    out = f" Left out, with larger samples: {', '.join(larger)}." if larger else ""
    return (
        f"Best of the {len(ranked[0])} that were run: {told}. {found.told('max_margin')}.{out}",
        graded(*(names[0] == "max_margin" for names in ranked)),
    )


def _larger(found: Found) -> list[str]:
    """Name the samplers whose one sample is larger than MaxMargin's at the fixed fraction."""
    frame = found.frame("figure_4")
    asked = found.one("figure_4", "items", sampler="max_margin", fraction=found.settings.fraction)
    least = frame.groupby("sampler")["items"].min()
    return [name for name in PAPER if name in least.index and least[name] > asked + 1]


def tree_is_second(found: Found) -> Checked:
    """Find the place of the boundary tree, and the size of its sample."""
    found.scores("boundary_tree")
    ranked = [_ranked(found, metric) for metric in (found.s1, "S3")]
    place = [1 + names.index("boundary_tree") for names in ranked]
    size = found.one("figure_4", "items", sampler="boundary_tree")
    asked = found.one("figure_4", "items", sampler="max_margin", fraction=found.settings.fraction)
    return (
        f"Place {place[0]} on S1 and {place[1]} on S3 of {len(ranked[0])}, with {size:,.0f} items "
        f"against {asked:,.0f} of the others.",
        graded(place[0] == 2, place[1] == 2, size <= asked),
    )


def knee_of_grid(found: Found) -> Checked:
    """Compare the sizes of the largest samples."""
    last = max(found.settings.fractions)
    grid = found.one("figure_4", "items", sampler="latent_grid", fraction=last)
    other = found.one("figure_4", "items", sampler="max_margin", fraction=last)
    smaller = grid < 0.99 * other
    why = "" if smaller else "; what small cells cannot give, the larger ones do"
    return (
        f"At {last:.0%} it takes {grid:,.0f} items where MaxMargin takes {other:,.0f}{why}.",
        graded(smaller),
    )


def _ranked(found: Found, metric: str) -> list[str]:
    """Order the paper's samplers that were run, the best first."""
    run = [name for name in PAPER if name in set(found.frame("figure_4")["sampler"])]
    if len(run) < 2:
        raise Missing("fewer than two of the paper's samplers were run")
    score = {name: found.score(name, metric) for name in run}
    return sorted(run, key=score.__getitem__, reverse=metric.startswith("S1"))
