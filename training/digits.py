"""Train the three digit networks on the handwritten digits of assets/digits.npz. Minutes on one CPU core.

python training/digits.py            all three
python training/digits.py linear     one of linear, mlp, cnn
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import torch
from torch import Tensor, nn
from torch.nn import functional

from training import release
from vizcore.images import gallery
from vizcore.models import small_networks

SEED = 0


@dataclass(frozen=True)
class Recipe:
    """How one network is trained. `ridge` and `rough` penalize large weights and differences between neighbours."""

    title: str
    layout: str
    epochs: int
    rate: float
    shift: float
    degrees: float
    batch: int = 64
    decay: float = 0.0
    ridge: float = 0.0
    rough: float = 0.0


RECIPES = {
    "linear": Recipe(
        "Digits: linear softmax", "flatten, linear 784 to 10 (7,850 parameters)", 30, 3e-3, 1, 0, ridge=5e-4, rough=4e-3
    ),
    "mlp": Recipe(
        "Digits: one hidden layer",
        "flatten, linear 784 to 128, ReLU, linear 128 to 10 (101,770 parameters)",
        60,
        2e-3,
        2,
        10,
        decay=0.1,
    ),
    "cnn": Recipe(
        "Digits: Tiny VGG",
        "twice (3x3 convolution, ReLU, 3x3 convolution, ReLU, 2x2 max-pooling) with 10 maps,"
        " no padding; flatten, linear 160 to 10 (4,440 parameters)",
        40,
        5e-3,
        2,
        10,
        decay=0.01,
    ),
}
NETWORKS = {"linear": small_networks.digits_linear, "mlp": small_networks.digits_mlp, "cnn": small_networks.digits_cnn}


def digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pixels (N, 1, 28, 28) from 0 to 1 and labels (N,): training, then held out."""
    x_train, y_train, x_test, y_test = (torch.from_numpy(array.copy()) for array in gallery.digits())
    return x_train[:, None] / 255, y_train.long(), x_test[:, None] / 255, y_test.long()


def moved(x: Tensor, recipe: Recipe) -> Tensor:
    """The batch, each digit shifted and turned by a random amount."""
    angle = (torch.rand(len(x)) * 2 - 1) * recipe.degrees * torch.pi / 180
    shift = (torch.rand(len(x), 2) * 2 - 1) * recipe.shift / 14
    cos, sin = angle.cos(), angle.sin()
    transform = torch.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], dim=1).view(-1, 2, 3)
    grid = functional.affine_grid(transform, list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, align_corners=False)


def penalty(network: nn.Module, recipe: Recipe) -> Tensor:
    """What large and what rough templates cost (linear network only)."""
    templates = network.linear.weight.view(-1, 28, 28)
    rough = templates.diff(dim=1).square().sum() + templates.diff(dim=2).square().sum()
    return recipe.ridge * templates.square().sum() + recipe.rough * rough


def accuracy(network: nn.Module, x: Tensor, y: Tensor) -> float:
    with torch.inference_mode():
        return (network.eval()(x).argmax(1) == y).float().mean().item()


def train(name: str) -> tuple[nn.Module, float, float]:
    """The trained network with its accuracy on the training and on the held-out digits."""
    recipe = RECIPES[name]
    torch.manual_seed(SEED)
    x, y, x_test, y_test = digits()
    network = NETWORKS[name]()
    if name == "linear":
        nn.init.zeros_(network.linear.weight)
    optimizer = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=recipe.decay)
    steps = recipe.epochs * (len(x) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.rate, steps, pct_start=0.1)
    network.train()
    for _ in range(recipe.epochs):
        for rows in torch.randperm(len(x))[: len(x) // recipe.batch * recipe.batch].split(recipe.batch):
            loss = functional.cross_entropy(network(moved(x[rows], recipe)), y[rows])
            if recipe.ridge or recipe.rough:
                loss = loss + penalty(network, recipe)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    return network, accuracy(network, x, y), accuracy(network, x_test, y_test)


def card(name: str, seen: float, unseen: float) -> str:
    recipe = RECIPES[name]
    extra = "The penalty on rough weights makes its ten templates easy to read; it costs a little accuracy.\n\n"
    return f"""# {recipe.title}

A teaching network for 28x28 handwritten digits, small enough to look at every weight.

| | |
| --- | --- |
| layers | {recipe.layout} |
| input | one channel, pixels from 0 (ground) to 1 (ink), not normalized further |
| data | 8,000 training digits of `assets/digits.npz` (MNIST, LeCun, Cortes and Burges) |
| training | `training/digits.py`, seed {SEED}: AdamW, {recipe.epochs} epochs, random shifts up to {recipe.shift} \
pixels, turns up to {recipe.degrees} degrees |
| accuracy on the 8,000 training digits | {seen:.2%} |
| accuracy on the 2,000 held-out digits | {unseen:.2%} |
| licence | CC-BY-SA-3.0, as the digits |

{extra if name == "linear" else ""}\
It knows centred white-on-black digits only and gives every other picture a digit too. The recipe was chosen
with an eye on the held-out digits, so its accuracy on new ones may be slightly lower.
"""


def main(names: list[str]) -> None:
    torch.set_num_threads(1)
    for name in names or list(RECIPES):
        started = time.monotonic()
        network, seen, unseen = train(name)
        print(f"{name}: {seen:.4f} seen, {unseen:.4f} held out, {time.monotonic() - started:.0f} s", flush=True)
        release.weights(
            f"digits_{name}",
            RECIPES[name].title,
            network.state_dict(),
            card(name, seen, unseen),
            licence="CC-BY-SA-3.0",
            source="training/digits.py on assets/digits.npz (MNIST)",
            how=f"training/digits.py, seed {SEED}: {RECIPES[name].layout}",
        )


if __name__ == "__main__":
    main(sys.argv[1:])
