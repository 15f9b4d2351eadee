"""AdamW's step for XLA, in f32 throughout."""

import math

import torch
from torch import Tensor


def adamw_step(optimizer: torch.optim.AdamW, vector: Tensor) -> None:
    """What `optimizer.step()` does for its one parameter, without weight decay.

    Algorithm 2 of Loshchilov and Hutter 2019 (Decoupled Weight Decay Regularization), as torch computes it.

    torch's own multiplies by numbers of Python's within other operations, which torch_xla takes for f64: a TPU has to
    emulate that.

    Args:
        optimizer: with moments and a count of steps for `vector`; they are brought up to date.
        vector: f32, with its gradient.
    """
    group, state, gradient = optimizer.param_groups[0], optimizer.state[vector], vector.grad
    assert gradient is not None
    (beta1, beta2), mean, square = group["betas"], state["exp_avg"], state["exp_avg_sq"]
    state["step"] += 1
    steps = float(state["step"])
    mean.lerp_(gradient, 1 - beta1)
    square.mul_(beta2).add_(gradient * gradient * (1 - beta2))
    spread = square.sqrt() / math.sqrt(1 - beta2**steps) + group["eps"]
    vector.sub_(mean / spread * (group["lr"] / (1 - beta1**steps)))
