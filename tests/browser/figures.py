"""What a view of a lens should show, worked out in the kernel by the lens's own methods."""

from __future__ import annotations

from typing import Any


def figures(lens: Any) -> dict[str, Any]:
    """Give every number of the panes as it is written there."""
    top, most, items = lens.top_k(), lens.max_neurons(), lens.frame
    wrong = ~items["correct"]
    sampled = items["in_sample"]
    n = [most.attrs["n_used"], most.attrs["n_group"]]
    hits = top["hit"] if n[0] else []
    return {
        "header": [
            int(c) for c in (sampled.sum(), len(items), (wrong & sampled).sum(), wrong.sum())
        ],
        "n": n,
        "top_k": [
            [int(unit), short(value), bool(hit)]
            for unit, value, hit in zip(top["unit"], top["value"], hits, strict=True)
        ],
        "precision": ratio(top.attrs["precision"], 2) if n[0] else "",
        "histogram": {
            str(unit): [int(row["count"]), int(row["exact_count"])] for unit, row in most.iterrows()
        },
        "js_distance": ratio(most.attrs["js_distance"]),
        "strip": lens.sample.index[:8].tolist(),
    }


def ratio(value: float | None, digits: int = 3) -> str:
    """Write a measure of likeness."""
    if value is None:
        return ""
    return "< 0.001" if 0 < value < 0.001 else f"{value:.{digits}f}"


def short(value: float) -> float:
    """Round to the three figures that panes show, to two where they use powers of ten."""
    size = abs(value)
    if size and (size < 1e-3 or size >= 1e5):
        return float(f"{value:.1e}")
    return float(f"{value:.0f}" if size >= 1000 else f"{value:.3g}")
