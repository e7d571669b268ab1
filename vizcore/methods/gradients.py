"""Gradients of a class score with respect to the image, two averages of them, and a filter.

All functions take an (N, C, H, W) batch and class indices, differentiate the logits (the pre-softmax scores)
and return raw values.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from vizcore.models import Net
from vizcore.types import Progress, report


def input_gradient(net: Net, x: Tensor, target: int | Tensor, of: str = "logit") -> Tensor:
    r"""Gradient of a class score with respect to every pixel, $\partial S_c / \partial x$.

    Simonyan, Vedaldi & Zisserman, "Deep Inside Convolutional Networks" (arXiv 2013), section 3.

    Args:
        net: the network.
        x: (N, C, H, W) batch, normalized.
        target: a class index, or N of them.
        of: "logit" for the pre-softmax score; "probability" for the softmax output; "loss" for the
            cross-entropy of the class.

    Returns:
        (N, C, H, W) gradients, signed.
    """
    check_score(of)
    x = x.detach().requires_grad_()
    targets = net.check_target(target, len(x))
    with torch.enable_grad():
        return torch.autograd.grad(score(net(x), targets, of).sum(), x)[0]


SCORES: dict[str, Callable[[Tensor], Tensor]] = {
    "logit": lambda logits: logits,
    "loss": lambda logits: -logits.log_softmax(1),
    "probability": lambda logits: logits.softmax(1),
}
"""What can be differentiated, from (N, K) logits to (N, K)."""


def check_score(of: str) -> None:
    """A ValueError when there is no score of that name."""
    if of not in SCORES:
        raise ValueError(f"There is no score '{of}': choose logit, probability or loss.")


def score(logits: Tensor, targets: Tensor, of: str) -> Tensor:
    """(N,) logit, cross-entropy ("loss") or softmax output ("probability") of class indices (N,).

    Raises:
        ValueError: another name.
    """
    check_score(of)
    return SCORES[of](logits).gather(1, targets[:, None])[:, 0]


def reduce_channels(gradient: Tensor, reduction: str = "sum") -> Tensor:
    """(N, C, H, W) to (N, H, W): absolute value first, then "sum", "max" or "l2" over the channels.

    The lesson sums; Simonyan et al. take the maximum. Taking the absolute value last would let a positive and
    a negative channel cancel.
    """
    if reduction == "sum":
        return gradient.abs().sum(1)
    if reduction == "max":
        return gradient.abs().amax(1)
    if reduction == "l2":
        return gradient.norm(dim=1)
    raise ValueError(f"There is no reduction '{reduction}': choose sum, max or l2.")


def saliency(net: Net, x: Tensor, target: int | Tensor, reduction: str = "sum", of: str = "logit") -> Tensor:
    r"""Saliency map $M_{ij} = \sum_c |\partial S / \partial x_{cij}|$, as on the lesson's slide.

    Simonyan, Vedaldi & Zisserman (arXiv 2013), equation 2 and section 3.1, who take the maximum over channels.

    Returns:
        (N, H, W), at least zero.
    """
    return reduce_channels(input_gradient(net, x, target, of), reduction)


def input_x_gradient(net: Net, x: Tensor, target: int | Tensor) -> Tensor:
    r"""Input times gradient, $x \odot \partial S_c / \partial x$: how far the linearized score is due to a pixel.

    Shrikumar et al., "Not Just a Black Box" (arXiv 2016).

    Returns:
        (N, C, H, W), signed.
    """
    return x * input_gradient(net, x, target)


def smooth_grad(
    net: Net,
    x: Tensor,
    target: int | Tensor,
    samples: int = 16,
    noise: float = 0.15,
    seed: int = 0,
    progress: Progress | None = None,
) -> Tensor:
    r"""Mean gradient over noisy copies, $\frac{1}{n} \sum \nabla S_c(x + \mathcal{N}(0, \sigma^2))$.

    Smilkov et al., "SmoothGrad: removing noise by adding noise" (arXiv 2017). The standard deviation is
    `noise` times (max - min) of each image.

    Args:
        samples: noisy copies n.
        noise: the noise level, sigma / (max - min); the paper finds 0.1 to 0.2 best.
        seed: of a generator of its own; the same seed gives the same picture.
        progress: called with the share done; what it raises cancels.

    Returns:
        (N, C, H, W), signed.
    """
    generator = torch.Generator().manual_seed(seed)
    sigma = noise * (x.amax((1, 2, 3), keepdim=True) - x.amin((1, 2, 3), keepdim=True))
    total = torch.zeros_like(x)
    for done in range(samples):
        total += input_gradient(net, x + sigma * torch.randn(x.shape, generator=generator).to(x), target)
        report(progress, (done + 1) / samples)
    return total / samples


def integrated_gradients(
    net: Net,
    x: Tensor,
    target: int | Tensor,
    steps: int = 32,
    baseline: str | Tensor = "mean",
    tolerance: float = 0.01,
    progress: Progress | None = None,
) -> Tensor:
    r"""Integrated gradients, $(x - x') \odot \int_0^1 \nabla S_c(x' + t (x - x'))\,dt$.

    Sundararajan, Taly & Yan, "Axiomatic Attribution for Deep Networks" (ICML 2017), equation 1. Completeness:
    the values sum to S(x) - S(x'). Deep networks are roughest near the baseline, so the integral is taken over
    u with t = u^3, by the midpoint rule; the points are tripled until the sum is right.

    Args:
        steps: points along the path to begin with.
        baseline: x': "mean" (the mean colour, zero after normalization), "black", "white", "blur", or a tensor
            shaped like x.
        tolerance: how far the sum may miss the difference of the scores, as a share of it; 0 takes the first
            `steps` points, right or not. At most 27 times `steps` points are taken.
        progress: called with the share done; what it raises cancels.

    Returns:
        (N, C, H, W), signed.
    """
    start = make_baseline(net, x, baseline)
    wanted = score_difference(net, x, start, target)
    limit = 27 * steps if tolerance else steps
    total, done = torch.zeros_like(x), 0
    while True:
        for u in [(i + 0.5) / steps for i in range(steps) if not done or i % 3 != 1]:
            total += 3 * u**2 * input_gradient(net, start + u**3 * (x - start), target)
            done += 1
            report(progress, done / limit)
        values = (x - start) * total / steps
        gap = (values.sum((1, 2, 3)) - wanted).abs() / wanted.abs().clamp(min=1e-12)
        if steps == limit or gap.max() <= tolerance:
            return values
        steps *= 3


def low_pass(values: Tensor, cutoff: float) -> Tensor:
    r"""Maps without their high frequencies, $\mathcal{F}^{-1}(\mathcal{F}(\varphi) \odot w_\sigma)$.

    The filter $w_\sigma$ is 1 where a frequency is at most sigma, and 0 beyond it; the mean is kept.

    Args:
        values: (..., H, W) maps.
        cutoff: sigma, as a share of the highest frequency that pixels can hold, a checkerboard's, which has half a
            period per pixel both down and across. From 1 on everything is kept.

    Returns:
        (..., H, W). A sharp cut rings: a map without negative values may get some.

    Raises:
        ValueError: a cutoff below zero.
    """
    if cutoff < 0:
        raise ValueError(f"A cutoff is at least 0, not {cutoff}.")
    down, across = (torch.fft.fftfreq(side, dtype=torch.float64, device=values.device) for side in values.shape[-2:])
    passes = down[:, None] ** 2 + across**2 <= cutoff**2 / 2
    return values if passes.all() else torch.fft.ifft2(torch.fft.fft2(values) * passes).real


def forgrad(net: Net, x: Tensor, target: int | Tensor, reduction: str = "sum", cutoff: float = 0.1) -> Tensor:
    r"""FORGrad, $|\mathcal{F}^{-1}(\mathcal{F}(M) \odot w_\sigma)|$: a saliency map M without its high frequencies.

    Muzellec, Fel, Boutin, Andéol, VanRullen & Serre, "Saliency Strikes Back" (ICML 2024). What is filtered is the map,
    after the absolute value and the channels; and since a sharp cut rings, of the result the absolute value is taken
    again: both as in Xplique, the library of some of the authors (`commons/forgrad.py`). The paper chooses the cutoff
    for each network by a measure of faithfulness on held-out pictures; here it is set.

    Args:
        reduction: as in :func:`saliency`.
        cutoff: as in :func:`low_pass`. On 224 pixels 0.1 means 15.8 periods from side to side; Xplique's default is 15.

    Returns:
        (N, H, W), at least zero.
    """
    return low_pass(saliency(net, x, target, reduction), cutoff).abs()


def make_baseline(net: Net, x: Tensor, baseline: str | Tensor = "mean") -> Tensor:
    """The image integrated gradients start from, in normalized values and shaped like `x`."""
    if isinstance(baseline, Tensor):
        return baseline.to(x).expand_as(x)
    mean, std = (torch.tensor(v, dtype=x.dtype, device=x.device)[:, None, None] for v in (net.mean, net.std))
    if baseline == "mean":
        return torch.zeros_like(x)
    if baseline == "black":
        return ((0 - mean) / std).expand_as(x)
    if baseline == "white":
        return ((1 - mean) / std).expand_as(x)
    if baseline == "blur":
        return _blur(x, sigma=min(x.shape[-2:]) / 16)
    raise ValueError(f"There is no baseline '{baseline}': choose mean, black, white or blur.")


def score_difference(net: Net, x: Tensor, start: Tensor, target: int | Tensor) -> Tensor:
    """(N,) S(x) - S(x'): what attributions from the baseline x' must add up to."""
    targets = net.check_target(target, len(x))[:, None]
    with torch.no_grad():
        return (net(x).gather(1, targets) - net(start).gather(1, targets))[:, 0]


def completeness_gap(net: Net, x: Tensor, target: int | Tensor, values: Tensor, baseline="mean") -> float:
    """How far attributions miss their sum: |sum - (S(x) - S(x'))| / |S(x) - S(x')|, of the first image."""
    wanted = float(score_difference(net, x, make_baseline(net, x, baseline), target)[0])
    return abs(float(values[0].sum()) - wanted) / max(abs(wanted), 1e-12)


def _blur(x: Tensor, sigma: float) -> Tensor:
    radius = min(int(3 * sigma), min(x.shape[-2:]) - 1)
    offsets = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(x.shape[1], 1, -1)
    x = F.pad(x, (radius,) * 4, mode="reflect")
    x = F.conv2d(x, kernel[:, :, :, None], groups=x.shape[1])
    return F.conv2d(x, kernel[:, :, None, :], groups=x.shape[1])
