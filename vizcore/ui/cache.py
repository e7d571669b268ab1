"""Everything that is computed once and shared: networks, pictures, predictions, attributions.

Keys are plain values (names, digests, numbers); arguments that begin with an underscore are not in the key.
"""

import contextlib
import dataclasses
import gc
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from PIL import Image

from vizcore.ui import jobs, progress

if TYPE_CHECKING:
    from torch import Tensor

    from vizcore.methods import Attribution
    from vizcore.models import Net


@dataclasses.dataclass(frozen=True)
class View:
    """What the visitor looks at: a network, a picture and a class.

    Attributes:
        model: the network's name in the registry. net: the network itself.
        image: the whole picture, upright. picture: the square of it that the network sees.
        title: what to call the picture. alt: a sentence that describes it.
        digest: names the picture's content; part of every cache key.
        x: (1, 3, H, W), the picture as the network takes it.
        logits: (K,) float32. target: class index.
    """

    model: str
    net: "Net" = dataclasses.field(repr=False)
    image: Image.Image = dataclasses.field(repr=False)
    picture: Image.Image = dataclasses.field(repr=False)
    x: "Tensor" = dataclasses.field(repr=False)
    digest: str
    logits: np.ndarray = dataclasses.field(repr=False)
    target: int
    title: str
    alt: str = ""

    @property
    def class_name(self) -> str:
        return self.net.categories[self.target]

    @property
    def probabilities(self) -> np.ndarray:
        """(K,) softmax of the logits."""
        powers = np.exp(self.logits - self.logits.max())
        return powers / powers.sum()

    def top(self, count: int = 5) -> list[int]:
        """The most probable classes, best first."""
        return [int(index) for index in np.argsort(-self.logits, kind="stable")[:count]]


@st.cache_resource(max_entries=4, show_spinner=False)
def load_net(model: str) -> "Net":
    """A registered network, shared by all visitors. The four used last are kept."""
    import torch

    from vizcore import models

    torch.set_num_threads(int(os.environ.get("VIZ_THREADS", "1")))
    net = models.load(model)
    freeze(model)
    return net


@st.cache_resource(max_entries=64, show_spinner=False)
def freeze(after: str) -> None:
    """Call after a late heavy import, with its name: takes what is loaded out of the garbage collection.

    Streamlit collects garbage after every run; without this it would walk all of torch each time.
    """
    gc.collect()
    gc.freeze()


@st.cache_resource(max_entries=64, show_spinner=False)
def open_gallery(name: str) -> tuple[Image.Image, str]:
    """A gallery picture and its digest."""
    from vizcore import images
    from vizcore.images import gallery

    asset = next(asset for asset in gallery.records("gallery") if asset.id == name)
    image = gallery.open_image(asset)
    return image, images.digest(image)


def image_file(view: View) -> str:
    """Where the view's picture lies, for a program that is shown; a stand-in for a visitor's own picture."""
    from vizcore.images import gallery

    chosen = st.session_state.get("image")
    ours = chosen is not None and open_gallery(chosen)[1] == view.digest
    return f"assets/gallery/{gallery.find('gallery', chosen).file.name}" if ours else "your_picture.jpg"


@st.cache_data(max_entries=512, show_spinner=False)
def predict(model: str, digest: str, _net: "Net", _x: "Tensor") -> np.ndarray:
    """(K,) logits."""
    import torch

    with torch.no_grad():
        return _net(_x)[0].cpu().numpy()


@st.cache_data(max_entries=384, max_size="400MB", show_spinner=False)
def _attribute(
    model: str,
    digest: str,
    method: str,
    target: int,
    layer: str | None,
    params: tuple,
    _net: "Net",
    _x: "Tensor",
) -> "Attribution":
    from vizcore import methods

    return methods.run(method, _net, _x, target, layer=layer, **dict(params))


def look(
    view: View,
    *,
    image: Image.Image | None = None,
    picture: Image.Image | None = None,
    title: str = "",
    alt: str = "",
    target: int | None = None,
) -> View:
    """The same network on another picture, or the same picture for another class.

    Args:
        image: any RGB picture; resized and cropped as the network wants it.
        picture: instead, the very S x S pixels the network is to see, like `view.picture`; not cropped again.
        title: what to call it. alt: a sentence that describes it.
        target: class index; when omitted the view's own, or for another picture its top prediction.
    """
    if image is None and picture is None:
        return dataclasses.replace(view, target=view.target if target is None else target)
    from vizcore import images

    if picture is None:
        return make_view(view.model, view.net, image, images.digest(image), title, alt, target)
    digest = f"{images.digest(picture)} uncropped"
    uncropped = dataclasses.replace(view.net, resize=view.net.input_size)
    other = make_view(view.model, uncropped, picture, digest, title, alt, target)
    return dataclasses.replace(other, net=view.net)


def make_view(
    model: str,
    net: "Net",
    image: Image.Image,
    digest: str,
    title: str,
    alt: str = "",
    target: int | None = None,
) -> View:
    """A view from its parts; the target is the top prediction when omitted."""
    x = net.preprocess(image)
    logits = predict(model, digest, net, x)
    target = int(logits.argmax()) if target is None else target
    return View(model, net, image, net.crop(image), x, digest, logits, target, title, alt)


def attribution(
    view: View, method: str, target: int | None = None, layer: str | None = None, **params: Any
) -> "Attribution":
    """The named method on the view's picture, computed once for everyone who picks the same.

    Raises:
        ValueError: an unknown method, layer, class or parameter.
    """
    from vizcore import methods

    target = view.target if target is None else target
    key = view.model, view.digest, method, target, layer, tuple(sorted(params.items()))
    title = methods.METHODS[method].title if method in methods.METHODS else method
    if method in methods.METHODS and methods.METHODS[method].slow:

        def work(report: Callable[[float], None]) -> "Attribution":
            return methods.run(method, view.net, view.x, target, layer=layer, progress=report, **params)

        with progress.line.get() or contextlib.nullcontext():
            return jobs.shared(_slow(*key), work, title)
    with progress.working(f"Computing {title}"):
        return _attribute(*key, view.net, view.x)


@st.cache_resource(max_entries=96, show_spinner=False)
def _slow(
    model: str, digest: str, method: str, target: int, layer: str | None, params: tuple
) -> jobs.Job:
    """The one run of a method that takes many forward passes; all who ask for it see its progress."""
    return jobs.Job()



@st.cache_data(max_entries=256, max_size="200MB", show_spinner=False)
def _input_gradient(
    model: str, digest: str, target: int, of: str, _net: "Net", _x: "Tensor"
) -> np.ndarray:
    from vizcore.methods import gradients

    return gradients.input_gradient(_net, _x, target, of)[0].cpu().numpy()


def input_gradient(view: View, target: int | None = None, of: str = "logit") -> np.ndarray:
    """(C, H, W) signed gradient of a class score with respect to the view's picture, computed once for all.

    Args:
        target: class index; the view's own when omitted.
        of: "logit", "loss" or "probability".
    """
    target = view.target if target is None else target
    return _input_gradient(view.model, view.digest, target, of, view.net, view.x)


@st.cache_data(max_entries=256, max_size="200MB", show_spinner=False)
def _unit_gradient(
    model: str, digest: str, layer: str, unit: int, rule: str | None, _net: "Net", _x: "Tensor"
) -> np.ndarray:
    from vizcore.inspection import unit_gradients

    return unit_gradients.gradient(_net, _x, layer, unit, rule=rule).gradients[0]


def unit_gradient(view: View, layer: str, unit: int, rule: str | None = None) -> np.ndarray:
    """(C, H, W) gradient of a unit's strongest cell with respect to the view's picture, cached for all.

    Args:
        rule: "deconvnet", "guided", or None for the plain gradient.

    Raises:
        ValueError: an unknown layer or unit.
    """
    return _unit_gradient(view.model, view.digest, layer, unit, rule, view.net, view.x)


@st.cache_data(max_entries=256, show_spinner=False)
def _removal_curve(
    model: str,
    digest: str,
    target: int,
    map_key: tuple,
    shares: tuple[float, ...],
    fill: str,
    seed: int,
    _values: np.ndarray,
    _net: "Net",
    _x: "Tensor",
) -> dict[str, np.ndarray]:
    from vizcore.evaluation import perturbation

    orders = perturbation.orders(_values, seed)
    return perturbation.curve(_net, _x, target, orders, shares, perturbation.filling(_net, _x, fill))


def removal_curve(
    view: View, values: np.ndarray, map_key: tuple, shares: tuple[float, ...], fill: str, seed: int
) -> dict[str, np.ndarray]:
    """The class score after removing pixels in the order of a map: most salient first, random, least first.

    Args:
        values: the (H, W) map. map_key: plain values that name it, since arrays are not in the cache's key.
        shares, fill, seed: as for :func:`vizcore.evaluation.perturbation.curve`, `filling` and `orders`.

    Returns:
        "logit" and "probability", each (3, shares).
    """
    with progress.working("Removing pixels"):
        return _removal_curve(
            view.model, view.digest, view.target, map_key, shares, fill, seed, values, view.net, view.x
        )


@st.cache_data(max_entries=96, max_size="300MB", show_spinner=False)
def _feature_maps(model: str, digest: str, layer: str, _net: "Net", _x: "Tensor") -> np.ndarray:
    from vizcore.inspection import activations

    return activations.feature_maps(_net, _x, layer)


def feature_maps(view: View, layer: str) -> np.ndarray:
    """(K, H, W) float32: what a layer answers to the view's picture, computed once for everyone.

    Raises:
        ValueError: an unknown layer, or one without maps.
    """
    return _feature_maps(view.model, view.digest, layer, view.net, view.x)


@st.cache_data(max_entries=96, max_size="100MB", show_spinner=False)
def _activation(model: str, digest: str, layer: str, _net: "Net", _x: "Tensor") -> np.ndarray:
    import torch

    from vizcore.models import partial

    with torch.no_grad():
        return partial.activation(_net, _x, layer)[0].cpu().numpy().copy()


def activation(view: View, layer: str) -> np.ndarray:
    """A layer's output for the view's picture, whatever its shape, computed once for everyone."""
    return _activation(view.model, view.digest, layer, view.net, view.x)


@st.cache_data(max_entries=256, show_spinner=False)
def _sparsity(model: str, digest: str, layers: tuple[str, ...], _net: "Net", _x: "Tensor") -> tuple:
    from vizcore.inspection import activations

    return tuple(tuple(row) for row in activations.by_depth(_net, _x, layers))


def sparsity(view: View, layers: tuple[str, ...]) -> tuple:
    """:class:`vizcore.inspection.activations.Depth` of each layer for the view's picture, computed once for everyone."""
    from vizcore.inspection import activations

    rows = _sparsity(view.model, view.digest, layers, view.net, view.x)
    return tuple(activations.Depth(*row) for row in rows)


@st.cache_resource(max_entries=3, show_spinner=False)
def _randomized_net(model: str, from_layer: str, seed: int, _net: "Net") -> "Net":
    from vizcore.evaluation import randomization

    return randomization.randomize(_net, from_layer, seed)


def randomized(view: View, from_layer: str, seed: int = 0) -> View:
    """The same picture and class for a copy of the network, with random weights from a layer upwards."""
    net = _randomized_net(view.model, from_layer, seed, view.net)
    model = f"{view.model}, random from {from_layer}, seed {seed}"
    logits = predict(model, view.digest, net, view.x)
    return dataclasses.replace(view, model=model, net=net, logits=logits)
