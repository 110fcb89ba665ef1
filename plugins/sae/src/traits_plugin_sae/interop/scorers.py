"""Any scorer that can be written as a sparse autoencoder: k-means, PCA and random prototypes too."""

from __future__ import annotations

import attrs
import torch

from traits_core import AffineScorer, ConfigError, NormalizedScorer
from traits_plugin_sae.activations import Relu
from traits_plugin_sae.dictionary import Dictionary
from traits_plugin_sae.interop.folding import of_raw_rows
from traits_plugin_sae.row_norms import RowNorm
from traits_plugin_sae.scorer import SaeScorer

AS_RELU = "its scores are written as those of a ReLU autoencoder: negative ones become 0"


def dictionary_of(scorer: object, name: str) -> tuple[Dictionary, tuple[str, ...]]:
    """A scorer, called `name` in errors, as a dictionary of raw activations; and notes for the user.

    What it was trained with as its normaliser is folded in. Raises ConfigError when it is no
    autoencoder and no affine map.
    """
    if isinstance(scorer, NormalizedScorer):
        dictionary, notes = dictionary_of(scorer.scorer, name)
        return _without_normalizer(dictionary, scorer), notes
    if isinstance(scorer, SaeScorer):
        return scorer.dictionary, ()
    if isinstance(scorer, AffineScorer):
        parts = scorer.affine()
        dictionary = Dictionary(
            encoder_ds=parts.encoder_dk,
            encoder_bias_s=parts.bias_k,
            decoder_sd=parts.decoder_kd,
            decoder_bias_d=parts.shift_d,
            activation=Relu(),
        )
        return dictionary, (AS_RELU,)
    raise ConfigError(
        f"{name}: its scores are no sparse autoencoder and no affine map (no `affine`), so no format "
        "of autoencoders can hold them"
    )


def _without_normalizer(dictionary: Dictionary, scorer: NormalizedScorer) -> Dictionary:
    """The dictionary of the rows that its normaliser is given."""
    facts, rows = scorer.normalizer.facts, scorer.normalizer.map
    if dictionary.row_norm is not RowNorm.NONE or dictionary.skip_dd is not None:
        raise ConfigError(
            "an autoencoder that normalises each row or has a skip cannot have a normaliser before it"
        )
    if facts.kind == "unit-norm":  # rows of norm 1, where `RowNorm` makes them of norm sqrt(D)
        scale = facts.d_model**0.5
        return attrs.evolve(
            dictionary,
            encoder_ds=dictionary.encoder_ds / scale,
            decoder_sd=dictionary.decoder_sd * scale,
            decoder_bias_d=dictionary.decoder_bias_d * scale,
            row_norm=RowNorm.CONSTANT,
        )
    tensors = attrs.asdict(rows, recurse=False)
    matrix_dd = tensors.get("matrix_de")
    if matrix_dd is None:
        matrix_dd = torch.diag(tensors["scale_d"])
    inverse_dd = torch.linalg.pinv(matrix_dd.double()).float()
    return of_raw_rows(dictionary, tensors["shift_d"].float(), matrix_dd, inverse_dd)
