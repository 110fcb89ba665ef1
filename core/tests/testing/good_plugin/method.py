"""k-means in a few lines: nearest prototype, mean of its rows."""

from __future__ import annotations

import attrs
import torch

from traits_core import AffineParts, DataError, StoreError, load_tensors, save_tensors


def check_rows(acts_bd, d_model):
    if acts_bd.ndim != 2 or acts_bd.shape[1] != d_model or not acts_bd.is_floating_point():
        raise DataError(f"expected floats [rows, {d_model}], got {acts_bd.dtype} {acts_bd.shape}")
    if not acts_bd.isfinite().all():
        raise DataError("activations must be finite")


@attrs.frozen(eq=False)
class GoodScorer:
    prototypes_kd: torch.Tensor

    @property
    def n_prototypes(self):
        return len(self.prototypes_kd)

    @torch.no_grad()
    def __call__(self, acts_bd):
        check_rows(acts_bd, self.prototypes_kd.shape[1])
        return -torch.cdist(
            acts_bd.float(), self.prototypes_kd, compute_mode="donot_use_mm_for_euclid_dist"
        )

    def sparse(self, acts_bd):
        closest_bj, prototypes_bj = self(acts_bd).topk(2, dim=1)
        return closest_bj.exp(), prototypes_bj

    def blocks(self, acts_bd, width):
        return iter(self(acts_bd).split(width, dim=1))

    def reconstruct(self, acts_bd):
        return self.prototypes_kd[self(acts_bd).argmax(dim=1)]

    def affine(self):
        return AffineParts(
            encoder_dk=self.prototypes_kd.T.contiguous(),
            bias_k=-self.prototypes_kd.square().sum(dim=1) / 2,
            decoder_kd=self.prototypes_kd,
            shift_d=torch.zeros(self.prototypes_kd.shape[1]),
        )

    def save(self, directory):
        save_tensors(directory / "scorer.safetensors", {"prototypes_kd": self.prototypes_kd})

    @classmethod
    def load(cls, directory, device):
        return cls(load_tensors(directory / "scorer.safetensors", device)[0]["prototypes_kd"])


class GoodMethod:
    sample_rows = 100
    scorer_class = GoodScorer

    def __init__(self, config, *, d_model, seed, device, comm):
        self.config, self.d_model, self.device, self.comm = config, d_model, device, comm
        self.generator = torch.Generator().manual_seed(seed)
        self.prototypes_kd = torch.zeros(config.n_prototypes, d_model, device=device)
        self.sums_kd = torch.zeros_like(self.prototypes_kd)
        self.counts_k = torch.zeros(config.n_prototypes, device=device)
        self.epoch = torch.zeros((), dtype=torch.int64)

    @property
    def max_epochs(self):
        return self.config.max_epochs

    @property
    def done(self):
        return int(self.epoch) >= self.max_epochs

    def initialize(self, sample_nd):
        check_rows(sample_nd, self.d_model)
        if len(sample_nd) < self.config.n_prototypes:
            raise DataError(f"{len(sample_nd)} rows are too few")
        order_n = torch.randperm(len(sample_nd), generator=self.generator)
        self.prototypes_kd.copy_(sample_nd[order_n[: self.config.n_prototypes]])

    def update(self, acts_bd):
        check_rows(acts_bd, self.d_model)
        distances_bk = -self.scorer()(acts_bd)
        nearest_b = distances_bk.argmin(dim=1)
        self.sums_kd.index_add_(0, nearest_b, acts_bd)
        self.counts_k += nearest_b.bincount(minlength=len(self.counts_k))
        return {"distance": float(distances_bk.amin(dim=1).sum()) / max(len(acts_bd), 1)}

    def end_epoch(self):
        self.comm.all_sum(self.sums_kd, self.counts_k)
        sizes_k = self.counts_k.clone()
        used_k = sizes_k > 0
        self.prototypes_kd[used_k] = self.sums_kd[used_k] / self.counts_k[used_k, None]
        self.sums_kd.zero_()
        self.counts_k.zero_()
        self.epoch += 1
        return {"used": float(used_k.float().mean()), "sizes": sizes_k}

    def scorer(self):
        return self.scorer_class(self.prototypes_kd.clone())

    def tensors(self):
        return {
            "prototypes_kd": self.prototypes_kd,
            "sums_kd": self.sums_kd,
            "counts_k": self.counts_k,
            "epoch": self.epoch,
        }

    def state_dict(self):
        return {name: tensor.clone() for name, tensor in self.tensors().items()}

    def load_state_dict(self, state):
        mine = {name: tensor.shape for name, tensor in self.tensors().items()}
        if mine != {name: tensor.shape for name, tensor in state.items()}:
            raise StoreError("the state of another method")
        for name, tensor in self.tensors().items():
            tensor.copy_(state[name])
