"""Runs and scorers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from traits_core.inspecting.finding import Finding
from traits_core.registry.plugins import Registry
from traits_core.scoring.saved import read_facts
from traits_core.stages.rundir import read_run_json

PARTS = ("checkpoints", "scorer", "scores", "probe", "report")


def inspect_run(root: Path, registry: Registry) -> Finding | None:
    """Describe a run by its `run.json`; None where there is none."""
    if not (root / "run.json").is_file():
        return None
    facts = read_run_json(root)
    sections: dict[str, Any] = facts.get("config") or {}
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
            **chosen,
            "seed": sections.get("run", {}).get("seed"),
            "created": facts.get("created"),
            "versions": facts.get("versions"),
            "holds": [name for name in PARTS if (root / name).exists()],
        },
    )


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
