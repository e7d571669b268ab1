"""Short programs that make a page's picture alone, in plain PyTorch, with the choices of the moment filled in.

:func:`code` has one for every registered method, the other functions one for a page each. Tests run all of them and
compare `result` with what the method or the page shows. All arguments are plain names and numbers.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

_START = """
import torch
import torch.nn.functional as F
from vizcore import images, models

net = models.load({model!r})
x = net.preprocess(images.load({image!r})).requires_grad_()
"""

_KEEP = """
kept = {{}}
def keep(module, inputs, output):
    kept["A"] = output
    return output.clone()  # so that no in-place ReLU overwrites what we kept
net.network.get_submodule({layer!r}).register_forward_hook(keep)
score = net(x)[0, {target}]
g = torch.autograd.grad(score, kept["A"])[0][0]
A = kept["A"][0].detach()
"""

_RULE = """
class Rule(torch.overrides.TorchFunctionMode):  # sees every ReLU of the network, however it is written
    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func not in (F.relu, F.relu6, F.hardtanh):
            return func(*args, **(kwargs or {{}}))
        f = args[0]
        out = func(f.clone(), *args[1:], **(kwargs or {{}}))
        {forward}
        out.register_hook(lambda R: R.clamp(min=0))  # only positive gradients pass
        return out
"""
_FORWARD = {"deconvnet": "out = f + (out - f).detach()  # whatever the forward pass did"}  # guided keeps f's own slope

_RELU = (
    _RULE
    + """
with Rule():
    score = net(x)[0, {target}]
result = torch.autograd.grad(score, x)[0][0]
"""
)

_OF = {
    "logit": "net(x)[0, {target}]",
    "probability": "net(x).softmax(1)[0, {target}]",
    "loss": "F.cross_entropy(net(x), torch.tensor([{target}]))",
}
_REDUCE = {"sum": "g.abs().sum(0)", "max": "g.abs().amax(0)", "l2": "g.norm(dim=0)"}
_BASELINE = {
    "mean": "torch.zeros_like(x)",
    "black": "gradients.make_baseline(net, x.detach(), 'black')",
    "white": "gradients.make_baseline(net, x.detach(), 'white')",
    "blur": "gradients.make_baseline(net, x.detach(), 'blur')",
}

_BODIES = {
    "saliency": """
score = {score}
g = torch.autograd.grad(score, x)[0][0]
result = {reduced}
""",
    "input_x_gradient": """
score = net(x)[0, {target}]
g = torch.autograd.grad(score, x)[0][0]
result = (x[0] * g).detach()
""",
    "smooth_grad": """
sigma = {noise} * (x.max() - x.min()).detach()
dice = torch.Generator().manual_seed({seed})
result = 0
for _ in range({samples}):
    noisy = x + sigma * torch.randn(x.shape, generator=dice)
    result = result + torch.autograd.grad(net(noisy)[0, {target}], x)[0][0] / {samples}
""",
    "integrated_gradients": """
start, steps, total = {start}, {steps}, 0
while True:
    for u in (torch.arange(steps) + 0.5) / steps:
        point = (start + u**3 * (x - start)).detach().requires_grad_()
        total = total + 3 * u**2 * torch.autograd.grad(net(point)[0, {target}], point)[0] / steps
    result = ((x - start) * total)[0].detach()
    wanted = (net(x) - net(start))[0, {target}].item()
    if not {tolerance} or abs(result.sum() - wanted) <= {tolerance} * abs(wanted) or steps >= {limit}:
        break
    steps, total = 3 * steps, 0
""",
    "forgrad": """
score = net(x)[0, {target}]
g = torch.autograd.grad(score, x)[0][0]
M = {reduced}
down, across = (torch.fft.fftfreq(side) for side in M.shape)  # periods per pixel
w = torch.hypot(down[:, None], across) <= {cutoff} * 0.5**0.5  # 0.5**0.5: a checkerboard's
result = torch.fft.ifft2(torch.fft.fft2(M) * w).real.abs()
""",
    "deconvnet": _RELU,
    "guided_backprop": _RELU,
    "cam": _KEEP
    + """
linear = [m for m in net.network.modules() if isinstance(m, torch.nn.Linear)]
if linear:
    result = torch.einsum("k,khw->hw", linear[-1].weight[{target}], A.relu())
else:
    result = A[{target}]  # the last maps are the classes themselves
""",
    "grad_cam": _KEEP
    + """
alpha = {sign}g.mean((1, 2))
result = F.relu(torch.einsum("k,khw->hw", alpha, A))
""",
    "grad_cam_pp": _KEEP
    + """
below = 2 * g**2 + g**3 * A.sum((1, 2), keepdim=True)
alpha = torch.where(below != 0, g**2 / below, 0)
weights = (alpha * F.relu(g)).sum((1, 2))
result = F.relu(torch.einsum("k,khw->hw", weights, A))
""",
    "hires_cam": _KEEP
    + """
result = (g * A).sum(0)
""",
    "layer_cam": _KEEP
    + """
result = F.relu((F.relu(g) * A).sum(0))
""",
    "xgrad_cam": _KEEP
    + """
total = A.sum((1, 2))
weights = torch.where(total != 0, (g * A).sum((1, 2)) / total, 0)
result = F.relu(torch.einsum("k,khw->hw", weights, A))
""",
    "eigen_cam": _KEEP
    + """
cells = A.flatten(1).T  # one row for each cell, one column for each map
matrix = {matrix}
v = torch.linalg.svd(matrix, full_matrices=False).Vh[0]
result = (matrix @ v).reshape(A.shape[1:])
result = result * torch.sign((result.flatten() * cells.mean(1)).sum())  # a singular vector has no sign
""",
    "ablation_cam": _KEEP
    + """
def zero(module, inputs, output):
    output = output.clone()
    output[:, k] = 0
    return output
layer, weights = net.network.get_submodule({layer!r}), []
for k in range(len(A)):
    hook = layer.register_forward_hook(zero)
    with torch.no_grad():
        weights.append((score - net(x)[0, {target}]) / score if A[k].any() else 0 * score)
    hook.remove()
result = F.relu(torch.einsum("k,khw->hw", torch.stack(weights).detach(), A))
""",
    "score_cam": _KEEP
    + """
scores = []
for a in A:
    mask = F.interpolate(a[None, None], x.shape[-2:], mode="bilinear", align_corners=False)
    spread = mask.max() - mask.min()
    mask = (mask - mask.min()) / spread if spread else torch.zeros_like(mask)
    with torch.no_grad():
        scores.append(net(x * mask)[0, {target}])
result = F.relu(torch.einsum("k,khw->hw", torch.stack(scores).softmax(0), A))
""",
    "occlusion": """
height, width = x.shape[-2:]
side = round({patch} * min(height, width))
step = round({stride} * side)
cover = {cover}
total, count = torch.zeros(height, width), torch.zeros(height, width)
with torch.no_grad():
    score = net(x)[0, {target}]
    for top in range(0, height - side + step, step):
        for left in range(0, width - side + step, step):
            covered, place = x.clone(), (slice(top, top + side), slice(left, left + side))
            covered[..., *place] = cover[..., *place]
            total[place] += score - net(covered)[0, {target}]
            count[place] += 1
result = total / count
""",
    "rise": """
height, width = x.shape[-2:]
n, cells, keep = {samples}, {cells}, {keep}
dice = torch.Generator().manual_seed({seed})
grids = (torch.rand(n, cells, cells, generator=dice) < keep).float()
tall, wide = -(-height // cells), -(-width // cells)
tops = torch.randint(0, tall, (n,), generator=dice)
lefts = torch.randint(0, wide, (n,), generator=dice)
result = 0
for grid, top, left in zip(grids, tops, lefts):
    mask = F.interpolate(grid[None, None], ((cells + 1) * tall, (cells + 1) * wide), mode="bilinear")
    mask = mask[..., top : top + height, left : left + width]
    with torch.no_grad():
        result = result + net(x * mask).softmax(1)[0, {target}] * mask[0, 0] / (n * keep)
""",
    "guided_grad_cam": _KEEP
    + """
cam = F.relu(torch.einsum("k,khw->hw", g.mean((1, 2)), A))
cam = F.interpolate(cam[None, None], x.shape[-2:], mode="bilinear", align_corners=False)[0]
"""
    + _RELU
    + """
result = result * cam
""",
    "edges": """
grey = (x.detach() * torch.tensor(net.std)[:, None, None]).mean(1, keepdim=True)
sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
grey = F.pad(grey, (1, 1, 1, 1), mode="replicate")
result = torch.hypot(F.conv2d(grey, sobel[None, None]), F.conv2d(grey, sobel.T[None, None]))[0, 0]
""",
    "random": """
result = torch.rand(x.shape[-2:], generator=torch.Generator().manual_seed({seed}))
""",
}


def code(
    method: str, model: str, image: str, target: int, layer: str | None = None, params: Mapping[str, Any] = {}
) -> str:
    """The program for a registered method.

    Args:
        method: one of :func:`vizcore.methods.names`.
        model: a registered network.
        image: path of the picture.
        target: class index.
        layer: for class activation maps, the layer whose maps are weighted.
        params: all parameters of the method, defaults included; of these "layer" only where the method has it.

    Returns:
        Python source; running it leaves the values in `result`. For a method without a program here, the call of
        the registered one.
    """
    if method not in _BODIES:
        return _call(method, model, image, target, params)
    fill: dict[str, Any] = {"model": model, "image": image, "target": int(target)} | dict(params) | {"layer": layer}
    fill["score"] = _OF[fill.get("of", "logit")].format(**fill)
    fill["reduced"] = _REDUCE[fill.get("reduction", "sum")]
    fill["sign"] = "-" if fill.get("counterfactual") else ""
    fill["limit"] = 27 * int(fill.get("steps", 0))
    fill["start"] = _BASELINE[fill.get("baseline", "mean")]
    fill["cover"] = _BASELINE[fill.get("fill", "mean")]
    fill["matrix"] = "cells - cells.mean(0)" if fill.get("centred") else "cells"
    fill["forward"] = _FORWARD.get(method, "")
    source = (_START + _BODIES[method]).format(**fill).strip() + "\n"
    if "gradients.make_baseline" in source:
        source = source.replace("import images, models", "import images, models\nfrom vizcore.methods import gradients")
    return _tidy(source)


def _call(method: str, model: str, image: str, target: int, params: Mapping[str, Any]) -> str:
    """The program that runs any registered method by its name."""
    given = "".join(f", {name}={value!r}" for name, value in params.items())
    start = _START.format(model=model, image=image).replace("images, models", "images, methods, models")
    call = f"methods.run({method!r}, net, x, target={int(target)}{given})"
    return f"{start.strip()}\n\nresult = torch.from_numpy({call}.values)\n"


def _tidy(source: str) -> str:
    """Without blank ends, and without the lines that a choice left with spaces only."""
    return "\n".join(line.rstrip() for line in source.splitlines() if line.strip() or line == "") + "\n"


# Programs of single pages.


def templates() -> str:
    """A digit's template, and what a test digit adds to it pixel by pixel."""
    return inspect.cleandoc("""
        import torch
        from vizcore import models
        from vizcore.images import gallery
        from vizcore.inspection import filters

        net = models.load("digits_linear")
        digit = torch.from_numpy(gallery.digits()[2][0] / 255).float()[None, None]
        template = filters.scale(filters.templates(net)[:, 0]).grey[3]     # 28 x 28, 0 to 255
        part = filters.contributions(net, digit, node=3)
        print(part.values.sum() + part.bias, net(digit)[0, 3])
    """)


def explained(digit: int, target: int) -> str:
    """All layers of the digit network one after the other, and the gradient through its first convolution by hand."""
    return inspect.cleandoc(f"""
        import torch
        from vizcore import models
        from vizcore.images import gallery

        net = models.load("digits_cnn")
        a = x = torch.from_numpy(gallery.digits()[2][{digit}] / 255).float()[None, None].requires_grad_()
        outputs = [a := layer(a) for layer in net.network]
        gradients = torch.autograd.grad(a[0, {target}], [x, *outputs])   # one for each column of the figure
        kernel = net.network[0].weight
        flipped = torch.nn.functional.conv_transpose2d(gradients[1], kernel)
        print((flipped - gradients[0]).abs().max())              # the flipped kernel leads to the pixels
    """)


def feature_maps(model: str, picture: str, layer: str, count: int) -> str:
    """The `count` maps of a layer for a picture of the gallery, given by its id."""
    return inspect.cleandoc(f"""
        import torch
        from vizcore import models
        from vizcore.images import gallery

        net = models.load("{model}")
        image = gallery.open_image(gallery.find("gallery", "{picture}"))
        with torch.no_grad():
            logits, kept = net.forward(net.preprocess(image), capture=["{layer}"])
        maps = kept["{layer}"][0]                        # {count} maps
        print(maps.mean((1, 2)).argsort(descending=True)[:5], (maps == 0).float().mean())
    """)


def effective_field(model: str, image: str, layer: str, cell: tuple[int, int]) -> str:
    """How strongly each pixel can change a cell: (H, W) in `result`."""
    return f"""
import torch
from vizcore import images, models

net = models.load("{model}")
x = net.preprocess(images.load("{image}")).requires_grad_()
_, maps = net.forward(x, capture=["{layer}"])
cell = maps["{layer}"][0, :, {cell[0]}, {cell[1]}].sum()
(gradient,) = torch.autograd.grad(cell, x)
result = gradient.abs().sum(1)[0]  # the page averages this over several pictures
"""


def best_patches(model: str, layer: str, unit: int, collection: str) -> str:
    """The patches that excite a unit most; `layer` is the one before its ReLU."""
    return f"""
from vizcore import models
from vizcore.images.collection import cut, open_collection
from vizcore.inspection import top_patches

net = models.load("{model}")
layer, unit = net.layer("{layer}"), {unit}
pictures = open_collection("{collection}", net.channels)
index = top_patches.build(net, pictures)  # one forward pass per picture, all units of all layers
hits = index.top(net, layer.name, unit)
boxes = [top_patches.patch_box(net, layer, hit.cell) for hit in hits]
crops = [net.crop(pictures.open(hit.picture)) for hit in hits]
result = [cut(crop, box) for crop, box in zip(crops, boxes)]
"""


def neuron_gradient(model: str, image: str, layer: str, place: Sequence[int]) -> str:
    """The gradient of one neuron; `place` is its (unit, row, column), or (unit,) behind a fully connected layer."""
    at = ", ".join(str(number) for number in (0, *place))
    return f"""
import torch
from vizcore import images, models

net = models.load("{model}")
x = net.preprocess(images.load("{image}")).requires_grad_()
_, acts = net.forward(x, capture=["{layer}"])
neuron = acts["{layer}"][{at}]
result = torch.autograd.grad(neuron, x)[0][0]  # (C, H, W)
"""


def layer_gradients(
    model: str, image: str, layer: str, of: str, target: int = 0, unit: int = 0, scalar: str = "mean"
) -> str:
    """The gradients of one number at the input and at a layer.

    Args:
        of, target, unit, scalar: as in `inspection.layer_gradients.Quantity`; "cut" cuts the graph at `layer`.
    """
    start = f"""
import torch
from vizcore import images, models

net = models.load("{model}")
x = net.preprocess(images.load("{image}")).requires_grad_()
"""
    if of == "cut":
        number = {"mean": f"A[0, {unit}].mean()", "strongest": f"A[0, {unit}].max()", "sum": "A[0].sum()"}[scalar]
        return (
            start
            + f"""
from vizcore.models import partial

A = partial.activation(net, x, "{layer}")  # the graph is cut here: nothing after the layer is run
number = {number}  # a layer is a tensor: one number of it
(result,) = torch.autograd.grad(number, x)
"""
        )
    number = {
        "logit": f"logits[0, {target}]",
        "probability": f"logits.softmax(1)[0, {target}]",
        "loss": f"-logits.log_softmax(1)[0, {target}]",
    }[of]
    return (
        start
        + f"""
names = [layer.name for layer in net.layers]
logits, acts = net.forward(x, capture=names)
number = {number}
gradients = torch.autograd.grad(number, [x, *acts.values()], allow_unused=True)  # one pass, all layers
result = gradients[0]
at_the_layer = gradients[1 + list(acts).index("{layer}")]
"""
    )


def drawn_back(model: str, layer: str, unit: int, rule: str | None, patches: int) -> str:
    """Plain PyTorch that leaves the drawings of one unit's patches in `result`.

    Args:
        layer: the one to start from, before its own ReLU (:func:`activation_maximization.before_relu`).
        rule: "deconvnet", "guided" or None.
    """
    lines = "Rule = contextlib.nullcontext  # the plain gradient"
    if rule:
        lines = _tidy(_RULE.format(forward=_FORWARD.get(rule, ""))).strip()
    return f"""import contextlib
import torch
import torch.nn.functional as F
from vizcore import models
from vizcore.images.collection import open_collection
from vizcore.inspection import top_patches

net = models.load({model!r})
layer, unit = net.layer({layer!r}), {unit}
pictures = open_collection(channels=net.channels)
hits = top_patches.build(net, pictures).top(net, layer.name, unit, {patches})

{lines}

result = []
for hit in hits:
    x = net.preprocess(pictures.open(hit.picture)).requires_grad_()
    with Rule():
        _, acts = net.forward(x, capture=[layer.name])
    gradient = torch.autograd.grad(acts[layer.name][0, unit][hit.cell], x)[0][0]
    top, left, bottom, right = top_patches.patch_box(net, layer, hit.cell)
    result.append(gradient[:, max(top, 0) : bottom, max(left, 0) : right])
"""


def segmentation(
    model: str,
    image: str,
    target: int,
    source: str,
    params: Mapping[str, Any],
    maps: bool,
    settings: Mapping[str, int],
    composite: str = "",
) -> str:
    """The mask that GrabCut makes of a method's values.

    Args:
        source, params: the method and its parameters. maps: whether it gives one number for a pixel or a cell.
        settings: the fields of :class:`vizcore.evaluation.segmentation.Settings` by name.
        composite: the source of a `Recipe(...)`; it takes the place of `image`.
    """
    given = "".join(f", {name}={value!r}" for name, value in params.items())
    if composite:
        opening = f"""picture, truth = composites.build(composites.{composite}, net.input_size)
x = net.preprocess(picture, crop=False)"""
    else:
        opening = f"""image = images.load("{image}")
picture, x = net.crop(image), net.preprocess(image)"""
    reduce = "cv2.resize(np.maximum(values, 0), picture.size)  # bilinear"
    if not maps:
        reduce = "np.abs(values).sum(0)"
    if source == "saliency":
        reduce = "values"
    sigma, iterations = settings["sigma"], settings["iterations"]
    blur = f"""
strength = cv2.GaussianBlur(strength, (0, 0), {sigma / 100} * net.input_size, borderType=cv2.BORDER_REFLECT)"""
    extra = "\nfrom vizcore.images import composites"
    again = f"""
cv2.grabCut(pixels, mask, None, below, above, {iterations - 1}, cv2.GC_EVAL)"""
    return f"""
import cv2
import numpy as np
from vizcore import {"" if composite else "images, "}methods, models{extra if composite else ""}

net = models.load("{model}")
{opening}
values = methods.run("{source}", net, x, {target}{given}).values
strength = {reduce}{blur if sigma else ""}
low, high, core = np.percentile(strength, [{settings["background"]}, {settings["foreground"]}, 99])
mask = np.full(strength.shape, cv2.GC_PR_BGD, np.uint8)
mask[strength >= high] = cv2.GC_PR_FGD
mask[strength >= core], mask[strength <= low] = cv2.GC_FGD, cv2.GC_BGD
pixels, seeds = np.array(picture.convert("RGB")), mask != cv2.GC_PR_BGD
below, above = np.zeros((1, 65)), np.zeros((1, 65))  # five Gaussians of colour each
cv2.setRNGSeed(1)  # GrabCut's k-means starts at random
cv2.grabCut(pixels[seeds][None], mask[seeds][None], None, below, above, 0, cv2.GC_INIT_WITH_MASK)
cv2.grabCut(pixels, mask, None, below, above, 1, cv2.GC_EVAL_FREEZE_MODEL){again if iterations > 1 else ""}
result = np.isin(mask, [cv2.GC_FGD, cv2.GC_PR_FGD])
"""


def projection(model: str, layer: str, method: str, digits: bool) -> str:
    """The map of 70 pictures of the gallery, or of as many digits, by one layer; "input": by their pixels.

    Args:
        method: "pca", "tsne" or "umap".
    """
    if digits:
        pictures = "[Image.fromarray(digit) for digit in gallery.digits()[2][:70]]"
    else:
        pictures = 'map(gallery.open_image, gallery.records("gallery")[:70])'
    given = "x" if layer == "input" else f'net.forward(x, capture=["{layer}"])[1]["{layer}"]'
    last = {
        "pca": "result = PCA(2).fit_transform(rows)",
        "tsne": "few = PCA(min(50, *rows.shape)).fit_transform(rows)\n"
        "result = np.asarray(openTSNE.TSNE(perplexity=15, random_state=0).fit(few))",
        "umap": "few = PCA(min(50, *rows.shape)).fit_transform(rows)\n"
        "result = umap.UMAP(n_neighbors=15, random_state=0).fit_transform(few)",
    }[method]
    extra = {"pca": "", "tsne": "import openTSNE\n", "umap": "import umap\n"}[method]
    return f"""
import numpy as np
{extra}import torch
from PIL import Image
from sklearn.decomposition import PCA
from torch.nn.functional import adaptive_avg_pool2d
from vizcore import models
from vizcore.images import gallery

net = models.load("{model}")
pictures = {pictures}
x = torch.cat([net.preprocess(picture) for picture in pictures])
with torch.no_grad():
    A = {given}
rows = (adaptive_avg_pool2d(A, 2) if A.ndim == 4 else A).flatten(1).numpy()  # maps as 2 x 2 cells
{last}
"""


def fgsm(model: str, image: str, target: int, epsilon: float) -> str:
    """One step of the fast gradient sign method away from a class: the picture, (1, C, S, S), in `result`."""
    return f"""
import torch
import torch.nn.functional as F
from vizcore import images, models

net = models.load("{model}")
x = net.preprocess(images.load("{image}")).requires_grad_()
mean, std = (torch.tensor(v)[:, None, None] for v in (net.mean, net.std))
loss = F.cross_entropy(net(x), torch.tensor([{target}]))
(gradient,) = torch.autograd.grad(loss, x)
pixels = (x.detach() * std + mean) + {epsilon:.6g} * gradient.sign()
result = (pixels.clamp(0, 1) - mean) / std
print([net.categories[int(net(each)[0].argmax())] for each in (x, result)])
"""


_CASCADE = """
import copy
import torch
from vizcore import images, models

net = models.load({model!r})
x = net.preprocess(images.load({image!r})).requires_grad_()
twin, dice = copy.deepcopy(net.network), torch.Generator().manual_seed({seed})
from_the_output = [layer.name for layer in net.layers][::-1]
for name in from_the_output[: from_the_output.index({layer!r}) + 1]:
    for w in twin.get_submodule(name).parameters(recurse=False):
        std, mean = torch.std_mean(w, correction=0)
        w.copy_(torch.randn(w.shape, generator=dice) * std + mean)

def ranks(network):
    gradient = torch.autograd.grad(network(x)[0, {target}], x)[0][0]
    return gradient.abs().sum(0).flatten().argsort().argsort().float()

result = torch.corrcoef(torch.stack([ranks(net.network), ranks(twin)]))[0, 1]
print(result)  # how alike the two saliency maps are
"""


def cascade(model: str, image: str, target: int, layer: str, seed: int = 0) -> str:
    """Random weights from the output down to a layer, and how alike the saliency maps before and after are."""
    return _CASCADE.strip().format(model=model, image=image, target=target, layer=layer, seed=seed) + "\n"


def bias(model: str, kind: str, strength: float) -> str:
    """The program that trains a network of two classes with a planted bias, and tests it both ways.

    Args:
        model: a registered network, whose last layer is replaced. kind: what is tied to the class. strength: 0.5 to 1.
    """
    return f"""
from vizcore import methods, models
from vizcore.evaluation import bias, bias_lab

net = models.load("{model}")
lab = bias_lab.lab()
features = bias.ready(net)  # of every picture of the lab: what the last layer gets
head = bias_lab.train(lab, features, "{kind}", {strength}, seed=0)
print(bias.accuracy(lab, features, [head], "{kind}", [0]))  # matched, swapped, worst group

fox = next(i for i, asset in enumerate(lab.assets) if asset.id == "fox")
[shot] = bias_lab.shots(lab, "{kind}", [fox], [1])  # with the birds' trait
x, animal = bias_lab.inputs(net, lab, [shot])
two = bias_lab.network(net, head)
said = int(two(x).argmax())
result = methods.run("grad_cam", two, x, said, layer=bias_lab.map_layer(two)).values
print(two.categories[said], bias.background_share(result, animal[0]))
"""
