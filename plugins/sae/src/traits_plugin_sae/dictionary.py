"""A sparse autoencoder as a value: what training makes, what scores, and what is exchanged with others."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import attrs
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from traits_core import ConfigError, StoreError, load_tensors, save_tensors
from traits_plugin_sae.activations import ACTIVATIONS, Activation
from traits_plugin_sae.row_norms import RowNorm

FORMAT = {"dictionary": "sae", "version": 1}


@attrs.frozen(eq=False, kw_only=True)
class Dictionary:
    """Encoder, activation function and decoder of one sparse autoencoder.

    `latents = activation((acts - decoder_bias) @ encoder + encoder_bias)`, and the reconstruction is
    `latents @ decoder + decoder_bias`. All tensors are float32, on one device.

    Parameters
    ----------
    encoder_ds, encoder_bias_s, decoder_sd, decoder_bias_d: the weights
    activation: from pre-activations to latents
    subtracts_bias: whether `decoder_bias` is subtracted from activations before they are encoded
    row_norm: what is done to each activation first, and undone last
    skip_dd: added to a reconstruction is `acts @ skip`; None: nothing

    Raises ConfigError when the shapes or dtypes do not fit together.
    """

    encoder_ds: Tensor
    encoder_bias_s: Tensor
    decoder_sd: Tensor
    decoder_bias_d: Tensor
    activation: Activation
    subtracts_bias: bool = True
    row_norm: RowNorm = RowNorm.NONE
    skip_dd: Tensor | None = None

    def __attrs_post_init__(self) -> None:
        if self.encoder_ds.ndim != 2 or 0 in self.encoder_ds.shape:
            raise ConfigError(
                "the encoder must be a matrix [d_model, latents], "
                f"got {list(self.encoder_ds.shape)}"
            )
        d_model, n_latents = self.encoder_ds.shape
        shapes = {
            "encoder_ds": (d_model, n_latents),
            "encoder_bias_s": (n_latents,),
            "decoder_sd": (n_latents, d_model),
            "decoder_bias_d": (d_model,),
            "skip_dd": (d_model, d_model),
        }
        for name, tensor in self._weights().items():
            if tuple(tensor.shape) != shapes[name] or tensor.dtype != torch.float32:
                raise ConfigError(
                    f"{name} must be float32 {list(shapes[name])} beside an encoder of "
                    f"{d_model} x {n_latents}; got {tensor.dtype} {list(tensor.shape)}"
                )
        self.activation.check(n_latents)

    @property
    def d_model(self) -> int:
        """The length of an activation."""
        return self.encoder_ds.shape[0]

    @property
    def n_latents(self) -> int:
        """The number of latents."""
        return self.encoder_ds.shape[1]

    def pre_activations(self, acts_bd: Tensor) -> Tensor:
        """What the activation function is applied to, of activations [B, D]: float32 [B, S]."""
        rows_bd, _, _ = self.row_norm.apply(acts_bd.float())
        if self.subtracts_bias:
            rows_bd = rows_bd - self.decoder_bias_d
        return torch.addmm(self.encoder_bias_s, rows_bd, self.encoder_ds)

    def encode(self, acts_bd: Tensor) -> Tensor:
        """All latents of activations [B, D]: float32 [B, S]."""
        return self.activation(self.pre_activations(acts_bd))

    def encode_sparse(self, acts_bd: Tensor) -> tuple[Tensor, Tensor]:
        """The latents of activations [B, D] that are not 0: float32 values [B, J], int64 latents [B, J].

        No latent stands twice in a row; places that a row does not need hold value 0.
        """
        return self.activation.sparse(self.pre_activations(acts_bd))

    def decode(self, latents_bs: Tensor) -> Tensor:
        """Latents [B, S] back in the space that was encoded: after `row_norm`, without the skip."""
        return torch.addmm(self.decoder_bias_d, latents_bs, self.decoder_sd)

    def decode_sparse(self, values_bj: Tensor, indices_bj: Tensor) -> Tensor:
        """`decode` of sparse latents, without a dense matrix."""
        sums_bd = embedding_bag(
            indices_bj, self.decoder_sd, per_sample_weights=values_bj, mode="sum"
        )
        return sums_bd + self.decoder_bias_d

    def reconstruct(self, acts_bd: Tensor) -> Tensor:
        """What the latents of activations [B, D] say of them: float32 [B, D], in the same units."""
        acts_bd = acts_bd.float()
        _, scale_b1, shift_b1 = self.row_norm.apply(acts_bd)
        decoded_bd = self.decode_sparse(*self.encode_sparse(acts_bd)) * scale_b1 + shift_b1
        return decoded_bd if self.skip_dd is None else decoded_bd + acts_bd @ self.skip_dd

    def subtracting(self, wanted: bool) -> Self:
        """The same function with `subtracts_bias` as `wanted`, the difference in `encoder_bias`."""
        if wanted == self.subtracts_bias:
            return self
        moved_s = (self.decoder_bias_d.double() @ self.encoder_ds.double()).float()
        bias_s = self.encoder_bias_s + moved_s if wanted else self.encoder_bias_s - moved_s
        return attrs.evolve(self, encoder_bias_s=bias_s, subtracts_bias=wanted)

    def to(self, device: torch.device | str) -> Self:
        """The same dictionary with its tensors on `device`."""
        return self._from(
            {name: tensor.to(device) for name, tensor in self.tensors().items()}, self.facts()
        )

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name, those of the activation function too."""
        inner = attrs.asdict(self.activation)  # type: ignore[arg-type]  # each is an attrs class
        return self._weights() | {
            name: value for name, value in inner.items() if isinstance(value, Tensor)
        }

    def facts(self) -> dict[str, Any]:
        """All that is no tensor, as JSON values."""
        inner = attrs.asdict(self.activation)  # type: ignore[arg-type]  # each is an attrs class
        return {
            **FORMAT,
            "activation": self.activation.name,
            "parameters": {
                name: value for name, value in inner.items() if not isinstance(value, Tensor)
            },
            "subtracts_bias": self.subtracts_bias,
            "row_norm": self.row_norm.value,
        }

    def save(self, path: Path) -> None:
        """Durably write all of it to one safetensors file."""
        save_tensors(path, self.tensors(), self.facts())

    @classmethod
    def load(cls, path: Path, device: torch.device | str = "cpu") -> Self:
        """Read what `save` wrote; raises StoreError when it is something else."""
        tensors, facts = load_tensors(path, device)
        if {key: facts.get(key) for key in FORMAT} != FORMAT:
            raise StoreError(f"{path}: not a sparse autoencoder of version 1 but {facts}")
        try:
            return cls._from(tensors, facts)
        except (KeyError, TypeError, ValueError, ConfigError) as error:
            raise StoreError(f"{path}: a damaged sparse autoencoder: {error}") from error

    @classmethod
    def _from(cls, tensors: dict[str, Tensor], facts: dict[str, Any]) -> Self:
        """What has these `tensors()` and `facts()`."""
        names = {field.name for field in attrs.fields(cls)}
        kind = {kind.name: kind for kind in ACTIVATIONS}[facts["activation"]]
        own = {name: tensor for name, tensor in tensors.items() if name not in names}
        weights: dict[str, Any] = {name: tensors[name] for name in tensors.keys() & names}
        return cls(
            **weights,
            activation=kind(**own, **facts["parameters"]),
            subtracts_bias=facts["subtracts_bias"],
            row_norm=RowNorm(facts["row_norm"]),
        )

    def _weights(self) -> dict[str, Tensor]:
        """The tensors beside those of the activation function, by name."""
        named = {
            "encoder_ds": self.encoder_ds,
            "encoder_bias_s": self.encoder_bias_s,
            "decoder_sd": self.decoder_sd,
            "decoder_bias_d": self.decoder_bias_d,
            "skip_dd": self.skip_dd,
        }
        return {name: tensor for name, tensor in named.items() if tensor is not None}
