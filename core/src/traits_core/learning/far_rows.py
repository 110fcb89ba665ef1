"""A bounded sample of the rows far from their prototypes: where starving clusters move to."""

from __future__ import annotations

from typing import Self

import attrs
import torch
from torch import Tensor

from traits_core.protocols import Comm


@attrs.frozen(eq=False)
class FarRows:
    """A reservoir of rows drawn without replacement, with probability proportional to their weights.

    A row of weight w arrives at an exponential time of rate w; the earliest arrivals stay.
    Efraimidis & Spirakis, Weighted random sampling with a reservoir, IPL 97 (2006), in its
    exponential form.

    Parameters
    ----------
    rows_rd: the rows kept, float32
    arrivals_r: when they arrived; infinity marks a free place
    """

    rows_rd: Tensor
    arrivals_r: Tensor

    @classmethod
    def empty(cls, capacity: int, d_model: int, device: torch.device) -> Self:
        """A reservoir with `capacity` free places."""
        return cls(
            torch.zeros(capacity, d_model, dtype=torch.float32, device=device),
            torch.full((capacity,), torch.inf, dtype=torch.float32, device=device),
        )

    def offer(self, rows_bd: Tensor, weights_b: Tensor, generator: torch.Generator) -> None:
        """Let the rows [B, D] compete; rows of weight 0 never stay."""
        times_b = torch.empty(len(rows_bd), dtype=torch.float32, device=generator.device)
        arrivals_b = (
            times_b.exponential_(generator=generator).to(rows_bd.device) / weights_b.float()
        )
        capacity = len(self.arrivals_r)
        all_arrivals = torch.cat([self.arrivals_r, arrivals_b])
        stays = torch.zeros_like(all_arrivals, dtype=torch.bool)
        stays[all_arrivals.topk(capacity, largest=False).indices] = True
        leaving_r, entering_b = ~stays[:capacity], stays[capacity:]
        self.rows_rd[leaving_r] = rows_bd[entering_b]
        self.arrivals_r[leaving_r] = arrivals_b[entering_b]

    def clear(self) -> None:
        """Free all places."""
        self.arrivals_r.fill_(torch.inf)

    def earliest(self, n: int, comm: Comm) -> Tensor:
        """The `n` earliest rows [<= n, D] of all processes together, the same in each of them."""
        capacity, d_model = self.rows_rd.shape
        arrivals_wr = self.arrivals_r.new_zeros(comm.world_size, capacity)
        arrivals_wr[comm.rank] = self.arrivals_r
        comm.all_sum(arrivals_wr)
        arrivals = arrivals_wr.flatten()
        order = arrivals.argsort(stable=True)[:n]
        order = order[arrivals[order].isfinite()]
        mine = order // capacity == comm.rank
        rows_nd = self.rows_rd.new_zeros(len(order), d_model)
        rows_nd[mine] = self.rows_rd[order[mine] % capacity]
        comm.all_sum(rows_nd)
        return rows_nd
