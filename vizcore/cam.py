r"""Class activation maps: a layer's feature maps A^k, weighted by what they mean for a class.

Every function takes an (N, C, H, W) batch and returns (N, h, w) maps at the layer's own resolution and raw scale;
:func:`upsample` brings them to the image's. `layer` defaults to the last convolutional map.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vizcore.models import Net
from vizcore.relu_rules import guided_backprop


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
    if layer not in (None, net.cam_layer):
        raise ValueError("CAM exists at the last convolutional map only. Use Grad-CAM for other layers.")
    layer = map_layer(net, None)
    targets = net.check_target(target, len(x))
    with torch.no_grad():
        logits, acts = net.forward(x, capture=[layer])
    maps = acts[layer]
    linear = _last_linear(net)
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


def _last_linear(net: Net) -> nn.Linear | None:
    linear = [layer.name for layer in net.layers if layer.kind == "linear"]
    return net.network.get_submodule(linear[-1]) if linear else None


def upsample(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, h, w) maps to (N, H, W): bilinear, half-pixel centres (`align_corners=False`)."""
    return F.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]


def guided_grad_cam(net: Net, x: Tensor, target: int | Tensor, layer: str | None = None) -> Tensor:
    """Guided Grad-CAM: guided backpropagation times the upsampled Grad-CAM, element by element.

    Selvaraju et al. (ICCV 2017), section 3.2.

    Returns:
        (N, C, H, W), signed.
    """
    maps = upsample(grad_cam(net, x, target, layer), x.shape[-2:])
    return guided_backprop(net, x, target) * maps[:, None]
