"""Which network should stand in the sidebar first? What SqueezeNet 1.1 and EfficientNet-Lite0 do here, side by side.

    python tests/bench/bench_default_network.py [--composites 105] [--pages]

Prints the tables of docs/networks.md. The gallery: names among the expected ones. Composites (cut-outs with known
masks, on one material and on photographs): the map of the best-scoring expected class points into the mask (the
pointing game of Zhang et al., 2016), and how much of the class's probability is left, on average, while the map's
strongest 1 to 30 % of the pixels are replaced by the picture's mean colour (deletion; less is better), beside random
pixels. Times: the two networks take turns. `--pages`: seconds of a first visit in a fresh process with empty caches.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
MAPS = ("grad_cam", "layer_cam", "saliency", "guided_backprop", "guided_grad_cam")
PAGES = ("unit", "neuron_gradient", "layer_by_layer")


def table(head: str, rows: dict[str, list[str]]) -> None:
    """A Markdown table with a column for each network."""
    from vizcore import models

    print(f"\n| {head} | {' | '.join(models.spec(name).title for name in NETWORKS)} |\n| --- | --- | --- |")
    for label, cells in rows.items():
        print(f"| {label} | {' | '.join(cells)} |", flush=True)


def gallery_rows() -> dict[str, list[str]]:
    """How often a class that a viewer would accept stands first, and among the first five."""
    from vizcore import models
    from vizcore.images import gallery

    assets = [asset for asset in gallery.records("gallery") if asset.classes]
    rows: dict[str, list[str]] = {"first": [], "among the first five": [], "mean probability of the first": []}
    for name in NETWORKS:
        net = models.load(name)
        firsts, fives, shares = 0, 0, []
        for asset in assets:
            probabilities = net(net.preprocess(gallery.open_image(asset))).softmax(1)[0]
            order = [net.categories[k] for k in probabilities.topk(5).indices.tolist()]
            firsts += order[0] in asset.classes
            fives += bool(set(order) & set(asset.classes))
            shares.append(float(probabilities.max()))
        rows["first"].append(f"{firsts} of {len(assets)}")
        rows["among the first five"].append(f"{fives} of {len(assets)}")
        rows["mean probability of the first"].append(f"{statistics.mean(shares):.2f}")
    return rows


def composite_rows(ground: str, count: int) -> dict[str, list[str]]:
    """The pointing game and deletion on composites of one kind."""
    import numpy as np
    import torch

    from vizcore import methods, models
    from vizcore.evaluation import perturbation
    from vizcore.images import composites, gallery
    from vizcore.methods.cam import upsample
    from vizcore.models import layers

    recipes = composites.recipes(ground=ground, count=count)
    rows: dict[str, list[str]] = {}
    for name in NETWORKS:
        net, hits = models.load(name), dict.fromkeys(MAPS, 0)
        left: dict[str, list[float]] = {method: [] for method in ("random pixels", *MAPS)}
        right = 0
        for recipe in recipes:
            picture, truth = composites.build(recipe, net.input_size)
            x, expected = net.preprocess(picture, crop=False), gallery.find("cutout", recipe.cutout).classes
            logits = net(x)[0]
            right += net.categories[int(logits.argmax())] in expected
            target = max((net.categories.index(label) for label in expected), key=lambda k: float(logits[k]))
            fill, start = perturbation.filling(net, x), float(logits.softmax(0)[target])
            for method in left:
                order = perturbation.orders(np.zeros(truth.shape))["random"]
                if method in MAPS:
                    layer = {"layer": layers.last_features(net)} if "cam" in method else {}
                    values = np.abs(methods.run(method, net, x, target, **layer).values)
                    values = values.sum(0) if values.ndim == 3 else values
                    values = upsample(torch.from_numpy(values)[None], truth.shape)[0].numpy()
                    hits[method] += bool(truth[np.unravel_index(values.argmax(), truth.shape)])
                    order = perturbation.ranking(values)
                batch = torch.cat([perturbation.remove(x, order, s, fill) for s in perturbation.SHARES[1:]])
                left[method].append(float(net(batch).softmax(1)[:, target].mean()) / start)
        rows.setdefault("named right", []).append(f"{right} of {len(recipes)}")
        for method in MAPS:
            rows.setdefault(f"points into the mask: {method}", []).append(f"{hits[method] / len(recipes):.0%}")
        for method, values in left.items():
            rows.setdefault(f"probability left: {method}", []).append(f"{statistics.median(values):.2f}")
    return rows


def time_rows(rounds: int = 5) -> dict[str, list[str]]:
    """Milliseconds of every method on one picture, one thread, median; the slow ones once."""
    import torch

    from vizcore import methods, models
    from vizcore.images import gallery
    from vizcore.models import layers

    torch.set_num_threads(1)
    nets = [models.load(name) for name in NETWORKS]
    inputs = [net.preprocess(gallery.open_image(gallery.find("gallery", "jaguar"))) for net in nets]
    rows = {}
    for method in methods.names():
        seconds: list[list[float]] = [[], []]
        takes = any(param.kind == "layer" for param in methods.METHODS[method].params)
        for turn in range(1 if methods.METHODS[method].slow else rounds + 1):
            for times, net, x in zip(seconds, nets, inputs, strict=True):
                options = {"layer": layers.last_features(net)} if takes and method != "cam" else {}
                start = time.perf_counter()
                methods.run(method, net, x, 290, **options)
                if turn or methods.METHODS[method].slow:
                    times.append(time.perf_counter() - start)
        rows[method] = [f"{1000 * statistics.median(times):.0f} ms" for times in seconds]
    return rows


def visit(page: str, model: str) -> None:
    """Print the seconds of the page's first run in this fresh process, with nothing kept on disk."""
    os.environ["VIZ_CACHE_DIR"] = tempfile.mkdtemp()
    from streamlit.testing.v1 import AppTest

    from vizcore import models

    app = AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=600)
    app.query_params["model"] = model
    if page == "layer_by_layer":
        app.query_params["net"] = models.spec(model).title
    start = time.perf_counter()
    app.run()
    assert not app.exception
    print(f"{time.perf_counter() - start:.1f} s")


def page_rows() -> dict[str, list[str]]:
    """First visits, each in a process of its own; imports count."""

    def once(page: str, model: str) -> str:
        command = [sys.executable, __file__, "--visit", page, model]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    return {f"first visit of {page}": [once(page, name) for name in NETWORKS] for page in PAGES}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--composites", type=int, default=None, help="of each kind; all 105 unless told otherwise")
    options.add_argument("--pages", action="store_true", help="only the first visits")
    options.add_argument("--visit", nargs=2, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.visit:
        visit(*chosen.visit)
        return
    if not chosen.pages:
        table("the gallery", gallery_rows())
        for ground in ("background", "photo"):
            table(f"composites on {ground}s", composite_rows(ground, chosen.composites))
        table("time per method", time_rows())
    table("pages", page_rows())


if __name__ == "__main__":
    main()
