"""Nineteen ways to spoil a picture, each in five strengths: the corruptions of ImageNet-C and its four extra ones.

Hendrycks & Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations" (ICLR 2019).
This is this project's own code, not the authors': their definitions and numbers, for pictures of any size, every random
choice from one seeded generator, no global state and no library of the operating system. Two differ in kind. Frost is
drawn, with the mean colour of the authors' photographs of frost, which are not part of this project. Elastic is the
one whose numbers follow the picture's size (as in the package `imagecorruptions`); the authors' are for 224 pixels.

Lengths are in pixels of the picture given, as in the paper: corrupt the square that the network sees.
"""

import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from PIL import Image
from scipy import ndimage

SEVERITIES = (1, 2, 3, 4, 5)
GROUPS = ("noise", "blur", "weather", "digital")


class Corruption(NamedTuple):
    """One way to spoil a picture.

    Attributes:
        title: for people. group: one of GROUPS.
        apply: from (H, W, 3) float64 in 0..1, the numbers of the severity, and a generator, to the same shape; what
            lies outside 0..1 is clipped later.
        numbers: those of each severity, weakest first.
        extra: whether it is one of the four that the paper keeps apart, for choosing settings.
    """

    title: str
    group: str
    apply: Callable[[np.ndarray, tuple, Generator], np.ndarray]
    numbers: tuple[tuple, ...]
    extra: bool = False


def names() -> tuple[str, ...]:
    """The names of all corruptions: the paper's fifteen in its order, then its four extra ones."""
    return tuple(CORRUPTIONS)


def corrupt(picture: Image.Image, name: str, severity: int = 3, seed: int = 0) -> Image.Image:
    """The picture, spoiled: of the same size, RGB or, for a grey picture, grey.

    The same picture, name, severity and seed give the same pixels on any machine. Transparency stays as it is.

    Args:
        picture: of any size and mode.
        name: one of :func:`names`.
        severity: 1 to 5.
        seed: of a generator of its own.

    Raises:
        ValueError: an unknown name, another severity, or a negative seed.
    """
    if name not in CORRUPTIONS:
        raise ValueError(f"There is no corruption called '{name}'. Known: {', '.join(CORRUPTIONS)}.")
    if severity not in SEVERITIES:
        raise ValueError(f"The severity of a corruption is 1, 2, 3, 4 or 5, not {severity}.")
    if seed < 0:
        raise ValueError(f"A seed is zero or above, not {seed}.")
    rgb = picture.convert("RGB")
    pixels = np.asarray(rgb, dtype=np.float64) / 255
    chosen = CORRUPTIONS[name]
    found = chosen.apply(pixels, chosen.numbers[int(severity) - 1], np.random.default_rng(seed))
    spoiled = Image.fromarray(np.rint(255 * np.clip(found, 0, 1)).astype(np.uint8))
    if picture.mode in ("L", "1", "I;16", "F", "I"):
        return spoiled.convert("L")
    if picture.has_transparency_data:
        spoiled.putalpha(picture.convert("RGBA").getchannel("A"))
    return spoiled


# Noise.


def _gaussian_noise(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    return x + rng.normal(0, numbers[0], x.shape)


def _shot_noise(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    """Light comes in photons: a Poisson number of them, `numbers[0]` at white."""
    return rng.poisson(x * numbers[0]) / numbers[0]


def _impulse_noise(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    """Salt and pepper: a share of the numbers becomes 0 or 1."""
    hit = rng.random(x.shape) <= numbers[0]
    salt = rng.random(x.shape) <= 0.5
    return np.where(hit, salt, x)


def _speckle_noise(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    return x + x * rng.normal(0, numbers[0], x.shape)


# Blur.


def _smoothed(x: np.ndarray, sigma: float) -> np.ndarray:
    """Each channel of (H, W, C), or (H, W), convolved with a Gaussian; the edge goes on outside."""
    return ndimage.gaussian_filter(x, (sigma, sigma, 0)[: x.ndim], mode="nearest", truncate=4)


def _gaussian_blur(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    return _smoothed(x, numbers[0])


def _defocus_blur(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    """A disk of `numbers[0]` pixels' radius, its edge softened by a Gaussian."""
    radius, soft = numbers
    reach = max(8, radius)
    at = np.arange(-reach, reach + 1)
    disk = (at[:, None] ** 2 + at**2 <= radius**2).astype(np.float64)
    disk /= disk.sum()
    edge = np.arange(-1, 2) if radius <= 8 else np.arange(-2, 3)
    weights = np.exp(-(edge**2) / (2 * soft**2))
    for axis in (0, 1):
        disk = ndimage.correlate1d(disk, weights / weights.sum(), axis, mode="mirror")
    return _convolved(x, disk)


def _convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Each channel with a kernel that is symmetric in both directions; the picture is mirrored at its edge.

    As a sum over the kernel's rows, which need one pass each: a third of the time of a plain sum over its cells.
    """
    reach = len(kernel) // 2
    height = len(x)
    rows = np.pad(x, ((reach, reach), (0, 0), (0, 0)), mode="reflect" if height > reach else "symmetric")
    found = ndimage.correlate1d(x, kernel[reach], 1, mode="mirror")
    for step in range(1, reach + 1):
        if kernel[reach + step].any():
            pair = rows[reach - step : reach - step + height] + rows[reach + step : reach + step + height]
            found += ndimage.correlate1d(pair, kernel[reach + step], 1, mode="mirror")
    return found


def _glass_blur(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    """Pixels are taken from random places near by, one after the other, between two blurs.

    The authors meant to swap two pixels; what their code does, and ImageNet-C shows, is to copy one onto the other.
    """
    sigma, far, rounds = numbers
    height, width = x.shape[:2]
    place = list(range(height * width))
    rows, columns = range(height - far, far, -1), range(width - far, far, -1)
    for _ in range(rounds):
        steps = rng.integers(-far, far, (len(rows) * len(columns), 2))
        jumps = iter((steps[:, 1] * width + steps[:, 0]).tolist())
        for row in rows:
            for at in range(row * width + width - far, row * width + far, -1):
                place[at] = place[at + next(jumps)]
    smooth = np.floor(255 * _smoothed(x, sigma) + 1e-9) / 255
    return _smoothed(smooth.reshape(-1, 3)[place].reshape(x.shape), sigma)


def _moved(x: np.ndarray, radius: int, sigma: float, angle: float) -> np.ndarray:
    """(H, W, ...) smeared along one direction, half a Gaussian long; `angle` in degrees."""
    width = 2 * radius + 1
    weights = np.exp(-(np.arange(width) ** 2) / (2 * sigma**2))
    height, across = x.shape[:2]
    wide = np.pad(x, ((width, width), (width, width), *[(0, 0)] * (x.ndim - 2)), mode="edge")
    found = np.zeros_like(x)
    for step, weight in enumerate(weights / weights.sum()):
        down, right = (
            width + int(np.ceil(step * turn(np.deg2rad(angle)) - 0.5)) for turn in (np.sin, np.cos)
        )  # rounded to whole pixels
        found += weight * wide[down : down + height, right : right + across]
    return found


def _motion_blur(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    radius, sigma = numbers
    return _moved(x, radius, sigma, rng.uniform(-45, 45))


def _zoomed(x: np.ndarray, factor: float) -> np.ndarray:
    """The middle of (H, W, ...), enlarged to the whole size."""
    middle = x[tuple(slice((n - _part(n, factor)) // 2, (n + _part(n, factor)) // 2) for n in x.shape[:2])]
    large = ndimage.zoom(middle, (factor, factor, 1)[: x.ndim], order=1)
    for axis, side in enumerate(x.shape[:2]):
        if large.shape[axis] < side:
            missing = [(0, 0)] * x.ndim
            missing[axis] = (0, side - large.shape[axis])
            large = np.pad(large, missing, mode="edge")
        start = (large.shape[axis] - side) // 2
        large = large.take(range(start, start + side), axis)
    return large


def _part(side: int, factor: float) -> int:
    """How many of so many pixels, enlarged, fill them all again."""
    return int(np.ceil(side / factor))


def _zoom_blur(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    """The mean of the picture and of ever larger enlargements of its middle."""
    factors = np.arange(*numbers)
    return (x + sum(_zoomed(x, factor) for factor in factors)) / (len(factors) + 1)


# Weather.


def _snow(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    """Flakes that fall in one direction and, turned upside down, in the other; the picture itself is paler."""
    mean, spread, factor, least, radius, sigma, kept = numbers
    flakes = _zoomed(rng.normal(mean, spread, x.shape[:2]), factor)
    flakes = np.where(flakes < least, 0, np.clip(flakes, 0, 1))
    flakes = np.rint(255 * _moved(flakes, radius, sigma, rng.uniform(-135, -45)))[..., None] / 255
    grey = (x @ np.array([0.299, 0.587, 0.114]))[..., None]
    pale = kept * x + (1 - kept) * np.maximum(x, 1.5 * grey + 0.5)
    return pale + flakes + flakes[::-1, ::-1]


_FROST = np.array([134, 155, 167]) / 255  # mean colour of the six photographs of frost that the authors took


def _frost(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    """Needles of ice in six directions on a cloudy pane, laid over the picture."""
    picture, ice = numbers
    height, width = x.shape[:2]
    turn = rng.uniform(0, 180)
    needles = np.zeros((height, width))
    for number in range(6):
        seeds = np.where(rng.random((height, width)) > 0.985, rng.random((height, width)), 0)
        needles += _moved(seeds, 6 + 2 * number, 4 + number, turn + 30 * number + rng.uniform(-8, 8))
    cloud = _plasma(rng, height, width, 2.2)
    pane = _standard(needles) + 0.8 * _standard(cloud)
    return picture * x + ice * np.clip(_FROST + 0.15 * _standard(pane)[..., None], 0, 1)


def _standard(values: np.ndarray) -> np.ndarray:
    """Mean 0, standard deviation 1; zeros where all are equal."""
    return (values - values.mean()) / (values.std() or 1)


def _plasma(rng: Generator, height: int, width: int, decay: float) -> np.ndarray:
    """(height, width) clouds between 0 and 1: a height map by the diamond-square algorithm on a torus.

    Args:
        decay: how much smaller the random part is from one scale to the next finer one.
    """
    side = 1 << max(1, (max(height, width) - 1).bit_length())
    land, step, rough = np.zeros((side, side)), side, 100.0

    def middle(first: np.ndarray, first_axis: int, second: np.ndarray, second_axis: int) -> np.ndarray:
        total = first + np.roll(first, 1, first_axis) + second + np.roll(second, -1, second_axis)
        return total / 4 + rough * rng.uniform(-rough, rough, first.shape)

    while step >= 2:
        half = step // 2
        corners = land[::step, ::step]
        pairs = corners + np.roll(corners, -1, 0)
        centres = (pairs + np.roll(pairs, -1, 1)) / 4 + rough * rng.uniform(-rough, rough, corners.shape)
        land[half::step, half::step] = centres
        land[::step, half::step] = middle(centres, 0, corners, 1)
        land[half::step, ::step] = middle(centres, 1, corners, 0)
        step, rough = half, rough / decay
    land -= land.min()
    return (land / (land.max() or 1))[:height, :width]


def _fog(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    thick, decay = numbers
    most = x.max()
    return (x + thick * _plasma(rng, x.shape[0], x.shape[1], decay)[..., None]) * most / (most + thick)


def _brightness(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    """The value of each pixel (hue, saturation, value) raised; hue and saturation stay."""
    value = x.max(-1, keepdims=True)
    brighter = np.clip(value + numbers[0], 0, 1)
    return np.where(value > 0, x * (brighter / np.where(value > 0, value, 1)), brighter)


_TURQUOISE, _MUD = np.array([175, 238, 238]) / 255, np.array([63, 42, 20]) / 255


def _spatter(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    """Drops of water on the lens or, from severity 4, mud."""
    mean, spread, sigma, least, strength, mud = numbers
    liquid = _smoothed(rng.normal(mean, spread, x.shape[:2]), sigma)
    if mud:
        cover = _smoothed((liquid > least).astype(np.float64), strength)[..., None]
        cover = np.where(cover < 0.8, 0, cover)
        return x * (1 - cover) + _MUD * cover
    return x + strength * _drops(np.where(liquid < least, 0, liquid))[..., None] * _TURQUOISE


def _drops(liquid: np.ndarray) -> np.ndarray:
    """(H, W) from 0 to 1: how the rims of drops catch the light; whole numbers up to the last step."""
    import cv2

    drops = np.clip(255 * liquid, 0, 255).astype(np.uint8)
    far = cv2.distanceTransform(255 - cv2.Canny(drops, 50, 150), cv2.DIST_L2, 5)
    rims = cv2.equalizeHist(cv2.blur(np.minimum(far, 20), (3, 3)).astype(np.uint8))
    relief = cv2.filter2D(rims, cv2.CV_8U, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]))
    light = drops.astype(np.float64) * cv2.blur(relief, (3, 3))
    return light / (light.max() or 1)


# Digital.


def _contrast(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    mean = np.rint(255 * x).sum((0, 1), keepdims=True) / (255 * x.shape[0] * x.shape[1])
    return (x - mean) * numbers[0] + mean


def _saturate(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    """The saturation of each pixel multiplied, and a little added; a grey pixel counts as red, as its hue is 0."""
    factor, added = numbers
    value, low = x.max(-1, keepdims=True), x.min(-1, keepdims=True)
    grey = value == low
    place = np.where(grey, np.array([0.0, 1.0, 1.0]), (value - x) / np.where(grey, 1, value - low))
    saturation = np.where(grey, 0, (value - low) / np.where(value > 0, value, 1))
    return value * (1 - np.clip(saturation * factor + added, 0, 1) * place)


def _elastic(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    """Each pixel is taken from a little way off, and neighbours from about the same way."""
    height, width = x.shape[:2]
    far, sigma = 0.005 * height, (0.01 * height, 0.01 * width)
    right, down = (
        numbers[0] * ndimage.gaussian_filter(rng.uniform(-far, far, (height, width)), sigma, mode="reflect", truncate=3)
        for _ in range(2)
    )
    rows, columns = np.mgrid[:height, :width]
    places = np.stack([rows + down, columns + right])
    return np.stack([ndimage.map_coordinates(x[..., n], places, order=1, mode="reflect") for n in range(3)], -1)


def _pixelate(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    picture = _as_picture(x)
    small = picture.resize([max(1, int(side * numbers[0])) for side in picture.size], Image.Resampling.BOX)
    return np.asarray(small.resize(picture.size, Image.Resampling.NEAREST), dtype=np.float64) / 255


def _jpeg(x: np.ndarray, numbers: tuple, rng: Generator) -> np.ndarray:
    file = io.BytesIO()
    _as_picture(x).save(file, "JPEG", quality=numbers[0])
    with Image.open(file) as found:
        return np.asarray(found.convert("RGB"), dtype=np.float64) / 255


def _as_picture(x: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(255 * x).astype(np.uint8))


def _each(*numbers: float) -> tuple[tuple, ...]:
    return tuple((number,) for number in numbers)


CORRUPTIONS: dict[str, Corruption] = {
    "gaussian_noise": Corruption("Gaussian noise", "noise", _gaussian_noise, _each(0.08, 0.12, 0.18, 0.26, 0.38)),
    "shot_noise": Corruption("Shot noise", "noise", _shot_noise, _each(60, 25, 12, 5, 3)),
    "impulse_noise": Corruption("Impulse noise", "noise", _impulse_noise, _each(0.03, 0.06, 0.09, 0.17, 0.27)),
    "defocus_blur": Corruption(
        "Defocus blur", "blur", _defocus_blur, ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))
    ),
    "glass_blur": Corruption(
        "Glass blur", "blur", _glass_blur, ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2))
    ),
    "motion_blur": Corruption("Motion blur", "blur", _motion_blur, ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))),
    "zoom_blur": Corruption(
        "Zoom blur", "blur", _zoom_blur,
        ((1, 1.11, 0.01), (1, 1.16, 0.01), (1, 1.21, 0.02), (1, 1.26, 0.02), (1, 1.31, 0.03)),
    ),
    "snow": Corruption(
        "Snow", "weather", _snow,
        (
            (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
            (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
            (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
            (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
            (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
        ),
    ),
    "frost": Corruption("Frost", "weather", _frost, ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))),
    "fog": Corruption("Fog", "weather", _fog, ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4))),
    "brightness": Corruption("Brightness", "weather", _brightness, _each(0.1, 0.2, 0.3, 0.4, 0.5)),
    "contrast": Corruption("Contrast", "digital", _contrast, _each(0.4, 0.3, 0.2, 0.1, 0.05)),
    "elastic_transform": Corruption("Elastic", "digital", _elastic, _each(12.5, 16.25, 21.25, 25, 30)),
    "pixelate": Corruption("Pixelate", "digital", _pixelate, _each(0.6, 0.5, 0.4, 0.3, 0.25)),
    "jpeg_compression": Corruption("JPEG", "digital", _jpeg, _each(25, 18, 15, 10, 7)),
    "speckle_noise": Corruption(
        "Speckle noise", "noise", _speckle_noise, _each(0.15, 0.2, 0.35, 0.45, 0.6), extra=True
    ),
    "gaussian_blur": Corruption("Gaussian blur", "blur", _gaussian_blur, _each(1, 2, 3, 4, 6), extra=True),
    "spatter": Corruption(
        "Spatter", "weather", _spatter,
        (
            (0.65, 0.3, 4, 0.69, 0.6, False),
            (0.65, 0.3, 3, 0.68, 0.6, False),
            (0.65, 0.3, 2, 0.68, 0.5, False),
            (0.65, 0.3, 1, 0.65, 1.5, True),
            (0.67, 0.4, 1, 0.65, 1.5, True),
        ),
        extra=True,
    ),
    "saturate": Corruption(
        "Saturate", "digital", _saturate, ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)), extra=True
    ),
}  # fmt: skip
