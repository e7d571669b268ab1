"""Does a picture depend on what the network has learned? Random weights, and how alike two maps are.

Adebayo et al., "Sanity Checks for Saliency Maps" (NeurIPS 2018).
"""

import copy
import dataclasses

import torch
from torch import Tensor

from vizcore.models import Net


def randomize(net: Net, from_layer: str, seed: int = 0) -> Net:
    """A copy of the network whose weights are random from a layer up to the output.

    Every parameter tensor of that layer and of all later ones is drawn anew from a normal distribution with
    the tensor's own mean and standard deviation, so that the signal keeps about its size; statistics of batch
    normalization stay. This is the cascading randomization of Adebayo et al. (NeurIPS 2018), section 3.1.
    The tensors below the layer are shared with the original, which is never changed.

    Args:
        net: the network.
        from_layer: name of the lowest layer to randomize.
        seed: of a generator of its own; the same seed gives the same weights.

    Raises:
        ValueError: there is no such layer.
    """
    first = net.layers.index(net.layer(from_layer))
    modules = dict(net.network.named_modules())
    own = [modules[layer.name] for layer in net.layers[first:]]
    chosen = {id(p): p for module in own for p in module.parameters(recurse=False)}
    shared = (t for t in (*net.network.parameters(), *net.network.buffers()) if id(t) not in chosen)
    generator = torch.Generator().manual_seed(seed)
    memo = {id(tensor): tensor for tensor in shared} | {
        key: _redrawn(parameter, generator) for key, parameter in chosen.items()
    }
    return dataclasses.replace(
        net,
        name=f"{net.name} randomized from {from_layer}, seed {seed}",
        title=f"{net.title}, random from {from_layer}",
        network=copy.deepcopy(net.network, memo),
    )


def _redrawn(parameter: Tensor, generator: torch.Generator) -> torch.nn.Parameter:
    std, mean = torch.std_mean(parameter.detach().float().cpu(), correction=0)
    noise = torch.randn(parameter.shape, generator=generator) * std + mean
    return torch.nn.Parameter(noise.to(parameter), requires_grad=False)
