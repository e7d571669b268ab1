"""Measure segmentation by heat map and GrabCut on composites: writes assets/segmentation.json and its record.

    python -m training.segmentation --tune      # tries the grid below on the tuning composites and keeps what it found
    python -m training.segmentation             # measures the test composites with the settings in the code

The settings in vizcore/evaluation/segmentation_bench.py are those that `best` finds in the kept grid, unchanged: for
each source the setting with the largest mean IoU of GrabCut on the tuning composites of both kinds, and for its
smoothing the best threshold of the same map. The controls without a network are chosen likewise.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import product
from pathlib import Path

import torch

from training import release
from vizcore import models
from vizcore.evaluation import segmentation, segmentation_bench
from vizcore.evaluation.segmentation import Settings
from vizcore.images import composites
from vizcore.types import Mean

EXTREMES = 8
CUTS, THRESHOLDS = (1, 3), (60, 65, 70, 75, 80, 85, 90)
GRID = tuple(product((3, 5, 9), (90, 95, 98), (30, 50), CUTS))  # smoothing, object, background, graph cuts
BOXES = tuple(product((0.2, 0.3, 0.4, 0.5, 0.6), (0.9, 0.95), CUTS))  # inner and outer box, graph cuts
SHARES = (0.5, 0.55, 0.6, 0.65, 0.7)  # of the box that is taken as it is


@cache
def network(name: str) -> models.Net:
    """A network to measure; one thread, since another process works beside this one."""
    torch.set_num_threads(1)
    return models.load(name)


# Choosing the settings.


def tried(recipe: composites.Recipe) -> dict[str, list[float]]:
    """The IoU of every point of every grid on one composite, in the grids' order."""
    net = network(segmentation_bench.TUNED_ON)
    picture, truth = composites.build(recipe, net.input_size)
    size, score = truth.shape, lambda mask: segmentation.iou(mask, truth)
    found = {
        "box share": [score(segmentation.centre_box(size, share)) for share in SHARES],
        "box": [score(segmentation.cut(picture, segmentation.box_seeds(size, *ends), cuts)) for *ends, cuts in BOXES],
    }
    for source in segmentation_bench.SOURCES:
        values = segmentation_bench.explain(net, source, picture)
        maps = {sigma: segmentation.strength(values, size, sigma) for sigma in dict.fromkeys(p[0] for p in GRID)}
        seeds = {point[:3]: segmentation.seeds(maps[point[0]], *point[1:3]) for point in GRID}
        found[source] = [score(segmentation.cut(picture, seeds[point[:3]], point[3])) for point in GRID]
        found[f"{source} threshold"] = [
            score(segmentation.threshold(maps[sigma], percentile)) for sigma, percentile in product(maps, THRESHOLDS)
        ]
    return found


def tune() -> dict[str, list[list[float]]]:
    """For every grid a line per point: the point, then its mean IoU on each of the GROUNDS."""
    grids = {"box share": [(share,) for share in SHARES], "box": BOXES}
    for source in segmentation_bench.SOURCES:
        grids[source] = GRID
        grids[f"{source} threshold"] = list(product(dict.fromkeys(point[0] for point in GRID), THRESHOLDS))
    lines = {name: [list(point) for point in grid] for name, grid in grids.items()}
    with ProcessPoolExecutor(2) as pool:
        for ground in composites.GROUNDS:
            rows = list(pool.map(tried, composites.recipes("tuning", ground)))
            for name, grid in lines.items():
                for index, line in enumerate(grid):
                    line.append(round(sum(row[name][index] for row in rows) / len(rows), 5))
    return lines


def best(lines: dict[str, list[list[float]]]) -> tuple[dict[str, Settings], segmentation_bench.Box]:
    """The settings with the largest mean over both kinds of background; the first of equals."""

    def top(grid: list[list[float]]) -> list[float]:
        return max(grid, key=lambda line: line[-2] + line[-1])[:-2]

    found = {}
    for source in segmentation_bench.SOURCES:
        point = top(lines[source])
        same = [line for line in lines[f"{source} threshold"] if line[0] == point[0]]
        found[source] = Settings(*point, top(same)[1])
    return found, segmentation_bench.Box(*top(lines["box share"]), *top(lines["box"]))


# Measuring with them.


def measure(case: tuple[str, str]) -> dict:
    """The measurement of a network, by name, on all test composites of one kind."""
    name, ground = case
    net, recipes, masks = network(name), composites.recipes(ground=ground), {}
    rows = {"box": [segmentation_bench.box_row(recipe, net.input_size) for recipe in recipes]}
    for source, (_, settings) in segmentation_bench.SOURCES.items():
        found = [segmentation_bench.measure_one(net, source, settings, recipe) for recipe in recipes]
        rows[source] = [row for row, _ in found]
        order = sorted(range(len(found)), key=lambda i: found[i][0].cut)
        chosen = order[:EXTREMES] + order[-EXTREMES:]
        masks[source] = {str(i): segmentation_bench.pack(found[i][1]) for i in sorted(chosen)}
    for source, found in rows.items():
        print(net.title, ground, source, *(Mean.of([row[k] for row in found]) for k in (0, 1)), sep="\n  ", flush=True)
    kept = {source: [[round(v, 7) for v in row] for row in found] for source, found in rows.items()}
    return {"recipes": recipes, "rows": kept, "masks": masks}


def write(content: dict) -> None:
    """The file and its record in the manifest."""
    data = (json.dumps(content, separators=(",", ":")) + "\n").encode()
    release.measurement(
        segmentation_bench.FILE,
        data,
        "Segmentation of composites, measured",
        "training/segmentation.py",
        "python -m training.segmentation --tune, then python -m training.segmentation: intersection "
        "over union of GrabCut, of a threshold and of centre boxes with the known masks of composites of this "
        "project's cut-outs on its backgrounds and photographs",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tune", action="store_true", help="try a grid of settings on the tuning composites")
    if parser.parse_args().tune:
        found = tune()
        write(json.loads(Path(segmentation_bench.FILE).read_text("utf-8")) | {"tuning": found})
        print(*best(found), sep="\n")
        return
    content = {
        "tuned on": segmentation_bench.TUNED_ON,
        "seed": composites.SEED,
        "box": segmentation_bench.BOX._asdict(),
        "settings": {source: {"params": p, **s._asdict()} for source, (p, s) in segmentation_bench.SOURCES.items()},
        "tuning": json.loads(Path(segmentation_bench.FILE).read_text("utf-8"))["tuning"],
    }
    cases = list(product(segmentation_bench.MEASURED, composites.GROUNDS))
    with ProcessPoolExecutor(2) as pool:
        found = dict(zip(cases, pool.map(measure, cases), strict=True))
    measured = {name: {g: found[name, g] for g in composites.GROUNDS} for name in segmentation_bench.MEASURED}
    write(content | {"measured": measured})


if __name__ == "__main__":
    main()
