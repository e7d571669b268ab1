"""What holds for every registered method, and the identities that single methods must satisfy."""

import numpy as np
import pytest
import random_networks
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vizcore import methods, models
from vizcore.images import composites, gallery
from vizcore.methods import cam, gradients, occlusion, relu_rules
from vizcore.models import Net

CAM_MAPS = [name for name, m in methods.METHODS.items() if m.family == "cam" and m.maps]
QUICK = {  # parameters that keep slow methods short here
    "smooth_grad": {"samples": 2},
    "integrated_gradients": {"steps": 2, "tolerance": 0.0},
    "occlusion": {"patch": 0.5},
    "rise": {"samples": 20},
}
NOT_LINEAR = ("grad_cam_pp", "score_cam", "rise")  # in the scale of the scores
NO_SCALE = ("eigen_cam", "ablation_cam")  # knows no score; knows only its relative drop


class Small(nn.Module):
    """Two convolutions, global average pooling, one linear layer: a network every method fits."""

    def __init__(self, relu=nn.ReLU, bias: bool = True):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), relu(), nn.MaxPool2d(2), nn.Conv2d(8, 12, 3, padding=1), relu()
        )
        self.fc = nn.Linear(12, 5, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x).mean((2, 3)))


def small(relu=nn.ReLU, seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Small(relu)


@pytest.fixture(scope="module")
def net() -> Net:
    return models.wrap(small(), name="small", title="Small", input_size=32)


@pytest.fixture(scope="module")
def x() -> Tensor:
    """(2, 3, 32, 48)"""
    return torch.randn(2, 3, 32, 48, generator=torch.Generator().manual_seed(1))


def run(name: str, net: Net, x: Tensor, target: int = 1, **params):
    return methods.run(name, net, x, target, **QUICK.get(name, {}) | params)


# Every method.


@pytest.mark.parametrize("name", methods.names())
def test_result(name, net, x):
    method = methods.METHODS[name]
    before = x.clone()
    result = run(name, net, x[:1])
    values = result.values
    assert isinstance(values, np.ndarray) and values.dtype == np.float32 and np.isfinite(values).all()
    if method.family == "cam" and method.maps:
        assert values.shape == (16, 24)
    else:
        assert values.shape == ((32, 48) if method.maps else (3, 32, 48))
    assert result.signed is (bool(values.min() < 0) if method.signed is None else method.signed)
    assert result.signed or values.min() >= 0
    assert torch.equal(x, before) and not x.requires_grad and x.grad is None
    meta = result.meta
    assert set(meta) == {"method", "model", "layer", "target", "params", "seconds", "notes"}
    takes_layer = any(p.name == "layer" for p in method.params)
    assert (meta["method"], meta["model"], meta["target"]) == (name, "small", 1)
    assert meta["layer"] == (net.cam_layer if takes_layer else None)
    assert set(meta["params"]) == {p.name for p in method.params} - {"layer"}
    assert meta["seconds"] > 0 and all(isinstance(note, str) and note.endswith(".") for note in meta["notes"])


@pytest.mark.parametrize("name", methods.names())
def test_batches_are_images_side_by_side(name, net, x):
    function = methods.METHODS[name].run
    params = QUICK.get(name, {})
    if name in ("smooth_grad", "random"):
        pytest.skip("the noise of a batch is drawn at once")
    both = function(net, x, torch.tensor([1, 3]), **params)
    for n, target in enumerate((1, 3)):
        one = function(net, x[n : n + 1], target, **params)[0]
        assert (both[n] - one).abs().max() <= 1e-4 * one.abs().max()


@pytest.mark.parametrize("name", methods.names())
def test_requires_grad_of_the_input_does_not_matter(name, net, x):
    wanted = run(name, net, x[:1]).values
    leaf = x[:1].clone().requires_grad_()
    assert np.array_equal(run(name, net, leaf).values, wanted)
    assert leaf.grad is None
    with torch.no_grad():
        assert np.array_equal(run(name, net, x[:1]).values, wanted)


@pytest.mark.parametrize("name", [n for n in methods.names() if methods.METHODS[n].family != "control"])
def test_the_registry_keeps_the_raw_scale(name, x):
    """Twice the last layer's weights: twice the map, wherever the method is linear in the gradient."""
    if name in NOT_LINEAR:
        pytest.skip("a softmax or a product of gradients is not linear in them")
    module = small()
    once = run(name, models.wrap(module, input_size=32), x[:1]).values
    with torch.no_grad():
        module.fc.weight.mul_(2)
        module.fc.bias.mul_(2)
    twice = run(name, models.wrap(module, input_size=32), x[:1]).values
    factor = 4 if name == "guided_grad_cam" else 1 if name in NO_SCALE else 2  # 4: a product of two such maps
    assert once.any() and np.allclose(twice, factor * once, rtol=1e-4, atol=1e-6 * np.abs(once).max())


@pytest.mark.parametrize("name", methods.names())
def test_bad_input_is_a_sentence(name, net, x):
    for target in (-1, 5):
        with pytest.raises(ValueError, match="Small has classes 0 to 4, not"):
            run(name, net, x[:1], target)
    with pytest.raises(ValueError, match="one image at a time, not 2"):
        run(name, net, x)
    with pytest.raises(ValueError, match="not finite numbers"):
        run(name, net, torch.full((1, 3, 32, 48), float("nan")))
    with pytest.raises(ValueError, match="has no parameter colour"):
        run(name, net, x[:1], colour="red")
    takes_layer = any(p.name == "layer" for p in methods.METHODS[name].params)
    sentence = "Small has no layer called 'features.44'" if takes_layer else "does not look at a layer"
    with pytest.raises(ValueError, match=sentence):
        run(name, net, x[:1], layer="features.44")


def test_unknown_method_is_a_sentence(net, x):
    with pytest.raises(ValueError, match=r"There is no method called 'gradcam'. Known: saliency, "):
        methods.run("gradcam", net, x[:1], 0)


@pytest.mark.parametrize("name", CAM_MAPS)
def test_layers_without_maps_are_a_sentence(name, net, x):
    flat = models.wrap(nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), title="Flat", input_size=2)
    with pytest.raises(ValueError, match="Flat has no convolutional map"):
        run(name, flat, torch.zeros(1, 3, 2, 2))
    if name != "cam":
        with pytest.raises(ValueError, match="fc of Small is not a stack of feature maps"):
            run(name, net, x[:1], layer="fc")


def test_choices_are_checked(net, x):
    with pytest.raises(ValueError, match="no reduction 'mean': choose sum, max or l2"):
        run("saliency", net, x[:1], reduction="mean")
    with pytest.raises(ValueError, match="no score 'softmax': choose logit, probability or loss"):
        run("saliency", net, x[:1], of="softmax")
    with pytest.raises(ValueError, match="no baseline 'red': choose mean, black, white or blur"):
        run("integrated_gradients", net, x[:1], baseline="red")


def test_the_registry_describes_its_parameters():
    for name, method in methods.METHODS.items():
        assert method.name == name and method.title and method.paper and callable(method.run)
        for param in method.params:
            assert param.kind in ("int", "float", "choice", "bool", "layer") and param.help.endswith(".")
            if param.kind in ("int", "float"):
                assert param.low <= param.default <= param.high
            if param.kind == "choice":
                assert param.default in param.choices


@pytest.mark.parametrize("name", [n for n, m in methods.METHODS.items() if m.slow])
def test_progress_rises_to_one_and_can_cancel(name, net, x):
    shares = []
    run(name, net, x[:1], progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)

    class Stop(Exception):
        pass

    def stop(share):
        raise Stop

    with pytest.raises(Stop):
        run(name, net, x[:1], progress=stop)


@pytest.mark.parametrize("of", ["None", "", "Logit"])
def test_a_score_that_does_not_exist_is_a_sentence(net, x, of):
    with pytest.raises(ValueError, match=f"There is no score '{of}': choose logit, probability or loss"):
        gradients.saliency(net, x, 1, of=of)


# FORGrad.


def test_forgrad_that_keeps_everything_is_the_saliency_map(net, x):
    for cutoff in (1, 1.0, 1.5):
        assert torch.equal(gradients.forgrad(net, x, 1, "l2", cutoff), gradients.saliency(net, x, 1, "l2"))
    assert not torch.equal(gradients.forgrad(net, x, 1, "l2", 0.99), gradients.saliency(net, x, 1, "l2"))


@pytest.mark.parametrize("shape", [(32, 48), (33, 47), (1, 9), (28, 28)])
@pytest.mark.parametrize("cutoff", [0.0, 0.1, 0.5, 0.9])
def test_the_low_pass_filter_is_a_projection_that_keeps_the_mean(shape, cutoff):
    dice = torch.Generator().manual_seed(2)
    a, b = torch.randn(2, 3, *shape, dtype=torch.float64, generator=dice)
    once = gradients.low_pass(a, cutoff)
    assert once.dtype == torch.float64 and once.shape == a.shape
    assert gradients.low_pass(a.float(), cutoff).dtype == torch.float32
    for found, wanted in (
        (gradients.low_pass(2 * a - 3 * b, cutoff), 2 * once - 3 * gradients.low_pass(b, cutoff)),
        (gradients.low_pass(once, cutoff), once),
        (gradients.low_pass(a.mT, cutoff), once.mT),
        (gradients.low_pass(a.roll((3, -2), (1, 2)), cutoff), once.roll((3, -2), (1, 2))),
        (once.mean((1, 2)), a.mean((1, 2))),
        (once.var((1, 2)) + (a - once).var((1, 2)), a.var((1, 2))),  # what is kept and what is not are orthogonal
    ):
        assert torch.allclose(found, wanted, rtol=0, atol=1e-12)
    if cutoff == 0:
        assert torch.allclose(once, a.mean((1, 2), keepdim=True).expand_as(a), rtol=0, atol=1e-12)


def test_waves_up_to_the_cutoff_pass_and_shorter_ones_do_not():
    place = torch.arange(48, dtype=torch.float64) / 48
    for periods in range(1, 24):
        wave = torch.cos(2 * torch.pi * periods * place).expand(32, 48)
        share = periods / 48 / 0.5**0.5
        assert torch.allclose(gradients.low_pass(wave, share + 1e-6), wave, rtol=0, atol=1e-12)
        assert gradients.low_pass(wave, share - 1e-6).abs().max() < 1e-12
    checkerboard = torch.tensor([[1.0, -1], [-1, 1]]).repeat(4, 4)
    assert torch.equal(gradients.low_pass(checkerboard, 1.0), checkerboard)
    assert gradients.low_pass(checkerboard, 0.999).abs().max() < 1e-6


def test_forgrad_shows_the_size_of_what_a_sharp_cut_makes_negative(net, x):
    result = run("forgrad", net, x[:1], cutoff=0.7)
    filtered = gradients.low_pass(gradients.saliency(net, x[:1], 1), 0.7)[0].numpy()
    assert filtered.min() < 0 and np.array_equal(result.values, np.abs(filtered))
    with pytest.raises(ValueError, match="A cutoff is at least 0, not -1"):
        run("forgrad", net, x[:1], cutoff=-1)


# ReLUs, however they are written.


def _ignored(x: Tensor) -> Tensor:
    x.relu_()
    return x


def _clamp_(x: Tensor) -> Tensor:
    x.clamp_(0)
    return x


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


RELUS = {
    "inplace module": lambda: nn.ReLU(inplace=True),
    "F.relu": lambda: Call(F.relu),
    "F.relu inplace": lambda: Call(lambda x: F.relu(x, inplace=True)),
    "torch.relu": lambda: Call(torch.relu),
    "torch.relu_": lambda: Call(torch.relu_),
    "x.relu": lambda: Call(lambda x: x.relu()),
    "x.relu_ ignored": lambda: Call(_ignored),
    "clamp": lambda: Call(lambda x: x.clamp(min=0)),
    "torch.clamp": lambda: Call(lambda x: torch.clamp(x, 0)),
    "clamp_": lambda: Call(_clamp_),
    "clamp_min": lambda: Call(lambda x: x.clamp_min(0)),
    "clip": lambda: Call(lambda x: torch.clip(x, min=0.0)),
    "threshold module": lambda: nn.Threshold(0.0, 0.0),
    "F.threshold": lambda: Call(lambda x: F.threshold(x, 0, 0)),
}
SIXES = {
    "relu6 inplace": lambda: nn.ReLU6(inplace=True),
    "F.relu6": lambda: Call(F.relu6),
    "hardtanh module": lambda: nn.Hardtanh(0.0, 6.0),
    "F.hardtanh": lambda: Call(lambda x: F.hardtanh(x, min_val=0.0, max_val=6.0)),
    "F.hardtanh_": lambda: Call(lambda x: F.hardtanh(x, 0.0, 6.0, inplace=True)),
    "clamp": lambda: Call(lambda x: x.clamp(0, 6)),
}


@pytest.mark.parametrize(
    ("relu", "written"),
    [(nn.ReLU, RELUS[key]) for key in RELUS] + [(nn.ReLU6, SIXES[key]) for key in SIXES],
    ids=[*RELUS, *(f"six {key}" for key in SIXES)],
)
@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_every_spelling_of_relu_goes_by_the_rule(relu, written, rule, x):
    x = 12 * x  # some values beyond six
    wanted, count = relu_rules.backpropagate(models.wrap(small(relu), input_size=32), x, 1, rule)
    found, replaced = relu_rules.backpropagate(models.wrap(small(written), input_size=32), x, 1, rule)
    assert (count, replaced) == (2, 2)
    assert torch.equal(found, wanted)
    plain = gradients.input_gradient(models.wrap(small(relu), input_size=32), x, 1)
    assert not torch.allclose(found, plain, rtol=0.01)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.clamp(max=1),
        lambda x: x.clamp(-1, 1),
        F.silu,
        F.leaky_relu,
        lambda x: F.threshold(x, 0.1, 0.0),
        lambda x: F.hardtanh(x),
        lambda x: torch.clamp(x, min=torch.tensor(0.0)),
    ],
)
def test_what_is_no_relu_is_left_alone(function, x):
    net = models.wrap(small(lambda: Call(function)), input_size=32)
    values, replaced = relu_rules.backpropagate(net, x, 1, "guided")
    assert replaced == 0
    assert torch.equal(values, gradients.input_gradient(net, x, 1))


class Twice(nn.Module):
    """One ReLU module at both places, as in torchvision's ResNet."""

    def __init__(self, separate: bool):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3)
        self.relu1 = nn.ReLU(inplace=not separate)
        self.relu2 = nn.ReLU() if separate else self.relu1
        self.fc = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.relu2(self.conv2(self.relu1(self.conv1(x)))).mean((2, 3)))


@pytest.mark.parametrize("name", ["deconvnet", "guided_backprop", "guided_grad_cam", "grad_cam"])
def test_one_relu_used_twice(name, x):
    results = []
    for separate in (True, False):
        torch.manual_seed(0)
        net = models.wrap(Twice(separate), input_size=32)
        layer = {"layer": "conv2"} if "cam" in name else {}
        results.append(methods.run(name, net, x[:1], 1, **layer).values)
    assert results[0].any() and np.array_equal(*results)


def test_the_forward_pass_is_unchanged_by_the_rules(lite0, photo):
    with torch.no_grad():
        expected = lite0(photo)
        for rule in ("deconvnet", "guided"):
            with relu_rules.relu_rule(rule) as mode:
                assert torch.equal(lite0(photo), expected)
            assert mode.replaced == 33  # stem, 15 expansions, 16 depthwise convolutions, head


def test_deconvnet_without_max_pooling_does_not_see_the_image():
    """On Lite0 the picture depends on the class alone, as the note says."""
    net = models.wrap(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        input_size=16,
    )
    first, second = (relu_rules.deconvnet(net, torch.randn(1, 3, 16, 16), 0) for _ in range(2))
    assert torch.equal(first, second)


# Captured activations.


def test_captured_activations_survive_in_place_operations(x):
    outputs = []
    for inplace in (False, True):
        net = models.wrap(small(lambda inplace=inplace: nn.ReLU(inplace=inplace)), input_size=32)
        _, acts = net.forward(x, capture=["features.0", "features.1", "features.3"])
        outputs.append(acts)
    assert outputs[0]["features.0"].min() < 0
    assert all(torch.equal(outputs[0][name], outputs[1][name]) for name in outputs[0])


@pytest.mark.parametrize("layer", ["features.0", "features.3"])
@pytest.mark.parametrize("name", [n for n in CAM_MAPS if n != "cam"])
def test_cams_of_a_layer_before_an_in_place_relu(name, layer, x):
    maps = []
    for inplace in (False, True):
        net = models.wrap(small(lambda inplace=inplace: nn.ReLU(inplace=inplace)), input_size=32)
        maps.append(run(name, net, x[:1], layer=layer).values)
    assert maps[0].any() and np.array_equal(*maps)


# Identities.


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18", "googlenet", "densenet121", "mobilenet_v2"])
def test_mean_of_cam_plus_bias_is_the_logit(name):
    net, x = random_networks.double(name), random_networks.photographs(96, 128).double()
    targets = torch.tensor([1, 4])
    linear = [m for m in net.network.modules() if isinstance(m, nn.Linear)][-1]
    with torch.no_grad():
        logits = net(x)[torch.arange(2), targets]
    maps = cam.cam(net, x, targets)
    assert maps.min() < 0
    assert torch.allclose(maps.mean((1, 2)) + linear.bias[targets], logits, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18", "googlenet", "densenet121", "mobilenet_v2"])
def test_sum_of_hires_cam_plus_bias_is_the_logit(name):
    """Faithful by construction: Draelos & Carin, section 3. All four end in pooling and one linear layer."""
    net, x = random_networks.double(name), random_networks.photographs(96, 128).double()
    linear = [m for m in net.network.modules() if isinstance(m, nn.Linear)][-1]
    with torch.no_grad():
        logits = net(x)[:, 2]
    total = cam.hires_cam(net, x, 2).sum((1, 2))
    assert torch.allclose(total + linear.bias[2], logits, rtol=1e-9, atol=1e-9)


def test_behind_global_average_pooling_the_cams_agree(lite0, photo):
    """There the gradient is constant over each map, so Grad-CAM, HiResCAM and CAM are one map but for its scale."""
    maps = {name: run(name, lite0, photo, 290).values for name in ("cam", "grad_cam", "hires_cam", "xgrad_cam")}
    cells = maps["cam"].size
    scale = np.abs(maps["cam"]).max()
    assert np.abs(maps["grad_cam"] * cells - np.maximum(maps["cam"], 0)).max() < 1e-4 * scale
    assert np.abs(maps["hires_cam"] * cells - maps["cam"]).max() < 1e-4 * scale
    assert np.abs(maps["xgrad_cam"] - maps["grad_cam"]).max() < 1e-4 * scale


def test_counterfactual_grad_cam_is_the_other_half(lite0, photo):
    acts, grads, _ = cam.activations_and_gradients(lite0, photo, 290)
    signed = cam.weighted_sum(cam.grad_cam_weights(grads), acts)
    halves = [cam.grad_cam(lite0, photo, 290, counterfactual=c) for c in (False, True)]
    assert torch.allclose(halves[0] - halves[1], signed, atol=1e-6 * float(signed.abs().max()))


def test_grad_cam_pp_and_xgrad_cam_without_activation_or_gradient(net):
    """Maps that are zero everywhere get no weight: no division by zero."""
    zero = torch.zeros(1, 3, 32, 32)
    module = small()
    with torch.no_grad():
        module.features[3].weight.zero_()
        module.features[3].bias.fill_(-1)
    dead = models.wrap(module, input_size=32)
    for name in ("grad_cam", "grad_cam_pp", "xgrad_cam", "layer_cam", "hires_cam"):
        values = run(name, dead, zero).values
        assert np.isfinite(values).all() and not values.any()


@pytest.mark.parametrize("size", [(33, 47), (224, 160), (5, 7)])
def test_upsample_is_bilinear_between_cell_centres(size):
    maps = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    wanted = F.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
    assert torch.equal(cam.upsample(maps, size), wanted)
    assert torch.allclose(cam.upsample(torch.full((1, 5, 7), 0.3), size), torch.full((1, *size), 0.3))
    assert torch.allclose(cam.upsample(maps.flip(2), size), cam.upsample(maps, size).flip(2), atol=1e-5)


def test_upsample_keeps_a_peak_at_the_centre_of_its_cell():
    maps = torch.zeros(1, 7, 7)
    maps[0, 2, 5] = 1
    up = cam.upsample(maps, (224, 224))[0]
    rows, columns = torch.arange(224.0), torch.arange(224.0)
    centre = (up.sum(1) @ rows / up.sum(), up.sum(0) @ columns / up.sum())
    assert float(centre[0]) == pytest.approx(2.5 * 32 - 0.5) and float(centre[1]) == pytest.approx(5.5 * 32 - 0.5)


def test_absolute_value_before_the_reduction():
    """A positive and a negative channel must not cancel."""
    gradient = torch.tensor([1.0, -1.0, 0.0])[None, :, None, None].expand(1, 3, 2, 2)
    assert torch.equal(gradients.reduce_channels(gradient, "sum"), torch.full((1, 2, 2), 2.0))
    assert torch.equal(gradients.reduce_channels(gradient, "max"), torch.full((1, 2, 2), 1.0))
    assert torch.allclose(gradients.reduce_channels(gradient, "l2"), torch.full((1, 2, 2), 2**0.5))


def test_smooth_grad_is_reproducible_and_leaves_the_global_generator_alone(net, x):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, again, other = (run("smooth_grad", net, x[:1], seed=seed).values for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_smooth_grad_without_noise_is_the_gradient(net, x):
    plain = gradients.input_gradient(net, x[:1], 1)[0].numpy()
    assert np.allclose(run("smooth_grad", net, x[:1], noise=0.0, samples=4).values, plain, rtol=1e-5, atol=1e-8)


def test_smooth_grads_sigma_is_a_share_of_each_images_range(x):
    class Square(nn.Module):
        def forward(self, x):
            return (x**2).sum((2, 3)) / 2  # its gradient is the noisy image itself

    square = models.wrap(Square(), input_size=128)
    images = torch.zeros(2, 3, 128, 128)
    images[0, 0, 0, 0], images[1, 0, 0, 0] = 8.0, -20.0
    noise = gradients.smooth_grad(square, images, 0, samples=1, noise=0.25) - images
    assert float(noise[0, 0].std()) == pytest.approx(2.0, rel=0.03)  # 0.25 * 8, not its square
    assert float(noise[1, 0].std()) == pytest.approx(5.0, rel=0.03)


# Notes.


def test_note_relu_free(x):
    silu = models.wrap(small(nn.SiLU), title="Silu", input_size=32)
    for name in ("deconvnet", "guided_backprop"):
        assert run(name, silu, x[:1]).meta["notes"] == [
            "Silu has no ReLU, so there is nothing to replace: this is the plain gradient."
        ]
    (note,) = run("guided_grad_cam", silu, x[:1]).meta["notes"]
    assert note.endswith("this is the plain gradient times Grad-CAM.")


def test_note_deconvnet_without_max_pooling(lite0, photo, net, x):
    (note,) = run("deconvnet", lite0, photo).meta["notes"]
    assert "Deconvnet needs max-pool switches; EfficientNet-Lite0 has no max-pooling" in note
    assert run("deconvnet", net, x[:1]).meta["notes"] == []


def test_max_pooling_written_as_a_function_counts():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x):
            return F.max_pool2d(F.relu(self.conv(x)), 2).mean((2, 3))

    assert models.wrap(Functional(), input_size=16).max_pools


def dead_end(bias: float) -> Net:
    """Nothing speaks for class 0: its weights are all negative (or zero)."""
    module = small()
    with torch.no_grad():
        module.fc.weight[0] = bias
    return models.wrap(module, input_size=32)


def test_note_relu_removed_everything(x):
    (note,) = run("grad_cam", dead_end(-1.0), x[:1], 0).meta["notes"]
    assert note == "The final ReLU removed everything: no positive evidence for this class at this layer."


def test_note_every_value_is_zero(x):
    (note,) = run("saliency", dead_end(0.0), x[:1], 0).meta["notes"]
    assert note == "Every value is exactly zero: nothing here changes the score."


def certain(bias: float) -> Net:
    module = small()
    with torch.no_grad():
        module.fc.bias[1] += bias
    return models.wrap(module, input_size=32)


@pytest.mark.parametrize("bias", [30.0, -30.0])
def test_note_saturated_softmax(x, bias):
    (note,) = run("saliency", certain(bias), x[:1], of="probability").meta["notes"]
    assert note.startswith("The softmax is saturated (probability ") and "Use the score" in note
    assert not run("saliency", certain(0.0), x[:1], of="probability").meta["notes"]


def test_note_loss_of_a_certain_class(x):
    (note,) = run("saliency", certain(8.0), x[:1], of="loss").meta["notes"]
    assert note.startswith("The loss is already nearly zero (probability 1") or "0.99" in note
    assert not run("saliency", certain(0.0), x[:1], of="loss").meta["notes"]


def test_note_completeness(net, x):
    (note,) = methods.run("integrated_gradients", net, x[:1], 1).meta["notes"]
    assert "miss the difference of the two scores by 0." in note and "more" not in note


# Methods that mask: maps, or parts of the picture.


def test_ablation_behind_average_pooling_is_weight_times_mean(lite0, photo):
    """y - y_k is what map k adds to the score; so the weights sum to the score less its bias, over the score."""
    values = run("ablation_cam", lite0, photo, 290).values
    with torch.no_grad():
        logits, acts = lite0.forward(photo, capture=[lite0.cam_layer])
    maps, linear = acts[lite0.cam_layer][0], [m for m in lite0.network.modules() if isinstance(m, nn.Linear)][-1]
    weights = linear.weight[290] * maps.mean((1, 2)) / logits[0, 290]
    wanted = torch.einsum("k,khw->hw", weights, maps).relu().numpy()
    assert np.abs(values - wanted).max() < 1e-4 * wanted.max()
    assert float(weights.sum()) == pytest.approx(float(1 - linear.bias[290] / logits[0, 290]), rel=1e-3)


def test_ablation_cam_says_when_the_score_is_not_positive(net, x):
    module = small()
    with torch.no_grad():
        module.fc.bias[1] -= 100
    result = run("ablation_cam", models.wrap(module, input_size=32), x[:1])
    assert any("weights change sign" in note for note in result.meta["notes"])
    assert not any("change sign" in note for note in run("ablation_cam", net, x[:1], 4).meta["notes"]) or (
        net(x[:1])[0, 4] <= 0
    )


def test_eigen_cam_is_the_best_rank_one_fit_and_knows_no_class(lite0, photo):
    first, second = (run("eigen_cam", lite0, photo, target) for target in (290, 388))
    assert np.array_equal(first.values, second.values) and first.values.min() >= 0 and not first.signed
    assert run("eigen_cam", lite0, photo, 290, centred=True).signed
    assert any("does not look at the class" in note for note in first.meta["notes"])
    with torch.no_grad():
        _, acts = lite0.forward(photo, capture=[lite0.cam_layer])
    matrix = acts[lite0.cam_layer][0].flatten(1).T.double().numpy()
    # The length of A v is the largest any unit vector v can reach: the spectral norm.
    assert np.linalg.norm(first.values) == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-5)


def test_score_masks_go_from_zero_to_one():
    maps = torch.stack([torch.zeros(3, 4), torch.full((3, 4), 2.5), torch.arange(12.0).view(3, 4) - 5])
    masks = cam.score_masks(maps, (12, 16))
    assert masks.shape == (3, 12, 16)
    assert not masks[:2].any() and masks[2].min() == 0 and masks[2].max() == 1


def test_occlusion_of_a_network_that_adds_pixels():
    """With the mean colour (0) as cover, the drop is what the patch had added to the score."""
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    net = models.wrap(module, input_size=12)
    x = torch.randn(1, 3, 12, 18, generator=torch.Generator().manual_seed(0))
    share = torch.einsum("k,khw->hw", net.network[2].weight[1], x[0]) / (12 * 18)  # of each pixel
    wanted = F.avg_pool2d(share[None], 6, 6)[0] * 36
    values = occlusion.occlusion(net, x, 1, patch=0.5, stride=1.0)[0]
    assert torch.allclose(values, wanted.repeat_interleave(6, 0).repeat_interleave(6, 1), atol=1e-5)


def test_windows_reach_every_pixel_and_stop_at_the_edge():
    for size, side, step in (((10, 13), 4, 2), ((10, 13), 4, 4), ((5, 5), 9, 3), ((7, 6), 3, 1)):
        seen = np.zeros(size, int)
        for place in occlusion.windows(size, side, step):
            assert seen[place].size
            seen[place] += 1
        assert seen.min() >= 1


@pytest.mark.parametrize(("patch", "stride"), [(0, 0.5), (1.5, 0.5), (0.2, 0), (0.2, 2)])
def test_occlusion_refuses_sizes_that_make_no_patch(net, x, patch, stride):
    with pytest.raises(ValueError, match="shares above 0 and up to 1"):
        run("occlusion", net, x[:1], patch=patch, stride=stride)


def test_rise_masks_keep_the_share_that_was_asked_for():
    masks = torch.cat(occlusion.rise_masks(300, 7, 0.3, (40, 56), seed=2))
    assert masks.shape == (300, 40, 56) and masks.min() >= 0 and masks.max() <= 1 + 1e-6
    assert abs(float(masks.mean()) - 0.3) < 0.02 and float(masks.mean(0).std()) < 0.05
    assert torch.equal(masks, torch.cat(occlusion.rise_masks(300, 7, 0.3, (40, 56), seed=2)))
    assert not torch.equal(masks, torch.cat(occlusion.rise_masks(300, 7, 0.3, (40, 56), seed=3)))


@pytest.mark.parametrize(("name", "params"), [("occlusion", {"patch": 0.3}), ("rise", {"samples": 96})])
def test_masks_find_the_object(lite0, name, params):
    """A camera in the grass: covering it costs more than covering the grass."""
    camera = gallery.open_image(gallery.find("cutout", "camera_35mm"))
    meadow = gallery.open_image(gallery.find("background", "grass"))
    picture, mask = composites.composite(camera, meadow, 256, 0.55, (0.5, 0.5))
    x, inside = lite0.preprocess(picture), np.asarray(mask)[16:240, 16:240] > 0
    values = run(name, lite0, x, 759, **params).values  # reflex camera
    assert values[inside].mean() > values[~inside].mean()
