"""Compute the bias lab's features and measure its sweeps: writes assets/bias_features.npz, assets/bias.json, records.

    python -m training.bias                     # both, for the networks below; a few minutes

The features are kept as float16.
"""

import io
import json

import numpy as np
import torch

from training import release
from vizcore import models
from vizcore.evaluation import bias, bias_lab
from vizcore.images import gallery

NETWORKS = ("squeezenet1_1", "efficientnet_lite0")


def features() -> bytes:
    """The features of all networks as one file, with the ids of the cut-outs they belong to."""
    found = {name: bias_lab.features(models.load(name)).astype(np.float16) for name in NETWORKS}
    file = io.BytesIO()
    np.savez_compressed(file, cutouts=np.array([asset.id for asset in bias_lab.lab().assets]), **found)
    return file.getvalue()


def measured(name: str, kind: str) -> dict:
    """The sweep of a network for a kind of bias, and the shares of networks without bias."""
    net, found = models.load(name), bias_lab.stored(name)
    assert found is not None
    rows = bias.sweep(net, kind=kind)
    without, further = (bias.without_bias(net, kind, seeds, found) for seeds in (bias.WITHOUT, bias.FURTHER))
    print(name, kind, *rows, sep="\n  ", flush=True)
    kept = [json.loads(json.dumps(row._asdict())) for row in rows]
    return {"rows": kept, "without": without, "further": further}


def rounded(content: object) -> object:
    """The same with every number at six digits."""
    if isinstance(content, float):
        return round(content, 6)
    if isinstance(content, dict):
        return {key: rounded(value) for key, value in content.items()}
    return [rounded(one) for one in content] if isinstance(content, list) else content


def main() -> None:
    torch.set_num_threads(1)
    how = "python -m training.bias: "
    made = "what the last layer of each network gets for composites of this project's cut-outs on its backgrounds"
    release.measurement(bias_lab.FILE, features(), "Features of the bias lab", "training/bias.py", f"{how}{made}")
    bias_lab.stored.cache_clear()
    gallery.all_records.cache_clear()
    content = {name: {kind: measured(name, kind) for kind in bias_lab.KINDS} for name in NETWORKS}
    data = (json.dumps(rounded(content), separators=(",", ":")) + "\n").encode()
    made = "accuracy, and the share of three maps on the background, of networks trained with a planted bias"
    release.measurement(bias.FILE, data, "Sweeps of the bias lab, measured", "training/bias.py", f"{how}{made}")


if __name__ == "__main__":
    main()
