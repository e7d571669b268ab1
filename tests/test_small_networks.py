"""The networks that come with the dashboard: what they reach, and that their cards say so."""

import re

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from torch import nn

from training import mini_alexnet
from training.mini_vgg import agreement, fold
from vizcore import methods, models
from vizcore.images import gallery
from vizcore.methods import relu_rules
from vizcore.models import small_networks

DIGIT_BOUNDS = {"digits_linear": 0.90, "digits_mlp": 0.95, "digits_cnn": 0.975}
MINIATURES = ("mini_vgg", "mini_alexnet")
NAMES = (*DIGIT_BOUNDS, *MINIATURES)
SHOWN = ("giant_panda", "scarlet_macaw", "koala")


def card(name: str) -> str:
    return (gallery.ASSETS / "weights" / f"{name}.md").read_text("utf-8")


@pytest.fixture(scope="module")
def mini() -> models.Net:
    return models.load("mini_vgg")


@pytest.fixture(scope="module")
def pictures(mini: models.Net) -> torch.Tensor:
    """(3, 3, 112, 112): the gallery pictures of SHOWN."""
    return torch.cat([mini.preprocess(gallery.open_image(gallery.find("gallery", name))) for name in SHOWN])


# --- Digits ---


@pytest.mark.parametrize("name", DIGIT_BOUNDS)
def test_accuracy_on_the_held_out_digits(name: str) -> None:
    net = models.load(name)
    _, _, x, y = gallery.digits()
    pixels = torch.from_numpy(x.copy())[:, None].float() / 255
    with torch.inference_mode():
        hits = net((pixels - net.mean[0]) / net.std[0]).argmax(1).numpy() == y
    assert hits.mean() >= DIGIT_BOUNDS[name]
    stated = float(re.search(r"2,000 held-out digits \| ([\d.]+)%", card(name))[1])
    assert stated == pytest.approx(100 * hits.mean(), abs=0.051)


@pytest.mark.parametrize("name", DIGIT_BOUNDS)
def test_a_digit_picture_goes_in_as_it_is(name: str) -> None:
    net = models.load(name)
    pixels = gallery.digits()[2][0]
    x = net.preprocess(Image.fromarray(pixels))
    assert net.categories == tuple("0123456789")
    assert np.array_equal((x[0, 0] * 255).round().byte().numpy(), pixels)


def test_templates_are_the_rows_of_the_weights_and_smooth() -> None:
    net = models.load("digits_linear")
    stored = safetensors.torch.load_file(gallery.ASSETS / "weights" / "digits_linear.safetensors")
    templates = stored["linear.weight"].reshape(10, 28, 28)
    for digit in range(10):
        slope = torch.autograd.functional.jacobian(
            lambda x, digit=digit: net.network(x)[0, digit], torch.zeros(1, 1, 28, 28)
        )
        assert torch.equal(slope[0, 0], templates[digit])
    step = (templates.diff(dim=1).square().mean() / templates.square().mean()).sqrt()
    assert step < 0.5  # independent weights give 1.4


def test_tiny_vgg_has_the_layers_of_cnn_explainer() -> None:
    net = models.load("digits_cnn")
    sides = [layer.out_shape[-1] for layer in net.layers if layer.kind in ("conv", "pool")]
    assert sides == [26, 24, 12, 10, 8, 4]
    assert net.cam_layer == "relu2_2"


# --- The miniatures ---


def test_mini_vgg_is_plain(mini: models.Net) -> None:
    leaves = [module for module in mini.network.modules() if next(module.children(), None) is None]
    kinds = {type(module) for module in leaves}
    assert kinds == {nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.AdaptiveAvgPool2d, nn.Flatten, nn.Linear}
    assert all(module.kernel_size == (3, 3) for module in leaves if isinstance(module, nn.Conv2d))
    assert sum(isinstance(module, nn.Conv2d) for module in leaves) == 8
    assert sum(isinstance(module, nn.MaxPool2d) for module in leaves) == 5
    assert mini.cam_layer == "block5.relu2" and mini.layer("block5.relu2").out_shape == (256, 7, 7)
    assert (gallery.ASSETS / "weights" / "mini_vgg.safetensors").stat().st_size < 8_000_000


def test_mini_alexnet_has_large_first_filters() -> None:
    net = models.load("mini_alexnet")
    leaves = [module for module in net.network.modules() if next(module.children(), None) is None]
    kinds = {type(module) for module in leaves}
    assert kinds == {nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.AdaptiveAvgPool2d, nn.Flatten, nn.Linear}
    sizes = [module.kernel_size[0] for module in leaves if isinstance(module, nn.Conv2d)]
    assert sizes == [11, 5, 3, 3] and net.network.conv1.weight.shape == (48, 3, 11, 11)
    assert [net.layer(name).out_shape[-1] for name in ("conv1", "conv2", "conv3")] == [37, 18, 8]
    assert net.cam_layer == "relu4"
    assert (gallery.ASSETS / "weights" / "mini_alexnet.safetensors").stat().st_size < 6_000_000


def test_the_first_filters_are_as_smooth_as_the_card_says() -> None:
    """Compared with a slow transform, wave by wave, of each filter."""
    bank = models.load("mini_alexnet").network.conv1.weight.detach()
    values = (bank - bank.mean((2, 3), keepdim=True)).double().numpy()
    rows = np.arange(11)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(32) / 32, rows))
    power = (np.abs(np.einsum("ai,bj,kcij->kcab", waves, waves, values)) ** 2).sum(1)
    step = np.minimum(np.arange(32), 32 - np.arange(32)) / 32
    low = np.hypot(step[:, None], step) <= 0.2
    median = float(np.median(power[:, low].sum(1) / power.sum((1, 2))))
    coarse, counted = mini_alexnet.smooth(bank)
    assert coarse == pytest.approx(median, abs=0.02)  # torch's median is the lower of two
    assert f"(median filter) | {coarse:.0%} |" in card("mini_alexnet")
    assert f"around one wave | {counted} of 48 |" in card("mini_alexnet")
    assert coarse > 0.6 and counted > 24
    assert mini_alexnet.smooth(mini_alexnet.network().conv1.weight.detach())[1] == 0


def test_the_fast_first_convolution_gives_the_same_numbers() -> None:
    fast = mini_alexnet.network().cpu().conv1
    x = torch.randn(2, 3, 80, 80, generator=torch.Generator().manual_seed(0))
    for pixels in (80, 112):
        x = nn.functional.interpolate(x, size=pixels)
        plain = nn.functional.conv2d(x, fast.weight, fast.bias, stride=3, padding=4)
        assert torch.allclose(fast(x), plain, atol=1e-5)


@pytest.mark.parametrize("build", [small_networks.mini_vgg, small_networks.mini_alexnet])
def test_folding_keeps_the_function(build) -> None:
    torch.manual_seed(0)
    normed = build(batch_norm=True)
    x = torch.randn(2, 3, 112, 112)
    normed.train()(x)  # moves the running averages away from 0 and 1
    for module in normed.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
    plain = build()
    plain.load_state_dict(fold(normed.state_dict()))
    with torch.inference_mode():
        assert torch.allclose(plain.eval()(x), normed.eval()(x), atol=1e-4)


@pytest.mark.parametrize("name", MINIATURES)
def test_the_card_states_the_agreement_on_the_gallery(name: str) -> None:
    """The student's column is measured again in full, the teacher's on every tenth picture."""
    mini = models.load(name)
    names = gallery.imagenet_categories()
    rows = dict(re.findall(r"^\| (\w+) \| (.+? \| .+?) \| [\d.]+ \|$", card(name), re.MULTILINE))
    assets = gallery.records("gallery")
    assert list(rows) == [asset.id for asset in assets]
    with torch.inference_mode():
        student = torch.cat([mini(mini.preprocess(gallery.open_image(asset))) for asset in assets])
    stated = [row.split(" | ") for row in rows.values()]
    first = [names[index] for index in student.argmax(1)]
    assert sum(mine == theirs for mine, (_, theirs) in zip(first, stated, strict=True)) >= len(assets) - 1
    teacher = models.load("efficientnet_lite0")
    for asset in assets[::10]:
        with torch.inference_mode():
            best = int(teacher(teacher.preprocess(gallery.open_image(asset))).argmax())
        assert names[best] == rows[asset.id].split(" | ")[0], asset.id
    targets = torch.tensor([names.index(theirs) for theirs, _ in stated])
    measured = agreement(student, nn.functional.one_hot(targets, 1000).float())
    top1, top5 = re.search(r"shipped weights.*?\| ([\d.]+)% \| ([\d.]+)%", card(name)).groups()
    assert float(top1) == pytest.approx(100 * measured.top1, abs=1.5)  # one picture of 70
    assert float(top5) == pytest.approx(100 * measured.top5, abs=1.5)
    assert measured.top1 >= 0.8


@pytest.mark.parametrize("rule", [relu_rules.deconvnet, relu_rules.guided_backprop])
def test_pictures_of_the_backward_rules_depend_on_the_image(mini, pictures, rule) -> None:
    """Max-pooling's switches carry the image into the deconvnet: another image, another picture."""
    maps = rule(mini, pictures, target=388).abs().sum(1).flatten(1)
    similar = torch.corrcoef(maps)
    assert similar[~torch.eye(len(SHOWN), dtype=torch.bool)].max() < 0.5


@pytest.mark.parametrize("name", NAMES)
def test_every_method_runs_or_says_why_not(name: str) -> None:
    net = models.load(name)
    x = torch.rand(1, net.channels, net.input_size, net.input_size, generator=torch.Generator().manual_seed(0))
    for method in methods.names():
        try:
            values = methods.run(method, net, x, 3).values
        except ValueError as error:
            assert "cam" in method, f"{name}, {method}"
            assert net.title in str(error) and (name not in MINIATURES or method == "cam")
        else:
            assert np.isfinite(values).all()
