r"""Small changes of a picture, found by its gradient: against the prediction, and against its explanation.

Every change lies in the box of all pictures with $\lVert x' - x \rVert_\infty \le \epsilon$ and pixel values from 0 to
1. Batches go in and come out normalized, as the network takes them; epsilon is in pixel values, 0 to 1. The network is
shared and never changed: gradients are of the input, and where an attack needs second derivatives, ReLUs are smooth
within its own thread and computation only.

Goodfellow et al., "Explaining and Harnessing Adversarial Examples" (ICLR 2015); Madry et al., "Towards Deep Learning
Models Resistant to Adversarial Attacks" (ICLR 2018); Ghorbani et al., "Interpretation of Neural Networks Is Fragile"
(AAAI 2019); Dombrowski et al., "Explanations can be manipulated and geometry is to blame" (NeurIPS 2019).
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from vizcore.methods import cam, gradients
from vizcore.models import Net
from vizcore.models.operations import relu_ceiling
from vizcore.types import Progress, report

# The box.


def check_epsilon(epsilon: float) -> float:
    """The bound on a change, in pixel values; a ValueError where it is not from 0 to 1."""
    if not (math.isfinite(epsilon) and 0 <= epsilon <= 1):
        raise ValueError(f"Epsilon is a share of the range of pixel values, from 0 to 1, not {epsilon:g}.")
    return float(epsilon)


def _channels(values: Sequence[float], x: Tensor) -> Tensor:
    return torch.tensor(values, dtype=x.dtype, device=x.device)[:, None, None]


def box(net: Net, x: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """The smallest and the largest normalized value that each number of x may take: shaped like x."""
    mean, std = _channels(net.mean, x), _channels(net.std, x)
    reach = check_epsilon(epsilon) / std
    black, white = -mean / std, (1 - mean) / std
    return torch.minimum(torch.maximum(x - reach, black), white), torch.maximum(torch.minimum(x + reach, white), black)


def _step(net: Net, x: Tensor, size: float) -> Tensor:
    """So many pixel values as a normalized step, per channel."""
    return size / _channels(net.std, x)


def noise(net: Net, x: Tensor, epsilon: float, seed: int = 0) -> Tensor:
    """The control for every attack: each number moved by epsilon, up or down by lot; shaped like x."""
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(0, 2, x.shape, generator=generator).to(x) * 2 - 1
    return torch.clamp(x + signs * _step(net, x, check_epsilon(epsilon)), *box(net, x, epsilon))


def rounded(net: Net, x: Tensor) -> Tensor:
    """The batch with every pixel value a whole number of 0..255, as a file stores it."""
    mean, std = _channels(net.mean, x), _channels(net.std, x)
    return (((x * std + mean) * 255).round().clamp(0, 255) / 255 - mean) / std


# Against the prediction.


def _losses(net: Net, x: Tensor, targets: Tensor, targeted: bool) -> tuple[Tensor, Tensor, Tensor]:
    """(N,) what an attack makes large, its gradient, and the (N, K) logits."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        logits = net(x)
        loss = F.cross_entropy(logits, targets, reduction="none") * (-1 if targeted else 1)
        (gradient,) = torch.autograd.grad(loss.sum(), x)
    return loss.detach(), gradient, logits.detach()


def fgsm(net: Net, x: Tensor, target: int | Tensor, epsilon: float, targeted: bool = False) -> Tensor:
    r"""Fast gradient sign method, $x' = x + \epsilon \, \mathrm{sign}(\nabla_x L(x, c))$, one step for all pixels.

    Goodfellow et al. (ICLR 2015), section 4. L is the cross-entropy of the class.

    Args:
        net: the network.
        x: (N, C, H, W), normalized.
        target: class index, or N of them: the class to lead away from.
        epsilon: largest change of a pixel value, 0 to 1. Zero gives x itself.
        targeted: lead towards the class instead.

    Returns:
        (N, C, H, W), normalized, pixel values within [0, 1].

    Raises:
        ValueError: an epsilon out of range, or a class that does not exist.
    """
    check_epsilon(epsilon)
    targets = net.check_target(target, len(x))
    if epsilon == 0:
        return x.detach().clone()
    _, gradient, _ = _losses(net, x, targets, targeted)
    return torch.clamp(x.detach() + gradient.sign() * _step(net, x, epsilon), *box(net, x.detach(), epsilon))


def pgd(
    net: Net,
    x: Tensor,
    target: int | Tensor,
    epsilon: float,
    steps: int = 10,
    step_size: float | None = None,
    targeted: bool = False,
    seed: int = 0,
) -> Tensor:
    r"""Projected gradient descent, $x_{t+1} = \Pi (x_t + \alpha \, \mathrm{sign}(\nabla_x L(x_t, c)))$.

    Madry et al. (ICLR 2018), section 2.1: from a random place in the box, every step is put back into it. The place
    with the largest loss of all that were visited is the result.

    Args:
        net, x, target, epsilon, targeted: as for :func:`fgsm`.
        steps: how many.
        step_size: in pixel values; 2.5 epsilon / steps when omitted, so that every corner can be reached.
        seed: of a generator of its own, for the start.

    Returns:
        (N, C, H, W), normalized, pixel values within [0, 1].

    Raises:
        ValueError: as for :func:`fgsm`, or fewer than one step, or a step that is not above zero.
    """
    check_epsilon(epsilon)
    if steps < 1 or (step_size is not None and not step_size > 0):
        raise ValueError("Projected gradient descent takes at least one step, of a size above zero.")
    x, targets = x.detach(), net.check_target(target, len(x))
    if epsilon == 0:
        return x.clone()
    within = box(net, x, epsilon)
    lots = torch.rand(x.shape, generator=torch.Generator().manual_seed(seed)).to(x)
    start = torch.clamp(x + (2 * lots - 1) * _step(net, x, epsilon), *within)
    size = 2.5 * epsilon / steps if step_size is None else step_size
    return _ascend(net, start, targets, within, steps, size, targeted)[0]


def _ascend(
    net: Net, start: Tensor, targets: Tensor, within: tuple[Tensor, Tensor], steps: int, size: float, targeted: bool
) -> tuple[Tensor, Tensor]:
    """The place with the largest loss among the start and `steps` steps from it, and its (N, K) logits."""
    now, most = start, None
    for left in range(steps, -1, -1):
        loss, gradient, logits = _losses(net, now, targets, targeted)
        if most is None:
            most, best, answers = loss, now, logits
        else:
            better = loss > most
            most = torch.where(better, loss, most)
            best = torch.where(better[:, None, None, None], now, best)
            answers = torch.where(better[:, None], logits, answers)
        if left:
            now = torch.clamp(now + gradient.sign() * _step(net, now, size), *within)
    return best, answers


class Path(NamedTuple):
    """An attack at growing bounds.

    Attributes:
        epsilons: the bounds, ascending, in pixel values.
        points: (L, C, H, W), the picture at each of them, normalized.
        logits: (L, K) what the network answers there.
        rounded: (L, K) what it answers when the pixel values are rounded to whole numbers of 0..255.
    """

    epsilons: tuple[float, ...]
    points: Tensor
    logits: Tensor
    rounded: Tensor


def fgsm_path(net: Net, x: Tensor, target: int, epsilons: Sequence[float], targeted: bool = False) -> Path:
    """:func:`fgsm` at each of the bounds, from one gradient; x is (1, C, H, W)."""
    bounds = tuple(sorted(check_epsilon(epsilon) for epsilon in epsilons))
    x = x.detach()
    sign = _losses(net, x, net.check_target(target), targeted)[1].sign()
    points = torch.cat([torch.clamp(x + sign * _step(net, x, bound), *box(net, x, bound)) for bound in bounds])
    return _path(net, bounds, points)


def pgd_path(
    net: Net,
    x: Tensor,
    target: int,
    epsilons: Sequence[float],
    steps: int = 3,
    targeted: bool = False,
    progress: Progress | None = None,
) -> Path:
    """One ascent through all bounds: at each, `steps` steps of PGD in its box, from where the smaller bound ended.

    So the loss never falls as the bound grows, and a slider over the bounds is answered from one computation. There is
    no random start: it begins at x, (1, C, H, W).

    Args:
        net, target, targeted: as for :func:`pgd`.
        epsilons: the bounds.
        steps: at each bound.
        progress: called with the share done; what it raises cancels.
    """
    bounds = tuple(sorted(check_epsilon(epsilon) for epsilon in epsilons))
    x, targets, before = x.detach(), net.check_target(target), 0.0
    now, points = x, []
    for done, bound in enumerate(bounds, 1):
        if bound > before:
            size = max(2 * (bound - before), 0.5 * bound) / steps
            now, _ = _ascend(net, now, targets, box(net, x, bound), steps, size, targeted)
        points.append(now)
        before = bound
        report(progress, 0.9 * done / len(bounds))
    found = _path(net, bounds, torch.cat(points))
    report(progress, 1.0)
    return found


def _path(net: Net, bounds: tuple[float, ...], points: Tensor, at_once: int = 4) -> Path:
    with torch.no_grad():
        logits, whole = (
            torch.cat([net(part) for part in batch.split(at_once)]) for batch in (points, rounded(net, points))
        )
    return Path(bounds, points, logits, whole)


# Against the explanation.


class smooth_relu(TorchFunctionMode):
    r"""Within this block, and in this thread alone, every ReLU is a softplus, $\log(1 + e^{b f}) / b$.

    A ReLU has no second derivative, so the gradient of a gradient sees nothing of it; a softplus has one. Dombrowski et
    al. (NeurIPS 2019), section 4. Here b is `beta` over the standard deviation of the numbers f that go in, so that
    one beta suits layers of any scale. A ReLU6 is the difference of two.
    """

    def __init__(self, beta: float):
        super().__init__()
        self.beta = beta

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        ceiling = relu_ceiling(func, args, kwargs)
        if ceiling is None:
            return func(*args, **kwargs)
        f = args[0] if args else kwargs["input"]
        before = f.clone() if func.__name__.endswith("_") else f
        sharp = self.beta / float(before.detach().std().clamp_min(1e-12)) if before.numel() > 1 else self.beta
        out = _softplus(before, sharp)
        if math.isfinite(ceiling):
            out = out - _softplus(before - ceiling, sharp)
        return f.copy_(out) if func.__name__.endswith("_") else out


def _softplus(f: Tensor, sharp: float) -> Tensor:
    return F.softplus(f * sharp) / sharp


def _gradient(net: Net, x: Tensor, target: int, again: bool) -> tuple[Tensor, Tensor]:
    logits = net(x)
    return torch.autograd.grad(logits[:, target].sum(), x, create_graph=again)[0], logits


def _saliency(net: Net, x: Tensor, target: int, again: bool) -> tuple[Tensor, Tensor]:
    gradient, logits = _gradient(net, x, target, again)
    return gradients.reduce_channels(gradient), logits


def _input_x_gradient(net: Net, x: Tensor, target: int, again: bool) -> tuple[Tensor, Tensor]:
    gradient, logits = _gradient(net, x, target, again)
    return gradients.reduce_channels(x * gradient), logits


def _grad_cam(net: Net, x: Tensor, target: int, again: bool) -> tuple[Tensor, Tensor]:
    layer = cam.map_layer(net, None)
    logits, acts = net.forward(x, capture=[layer])
    (gradient,) = torch.autograd.grad(logits[:, target].sum(), acts[layer], create_graph=again)
    return cam.weighted_sum(cam.grad_cam_weights(gradient), acts[layer]).relu(), logits


Explanation = Callable[[Net, Tensor, int, bool], tuple[Tensor, Tensor]]
EXPLANATIONS: dict[str, Explanation] = {
    "saliency": _saliency,
    "input_x_gradient": _input_x_gradient,
    "grad_cam": _grad_cam,
}
"""Registered methods that can be attacked: from network, picture, class and whether the map is to be differentiated
again, to the (1, h, w) map and the logits."""


class Moved(NamedTuple):
    """A picture whose explanation was attacked.

    Attributes:
        x: (1, C, H, W), normalized; of the visited pictures with the same prediction, the one the attack got furthest
            with. It is the picture itself where there was none.
        before, after: (h, w) maps of the network itself, not of the smooth one.
        trace: for each visited picture how far the aim was from being reached, as a share of the start, and whether
            the prediction was kept.
    """

    x: Tensor
    before: Tensor
    after: Tensor
    trace: tuple[tuple[float, bool], ...]


def move_explanation(
    net: Net,
    x: Tensor,
    target: int,
    epsilon: float,
    method: str = "saliency",
    aim: Tensor | None = None,
    steps: int = 20,
    beta: float = 10.0,
    keep: float = 5.0,
    progress: Progress | None = None,
) -> Moved:
    r"""Another map, the same prediction: a change of at most epsilon that moves the explanation of a class.

    With an aim t, it makes the map m, both with sum 1, equal to it, $\sum_i (m_i - t_i)^2$, as Dombrowski et al.
    (NeurIPS 2019), equation 3. Without one it takes the map off the tenth of the cells where it is strongest,
    as the top-k attack of Ghorbani et al. (AAAI 2019). In both the change of the prediction, the divergence of the
    class probabilities, counts `keep` times. The derivatives are those of the network with softplus for ReLU; what
    is kept and shown is judged by the network itself: pictures of which it says another class are not taken.

    Args:
        net: the network. x: (1, C, H, W), normalized. target: the class that is explained.
        epsilon: largest change of a pixel value, 0 to 1; zero changes nothing.
        method: one of EXPLANATIONS.
        aim: (h, w), the map to be reached, not negative; any resolution.
        steps: of sign descent. beta: sharpness of the softplus, see :class:`smooth_relu`.
        progress: called with the share done; what it raises cancels.

    Raises:
        ValueError: an epsilon, method or class that does not exist; a map that is zero, or that no change of the
            picture can move.
    """
    check_epsilon(epsilon)
    net.check_target(target)
    if method not in EXPLANATIONS:
        raise ValueError(f"No attack on '{method}' is known here: choose {', '.join(EXPLANATIONS)}.")
    x, explain = x.detach(), EXPLANATIONS[method]
    before, said = _truly(net, x, target, explain)
    if not before.any():
        raise ValueError(f"The map of {net.categories[target]} is zero everywhere: there is nothing to move.")
    distance = _distance(before, aim)
    best, now, within, trace = (distance(before), x), x, box(net, x, epsilon), [(1.0, True)]
    start, calm = max(float(best[0]), 1e-12), None
    for done in range(1, steps + 1 if epsilon else 1):
        gradient, calm = _pull(net, now, target, explain, distance, start, keep, beta, calm)
        size = 2.5 * epsilon / steps * (2 - 1.8 * done / steps)
        now = torch.clamp(now - gradient.sign() * _step(net, x, size), *within)
        values, answer = _truly(net, now, target, explain)
        reached = distance(values)
        kept = answer == said
        trace.append((float(reached) / start, kept))
        if kept and reached < best[0]:
            best = reached, now
        report(progress, done / steps)
    after = _truly(net, best[1], target, explain)[0]
    return Moved(best[1], before[0], after[0], tuple(trace))


def _truly(net: Net, x: Tensor, target: int, explain: Explanation) -> tuple[Tensor, int]:
    """The map by the network itself, (1, h, w), and the class it says."""
    with torch.enable_grad():
        values, logits = explain(net, x.detach().requires_grad_(), target, False)
    return values.detach(), int(logits[0].argmax())


def _distance(before: Tensor, aim: Tensor | None) -> Callable[[Tensor], Tensor]:
    """From a (1, h, w) map to how far it is from the aim."""
    if aim is None:
        flat = before.flatten()
        strong = flat.argsort(descending=True, stable=True)[: max(1, flat.numel() // 10)]
        top = torch.zeros_like(flat).index_fill_(0, strong, 1).view_as(before)
        return lambda values: (values * top).sum() / values.sum().clamp_min(1e-30)
    wanted = F.interpolate(aim.to(before)[None, None], before.shape[-2:], mode="area")[0].clamp_min(0)
    wanted = wanted / wanted.sum().clamp_min(1e-30)
    return lambda values: (values / values.sum().clamp_min(1e-30) - wanted).square().sum()


def _pull(
    net: Net,
    now: Tensor,
    target: int,
    explain: Explanation,
    distance: Callable[[Tensor], Tensor],
    start: float,
    keep: float,
    beta: float,
    calm: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """The gradient of what the attack makes small, by the smooth network; and that network's first probabilities."""
    x = now.detach().requires_grad_()
    with torch.enable_grad(), smooth_relu(beta):
        values, logits = explain(net, x, target, True)
        if not values.requires_grad:
            raise ValueError(
                f"{net.title} is linear here: this map is the same for every picture, so no change of one moves it."
            )
        calm = logits.detach().softmax(1) if calm is None else calm
        change = F.kl_div(logits.log_softmax(1), calm, reduction="batchmean")
        (gradient,) = torch.autograd.grad(distance(values) / start + keep * change, x)
    return gradient, calm
