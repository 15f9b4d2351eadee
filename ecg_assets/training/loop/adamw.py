"""Implements AdamW's step for XLA, entirely in f32."""

import math

import torch
from torch import Tensor


def adamw_step(optimizer: torch.optim.AdamW, vector: Tensor) -> None:
    """Does the same as `optimizer.step()` for its one parameter, without weight decay.

    Algorithm 2 of Loshchilov and Hutter 2019 (Decoupled Weight Decay Regularization), as torch computes it.

    torch's own step multiplies by Python numbers inside other operations, which torch_xla treats as f64 and a TPU has
    to emulate.

    Args:
        optimizer: with moments and a step count for `vector`; both are updated.
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
