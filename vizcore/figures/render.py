"""Pictures of numbers: arrays in, PIL images out. No function here rescales silently.

Two colour maps, each a table of 256 RGB colours. `HEAT` (unsigned): black through violet and orange to pale
yellow, lightness rising evenly. `DIVERGING` (signed): blue, near-white at exactly zero, red, equally dark at
equal distance from zero. Both stay readable with the common colour vision deficiencies: lightness tells the
magnitude, blue against red the sign. Entries 0 and 1 of each table are equal, so a colour-mapped picture and
one background fit into 256 colours.
"""

import base64
import io
from typing import TypeVar

import numpy as np
from PIL import Image

Colour = tuple[int, int, int]
Drawing = TypeVar("Drawing", Image.Image, np.ndarray)

# Every 15th colour of "inferno" by Stéfan van der Walt and Nathaniel Smith (matplotlib, CC0).
_HEAT_ANCHORS = (
    "000004 0a0722 1e0c45 380962 510e6c 69166e 801f6c 982766 b0315b "
    "c63d4d d94d3d e9612b f47918 fa9407 fcb014 f8cd37 f2ea69 fcffa4"
)
# CIELAB colours from the neutral centre to each end: equal lightness left and right.
_CENTRE = (96.0, 0.0, 0.0)
_BLUES = ((82.0, -6.0, -18.0), (62.0, -3.0, -42.0), (44.0, 12.0, -54.0), (28.0, 20.0, -48.0))
_REDS = ((82.0, 17.0, 13.0), (62.0, 45.0, 33.0), (44.0, 56.0, 38.0), (28.0, 46.0, 30.0))

_RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)  # sRGB primaries, D65 (IEC 61966-2-1)
_WHITE_POINT = _RGB_TO_XYZ.sum(axis=1)


def rgb_to_lab(colours: np.ndarray) -> np.ndarray:
    """sRGB 0..255 (..., 3) -> CIELAB (..., 3): lightness 0..100, green-red, blue-yellow (CIE 1976)."""
    share = np.asarray(colours, dtype=np.float64) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _RGB_TO_XYZ.T / _WHITE_POINT
    x, y, z = np.moveaxis(np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * 841 / 108 + 4 / 29), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _lab_to_rgb(lab: np.ndarray) -> np.ndarray:
    """CIELAB (..., 3) -> sRGB 0..255 (..., 3) as float64, unrounded and clipped to the gamut."""
    lightness, a, b = np.moveaxis(np.asarray(lab, dtype=np.float64), -1, 0)
    y = (lightness + 16) / 116
    root = np.stack([y + a / 500, y, y - b / 200], axis=-1)
    ratio = np.where(root > 6 / 29, root**3, (root - 4 / 29) * 108 / 841)
    linear = np.clip((ratio * _WHITE_POINT) @ np.linalg.inv(_RGB_TO_XYZ).T, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _table(anchors: np.ndarray, steps: int) -> np.ndarray:
    """`steps` colours (uint8 RGB) through evenly spaced CIELAB anchors (n, 3), interpolated in CIELAB."""
    at, known = np.linspace(0, 1, steps), np.linspace(0, 1, len(anchors))
    lab = np.stack([np.interp(at, known, channel) for channel in np.transpose(anchors)], axis=-1)
    return np.rint(_lab_to_rgb(lab)).astype(np.uint8)


def _heat_table() -> np.ndarray:
    table = _table(rgb_to_lab(np.array([list(bytes.fromhex(colour)) for colour in _HEAT_ANCHORS.split()])), 256)
    table[1] = table[0]
    return table


def _diverging_table() -> np.ndarray:
    table = _table(np.array([*_BLUES[::-1], _CENTRE, *_REDS]), 255)  # 127 blues, the centre, 127 reds
    return np.concatenate([table[:1], table])


HEAT = _heat_table()
DIVERGING = _diverging_table()
ZERO = 128  # the entry of DIVERGING, and the grey of `gradient_image`, that means exactly zero
for _colours in (HEAT, DIVERGING):
    _colours.setflags(write=False)


def limits(values: np.ndarray, signed: bool, clip: float = 100.0) -> tuple[float, float]:
    """Ends of the colour scale, in raw units: (-m, m) when signed, else (0, m).

    m is the `clip`-th percentile of |values| (signed) or of the values with negatives counted as zero. Where
    that percentile is zero, a few cells hold everything and m is the maximum instead. Where nothing is left
    to show (all zero; unsigned and nowhere positive) m is 1, so that the map is drawn as plain zero.
    Raises ValueError for no values, values that are not finite, or a clip outside (0, 100].
    """
    values = finite(values)
    if not 0 < clip <= 100:
        raise ValueError(f"clip is a percentile above 0 and up to 100, got {clip}")
    strength = np.abs(values) if signed else np.maximum(values, 0)
    top = float(strength.max())
    if clip < 100:
        top = float(np.percentile(strength, clip)) or top
    top = top or 1.0
    return (-top if signed else 0.0), top


def colorize(values: np.ndarray, signed: bool = False, vmax: float | None = None, clip: float = 100.0) -> Image.Image:
    """The map (H, W) in colour, one pixel per value, RGB.

    Unsigned: 0 to `vmax` run through `HEAT`; negative values are drawn as zero. Signed: -`vmax` to `vmax` run
    through `DIVERGING`, zero is its neutral centre. Without `vmax` the scale is
    `limits(values, signed, clip)`.
    """
    values = _map(values)
    return Image.fromarray(colours_of(signed)[indices(values, signed, scale_top(values, signed, vmax, clip))])


def overlay(
    photo: Image.Image,
    values: np.ndarray,
    opacity: float = 0.5,
    signed: bool = False,
    vmax: float | None = None,
    clip: float = 100.0,
) -> Image.Image:
    """The map (h, w), enlarged bilinearly to the photograph's size, laid over it; RGB.

    The raw values are enlarged, then coloured; the scale is taken from `values` as given, so that overlay,
    bare map and colour bar agree.
    """
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity lies between 0 and 1, got {opacity}")
    values = _map(values)
    top = scale_top(values, signed, vmax, clip)
    large = enlarge(values, photo.size, smooth=True)
    heat, photo = colorize(large, signed, top), photo.convert("RGB")
    return Image.blend(photo, heat, opacity)


def gradient_image(
    values: np.ndarray, clip: float = 99.5, vmax: float | None = None, signed: bool = True
) -> Image.Image:
    """A gradient (3, H, W) as the papers print it: zero is mid grey (128), each channel moves up or down. RGB.

    The scale is symmetric: `vmax`, or the `clip`-th percentile of |values|, reaches black and white. Where no sign is
    meant, as in an absolute value, zero is black.
    """
    values = finite(values)
    if values.ndim != 3 or len(values) != 3:
        raise ValueError(f"expected a gradient of shape (3, H, W), got {values.shape}")
    top = scale_top(values, signed, vmax, clip)
    return Image.fromarray(np.moveaxis(indices(values, signed, top), 0, -1).copy())


def enlarge(picture: Drawing, size: tuple[int, int], smooth: bool) -> Drawing:
    """An image, or a map (H, W) as float32, at `size` = (width, height): crisp cells, or smooth (bilinear).

    Bilinear has cell centres at half pixels, as `torch.nn.functional.interpolate(align_corners=False)`.
    """
    how = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    if isinstance(picture, Image.Image):
        return picture.resize(size, how)
    return np.asarray(Image.fromarray(_map(picture)).resize(size, how))


def finite(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=np.float32)
    if values.size == 0:
        raise ValueError(f"there are no values to draw: the shape is {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("there are values that are not finite (infinite or not a number)")
    return values


def _map(values: np.ndarray) -> np.ndarray:
    values = finite(values)
    if values.ndim != 2:
        raise ValueError(f"expected a map of shape (H, W), got {values.shape}")
    return values


def scale_top(values: np.ndarray, signed: bool, vmax: float | None, clip: float) -> float:
    """The caller's `vmax`, checked, or the upper limit of the values."""
    if vmax is None:
        return limits(values, signed, clip)[1]
    if not (np.isfinite(vmax) and vmax >= 0):
        raise ValueError(f"vmax is a finite number, zero or above, got {vmax}")
    return float(vmax)


def colours_of(signed: bool) -> np.ndarray:
    return DIVERGING if signed else HEAT


def indices(values: np.ndarray, signed: bool, top: float | np.ndarray) -> np.ndarray:
    """Entries of the colour table (uint8): 0..255 for 0..top, or 1..128..255 for -top..0..top.

    `top` broadcasts against the values; where it is zero the values are drawn as zero.
    """
    top = np.asarray(top, dtype=np.float64)
    share = np.clip(values, -top if signed else 0, top) / np.where(top > 0, top, 1)
    return np.rint(ZERO + 127 * share if signed else 255 * share).astype(np.uint8)


def number(value: float) -> str:
    """A number with at most three significant digits, short enough for a tick: 0.0123, 1230, 1.2e-5."""
    text = f"{float(f'{value:.3g}'):g}"
    mantissa, mark, exponent = text.partition("e")
    text = f"{mantissa}e{int(exponent)}" if mark else text
    return "0" if text == "-0" else text


def encode(image: Image.Image, kind: str = "auto") -> bytes:
    """The picture as a file: "jpeg" (quality 90), "png" (exact, a palette up to 256 colours) or "auto".

    "auto" takes PNG where there is transparency or at most 256 colours, as in every colour-mapped picture,
    else JPEG, as for photographs and overlays.
    """
    if kind not in ("auto", "jpeg", "png"):
        raise ValueError(f"kind is 'auto', 'jpeg' or 'png', got {kind!r}")
    file = io.BytesIO()
    if kind != "jpeg" and image.has_transparency_data:
        image.save(file, "PNG", compress_level=1)
        return file.getvalue()
    image = image.convert("RGB")
    colours = None if kind == "jpeg" else image.getcolors(256)
    if colours:
        palette = np.array([colour for _, colour in colours], dtype=np.uint32)
        _indexed(image, palette).save(file, "PNG", compress_level=1)
    elif kind == "png":
        image.save(file, "PNG", compress_level=1)
    else:
        image.save(file, "JPEG", quality=90, subsampling=0)
    return file.getvalue()


def data_uri(image: Image.Image, kind: str = "auto") -> str:
    """The encoded picture as a `data:` address, for HTML and plotly."""
    data = encode(image, kind)
    subtype = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{subtype};base64,{base64.b64encode(data).decode()}"


def _indexed(image: Image.Image, palette: np.ndarray) -> Image.Image:
    """An RGB image as a palette image of exactly these colours (n, 3), uint32."""
    red, green, blue = np.moveaxis(np.asarray(image, dtype=np.uint32), -1, 0)
    table = np.zeros(1 << 24, np.uint8)
    table[palette @ np.array([65536, 256, 1], dtype=np.uint32)] = np.arange(len(palette))
    indexed = Image.fromarray(table[(red << 16) | (green << 8) | blue])
    indexed.putpalette(palette.astype(np.uint8).tobytes())
    return indexed


def signed(value: float) -> str:
    """A short number with a real minus sign."""
    return number(value).replace("-", "−")
