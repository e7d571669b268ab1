"""Two controls that know nothing about the network: what an explanation must be compared with.

Adebayo et al., "Sanity Checks for Saliency Maps" (NeurIPS 2018) compare every method with an edge detector.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from vizcore.models import Net


def edges(net: Net, x: Tensor, target: int | Tensor = 0) -> Tensor:
    """Sobel gradient magnitude of the image's grey values; neither network nor class matter.

    Returns:
        (N, H, W), at least zero.
    """
    std = torch.tensor(net.std, dtype=x.dtype, device=x.device)[:, None, None]
    grey = (x * std).mean(1, keepdim=True)
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=x.dtype, device=x.device) / 8
    kernels = torch.stack([sobel, sobel.T])[:, None]
    return F.conv2d(F.pad(grey, (1, 1, 1, 1), mode="replicate"), kernels).norm(dim=1)


def random(net: Net, x: Tensor, target: int | Tensor = 0, seed: int = 0) -> Tensor:
    """Uniform noise from 0 to 1: the explanation that explains nothing.

    Returns:
        (N, H, W).
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((len(x), *x.shape[-2:]), generator=generator).to(x)
