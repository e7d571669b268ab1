"""Contact sheets of all blocks, uncached: loading, searching the gallery, drawing back, encoding.

Usage: python tests/bench/bench_contact_sheet.py [--threads 2] [model ...]
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))


def once(model: str) -> None:
    """Seconds of each step in this process, which has computed nothing yet; the index is not read from disk."""
    import torch

    from vizcore import models
    from vizcore.figures import contact_sheet
    from vizcore.images.collection import open_collection
    from vizcore.inspection import contact_sheet as strips_of
    from vizcore.inspection import top_patches
    from vizcore.models import layers as model_layers

    torch.set_num_threads(1)
    for rule in ("deconvnet", "guided"):
        start = time.perf_counter()
        net = models.load(model)
        loaded = time.perf_counter()
        pictures = open_collection(channels=net.channels)
        index = top_patches.load_or_build(net, pictures, folder=Path(tempfile.mkdtemp()))
        searched = time.perf_counter()
        layers = model_layers.block_ends(net)
        chosen = {layer.name: top_patches.firing_most(net, index, layer.name, 6) for layer in layers}
        steps: list[float] = []
        strips = strips_of.gather(net, pictures, index, chosen, 9, rule, steps.append)
        sheets = {name: contact_sheet.draw(strip, 9) for name, strip in strips.items()}
        done = time.perf_counter()
        size = sum(len(sheet.sprite) + len(sheet.first) for sheet in sheets.values()) / 1000
        print(
            f"{net.title}, {rule}: {done - start:.2f} s, {len(sheets)} blocks, {len(steps)} drawings "
            f"(load {loaded - start:.2f}, search {searched - loaded:.2f}, draw {done - searched:.2f}), {size:.0f} kB"
        )


def page(model: str) -> None:
    """Seconds of the page's first run on a fresh server with an empty cache folder, and of the second one."""
    import os

    os.environ["VIZ_CACHE_DIR"] = tempfile.mkdtemp()
    from streamlit.testing.v1 import AppTest

    from vizcore import models

    app = AppTest.from_file(str(ROOT / "pages/layer_by_layer.py"), default_timeout=600)
    app.query_params["net"] = models.spec(model).title
    for label in ("first run, imports and all", "second run, cached"):
        start = time.perf_counter()
        app.run()
        assert not app.exception
        print(f"page, {models.spec(model).title}, {label}: {time.perf_counter() - start:.2f} s")


def main() -> None:
    """Each measurement in a process of its own."""
    for model in sys.argv[1:] or ["squeezenet1_1", "mini_vgg", "efficientnet_lite0"]:
        for what in ("once", "page"):
            subprocess.run([sys.executable, __file__, "--", what, model], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--"]:
        {"once": once, "page": page}[sys.argv[2]](sys.argv[3])
    else:
        main()
