"""Methods that learn wrongly."""

from __future__ import annotations

import numpy as np
import torch
from good_plugin.method import GoodMethod

from mutants import breaks, mutate
from traits_core import NullComm

mutate(
    "check_seed_does_what_the_tag_says",
    "tagged `deterministic`",
    "method",
    "WronglyTagged",
    tags={"deterministic"},
)


@breaks("check_plan_is_counted", "sample_rows must be an int")
class FloatPlan(GoodMethod):
    sample_rows = 1e5


@breaks("check_plan_is_counted", "max_epochs must be an int from 0")
class EndlessPlan(GoodMethod):
    max_epochs = -1


@breaks("check_plan_is_counted", "done must be a bool")
class TensorDone(GoodMethod):
    @property
    def done(self):
        return self.epoch >= self.max_epochs


@breaks("check_metrics_are_finite_numbers", "'distance' is no number")
class TensorMetric(GoodMethod):
    def update(self, acts_bd):
        return {"distance": torch.tensor(super().update(acts_bd)["distance"])}


@breaks("check_metrics_are_finite_numbers", "'used' is no number: nan")
class NanMetric(GoodMethod):
    def end_epoch(self):
        super().end_epoch()
        return {"used": float("nan")}


@breaks("check_metrics_are_finite_numbers", "'sizes' is no number: tensor")
class InfiniteHistogram(GoodMethod):
    def end_epoch(self):
        return {**super().end_epoch(), "sizes": torch.tensor([1.0, float("inf")])}


@breaks("check_metrics_are_finite_numbers", "must be a mapping")
class NoMetrics(GoodMethod):
    def end_epoch(self):
        super().end_epoch()


@breaks("check_same_seed_same_scorer", "prototypes_kd")
class GlobalTorchSeed(GoodMethod):
    def initialize(self, sample_nd):
        super().initialize(sample_nd)
        self.prototypes_kd += torch.randn(self.prototypes_kd.shape)


@breaks("check_same_seed_same_scorer", "prototypes_kd")
class GlobalNumpySeed(GoodMethod):
    def end_epoch(self):
        metrics = super().end_epoch()
        self.prototypes_kd[0] += np.random.normal()
        return metrics


@breaks("check_seed_does_what_the_tag_says", "use the seed")
class SeedIsIgnored(GoodMethod):
    def __init__(self, config, *, seed, **arguments):
        super().__init__(config, seed=0, **arguments)


@breaks("check_training_leaves_its_input_alone", "`initialize` writes")
class CentresTheSample(GoodMethod):
    def initialize(self, sample_nd):
        super().initialize(sample_nd.sub_(sample_nd.mean(0)))


@breaks("check_training_leaves_its_input_alone", "`update` writes")
class NormalisesTheBatch(GoodMethod):
    def update(self, acts_bd):
        return super().update(acts_bd.div_(acts_bd.norm(dim=1, keepdim=True)))


@breaks("check_bad_activations_are_refused", "`initialize` on a batch with NaN")
class TakesNanSample(GoodMethod):
    def initialize(self, sample_nd):
        super().initialize(sample_nd.nan_to_num())


@breaks("check_bad_activations_are_refused", "`update` on a batch with infinity")
class TakesInfinity(GoodMethod):
    def update(self, acts_bd):
        return super().update(acts_bd.clamp(-100, 100))


@breaks("check_bad_activations_are_refused", "raised ValueError")
class OtherError(GoodMethod):
    def update(self, acts_bd):
        if acts_bd.dtype == torch.int64:
            raise ValueError("integers")
        return super().update(acts_bd)


@breaks("check_few_rows_work_or_are_refused", "raised RuntimeError")
class CrashesOnFewRows(GoodMethod):
    def initialize(self, sample_nd):
        if len(sample_nd) < self.config.n_prototypes:
            raise RuntimeError("index out of range")
        super().initialize(sample_nd)


@breaks("check_few_rows_work_or_are_refused", "a sample of 1 rows")
class NanFromOneRow(GoodMethod):
    def initialize(self, sample_nd):
        if len(sample_nd) == 1:
            self.prototypes_kd.copy_(sample_nd / sample_nd.std(dim=0, correction=0) * 0)
        else:
            super().initialize(sample_nd)


@breaks("check_global_state_is_untouched", "torch's random generator")
class SeedsTorch(GoodMethod):
    def initialize(self, sample_nd):
        torch.manual_seed(0)
        super().initialize(sample_nd)


@breaks("check_global_state_is_untouched", "default dtype")
class SetsDefaultDtype(GoodMethod):
    def end_epoch(self):
        torch.set_default_dtype(torch.float64)
        return super().end_epoch()


@breaks("check_global_state_is_untouched", "gradient mode")
class TurnsGradientsOff(GoodMethod):
    def update(self, acts_bd):
        torch.set_grad_enabled(False)
        return super().update(acts_bd)


@breaks("check_memory_is_bounded", "more bytes in memory")
class KeepsBatches(GoodMethod):
    def update(self, acts_bd):
        self.kept = [*getattr(self, "kept", []), acts_bd.clone()]
        return super().update(acts_bd)


@breaks("check_memory_is_bounded", "more bytes in memory")
class KeepsNumpyCopies(GoodMethod):
    def update(self, acts_bd):
        self.kept = [*getattr(self, "kept", []), acts_bd.numpy().copy()]
        return super().update(acts_bd)


@breaks("check_memory_is_bounded", "more bytes in memory")
class KeepsTheGraph(GoodMethod):
    def update(self, acts_bd):
        rows_bd = acts_bd.clone().requires_grad_()
        self.loss = getattr(self, "loss", 0) + (rows_bd.square().sum())
        return super().update(acts_bd)


@breaks("check_works_on_cuda", "raised RuntimeError")
class StaysOnTheCpu(GoodMethod):
    def __init__(self, config, *, device, **arguments):
        super().__init__(config, device=torch.device("cpu"), **arguments)


@breaks("check_resume_equals_uninterrupted", "resumed after 0 of")
class LoadsNothing(GoodMethod):
    def load_state_dict(self, state):
        pass


@breaks("check_resume_equals_uninterrupted", "resumed after 1 of")
class ForgetsTheSums(GoodMethod):
    def tensors(self):
        kept = super().tensors()
        return {name: kept[name] for name in ("prototypes_kd", "epoch")}


@breaks("check_resume_equals_uninterrupted", "epoch")
class CountsAgain(GoodMethod):
    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.epoch.zero_()


@breaks("check_resume_equals_uninterrupted", "done is")
class ForgetsThatItIsDone(GoodMethod):
    finished = False

    @property
    def done(self):
        return self.finished

    def end_epoch(self):
        metrics = super().end_epoch()
        self.finished = int(self.epoch) >= self.max_epochs
        return metrics


@breaks("check_resume_equals_uninterrupted", "share memory")
class SharesMemory(GoodMethod):
    def state_dict(self):
        return {**super().tensors(), "alias": self.sums_kd[1:]}


@breaks("check_foreign_state_is_refused", "d_model 16 for one with 17")
class TakesAnyWidth(GoodMethod):
    def load_state_dict(self, state):
        self.prototypes_kd = state["prototypes_kd"].clone()


@breaks("check_foreign_state_is_refused", "without tensors")
class TakesAnEmptyState(GoodMethod):
    def load_state_dict(self, state):
        if state:
            super().load_state_dict(state)


@breaks("check_ranks_without_rows_take_part", "in rank 0 of 2, with no rows at times, and alone")
class SumsAlone(GoodMethod):
    def __init__(self, config, *, comm, **arguments):
        super().__init__(config, comm=NullComm(), **arguments)


@breaks("check_ranks_without_rows_take_part", "in rank 0 of 2, with no rows at times, and alone")
class WeighsRanksAlike(GoodMethod):
    def end_epoch(self):
        rows = self.counts_k.sum().clamp(min=1)
        self.sums_kd /= rows
        self.counts_k /= rows
        return super().end_epoch()


@breaks("check_ranks_without_rows_take_part", "metric 'distance' of a rank that may have no rows")
class MeanOfNoRows(GoodMethod):
    def update(self, acts_bd):
        return super().update(acts_bd) | {"distance": float(acts_bd.norm(dim=1).mean())}


@breaks("check_ranks_without_rows_take_part", "equally often, when they have no rows too")
class SitsOutWithoutRows(GoodMethod):
    def update(self, acts_bd):
        if len(acts_bd) == 0:
            return {}
        self.comm.all_sum(torch.zeros(()))
        return super().update(acts_bd)


@breaks("check_ranks_without_rows_take_part", "equally often, when they have no rows too")
class DecidesAlone(GoodMethod):
    n_rows = 0

    @property
    def done(self):
        return super().done or 0 < self.n_rows < 100

    def update(self, acts_bd):
        self.n_rows += len(acts_bd)
        return super().update(acts_bd)
