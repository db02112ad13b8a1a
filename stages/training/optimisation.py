"""How a loss becomes a step: as the authors' release drives AdamW.

Learning rate on a cosine, gradients summed over several passes and clipped, half precision. Each
can be switched off, and what is left is AdamW, or Adam, at a constant rate.
"""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from stages.training.settings import Train


class Optimisation:
    """AdamW, or Adam, over a model's parameters, told of every pass and of every epoch's end.

    The rate starts at `lr` and follows floor + (lr - floor) (1 + cos(π · epochs / period)) / 2,
    so after `period` epochs it climbs back, as torch's CosineAnnealingLR does when it is stepped
    on. A step is taken every `accumulate` passes, and after an epoch's last one, on the gradient
    of the mean loss of the passes since the step before, scaled down to the norm `clip`.

    The release trains on five GPUs (its README), a video a pass, and lets each accumulate two. Its
    sampler deals one permutation of the videos to the GPUs like cards, so that a step takes the
    next ten of it; each GPU halves the gradients of its two, and the mean over GPUs is that of the
    mean loss of all ten. So batch 1 and `accumulate` 10 are its step: two an epoch of SumMe's 20
    training videos, four of TVSum's 40. Nothing is left over there, under either protocol. Where
    something is, the release would deal some videos twice until the GPUs are even, and divide the
    last group by the size of a whole one; here each video counts once, and the last group is a mean
    like the others.
    """

    def __init__(self, model: nn.Module, settings: Train, where: torch.device) -> None:
        self._parameters = list(model.parameters())
        self._settings = settings
        self._where, self._dtype = where.type, getattr(torch, settings.dtype)
        optimiser = torch.optim.Adam if settings.optimiser == "adam" else torch.optim.AdamW
        self._optimizer = optimiser(
            self._parameters, lr=settings.lr, weight_decay=settings.weight_decay, fused=True
        )
        # float16 loses small gradients unless the loss is scaled up for them.
        self._scaler = torch.amp.GradScaler(where.type, enabled=self._dtype is torch.float16)
        self._schedule: torch.optim.lr_scheduler.CosineAnnealingLR | None = None
        if settings.schedule is not None:
            self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
                self._optimizer, settings.schedule.period, settings.schedule.floor
            )

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def precision(self) -> AbstractContextManager[None]:
        """What a forward pass runs in: half precision where it is safe, or all in float32."""
        if self._dtype is torch.float32:
            return nullcontext()
        return torch.autocast(self._where, self._dtype)

    def learn(self, loss: Tensor, number: int, passes: int) -> None:
        """Take the gradient of pass `number` (from 0) of an epoch's `passes`, and step if due."""
        accumulate = self._settings.accumulate
        place = number % accumulate
        if place == 0:
            self._optimizer.zero_grad(set_to_none=True)
        group = min(accumulate, passes - (number - place))
        self._scaler.scale(loss / group).backward()  # type: ignore[no-untyped-call]
        if place + 1 < group:
            return
        if self._settings.clip is not None:
            self._scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self._parameters, self._settings.clip)
        self._scaler.step(self._optimizer)
        self._scaler.update()

    def end_epoch(self) -> None:
        """Move the learning rate on."""
        if self._schedule is not None:
            self._schedule.step()
