"""Make the maps that the page on projections shows first: python -m training.embeddings

For the default network on the photographs and cut-outs, and for the small network on 1,000 digits: t-SNE of every
layer on offer with the default settings, its noise twin, and how far both may be believed. So that the first view is
there at once, and the points can be moved through all layers.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from training import release
from vizcore import models
from vizcore.images import gallery
from vizcore.images.collection import LABELLED, labelled
from vizcore.inspection import embeddings, features, picture_maps

VIEWS = (("squeezenet1_1", LABELLED[0], 0), ("digits_cnn", "digits", 1000))


def view(model: str, collection: str, size: int) -> picture_maps.Kept:
    """The maps of all layers of one network."""
    net, source = models.load(model), labelled(collection, size)
    layers = features.offered(net)
    found = features.gather(net, source.pictures, layers)
    maps = {}
    for layer in layers:
        rows = found.rows[layer].astype(np.float32)
        for noise in (False, True):
            given = embeddings.noise_twin(rows).astype(np.float32) if noise else rows
            maps[layer, noise] = made = picture_maps.make(given, source.labels)
            print(model, layer, "noise" if noise else "", f"{made.trustworthiness:.3f}", made.original, made.projected)
    return picture_maps.Kept(features.identity(net, source.pictures, layers), size, maps, found.predicted)


def main() -> None:
    for model, collection, size in VIEWS:
        release.measurement(
            gallery.ASSETS / f"embeddings/{model}-{'digits' if size else 'photographs'}.npz",
            release.build().npz(picture_maps.to_file(view(model, collection, size))),
            f"Maps of {collection} by the layers of {models.spec(model).title}",
            "training/embeddings.py",
            "python -m training.embeddings: t-SNE (openTSNE, perplexity 30, seed 0) of what each layer gives"
            " for the pictures of this folder, with the trustworthiness of each point, its neighbours by all"
            " numbers, and the same for Gaussian noise",
        )


if __name__ == "__main__":
    main()
