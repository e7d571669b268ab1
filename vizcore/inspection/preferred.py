r"""An input made for one unit: gradient ascent on its activation.

Yosinski et al., "Understanding Neural Networks Through Deep Visualization" (ICML workshop 2015); Olah et al.,
"Feature Visualization" (Distill 2017). From them: the picture is a sum of waves whose step size falls with their
frequency, colours are decorrelated as in photographs, and each step sees the picture slightly moved, turned and
scaled, so that only patterns survive which do not depend on single pixels.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vizcore.models import Net, partial
from vizcore.models.layers import before_relu

# Square root of the covariance of the colours of ImageNet's pixels (Olah et al. 2017), largest column of length 1.
_COLOURS = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
_COLOURS = _COLOURS / _COLOURS.norm(dim=0).max()
RATE = 0.07  # of Adam


class Preferred(NamedTuple):
    """What the ascent found for N units.

    Attributes:
        images: (N, S, S, C) uint8.
        trace: (steps, N) float32, what was climbed at each step: the mean of the map, before its ReLU if it has one.
        activation: (N,) float32, of the finished pictures, not moved: mean over the map.
        noise: (N,) float32, the mean activation on noise pictures of the kind the ascent starts from.
    """

    images: np.ndarray
    trace: np.ndarray
    activation: np.ndarray
    noise: np.ndarray


class Cancelled(RuntimeError):
    """Raised by a progress callback that wants the ascent to end."""


def _wave_scale(size: int, device: torch.device) -> Tensor:
    """(S, S // 2 + 1): one over the frequency of each wave; the constant counts like the slowest wave."""
    rows, columns = torch.fft.fftfreq(size), torch.fft.rfftfreq(size)
    frequency = (rows[:, None] ** 2 + columns**2).sqrt().clamp(min=1 / size)
    return (1 / frequency / 4).to(device)


def picture(waves: Tensor, size: int) -> Tensor:
    """(N, C, S, S) pixels from 0 to 1 of (N, C, S, S // 2 + 1) complex waves."""
    values = torch.fft.irfft2(waves * _wave_scale(size, waves.device), s=(size, size), norm="ortho")
    if values.shape[1] == 3:
        values = torch.einsum("kc,nchw->nkhw", _COLOURS.to(values), values)
    return values.sigmoid()


def _start(count: int, channels: int, size: int, generator: torch.Generator) -> Tensor:
    parts = torch.randn(2, count, channels, size, size // 2 + 1, generator=generator)
    return torch.complex(*(0.1 * parts))


def _moved(x: Tensor, generator: torch.Generator) -> Tensor:
    """Each picture shifted by up to 1/16, turned by up to 6 degrees and scaled by 0.92 to 1.1."""
    shift, turn, scale = torch.rand(3, len(x), 2, generator=generator).sub(0.5).unbind()
    angle, factor = turn[:, 0] * 2 * math.radians(6), 1.01 + scale[:, 0] * 0.18
    cos, sin = angle.cos() * factor, angle.sin() * factor
    rows = torch.stack([cos, -sin, shift[:, 0] / 4, sin, cos, shift[:, 1] / 4], dim=1)
    grid = F.affine_grid(rows.view(-1, 2, 3).to(x), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)


def _levels(acts: Tensor, units: Tensor) -> Tensor:
    """(N,): the mean activation of unit n in picture n."""
    chosen = acts[torch.arange(len(units)), units]
    return chosen.flatten(1).mean(1) if chosen.ndim > 1 else chosen


def synthesize(
    net: Net,
    layer: str,
    units: Sequence[int],
    *,
    steps: int = 96,
    size: int | None = None,
    seed: int = 0,
    variation: float = 0.0,
    progress: Callable[[float], None] | None = None,
) -> Preferred:
    """Pictures that some units of a layer answer to strongly; all are made at once.

    Args:
        units: indices of the layer's maps.
        steps: of the ascent.
        size: side of the pictures in pixels; the network's own, but at most 128, when omitted.
        seed: of the noise it starts from and of the movements.
        variation: weight of the total variation that is held against a picture; 0 leaves that to the waves.
        progress: called with the share done; what it raises (see :class:`Cancelled`) ends the ascent.

    Returns:
        Preferred.

    Raises:
        ValueError: an unknown layer or unit.
    """
    shape = net.layer(layer).out_shape
    for unit in units:
        net.check_unit(layer, unit)
    size = size or min(net.input_size, 128)
    if len(shape) != 3:
        size = net.input_size
    device, chosen = net.device, torch.as_tensor(units)
    mean, std = (torch.tensor(v, device=device).view(-1, 1, 1) for v in (net.mean, net.std))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        start = _start(8, net.channels, size, generator).to(device)
        acts = partial.activation(net, (picture(start * 3, size) - mean) / std, layer)
        noise = torch.stack([_levels(acts, torch.full((8,), int(unit))).mean() for unit in units])
    climbed = before_relu(net, layer)
    waves = torch.view_as_real(_start(len(units), net.channels, size, generator)).to(device).requires_grad_()
    optimizer = torch.optim.Adam([waves], lr=RATE)
    trace = []
    for step in range(steps):
        with torch.enable_grad():
            x = picture(torch.view_as_complex(waves), size)
            penalty = variation * sum(x.diff(dim=d).abs().mean() for d in (2, 3)) if variation else 0.0
            x = (_moved(x, generator) - mean) / std
            levels = _levels(partial.activation(net, x, climbed), chosen)
            (waves.grad,) = torch.autograd.grad(penalty - levels.sum(), waves)
        optimizer.step()
        trace.append(levels.detach())
        if progress:
            progress((step + 1) / steps)
    with torch.no_grad():
        x = picture(torch.view_as_complex(waves), size)
        activation = _levels(partial.activation(net, (x - mean) / std, layer), chosen)
    images = (x.permute(0, 2, 3, 1) * 255).round().to(torch.uint8)
    return Preferred(*(t.cpu().numpy() for t in (images, torch.stack(trace), activation, noise)))
