"""10 Saliency maps: the gradient of a class score with respect to the picture."""

import torch

from vizcore import ui
from vizcore.evaluation import perturbation
from vizcore.methods import METHODS, gradients
from vizcore.ui.blocks import MAIN_ROOM
from vizcore.ui.sections import saliency as section

# What a visitor reads, the method, and the beginning of its parameters' names in the address.
VARIANTS = {
    "Gradient": ("saliency", ""),
    "SmoothGrad": ("smooth_grad", "sg"),
    "Integrated gradients": ("integrated_gradients", "ig"),
    "FORGrad": ("forgrad", "fg"),
}
OVER = {"sum": "Sum", "max": "Maximum", "l2": "Euclidean length"}

view, words = ui.begin(__file__), ui.words(__file__)

with ui.choices():
    variant = ui.linked_select("Variant", list(VARIANTS), "variant", width=170)
    method, prefix = VARIANTS[variant]
    of = "logit"
    if method == "saliency":
        scores, hint = ["logit", "loss", "probability"], words.text("help: gradient of the")
        of = ui.segmented_control("Gradient of the", scores, default="logit", key="of", help=hint)
figure, side = ui.beside()
with side:
    hint = words.text("help: over the channels")
    channels = ui.segmented_control("Over the channels", list(OVER), default="sum", key="channels", help=hint)
    ends, hint = [95, 98, 99, 99.5, 100], words.text("help: scale to percentile")
    clip = ui.select_slider("Scale to percentile", ends, 99.5, key="clip", help=hint)
    opacity = ui.opacity()

plain = {"reduction": channels, "of": of}
if method == "saliency":
    result = ui.attribution(view, method, **plain)
    params, signed, values = plain, ui.input_gradient(view, of=of), result.values
else:
    with side:
        given = {"reduction": channels} if method == "forgrad" else {}
        quick = {"tolerance": 0.0} if prefix == "ig" else {}
        params = given | ui.param_widgets(METHODS[method], prefix, tuple(given), **quick)
    result = ui.attribution(view, method, **params)
    if method == "forgrad":
        signed, values = ui.input_gradient(view, of=of), result.values
    else:
        signed = result.values
        values = gradients.reduce_channels(torch.from_numpy(signed)[None], channels)[0].numpy()

key = method, channels, *sorted(params.items())
alt = f"{variant} map of {view.title} for the class {view.class_name}"
slope = f"slope of the {of}, per normalized unit of colour"
unit = {
    "saliency": slope,
    "forgrad": slope,
    "smooth_grad": "mean slope of the logit over noisy copies, per normalized unit of colour",
    "integrated_gradients": "part of the logit's change from the baseline",
}[method]
found = section.Found(signed, values, key, variant, alt, unit, clip, opacity)
with figure:
    if method == "saliency":
        ui.heat(
            values,
            view.picture,
            signed=False,
            clip=clip,
            opacity=opacity,
            unit=unit,
            room=MAIN_ROOM,
            caption=words.text("caption of the map", of=of, name=view.class_name),
            alt=alt,
            key="saliency",
        )
    elif method == "forgrad":
        section.filtered(view, found, ui.attribution(view, "saliency", **plain).values, params["cutoff"])
    else:
        section.beside_plain(view, found, ui.attribution(view, "saliency", **plain).values)
    ui.notes(result)


def steps() -> None:
    """How the map is made of the gradient."""
    words.part("Step by step")
    gain = ui.gain()
    reduced = f"{OVER[channels]} over the channels{', filtered' if method == 'forgrad' else ''}"
    section.steps(view, found, reduced, gain)


def classes() -> None:
    """The plain gradient of several classes."""
    words.part("Several classes, one scale")
    with ui.controls("class_controls"):
        count = ui.slider("Most probable classes", 2, 5, 3, key="k", width=220)
    section.classes(view, count, channels, of, clip)


def removal() -> None:
    """The most and the least salient pixels taken away, and as many random ones."""
    words.part("Do the salient pixels matter?")
    with ui.controls("removal_controls"):
        shares = [round(100 * share) for share in perturbation.SHARES[1:]]
        share = ui.select_slider("Pixels removed (%)", shares, 10, key="share", width=260)
        fills, hint = list(perturbation.FILLS), words.text("help: replaced by")
        fill = ui.segmented_control("Replaced by", fills, default="mean", key="fill", help=hint)
        score = ui.segmented_control("Curve of the", ["logit", "probability"], default="logit", key="curve")
        seed = ui.number_input("Random seed", 0, 9999, 0, key="seed", width=130)
    section.removal(view, found, share, fill, score, seed)


ui.tabs(("Step by step", steps), ("Several classes", classes), ("Do they matter?", removal))
words.end(
    functions=[gradients.input_gradient, gradients.reduce_channels, perturbation.remove, perturbation.curve],
    snippet=ui.snippet(view, method, **params),
    rough=section.rough(view, values),
    seen=section.seen(method, params),
    bright=section.bright(method),
)
