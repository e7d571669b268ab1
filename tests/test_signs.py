"""What of a gradient increases the score and what decreases it: counted by hand, and against slow ways."""

import numpy as np
import pytest
import random_networks
import torch
from torch import nn

from vizcore import models
from vizcore.images.collection import open_collection
from vizcore.inspection import signs
from vizcore.methods import gradients, relu_rules


def test_counted_by_hand():
    gradient = np.array([[[3, -1], [0, 0]], [[1, -2], [0, -1]]], np.float32)
    assert signs.signs(gradient) == pytest.approx((2 / 8, 3 / 8, 4 / 8, 4 / 8))
    assert signs.signs(np.zeros((3, 2, 2))) == (0, 0, 0, 0)
    up, down = signs.parts(gradient)
    assert up.tolist() == [[4, 0], [0, 0]] and down.tolist() == [[0, 3], [0, 1]]
    assert np.array_equal(up + down, np.abs(gradient).sum(0))


@pytest.mark.parametrize("name", ["squeezenet1_1", "efficientnet_lite0", "mini_vgg"])
def test_at_the_picture_it_is_the_gradient_and_no_rule_lets_a_negative_number_through_a_relu(name):
    net = random_networks.double(name)
    x, target = net.preprocess(open_collection().open(1)), 7
    first = signs.first_relu(net)
    slow = {
        None: gradients.input_gradient(net, x, target),
        "deconvnet": relu_rules.deconvnet(net, x, target),
        "guided": relu_rules.guided_backprop(net, x, target),
    }
    for rule, expected in slow.items():
        found = signs.on_the_way(net, x, target, rule)
        assert list(found) == [first, "input"]
        assert np.abs(found["input"] - expected[0].numpy()).max() <= 1e-9 * float(expected.abs().max())
        counted = signs.signs(found[first])
        assert (counted.down == 0) == (rule is not None)
        # One convolution later both signs are there again, with every rule.
        assert 0.2 < signs.signs(found["input"]).size_down < 0.8


def test_the_layer_before_the_first_relu():
    assert signs.first_relu(models.load("squeezenet1_1")) == "conv1"
    assert signs.first_relu(models.load("digits_linear")) is None
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(4, 1, bias=False))
    with torch.no_grad():
        network[0].weight[:] = -2
        network[3].weight[:] = torch.tensor([[1.0, -1, 1, -1]])
    net = models.wrap(network, "hand", input_size=2, mean=(0,), std=(1,))
    x = torch.tensor([[[[-1.0, -1], [1, 1]]]])  # before the ReLU 2, 2, -2, -2
    found = {rule: signs.on_the_way(net, x, 0, rule) for rule in (None, "deconvnet", "guided")}
    assert found[None]["0"].ravel().tolist() == [1, -1, 0, 0] and found[None]["input"].ravel().tolist() == [-2, 2, 0, 0]
    assert found["deconvnet"]["0"].ravel().tolist() == [1, 0, 1, 0]
    assert found["guided"]["0"].ravel().tolist() == [1, 0, 0, 0]
    assert found["guided"]["input"].ravel().tolist() == [-2, 0, 0, 0]
