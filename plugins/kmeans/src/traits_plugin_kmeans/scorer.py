"""How near an activation is to each centroid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, Self

import attrs
import torch
from torch import Tensor

from traits_core import AffineParts, StoreError, check_activations, load_tensors, save_tensors
from traits_plugin_kmeans.codebook import Codebook, for_threads, score_tile
from traits_plugin_kmeans.frame import Frame, unit_rows

FILE: Final = "scorer.safetensors"
VERSION: Final = 2

Score = Literal["neg-sq-distance", "neg-distance", "cosine", "unit"]


@attrs.frozen(eq=False)
class KMeansScorer:
    """Scores of nearness to each centroid; larger is nearer.

    `neg-sq-distance` is -|x - c|^2, `neg-distance` is -|x - c|, `cosine` is the cosine of the angle
    between x and c, and `unit` is 1 - |x - c| / `reach`, at least 0.

    Parameters
    ----------
    codebook: centroids [K, D] in the frame
    frame: where distances are measured
    score: which of the four
    reach: no training row is farther than this from any centroid
    """

    codebook: Codebook = attrs.field(converter=for_threads)
    frame: Frame
    score: Score = "neg-sq-distance"
    reach: float = 1.0

    @property
    def n_prototypes(self) -> int:
        """The number of centroids."""
        return len(self.codebook.centroids_kd)

    @property
    def centroids_kd(self) -> Tensor:
        """The centroids [K, D] in the space of the activations, of length 1 if spherical."""
        return self.codebook.centroids_kd + self.frame.shift_d

    def __call__(self, acts_bd: Tensor) -> Tensor:
        """Score activations [B, D] of any float dtype: float32 [B, K].

        Raises DataError for another width, an integer dtype, NaN or infinity.
        """
        (scores_bk,) = self.blocks(acts_bd, self.n_prototypes)
        return scores_bk

    @torch.no_grad()
    def blocks(self, acts_bd: Tensor, width: int) -> Iterator[Tensor]:
        """Yield the scores of `width` centroids after the other; the first raises as a call does."""
        check_activations(acts_bd, len(self.frame.shift_d))
        centroids = torch.split(self.codebook.centroids_kd, width)
        if self.score == "cosine":
            directions_bd = unit_rows(acts_bd).float()
            for centroids_wd in centroids:
                unit_wd = unit_rows(centroids_wd + self.frame.shift_d)
                yield (directions_bd @ unit_wd.T).clamp_(-1, 1)
            return
        rows_bd = self.frame.rows(acts_bd)
        norms_b1 = rows_bd.square().sum(dim=1, keepdim=True)
        half_norms = torch.split(self.codebook.half_norms_k, width)
        for centroids_wd, half_norms_w in zip(centroids, half_norms, strict=True):
            scores_bw = torch.addmm(half_norms_w, rows_bd, centroids_wd.T, beta=-2, alpha=2)
            yield self._scored(scores_bw.sub_(norms_b1).clamp_(max=0))

    @torch.no_grad()
    def reconstruct(self, acts_bd: Tensor) -> Tensor:
        """The nearest centroid [B, D] of each activation x; max(0, x.c) c of the nearest c, if spherical.

        That is the nearest point on the ray of the nearest direction. Memory: a tile of scores.
        """
        check_activations(acts_bd, len(self.frame.shift_d))
        tile_bk = score_tile(self.n_prototypes, acts_bd.device)
        parts = torch.split(self.frame.rows(acts_bd), len(tile_bk))
        labels_b = torch.cat([self.codebook.nearest(part, tile_bk).labels_b for part in parts])
        nearest_bd = self.codebook.centroids_kd.index_select(0, labels_b).add_(self.frame.shift_d)
        if not self.frame.spherical:
            return nearest_bd
        lengths_b1 = (acts_bd.float() * nearest_bd).sum(dim=1, keepdim=True)
        return nearest_bd.mul_(lengths_b1.clamp_(min=0))

    def affine(self) -> AffineParts:
        """x.c - |c|^2 / 2 as latents where distances are scored, x.c / |c| where angles are.

        Both rank the centroids of an activation as the scores do. The decoder holds the centroids,
        of length 1 where angles are scored.
        """
        if self.frame.spherical or self.score == "cosine":
            directions_kd = unit_rows(self.centroids_kd)
            return AffineParts(
                encoder_dk=directions_kd.T.contiguous(),
                bias_k=torch.zeros_like(directions_kd[:, 0]),
                decoder_kd=directions_kd,
                shift_d=torch.zeros_like(self.frame.shift_d),
            )
        centroids_kd = self.codebook.centroids_kd
        return AffineParts(
            encoder_dk=centroids_kd.T.contiguous(),
            bias_k=-self.codebook.half_norms_k,
            decoder_kd=centroids_kd.clone(),
            shift_d=self.frame.shift_d.clone(),
        )

    def save(self, directory: Path) -> None:
        """Write `scorer.safetensors` into `directory`."""
        tensors = {"centroids_kd": self.codebook.centroids_kd, "shift_d": self.frame.shift_d}
        facts = {
            "scorer": "kmeans",
            "version": VERSION,
            "spherical": self.frame.spherical,
            "score": self.score,
            "reach": self.reach,
        }
        save_tensors(directory / FILE, tensors, facts)

    @classmethod
    def load(cls, directory: Path, device: torch.device) -> Self:
        """Read what `save` wrote; raises StoreError when it is something else."""
        tensors, facts = load_tensors(directory / FILE, device)
        if (facts.get("scorer"), facts.get("version")) != ("kmeans", VERSION):
            raise StoreError(
                f"{directory / FILE}: not a k-means scorer of version {VERSION} but {facts}: "
                "load it with the method and version that wrote it"
            )
        frame = Frame(tensors["shift_d"], facts["spherical"])
        return cls(Codebook(tensors["centroids_kd"]), frame, facts["score"], facts["reach"])

    def _scored(self, scores_bw: Tensor) -> Tensor:
        """What negative squared distances are scored as; overwrites them."""
        if self.score == "neg-sq-distance":
            return scores_bw
        distances_bw = scores_bw.neg_().sqrt_()
        if self.score == "neg-distance":
            return distances_bw.neg_()
        return distances_bw.div_(-self.reach).add_(1).clamp_(min=0)
