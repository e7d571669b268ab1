"""Networks for the tests: the embedded ones with their real weights, and torchvision's with seeded random ones."""

import copy
import dataclasses
from functools import cache

import torch
from PIL import Image
from torch import Tensor, nn

from vizcore import models
from vizcore.images import gallery
from vizcore.models import Net, capture
from vizcore.models.torchvision_guard import torchvision_models

EMBEDDED = ("efficientnet_lite0", "squeezenet1_1")
TORCHVISION = ("vgg11", "resnet18", "googlenet", "densenet121", "mobilenet_v2")
NAMES = (*EMBEDDED, *TORCHVISION)
CLASSES = 10  # of the random networks
SIDE = 96


def torchvision_module(name: str, classes: int = CLASSES, size: int = SIDE) -> nn.Module:
    """A torchvision network with seeded random weights, whose batch normalization has seen seeded noise.

    With untouched statistics a deep random network answers every image alike; so they are taken from noise,
    and scale and shift are random too, which leaves no symmetry a wrong formula could hide behind.
    """
    options = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        module = torchvision_models().get_model(name, weights=None, num_classes=classes, **options)
        if name == "vgg11":  # two hidden layers of 4096 are nine tenths of it, and no different from narrow ones
            module.classifier = nn.Sequential(
                nn.Linear(512 * 7 * 7, 64),
                nn.ReLU(True),
                nn.Dropout(),
                nn.Linear(64, 64),
                nn.ReLU(True),
                nn.Dropout(),
                nn.Linear(64, classes),
            )
        norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
        for norm in norms:
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, 0, 0.2)
            norm.momentum = None  # average over all batches
        if norms:
            module.train()
            with torch.no_grad():
                for _ in range(2):
                    module(torch.randn(4, 3, size, size))
    return module.eval()


@cache
def network(name: str) -> Net:
    """One of NAMES, made once per test run."""
    if name in EMBEDDED:
        return models.load(name)
    return models.wrap(torchvision_module(name), name=name, input_size=SIDE)


class _Double(Net):
    """A network that takes and prepares pictures in float64."""

    def preprocess(self, image: Image.Image, **options) -> Tensor:
        return super().preprocess(image, **options).double()


@cache
def double(name: str) -> Net:
    """One of NAMES, or another registered network, in float64: there rounding has no say in what is compared.

    A real copy, with hooks of its own: the float32 network that others use stays as it is.
    """
    net = network(name) if name in NAMES else models.load(name)
    parts = {field.name: getattr(net, field.name) for field in dataclasses.fields(net)}
    return _Double(**parts | {"network": copy.deepcopy(net.network).double()})


def plain(net: Net) -> nn.Module:
    """The same network as an ordinary module, sharing the weights but nothing else; free to be changed."""
    shared = {id(t): t for t in (*net.network.parameters(), *net.network.buffers())}
    module = copy.deepcopy(net.network, shared)
    capture.uninstall(module)
    return module


@cache
def photographs(height: int, width: int) -> Tensor:
    """(2, 3, height, width): the centres of two gallery pictures, normalized."""
    net = network("efficientnet_lite0")
    pictures = [gallery.open_image(gallery.find("gallery", id)) for id in ("jaguar", "giant_panda")]
    x = torch.cat([net.preprocess(picture) for picture in pictures])
    top, left = (224 - height) // 2, (224 - width) // 2
    return x[:, :, top : top + height, left : left + width].contiguous()
