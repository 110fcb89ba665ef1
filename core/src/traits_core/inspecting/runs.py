"""Runs and scorers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from traits_core.comparing.run_facts import learned_layer
from traits_core.errors import StageError
from traits_core.inspecting.finding import Finding
from traits_core.registry.plugins import Registry
from traits_core.scoring.saved import read_facts
from traits_core.stages.rundir import read_run_json
from traits_core.stages.status import read_status

LAST: Final = "report"
PARTS: Final = ("checkpoints", "scorer", "scores", "probe", "report")
DETAILS: Final[Mapping[str, Sequence[str]]] = {
    "top-mean": ("pooling_top",),
    "top-k": ("scores_k", "scores_tau"),
    "threshold": ("scores_tau",),
}
"""Options that matter for one value of `pooling` or `scores`."""


def inspect_run(root: Path, registry: Registry) -> Finding | None:
    """Describe a run by its `run.json`; None where there is none."""
    if not (root / "run.json").is_file():
        return None
    facts = read_run_json(root)
    sections: dict[str, Any] = facts.get("config") or {}
    options = sections.get("run", {})
    chosen = {
        name: section["name"]
        for name, section in sections.items()
        if isinstance(section, dict) and "name" in section
    }
    return Finding(
        path=root,
        kind="run",
        summary="a run: `traits run --config RUN/run.json` repeats it",
        facts={
            **_progress(root),
            **chosen,
            "layer": learned_layer(root) or options.get("layer"),
            "pooling": _in_detail("pooling", options),
            "scores": _in_detail("scores", options),
            "seed": options.get("seed"),
            "created": facts.get("created"),
            "versions": facts.get("versions"),
            "holds": [name for name in PARTS if (root / name).exists()],
        },
    )


def _progress(root: Path) -> dict[str, Any]:
    """Whether the last stage is complete, and which are or have begun."""
    try:
        states = read_status(root)
    except StageError as error:
        return {"state": f"unknown: {error}"}
    complete = [name for name, state in states.items() if state.output]
    return {
        "state": "finished"
        if LAST in complete
        else f"not finished: `traits run --config {root / 'run.json'}` goes on",
        "complete": complete,
        "begun": [name for name in states if name not in complete],
    }


def _in_detail(name: str, options: Mapping[str, Any]) -> str | None:
    """An option with those that matter for its value, as in `top-k (scores_k=32, scores_tau=0.0)`."""
    value = options.get(name)
    details = ", ".join(f"{detail}={options.get(detail)}" for detail in DETAILS.get(str(value), ()))
    return f"{value} ({details})" if details else value


def inspect_scorer(root: Path, registry: Registry) -> Finding | None:
    """Describe a scorer by its `scorer.json`; None where there is none."""
    if not (root / "scorer.json").is_file():
        return None
    facts = read_facts(root)
    feature = facts.feature
    return Finding(
        path=root,
        kind="scorer",
        summary=f"a scorer of method {facts.method}",
        facts={
            "prototypes": facts.n_prototypes,
            "d_model": feature.d_model,
            "backbone": f"{feature.backbone}, checkpoint {feature.checkpoint}",
            "layer": feature.layer,
            "position": feature.position,
            "preprocessing": feature.preprocessing,
            "files": [name for name, _ in facts.files],
            "digest": facts.digest,
        },
    )
