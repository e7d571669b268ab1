"""The registry of methods: one call, one kind of result.

    result = run("grad_cam", net, x, target=388)
    result.values, result.signed, result.meta["notes"]

Adding a method is one function and one entry here.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from vizcore.methods import cam, controls, gradients, occlusion, relu_rules
from vizcore.methods.cost import Cost, Costing, always, per_ablation, per_map
from vizcore.models import Net


@dataclass(frozen=True)
class Param:
    """A parameter of a method, described well enough to make a widget from it."""

    name: str
    default: Any
    kind: str  # "int", "float", "choice", "bool" or "layer"
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    help: str = ""


class Explained(NamedTuple):
    """What a method was run on, and its raw result (without the batch): what its notes are about."""

    net: Net
    x: Tensor
    target: int
    values: Tensor
    params: dict[str, Any]


@dataclass(frozen=True)
class Method:
    """An entry of the registry.

    Attributes:
        name, title: for code, for people.
        run: function of (net, x, target, **params) that returns a batch.
        params: what can be set.
        family: "gradient", "relu rule", "cam", "perturbation" or "control".
        paper: authors, venue, year.
        signed: whether values below zero mean evidence against the class; None where the sign is a direction only,
            and a result counts as signed when it has both signs.
        maps: True for (N, h, w) results, False for image-shaped (N, C, H, W) ones.
        slow: whether it needs many forward passes and so reports progress.
        cost: how often the network runs; None where nobody has said.
        notes: what to be careful about in a result, in sentences; beside what is said of every method.
    """

    name: str
    title: str
    run: Callable[..., Tensor] = field(repr=False)
    params: tuple[Param, ...]
    family: str
    paper: str
    signed: bool | None
    maps: bool
    slow: bool = False
    cost: Costing | None = None
    notes: Callable[[Explained], list[str]] | None = None


@dataclass(frozen=True)
class Attribution:
    """What a method found for one image.

    Attributes:
        values: float32, (H, W) for map methods, (C, H, W) for image-gradient methods; raw scale.
        signed: whether there are negative values that count.
        meta: method, model, layer, target, params, seconds and notes (plain-language diagnostics).
    """

    values: np.ndarray = field(repr=False)
    signed: bool
    meta: dict[str, Any]


_LAYER = Param("layer", None, "layer", help="The layer whose feature maps are weighted.")
_SEED = Param("seed", 0, "int", 0, 9999, help="Seed of the random numbers.")
_REDUCTION = Param("reduction", "sum", "choice", choices=("sum", "max", "l2"), help="How channels are combined.")
_OF = Param("of", "logit", "choice", choices=("logit", "probability", "loss"), help="What is differentiated.")

# What single methods say about their results.


def _relu_notes(rule: str) -> Callable[[Explained], list[str]]:
    return lambda found: relu_rules.notes(found.net, rule)


def _guided_grad_cam_notes(found: Explained) -> list[str]:
    return [f"{note[:-1]} times Grad-CAM." for note in relu_rules.notes(found.net, "guided")]


def _eigen_cam_notes(found: Explained) -> list[str]:
    return ["Eigen-CAM does not look at the class: this map is the same for every class."]


def _ablation_cam_notes(found: Explained) -> list[str]:
    with torch.no_grad():
        score = float(found.net(found.x)[0, found.target])
    if score > 0:
        return []
    return [
        f"The score of this class is not positive ({score:.3g}). Ablation-CAM divides by it, so its weights "
        "change sign: the map shows what speaks against the class."
    ]


def _completeness_notes(found: Explained) -> list[str]:
    gap = gradients.completeness_gap(found.net, found.x, found.target, found.values[None], found.params["baseline"])
    more = " Take more steps." if gap > 0.01 else ""
    return [f"The values miss the difference of the two scores by {gap:.2%}.{more}"]


# What single methods cost.


def _integrated_cost(net: Net, params: Mapping[str, Any], maps: np.ndarray | None) -> Cost:
    steps = params["steps"]  # two passes more to know the sum that is wanted
    return Cost(steps + 2, steps, exact=not params["tolerance"])


def _occlusion_cost(net: Net, params: Mapping[str, Any], maps: np.ndarray | None) -> Cost:
    return Cost(1 + len(occlusion.places((net.input_size,) * 2, params["patch"], params["stride"])))


ONE, ONE_AND_BACK = always(1), always(1, 1)

_ENTRIES = (
    Method(
        "saliency",
        "Saliency map",
        gradients.saliency,
        (_REDUCTION, _OF),
        "gradient",
        "Simonyan et al., arXiv 2013",
        signed=False,
        maps=True,
        cost=ONE_AND_BACK,
    ),
    Method(
        "input_x_gradient",
        "Input x gradient",
        gradients.input_x_gradient,
        (),
        "gradient",
        "Shrikumar et al., arXiv 2016",
        signed=True,
        maps=False,
        cost=ONE_AND_BACK,
    ),
    Method(
        "smooth_grad",
        "SmoothGrad",
        gradients.smooth_grad,
        (
            Param("samples", 16, "int", 4, 64, 4, help="Noisy copies to average."),
            Param("noise", 0.15, "float", 0.0, 0.5, 0.05, help="Standard deviation, as a share of max - min."),
            _SEED,
        ),
        "gradient",
        "Smilkov et al., arXiv 2017",
        signed=True,
        maps=False,
        slow=True,
        cost=lambda net, params, maps: Cost(params["samples"], params["samples"]),
    ),
    Method(
        "integrated_gradients",
        "Integrated gradients",
        gradients.integrated_gradients,
        (
            Param("steps", 32, "int", 8, 128, 8, help="Points on the path from the baseline to the image."),
            Param(
                "baseline", "mean", "choice", choices=("mean", "black", "white", "blur"), help="Where the path starts."
            ),
            Param(
                "tolerance",
                0.01,
                "float",
                0.0,
                0.2,
                0.01,
                help="Take more points until the sum is right to this share; 0 takes the given number.",
            ),
        ),
        "gradient",
        "Sundararajan et al., ICML 2017",
        signed=True,
        maps=False,
        slow=True,
        cost=_integrated_cost,
        notes=_completeness_notes,
    ),
    Method(
        "forgrad",
        "FORGrad",
        gradients.forgrad,
        (
            _REDUCTION,
            Param(
                "cutoff",
                0.1,
                "float",
                0.02,
                1.0,
                0.02,
                help="Highest frequency that is kept, as a share of the highest there is; 1 keeps the whole map.",
            ),
        ),
        "gradient",
        "Muzellec et al., ICML 2024",
        signed=False,
        maps=True,
        cost=ONE_AND_BACK,
    ),
    Method(
        "deconvnet",
        "Deconvnet",
        relu_rules.deconvnet,
        (),
        "relu rule",
        "Zeiler & Fergus, ECCV 2014",
        signed=True,
        maps=False,
        cost=ONE_AND_BACK,
        notes=_relu_notes("deconvnet"),
    ),
    Method(
        "guided_backprop",
        "Guided backpropagation",
        relu_rules.guided_backprop,
        (),
        "relu rule",
        "Springenberg et al., ICLR 2015 workshop",
        signed=True,
        maps=False,
        cost=ONE_AND_BACK,
        notes=_relu_notes("guided"),
    ),
    Method("cam", "CAM", cam.cam, (), "cam", "Zhou et al., CVPR 2016", signed=True, maps=True, cost=always(2)),
    Method(
        "grad_cam",
        "Grad-CAM",
        cam.grad_cam,
        (_LAYER, Param("counterfactual", False, "bool", help="Negate the gradient: evidence against the class.")),
        "cam",
        "Selvaraju et al., ICCV 2017",
        signed=False,
        maps=True,
        cost=ONE_AND_BACK,
    ),
    Method(
        "grad_cam_pp",
        "Grad-CAM++",
        cam.grad_cam_pp,
        (_LAYER,),
        "cam",
        "Chattopadhyay et al., WACV 2018",
        signed=False,
        maps=True,
        cost=ONE_AND_BACK,
    ),
    Method(
        "hires_cam",
        "HiResCAM",
        cam.hires_cam,
        (_LAYER,),
        "cam",
        "Draelos & Carin, arXiv 2020",
        signed=True,
        maps=True,
        cost=ONE_AND_BACK,
    ),
    Method(
        "layer_cam",
        "LayerCAM",
        cam.layer_cam,
        (_LAYER,),
        "cam",
        "Jiang et al., IEEE TIP 2021",
        signed=False,
        maps=True,
        cost=ONE_AND_BACK,
    ),
    Method(
        "xgrad_cam",
        "XGrad-CAM",
        cam.xgrad_cam,
        (_LAYER,),
        "cam",
        "Fu et al., BMVC 2020",
        signed=False,
        maps=True,
        cost=ONE_AND_BACK,
    ),
    Method(
        "eigen_cam",
        "Eigen-CAM",
        cam.eigen_cam,
        (_LAYER, Param("centred", False, "bool", help="Take each map's mean off first.")),
        "cam",
        "Muhammad & Yeasin, IJCNN 2020",
        signed=None,
        maps=True,
        cost=ONE,
        notes=_eigen_cam_notes,
    ),
    Method(
        "ablation_cam",
        "Ablation-CAM",
        cam.ablation_cam,
        (_LAYER,),
        "cam",
        "Desai & Ramaswamy, WACV 2020",
        signed=False,
        maps=True,
        slow=True,
        cost=per_ablation,
        notes=_ablation_cam_notes,
    ),
    Method(
        "score_cam",
        "Score-CAM",
        cam.score_cam,
        (_LAYER,),
        "cam",
        "Wang et al., CVPR workshops 2020",
        signed=False,
        maps=True,
        slow=True,
        cost=per_map(2),
    ),
    Method(
        "guided_grad_cam",
        "Guided Grad-CAM",
        cam.guided_grad_cam,
        (_LAYER,),
        "cam",
        "Selvaraju et al., ICCV 2017",
        signed=True,
        maps=False,
        cost=always(2, 2),
        notes=_guided_grad_cam_notes,
    ),
    Method(
        "occlusion",
        "Occlusion",
        occlusion.occlusion,
        (
            Param("patch", 0.15, "float", 0.05, 0.5, 0.05, help="Side of the patch, as a share of the picture's."),
            Param(
                "stride", 0.5, "float", 0.25, 1.0, 0.25, help="From one position to the next, as a share of the patch."
            ),
            Param(
                "fill", "mean", "choice", choices=("mean", "black", "white", "blur"), help="What covers the picture."
            ),
        ),
        "perturbation",
        "Zeiler & Fergus, ECCV 2014",
        signed=True,
        maps=True,
        slow=True,
        cost=_occlusion_cost,
    ),
    Method(
        "rise",
        "RISE",
        occlusion.rise,
        (
            Param("samples", 256, "int", 64, 4096, 64, help="Random masks; the paper takes 4000 and more."),
            Param("cells", 7, "int", 3, 16, 1, help="Cells along the side of the coarse random grid."),
            Param("keep", 0.5, "float", 0.1, 0.9, 0.1, help="Share of the picture that a mask lets through."),
            _SEED,
        ),
        "perturbation",
        "Petsiuk et al., BMVC 2018",
        signed=False,
        maps=True,
        slow=True,
        cost=lambda net, params, maps: Cost(params["samples"]),
    ),
    Method(
        "edges",
        "Edge detector",
        controls.edges,
        (),
        "control",
        "Sobel filter; control in Adebayo et al., 2018",
        signed=False,
        maps=True,
        cost=always(0),
    ),
    Method(
        "random",
        "Random map",
        controls.random,
        (_SEED,),
        "control",
        "A control",
        signed=False,
        maps=True,
        cost=always(0),
    ),
)

METHODS: dict[str, Method] = {method.name: method for method in _ENTRIES}


def names() -> tuple[str, ...]:
    """The registered methods, in the order of the lesson."""
    return tuple(METHODS)


def run(
    name: str, net: Net, x: Tensor, target: int, layer: str | None = None, progress=None, **params: Any
) -> Attribution:
    """Explain one image by a registered method.

    Args:
        name: one of :func:`names`.
        net: the network.
        x: (1, C, H, W), normalized; any height and width the network takes.
        target: class index.
        layer: for methods that look at a layer; the last convolutional map when None.
        progress: for slow methods, called with the share done; what it raises cancels the computation.
        **params: the method's own parameters.

    Returns:
        An :class:`Attribution` with raw values and notes on what to be careful about.

    Raises:
        ValueError: an unknown method, parameter, layer or class, or a network the method does not fit.
    """
    if name not in METHODS:
        raise ValueError(f"There is no method called '{name}'. Known: {', '.join(METHODS)}.")
    method, x = METHODS[name], x.detach()
    if len(x) != 1:
        raise ValueError(f"run() explains one image at a time, not {len(x)}; the functions underneath take batches.")
    if not torch.isfinite(x.sum()):  # not finite where any value is not
        raise ValueError("The image contains values that are not finite numbers.")
    net.check_target(target)
    known = {p.name: p.default for p in method.params}
    if unknown := params.keys() - known.keys():
        raise ValueError(f"{method.title} has no parameter {', '.join(sorted(unknown))}.")
    if layer is not None and "layer" not in known:
        raise ValueError(f"{method.title} does not look at a layer.")
    params = known | params
    if "layer" in known:
        params["layer"] = cam.map_layer(net, layer)
    extra = {"progress": progress} if method.slow else {}
    start = time.perf_counter()
    values = method.run(net, x, target, **params, **extra)[0]
    seconds = time.perf_counter() - start
    layer = params.pop("layer", None)
    meta = {
        "method": name,
        "model": net.name,
        "layer": layer,
        "target": int(target),
        "params": params,
        "seconds": seconds,
        "notes": notes(method, Explained(net, x, int(target), values, params)),
    }
    raw = np.ascontiguousarray(values.detach().cpu().numpy(), dtype=np.float32)
    signed = bool(raw.min() < 0) if method.signed is None else method.signed
    return Attribution(raw, signed, meta)


def notes(method: Method, found: Explained) -> list[str]:
    """Plain-language diagnostics: what this result cannot show, and why."""
    said = method.notes(found) if method.notes else []
    if not found.values.any():
        said.append(_nothing(method, found.params))
    if found.params.get("of") in ("probability", "loss"):
        said += _saturated(found)
    return said


def _nothing(method: Method, params: dict[str, Any]) -> str:
    if params.get("counterfactual"):
        return "The final ReLU removed everything: no evidence against this class at this layer."
    if method.family == "cam" and not (method.maps and method.signed is not False):
        return "The final ReLU removed everything: no positive evidence for this class at this layer."
    return "Every value is exactly zero: nothing here changes the score."


def _saturated(found: Explained) -> list[str]:
    with torch.no_grad():
        probability = float(found.net(found.x).softmax(1)[0, found.target])
    if found.params["of"] == "probability" and not 0.01 < probability < 0.99:
        return [
            f"The softmax is saturated (probability {probability:.2g}): its gradient is nearly zero. "
            "Use the score instead."
        ]
    if found.params["of"] == "loss" and probability > 0.99:
        return [
            f"The loss is already nearly zero (probability {probability:.3g}), and so is its gradient. "
            "Use the score instead."
        ]
    return []
