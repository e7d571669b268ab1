"""One ReLU in numbers: the paper's figure, and a loop over the cells."""

import numpy as np
import pytest
import torch

from vizcore.figures import sentences, tables
from vizcore.inspection import relu_step


def test_the_figure_of_the_paper():
    """Springenberg et al., figure 1."""
    step = relu_step.through_relu(*relu_step.example("Figure of the paper"))
    assert step.out.tolist() == [[1, 0, 5], [2, 0, 0], [0, 2, 4]]
    assert step.back["backprop"].tolist() == [[-2, 0, -1], [6, 0, 0], [0, -1, 3]]
    assert step.back["deconvnet"].tolist() == [[0, 3, 0], [6, 0, 1], [2, 0, 3]]
    assert step.back["guided"].tolist() == [[0, 0, 0], [6, 0, 0], [0, 0, 3]]


@pytest.mark.parametrize("ceiling", [None, 6.0])
@pytest.mark.parametrize("seed", range(4))
def test_every_rule_cell_by_cell(seed, ceiling):
    step = relu_step.through_relu(*relu_step.example("Random", seed), ceiling)
    for cell in np.ndindex(4, 4):
        f, r = float(step.f[cell]), float(step.gradient[cell])
        passes = f > 0 and (ceiling is None or f < ceiling)
        assert step.open[cell] == passes and step.positive[cell] == (r > 0)
        assert step.out[cell] == min(max(f, 0), ceiling or 99)
        assert step.back["backprop"][cell] == (r if passes else 0)
        assert step.back["deconvnet"][cell] == (r if r > 0 else 0)
        assert step.back["guided"][cell] == (r if passes and r > 0 else 0)


def test_random_example_is_seeded():
    one, same, other = (relu_step.example("Random", seed) for seed in (5, 5, 6))
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not torch.equal(one[0], other[0]) and one[0].shape == (4, 4)


def test_picture_strikes_what_is_dropped_and_shows_what_is_sent_on():
    step = relu_step.through_relu(*relu_step.example("Figure of the paper"))
    guided = tables.relu_stage(step, "guided")
    assert guided.count("<table>") == 4 and guided.count("<s>") == 7
    assert tables.relu_stage(step, "backprop").count("<s>") == 4
    assert tables.relu_stage(step, "deconvnet").count("<s>") == 4
    assert tables.relu_stage(step, "forward").count("<s>") == 4


def test_sentences_count():
    step = relu_step.through_relu(*relu_step.example("Figure of the paper"))
    assert "5 of 9 numbers pass unchanged" in sentences.relu_step(step, "forward")
    assert "5 of 9 places are open. 3 of" in sentences.relu_step(step, "backprop")
    assert "5 of 9 places are open. 3 of them were closed" in sentences.relu_step(step, "deconvnet")
    assert "2 of 9" in sentences.relu_step(step, "guided")
    six = relu_step.through_relu(*relu_step.example("ReLU6"), 6.0)
    assert "2 above 6 become 6" in sentences.relu_step(six, "forward")
