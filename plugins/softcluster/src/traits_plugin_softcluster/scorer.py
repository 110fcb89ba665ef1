"""How much an activation belongs to each cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

import attrs
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag, normalize

from traits_core import AffineParts, StoreError, check_activations, load_tensors, save_tensors
from traits_plugin_softcluster.centres import (
    Centres,
    for_threads,
    keep_members_,
    softmax_tile,
    tile_rows,
)
from traits_plugin_softcluster.directions import LARGEST, directions
from traits_plugin_softcluster.posteriors import Posteriors

FILE: Final = "scorer.safetensors"
KIND: Final = {"scorer": "softcluster", "version": 1}


@attrs.frozen(eq=False)
class SoftClusterScorer:
    """Scores are memberships: a softmax of cosines, which sums to 1 in each row.

    They are never cut off: a score of 0 would tie with all others, and hide how rows rank. What
    `sparse` returns is. A row that equals the shift has no direction: all its memberships are 0.

    Parameters
    ----------
    centres: unit vectors [K, D] with their temperature
    shift_d: float32, subtracted from activations before they are compared
    min_membership: `sparse` drops smaller memberships, but never the largest of a row
    members: how many clusters of a row `sparse` returns
    """

    centres: Centres = attrs.field(converter=for_threads)
    shift_d: Tensor
    min_membership: float
    members: int

    @property
    def n_prototypes(self) -> int:
        """The number of clusters."""
        return len(self.centres.centres_kd)

    @torch.no_grad()
    def __call__(self, acts_bd: Tensor) -> Tensor:
        """Score activations [B, D] of any float dtype: memberships, float32 [B, K].

        Raises DataError for another width, an integer dtype, NaN or infinity.
        """
        rows_bd, directed_b = self._directions(acts_bd)
        soft_bk = rows_bd.new_empty(len(rows_bd), self.n_prototypes)
        rows = tile_rows(self.n_prototypes, rows_bd.device)
        for part_bd, out_bk in zip(
            torch.split(rows_bd, rows), torch.split(soft_bk, rows), strict=True
        ):
            self.centres.softmax(part_bd, out_bk)
        return soft_bk.masked_fill_(~directed_b[:, None], 0)

    @torch.no_grad()
    def sparse(self, acts_bd: Tensor) -> tuple[Tensor, Tensor]:
        """The memberships [B, J] that each row was learned by, largest first, and whose they are.

        These are its `members` largest, less those below `min_membership` (which become 0), divided
        by their sum. Memory: B x J, and a tile of fixed size.
        """
        rows_bd, directed_b = self._directions(acts_bd)
        tile_bk = softmax_tile(self.n_prototypes, rows_bd.device)
        values_bj = rows_bd.new_empty(len(rows_bd), self.members)
        clusters_bj = torch.empty_like(values_bj, dtype=torch.int64)
        for start in range(0, len(rows_bd), len(tile_bk)):
            part = slice(start, start + len(tile_bk))
            found = Posteriors.of(
                rows_bd[part], self.centres, self.members, self.min_membership, tile_bk
            )
            kept_bj, order_bj = found.soft_bj.sort(dim=1, descending=True)
            keep_members_(kept_bj, self.min_membership)
            values_bj[part] = kept_bj / kept_bj.sum(dim=1, keepdim=True)
            clusters_bj[part] = found.clusters_bj.gather(1, order_bj)
        return values_bj.masked_fill_(~directed_b[:, None], 0), clusters_bj

    @torch.no_grad()
    def reconstruct(self, acts_bd: Tensor) -> Tensor:
        """The nearest points [B, D] to activations on rays from the shift, each in a direction of its own.

        That is the direction of the mean of the row's centres, weighted by what `sparse` returns. Where
        it leads away, and for a row without a direction, the nearest point is the shift. Memory: that of
        `sparse`, and three times the batch.
        """
        values_bj, clusters_bj = self.sparse(acts_bd)
        means_bd = embedding_bag(
            clusters_bj, self.centres.centres_kd, mode="sum", per_sample_weights=values_bj
        )
        rays_bd = normalize(means_bd, dim=1)
        lengths_b1 = ((acts_bd - self.shift_d).float() * rays_bd).sum(dim=1, keepdim=True)
        return rays_bd.mul_(lengths_b1.clamp_(min=0)).add_(self.shift_d)

    def affine(self) -> AffineParts:
        """The centres as an encoder, on activations less the shift: in a row, cosines up to a factor."""
        centres_kd = self.centres.centres_kd
        return AffineParts(
            encoder_dk=centres_kd.T.contiguous(),
            bias_k=centres_kd.new_zeros(len(centres_kd)),
            decoder_kd=centres_kd,
            shift_d=self.shift_d,
        )

    def save(self, directory: Path) -> None:
        """Write `scorer.safetensors` into `directory`."""
        tensors = {"centres_kd": self.centres.centres_kd, "shift_d": self.shift_d}
        facts = {
            "temperature": self.centres.temperature,
            "min_membership": self.min_membership,
            "members": self.members,
        }
        save_tensors(directory / FILE, tensors, KIND | facts)

    @classmethod
    def load(cls, directory: Path, device: torch.device) -> Self:
        """Read what `save` wrote; raises StoreError when it is something else."""
        tensors, facts = load_tensors(directory / FILE, device)
        kind = {name: facts.pop(name, None) for name in KIND}
        if kind != KIND:
            raise StoreError(
                f"{directory / FILE}: not a soft-clustering scorer of version 1 but {kind}: "
                "load it with the method and version that wrote it"
            )
        centres = Centres(tensors["centres_kd"], facts["temperature"])
        return cls(centres, tensors["shift_d"], facts["min_membership"], facts["members"])

    def _directions(self, acts_bd: Tensor) -> tuple[Tensor, Tensor]:
        check_activations(acts_bd, len(self.shift_d), LARGEST)
        return directions(acts_bd, self.shift_d)
