r"""Class activation maps: a layer's feature maps A^k, weighted by what they mean for a class.

Every function takes an (N, C, H, W) batch and returns (N, h, w) maps at the layer's own resolution and raw scale;
:func:`upsample` brings them to the image's. `layer` defaults to the last convolutional map.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from vizcore.methods.relu_rules import guided_backprop
from vizcore.models import Net, partial
from vizcore.models.layers import last_features, linear_head
from vizcore.types import Progress, report

_AT_ONCE = 4  # pictures in one forward pass: the layers of more would outgrow what glibc keeps, and be slower
_NUMBERS_AT_ONCE = 4_000_000  # of a layer


def activations_and_gradients(
    net: Net, x: Tensor, target: int | Tensor, layer: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Feature maps $A^k$ of a layer, the gradients $\partial y^c / \partial A^k$, and the scores $y^c$.

    The graph is cut at the layer, so only what follows it is differentiated.

    Returns:
        (N, K, h, w), (N, K, h, w) and (N,).

    Raises:
        ValueError: the layer has no feature maps, or the score does not depend on them.
    """
    layer = map_layer(net, layer)
    targets = net.check_target(target, len(x))[:, None]
    with torch.enable_grad():
        logits, acts = net.forward(x.detach(), capture=[layer], cut=layer)
        scores = logits.gather(1, targets)[:, 0]
        (gradients,) = torch.autograd.grad(scores.sum(), acts[layer], allow_unused=True)
    if gradients is None:
        raise ValueError(f"The score of {net.title} does not depend on layer {layer}.")
    return acts[layer].detach(), gradients, scores.detach()


def map_layer(net: Net, layer: str | None) -> str:
    """The layer to use: the given one, checked to be a stack of maps, or the network's last such layer."""
    name = layer or net.cam_layer
    if name is None:
        raise ValueError(f"{net.title} has no convolutional map, so it has no class activation map.")
    if len(net.layer(name).out_shape) != 3:
        raise ValueError(f"{name} of {net.title} is not a stack of feature maps. Choose a convolutional layer.")
    return name


def weighted_sum(weights: Tensor, activations: Tensor) -> Tensor:
    r"""$\sum_k w_k A^k$ for (N, K) weights, or $\sum_k W^k \odot A^k$ for (N, K, h, w) ones; (N, h, w)."""
    if weights.ndim == 2:
        return torch.einsum("nk,nkhw->nhw", weights, activations)
    return (weights * activations).sum(1)


def grad_cam_weights(gradients: Tensor) -> Tensor:
    r"""Grad-CAM's $\alpha_k^c = \frac{1}{Z} \sum_{ij} \partial y^c / \partial A^k_{ij}$; (N, K)."""
    return gradients.mean((2, 3))


def grad_cam(
    net: Net, x: Tensor, target: int | Tensor, layer: str | None = None, counterfactual: bool = False
) -> Tensor:
    r"""Grad-CAM, $\mathrm{ReLU}(\sum_k \alpha_k^c A^k)$.

    Selvaraju et al., "Grad-CAM" (ICCV 2017), equations 1 and 2.

    Args:
        counterfactual: negate the gradient (their section 7): regions whose removal would raise the score.

    Returns:
        (N, h, w), at least zero.
    """
    acts, gradients, _ = activations_and_gradients(net, x, target, layer)
    weights = grad_cam_weights(-gradients if counterfactual else gradients)
    return weighted_sum(weights, acts).relu()


def grad_cam_pp(net: Net, x: Tensor, target: int | Tensor, layer: str | None = None) -> Tensor:
    r"""Grad-CAM++, $\mathrm{ReLU}(\sum_k w_k A^k)$ with $w_k = \sum_{ij} \alpha^k_{ij} \mathrm{ReLU}(g^k_{ij})$.

    Chattopadhyay et al. (WACV 2018), equations 5, 7 and 19: with $Y^c = e^{S^c}$ and $g = \partial S^c / \partial
    A$, $\alpha^k_{ij} = g^2 / (2 g^2 + g^3 \sum_{ab} A^k_{ab})$. The common factor $e^{S^c}$ of the weights is left
    out: it scales the whole map.

    Returns:
        (N, h, w), at least zero.
    """
    acts, g, _ = activations_and_gradients(net, x, target, layer)
    denominator = 2 * g**2 + g**3 * acts.sum((2, 3), keepdim=True)
    alpha = torch.where(denominator != 0, g**2 / torch.where(denominator != 0, denominator, 1), 0)
    weights = (alpha * g.relu()).sum((2, 3))
    return weighted_sum(weights, acts).relu()


def hires_cam(net: Net, x: Tensor, target: int | Tensor, layer: str | None = None) -> Tensor:
    r"""HiResCAM, $\sum_k \frac{\partial y^c}{\partial A^k} \odot A^k$: the gradient is not averaged.

    Draelos & Carin, "Use HiResCAM instead of Grad-CAM" (arXiv 2020). There is no final ReLU: where only
    pooling and one linear layer follow, the map sums to the score minus its bias.

    Returns:
        (N, h, w), signed.
    """
    acts, gradients, _ = activations_and_gradients(net, x, target, layer)
    return weighted_sum(gradients, acts)


def layer_cam(net: Net, x: Tensor, target: int | Tensor, layer: str | None = None) -> Tensor:
    r"""LayerCAM, $\mathrm{ReLU}(\sum_k \mathrm{ReLU}(\frac{\partial y^c}{\partial A^k}) \odot A^k)$.

    Jiang et al. (IEEE TIP 2021), equations 5 to 7: usable at early layers too.

    Returns:
        (N, h, w), at least zero.
    """
    acts, gradients, _ = activations_and_gradients(net, x, target, layer)
    return weighted_sum(gradients.relu(), acts).relu()


def xgrad_cam(net: Net, x: Tensor, target: int | Tensor, layer: str | None = None) -> Tensor:
    r"""XGrad-CAM: Grad-CAM with $w_k = \sum_{ij} A^k_{ij} \frac{\partial y^c}{\partial A^k_{ij}} / \sum_{ij} A^k_{ij}$.

    Fu et al., "Axiom-based Grad-CAM" (BMVC 2020), equation 8. A map that is zero everywhere gets weight 0.

    Returns:
        (N, h, w), at least zero.
    """
    acts, gradients, _ = activations_and_gradients(net, x, target, layer)
    total = acts.sum((2, 3))
    weights = torch.where(total != 0, (acts * gradients).sum((2, 3)) / torch.where(total != 0, total, 1), 0)
    return weighted_sum(weights, acts).relu()


def feature_maps(net: Net, x: Tensor, layer: str | None) -> Tensor:
    """The (N, K, h, w) maps of a layer, without gradients; the network runs no further than the layer."""
    with torch.no_grad():
        return partial.activation(net, x.detach(), map_layer(net, layer))


def eigen_cam(net: Net, x: Tensor, target: int | Tensor, layer: str | None = None, centred: bool = False) -> Tensor:
    r"""Eigen-CAM, $A V_1$: the maps projected on their first principal direction. It knows no class.

    Muhammad & Yeasin, "Eigen-CAM" (IJCNN 2020), equations 5 and 6: $A = U \Sigma V^\top$ is the singular value
    decomposition of the layer's activation as a (h w, K) matrix. A singular vector has no sign of its own; it
    is turned so that the map goes with the mean of all maps.

    Args:
        target: only checked: the map is the same for every class.
        centred: take each map's mean off first, as a principal component analysis does (and as
            pytorch-grad-cam does); the paper does not.

    Returns:
        (N, h, w); at least zero where all maps are and nothing is taken off.
    """
    net.check_target(target, len(x))
    acts = feature_maps(net, x, layer)
    cells = acts.flatten(2).mT  # (N, h w, K)
    matrix = cells - cells.mean(1, keepdim=True) if centred else cells
    _, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    projected = (matrix @ vh[:, 0, :, None])[..., 0]
    sign = (projected * cells.mean(2)).sum(1, keepdim=True).sign()
    return (torch.where(sign < 0, -1, 1) * projected).unflatten(1, acts.shape[2:])


def ablation_cam(
    net: Net, x: Tensor, target: int | Tensor, layer: str | None = None, progress: Progress | None = None
) -> Tensor:
    r"""Ablation-CAM, $\mathrm{ReLU}(\sum_k w_k A^k)$ with $w_k = (y^c - y^c_k) / y^c$.

    Desai & Ramaswamy, "Ablation-CAM" (WACV 2020), equations 4 and 5: $y^c_k$ is the score with map k set to zero.
    A map that is zero already has weight 0 and costs nothing.

    Args:
        progress: called with the share done; what it raises cancels.

    Returns:
        (N, h, w), at least zero.
    """
    layer = map_layer(net, layer)
    targets = net.check_target(target, len(x))
    with torch.no_grad():
        logits, captured = net.forward(x.detach(), capture=[layer])
    acts = captured[layer]
    weights = torch.zeros_like(acts[:, :, 0, 0])
    at_once = max(1, min(64, _NUMBERS_AT_ONCE // acts[0].numel()))
    for n, c in enumerate(targets):
        parts = acts[n].flatten(1).any(1).nonzero()[:, 0].split(at_once)
        for done, part in enumerate(parts, start=1):
            ablated = acts[n].repeat(len(part), 1, 1, 1)
            ablated[torch.arange(len(part)), part] = 0
            scores = partial.logits_with(net, x[n : n + 1].detach(), layer, ablated)[:, c]
            weights[n, part] = (logits[n, c] - scores) / logits[n, c]
            report(progress, (n + done / len(parts)) / len(x))
    return weighted_sum(weights, acts).relu()


def score_cam(
    net: Net, x: Tensor, target: int | Tensor, layer: str | None = None, progress: Progress | None = None
) -> Tensor:
    r"""Score-CAM, $\mathrm{ReLU}(\sum_k \alpha_k A^k)$ with $\alpha = \mathrm{softmax}_k\, y^c(x \odot s(A^k))$.

    Wang et al., "Score-CAM" (CVPR workshops 2020), equations 5 to 8 and algorithm 1: each map, enlarged and scaled
    to 0..1, masks the picture; the score of the masked picture weighs the map. No gradient is used. Their
    baseline score is the same for all maps, so the softmax over the maps does not see it.

    All constant maps make the same empty mask, so they are run once. At ReLU layers that is about half of them.

    Args:
        progress: called with the share done; what it raises cancels.

    Returns:
        (N, h, w), at least zero.
    """
    targets = net.check_target(target, len(x))
    acts = feature_maps(net, x, layer)
    scores = torch.zeros_like(acts[:, :, 0, 0])
    height, width = x.shape[-2:]
    for n, c in enumerate(targets):
        varies = acts[n].amax((1, 2)) > acts[n].amin((1, 2))
        with torch.no_grad():
            scores[n] = net(torch.zeros_like(x[:1]))[0, c]
            parts = varies.nonzero()[:, 0].split(_AT_ONCE)
            for done, part in enumerate(parts, start=1):
                masks = score_masks(acts[n, part], (height, width))
                scores[n, part] = net(x[n].detach() * masks[:, None])[:, c]
                report(progress, (n + done / len(parts)) / len(x))
    return weighted_sum(scores.softmax(1), acts).relu()


def score_masks(maps: Tensor, size: tuple[int, int]) -> Tensor:
    r"""Score-CAM's masks: (K, h, w) maps enlarged to (K, H, W), each from 0 to 1; a constant map gives 0."""
    large = upsample(maps, size)
    low, high = large.amin((1, 2), keepdim=True), large.amax((1, 2), keepdim=True)
    return (large - low) / torch.where(high > low, high - low, 1)


def cam(net: Net, x: Tensor, target: int | Tensor, layer: str | None = None) -> Tensor:
    r"""CAM, $M_c = \sum_k w_k^c A^k$ with the weights of the final linear layer.

    Zhou et al., "Learning Deep Features for Discriminative Localization" (CVPR 2016), equation 2. Needs global
    average pooling followed by one linear layer, or by nothing (then the class's own map is the CAM); whether
    that is what the network does is checked on this very batch.

    Returns:
        (N, h, w), signed; the mean of a map plus the class's bias is its logit.

    Raises:
        ValueError: the network ends in something else.
    """
    if layer not in (None, net.cam_layer, last_features(net)):
        raise ValueError("CAM exists at the last convolutional map only. Use Grad-CAM for other layers.")
    layer = map_layer(net, None)
    targets = net.check_target(target, len(x))
    with torch.no_grad():
        logits, acts = net.forward(x, capture=[layer])
    maps = acts[layer]
    linear = linear_head(net)
    for candidate in (maps, maps.relu()):  # DenseNet applies its last ReLU outside the layer
        pooled = candidate.mean((2, 3))
        if linear is not None and pooled.shape[1] == linear.in_features:
            if torch.allclose(linear(pooled), logits, rtol=1e-3, atol=1e-3):
                return weighted_sum(linear.weight[targets], candidate)
        elif pooled.shape == logits.shape and torch.allclose(pooled, logits, rtol=1e-3, atol=1e-3):
            return candidate[torch.arange(len(x)), targets]
    raise ValueError(
        f"CAM needs global average pooling followed by one linear layer; {net.title} ends differently. "
        "Grad-CAM works for every convolutional network."
    )


def upsample(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, h, w) maps to (N, H, W): bilinear, half-pixel centres (`align_corners=False`)."""
    return F.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]


def guided_grad_cam(net: Net, x: Tensor, target: int | Tensor, layer: str | None = None) -> Tensor:
    """Guided Grad-CAM: guided backpropagation times the upsampled Grad-CAM, element by element.

    Selvaraju et al. (ICCV 2017), section 3.2.

    Returns:
        (N, C, H, W), signed.
    """
    height, width = x.shape[-2:]
    maps = upsample(grad_cam(net, x, target, layer), (height, width))
    return guided_backprop(net, x, target) * maps[:, None]
