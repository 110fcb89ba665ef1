"""The activation functions of sparse autoencoders: from pre-activations to latents, dense or sparse."""

from __future__ import annotations

from typing import ClassVar, Final, Protocol

import attrs
import torch
from torch import Tensor

from traits_core import ConfigError


class Activation(Protocol):
    """Row-wise map from pre-activations [B, S] to latents [B, S], most of them 0."""

    name: ClassVar[str]

    def __call__(self, pre_bs: Tensor) -> Tensor:
        """All latents, float32 [B, S]."""

    def sparse(self, pre_bs: Tensor) -> tuple[Tensor, Tensor]:
        """The latents that are not 0: float32 values [B, J] and int64 latents [B, J].

        No latent stands twice in a row; places that a row does not need hold value 0.
        """

    def check(self, n_latents: int) -> None:
        """Raise ConfigError when it does not suit that many latents."""


@attrs.frozen
class Relu:
    """`relu(pre)`."""

    name: ClassVar[str] = "relu"

    def __call__(self, pre_bs: Tensor) -> Tensor:
        """All latents."""
        return pre_bs.relu()

    def sparse(self, pre_bs: Tensor) -> tuple[Tensor, Tensor]:
        """The positive latents; J is the most that a row of the batch has."""
        return positive(self(pre_bs))

    def check(self, n_latents: int) -> None:
        """Any number of latents will do."""


@attrs.frozen
class TopK:
    """The `k` largest pre-activations of each row, where positive. Gao et al. 2024, arXiv 2406.04093.

    Parameters
    ----------
    k: from 1
    signed: keep them where negative too, in rows with fewer than `k` positive ones, as saev does
    """

    name: ClassVar[str] = "topk"

    k: int
    signed: bool = False

    def __call__(self, pre_bs: Tensor) -> Tensor:
        """All latents."""
        return scattered(*self.sparse(pre_bs), pre_bs.shape[1])

    def sparse(self, pre_bs: Tensor) -> tuple[Tensor, Tensor]:
        """The latents kept; J is `k`."""
        values_bj, indices_bj = pre_bs.topk(self.k, dim=1, sorted=False)
        return values_bj if self.signed else values_bj.relu(), indices_bj

    def check(self, n_latents: int) -> None:
        """Raise ConfigError unless `k` is from 1 to `n_latents`."""
        if type(self.k) is not int or not 1 <= self.k <= n_latents:
            raise ConfigError(
                f"k = {self.k} of {n_latents} latents: choose k from 1 to {n_latents}"
            )


@attrs.frozen(eq=False)
class JumpRelu:
    """`pre` where it is positive and above the latent's threshold. Rajamanoharan et al. 2024, arXiv 2407.14435.

    Parameters
    ----------
    threshold_s: float32
    """

    name: ClassVar[str] = "jumprelu"

    threshold_s: Tensor

    def __call__(self, pre_bs: Tensor) -> Tensor:
        """All latents."""
        return pre_bs.relu() * (pre_bs > self.threshold_s)

    def sparse(self, pre_bs: Tensor) -> tuple[Tensor, Tensor]:
        """The positive latents; J is the most that a row of the batch has."""
        return positive(self(pre_bs))

    def check(self, n_latents: int) -> None:
        """Raise ConfigError unless there is a threshold per latent."""
        _check_vector("threshold", self.threshold_s, n_latents)


@attrs.frozen(eq=False, kw_only=True)
class Gated:
    """`relu(exp(log_magnitude) pre + magnitude_bias)` where `pre + gate_bias > 0`.

    Rajamanoharan et al. 2024, arXiv 2404.16014.

    Parameters
    ----------
    gate_bias_s, magnitude_bias_s, log_magnitude_s: float32
    """

    name: ClassVar[str] = "gated"

    gate_bias_s: Tensor
    magnitude_bias_s: Tensor
    log_magnitude_s: Tensor

    def __call__(self, pre_bs: Tensor) -> Tensor:
        """All latents."""
        magnitudes_bs = (pre_bs * self.log_magnitude_s.exp() + self.magnitude_bias_s).relu()
        return magnitudes_bs * (pre_bs + self.gate_bias_s > 0)

    def sparse(self, pre_bs: Tensor) -> tuple[Tensor, Tensor]:
        """The positive latents; J is the most that a row of the batch has."""
        return positive(self(pre_bs))

    def shifted(self, bias_s: Tensor) -> Gated:
        """What does to `pre` as this one does to `pre + bias`."""
        return Gated(
            gate_bias_s=self.gate_bias_s + bias_s,
            magnitude_bias_s=self.magnitude_bias_s + bias_s * self.log_magnitude_s.exp(),
            log_magnitude_s=self.log_magnitude_s,
        )

    def check(self, n_latents: int) -> None:
        """Raise ConfigError unless there are a gate, a magnitude and a scale per latent."""
        _check_vector("gate bias", self.gate_bias_s, n_latents)
        _check_vector("magnitude bias", self.magnitude_bias_s, n_latents)
        _check_vector("log magnitude", self.log_magnitude_s, n_latents)


@attrs.frozen
class GroupMax:
    """The largest latent of each of `k` groups of neighbours, where positive."""

    name: ClassVar[str] = "groupmax"

    k: int

    def __call__(self, pre_bs: Tensor) -> Tensor:
        """All latents."""
        return scattered(*self.sparse(pre_bs), pre_bs.shape[1])

    def sparse(self, pre_bs: Tensor) -> tuple[Tensor, Tensor]:
        """The latents kept; J is `k`, one per group."""
        size = pre_bs.shape[1] // self.k
        values_bj, places_bj = pre_bs.reshape(len(pre_bs), self.k, size).max(dim=2)
        first_j = torch.arange(0, pre_bs.shape[1], size, device=pre_bs.device)
        return values_bj.relu(), places_bj + first_j

    def check(self, n_latents: int) -> None:
        """Raise ConfigError unless `k` groups divide the latents evenly."""
        if type(self.k) is not int or not 1 <= self.k <= n_latents or n_latents % self.k:
            raise ConfigError(
                f"{n_latents} latents do not fall into {self.k} equal groups: "
                "choose a k that divides them"
            )


ACTIVATIONS: Final[tuple[type[Activation], ...]] = (Relu, TopK, JumpRelu, Gated, GroupMax)


def positive(latents_bs: Tensor) -> tuple[Tensor, Tensor]:
    """The positive of latents [B, S] that are at least 0: values [B, J], latents [B, J]; J is at least 1."""
    counts_b = (latents_bs > 0).sum(dim=1)
    most = max(int(counts_b.max()), 1) if len(counts_b) else 1
    values_bj, indices_bj = latents_bs.topk(most, dim=1, sorted=False)
    return values_bj, indices_bj


def scattered(values_bj: Tensor, indices_bj: Tensor, n_latents: int) -> Tensor:
    """Sparse latents as dense ones [B, S]."""
    latents_bs = values_bj.new_zeros(len(values_bj), n_latents)
    return latents_bs.scatter_(1, indices_bj, values_bj)


def _check_vector(what: str, values_s: Tensor, n_latents: int) -> None:
    if tuple(values_s.shape) != (n_latents,) or values_s.dtype != torch.float32:
        raise ConfigError(
            f"the {what} must be float32 [{n_latents}], one per latent; "
            f"got {values_s.dtype} {list(values_s.shape)}"
        )
