"""How much of a language model's loss survives when its activations are replaced by reconstructions."""

from __future__ import annotations


def cross_entropy_recovered(original: float, reconstructed: float, ablated: float) -> float | None:
    """1 when the reconstruction costs nothing, 0 when it is as bad as ablation.

    `(ablated - reconstructed) / (ablated - original)`, as in Bricken et al., Towards
    monosemanticity (2023).

    Parameters
    ----------
    original: mean cross-entropy of the next token, in nats, of the model as it is
    reconstructed: the same with the activations of one layer replaced by their reconstructions
    ablated: the same with them replaced by zeros or by their mean: say which

    None when ablation costs nothing, so that there is nothing to recover.
    """
    if ablated == original:
        return None
    return (ablated - reconstructed) / (ablated - original)
