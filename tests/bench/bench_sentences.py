"""What the sentences of the pages say of "most pictures", measured over the gallery for both ImageNet networks.

    python tests/bench/bench_sentences.py [--pictures 70] [guided] [maps] [removal] [gradients] [cells] [depth] [seeds]

The texts name these counts; tests/test_sentences.py repeats the ones with a wide margin on a few pictures.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from vizcore import methods, models
from vizcore.evaluation import compare, perturbation
from vizcore.images import gallery
from vizcore.inspection import layer_gradients
from vizcore.inspection.layer_gradients import Quantity
from vizcore.methods import cam
from vizcore.models import Net, layers

NETWORKS = ("squeezenet1_1", "efficientnet_lite0")


def said(label: str, values) -> None:
    """A line: how many, how many above zero, mean and quartiles."""
    found = np.array([v for v in values if v is not None and np.isfinite(v)], float)
    low, middle, high = np.percentile(found, [10, 50, 90])
    print(
        f"  {label}: n={len(found)}, above zero {int((found > 0).sum())}, mean {found.mean():.3f}, "
        f"10-50-90 % {low:.3f} {middle:.3f} {high:.3f}",
        flush=True,
    )


def inputs(net: Net, count: int):
    """(picture's id, input, its two most probable classes) of the first pictures of the gallery."""
    for asset in gallery.records("gallery")[:count]:
        x = net.preprocess(gallery.open_image(asset))
        with torch.no_grad():
            first, second = net(x)[0].topk(2).indices.tolist()
        yield asset.id, x, first, second


def guided(net: Net, count: int) -> None:
    """How alike two classes' factors and products are, and the product and its fine factor, by depth."""
    stops = layers.stops(net)
    last = layers.last_features(net)
    depths = {"first": stops[0], "middle": stops[len(stops) // 2], "last": last}
    alike = {
        k: [] for k in ("guided", *(f"{w} at the {d}" for d in depths for w in ("place", "product", "with guided")))
    }
    least = 0
    for _, x, *classes in inputs(net, count):
        fine = [methods.run("guided_backprop", net, x, c).values for c in classes]
        alike["guided"].append(compare.correlation(*fine))
        for depth, layer in depths.items():
            place = [methods.run("grad_cam", net, x, c, layer=layer).values for c in classes]
            large = [cam.upsample(torch.from_numpy(p)[None], x.shape[-2:])[0].numpy() for p in place]
            product = [f * p for f, p in zip(fine, large, strict=True)]
            alike[f"place at the {depth}"].append(compare.correlation(*large))
            alike[f"product at the {depth}"].append(compare.correlation(*product))
            alike[f"with guided at the {depth}"].append(compare.correlation(fine[0], product[0]))
        three = [alike[k][-1] for k in ("guided", "place at the last", "product at the last")]
        least += None not in three and three[0] == max(three)
    print(" ", depths, "guided changes least:", least)
    for key, values in alike.items():
        said(key, values)


def maps(net: Net, count: int) -> None:
    """Dead maps over the whole gallery, and how alike two pictures' mean answers are, by depth."""
    chosen = [layer.name for layer in layers.map_layers(net) if layer.kind in ("relu", "pool")]
    means, dead, few = {name: [] for name in chosen}, {}, {name: [] for name in chosen}
    for _, x, *_ in inputs(net, count):
        with torch.no_grad():
            captured = net.forward(x, capture=chosen)[1]
        for name in chosen:
            flat = captured[name][0].flatten(1)
            means[name].append(flat.mean(1).numpy())
            zero = (flat == 0).all(1).numpy()
            dead[name] = dead.get(name, True) & zero
            rank = [(-flat.mean(1)).argsort().argsort(), (-flat.max(1).values).argsort().argsort()]
            moved = (rank[0] - rank[1]).numpy().astype(float)  # above zero: further to the front by the maximum
            share = (flat > 0).double().mean(1).numpy()
            few[name].append(compare.spearman(moved, share) if share.std() and moved.std() else None)
    for name in chosen:
        pairs = np.corrcoef(np.array(means[name]))[np.triu_indices(count, 1)]
        print(f"  {name}: dead for all {int(dead[name].sum())} of {len(dead[name])}", flush=True)
        said(f"{name}: correlation of mean answers, two pictures", pairs)
        said(f"{name}: moved to the front by max, with share of cells above zero", few[name])


def removal(net: Net, count: int) -> None:
    """Whether the most salient 10 % hurt the logit more than as many random pixels do."""
    gains, names = {"saliency": [], "smooth_grad": []}, {"saliency": [], "smooth_grad": []}
    for name, x, target, _ in inputs(net, count):
        fill = perturbation.filling(net, x, "mean")
        for method in gains:
            values = np.abs(methods.run(method, net, x, target).values)
            values = values.sum(0) if values.ndim == 3 else values
            orders = perturbation.orders(values, 0)
            with torch.no_grad():
                most, random = (
                    float(net(perturbation.remove(x, orders[k], 0.1, fill))[0, target]) for k in ("most", "random")
                )
            gains[method].append(random - most)
            if most >= random:
                names[method].append(name)
    for method, found in gains.items():
        said(f"{method}: logit left by random minus by most salient", found)
        print("   not better:", names[method])


def gradients(net: Net, count: int) -> None:
    """Logit, loss and probability: how much smaller, and how alike, at the picture and the layers."""
    names = layers.stops(net)
    ratio, spread, loss, two = [], [], [], []
    for _, x, first, second in inputs(net, count):
        found = {of: layer_gradients.sizes(net, x, Quantity(of, first)) for of in ("logit", "probability")}
        factors = [
            found["probability"][n].rms / found["logit"][n].rms
            for n in names
            if found["logit"].get(n) and found["logit"][n].rms
        ]
        ratio.append(1 - max(factors))
        with torch.no_grad():
            p = float(net(x).softmax(1)[0, first])
        if p > 0.9:
            spread.append(max(factors) / min(factors))
        one = methods.run("saliency", net, x, first).values
        loss.append(compare.spearman(one, methods.run("saliency", net, x, first, of="loss").values))
        two.append(compare.spearman(one, methods.run("saliency", net, x, second).values))
    said("1 minus the largest factor from logit to probability", ratio)
    if spread:
        said("p > 0.9: largest over smallest factor", spread)
    said("rank correlation, logit and loss", loss)
    said("rank correlation, first and second class", two)


def cells(net: Net, count: int) -> None:
    """Grad-CAM by depth: how alike two classes' maps are; cells below zero; the share of the 8 strongest maps."""
    from vizcore.inspection import cam_steps

    stops = layers.stops(net)
    alike = {name: [] for name in stops}
    below, share = [], []
    for _, x, *classes in inputs(net, count):
        for name in stops:
            alike[name].append(
                compare.correlation(*(methods.run("grad_cam", net, x, c, layer=name).values for c in classes))
            )
        steps = cam_steps.unroll(net, x, classes[0], layers.last_features(net))
        below.append(float((steps.before_relu < 0).double().mean()))
        share.append(float(steps.shares[steps.strongest(8)].sum()))
    for name, values in alike.items():
        said(f"{name}: two classes' maps", values)
    said("cells below zero", below)
    said("share of the 8 strongest maps", share)


def depth(net: Net, count: int) -> None:
    """On composites: Grad-CAM's and Guided Grad-CAM's share inside the object, by depth, beside the object's area."""
    from vizcore.images import composites

    stops = layers.stops(net)
    depths = {"first": stops[0], "middle": stops[len(stops) // 2], "last": layers.last_features(net)}
    inside = {f"{what} {d}": [] for what in ("map", "product") for d in depths} | {"guided": [], "area": []}
    for recipe in composites.recipes(count=min(count, 70)):
        picture, truth = composites.build(recipe, net.input_size)
        x = net.preprocess(picture, crop=False)
        with torch.no_grad():
            logits = net(x)[0]
        expected = gallery.find("cutout", recipe.cutout).classes
        if not expected:
            continue
        target = max((net.categories.index(label) for label in expected), key=lambda k: float(logits[k]))
        fine = np.abs(methods.run("guided_backprop", net, x, target).values).sum(0)
        inside["area"].append(truth.mean())
        inside["guided"].append(fine[truth].sum() / fine.sum())
        for name, layer in depths.items():
            small = methods.run("grad_cam", net, x, target, layer=layer).values
            place = cam.upsample(torch.from_numpy(small)[None], x.shape[-2:])[0].numpy()
            for what, values in (("map", place), ("product", place * fine)):
                inside[f"{what} {name}"].append(values[truth].sum() / values.sum() if values.any() else None)
    print(" ", depths)
    for key, values in inside.items():
        said(f"share inside the object: {key}", values)


def seeds(net: Net, count: int) -> None:
    """On all composites: GrabCut from the saliency map's seeds with Simonyan's values, which smooth nothing."""
    from vizcore.evaluation import segmentation_bench as bench
    from vizcore.images import composites

    for ground in composites.GROUNDS:
        rows = bench.measure(net, "saliency", bench.SIMONYAN, composites.recipes(ground=ground))
        said(f"{ground}, cut", [row.cut for row in rows])


PARTS = {part.__name__: part for part in (guided, maps, removal, gradients, cells, depth, seeds)}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    options.add_argument("--pictures", type=int, default=70)
    chosen = options.parse_args()
    for part in chosen.parts or PARTS:
        for name in NETWORKS:
            print(part, name, flush=True)
            PARTS[part](models.load(name), chosen.pictures)


if __name__ == "__main__":
    main()
