"""Measure segmentation by heat map and GrabCut on composites: writes assets/segmentation.json and its record.

    python -m training.segmentation --tune      # what was tried on the tuning composites; prints, writes nothing
    python -m training.segmentation             # measures the test composites with the settings in the code
"""

import argparse
import hashlib
import json
from pathlib import Path

import torch

from training import release
from vizcore import gallery, models, segmentation
from vizcore import segmentation_bench as bench
from vizcore.segmentation import Settings

EXTREMES = 8


def tune(net: models.Net) -> None:
    """Mean IoU on the tuning composites for a grid of settings."""
    built = [bench.build(recipe, net.input_size) for recipe in bench.recipes("tuning")]
    truths = [truth for _, truth in built]
    size = truths[0].shape

    def mean(masks) -> str:
        return f"{bench.interval([segmentation.iou(m, t) for m, t in zip(masks, truths, strict=True)]).mean:.3f}"

    for share in (0.5, 0.55, 0.6, 0.65, 0.7):
        print("box", share, mean(segmentation.centre_box(size, share) for _ in truths), flush=True)
    for inner, outer in ((0.2, 0.95), (0.3, 0.95), (0.4, 0.95), (0.5, 0.9), (0.5, 0.95), (0.6, 0.95)):
        labels = segmentation.box_seeds(size, inner, outer)
        for cuts in (1, 3):
            print("GrabCut from a box", inner, outer, cuts,
                  mean(segmentation.cut(picture, labels, cuts) for picture, _ in built), flush=True)  # fmt: skip
    for source in bench.SOURCES:
        values = [bench.explain(net, source, picture) for picture, _ in built]
        for sigma in (3, 5, 9):
            maps = [segmentation.strength(v, size, sigma) for v in values]
            for percentile in (75, 80, 85, 90):
                print(source, "threshold", sigma, percentile,
                      mean(segmentation.threshold(m, percentile) for m in maps), flush=True)  # fmt: skip
            for foreground, background in ((92, 40), (95, 30), (95, 50), (98, 50)):
                for cuts in (1, 3):
                    labels = [segmentation.seeds(m, foreground, background) for m in maps]
                    masks = (segmentation.cut(p, s, cuts) for (p, _), s in zip(built, labels, strict=True))
                    print(source, Settings(sigma, foreground, background, cuts), mean(masks), flush=True)


def measure(net: models.Net) -> str:
    """The measurement on all test composites as JSON."""
    recipes = bench.recipes()
    rows, masks = {"box": [bench.box_row(recipe, net.input_size) for recipe in recipes]}, {}
    for source, (_, settings) in bench.SOURCES.items():
        found = [bench.measure_one(net, source, settings, recipe) for recipe in recipes]
        rows[source] = [row for row, _ in found]
        order = sorted(range(len(found)), key=lambda i: found[i][0].cut)
        chosen = order[:EXTREMES] + order[-EXTREMES:]
        masks[source] = {str(i): bench.pack(found[i][1]) for i in sorted(chosen)}
        print(source, *(bench.interval([row[k] for row in rows[source]]) for k in (0, 1)), sep="\n  ", flush=True)
    return json.dumps(
        {
            "model": net.name, "seed": bench.SEED, "recipes": recipes,
            "settings": {source: {"params": p, **s._asdict()} for source, (p, s) in bench.SOURCES.items()},
            "box": bench.BOX._asdict(),
            "rows": {name: [[round(v, 5) for v in row] for row in found] for name, found in rows.items()},
            "masks": masks,
        },
        separators=(",", ":"),
    ) + "\n"  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tune", action="store_true", help="try a grid of settings on the tuning composites")
    torch.set_num_threads(1)
    net = models.load("efficientnet_lite0")
    if parser.parse_args().tune:
        tune(net)
        return
    data = measure(net).encode()
    Path(bench.FILE).write_bytes(data)
    release.put_on_record([{
        "path": bench.FILE.relative_to(gallery.ASSETS).as_posix(), "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data), "kind": "measurement", "title": "Segmentation of composites, measured",
        "category": "measurements", "author": "The authors of this dashboard", "licence": "Apache-2.0",
        "source": "training/segmentation.py",
        "how": "python -m training.segmentation: intersection over union of GrabCut, of a threshold and of centre "
        "boxes with the known masks of composites of this project's cut-outs and backgrounds",
    }])  # fmt: skip


if __name__ == "__main__":
    main()
