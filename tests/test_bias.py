"""The bias lab: its pictures, its networks, and what a planted bias does to accuracy and maps."""

import copy

import numpy as np
import pytest
import random_networks
import torch
from scipy import optimize, stats  # comes with scikit-learn
from sklearn.linear_model import LogisticRegression

from vizcore import methods, models
from vizcore.evaluation import bias, bias_lab
from vizcore.evaluation.bias_lab import Shot
from vizcore.types import Mean, OtherNetworkError

NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
OF = bias_lab.lab()
FOX = next(at for at, asset in enumerate(OF.assets) if asset.id == "fox")


@pytest.fixture(scope="module", params=NETWORKS)
def net(request) -> models.Net:
    return random_networks.network(request.param)


@pytest.fixture(scope="module")
def squeezenet() -> models.Net:
    return random_networks.network("squeezenet1_1")


@pytest.fixture(scope="module")
def live(squeezenet) -> dict[str, list[bias.Row]]:
    """Sweeps made now: no tie and the strongest, five networks each."""
    kinds = "background", "blur"
    return {kind: bias.sweep(squeezenet, strengths=(0.5, 1.0), kind=kind) for kind in kinds}


# What is asked of the lab: of a sweep made now, and of the kept ones.


def every(live: dict[str, list[bias.Row]], kind: str) -> list[list[bias.Row]]:
    kept = [bias.stored(name, kind) for name in NETWORKS]
    return [live[kind], *(one.rows for one in kept if one)]


def test_without_a_tie_swapped_pictures_are_as_easy_and_with_the_strongest_they_are_not(live):
    for rows in every(live, "background"):
        first, last = rows[0], rows[-1]
        assert (first.strength, last.strength) == (0.5, 1.0)
        assert first.matched.low <= first.swapped.mean <= first.matched.high
        assert last.matched.mean - last.swapped.mean >= 0.4
        assert last.worst_group.mean <= min(last.swapped.mean, last.matched.mean)


@pytest.mark.parametrize("method", ["grad_cam", "guided_grad_cam"])
def test_the_tied_background_draws_the_maps(live, method):
    for rows in every(live, "background"):
        assert bias.difference(rows, method).low > 0.02
        assert rows[-1].shares[method].mean > bias.band(rows[0].networks[method])[1]
        assert bias.threshold(rows, method) <= 1.0


@pytest.mark.parametrize("method", bias.METHODS)
def test_the_tied_blur_leaves_the_maps_in_their_band(live, method):
    rows = live["blur"]
    low, high = bias.band(rows[0].networks[method])
    assert low < rows[-1].shares[method].mean < high
    assert bias.threshold(rows, method) is None
    assert rows[-1].matched.mean - rows[-1].swapped.mean > 0.3


def test_the_kept_sweep_is_what_a_sweep_gives(live):
    for kind, rows in live.items():
        kept = bias.stored("squeezenet1_1", kind).rows
        assert [row.strength for row in kept] == list(bias_lab.STRENGTHS)
        for now, then in zip(rows, (kept[0], kept[-1]), strict=True):
            for name in ("matched", "swapped", "worst_group"):
                assert getattr(now, name).mean == pytest.approx(getattr(then, name).mean, abs=0.02)
            for method in bias.METHODS:
                np.testing.assert_allclose(now.networks[method], then.networks[method], atol=0.01)
                assert now.shares[method].mean == pytest.approx(np.mean(now.networks[method]))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("kind", bias_lab.KINDS)
def test_false_alarms_are_few(name, kind):
    kept = bias.stored(name, kind)
    for method in bias.METHODS:
        _, high = kept.band(method)
        assert len(kept.without[method]) == len(kept.further[method]) == 20
        assert kept.alarms(method) == sum(share > high for share in kept.further[method])
        assert kept.alarms(method) <= 6  # long tails: half a network is what a bell curve would give


def test_the_blur_never_rises_above_the_band_and_the_background_does():
    for name in NETWORKS:
        for method in bias.METHODS:
            assert bias.stored(name, "blur").threshold(method) is None
        assert bias.stored(name, "background").threshold("grad_cam") <= 0.95


# Maps.


def test_maps_of_the_fast_way_are_those_of_the_methods(net):
    features = bias_lab.stored(net.name)
    head = bias_lab.train(OF, features, "background", 1.0, 0)
    several = [Shot(FOX, 0), Shot(FOX, 1), Shot(0, 1, 1)]
    maps = bias.Probes(net, OF, several).maps(head)
    lab = bias_lab.network(net, head)
    x, _ = bias_lab.inputs(net, OF, several)
    layer = bias_lab.map_layer(net)
    for n, shot in enumerate(several):
        for method in bias.METHODS:
            target = int(OF.labels[shot.cutout])
            at = None if method == "saliency" else layer
            wanted = methods.run(method, lab, x[n : n + 1], target, layer=at).values
            scale = np.abs(wanted).max()
            assert scale > 0
            np.testing.assert_allclose(maps[method][n].numpy() / scale, wanted / scale, atol=1e-4)


def test_share_on_the_background_by_hand():
    animal = np.array([[True, False], [False, False]])
    assert bias.background_share(np.array([[3.0, -1.0], [0.0, 0.0]]), animal) == pytest.approx(0.25)
    colours = np.array([[[1.0, 0], [0, 1]], [[-1.0, 0], [0, 1]]])
    assert bias.background_share(colours, animal) == pytest.approx(0.5)
    assert bias.background_share(np.ones((1, 1)), animal) == pytest.approx(0.75)  # enlarged
    assert np.isnan(bias.background_share(np.zeros((2, 2)), animal))


# Statistics.


def test_band_is_students_prediction_interval():
    values = np.array([0.2, 0.4, 0.25, 0.3, 0.35])
    low, high = bias.band(values)
    half = stats.t.ppf(0.975, 4) * values.std(ddof=1) * np.sqrt(1.2)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), rel=1e-3)
    np.testing.assert_allclose(bias._T, stats.t.ppf(0.975, np.arange(1, 31)), atol=6e-4)
    with pytest.raises(ValueError, match="at least two"):
        bias.band([0.5])


@pytest.mark.parametrize(("share", "count"), [(0.0, 35), (1.0, 35), (0.4, 20), (0.9, 200)])
def test_wilsons_interval_solves_its_equation(share, count):
    found = bias.wilson(share, count)

    def gap(p: float) -> float:  # Wilson: the p at which the share found is z standard errors away
        return (share - p) ** 2 - 1.959964**2 * p * (1 - p) / count

    if share > 0:
        assert found.low == pytest.approx(optimize.brentq(gap, 1e-9, share - 1e-9), abs=1e-6)
    if share < 1:
        assert found.high == pytest.approx(optimize.brentq(gap, share + 1e-9, 1 - 1e-9), abs=1e-6)
    assert 0 <= found.low <= share <= found.high <= 1


def row(strength: float, share: float) -> bias.Row:
    known, spread = Mean(1, 1, 1), (-0.01, 0, 0.01)
    means = {method: Mean(share, share, share) for method in bias.METHODS}
    networks = {method: tuple(share + step for step in spread) for method in bias.METHODS}
    return bias.Row(strength, known, known, known, means, networks)


def test_threshold_is_where_the_share_stays_outside():
    def found(*shares: float) -> float | None:
        rows = [row(strength, share) for strength, share in zip((0.5, 0.7, 0.9, 1.0), shares, strict=True)]
        return bias.threshold(rows, "grad_cam")

    assert found(0.5, 0.5, 0.5, 0.5) is None
    assert found(0.5, 0.5, 0.5, 0.9) == 1.0
    assert found(0.5, 0.7, 0.8, 0.9) == 0.7
    assert found(0.5, 0.9, 0.5, 0.9) == 1.0  # back in the band: not yet for good
    assert found(0.5, 0.3, 0.2, 0.1) is None  # below is no sign of the background


def test_accuracy_pools_networks_and_finds_the_worst_group():
    features = bias_lab.stored("squeezenet1_1")
    seeds = (0, 1)
    heads = [bias_lab.train(OF, features, "background", 0.9, seed) for seed in seeds]
    found = bias.accuracy(OF, features, heads, "background", seeds)
    answers: dict = {}
    for head, seed in zip(heads, seeds, strict=True):
        for cutout in bias_lab.split(OF, seed).test:
            label = OF.labels[cutout]
            for ground in (0, 1):
                score = float(features[cutout, ground, 0].astype(np.float64) @ head.weights + head.bias)
                answers.setdefault((label, ground), []).append((score > 0) == label)
    means = {group: float(np.mean(values)) for group, values in answers.items()}
    assert found.matched.mean == pytest.approx(np.mean(answers[0, 0] + answers[1, 1]))
    assert found.swapped.mean == pytest.approx(np.mean(answers[0, 1] + answers[1, 0]))
    assert found.worst_group.mean == pytest.approx(min(means.values()))


# The networks.


@pytest.mark.parametrize("penalty", [1.0, 0.1])
def test_the_head_is_logistic_regression(penalty):
    dice = np.random.default_rng(0)
    labels = np.repeat([0, 1], [40, 25])
    features = dice.normal(size=(65, 12)) * dice.uniform(0.1, 5, 12) + 0.4 * labels[:, None]
    head = bias_lab.fit(features, labels, penalty)
    mean, std = features.mean(0), features.std(0)
    peer = LogisticRegression(C=1 / penalty, class_weight="balanced", tol=1e-10, max_iter=10_000)
    peer.fit((features - mean) / std, labels)
    np.testing.assert_allclose(head.weights * std, peer.coef_[0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(head(features), peer.decision_function((features - mean) / std), atol=1e-5)
    with pytest.raises(ValueError, match="Both classes"):
        bias_lab.fit(features, np.zeros(65, int))


def test_a_feature_that_never_changes_has_no_weight():
    dice, labels = np.random.default_rng(1), np.repeat([0, 1], 10)
    features = np.column_stack([dice.normal(size=20) + labels, np.full(20, 3.0)])
    head = bias_lab.fit(features, labels)
    assert np.isfinite(head.weights).all() and abs(head.weights[1]) < 1e-9


def test_the_lab_network_shares_the_trunk_and_leaves_it_as_it_was(net):
    before = copy.deepcopy(dict(net.network.state_dict()))
    hooks = {name: len(module._forward_hooks) for name, module in net.network.named_modules()}
    features = bias_lab.stored(net.name)
    head = bias_lab.train(OF, features, "tag", 1.0, 3)
    lab = bias_lab.network(net, head)
    bias.Probes(net, OF, [Shot(FOX, 0)]).shares(head)
    assert lab.categories == ("mammal", "bird") and lab.name != net.name
    own = dict(net.network.named_parameters())
    shared = [name for name, parameter in lab.network.named_parameters() if parameter is own.get(name)]
    assert len(shared) == len(own) - 2  # all but the weights and the bias of the last layer
    assert hooks == {name: len(module._forward_hooks) for name, module in net.network.named_modules()}
    assert all(torch.equal(before[name], now) for name, now in net.network.state_dict().items())
    assert all(p.grad is None and not p.requires_grad for p in net.network.parameters())
    assert not net.network.training and len(net(net.blank())[0]) == len(net.categories)
    several = [Shot(FOX, 0), Shot(FOX, 1, 2)]
    x, _ = bias_lab.inputs(net, OF, several)
    logits = lab(x).numpy()
    scores = head(bias_lab.features_of(net, x))
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], scores, rtol=1e-4, atol=1e-3)
    assert np.abs(logits.sum(1)).max() < 1e-3 * np.abs(logits).max() + 1e-4


def test_the_same_seed_gives_the_same_network():
    features = bias_lab.stored("squeezenet1_1")
    one, two, other = (bias_lab.train(OF, features, "background", 0.9, seed) for seed in (4, 4, 5))
    assert np.array_equal(one.weights, two.weights) and one.bias == two.bias
    assert not np.allclose(one.weights, other.weights)


def test_kept_features_are_those_of_the_network(net):
    kept = bias_lab.stored(net.name)
    several = [Shot(FOX, ground, look) for ground in (0, 1) for look in (0, 1, 2)]
    x, _ = bias_lab.inputs(net, OF, several)
    now = bias_lab.features_of(net, x)
    np.testing.assert_allclose(bias_lab.rows(kept, several), now, rtol=0.01, atol=2e-3 * np.abs(now).max())


def test_repair_needs_a_few_balanced_pictures():
    features = bias_lab.stored("squeezenet1_1")
    head = bias_lab.train(OF, features, "background", 1.0, 0)
    fixed = bias.repair(OF, features, "background", 0, 16)
    before, after = (bias.accuracy(OF, features, [one], "background", [0]) for one in (head, fixed))
    assert after.swapped.mean > before.swapped.mean + 0.5
    assert after.worst_group.mean > before.worst_group.mean + 0.3
    for animals in (0, 99):
        with pytest.raises(ValueError, match="animals of each class"):
            bias.repair(OF, features, "background", 0, animals)


# The pictures, and who is trained on which.


def test_only_the_trait_differs():
    side = 224
    snow, mask = bias_lab.picture(OF, Shot(FOX, 0), side)
    grass, same = bias_lab.picture(OF, Shot(FOX, 1), side)
    tagged, less = bias_lab.picture(OF, Shot(FOX, 0, 1), side)
    soft, _ = bias_lab.picture(OF, Shot(FOX, 0, 2), side)
    plain, other, tag, blurred = (np.asarray(one).astype(int) for one in (snow, grass, tagged, soft))
    assert np.array_equal(mask, same) and 0.05 < mask.mean() < 0.3
    inside = mask & (np.abs(plain - other).max(2) == 0)
    assert inside.sum() > 0.8 * mask.sum()  # opaque pixels of the animal; its edge mixes with what is behind
    left, top, right, bottom = bias_lab.tag_box(side)
    changed = np.abs(plain - tag).max(2) > 0
    assert not changed[:top].any() and not changed[:, :left].any() and changed[top : bottom + 1, left : right + 1].all()
    assert not less[top : bottom + 1, left : right + 1].any()
    moved = np.abs(plain - blurred).max(2) > 2
    assert moved[mask].mean() > 0.5
    rows, columns = np.nonzero(mask)
    far = np.ones_like(mask)
    far[max(rows.min() - 15, 0) : rows.max() + 16, max(columns.min() - 15, 0) : columns.max() + 16] = False
    assert far.any() and not moved[far].any()


@pytest.mark.parametrize("seed", range(3))
def test_nobody_is_trained_and_tested_and_the_probes_are_neither(seed):
    train, test = bias_lab.split(OF, seed)
    probes = set(np.flatnonzero(OF.probes))
    assert len(probes) == 8 and not set(train) & set(test) and not probes & {*train, *test}
    assert len(train) + len(test) + 8 == len(OF.assets) == 96
    for label in (0, 1):
        share = (OF.labels[train] == label).sum() / ((OF.labels == label) & ~OF.probes).sum()
        assert share == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize("strength", bias_lab.STRENGTHS)
def test_the_strength_is_the_share_with_the_classs_own_trait(strength):
    labels = OF.labels[bias_lab.split(OF, 0).train]
    traits = bias_lab.traits(labels, strength)
    for label in (0, 1):
        own = traits[labels == label] == label
        assert own.sum() == round(strength * len(own))
    stronger = bias_lab.traits(labels, 1.0)
    assert (stronger == labels).all() and ((traits == labels) <= (stronger == labels)).all()


def test_what_cannot_be_done_is_said(squeezenet):
    with pytest.raises(ValueError, match="no pair called 'cats'"):
        bias.sweep(squeezenet, pair="cats")
    with pytest.raises(ValueError, match="no bias called 'colour'"):
        bias.sweep(squeezenet, kind="colour", strengths=(0.5,), seeds=1)
    with pytest.raises(ValueError, match=r"from 0\.5 to 1"):
        bias.sweep(squeezenet, strengths=(0.4,))
    with pytest.raises(ValueError, match="at least one"):
        bias.sweep(squeezenet, seeds=0)
    with pytest.raises(OtherNetworkError, match="grey"):
        bias_lab.map_layer(models.load("digits_cnn"))
    flat = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 2))
    with pytest.raises(OtherNetworkError, match="no feature maps"):
        bias_lab.map_layer(models.wrap(flat, input_size=8))


def test_any_network_of_maps_will_do():
    """Two classes of its own, small pictures: features are computed, a sweep runs and can be given up."""
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(3, 6, 3, 2), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    own = models.wrap(torch.nn.Sequential(*layers, torch.nn.Linear(6, 2)), name="own", input_size=32)
    features = bias_lab.features(own)
    assert features.shape == (96, 2, 3, 6) and features.dtype == np.float32
    told: list[float] = []
    rows = bias.sweep(own, strengths=(0.5, 1.0), seeds=2, features=features, progress=told.append)
    assert [row.strength for row in rows] == [0.5, 1.0] and told == [0.25, 0.5, 0.75, 1.0]

    class Enough(Exception):
        pass

    def stop(share: float) -> None:
        raise Enough

    with pytest.raises(Enough):
        bias.sweep(own, strengths=(0.5,), seeds=1, features=features, progress=stop)
    with pytest.raises(Enough):
        bias_lab.features(own, progress=stop)
