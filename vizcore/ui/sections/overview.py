"""The pictures of the overview, drawn once for everyone."""

import numpy as np
from PIL import Image

from vizcore.ui.cache import per_network, per_picture
from vizcore.ui.view import View


@per_network(entries=16)
def filters(view: View) -> Image.Image:
    """The first convolution's kernels, each scaled to 0..255.

    Raises:
        ValueError: there is none.
    """
    from vizcore.figures import sprites

    first = next((layer.name for layer in view.net.layers if layer.kind == "conv"), None)
    if first is None:
        raise ValueError(f"{view.net.title} has no layer of this kind. Choose another model in the sidebar.")
    kernels = view.net.network.get_submodule(first).weight.detach().cpu()
    if kernels.shape[1] == 3:
        low, high = kernels.amin((1, 2, 3), keepdim=True), kernels.amax((1, 2, 3), keepdim=True)
        tiles = (255 * (kernels - low) / (high - low)).byte().permute(0, 2, 3, 1).numpy()[:36]
        sheet = Image.new("RGB", (6 * 68, 6 * 68), (127, 127, 127))
        for index, tile in enumerate(tiles):
            cell = Image.fromarray(tile).resize((64, 64), Image.Resampling.NEAREST)
            sheet.paste(cell, (2 + index % 6 * 68, 2 + index // 6 * 68))
        return sheet
    return sprites.sprite(kernels[:36, 0].numpy(), columns=6, signed=True)[0]


@per_picture(entries=96, size="30MB")
def maps(view: View) -> Image.Image:
    """The 36 strongest feature maps half way through the network."""
    import torch

    from vizcore.figures import sprites

    spatial = [layer for layer in view.net.layers if len(layer.out_shape) == 3]
    layer = min(spatial, key=lambda item: abs(item.out_shape[1] - 28))
    with torch.no_grad():
        stack = view.net.forward(view.x, capture=[layer.name])[1][layer.name][0]
    strongest = stack.mean((1, 2)).argsort(descending=True)[:36]
    return sprites.sprite(stack[strongest].relu().cpu().numpy(), columns=6, cell=64)[0]


@per_picture(entries=96, size="10MB")
def noisy(view: View) -> Image.Image:
    """The picture with Gaussian noise (standard deviation 0.25 of the range, seed 0)."""
    pixels = np.asarray(view.picture) / 255
    noise = np.random.default_rng(0).normal(0, 0.25, pixels.shape)
    return Image.fromarray(np.uint8(255 * np.clip(pixels + noise, 0, 1)))
