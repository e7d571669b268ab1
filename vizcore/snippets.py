"""Short programs that make a page's picture alone, in plain PyTorch, with the choices of the moment filled in.

A test runs every one of them and compares `result` with what the method itself returns.
"""

from collections.abc import Mapping
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

_RELU = """
class Rule(torch.overrides.TorchFunctionMode):  # sees every ReLU of the network, however it is written
    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func not in (F.relu, F.relu6, F.hardtanh):
            return func(*args, **(kwargs or {{}}))
        f = args[0]
        out = func(f.clone(), *args[1:], **(kwargs or {{}}))
        {forward}
        out.register_hook(lambda R: R.clamp(min=0))  # only positive gradients pass
        return out

with Rule():
    score = net(x)[0, {target}]
result = torch.autograd.grad(score, x)[0][0]
"""

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
    "deconvnet": _RELU,
    "guided_backprop": _RELU,
    "cam": _KEEP
    + """
linear = [m for m in net.network.modules() if isinstance(m, torch.nn.Linear)][-1]
result = torch.einsum("k,khw->hw", linear.weight[{target}], A.relu())
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
        params: all parameters of the method, defaults included.

    Returns:
        Python source; running it leaves the values in `result`. For a method without a program here, the call of
        the registered one.
    """
    if method not in _BODIES:
        options = {"layer": layer} if layer else {}
        given = "".join(f", {name}={value!r}" for name, value in (options | dict(params)).items())
        start = _START.format(model=model, image=image).replace("images, models", "images, methods, models")
        call = f"methods.run({method!r}, net, x, target={int(target)}{given})"
        return f"{start.strip()}\n\nresult = torch.from_numpy({call}.values)\n"
    fill: dict[str, Any] = {"model": model, "image": image, "target": int(target), "layer": layer} | dict(params)
    fill["score"] = _OF[fill.get("of", "logit")].format(**fill)
    fill["reduced"] = _REDUCE[fill.get("reduction", "sum")]
    fill["sign"] = "-" if fill.get("counterfactual") else ""
    fill["limit"] = 27 * int(fill.get("steps", 0))
    fill["start"] = _BASELINE[fill.get("baseline", "mean")]
    fill["cover"] = _BASELINE[fill.get("fill", "mean")]
    fill["matrix"] = "cells - cells.mean(0)" if fill.get("centred") else "cells"
    fill["forward"] = (
        "out = f + (out - f).detach()  # whatever the forward pass did" if method == "deconvnet" else ""
    )
    source = (_START + _BODIES[method]).format(**fill).strip() + "\n"
    if "gradients.make_baseline" in source:
        source = source.replace("import images, models", "import gradients, images, models")
    return "\n".join(line.rstrip() for line in source.splitlines() if line.strip() or line == "") + "\n"
