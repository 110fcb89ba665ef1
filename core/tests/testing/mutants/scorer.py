"""Scorers that are not row-wise, not frozen, or not on disk."""

from __future__ import annotations

import pickle
from itertools import islice
from typing import ClassVar

import attrs
import torch
from good_plugin.method import GoodMethod, GoodScorer

from mutants import breaks_as_scorer, mutate
from traits_core import load_tensors, save_tensors


@breaks_as_scorer("check_scorer_interface", "float64 instead of float32")
class DoubleScores(GoodScorer):
    def __call__(self, acts_bd):
        return super().__call__(acts_bd).double()


@breaks_as_scorer("check_scorer_interface", "instead of (164, 6)")
class OneScoreTooMany(GoodScorer):
    def __call__(self, acts_bd):
        return super().__call__(acts_bd).repeat(1, 2)[:, :7]


@breaks_as_scorer("check_scorer_interface", "not finite")
class InfiniteScores(GoodScorer):
    def __call__(self, acts_bd):
        return super().__call__(acts_bd).log()


@breaks_as_scorer("check_scorer_interface", "gradients")
class WithGradients(GoodScorer):
    def __call__(self, acts_bd):
        return acts_bd.float() @ self.prototypes_kd.T


@breaks_as_scorer("check_scorer_interface", "n_prototypes must be an int")
class TensorCount(GoodScorer):
    @property
    def n_prototypes(self):
        return torch.tensor(len(self.prototypes_kd))


@breaks_as_scorer("check_scorer_takes_any_number_of_rows", "raised RuntimeError")
class CannotScoreNothing(GoodScorer):
    def __call__(self, acts_bd):
        acts_bd.amax()
        return super().__call__(acts_bd)


@breaks_as_scorer("check_scorer_takes_any_number_of_rows", "scores of 1 rows are (6,)")
class Squeezes(GoodScorer):
    def __call__(self, acts_bd):
        return super().__call__(acts_bd).squeeze(0)


@breaks_as_scorer("check_scores_do_not_depend_on_the_batch", "rows alone")
class CentresByTheBatch(GoodScorer):
    def __call__(self, acts_bd):
        return super().__call__(acts_bd - acts_bd.mean(0))


@breaks_as_scorer("check_scores_do_not_depend_on_the_batch", "reverse order")
class RanksRows(GoodScorer):
    def __call__(self, acts_bd):
        return super().__call__(acts_bd) + torch.arange(len(acts_bd))[:, None]


@breaks_as_scorer("check_scores_do_not_depend_on_the_batch", "far away")
class ScalesByTheLargest(GoodScorer):
    def __call__(self, acts_bd):
        scale = acts_bd.abs().amax() if len(acts_bd) > 40 else 1
        return super().__call__(acts_bd / scale)


@breaks_as_scorer("check_scoring_leaves_its_input_alone", "writes into its input")
class WritesIntoItsInput(GoodScorer):
    def __call__(self, acts_bd):
        return super().__call__(acts_bd.sub_(1))


@breaks_as_scorer("check_scoring_is_repeatable", "the second time")
class InTrainingMode(GoodScorer):
    def __call__(self, acts_bd):
        return torch.nn.functional.dropout(super().__call__(acts_bd), training=True)


@breaks_as_scorer("check_scoring_is_repeatable", "after other rows")
class LearnsWhileScoring(GoodScorer):
    def __call__(self, acts_bd):
        scores_bk = super().__call__(acts_bd)
        if acts_bd.mean() > 5:
            self.prototypes_kd.mul_(0.9)
        return scores_bk


@breaks_as_scorer("check_scoring_is_repeatable", "that were returned")
class ReusesItsOutput(GoodScorer):
    buffers: ClassVar[dict] = {}

    def __call__(self, acts_bd):
        scores_bk = super().__call__(acts_bd)
        return self.buffers.setdefault(scores_bk.shape, scores_bk).copy_(scores_bk)


@breaks_as_scorer("check_scorer_takes_any_float_dtype", "are torch.float16")
class KeepsTheDtype(GoodScorer):
    def __call__(self, acts_bd):
        return super().__call__(acts_bd).to(acts_bd.dtype)


@breaks_as_scorer("check_scorer_takes_any_float_dtype", "same values in float32")
class ComputesInLowPrecision(GoodScorer):
    def __call__(self, acts_bd):
        low_kd = self.prototypes_kd.to(acts_bd.dtype)
        return (acts_bd @ low_kd.T).float()


@breaks_as_scorer("check_scorer_refuses_bad_activations", "NaN")
class TakesNan(GoodScorer):
    def __call__(self, acts_bd):
        return super().__call__(acts_bd.nan_to_num())


@breaks_as_scorer("check_scorer_refuses_bad_activations", "rows of length 17")
class TakesAnyWidth(GoodScorer):
    def __call__(self, acts_bd):
        return super().__call__(acts_bd[:, :16])


@breaks_as_scorer("check_scorer_files_are_plain", "scorer.pkl")
class Pickles(GoodScorer):
    def save(self, directory):
        (directory / "scorer.pkl").write_bytes(pickle.dumps(self.prototypes_kd.numpy()))


@breaks_as_scorer("check_scorer_files_are_plain", "not JSON")
class PicklesUnderAnotherName(GoodScorer):
    def save(self, directory):
        (directory / "scorer.json").write_bytes(pickle.dumps(self.prototypes_kd.numpy()))


@breaks_as_scorer("check_scorer_files_are_plain", "beside its directory")
class WritesBeside(GoodScorer):
    def save(self, directory):
        super().save(directory)
        super().save(directory.parent)


@breaks_as_scorer("check_scorer_files_are_plain", "no file")
class WritesNothing(GoodScorer):
    def save(self, directory):
        pass


@breaks_as_scorer("check_scorer_survives_save_and_load", "after and before saving")
class LosesDigits(GoodScorer):
    def save(self, directory):
        save_tensors(directory / "scorer.safetensors", {"prototypes_kd": self.prototypes_kd.half()})

    @classmethod
    def load(cls, directory, device):
        return cls(load_tensors(directory / "scorer.safetensors")[0]["prototypes_kd"].float())


@breaks_as_scorer("check_scorer_survives_save_and_load", "3 prototypes are loaded")
class LosesPrototypes(GoodScorer):
    @classmethod
    def load(cls, directory, device):
        return cls(super().load(directory, device).prototypes_kd[::2])


@breaks_as_scorer("check_scorer_loads_in_a_fresh_process", "in a fresh process: KeyError")
class StaysInMemory(GoodScorer):
    living: ClassVar[dict] = {}

    def save(self, directory):
        super().save(directory)
        self.living[str(directory)] = self

    @classmethod
    def load(cls, directory, device):
        return cls.living[str(directory)]


class SharesItsPrototypes(GoodMethod):
    def scorer(self):
        return GoodScorer(self.prototypes_kd)


mutate(
    "check_scorer_is_a_snapshot",
    "before and after its method learned on",
    "method",
    "SharesItsPrototypes",
    factory="mutants.scorer:SharesItsPrototypes",
)


@breaks_as_scorer("check_sparse_scores_are_some_of_the_prototypes", "torch.int32")
class NarrowIndices(GoodScorer):
    def sparse(self, acts_bd):
        values_bj, prototypes_bj = super().sparse(acts_bd)
        return values_bj, prototypes_bj.int()


@breaks_as_scorer("check_sparse_scores_are_some_of_the_prototypes", "leave [0, 6)")
class PadsWithMinusOne(GoodScorer):
    def sparse(self, acts_bd):
        values_bj, prototypes_bj = super().sparse(acts_bd)
        pad_b1 = torch.full((len(acts_bd), 1), -1)
        return torch.cat([values_bj, values_bj[:, :1] * 0], 1), torch.cat(
            [prototypes_bj, pad_b1], 1
        )


@breaks_as_scorer("check_sparse_scores_are_some_of_the_prototypes", "twice in a row")
class NamesAPrototypeTwice(GoodScorer):
    def sparse(self, acts_bd):
        values_bj, prototypes_bj = super().sparse(acts_bd)
        return values_bj, prototypes_bj[:, :1].expand(-1, 2)


@breaks_as_scorer("check_sparse_scores_are_some_of_the_prototypes", "rows alone")
class KeepsTheLargestOfTheBatch(GoodScorer):
    def sparse(self, acts_bd):
        values_bj, prototypes_bj = super().sparse(acts_bd)
        return values_bj.where(values_bj >= values_bj.median(), 0), prototypes_bj


@breaks_as_scorer("check_sparse_scores_keep_the_largest", "first sparse prototype")
class KeepsTheSmallest(GoodScorer):
    def sparse(self, acts_bd):
        farthest_bj, prototypes_bj = self(acts_bd).topk(2, dim=1, largest=False)
        return farthest_bj.exp(), prototypes_bj


@breaks_as_scorer("check_blocks_are_the_columns_of_the_scores", "blocks of 1, and scores")
class BlocksInReverse(GoodScorer):
    def blocks(self, acts_bd, width):
        return reversed(list(super().blocks(acts_bd, width)))


@breaks_as_scorer("check_blocks_are_the_columns_of_the_scores", "widths [4], not [4, 2]")
class DropsTheLastBlock(GoodScorer):
    def blocks(self, acts_bd, width):
        return islice(super().blocks(acts_bd, width), self.n_prototypes // width)


@breaks_as_scorer("check_blocks_are_the_columns_of_the_scores", "widths [4, 4], not [4, 2]")
class FillsTheLastBlock(GoodScorer):
    def blocks(self, acts_bd, width):
        for block_bw in super().blocks(acts_bd, width):
            yield torch.nn.functional.pad(block_bw, (0, width - block_bw.shape[1]))


@breaks_as_scorer("check_blocks_are_the_columns_of_the_scores", "blocks of 1, and scores")
class ReusesItsBlock(GoodScorer):
    def blocks(self, acts_bd, width):
        kept_bw = torch.empty(len(acts_bd), width)
        for block_bw in super().blocks(acts_bd, width):
            yield kept_bw[:, : block_bw.shape[1]].copy_(block_bw)


@breaks_as_scorer("check_blocks_are_the_columns_of_the_scores", "blocks of 1, and scores")
class CentresForEveryBlock(GoodScorer):
    def blocks(self, acts_bd, width):
        rows_bd = acts_bd.detach().clone()
        for start in range(0, self.n_prototypes, width):
            yield self(rows_bd)[:, start : start + width]
            rows_bd -= 1


@breaks_as_scorer("check_blocks_are_the_columns_of_the_scores", "torch.float64")
class DoubleBlocks(GoodScorer):
    def blocks(self, acts_bd, width):
        return (block_bw.double() for block_bw in super().blocks(acts_bd, width))


@breaks_as_scorer("check_blocks_are_the_columns_of_the_scores", "carries gradients")
class BlocksWithGradients(GoodScorer):
    def blocks(self, acts_bd, width):
        for prototypes_wd in self.prototypes_kd.split(width):
            yield -torch.cdist(acts_bd.float(), prototypes_wd)


@breaks_as_scorer("check_blocks_are_the_columns_of_the_scores", "stay off between blocks")
class LeavesGradientsOff(GoodScorer):
    def blocks(self, acts_bd, width):
        with torch.no_grad():
            yield from super().blocks(acts_bd, width)


@breaks_as_scorer("check_blocks_take_what_scoring_takes", "write into their input")
class BlocksWriteIntoTheirInput(GoodScorer):
    def blocks(self, acts_bd, width):
        return super().blocks(acts_bd.sub_(1), width)


@breaks_as_scorer("check_blocks_take_what_scoring_takes", "blocks of a batch with NaN")
class BlocksOfNan(GoodScorer):
    def blocks(self, acts_bd, width):
        return super().blocks(acts_bd.nan_to_num(), width)


@breaks_as_scorer("check_reconstruction_is_an_activation", "torch.float64")
class DoubleReconstruction(GoodScorer):
    def reconstruct(self, acts_bd):
        return super().reconstruct(acts_bd).double()


@breaks_as_scorer("check_reconstruction_is_an_activation", "of zeros")
class ReconstructsTheOpposite(GoodScorer):
    def reconstruct(self, acts_bd):
        return -super().reconstruct(acts_bd)


@breaks_as_scorer("check_affine_parts_rank_as_the_scores_do", "ranked otherwise")
class ForgetsTheBias(GoodScorer):
    def affine(self):
        parts = super().affine()
        return attrs.evolve(parts, bias_k=torch.zeros_like(parts.bias_k))


@breaks_as_scorer("check_affine_parts_rank_as_the_scores_do", "encoder_dk is")
class TransposedEncoder(GoodScorer):
    def affine(self):
        parts = super().affine()
        return attrs.evolve(parts, encoder_dk=parts.encoder_dk.T)
