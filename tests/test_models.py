"""The networks: the same numbers as their publishers' code, the same pixels, and any module wrapped untouched."""

import copy
import hashlib
from dataclasses import replace

import numpy as np
import pytest
import random_networks
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from vizcore import models
from vizcore.images import gallery
from vizcore.models import Net, weights
from vizcore.models.torchvision_guard import torchvision_models

ZOO = [spec.name for spec in models.MODELS.values() if spec.source.startswith(weights.PUBLISHED)]
HEAVY = ("vgg16", "vgg19")  # half a gigabyte each; loaded by the same lines as vgg11


def noise_image(width: int, height: int, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((width, height)).convert(mode)


# EfficientNet-Lite0.


@pytest.mark.parametrize("size", [(224, 224), (160, 224), (97, 131)])
def test_lite0_equals_its_package(lite0, size):
    """With `image_size=None` the package pads for the input it gets, as we do; by default it pads for 224x224."""
    package = pytest.importorskip("efficientnet_lite_pytorch")
    from vizcore.models.efficientnet_lite import checkpoint

    for image_size in (None, *([224] if size == (224, 224) else [])):
        theirs = package.EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=checkpoint(), image_size=image_size
        ).eval()
        x = random_networks.photographs(*size) if max(size) <= 224 else None
        with torch.no_grad():
            assert (theirs(x) - lite0(x)).abs().max() <= 1e-4


def test_lite0_names_what_is_in_the_gallery(lite0):
    with torch.no_grad():
        best = lite0(random_networks.photographs(224, 224)).argmax(1)
    assert [lite0.categories[i] for i in best] == ["jaguar", "giant panda"]


# torchvision's networks.


def published(name: str):
    """torchvision's own record of the weight file the registry names."""
    entries = torchvision_models().get_model_weights(name)
    (found,) = [entry for entry in entries if entry.url == models.MODELS[name].source]
    return found


@pytest.mark.parametrize("name", ZOO)
def test_the_registry_says_what_torchvision_says(name):
    spec, entry = models.MODELS[name], published(name)
    assert entry.url.endswith(f"/{spec.path}")
    assert spec.path.endswith(f"-{spec.sha256}.pth") and len(spec.sha256) == 8
    assert spec.megabytes == pytest.approx(entry.meta["_file_size"], abs=0.06)
    transform = entry.transforms()
    assert [spec.input_size] == transform.crop_size and [spec.resize] == transform.resize_size
    assert list(spec.mean) == transform.mean and list(spec.std) == transform.std
    assert spec.interpolation.name.lower() == transform.interpolation.value
    assert tuple(spec.categories()) == tuple(entry.meta["categories"])


def zoo_net_without_weights(name: str) -> Net:
    """A tiny network with the preprocessing of a registered one."""
    spec = models.MODELS[name]
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    return models.wrap(
        module,
        input_size=spec.input_size,
        mean=spec.mean,
        std=spec.std,
        resize=spec.resize,
        interpolation=spec.interpolation,
    )


@pytest.mark.parametrize("size", [(457, 301), (301, 457), (107, 214), (300, 224), (64, 64), (33, 500)])
@pytest.mark.parametrize("name", ["resnet18", "resnet50", "efficientnet_b0", "convnext_tiny"])
def test_preprocessing_is_torchvisions(name, size):
    image, net = noise_image(*size), zoo_net_without_weights(name)
    transform = published(name).transforms()
    assert torch.allclose(net.preprocess(image)[0], transform(image), atol=1e-6)
    x = torch.tensor(np.asarray(net.crop(image))).permute(2, 0, 1) / 255
    assert torch.allclose(
        net.preprocess(image)[0] * torch.tensor(net.std)[:, None, None],
        x - torch.tensor(net.mean)[:, None, None],
        atol=1e-6,
    )


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P", "1"])
def test_crop_takes_any_mode(lite0, mode):
    image = noise_image(90, 70, mode)
    assert lite0.crop(image).mode == "RGB" and lite0.crop(image).size == (224, 224)
    assert lite0.preprocess(image).shape == (1, 3, 224, 224) and lite0.preprocess(image).dtype == torch.float32


def published_module(name: str) -> nn.Module:
    """torchvision's network with seeded weights as its file would hold them; the huge linear layers constant."""
    options = {"init_weights": False} if name == "googlenet" else {}
    if name == "googlenet":
        options["transform_input"] = True
    module = torchvision_models().get_model(name, weights=None, **options).eval()
    generator = torch.Generator().manual_seed(2)
    for key, value in module.state_dict().items():
        if key.endswith("running_var"):
            value.uniform_(0.5, 1.5, generator=generator)
        elif key.endswith(("bias", "running_mean")):
            value.normal_(0, 0.1, generator=generator)
    return module


def old_densenet_name(key: str) -> str:
    """As in the published file: `denselayer1.norm.1.weight`."""
    layer, found, rest = key.partition("denselayer")
    for part in ("norm", "conv"):
        for digit in "12":
            rest = rest.replace(f".{part}{digit}.", f".{part}.{digit}.")
    return layer + found + rest


@pytest.mark.parametrize("name", [name for name in ZOO if name not in HEAVY])
def test_loading_gives_torchvisions_logits(name, tmp_path, monkeypatch):
    module = published_module(name)
    state = dict(module.state_dict())
    for key, value in state.items():
        if value.numel() > 10_000_000:  # a constant is stored as one number
            state[key] = torch.full((1,), 1e-4).expand(value.shape)
            value.fill_(1e-4)
    if name == "densenet121":
        state = {old_densenet_name(key): value for key, value in state.items()}
        assert "features.denseblock1.denselayer1.norm.1.weight" in state
    spec = models.MODELS[name]
    torch.save(state, tmp_path / spec.path)
    digest = hashlib.sha256((tmp_path / spec.path).read_bytes()).hexdigest()
    monkeypatch.setenv("VIZ_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setitem(models.MODELS, name, replace(spec, sha256=digest[:8]))

    assert models.status(name) == "on disk"
    net = models.load(name)
    x = random_networks.photographs(96, 128)
    with torch.no_grad():
        ours, theirs = net(x), module(x)
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()
    assert len(net.categories) == 1000 and net.name == name
    assert net.cam_layer == CAM_LAYERS[name]
    assert not net.network.training and not any(p.requires_grad for p in net.network.parameters())

    monkeypatch.setitem(models.MODELS, name, replace(spec, sha256="0" * 8))
    with pytest.raises(models.ModelError, match="damaged, or another file"):
        models.load(name)


CAM_LAYERS = {  # the last convolutional map, after its activation where that is a module, before any pooling
    "efficientnet_lite0": "head.relu",
    "alexnet": "features.11",
    "vgg11": "features.19",
    "vgg16": "features.29",
    "vgg19": "features.35",
    "squeezenet1_1": "conv10",
    "googlenet": "inception5b",
    "resnet18": "layer4.1",
    "resnet50": "layer4.2",
    "densenet121": "features.norm5",  # its last ReLU is a function call
    "mobilenet_v2": "features.18.2",
    "mobilenet_v3_large": "features.16.2",
    "efficientnet_b0": "features.8.2",
    "convnext_tiny": "features.7.2",
}


@pytest.mark.parametrize("name", random_networks.NAMES)
def test_cam_layer(name):
    """In-place operations behind a layer hand on the same tensor object: it is not that layer's map any more."""
    assert random_networks.network(name).cam_layer == CAM_LAYERS[name]


def test_missing_weights_are_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("VIZ_WEIGHTS_DIR", str(tmp_path))
    assert models.status("vgg16") == "missing" and models.status("efficientnet_lite0") == "embedded"
    with pytest.raises(models.ModelError) as error:
        models.load("vgg16")
    for part in ("VGG-16", "528 MB", "vgg16-397923af.pth", str(tmp_path), "Download"):
        assert part in str(error.value)


def test_a_download_that_cannot_be_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("VIZ_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setenv("VIZ_WEIGHTS_URL", "http://127.0.0.1:9/")
    with pytest.raises(models.ModelError, match=r"mobilenet_v2-7ebf99e0\.pth is not on this computer and cannot be"):
        models.download("mobilenet_v2")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("call", [models.load, models.status, models.download, models.spec])
def test_unknown_networks_are_a_sentence(call):
    with pytest.raises(models.ModelError, match=r"There is no network called 'vgg17'. Known: "):
        call("vgg17")


# Layers.


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18", "googlenet", "densenet121"])
def test_layers_in_the_order_of_execution(name):
    net = random_networks.network(name)
    module, order, shapes = random_networks.plain(net), [], {}

    def note(layer):
        def hook(_, __, output):
            if isinstance(output, Tensor):
                order.append(layer)
                shapes[layer] = tuple(output.shape[1:])

        return hook

    for layer, child in module.named_modules():
        if layer:
            child.register_forward_hook(note(layer))
    with torch.no_grad():
        module(torch.zeros(1, 3, net.input_size, net.input_size))
    last = {layer: i for i, layer in enumerate(order)}
    assert [layer.name for layer in net.layers] == sorted(last, key=last.get)
    assert {layer.name: layer.out_shape for layer in net.layers} == shapes
    assert all(layer.spatial == (len(layer.out_shape) == 3 and max(layer.out_shape[1:]) > 1) for layer in net.layers)


@pytest.mark.parametrize("name", random_networks.NAMES)
def test_captured_maps_are_what_an_out_of_place_network_computes(name):
    """Every layer at once, against the same network without in-place operations, from modules or written as F.relu."""
    net = random_networks.network(name)
    module, seen = random_networks.plain(net), {}
    for layer, child in module.named_modules():
        if layer:
            child.register_forward_hook(lambda _, __, out, layer=layer: seen.update({layer: out.clone()}))
    x = random_networks.photographs(96, 128)[:1]
    with torch.no_grad():
        logits, acts = net.forward(x, capture=[layer.name for layer in net.layers])
        expected = module(x)
    assert torch.equal(logits, expected) and torch.equal(net(x), expected)
    assert acts.keys() == {layer.name for layer in net.layers}
    for layer, value in acts.items():
        assert torch.equal(value, seen[layer]), layer


def test_unknown_layers_get_suggestions(lite0):
    with pytest.raises(ValueError, match=r"no layer called 'stage3.block1.depthwize'. Did you mean stage3.block1.dep"):
        lite0.layer("stage3.block1.depthwize")
    with pytest.raises(ValueError, match=r"no layer called 'zzzzzz'\.$"):
        lite0.forward(torch.zeros(1, 3, 64, 64), capture=["zzzzzz"])


def test_cutting_the_graph_at_a_layer(lite0):
    x = random_networks.photographs(96, 128)
    logits, acts = lite0.forward(x, capture=["stem.relu"], cut="stage4")
    assert acts["stage4"].is_leaf and acts["stage4"].requires_grad and logits.requires_grad
    assert not acts["stem.relu"].requires_grad
    with torch.no_grad():
        assert torch.equal(lite0(x), logits)


# Any module.


class Student(nn.Module):
    """A small network as a student writes it: every spelling of ReLU, one module used twice."""

    def __init__(self, channels: int = 3):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(6, 8, 3)
        self.conv3 = nn.Conv2d(8, 8, 3)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.conv1(x)))
        x = F.max_pool2d(self.relu(self.conv2(x)), 2)
        x = self.conv3(x)
        F.relu_(x)
        return self.fc(self.drop(x.mean((2, 3))))


def fingerprint(module: nn.Module) -> tuple:
    return (
        {key: (value.clone(), value.data_ptr()) for key, value in module.state_dict().items()},
        [(name, m.training, len(m._forward_hooks), len(m._backward_hooks)) for name, m in module.named_modules()],
        [(name, p.requires_grad, p.grad) for name, p in module.named_parameters()],
    )


def test_wrap_leaves_the_module_alone():
    module = Student().train()
    before = fingerprint(module)
    net = models.wrap(module, input_size=32)
    net.forward(torch.randn(1, 3, 32, 32), capture=["conv2"], cut="conv2")
    after = fingerprint(module)
    assert before[1:] == after[1:]
    assert all(
        torch.equal(a, b) and p == q for (a, p), (b, q) in zip(before[0].values(), after[0].values(), strict=True)
    )
    assert not {p.data_ptr() for p in module.parameters()} & {p.data_ptr() for p in net.network.parameters()}
    assert not net.network.training
    module.eval()
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(module(x), net(x))


def test_wrapping_the_network_of_a_net_again():
    first = models.wrap(Student(), input_size=32)
    second = models.wrap(first.network, input_size=32)
    assert [layer.name for layer in second.layers] == [layer.name for layer in first.layers]
    assert all(len(m._forward_hooks) == 1 for name, m in second.network.named_modules() if name)


@pytest.mark.parametrize("channels", [1, 3])
def test_wrap_a_students_network(channels):
    statistics = {"mean": (0.5,) * channels, "std": (0.25,) * channels}
    net = models.wrap(Student(channels), name="mine", input_size=28, categories=list("abcde"), **statistics)
    assert (net.name, net.title, net.channels, net.categories) == ("mine", "mine", channels, tuple("abcde"))
    assert net.cam_layer == "conv3"
    assert net.layer("conv2").out_shape == (8, 26, 26) and net.layer("fc").kind == "linear"
    x = net.preprocess(noise_image(50, 40))
    assert x.shape == (1, channels, 28, 28)
    _, acts = net.forward(x, capture=["norm", "conv2", "relu", "conv3"])
    assert all(acts[name].min() < 0 for name in ("norm", "conv2", "conv3"))  # before the in-place ReLU
    assert acts["relu"].min() == 0 and acts["relu"].shape[1:] == (8, 26, 26)  # the second use


def test_categories_are_numbered_when_omitted():
    assert models.wrap(Student(), input_size=28).categories[4] == "class 4"


@pytest.mark.parametrize(
    ("module", "options", "sentence"),
    [
        (Student(), {"categories": ["a", "b"]}, "model has 5 outputs but 2 categories were given"),
        (Student(), {"mean": (0.5,), "std": (0.5,)}, "model cannot process a 1x32x32 image"),
        (nn.Conv2d(3, 4, 3), {}, r"model must return one \(N, K\) tensor of logits"),
        (nn.Sequential(nn.Flatten(), nn.Linear(7, 2)), {}, "model cannot process a 3x32x32 image"),
        (nn.Conv2d(3, 4, 99), {}, "model cannot process a 3x32x32 image"),
    ],
)
def test_what_does_not_fit_is_a_sentence(module, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        models.wrap(module, input_size=32, **options)


@pytest.mark.parametrize(
    "x", [torch.zeros(3, 32, 32), torch.zeros(1, 1, 32, 32), torch.zeros(1, 3, 32, 32, dtype=torch.uint8)]
)
def test_wrong_input_is_a_sentence(x):
    net = models.wrap(Student(), input_size=32)
    for call in (net, net.forward):
        with pytest.raises(ValueError, match=r"model takes a float tensor of shape \(N, 3, H, W\), not "):
            call(x)


@pytest.mark.parametrize("target", [-1, 5, [0, 7]])
def test_wrong_class_is_a_sentence(target):
    net = models.wrap(Student(), input_size=32)
    with pytest.raises(ValueError, match="model has classes 0 to 4, not"):
        net.check_target(torch.tensor(target), 2)


def test_a_network_without_maps():
    net = models.wrap(nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), input_size=2)
    assert net.cam_layer is None and net.layers[0].receptive_field is None


def test_a_layer_that_does_not_run_is_a_sentence():
    class Sometimes(nn.Module):
        def __init__(self):
            super().__init__()
            self.small, self.large = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 2, 1)

        def forward(self, x):
            return (self.small if x.shape[-1] <= 16 else self.large)(x).mean((2, 3))

    net = models.wrap(Sometimes(), input_size=16)
    with pytest.raises(ValueError, match="small of model did not run for this input"):
        net.forward(torch.zeros(1, 3, 32, 32), capture=["small"])


def test_a_copy_of_a_net_is_its_own():
    """Weight randomization works on copies: nothing of the original may change with them."""
    net = random_networks.network("squeezenet1_1")
    twin = copy.deepcopy(net.network)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
        assert net(random_networks.photographs(96, 128)).abs().sum() > 0


def test_every_registered_network_is_described():
    for name, spec in models.MODELS.items():
        assert spec.name == name and spec.summary.endswith(".") and spec.megabytes > 0
        assert len(spec.mean) == len(spec.std) and spec.resize >= spec.input_size
    assert gallery.imagenet_categories()[388] == "giant panda"
    assert models.names()[0] == models.DEFAULT
