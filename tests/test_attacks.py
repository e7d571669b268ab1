"""Attacks: inside their box, deterministic, as strong as they should be, and a network that nothing has touched."""

import math
import threading

import numpy as np
import pytest
import random_networks
import torch
import torch.nn.functional as F
from torch import nn

from vizcore import methods, models
from vizcore.evaluation import attacks, compare, robustness
from vizcore.images import gallery

SEVERAL = ("efficientnet_lite0", "squeezenet1_1", "resnet18", "mobilenet_v2")
LEVEL = 1 / 255


def pixels(net, x):
    mean, std = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in (net.mean, net.std))
    return x.double() * std + mean


def picture(net, name="koala"):
    return net.preprocess(gallery.open_image(gallery.find("gallery", name)))


def loss(net, x, target):
    with torch.no_grad():
        return float(F.cross_entropy(net(x), torch.tensor([target])))


def state(net):
    tensors = [*net.network.parameters(), *net.network.buffers()]
    hooks = [len(module._forward_hooks) for module in net.network.modules()]
    flags = [module.training for module in net.network.modules()]
    return [(t.data_ptr(), float(t.double().sum()), t.requires_grad, t.grad) for t in tensors], hooks, flags


def small(bias: float = 0.0, ceiling: bool = False, channels: int = 3) -> models.Net:
    """A network of two classes on 8 x 8 pixels, with seeded weights."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        middle = nn.ReLU6() if ceiling else nn.ReLU()
        module = nn.Sequential(
            nn.Conv2d(channels, 6, 3, padding=1), middle, nn.Conv2d(6, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)
        )
    return models.wrap(module, "small", 8, [0.5] * channels, [0.25] * channels, ["no", "yes"])


# In the box.


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("targeted", [False, True])
def test_inside_epsilon_and_the_range_of_pixels_deterministic_and_the_network_untouched(name, targeted):
    net = random_networks.network(name)
    x = picture(net)
    target = int(net(x).argmax()) if not targeted else 3
    before, given = state(net), x.clone()
    for attack in (attacks.fgsm, attacks.pgd):
        options = {"steps": 3} if attack is attacks.pgd else {}
        found, again = (attack(net, x, target, 4 * LEVEL, targeted=targeted, **options) for _ in range(2))
        assert torch.equal(found, again) and found.shape == x.shape and not found.requires_grad
        change = pixels(net, found) - pixels(net, x)
        assert change.abs().max() <= 4 * LEVEL + 1e-6
        assert pixels(net, found).min() >= -1e-6 and pixels(net, found).max() <= 1 + 1e-6
        if name in random_networks.EMBEDDED:  # one with random weights may bend too sharply for one long step
            assert (loss(net, found, target) > loss(net, x, target)) != targeted
    assert state(net) == before and torch.equal(x, given)


def test_fgsm_is_the_sign_of_the_gradient_in_pixels():
    net = small()
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 4 - 2  # from black to white
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(net(leaf), torch.tensor([0, 1]), reduction="sum"), leaf)
    wanted = (pixels(net, x) + 0.05 * gradient.sign()).clamp(0, 1)
    found = attacks.fgsm(net, x, torch.tensor([0, 1]), 0.05)
    assert (pixels(net, found) - wanted).abs().max() < 1e-6
    towards = attacks.fgsm(net, x, torch.tensor([0, 1]), 0.05, targeted=True)
    assert (pixels(net, towards) - (pixels(net, x) - 0.05 * gradient.sign()).clamp(0, 1)).abs().max() < 1e-6


def test_pgd_step_by_step():
    """The same ascent, written out for one picture in pixel values."""
    net = small()
    x = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 4 - 2
    lots = torch.rand(x.shape, generator=torch.Generator().manual_seed(5))
    clean = pixels(net, x).float()
    now = (clean + (2 * lots - 1) * 0.1).clamp(0, 1)
    seen = []
    for step in range(5):
        leaf = now.clone().requires_grad_()
        value = F.cross_entropy(net((leaf - 0.5) / 0.25), torch.tensor([1]))
        (gradient,) = torch.autograd.grad(value, leaf)
        seen.append((float(value.detach()), now))
        if step < 4:
            now = torch.minimum(torch.maximum(now + 0.03 * gradient.sign(), clean - 0.1), clean + 0.1).clamp(0, 1)
    found = attacks.pgd(net, x, 1, 0.1, steps=4, step_size=0.03, seed=5)
    assert (pixels(net, found).float() - max(seen, key=lambda pair: pair[0])[1]).abs().max() < 1e-5


def test_the_seed_is_the_start_and_nothing_global_is_touched():
    net = small()
    x = torch.zeros(1, 3, 8, 8)
    before = torch.random.get_rng_state()
    one, other = (attacks.pgd(net, x, 0, 0.1, steps=1, step_size=1e-9, seed=seed) for seed in (0, 1))
    assert not torch.equal(one, other) and torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(attacks.noise(net, x, 0.1, 4), attacks.noise(net, x, 0.1, 4))


def test_a_batch_is_each_picture_alone():
    net = small()
    x = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(2)) * 2 - 1
    together = attacks.fgsm(net, x, torch.tensor([0, 1, 0]), 0.02)
    alone = torch.cat([attacks.fgsm(net, x[n : n + 1], t, 0.02) for n, t in enumerate((0, 1, 0))])
    assert (together - alone).abs().max() < 1e-5


@pytest.mark.parametrize("attack", [attacks.fgsm, attacks.pgd, attacks.move_explanation])
def test_epsilon_zero_changes_nothing_and_one_out_of_range_is_a_sentence(attack):
    net = small()
    x = torch.rand(1, 3, 8, 8) * 2 - 1
    found = attack(net, x, 0, 0)
    assert torch.equal(found.x if isinstance(found, attacks.Moved) else found, x)
    for epsilon in (-0.1, 1.5, math.nan, math.inf):
        with pytest.raises(ValueError, match="Epsilon is a share"):
            attack(net, x, 0, epsilon)
    with pytest.raises(ValueError, match="has classes 0 to 1"):
        attack(net, x, 2, 0.1)


def test_other_bad_input_is_a_sentence():
    net, x = small(), torch.zeros(1, 3, 8, 8)
    for wrong in ({"steps": 0}, {"step_size": 0.0}, {"step_size": -1.0}):
        with pytest.raises(ValueError, match="at least one step"):
            attacks.pgd(net, x, 0, 0.1, **wrong)
    with pytest.raises(ValueError, match="No attack on 'rise'"):
        attacks.move_explanation(net, x, 0, 0.1, "rise")
    line = models.wrap(nn.Sequential(nn.Flatten(), nn.Linear(192, 2)), "line", 8, [0.5] * 3, [0.25] * 3)
    with pytest.raises(ValueError, match="the same for every picture"):
        attacks.move_explanation(line, x, 0, 0.1, "saliency")
    with pytest.raises(ValueError, match="no convolutional map"):
        attacks.move_explanation(line, x, 0, 0.1, "grad_cam")


def test_a_picture_of_one_colour():
    net = small()
    black = torch.full((1, 3, 8, 8), -2.0)
    for attack in (attacks.fgsm, attacks.pgd):
        found = pixels(net, attack(net, black, 0, 0.1))
        assert found.min() >= -1e-6 and found.max() <= 0.1 + 1e-6
    moved = attacks.move_explanation(net, black, 0, 0.1, steps=3)
    assert pixels(net, moved.x).min() >= -1e-6


def test_a_grey_network():
    net = small(channels=1)
    x = torch.zeros(1, 1, 8, 8)
    assert attacks.pgd(net, x, 0, 0.1).shape == (1, 1, 8, 8)


# As strong as they should be.


@pytest.mark.slow
def test_pgd_is_at_least_as_strong_as_fgsm_on_nearly_all_of_the_gallery():
    net = models.load("squeezenet1_1")
    x = torch.cat([net.preprocess(case.open()) for case in robustness.cases(net)])
    stronger = []
    for part in x.split(4):
        with torch.no_grad():
            said = net(part).argmax(1)
        one, many = attacks.fgsm(net, part, said, LEVEL), attacks.pgd(net, part, said, LEVEL, steps=5)
        with torch.no_grad():
            losses = [F.cross_entropy(net(each), said, reduction="none") for each in (one, many)]
        stronger += (losses[1] >= losses[0]).tolist()
    assert len(stronger) == len(x) and np.mean(stronger) >= 0.95


def test_the_path_answers_for_every_bound():
    net = models.load("mini_vgg")
    x = picture(net, "jaguar")
    said = int(net(x).argmax())
    bounds = [level * LEVEL for level in (8, 0, 1, 2)]
    shares: list[float] = []
    path = attacks.pgd_path(net, x, said, bounds, progress=shares.append)
    assert path.epsilons == tuple(sorted(bounds)) and shares == sorted(shares) and shares[-1] == 1
    assert torch.equal(path.points[:1], x)
    for bound, point in zip(path.epsilons, path.points, strict=True):
        assert (pixels(net, point) - pixels(net, x)).abs().max() <= bound + 1e-6
    losses = [loss(net, point[None], said) for point in path.points]
    assert losses == sorted(losses) and losses[-1] > losses[0]
    with torch.no_grad():
        assert (net(path.points) - path.logits).abs().max() < 1e-3
        assert (net(attacks.rounded(net, path.points)) - path.rounded).abs().max() < 1e-3
    quick = attacks.fgsm_path(net, x, said, bounds)
    for bound, point in zip(quick.epsilons, quick.points, strict=True):
        assert torch.equal(point[None], attacks.fgsm(net, x, said, bound))


def test_a_path_can_be_given_up():
    class Stop(Exception):
        pass

    def stop(share: float) -> None:
        raise Stop

    net = small()
    with pytest.raises(Stop):
        attacks.pgd_path(net, torch.zeros(1, 3, 8, 8), 0, [0.1, 0.2], progress=stop)
    with pytest.raises(Stop):
        attacks.move_explanation(net, torch.zeros(1, 3, 8, 8) + 0.1, 0, 0.1, progress=stop)


def test_rounding_is_what_a_file_keeps():
    net = models.load("mini_vgg")
    x = picture(net)
    assert (attacks.rounded(net, x) - x).abs().max() < 1e-5  # it came from a file
    found = pixels(net, attacks.rounded(net, attacks.noise(net, x, 0.4 * LEVEL))) * 255
    assert (found - found.round()).abs().max() < 1e-3


# The explanation.


@pytest.mark.parametrize("ceiling", [False, True])
def test_a_smooth_relu_has_a_second_derivative_and_is_one_in_the_limit(ceiling):
    f = torch.linspace(-3, 9, 50, dtype=torch.float64, requires_grad=True)
    plain = F.relu6(f) if ceiling else F.relu(f)
    with attacks.smooth_relu(1e4):
        sharp = F.relu6(f) if ceiling else F.relu(f)
    assert (plain - sharp).abs().max() < 1e-2
    with attacks.smooth_relu(2.0):
        soft = (F.relu6(f) if ceiling else F.relu(f)).sum()
    (first,) = torch.autograd.grad(soft, f, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), f)
    b = 2.0 / float(f.detach().std())
    bend = lambda z: b * torch.sigmoid(b * z) * torch.sigmoid(-b * z)  # noqa: E731
    wanted = bend(f.detach()) - (bend(f.detach() - 6) if ceiling else 0)
    assert (second - wanted).abs().max() < 1e-9
    kept = f.detach().clone()
    with attacks.smooth_relu(2.0):
        assert torch.relu_(kept) is kept


@pytest.mark.parametrize("method", attacks.EXPLANATIONS)
def test_the_map_moves_the_prediction_stays_and_the_network_is_untouched(method):
    net = models.load("mini_vgg")
    x, before = picture(net, "jaguar"), state(net)
    said = int(net(x).argmax())
    found = attacks.move_explanation(net, x, said, 2 * LEVEL, method, steps=8)
    assert (pixels(net, found.x) - pixels(net, x)).abs().max() <= 2 * LEVEL + 1e-6
    assert pixels(net, found.x).min() >= -1e-6 and pixels(net, found.x).max() <= 1 + 1e-6
    assert int(net(found.x).argmax()) == said and state(net) == before
    noisy = attacks.noise(net, x, 2 * LEVEL)
    maps = [methods.run(method, net, each, said).values for each in (x, found.x, noisy)]
    attacked, chance = (compare.likeness(maps[0], other, net.input_size) for other in maps[1:])
    assert attacked < chance - 0.1
    own = np.abs(maps[1]).sum(0) if maps[1].ndim == 3 else maps[1]
    np.testing.assert_allclose(found.after.numpy(), own, rtol=1e-3, atol=1e-4 * own.max())
    again = attacks.move_explanation(net, x, said, 2 * LEVEL, method, steps=8)
    assert torch.equal(found.x, again.x) and found.trace == again.trace


def test_the_aim_is_approached():
    net = models.load("mini_vgg")
    x = picture(net, "koala")
    said = int(net(x).argmax())
    side = net.layer(net.cam_layer).out_shape[-1]
    aim = torch.zeros(side, side)
    aim[:, : side // 3] = 1
    found = attacks.move_explanation(net, x, said, 4 * LEVEL, "grad_cam", aim, steps=8)
    left = [float(values[:, : side // 3].sum() / values.sum()) for values in (found.before, found.after)]
    assert left[1] > left[0] + 0.05 and min(share for share, kept in found.trace if kept) < 1


def test_attacks_run_side_by_side():
    """Eight threads on one network, smooth and plain: each finds what it finds alone."""
    net = small(ceiling=True)
    inputs = [torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(n)) * 2 - 1 for n in range(8)]

    def work(n: int) -> torch.Tensor:
        if n % 2:
            return attacks.move_explanation(net, inputs[n], 0, 0.1, steps=4).x
        return attacks.pgd(net, inputs[n], 0, 0.1)

    alone, found = [work(n) for n in range(8)], {}
    threads = [threading.Thread(target=lambda n=n: found.update({n: work(n)})) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(alone[n], found[n]) for n in range(8))
