"""Write `query.json`: questions, and the answers both query engines must give.

`latentlens/core/query.py` answers them here; vitest asks `js/src/query.ts` the
same. The file holds

allocate, sample_size
    ``{n, sizes, allocation, floor, shares}`` and ``{fraction, n_items, size}``.
rankings
    By name, the fields of `protocol.state.Ranked`.
samples
    ``{ranking, fraction, j, roles, index}``: the role of every item, and the
    rows of the sample in its order.
records
    By name: ``classes``, ``label``, ``pred``, ``latent_layer``, ``latent``,
    ``cell_count`` and ``layers``, each with ``units``, ``keep``,
    ``index_dtype``, ``top_unit``, ``top_value``, ``silent``, ``cell_sum``.
contrasts
    ``{record, question, unit, effect, low, high, p, mean, other_mean, n, n_group, n_stand,
    known, read_out, note}``, the group of the question against the rest of its class in
    the latent layer, as `protocol.figures.ContrastReply` has it.
units
    ``{record, layer, unit, by, value, limit, read_out, mean, n}``: what the index and the
    sums tell of one unit.
questions
    ``{record, question, sample_mean, answer, read_outs}``, the second and fourth as
    `protocol.request.Question` and `protocol.figures.Answer` with plain lists for arrays;
    ``question.sampler`` is a key of ``rankings``. ``sample_mean`` is what the
    kernel would have sent, null for the latent layer and where it is not known.
    ``read_outs`` are the lines under the top-k units and under the histogram.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from latentlens.core import (
    ALLOCATIONS,
    Answer,
    Design,
    Ranking,
    Record,
    allocate,
    answer,
    cell_mean,
    members,
    record_from_arrays,
    row_mean,
    sample_size,
)
from latentlens.core.unit import listed, unit_cell_means
from latentlens.session import Question, Session
from latentlens.session import contrast as contrasts
from latentlens.widget import frames

FILE = Path(__file__).with_name("query.json")
N, UNITS, KEEP = 40, 12, 5
FRACTIONS = (0.01, 0.05, 0.125, 0.3, 0.5, 0.8, 1.0)
JS = (0.0, 0.25, 0.5, 0.7, 1.0)


def make_activations(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One layer after a ReLU with silent items and ties, and one with both signs."""
    relu = np.maximum(rng.normal(size=(N, UNITS)).round(1), 0)
    relu[[3, 17, 31]] = 0
    relu[:, 7] = 0
    signed = rng.normal(-0.5, 1, (N, UNITS)).round(2)
    return {"conv.relu": relu.astype(np.float32), "signed": signed.astype(np.float32)}


def make_records() -> dict[str, tuple[Record, dict[str, np.ndarray]]]:
    """Three records: everything known, some labels unknown, no predictions."""
    rng = np.random.default_rng(20020)
    made = {}
    for name in ("known", "some_labels", "no_pred"):
        label = rng.integers(0, 3, N)
        pred = np.where(rng.random(N) < 0.5, rng.integers(0, 3, N), label)
        if name != "known":
            label[rng.permutation(N)[:9]] = -1
        activations = make_activations(rng)
        latent = np.maximum(rng.normal(size=(N, 6)).round(2), 0)
        record = record_from_arrays(
            latent,
            label,
            None if name == "no_pred" else pred,
            activations=activations,
            classes=["cat", "dog", "<b>emu</b>"],
            keep=KEEP,
        )
        made[name] = (record, activations)
    return made


def make_rankings() -> dict[str, Ranking]:
    """Five groups of uneven size, one of them empty, with ties; the same as strata of a
    probability sample; and a plain permutation."""
    rng = np.random.default_rng(9754)
    group = rng.choice([0, 1, 2, 4], size=N, p=[0.5, 0.3, 0.15, 0.05]).astype(np.int32)
    log_ratio = rng.normal(size=N).round(1)
    rank = np.zeros(N, np.int64)
    for g in range(5):
        rows = np.flatnonzero(group == g)
        rank[rows[np.argsort(log_ratio[rows], kind="stable")]] = np.arange(len(rows))
    sizes = np.bincount(group, minlength=5).astype(np.int64)
    both_ends = Ranking(
        sampler="both_ends", group=group, log_ratio=log_ratio, rank=rank, group_size=sizes
    )
    drawn = replace(
        both_ends,
        sampler="drawn",
        group=np.zeros(N, np.int32),
        log_ratio=np.zeros(N),
        rank=rng.permutation(N),
        group_size=np.array([N]),
        uses_j=False,
        probability=True,
    )
    strata = replace(both_ends, sampler="strata", uses_j=False, probability=True, allocation="sqrt")
    shared = {
        rule: replace(
            both_ends, sampler=rule, uses_j=False, allocation=rule, floor=int(rule == "sqrt")
        )
        for rule in ALLOCATIONS
    }
    return {"both_ends": both_ends, "drawn": drawn, "strata": strata, **shared}


def make_questions(record: Record, rng: np.random.Generator, n: int) -> list[dict[str, Any]]:
    """Draw questions such that every choice of every control comes up."""
    choices = itertools.product(
        record.layers,
        ("max", "count", "mean"),
        ("", *record.classes),
        ("true", "predicted"),
        ("all", "correct", "incorrect"),
    )
    drawn = rng.permutation(np.array(list(choices), object))[:n]
    questions = []
    for i, (layer, measure, label, by, correctness) in enumerate(drawn):
        selection = None
        if i % 4 == 3:
            selection = np.sort(rng.choice(N, rng.integers(8, 33), replace=False)).tolist()
        questions.append(
            {
                "layer": layer,
                "sampler": ("both_ends", "strata", "drawn")[i % 3],
                "fraction": float(rng.choice([0.05, 0.3, 0.5, 0.5, 0.8, 0.8, 1.0])),
                "j": float(rng.choice(JS)),
                "label": label,
                "by": by,
                "correctness": correctness,
                "k": int(rng.integers(1, min(KEEP, record.layers[layer].units) + 1)),
                "measure": measure,
                "selection": selection,
            }
        )
    # An empty selection, and a sample of everything.
    questions.append({**questions[0], "selection": []})
    questions.append({**questions[1], "fraction": 1.0})
    return questions


def ask(
    record: Record,
    activations: dict[str, np.ndarray],
    ranking: Ranking,
    question: dict[str, Any],
    *,
    with_mean: bool,
) -> dict[str, Any]:
    """Answer one question the way the kernel does."""
    layer = record.layers[question["layer"]]
    label_class = record.classes.index(question["label"]) if question["label"] else None
    group = {"label_class": label_class, "by": question["by"]}
    group["correctness"] = question["correctness"]
    roles = ranking.roles(question["fraction"], question["j"])
    member = members(record.label, record.pred, **group, selection=question["selection"])
    sums = (layer.cell_sum, record.cell_count)
    n_group = int(member.sum())
    sample_mean = None
    if with_mean and question["layer"] in activations:
        sample_mean = row_mean(activations[question["layer"]], member & (roles > 0))
    given = answer(
        layer,
        roles=roles,
        member=member,
        k=question["k"],
        measure=question["measure"],
        raw=record.latent if question["layer"] == record.latent_layer else None,
        sample_mean=sample_mean,
        exact_mean=(
            cell_mean(*sums, **group, n_group=n_group) if question["selection"] is None else None
        ),
    )
    return {
        "question": question,
        "sample_mean": plain(sample_mean),
        "answer": plain(given.message()),
        "read_outs": read_outs(given, question, ranking, member),
    }


def read_outs(
    given: Answer, question: dict[str, Any], ranking: Ranking, member: np.ndarray
) -> dict[str, str | None]:
    """Give the lines of the frames of an answer; none where there is no frame."""
    design = Design.of(ranking.sample(question["fraction"], question["j"]), ranking)
    made = {"max_neurons": frames.max_neurons_frame(given, "sample")}
    if given.top is not None:
        made["top_k"] = frames.top_k_frame(given, "sample", question["measure"])
    maxima = question["measure"] == "max"
    lines = {
        name: frames.with_worth(frame, design, member, maxima=maxima and name == "top_k")
        for name, frame in made.items()
    }
    return {"top_k": None} | {name: frame.attrs["read_out"] for name, frame in lines.items()}


def make_contrasts(record: Record) -> list[dict[str, Any]]:
    """Set groups of every kind against the rest of their class."""
    session, rng = Session(record), np.random.default_rng(3)
    chosen = np.sort(rng.choice(N, 12, replace=False)).astype(np.uint32)
    groups = [
        {"label": "cat"},
        {"correctness": "correct"},
        {"label": "dog", "correctness": "incorrect", "by": "predicted"},
        {"selection": chosen},
        {"selection": chosen[:1]},
        {"selection": np.sort(np.argsort(-record.latent[:, 0])[:15])},
        {"selection": np.flatnonzero(record.label == 1)[:3], "label": "dog"},
        {"selection": np.flatnonzero(record.label == 1), "label": "dog"},
        {"selection": chosen, "by": "predicted", "correctness": "correct"},
    ]
    made = []
    for group in groups:
        question = Question(layer=record.latent_layer, **group)
        member, rest = session.member(question), contrasts.rest_of(session, question)
        if not member.any() or not rest.any():
            continue
        layer = session.layer(question.layer)
        found = contrasts.last_contrast(contrasts.contrast(session, layer, member, rest))
        asked = {"label": "", "by": "true", "correctness": "all", "selection": None, **group}
        made.append({"question": plain(asked), **plain(contrasts.message(found))})
    return made


def make_units(record: Record) -> list[dict[str, Any]]:
    """Read some units off the index and the sums."""
    made = []
    for name, unit, by in (("conv.relu", 0, "true"), ("signed", 5, "predicted"),
                           ("conv.relu", 7, "predicted")):  # fmt: skip
        layer = record.layers[name]
        known = listed(layer, unit)
        mean, n = unit_cell_means(layer, record.cell_count, unit, by, has_pred=record.has_pred)
        made.append(
            {
                "layer": name, "unit": unit, "by": by, "value": plain(known.value),
                "limit": known.limit, "read_out": known.read_out,
                "mean": plain(mean), "n": plain(n),
            }
        )  # fmt: skip
    return made


def plain(value: Any) -> Any:
    """Turn arrays into lists, all the way down."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list):
        return [plain(part) for part in value]
    # JSON knows no NaN.
    return None if isinstance(value, float) and np.isnan(value) else value


def describe(record: Record) -> dict[str, Any]:
    """Write down the parts of a record that the browser gets."""
    return plain(
        {
            "classes": list(record.classes),
            "label": record.label,
            "pred": record.pred,
            "latent_layer": record.latent_layer,
            "latent": record.latent,
            "cell_count": record.cell_count,
            "layers": {
                name: {
                    "units": layer.units,
                    "keep": layer.keep,
                    "index_dtype": str(layer.top_unit.dtype),
                    "top_unit": layer.top_unit,
                    "top_value": layer.top_value,
                    "silent": layer.silent.astype(np.uint8),
                    "cell_sum": layer.cell_sum,
                }
                for name, layer in record.layers.items()
            },
        }
    )


def describe_ranking(ranking: Ranking) -> dict[str, Any]:
    """Write down the fields of `protocol.state.Ranked`."""
    names = ("sampler", "group", "rank", "group_size", "log_ratio", "uses_j", "probability")
    names += ("weighted", "allocation", "floor")
    return plain({name: getattr(ranking, name) for name in names})


def golden() -> dict[str, Any]:
    """Make all that the file holds."""
    rng = np.random.default_rng(12)
    records, rankings = make_records(), make_rankings()
    shared = [rng.integers(0, 30, size).tolist() for size in (1, 2, 5, 9, 9, 17)]
    shared += [[7] * 4, [0, 3, 0], rng.geometric(0.002, 40).tolist(), [979, 12, 1118, 1, 5, 1023]]
    counts = [
        (n, sizes, rule, floor)
        for sizes in shared
        for n in (0, 1, sum(sizes) // 20, sum(sizes) // 3, sum(sizes) - 1, sum(sizes))
        for rule in ALLOCATIONS
        for floor in (0, 1)
    ]
    asked = [
        {"record": name, **ask(record, raw, rankings[q["sampler"]], q, with_mean=i % 5 != 4)}
        for name, (record, raw) in records.items()
        for i, q in enumerate(make_questions(record, rng, 26))
    ]
    return {
        "allocate": [
            {
                "n": n,
                "sizes": sizes,
                "allocation": rule,
                "floor": floor,
                "shares": plain(allocate(n, np.array(sizes, np.int64), rule, floor=floor)),
            }
            for n, sizes, rule, floor in counts
            if 0 <= n <= sum(sizes)
        ],
        "sample_size": [
            {"fraction": f, "n_items": n, "size": sample_size(f, n)}
            for f in (*FRACTIONS, 0.0, 0.35, 0.015)
            for n in (1, 10, 70, 1000, 10_000)
        ],
        "rankings": {name: describe_ranking(ranking) for name, ranking in rankings.items()},
        "samples": [
            {
                "ranking": name,
                "fraction": f,
                "j": j,
                "roles": plain(ranking.roles(f, j)),
                "index": plain(ranking.sample(f, j).index),
            }
            for name, ranking in rankings.items()
            for f in FRACTIONS
            for j in (JS if ranking.uses_j else (0.7,))
        ],
        "contrasts": [
            {"record": name, **made}
            for name, (record, _) in records.items()
            for made in make_contrasts(record)
        ],
        "units": [
            {"record": name, **made}
            for name, (record, _) in records.items()
            for made in make_units(record)
        ],
        "records": {name: describe(record) for name, (record, _) in records.items()},
        "questions": asked,
    }


def text() -> str:
    """Write the file, one part a line, so that a change shows where it is."""
    parts = []
    for name, part in golden().items():
        entries = part.items() if isinstance(part, dict) else [(None, entry) for entry in part]
        lines = [
            (f"{json.dumps(key)}: " if key is not None else "") + json.dumps(entry, allow_nan=False)
            for key, entry in entries
        ]
        start, end = "{}" if isinstance(part, dict) else "[]"
        parts.append(f"{json.dumps(name)}: {start}\n" + ",\n".join(lines) + f"\n{end}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
