"""Contact sheets: for units of many layers, the patches that excite them most, and these patches drawn back.

Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks" (ECCV 2014), figure 2: layer by layer the nine
strongest patches of a unit stand beside what the unit sees in them.

One forward pass per picture serves all units and all layers: each drawing is one more backward pass through the same
graph.
"""

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from vizcore.figures import patches as patch_figures
from vizcore.figures import render
from vizcore.images import gallery
from vizcore.inspection import preferred, top_patches
from vizcore.inspection.top_patches import Collection, Hit, Index
from vizcore.methods import relu_rules
from vizcore.models import Layer, Net, partial

Progress = Callable[[float], None]
FIRST = 112  # pixels of a tile in the row that shows the first patch of each unit
SAMPLE = 64  # units of a layer that its numbers are averaged over


# Which layers.


def candidates(net: Net) -> tuple[Layer, ...]:
    """The layers whose units can be shown, in order: the maps behind each ReLU or other activation function.

    Where a network calls these as functions, so that they are no layers: its blocks, or else its convolutions.

    Raises:
        ValueError: a network without maps.
    """
    kinds = (("relu", "activation"), ("block",), ("conv",))
    found = [tuple(layer for layer in net.layers if layer.spatial and layer.kind in kind) for kind in kinds]
    best = max(found, key=lambda layers: len(_by_scale(layers)))
    if not best:
        raise ValueError(f"{net.title} has no feature maps, so no unit of it sees a patch. Choose another network.")
    return best


def block_ends(net: Net) -> tuple[Layer, ...]:
    """The last of :func:`candidates` before each loss of resolution: in a VGG the last ReLU before each pooling."""
    return tuple(_by_scale(candidates(net)).values())


def _by_scale(layers: Sequence[Layer]) -> dict[object, Layer]:
    """The last layer of each stride of the receptive field; of each map size where a field is undefined."""
    if all(layer.receptive_field for layer in layers):
        return {layer.receptive_field.stride: layer for layer in layers}
    return {layer.out_shape[1:]: layer for layer in layers}


# Which units.


def firing_most(net: Net, index: Index, layer: str, count: int) -> tuple[int, ...]:
    """The units of a layer with the largest mean over their best pictures, before their own ReLU; largest first."""
    values = index.rankings[preferred.before_relu(net, layer)].values
    means = np.where(np.isfinite(values), values, 0).sum(1) / np.maximum(1, np.isfinite(values).sum(1))
    return _largest(means, count)


def firing_on(net: Net, x: torch.Tensor, layers: Sequence[str], count: int) -> dict[str, tuple[int, ...]]:
    """For each layer the units with the strongest single cell on one (1, C, H, W) input, before their own ReLU."""
    starts = {layer: preferred.before_relu(net, layer) for layer in layers}
    with torch.no_grad():
        acts = partial.activations(net, x, tuple(set(starts.values())))
    return {layer: _largest(acts[start][0].flatten(1).amax(1).numpy(force=True), count)
            for layer, start in starts.items()}  # fmt: skip


def at_random(layer: Layer, count: int, seed: int) -> tuple[int, ...]:
    """Units of a layer drawn without looking at them, in the order of their numbers."""
    units = np.random.default_rng(seed).permutation(layer.out_shape[0])[:count]
    return tuple(sorted(int(unit) for unit in units))


def _largest(values: np.ndarray, count: int) -> tuple[int, ...]:
    return tuple(int(unit) for unit in np.argsort(-values, kind="stable")[:count])


# Back to the pixels.


class Pick(NamedTuple):
    """One cell of one unit in one picture: where a drawing starts. `layer` may be any layer with maps."""

    layer: str
    unit: int
    picture: int
    cell: tuple[int, int]


def draw_back(
    net: Net, pictures: Collection, picks: Sequence[Pick], rule: str | None, progress: Progress | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """The gradient of each picked cell with respect to its picture, picture by picture.

    The same as :func:`vizcore.methods.relu_rules.backpropagate_unit` for each pick by itself, but each picture runs forward
    only once, and only as far as the deepest layer it is needed for.

    Args:
        rule: "deconvnet", "guided", or None for the plain gradient.
        progress: called with the share done; what it raises ends the work.

    Yields:
        The pick's position and its (C, H, W) gradient, signed.
    """
    done = 0
    for picture in sorted({pick.picture for pick in picks}):
        mine = [n for n, pick in enumerate(picks) if pick.picture == picture]
        x = net.preprocess(pictures.open(picture)).requires_grad_()
        with torch.enable_grad():
            acts = _forward(net, x, tuple({picks[n].layer for n in mine}), rule)
        for n in mine:
            row, column = picks[n].cell
            level = acts[picks[n].layer][0, picks[n].unit, row, column]
            (gradient,) = torch.autograd.grad(level, x, retain_graph=n != mine[-1])
            done += 1
            if progress:
                progress(done / len(picks))
            yield n, gradient[0].numpy(force=True)


def _forward(net: Net, x: torch.Tensor, layers: tuple[str, ...], rule: str | None) -> dict[str, torch.Tensor]:
    if rule is None:
        return partial.activations(net, x, layers)
    with relu_rules.relu_rule(rule):
        return partial.activations(net, x, layers)


# The sheet.


class Sheet(NamedTuple):
    """One layer's contact sheet.

    Attributes:
        layer: its name.
        units: the unit numbers; hits: for each unit its strongest cells, strongest first.
        sprite: JPEG; for each unit a band of rows: left its patches, right the same drawn back, tile by tile.
        first: JPEG of one row: the first patch of each unit, then the first drawing of each.
        side: pixels of a tile in `sprite`; in `first` a tile has FIRST.
        columns, rows: of one unit's patches.
        titles: the names of the pictures, as `hits`.
        alike: mean correlation of two drawings of one unit; 1 where the picture in the patch does not matter.
    """

    layer: str
    units: tuple[int, ...]
    hits: tuple[tuple[Hit, ...], ...]
    sprite: bytes
    first: bytes
    side: int
    columns: int
    rows: int
    titles: tuple[tuple[str, ...], ...]
    alike: float


def build(
    net: Net,
    pictures: Collection,
    index: Index,
    chosen: Mapping[str, Sequence[int]],
    patches: int = 9,
    rule: str | None = "deconvnet",
    progress: Progress | None = None,
) -> dict[str, Sheet]:
    """The contact sheets of the chosen units of the chosen layers.

    Every patch is the receptive field of the unit's strongest cell, at most half the picture (as
    :func:`vizcore.inspection.top_patches.patch_box` cuts it). Drawings start before the unit's own ReLU, and each has its own
    scale around mid grey.

    Args:
        chosen: layer name to unit numbers.
        patches: pictures per unit; a square number fills the sheet.
        rule, progress: as for :func:`draw_back`.
    """
    starts = {layer: preferred.before_relu(net, layer) for layer in chosen}
    hits = {
        (layer, unit): index.top(net, starts[layer], unit, patches) for layer, units in chosen.items() for unit in units
    }
    places = [(layer, unit, hit) for (layer, unit), found in hits.items() for hit in found]
    boxes = [top_patches.patch_box(net, net.layer(layer), hit.cell) for layer, _, hit in places]
    picks = [Pick(starts[layer], unit, hit.picture, hit.cell) for layer, unit, hit in places]
    crops = {n: net.crop(pictures.open(n)) for n in {pick.picture for pick in picks}}
    drawings: dict[int, Image.Image] = {}
    raw: dict[int, np.ndarray] = {}
    for n, gradient in draw_back(net, pictures, picks, rule, progress):
        (drawings[n],) = patch_figures.gradient_patches(gradient[None], [boxes[n]])
        raw[n] = _boxed(gradient, boxes[n]).ravel()

    sheets, at = {}, 0
    columns = int(np.ceil(np.sqrt(patches)))
    for layer, units in chosen.items():
        rows, products = [], []
        for unit in units:
            here = range(at, at + len(hits[layer, unit]))
            rows.append(([top_patches.cut(crops[picks[n].picture], boxes[n]) for n in here],
                         [drawings[n] for n in here]))  # fmt: skip
            products.append(_correlation([raw.pop(n) for n in here]))
            at += len(here)
        side = 288 // columns
        firsts = [[row[half][0] for row in rows if row[half]] for half in (0, 1)]
        found = tuple(hits[layer, unit] for unit in units)
        high = -(-max(map(len, found)) // columns)
        titles = tuple(tuple(pictures.titles[hit.picture] for hit in of_unit) for of_unit in found)
        sheets[layer] = Sheet(
            layer, tuple(units), found, _sprite(rows, columns, high, side), _sprite([firsts], len(units), 1, FIRST),
            side, columns, high, titles, float(np.mean(products)),
        )  # fmt: skip
    return sheets


def _boxed(gradient: np.ndarray, box: patch_figures.Box) -> np.ndarray:
    """The box of a (C, H, W) gradient; zero where it reaches over the edge."""
    top, left, bottom, right = box
    edge = max(0, -top, -left, bottom - gradient.shape[1], right - gradient.shape[2])
    padded = np.pad(gradient, ((0, 0), (edge, edge), (edge, edge)))
    return padded[:, top + edge : bottom + edge, left + edge : right + edge]


def _sprite(rows: Sequence[Sequence[Sequence[Image.Image]]], columns: int, high: int, side: int) -> bytes:
    """JPEG: for each row a left and a right grid of tiles, without gaps; missing tiles are mid grey."""
    cells = np.full((len(rows), high, 2 * columns, side, side, 3), 128, np.uint8)
    for number, row in enumerate(rows):
        for half, grid in enumerate(row):
            for place, tile in enumerate(patch_figures.tiles(grid, side)):
                cells[number, place // columns, half * columns + place % columns] = tile
    picture = cells.swapaxes(2, 3).reshape(len(rows) * high * side, 2 * columns * side, 3)
    return render.encode(Image.fromarray(picture), "jpeg")


# From edges to parts, in numbers.


class Likeness(NamedTuple):
    """How alike the best patches of a layer's units are, on average over `units` units.

    Attributes:
        pixels: mean correlation of two patches of one unit, shrunk to 8 x 8 colour pixels.
        pixels_chance: the same for patches at random places of random pictures.
        kind: share of pairs of a unit's pictures that are of one kind (see :func:`kinds`).
        kind_chance: the same for any two of all pictures.
    """

    pixels: float
    pixels_chance: float
    kind: float
    kind_chance: float
    units: int


def kinds(net: Net, pictures: Collection) -> tuple[str, ...]:
    """What each gallery picture shows, coarsely ("mammals", "birds", "monuments"); for digits the digit."""
    if net.channels == 1:
        return pictures.titles
    of = {asset.sha256: asset.category for asset in gallery.all_records()}
    return tuple(of.get(digest, "") for digest in pictures.digests)


def likeness(
    net: Net, pictures: Collection, index: Index, layers: Sequence[str], seed: int = 0
) -> dict[str, Likeness]:
    """How alike the best patches of a unit are, layer by layer: in their pixels, and in what the pictures show.

    Patches grow with depth, and larger patches of photographs are less alike whatever a unit does: compare with
    chance, which is measured on patches of the same size.
    """
    labels = np.unique(kinds(net, pictures), return_inverse=True)[1]
    crops = [net.crop(pictures.open(n)) for n in range(len(labels))]
    found = {}
    for name in layers:
        generator = np.random.default_rng(seed)
        layer, start = net.layer(name), preferred.before_relu(net, name)
        units = generator.permutation(layer.out_shape[0])[:SAMPLE]
        rows = []
        for unit in units:
            hits = index.top(net, start, int(unit))
            strangers = generator.permutation(len(crops))[: len(hits)]
            cells = generator.integers(0, layer.out_shape[1:], (len(hits), 2))
            best = [_shrunk(crops[hit.picture], top_patches.patch_box(net, layer, hit.cell)) for hit in hits]
            other = [_shrunk(crops[n], top_patches.patch_box(net, layer, (int(r), int(c))))
                     for n, (r, c) in zip(strangers, cells, strict=True)]  # fmt: skip
            rows.append((_correlation(best), _correlation(other), _same(labels[[hit.picture for hit in hits]])))
        found[name] = Likeness(*np.mean(rows, 0).tolist(), _same(labels), len(units))
    return found


def _shrunk(picture: Image.Image, box: tuple[int, int, int, int]) -> np.ndarray:
    """The patch as (192,) float32."""
    patch = top_patches.cut(picture, box).convert("RGB").resize((8, 8), Image.Resampling.BOX)
    return np.asarray(patch, np.float32).ravel()


def _correlation(patches: Sequence[np.ndarray]) -> float:
    """Mean correlation of two different patches, flattened; an even patch correlates with nothing."""
    values = np.stack(patches) - np.mean(patches, 1, keepdims=True)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    values = values / np.where(length > 0, length, 1)
    products = values @ values.T
    return _off_diagonal(products)


def _same(labels: np.ndarray) -> float:
    """Share of pairs with one label."""
    return _off_diagonal((labels[:, None] == labels[None]).astype(float))


def _off_diagonal(pairs: np.ndarray) -> float:
    count = len(pairs)
    return float((pairs.sum() - np.trace(pairs)) / (count * (count - 1))) if count > 1 else 0.0


def numbers(rows: Sequence[tuple[str, str, Likeness, float]]) -> str:
    """HTML: for each layer (name, what it sees, likeness, `Sheet.alike`) three bars, with a mark where chance ends."""

    def bar(value: float, text: str, chance: float | None = None) -> str:
        track = "position:relative;height:0.75rem;background:color-mix(in srgb,currentColor 12%,transparent)"
        fill = f"height:100%;width:{100 * _share(value):.1f}%;background:var(--st-primary-color,#1c6c86)"
        mark = "" if chance is None else (
            f'<div style="position:absolute;top:0;bottom:-0.25rem;left:{100 * _share(chance):.1f}%;width:2px;'
            'background:currentColor"></div>'
        )
        return (f'<td style="width:33%;{_CELL}"><div style="padding-bottom:0.15rem">{text}</div>'
                f'<div style="{track}"><div style="{fill}"></div>{mark}</div></td>')  # fmt: skip

    heads = ("", "Sees", "Patches alike in their pixels", "Pictures of one kind", "Drawings alike")
    body = "".join(
        f'<tr><th style="{_CELL};font-weight:600;text-align:left;white-space:nowrap">{html.escape(name)}</th>'
        f'<td style="{_CELL};white-space:nowrap">{html.escape(sees)}</td>'
        + bar(row.pixels, f"{row.pixels:.2f}, chance {row.pixels_chance:.2f}", row.pixels_chance)
        + bar(row.kind, f"{100 * row.kind:.0f} %, chance {100 * row.kind_chance:.0f} %", row.kind_chance)
        + bar(drawings, f"{drawings:.2f}") + "</tr>"
        for name, sees, row, drawings in rows
    )
    head = "".join(f'<th style="{_CELL};text-align:left;font-weight:400;opacity:0.8">{text}</th>' for text in heads)
    return (f'<div style="overflow-x:auto"><table style="border-collapse:collapse;width:100%;min-width:44rem;'
            f'font-size:0.9rem;font-variant-numeric:tabular-nums"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")  # fmt: skip


_CELL = "padding:0.3rem 0.8rem 0.3rem 0;border:0"


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))


# The program that is shown.

_RULE = """
class Rule(torch.overrides.TorchFunctionMode):  # sees every ReLU of the network, however it is written
    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func not in (F.relu, F.relu6, F.hardtanh):
            return func(*args, **(kwargs or {}))
        f = args[0]
        out = func(f.clone(), *args[1:], **(kwargs or {}))
        FORWARD
        out.register_hook(lambda R: R.clamp(min=0))  # only positive gradients pass
        return out
"""


def program(model: str, layer: str, unit: int, rule: str | None, patches: int) -> str:
    """Plain PyTorch that leaves the drawings of one unit's patches in `result`.

    Args:
        layer: the one to start from, before its own ReLU (:func:`activation_maximization.before_relu`).
        rule: "deconvnet", "guided" or None.
    """
    forward = "out = f + (out - f).detach()  # whatever the forward pass did" if rule == "deconvnet" else ""
    lines = [line for line in _RULE.replace("FORWARD", forward).splitlines() if line.strip()] if rule else [
        "Rule = contextlib.nullcontext  # the plain gradient"
    ]
    return f"""import contextlib
import torch
import torch.nn.functional as F
from vizcore import models, top_patches

net = models.load({model!r})
layer, unit = net.layer({layer!r}), {unit}
pictures = top_patches.collection(net)
hits = top_patches.build(net, pictures).top(net, layer.name, unit, {patches})

{chr(10).join(lines)}

result = []
for hit in hits:
    x = net.preprocess(pictures.open(hit.picture)).requires_grad_()
    with Rule():
        _, acts = net.forward(x, capture=[layer.name])
    gradient = torch.autograd.grad(acts[layer.name][0, unit][hit.cell], x)[0][0]
    top, left, bottom, right = top_patches.patch_box(net, layer, hit.cell)
    result.append(gradient[:, max(top, 0) : bottom, max(left, 0) : right])
"""
