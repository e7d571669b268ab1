"""Everything that is computed once and shared: networks, pictures, predictions, attributions.

A function under `@once`, `@per_network`, `@per_picture` or `@per_class` is computed once for all visitors who ask for
the same. What it returns is kept under plain values (names, digests, numbers): those the decorator takes from the view
and the function's other arguments. Arguments whose name begins with an underscore are not in the key: arrays, and
whatever the key names already. A result is a copy of the caller's own. Long computations with a progress bar are in
:mod:`vizcore.ui.jobs`.
"""

import contextlib
import dataclasses
import functools
import hashlib
import importlib
import inspect
import marshal
import os
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

import numpy as np
import streamlit as st
from PIL import Image

from vizcore.images.framing import CENTRE, Frame
from vizcore.ui import housekeeping, jobs, progress
from vizcore.ui.view import View

if TYPE_CHECKING:
    from vizcore.inspection.cam_steps import Unrolled
    from vizcore.methods import Attribution
    from vizcore.models import Net

P = ParamSpec("P")
R = TypeVar("R")


class Keeper(Protocol):
    """A decorator whose function keeps its results."""

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]: ...


# The seam.


def _store(name: str, entries: int, size: str | None) -> Callable[[tuple, Callable[[], Any]], Any]:
    """Where the results of one function are kept: `store(key, work)` is what `work()` returned the first time.

    This is the seam: every result passes here, whatever its function. Who asks while another computes the same waits
    for it. Results are pickled, keys are tuples of plain values, so a store that several servers share can stand here.

    Args:
        name: of the function, unlike all others.
        entries, size: the bounds; the result that was used longest ago goes first.
    """

    def store(key: tuple, _work: Callable[[], Any]) -> Any:
        return _work()

    store.__qualname__ = name  # by which Streamlit tells one store from another
    return st.cache_data(max_entries=entries, max_size=size, show_spinner=False)(store)


def _keeping(names: Callable[[View], tuple] | None, entries: int, size: str | None, step: str) -> Keeper:
    """A decorator; `names(view)` is what the key takes from the first argument, if that is a view."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        code = zlib.crc32(marshal.dumps(function.__code__))  # who edits a function sees the new results
        name = f"{function.__module__}.{function.__qualname__} {code:x}"
        store = _store(name, entries, size)

        @functools.wraps(function)
        def kept(*args: P.args, **kwargs: P.kwargs) -> R:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            values = dict(given.arguments)
            key = names(values.pop(next(iter(values)))) if names else ()
            key += tuple(value for word, value in values.items() if not word.startswith("_"))
            with progress.first_time(step, (name, key)) if step else contextlib.nullcontext():
                return store(key, lambda: function(*args, **kwargs))

        kept.clear = store.clear  # type: ignore[attr-defined]  # mypy knows no attributes of functions
        return kept

    return decorate


def once(entries: int = 32, size: str | None = None, step: str = "") -> Keeper:
    """Computed once for these arguments.

    Args:
        entries, size: how many results are kept, and of which size together.
        step: what to call it on the page while it takes long.
    """
    return _keeping(None, entries, size, step)


def per_network(entries: int = 64, size: str | None = None, step: str = "") -> Keeper:
    """Computed once for the view's network and the other arguments; else as :func:`once`."""
    return _keeping(lambda view: (view.model,), entries, size, step)


def per_picture(entries: int = 256, size: str | None = None, step: str = "") -> Keeper:
    """Computed once for the view's network and picture and the other arguments; else as :func:`once`."""
    return _keeping(lambda view: (view.model, view.digest), entries, size, step)


def per_class(entries: int = 256, size: str | None = None, step: str = "") -> Keeper:
    """Computed once for the view's network, picture and class and the other arguments; else as :func:`once`."""
    return _keeping(lambda view: (view.model, view.digest, view.target), entries, size, step)


def digest(values: np.ndarray) -> str:
    """Names the content of an array, for a key: its type, shape and every number."""
    content = hashlib.blake2b(f"{values.dtype} {values.shape} ".encode(), digest_size=16)
    content.update(np.ascontiguousarray(values).data)
    return content.hexdigest()


# Networks and pictures.


@st.cache_resource(max_entries=4, show_spinner=False)
def load_net(model: str) -> "Net":
    """A registered network, shared by all visitors. The four used last are kept."""
    import torch

    from vizcore import models

    # Two visitors who come first to charts would find it half imported: plotly looks into sys.modules for it.
    importlib.import_module("pandas")
    torch.set_num_threads(int(os.environ.get("VIZ_THREADS", "1")))
    net = models.load(model)
    housekeeping.start()
    return net


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
    if chosen is not None and open_gallery(chosen)[1] == view.digest:
        return f"assets/gallery/{gallery.find('gallery', chosen).file.name}"
    return "your_picture.jpg"


@once(entries=256, size="80MB")
def _prepared(
    model: str, digest: str, frame: Frame, _net: "Net", _image: Image.Image
) -> tuple[np.ndarray, np.ndarray, Image.Image]:
    """What the network sees of a picture, (1, C, S, S); its (K,) logits; the square as a picture."""
    import torch

    from vizcore.images import framing

    if frame != CENTRE:
        red, green, blue = (round(255 * mean) for mean in (_net.mean * 3)[:3])
        share = _net.input_size / _net.resize
        _image = framing.square(_image, frame, _net.input_size, share, (red, green, blue), _net.interpolation)
        _net = _net.uncropped()
    x = _net.preprocess(_image)
    with torch.no_grad():
        return x.cpu().numpy(), _net(x)[0].cpu().numpy(), _net.crop(_image)


def make_view(
    model: str,
    net: "Net",
    image: Image.Image,
    digest: str,
    title: str,
    alt: str = "",
    target: int | None = None,
    frame: Frame = CENTRE,
) -> View:
    """A view from its parts; the target is the top prediction when omitted.

    Args:
        digest: names the whole picture; the view's own names the part seen too, where that is not the centre.
    """
    import torch

    if not digest.endswith(frame.name):
        digest += frame.name
    x, logits, picture = _prepared(model, digest, frame, net, image)
    target = int(logits.argmax()) if target is None else target
    on_device = torch.from_numpy(x).to(net.device)
    return View(model, net, image, picture, on_device, digest, logits, target, title, alt, frame)


def through(view: View, model: str, net: "Net") -> View:
    """Another network on the same part of the same picture, for its top prediction."""
    return make_view(model, net, view.image, view.digest, view.title, view.alt, frame=view.frame)


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
    from vizcore import images

    if picture is None:
        if image is None:
            return dataclasses.replace(view, target=view.target if target is None else target)
        return make_view(view.model, view.net, image, images.digest(image), title, alt, target)
    digest = f"{images.digest(picture)} uncropped"
    other = make_view(view.model, view.net.uncropped(), picture, digest, title, alt, target)
    return dataclasses.replace(other, net=view.net)


# Explanations of a class.


def attribution(
    view: View, method: str, target: int | None = None, layer: str | None = None, **params: Any
) -> "Attribution":
    """The named method on the view's picture, computed once for everyone who picks the same.

    Raises:
        ValueError: an unknown method, layer, class or parameter.
    """
    from vizcore import methods

    view, settings = look(view, target=target), tuple(sorted(params.items()))
    key = "attribution", view.model, view.digest, method, view.target, layer, settings
    known = methods.METHODS.get(method)
    if known is None or not known.slow:
        with progress.first_time(f"Computing {known.title if known else method}", key):
            return _attribution(view, method, layer, settings)

    def work(report: Callable[[float], None]) -> "Attribution":
        return methods.run(method, view.net, view.x, view.target, layer=layer, progress=report, **params)

    return jobs.run(key, work, known.title)


@per_class(entries=384, size="120MB")
def _attribution(view: View, method: str, layer: str | None, params: tuple) -> "Attribution":
    from vizcore import methods

    return methods.run(method, view.net, view.x, view.target, layer=layer, **dict(params))


@per_class(entries=128, size="60MB", step="Computing Grad-CAM")
def unrolled(view: View, layer: str | None = None, counterfactual: bool = False) -> "Unrolled":
    """All steps of Grad-CAM, as :func:`vizcore.inspection.cam_steps.unroll`, computed once for everyone.

    Raises:
        ValueError: the layer has no feature maps, or the score does not depend on them.
    """
    from vizcore.inspection import cam_steps

    steps = cam_steps.unroll(view.net, view.x, view.target, layer, counterfactual)
    tensors = {name: value.detach().cpu() for name, value in steps._asdict().items() if hasattr(value, "cpu")}
    return steps._replace(**tensors)


def input_gradient(view: View, target: int | None = None, of: str = "logit") -> np.ndarray:
    """(C, H, W) signed gradient of a class score with respect to the view's picture, computed once for all.

    Args:
        target: class index; the view's own when omitted.
        of: "logit", "loss" or "probability".
    """
    return _input_gradient(look(view, target=target), of)


@per_class(entries=256, size="60MB")
def _input_gradient(view: View, of: str) -> np.ndarray:
    from vizcore.methods import gradients

    return gradients.input_gradient(view.net, view.x, view.target, of)[0].cpu().numpy()


@per_class(entries=256, step="Removing pixels")
def removal_curve(
    view: View, _values: np.ndarray, map_key: tuple, shares: tuple[float, ...], fill: str, seed: int
) -> dict[str, np.ndarray]:
    """The class score after removing pixels in the order of a map: most salient first, random, least first.

    Args:
        _values: the (H, W) map. map_key: plain values that name it, since arrays are not in the cache's key.
        shares, fill, seed: as for :func:`vizcore.evaluation.perturbation.curve`, `filling` and `orders`.

    Returns:
        "logit" and "probability", each (3, shares).
    """
    from vizcore.evaluation import perturbation

    orders = perturbation.orders(_values, seed)
    filling = perturbation.filling(view.net, view.x, fill)
    return perturbation.curve(view.net, view.x, view.target, orders, shares, filling)


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """As :func:`vizcore.evaluation.compare.spearman`, once for everyone who compares the same two arrays."""
    return _rank_correlation(digest(one), digest(other), one, other)


@once(entries=1024)
def _rank_correlation(one: str, other: str, _one: np.ndarray, _other: np.ndarray) -> float:
    from vizcore.evaluation import compare

    return compare.spearman(_one, _other)


# What lies inside.


@per_picture(entries=256, size="60MB")
def unit_gradient(view: View, layer: str, unit: int, rule: str | None = None) -> np.ndarray:
    """(C, H, W) gradient of a unit's strongest cell with respect to the view's picture, cached for all.

    Args:
        rule: "deconvnet", "guided", or None for the plain gradient.

    Raises:
        ValueError: an unknown layer or unit.
    """
    from vizcore.inspection import unit_gradients

    return unit_gradients.gradient(view.net, view.x, layer, unit, rule=rule).gradients[0]


@per_picture(entries=96, size="80MB")
def feature_maps(view: View, layer: str) -> np.ndarray:
    """(K, H, W) float32: what a layer answers to the view's picture, computed once for everyone.

    Raises:
        ValueError: an unknown layer, or one without maps.
    """
    from vizcore.inspection import activations

    return activations.feature_maps(view.net, view.x, layer)


@per_picture(entries=96, size="40MB")
def activation(view: View, layer: str) -> np.ndarray:
    """A layer's output for the view's picture, whatever its shape, computed once for everyone."""
    import torch

    from vizcore.models import partial

    with torch.no_grad():
        return partial.activation(view.net, view.x, layer)[0].cpu().numpy().copy()


@per_picture(entries=256)
def sparsity(view: View, layers: tuple[str, ...]) -> tuple:
    """`inspection.activations.Depth` of each layer for the view's picture, computed once for everyone."""
    from vizcore.inspection import activations

    return tuple(activations.by_depth(view.net, view.x, layers))


@st.cache_resource(max_entries=3, show_spinner=False)
def _randomized_net(model: str, from_layer: str, seed: int, _net: "Net") -> "Net":
    from vizcore.evaluation import randomization

    return randomization.randomize(_net, from_layer, seed)


def randomized(view: View, from_layer: str, seed: int = 0) -> View:
    """The same picture and class for a copy of the network, with random weights from a layer upwards."""
    net = _randomized_net(view.model, from_layer, seed, view.net)
    model = f"{view.model}, random from {from_layer}, seed {seed}"
    other = dataclasses.replace(view, model=model, net=net)
    return dataclasses.replace(other, logits=_logits(other))


@per_picture(entries=256)
def _logits(view: View) -> np.ndarray:
    import torch

    with torch.no_grad():
        return view.net(view.x)[0].cpu().numpy()
