"""Every program is run as a reader would run it, and gives what the method gives."""

import dataclasses
import types

import numpy as np
import pytest

from vizcore import images, methods, models
from vizcore.content import programs
from vizcore.images import gallery
from vizcore.ui import prose

ASSET = gallery.records("gallery")[0]
SLOW = ("integrated_gradients", "rise")  # at their own parameters
PER_MAP = ("ablation_cam", "score_cam")  # one forward pass for each map: run at a layer of few
CASES = [(name, {}) for name in methods.names() if name not in SLOW] + [
    ("saliency", {"reduction": "max", "of": "probability"}),
    ("saliency", {"reduction": "l2", "of": "loss"}),
    ("grad_cam", {"counterfactual": True}),
    ("smooth_grad", {"samples": 4, "noise": 0.2, "seed": 3}),
    ("forgrad", {"reduction": "max", "cutoff": 0.3}),
    ("forgrad", {"cutoff": 1.0}),
    ("random", {"seed": 5}),
    ("eigen_cam", {"centred": True}),
    *(("occlusion", {"patch": 0.3, "stride": 1.0, "fill": fill}) for fill in ("mean", "black", "white", "blur")),
    ("rise", {"samples": 64, "cells": 5, "keep": 0.3, "seed": 2}),
    *(("integrated_gradients", {"steps": 8, "baseline": b, "tolerance": 0.0}) for b in ("mean", "black", "blur")),
    ("integrated_gradients", {"steps": 8, "tolerance": 0.5}),
]


@pytest.fixture(scope="module")
def net():
    return models.load()


@pytest.mark.parametrize(("name", "params"), CASES, ids=lambda value: str(value))
def test_program_reproduces_the_method(net, name, params):
    x = net.preprocess(images.load(ASSET.file))
    result = methods.run(name, net, x, 388, layer="fire3.squeeze_relu" if name in PER_MAP else None, **params)
    full = {p.name: p.default for p in methods.METHODS[name].params if p.kind != "layer"} | params
    layer = result.meta["layer"] or net.cam_layer
    program = programs.code(name, net.name, str(ASSET.file), 388, layer, full)
    scope: dict = {}
    exec(compile(program, name, "exec"), scope)
    got = scope["result"].detach().numpy()
    assert got.shape == result.values.shape
    assert np.abs(got - result.values).max() <= 1e-4 * np.abs(result.values).max()


@pytest.mark.parametrize("model", ["efficientnet_lite0", "squeezenet1_1"])
def test_the_program_of_cam_knows_both_kinds_of_head(model):
    """A linear layer after the average, or maps that are the classes."""
    net = models.load(model)
    result = methods.run("cam", net, net.preprocess(images.load(ASSET.file)), 388)
    scope: dict = {}
    exec(programs.code("cam", net.name, str(ASSET.file), 388, net.cam_layer, {}), scope)
    assert np.abs(scope["result"].detach().numpy() - result.values).max() <= 1e-4 * np.abs(result.values).max()


def test_each_program_belongs_to_a_method():
    """One that somebody adds may have none; ours have."""
    assert set(programs._BODIES) <= set(methods.names()) and len(programs._BODIES) >= 20


def test_a_new_method_without_a_program_shows_its_call(net, monkeypatch):
    monkeypatch.delitem(programs._BODIES, "saliency")
    program = programs.code("saliency", net.name, str(ASSET.file), 388, None, {"reduction": "max"})
    scope: dict = {}
    exec(compile(program, "saliency", "exec"), scope)
    expected = methods.run("saliency", net, net.preprocess(images.load(ASSET.file)), 388, reduction="max").values
    assert np.array_equal(scope["result"].numpy(), expected)


@pytest.mark.parametrize("takes_layer", [True, False])
def test_a_new_method_runs_from_its_page(net, monkeypatch, takes_layer):
    """A page knows the layer of the class activation maps; a method that takes none must not be handed it."""
    entry = methods.METHODS["layer_cam" if takes_layer else "edges"]
    monkeypatch.setitem(methods.METHODS, "mine", dataclasses.replace(entry, name="mine"))
    view = types.SimpleNamespace(net=net, model=net.name, target=388)
    monkeypatch.setattr(prose, "image_file", lambda _: str(ASSET.file))
    program = prose.snippet(view, "mine", layer="fire8" if takes_layer else None)
    assert ("layer=" in program) == takes_layer
    scope: dict = {}
    exec(compile(program, "mine", "exec"), scope)
    layer = "fire8" if takes_layer else None
    expected = methods.run("mine", net, net.preprocess(images.load(ASSET.file)), 388, layer=layer).values
    assert np.array_equal(scope["result"].numpy(), expected)


def test_programs_stay_short():
    for name in methods.names():
        full = {p.name: p.default for p in methods.METHODS[name].params}
        program = programs.code(name, models.DEFAULT, "picture.jpg", 0, "fire9", full)
        body = [line for line in program.splitlines() if line.strip()]
        assert len(body) <= 32, name
