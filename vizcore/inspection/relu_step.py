"""One ReLU on a handful of numbers: forward, and back by the three rules.

Springenberg et al., "Striving for Simplicity" (ICLR 2015 workshop), figure 1. Nothing is written by hand:
the numbers come from the very functions that make the pictures of a real network.
"""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vizcore.methods import registry
from vizcore.methods.relu_rules import relu_rule
from vizcore.models import Net

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


def table(values: Tensor, title: str, dropped: Tensor | None = None, mask: bool = False) -> str:
    """A grid of numbers as HTML.

    Args:
        values: (n, n).
        dropped: (n, n), true where the number goes no further: it is struck through.
        mask: draw ones as filled cells and zeros as empty ones.
    """
    rows = []
    for r, row in enumerate(values.tolist()):
        cells = []
        for c, value in enumerate(row):
            text = f"{value:g}".replace("-", "−")
            if dropped is not None and dropped[r, c]:
                cells.append(f'<td class="out"><s>{text}</s></td>')
            else:
                kind = "on" if mask and value else "zero" if value == 0 else ""
                cells.append(f'<td class="{kind}">{text}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><caption>{title}</caption><tbody>{''.join(rows)}</tbody></table>"


def picture(step: Step, stage: str) -> str:
    """HTML of one stage, "forward" or a rule: what goes in, the masks, what comes out."""
    if stage == "forward":
        parts = [table(step.f, "Input f", step.out != step.f), "→", table(step.out, "Output, ReLU(f)")]
        return f'<div class="viz-grid">{"".join(map(_sign, parts))}</div>'
    masks = {
        "backprop": [("f let it through", step.open)],
        "deconvnet": [("R &gt; 0", step.positive)],
        "guided": [("f let it through", step.open), ("R &gt; 0", step.positive)],
    }[stage]
    keep = torch.stack([mask for _, mask in masks]).prod(0)
    parts = [table(step.gradient, "Arriving gradient R", keep == 0)]
    for title, mask in masks:
        parts += ["×", table(mask, title, mask=True)]
    parts += ["=", table(step.back[stage], "Sent on")]
    return f'<div class="viz-grid">{"".join(map(_sign, parts))}</div>'


def _sign(part: str) -> str:
    return part if part.startswith("<") else f'<span class="sign">{part}</span>'


def sentence(step: Step, stage: str) -> str:
    """What happened at a stage, "forward" or a rule, with the numbers counted."""
    count, is_open, positive = step.f.numel(), step.open > 0, step.positive > 0
    if stage == "forward":
        clipped = int((step.out < step.f).sum())
        text = f"Forward, {int(is_open.sum())} of {count} numbers pass unchanged; what is not positive becomes 0"
        return f"{text}, and {clipped} above 6 become 6." if clipped else f"{text}."
    passed = {"backprop": is_open, "deconvnet": positive, "guided": is_open & positive}[stage]
    lead = f"{int(passed.sum())} of {count} places are open."
    if stage == "backprop":
        negative = int((is_open & (step.gradient < 0)).sum())
        return f"Backprop asks only where f passed. {lead} {negative} of the numbers sent on are negative."
    if stage == "deconvnet":
        closed = int((positive & ~is_open).sum())
        return f"Deconvnet asks only for the sign of R. {lead} {closed} of them were closed on the way forward."
    return f"Guided backpropagation asks for both. {lead}"


def unit_notes(net: Net, gradient: np.ndarray) -> list[str]:
    """What to be careful about when a unit of this network is explained; `gradient` is its plain one."""
    found = []
    if not registry.count_relus(net):
        found.append(f"{net.title} has no ReLU, so there is nothing to replace: all three are the same.")
    elif not registry.has_max_pool(net):
        found.append(
            f"Deconvnet needs max-pool switches; {net.title} has no max-pooling, so its picture depends on "
            "the image only through the place where the unit is strongest."
        )
    if not gradient.any():
        found.append("The plain gradient of this unit is exactly zero: it is silent here. Choose another one.")
    return found
