"""The networks: one registry, one frozen wrapper that many threads share.

net = load("efficientnet_lite0")      # embedded, no download
net = wrap(my_module, input_size=224, categories=[...])
logits, acts = net.forward(net.preprocess(image), capture=["head.relu"])
"""

import copy
import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from vizcore.models import capture as hooks
from vizcore.models.operations import Counting
from vizcore.models.receptive_field import Follow, ReceptiveField
from vizcore.types import Cell

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Layer:
    """One module of a network, in the order of execution.

    Attributes:
        name: the module's name in the network.
        kind: conv, relu, activation, norm, pool, linear, flatten, dropout, identity, block (a module made of
            others) or other.
        out_shape: shape of its output without the batch: (C, H, W) for a map, (C,) after flattening.
        receptive_field: the input pixels one cell can see; None where that is the whole image or undefined.
        calls: how often it runs in one forward pass; a ReLU module may be used several times.
    """

    name: str
    kind: str
    out_shape: tuple[int, ...]
    receptive_field: ReceptiveField | None = None
    calls: int = 1

    @property
    def spatial(self) -> bool:
        """Whether the output is a stack of maps with more than one cell."""
        return len(self.out_shape) == 3 and self.out_shape[1] * self.out_shape[2] > 1

    def check_cell(self, cell: Cell, shape: tuple[int, int] | None = None) -> Cell:
        """The cell; a ValueError where the maps, (h, w) for the usual input or of the given shape, do not have it."""
        (row, column), (rows, columns) = cell, shape or self.out_shape[1:]
        if not (0 <= row < rows and 0 <= column < columns):
            raise ValueError(f"{self.name} has {rows} x {columns} cells; there is none at row {row}, column {column}.")
        return cell


@dataclass(frozen=True, eq=False)
class Net:
    """A trained network, frozen and in evaluation mode: safe to share between threads.

    `network` is the `nn.Module`; all else describes how to feed it and what is inside: `layers`, and how many ReLUs
    and max-pools one forward pass calls (`relus`, `max_pools`), by modules or by functions. Made by :func:`load`
    and :func:`wrap`.
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
    relus: int = 0
    max_pools: int = 0

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

    def check_unit(self, layer: str, unit: int) -> int:
        """The unit; a ValueError when there is no such layer, or when it has no such unit."""
        count = self.layer(layer).out_shape[0]
        if not 0 <= unit < count:
            raise ValueError(f"{layer} has units 0 to {count - 1}, not {unit}.")
        return unit

    def blank(self) -> Tensor:
        """(1, C, S, S) zeros, the mean colour: for questions that depend on the shape of the input only."""
        dtype = next((p.dtype for p in self.network.parameters()), None)
        return torch.zeros(1, self.channels, self.input_size, self.input_size, dtype=dtype, device=self.device)

    def crop(self, image: Image.Image) -> Image.Image:
        """What the network sees of an image: shorter side resized to `resize`, then the central square."""
        image = image.convert("RGB" if self.channels == 3 else "L")
        width, height = image.size
        long = int(self.resize * max(image.size) / min(image.size))  # rounded down, as in torchvision
        size = (self.resize, long) if width <= height else (long, self.resize)
        image = image.resize(size, self.interpolation)
        left, top = (round((side - self.input_size) / 2) for side in size)
        return image.crop((left, top, left + self.input_size, top + self.input_size))

    def uncropped(self) -> "Net":
        """The same network, shown square pictures whole: they are resized to S and nothing is cut off."""
        return replace(self, resize=self.input_size)

    def preprocess(self, image: Image.Image, crop: bool = True) -> Tensor:
        """(1, C, S, S) float32 on the network's device, normalized as this network was trained.

        Without `crop` the shorter side is resized to S itself: a square picture is seen whole.
        """
        if not crop:
            return self.uncropped().preprocess(image)
        pixels = np.asarray(self.crop(image), dtype=np.float32) / 255
        pixels = pixels.reshape(self.input_size, self.input_size, self.channels)
        pixels = (pixels - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
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
    return freeze(twin, name, title or name, categories, input_size, tuple(mean), tuple(std), resize, interpolation)


@cache
def _keep_freed_memory() -> None:
    """Have the C library keep what a backward pass frees, for the next one: up to a third of its time on Linux.

    glibc hands large blocks back to the system when they are freed, and the system clears every page it gives out
    again. It keeps twice the largest block it has seen freed, up to 64 MB; so one block, never written to, is made
    and freed. Elsewhere this does nothing.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)


def freeze(network, name, title, categories, input_size, mean, std, resize, interpolation) -> Net:
    """A trained module as a :class:`Net`, on the module itself: for :func:`wrap`, and for loaders that made it."""
    _keep_freed_memory()
    network.eval().requires_grad_(False)
    hooks.install(network)
    found = _explore(network, title, len(mean), input_size)
    if categories is None:
        categories = [f"class {index}" for index in range(found.outputs)]
    if len(categories) != found.outputs:
        raise ValueError(f"{title} has {found.outputs} outputs but {len(categories)} categories were given.")
    return Net(
        name,
        title,
        network,
        tuple(categories),
        input_size,
        mean,
        std,
        resize,
        interpolation,
        found.layers,
        found.cam_layer,
        found.relus,
        found.max_pools,
    )


_KINDS: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("conv", (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d)),
    ("relu", (nn.ReLU, nn.ReLU6)),
    (
        "activation",
        (
            nn.SiLU,
            nn.GELU,
            nn.Hardswish,
            nn.Hardsigmoid,
            nn.Sigmoid,
            nn.Tanh,
            nn.LeakyReLU,
            nn.ELU,
            nn.PReLU,
            nn.Softplus,
            nn.Mish,
            nn.Hardtanh,
            nn.Threshold,
            nn.Softmax,
        ),
    ),
    (
        "norm",
        (
            nn.modules.batchnorm._BatchNorm,
            nn.LayerNorm,
            nn.GroupNorm,
            nn.LocalResponseNorm,
            nn.modules.instancenorm._InstanceNorm,
        ),
    ),
    ("pool", (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.LPPool2d)),
    ("linear", (nn.Linear,)),
    ("flatten", (nn.Flatten,)),
    ("dropout", (nn.modules.dropout._DropoutNd,)),
    ("identity", (nn.Identity,)),
)


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


class _Facts(NamedTuple):
    outputs: int
    layers: tuple[Layer, ...]
    cam_layer: str | None
    relus: int
    max_pools: int


def _explore(network: nn.Module, title: str, channels: int, size: int) -> _Facts:
    """Run the network once and note all that can be read off it: every layer's output, receptive field and calls."""
    kinds = {name: _kind(module) for name, module in network.named_modules()}
    device = next((p.device for p in network.parameters()), None)
    x = torch.zeros(1, channels, size, size, device=device)
    seen: dict[str, _Seen] = {}

    def note(name: str, output: Tensor) -> None:
        calls = seen.pop(name).calls + 1 if name in seen else 1
        seen[name] = _Seen(name, kinds[name], output, output._version, follow.field(output), calls)

    with torch.no_grad(), hooks.observing(note), Follow(x) as follow, Counting() as count:
        try:
            logits = network(x)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise ValueError(f"{title} cannot process a {channels}x{size}x{size} image: {error}") from error
    if not isinstance(logits, Tensor) or logits.ndim != 2:
        raise ValueError(f"{title} must return one (N, K) tensor of logits.")
    layers = tuple(Layer(s.name, s.kind, tuple(s.output.shape[1:]), s.field, s.calls) for s in seen.values())
    return _Facts(logits.shape[1], layers, _last_map(list(seen.values())), count.relus, count.max_pools)


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
