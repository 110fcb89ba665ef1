"""The line of JSON before the weights of saev's `sae.pt`, in each of the shapes that it has had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from traits_plugin_sae.interop.checkpoint import table

SCHEMA: Final = 5
KINDS: Final = ("Relu", "TopK", "BatchTopK")


@attrs.frozen
class SaevHeader:
    """What the header says of the autoencoder: `kind` is one of `KINDS`, `k` belongs to two of them."""

    kind: str
    k: int | None


def parse_header(header: Mapping[str, Any]) -> SaevHeader:
    """Read a header; raises ValueError (or KeyError, TypeError) when it has none of the known shapes.

    Without a schema it is a ReLU autoencoder of the first versions. Schema 1 has two shapes: the
    activation is named by `cls`, or described in `cfg`, as in schemas 2 to 5.
    """
    schema = header.get("schema")
    if schema is None:
        if "d_vit" not in header and "d_model" not in header:
            raise ValueError("its first line is no header of saev")
        return SaevHeader("Relu", None)
    if schema not in range(1, SCHEMA + 1):
        raise ValueError(f"schema {schema!r}; 1 to {SCHEMA} are read")
    if not (config := table(header, "cfg")):
        raise ValueError("its header has no cfg")
    if schema == 1 and header.get("cls") in KINDS:
        return _header(header["cls"], config.get("top_k", 32))
    described = table(config, "activation") if "activation" in config else {"cls": "TopK"}
    return _header(described["cls"], table(described, "params").get("top_k", 32))


def make_header(
    kind: str, k: int | None, d_model: int, n_latents: int, unit_rows: bool
) -> dict[str, Any]:
    """A header of schema 5."""
    none: dict[str, Any] = {"cls": "NoSparsity", "params": {"key": "no-sparsity"}}
    auxiliary: dict[str, Any] = {
        "cls": "AuxK",
        "params": {"key": "auxk", "k_aux": 512, "alpha": 0.03125},
    }
    parameters: dict[str, Mapping[str, Any]] = {
        "Relu": {
            "key": "relu",
            "sparsity": {"cls": "L1Sparsity", "params": {"key": "l1-sparsity", "coeff": 0.0004}},
            "aux": {"cls": "NoAux", "params": {"key": "no-aux"}},
        },
        "TopK": {"key": "top-k", "top_k": k, "sparsity": none, "aux": auxiliary},
        "BatchTopK": {
            "key": "batch-top-k",
            "top_k": k,
            "sparsity": none,
            "momentum": 0.1,
            "aux": auxiliary,
        },
    }
    return {
        "schema": SCHEMA,
        "cfg": {
            "d_model": d_model,
            "d_sae": n_latents,
            "activation": {"cls": kind, "params": parameters[kind]},
            "reinit_blend": 0.0,
            "reinit_enc_dec_tranpose": True,  # spelt so in the format
            "remove_parallel_grads": True,
            "normalize_w_dec": unit_rows,
        },
    }


def _header(kind: str, k: Any) -> SaevHeader:
    if kind not in KINDS:
        raise ValueError(f"activation {kind!r}; {', '.join(KINDS)} are read")
    if kind == "Relu":
        return SaevHeader(kind, None)
    if type(k) is not int or k < 1:
        raise ValueError(f"top_k must be a whole number from 1, not {k!r}")
    return SaevHeader(kind, k)
