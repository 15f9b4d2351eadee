"""Upsampling by repeating gives torch's own values and gradients, and leaves alone what it is not for."""

from typing import Any

import pytest
import torch
from torch.nn.functional import interpolate

from ecg_assets.training.models.xla_upsampling import UpsamplingByRepeating


@pytest.mark.parametrize(
    "arguments",
    [{"scale_factor": 2}, {"scale_factor": 2.0, "mode": "nearest"}, {"size": (12, 20)}, {"scale_factor": (3, 1)}],
)
def test_values_and_gradients_are_those_of_torch(arguments: dict[str, Any]) -> None:
    x = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0), requires_grad=True)
    weights = torch.randn_like(interpolate(x, **arguments))
    (expected,) = torch.autograd.grad((interpolate(x, **arguments) * weights).sum(), x)
    with UpsamplingByRepeating():
        repeated = interpolate(x, **arguments)
    (gradient,) = torch.autograd.grad((repeated * weights).sum(), x)
    assert repeated.grad_fn is not None and "Upsample" not in type(repeated.grad_fn).__name__
    torch.testing.assert_close(repeated, interpolate(x, **arguments), rtol=0, atol=0)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize(
    "arguments",
    [{"scale_factor": 2, "mode": "bilinear"}, {"size": (7, 9)}, {"scale_factor": 0.5}, {"size": 10, "mode": "area"}],
)
def test_other_interpolation_is_torchs(arguments: dict[str, Any]) -> None:
    x = torch.randn(1, 2, 4, 5)
    with UpsamplingByRepeating():
        torch.testing.assert_close(interpolate(x, **arguments), interpolate(x, **arguments), rtol=0, atol=0)
        assert "Repeat" not in type(interpolate(x, **arguments)).__name__
