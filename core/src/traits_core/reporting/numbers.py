"""How values of tables are written for people."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

UNDEFINED = "\N{EN DASH}"
TITLES = {
    "map": "mAP",
    "ap": "AP",
    "ap_train": "AP, train",
    "map_ci95_low": "95% from",
    "map_ci95_high": "95% to",
    "n_positive": "positives",
    "n_positive_train": "positives, train",
    "n_prototypes": "prototypes",
    "n_traits": "traits",
    "n_traits_skipped": "traits skipped",
    "n_traits_unselected": "traits unselected",
    "map_train": "mAP, train",
    "ap_p05_traits": "AP, 5% of traits below",
    "ap_p95_traits": "AP, 95% of traits below",
    "row": "scorer",
    "grid": "Fewer prototypes, fewer labels",
    "n_prototypes_total": "of prototypes",
    "n_train": "train examples",
    "repeats": "draws",
    "map_sd_draws": "sd of mAP over draws",
    "gaussian": "AP, Gaussian",
    "activations": "AP, activations",
    "n_alive": "prototypes alive",
    "purity_train": "purity, train",
    "iou": "IoU",
    "nmi": "NMI",
    "r2": "R²",
    "r2_train": "R², train",
    "loss_train": "loss, train",
    "f1": "F1",
}


def is_number(value: Any) -> TypeGuard[float]:
    """Whether `value` is a finite number; booleans are not numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def show(value: Any) -> str:
    """Write one value of a table: three or four digits, a dash for undefined."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return UNDEFINED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _show_float(value)
    return str(value)


def _show_float(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2g}" if 0 < abs(value) < 0.01 else f"{value:.3f}"


def show_ratio(ratio: float) -> str:
    """Write a ratio with two to three digits: 0.91, 1.62, 9.1, 34."""
    if ratio < 2:
        return f"{ratio:.2f}"
    return f"{ratio:.1f}" if ratio < 20 else f"{ratio:,.0f}"


def column_title(name: str) -> str:
    """The heading of a table's column."""
    return TITLES.get(name, name.replace("_", " "))
