"""One ReLU on a handful of numbers: forward, and back by the three rules.

Springenberg et al., "Striving for Simplicity" (ICLR 2015 workshop), figure 1. Nothing is written by hand:
the numbers come from the very functions that make the pictures of a real network.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vizcore.methods.relu_rules import relu_rule

RULES = ("backprop", "deconvnet", "guided")
_FIGURE = ([[1, -1, 5], [2, -5, -7], [-3, 2, 4]], [[-2, 3, -1], [6, -3, 1], [2, -1, 3]])
_SIX = ([[3, 8, -1], [6, 5, 7], [-2, 1, 4]], [[2, 3, 4], [-1, -2, -3], [1, 5, -4]])
EXAMPLES = {"Figure of the paper": _FIGURE, "ReLU6": _SIX, "Random": None}


class Step(NamedTuple):
    """Everything that happens at one ReLU; all (n, n).

    Attributes:
        f, out: its input, and its output.
        gradient: what arrives from above, R.
        open: 1 where the forward pass lets a gradient through, else 0: the ReLU's own derivative.
        positive: 1 where the arriving gradient is positive, else 0.
        back: what each rule of RULES sends on.
    """

    f: Tensor
    out: Tensor
    gradient: Tensor
    open: Tensor
    positive: Tensor
    back: dict[str, Tensor]


def example(name: str, seed: int = 0, side: int = 4) -> tuple[Tensor, Tensor]:
    """Input f and arriving gradient R of a named example: (n, n) whole numbers as float32.

    Args:
        name: one of EXAMPLES; "Random" draws `side` x `side` numbers from -9 to 9, by a generator of its own.
    """
    numbers = EXAMPLES[name]
    if numbers is None:
        generator = torch.Generator().manual_seed(seed)
        f, gradient = torch.randint(-9, 10, (2, side, side), generator=generator).float()
        return f, gradient
    return torch.tensor(numbers[0]).float(), torch.tensor(numbers[1]).float()


def through_relu(f: Tensor, gradient: Tensor, ceiling: float | None = None) -> Step:
    """Send f forward through a ReLU and R back by every rule.

    Args:
        f, gradient: equal shapes.
        ceiling: 6 for a ReLU6, None for a ReLU.
    """
    relu = F.relu if ceiling is None else lambda value: F.hardtanh(value, 0.0, ceiling)
    leaf = f.detach().clone().requires_grad_()
    out = relu(leaf)
    back = {}
    for rule in RULES:
        if rule == "backprop":
            through = relu(leaf)
        else:
            with relu_rule(rule):
                through = relu(leaf)
        back[rule] = torch.autograd.grad(through, leaf, gradient)[0]
    (is_open,) = torch.autograd.grad(out, leaf, torch.ones_like(out))
    return Step(f, out.detach(), gradient, is_open, (gradient > 0).to(f), back)
