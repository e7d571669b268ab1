"""One shared network, many threads: the same bits as one after another, and a network that nothing has touched."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import random_networks
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vizcore import methods, models
from vizcore.methods import gradients, relu_rules
from vizcore.models import Net, capture

THREADS, ROUNDS = 16, 20
PARAMS = {
    "smooth_grad": {"samples": 2},
    "integrated_gradients": {"steps": 2, "tolerance": 0.0},
    "occlusion": {"patch": 0.5, "stride": 1.0},
    "rise": {"samples": 10},
}


@pytest.fixture(scope="module", autouse=True)
def one_torch_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Residual(nn.Module):
    """Like torchvision's block: one in-place ReLU at two places, a residual added in place."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out = self.norm(self.conv2(self.relu(self.conv1(x))))
        out += x
        return self.relu(out)


class Small(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 8, 3, stride=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            Residual(8),
            Residual(8),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(8, 6),
        )


@pytest.fixture(scope="module")
def small() -> Net:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return models.wrap(Small().train(), input_size=48)


Job = tuple[str, str | None, int, int]  # method, layer, class, image


def jobs(layers: list[str], classes: tuple[int, ...]) -> list[Job]:
    """Every method, at every layer where it takes one, for several classes and two images.

    Methods that run the network once for every map are asked for the first layer only.
    """
    work = []
    for name, method in methods.METHODS.items():
        takes_layer = any(p.name == "layer" for p in method.params)
        for layer in (layers[:1] if method.slow else layers) if takes_layer else [None]:
            work += [(name, layer, target, image) for target in classes for image in (0, 1)]
    return work


def work_on(net: Net, x: Tensor, job: Job) -> np.ndarray:
    name, layer, target, image = job
    return methods.run(name, net, x[image : image + 1], target, layer=layer, **PARAMS.get(name, {})).values


def state(module: nn.Module) -> list:
    """All that a careless method changes."""
    found = []
    for name, child in module.named_modules():
        hooks = [len(getattr(child, kind)) for kind in vars(child) if kind.endswith("_hooks")]
        found.append((name, type(child), child.training, hooks, "forward" in vars(child)))
    for name, value in itertools.chain(module.named_parameters(), module.named_buffers()):
        found.append((name, value.data_ptr(), value._version, value.requires_grad, value.grad is None))
    return found


def values_of(module: nn.Module) -> list[Tensor]:
    return [value.clone() for value in module.state_dict().values()]


def run_threads(net: Net, x: Tensor, work: list[Job], expected: dict, threads: int, rounds: int) -> None:
    """Every thread does `rounds` jobs, each in an order of its own, all starting together."""
    start = threading.Barrier(threads)

    def visitor(number: int) -> list[Job]:
        order = np.random.default_rng(number).permutation(len(work))[:rounds]
        start.wait()
        return [work[i] for i in order if not np.array_equal(work_on(net, x, work[i]), expected[work[i]])]

    with ThreadPoolExecutor(threads) as pool:
        wrong = [job for jobs in pool.map(visitor, range(threads)) for job in jobs]
    assert not wrong


def check(net: Net, x: Tensor, work: list[Job], threads: int, rounds: int) -> None:
    before, tensors = state(net.network), values_of(net.network)
    generator, grad_mode = torch.get_rng_state(), torch.is_grad_enabled()
    expected = {job: work_on(net, x, job) for job in work}
    run_threads(net, x, work, expected, threads, rounds)
    assert state(net.network) == before
    assert all(torch.equal(a, b) for a, b in zip(values_of(net.network), tensors, strict=True))
    assert torch.equal(torch.get_rng_state(), generator) and torch.is_grad_enabled() == grad_mode


def test_sixteen_threads_are_bit_identical_to_one(small):
    x = torch.randn(2, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    work = jobs(["1", "3", "3.conv2", "4.relu", "4"], (0, 5))
    check(small, x, work, THREADS, max(ROUNDS, 40))


LAYERS = {"efficientnet_lite0": ["stage3", "head.relu"], "squeezenet1_1": ["fire3.squeeze_relu", "fire9"]}


@pytest.mark.parametrize("name", random_networks.EMBEDDED)
def test_sixteen_threads_on_a_real_network(name):
    """Twenty rounds, at a size that keeps the test short."""
    x = random_networks.photographs(96, 128)
    check(random_networks.network(name), x, jobs(LAYERS[name], (290,)), THREADS, ROUNDS)


@pytest.mark.parametrize("name", random_networks.EMBEDDED)
def test_a_real_network_at_its_own_size(name):
    net, x = random_networks.network(name), random_networks.photographs(224, 224)
    work = [
        (name, None, 388, image)
        for name in ("saliency", "guided_backprop", "deconvnet", "grad_cam", "cam")
        for image in (0, 1)
    ]
    check(net, x, work, 4, 8)


def test_a_first_call_from_sixteen_threads(monkeypatch):
    """What is worked out once per network (how many ReLUs it calls) is right whoever asks first."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = models.wrap(Small(), input_size=48)
    start = threading.Barrier(THREADS)

    def count(_) -> tuple[int, bool]:
        start.wait()
        return net.relus, net.max_pools

    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(count, range(THREADS))) == {(5, True)}


def test_two_visitors_with_different_relu_rules_at_the_same_moment(small):
    """Both are held inside their forward pass, between two ReLUs, until the other is there too."""
    x = torch.randn(1, 3, 48, 48, generator=torch.Generator().manual_seed(2))
    expected = {rule: relu_rules.backpropagate(small, x, 1, rule)[0] for rule in ("deconvnet", "guided")}
    expected[None] = gradients.input_gradient(small, x, 1)
    meet = threading.Barrier(3, timeout=30)

    def pause(name: str, output: Tensor) -> None:
        if name in ("2", "3", "4"):
            meet.wait()

    def visitor(rule: str | None) -> Tensor:
        with capture.observing(pause):
            if rule is None:
                return gradients.input_gradient(small, x, 1)
            return relu_rules.backpropagate(small, x, 1, rule)[0]

    with ThreadPoolExecutor(3) as pool:
        found = dict(zip(expected, pool.map(visitor, expected), strict=True))
    assert all(torch.equal(found[rule], expected[rule]) for rule in expected)
    assert not torch.equal(expected["deconvnet"], expected["guided"])


def test_two_visitors_capture_different_layers_at_the_same_moment(small):
    x = torch.randn(2, 1, 3, 48, 48, generator=torch.Generator().manual_seed(3))
    meet = threading.Barrier(2, timeout=30)

    def visitor(number: int) -> dict[str, Tensor]:
        layers = [["0", "3"], ["2", "4"]][number]
        meet.wait()
        for _ in range(20):
            with torch.no_grad():
                _, acts = small.forward(x[number], capture=layers)
        assert set(acts) == set(layers)
        return acts

    with ThreadPoolExecutor(2) as pool:
        for number, acts in enumerate(pool.map(visitor, range(2))):
            with torch.no_grad():
                _, alone = small.forward(x[number], capture=acts)
            assert all(torch.equal(acts[layer], alone[layer]) for layer in acts)


def test_an_exception_leaves_nothing_behind(small):
    """A visitor's error inside the rule, inside a capture and inside the network: others and later calls go on."""
    x = torch.randn(1, 3, 48, 48, generator=torch.Generator().manual_seed(4))
    wanted = {name: methods.run(name, small, x, 1).values for name in ("saliency", "guided_backprop", "grad_cam")}
    before = state(small.network)

    class Broken(Exception):
        pass

    def fail(name: str, output: Tensor) -> None:
        if name == "3":
            raise Broken

    def visitor(number: int) -> None:
        for _ in range(10):
            with pytest.raises(Broken), capture.observing(fail), relu_rules.relu_rule("guided"):
                small(x)
            with pytest.raises(Broken), capture.observing(fail):
                gradients.saliency(small, x, 1)
            with pytest.raises(ValueError, match="has no layer"):
                methods.run("grad_cam", small, x, 1, layer="nowhere")
            with pytest.raises(RuntimeError):
                small(torch.zeros(1, 3, 1, 1))
            for name, values in wanted.items():
                assert np.array_equal(methods.run(name, small, x, 1).values, values)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(visitor, range(4)))
    assert state(small.network) == before
    y = torch.randn(3).requires_grad_()
    assert torch.equal(torch.autograd.grad(F.relu(y).sum(), y)[0], (y > 0).float())
