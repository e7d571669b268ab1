"""The nineteen corruptions: against the published definitions, for any picture, and the same everywhere.

The reference is the package imagecorruptions-imaug 1.1.5 (Apache-2.0): the authors' code, for pictures of any size. It
wants another build of OpenCV than the dashboard, so it is no requirement of the tests: its results are kept in
`data/corruptions.json` (`python tests/data/corruptions.py` makes it where the package is installed), and the simple
definitions are written out here once more, in plain loops.
"""

import json
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vizcore.evaluation import corruptions
from vizcore.images import gallery

KEPT = json.loads((Path(__file__).parent / "data" / "corruptions.json").read_text("utf-8"))
NAMES, SEVERITIES = corruptions.names(), corruptions.SEVERITIES
RANDOM = {
    "gaussian_noise", "shot_noise", "impulse_noise", "glass_blur", "motion_blur", "snow", "frost", "fog",
    "elastic_transform", "speckle_noise", "spatter",
}  # fmt: skip


def square(name: str, side: int) -> Image.Image:
    picture = gallery.open_image(gallery.find("gallery", name))
    return picture.resize((side, side), Image.Resampling.BICUBIC, box=(0, 0, *[min(picture.size)] * 2))


class Stream:
    """NumPy's legacy random numbers, which the reference draws, under the names of a Generator."""

    def __init__(self, seed: int):
        self.old = np.random.RandomState(seed)

    def normal(self, mean, spread, size):
        return self.old.normal(mean, spread, size)

    def uniform(self, low, high, size=None):
        return self.old.uniform(low, high, size)

    def poisson(self, rate):
        return self.old.poisson(rate)

    def integers(self, low, high, size):
        return self.old.randint(low, high, size=size)

    def random(self, size):
        return self.old.random_sample(size)


def test_the_nineteen_of_the_paper_in_its_order():
    assert len(NAMES) == 19 and len(set(NAMES)) == 19
    assert NAMES[:3] == ("gaussian_noise", "shot_noise", "impulse_noise")
    assert [name for name in NAMES if corruptions.CORRUPTIONS[name].extra] == [
        "speckle_noise", "gaussian_blur", "spatter", "saturate",
    ]  # fmt: skip
    for name, each in corruptions.CORRUPTIONS.items():
        assert len(each.numbers) == 5 and each.group in corruptions.GROUPS, name


@pytest.mark.parametrize("name", NAMES)
def test_as_strong_as_the_reference(name):
    """Mean absolute change over three pictures and several seeds, within a fifth of the reference's."""
    seeds = range({"spatter": 24, "frost": 6, "fog": 8}.get(name, 3 if name in RANDOM else 1))
    for severity in SEVERITIES:
        changes = []
        for picture in KEPT["pictures"]:
            before = square(picture, KEPT["side"])
            clean = np.asarray(before, dtype=float)
            changes += [
                np.abs(np.asarray(corruptions.corrupt(before, name, severity, seed), dtype=float) - clean).mean()
                for seed in seeds
            ]
        assert np.mean(changes) == pytest.approx(KEPT["change"][name][severity - 1], rel=0.2), severity


@pytest.mark.parametrize("name", sorted({*NAMES} - {"frost"}))
def test_pixel_by_pixel_as_the_reference_where_it_draws_the_same_numbers(name):
    """A small picture; row sums of the reference's result, given the same stream of random numbers.

    Left out: frost, which is drawn and not photographed; and snow from severity 4, whose layer is enlarged to more than
    the picture: the authors cut its middle, as we do, the package a corner.
    """
    small = np.asarray(square(KEPT["pictures"][0], KEPT["small"]), dtype=np.float64) / 255
    each = corruptions.CORRUPTIONS[name]
    for severity in SEVERITIES[:3] if name == "snow" else SEVERITIES:
        stream = np.random.default_rng(0) if name == "impulse_noise" else Stream(0)
        found = 255 * np.clip(each.apply(small, each.numbers[severity - 1], stream), 0, 1)
        wanted = np.array(KEPT["rows"][name][severity - 1])
        assert np.abs(found.mean((1, 2)) - wanted).max() < 0.05, severity


def test_simple_ones_in_plain_loops():
    picture = Image.fromarray(np.random.default_rng(5).integers(0, 256, (6, 7, 3), dtype=np.uint8))
    x = np.asarray(picture) / 255
    rng = np.random.default_rng(3)
    noisy = np.asarray(corruptions.corrupt(picture, "gaussian_noise", 2, 3))
    np.testing.assert_array_equal(noisy, np.rint(255 * np.clip(x + rng.normal(0, 0.12, x.shape), 0, 1)))
    rng = np.random.default_rng(3)
    hit, salt = rng.random(x.shape) <= 0.27, rng.random(x.shape) <= 0.5
    spotted = np.asarray(corruptions.corrupt(picture, "impulse_noise", 5, 3))
    np.testing.assert_array_equal(spotted, np.where(hit, 255 * salt, np.asarray(picture)))
    dull = np.asarray(corruptions.corrupt(picture, "contrast", 1))
    for channel in range(3):
        mean = x[..., channel].mean()
        wanted = [[255 * ((value - mean) * 0.4 + mean) for value in row] for row in x[..., channel]]
        assert np.abs(dull[..., channel] - wanted).max() <= 0.5001
    import colorsys

    for name, change in (
        ("brightness", lambda h, s, v: (h, s, min(1, v + 0.3))),
        ("saturate", lambda h, s, v: (h, min(1, 2 * s), v)),
    ):
        wanted = [[colorsys.hsv_to_rgb(*change(*colorsys.rgb_to_hsv(*pixel))) for pixel in row] for row in x]
        assert np.abs(np.asarray(corruptions.corrupt(picture, name, 3)) - 255 * np.array(wanted)).max() <= 0.5001


def test_a_gaussian_blur_is_the_sum_over_its_kernel():
    x = np.asarray(square("koala", 24), dtype=float)
    kernel = np.exp(-(np.arange(-4, 5) ** 2) / 2)
    kernel /= kernel.sum()
    wide = np.pad(x, ((4, 4), (4, 4), (0, 0)), mode="edge")
    wanted = sum(kernel[i] * kernel[j] * wide[i : i + 24, j : j + 24] for i in range(9) for j in range(9))
    found = np.asarray(corruptions.corrupt(square("koala", 24), "gaussian_blur", 1), dtype=float)
    assert np.abs(found - wanted).max() <= 0.5001


@pytest.mark.parametrize("name", NAMES)
def test_any_size_and_mode_and_the_same_for_the_same_seed(name):
    for size in ((1, 1), (3, 40), (40, 3), (28, 28), (65, 33)):
        picture = square("jaguar", 65).resize(size)
        once, again = (corruptions.corrupt(picture, name, severity=5, seed=7) for _ in range(2))
        assert once.size == size and once.mode == "RGB" and once.tobytes() == again.tobytes()
    grey = square("jaguar", 30).convert("L")
    assert corruptions.corrupt(grey, name).mode == "L"
    clear = square("jaguar", 30).convert("RGBA")
    clear.putalpha(grey)
    spoiled = corruptions.corrupt(clear, name)
    assert spoiled.mode == "RGBA" and spoiled.getchannel("A").tobytes() == grey.tobytes()


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (40, 90, 200)])
@pytest.mark.parametrize("name", NAMES)
def test_a_picture_of_one_colour(name, colour):
    plain = Image.new("RGB", (32, 32), colour)
    spoiled = np.asarray(corruptions.corrupt(plain, name, 3))
    if name in ("gaussian_blur", "defocus_blur", "zoom_blur", "motion_blur", "contrast", "pixelate"):
        assert (spoiled == colour).all()


@pytest.mark.parametrize("name", sorted(RANDOM))
def test_another_seed_is_another_picture_and_nothing_global_is_touched(name):
    picture = square("coffee", 64)
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    one, other = (corruptions.corrupt(picture, name, 3, seed).tobytes() for seed in (0, 1))
    assert one != other and (np.random.get_state()[1] == state).all()  # noqa: NPY002


@pytest.mark.parametrize("name", NAMES)
def test_the_same_pixels_on_any_machine(name):
    """A checksum of each severity for seed 0."""
    pattern = np.random.default_rng(1).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    picture = Image.fromarray(pattern).resize((48, 48), Image.Resampling.NEAREST)
    found = [zlib.crc32(corruptions.corrupt(picture, name, severity).tobytes()) for severity in SEVERITIES]
    assert found == KEPT["checksums"][name]


def test_strength_grows_with_severity():
    picture = square("koala", 96)
    clean = np.asarray(picture, dtype=float)
    for name in NAMES:
        changes = [
            np.abs(np.asarray(corruptions.corrupt(picture, name, severity), dtype=float) - clean).mean()
            for severity in (1, 5)
        ]
        assert changes[1] > changes[0] > 0, name


def test_threads_do_not_disturb_each_other():
    picture = square("koala", 48)
    alone = {name: corruptions.corrupt(picture, name, 4, 2).tobytes() for name in NAMES}
    found: dict[str, bytes] = {}

    def work(name: str) -> None:
        found[name] = corruptions.corrupt(picture, name, 4, 2).tobytes()

    threads = [threading.Thread(target=work, args=(name,)) for name in NAMES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == alone


@pytest.mark.parametrize(
    ("name", "severity", "seed", "said"),
    [
        ("rain", 3, 0, "no corruption called 'rain'"),
        ("fog", 0, 0, "severity"),
        ("fog", 6, 0, "severity"),
        ("fog", 1, -1, "seed"),
    ],
)
def test_bad_input_is_a_sentence(name, severity, seed, said):
    with pytest.raises(ValueError, match=said):
        corruptions.corrupt(Image.new("RGB", (8, 8)), name, severity, seed)
