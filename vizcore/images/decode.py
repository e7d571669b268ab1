"""From any upload to an upright RGB picture, or one sentence that says why not and what to do.

Everything happens in memory: nothing is written to disk, no setting of Pillow is changed, and calls may run
side by side in many threads.
"""

import hashlib
import io
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, features

BYTE_CAP = 20_000_000
PIXEL_CAP = 52_000_000  # declared in the header; a 50-megapixel phone photograph (8192 x 6144) still fits
LONG_SIDE = 2048  # pixels of the longer side of the result
ASPECT_CAP = 50  # longer side over shorter side; a thinner strip has no square crop worth looking at

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM") + (("AVIF",) if features.check("avif") else ())

_WAY_OUT = "Save it as JPEG or PNG and upload that file."
_SMALLER = "Save a smaller copy and upload that."
_ORIENTATION_TAG = 0x0112
_SIGNATURES = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class ImageError(ValueError):
    """The picture cannot be used; the message is one or two sentences for the person who uploaded it."""


def load(source: bytes | bytearray | memoryview | str | os.PathLike | BinaryIO) -> Image.Image:
    """Read a picture as an upright 8-bit RGB image, at most `LONG_SIDE` pixels on its longer side.

    `source` is the bytes of a file, a path, or a binary file object (an upload is one). Rotation stored in
    EXIF is applied, transparency is laid on white, of an animation or a document the first frame is taken,
    16-bit grey is divided by 257, floating-point grey outside 0..1 is stretched over its range, colours with
    an ICC profile are converted to sRGB. The result carries no metadata.
    Raises `ImageError` for everything that is not such a picture.
    """
    data = _read(source)
    if not data:
        raise ImageError("The file is empty. Choose another picture, or save this one again.")
    if len(data) > BYTE_CAP:
        raise ImageError(f"The file is larger than {BYTE_CAP // 1_000_000} MB. {_SMALLER}")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(*image.size)
            return _decode(image)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageError(_too_many_pixels()) from None
    except MemoryError:
        raise ImageError(f"There is not enough memory to decode the picture. {_SMALLER}") from None
    except Exception:  # on hostile bytes Pillow's readers raise nearly every built-in exception
        raise ImageError(_diagnosis(data)) from None


def digest(image: Image.Image) -> str:
    """Name of the picture's content: 32 hexadecimal digits over mode, size and every pixel."""
    content = hashlib.blake2b(f"{image.mode} {image.width} {image.height} ".encode(), digest_size=16)
    content.update(bytes(image.getpalette() or ()))
    content.update(image.tobytes())
    return content.hexdigest()


def _read(source) -> bytes:
    """At most `BYTE_CAP` + 1 bytes of the source, from its beginning."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if isinstance(source, str | os.PathLike):
        try:
            with Path(source).open("rb") as file:
                return file.read(BYTE_CAP + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a usable file name"
            raise ImageError(f"The file '{source}' cannot be read ({reason}). Check its name.") from None
    if not hasattr(source, "read"):
        raise TypeError(f"expected bytes, a path or a binary file, got {type(source).__name__}")
    try:
        if hasattr(source, "seek"):
            source.seek(0)
        data = source.read(BYTE_CAP + 1)
    except (OSError, ValueError):
        raise ImageError("The file cannot be read any more. Upload it again.") from None
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ImageError("The file was opened as text, not as a picture. Open it in binary mode.")
    return bytes(data)


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise ImageError(f"The picture has no pixels. {_WAY_OUT}")
    if width * height > PIXEL_CAP:
        raise ImageError(_too_many_pixels())
    if max(width, height) > ASPECT_CAP * min(width, height):
        raise ImageError(f"The picture is a strip of {width} x {height} pixels. Crop it nearer to a square.")


def _too_many_pixels() -> str:
    return f"The picture has more than {PIXEL_CAP // 1_000_000} million pixels. {_SMALLER}"


def _decode(image: Image.Image) -> Image.Image:
    """Decode, reduce, flatten, convert to sRGB and turn upright."""
    size = _fit(*image.size)
    image.draft(None, size)  # JPEG decodes straight to 1/2, 1/4 or 1/8; other formats ignore this
    image.load()
    _check_size(*image.size)
    orientation, profile = _orientation(image), image.info.get("icc_profile")  # complete only after load()
    picture = _eight_bit(image)
    if picture.size != _fit(*picture.size):
        picture = picture.resize(_fit(*picture.size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    picture = _to_srgb(_on_white(picture), profile)
    if orientation in _UPRIGHT:
        picture = picture.transpose(_UPRIGHT[orientation])
    clean = Image.new("RGB", picture.size)
    clean.paste(picture)
    return clean


def _fit(width: int, height: int) -> tuple[int, int]:
    """The size with the longer side reduced to `LONG_SIDE`, never enlarged, never below one pixel."""
    scale = min(1.0, LONG_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # broken metadata must not cost the picture
        return 1


def _eight_bit(image: Image.Image) -> Image.Image:
    """The image with 8 bits per channel, in mode L, RGB, CMYK or, with transparency, RGBA."""
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_grey(np.asarray(image), image.mode))
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _grey(values: np.ndarray, mode: str) -> np.ndarray:
    """Pixel values as uint8 grey, on the first scale they fit into; where none fits, over their own range.

    The scales start at zero and end at 1 (floating point), 65535 (16 bits), or 255 or 65535 (32 bits).
    """
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 1.0)
    for top in (1.0,) if mode == "F" else (65535.0,) if mode.startswith("I;16") else (255.0, 65535.0):
        if low >= 0 and high <= top:
            low, high = 0.0, top
            break
    if high == low:
        return np.full(values.shape, 128, np.uint8)
    share = (np.where(finite, values, low) - low) / (high - low)
    return np.rint(255 * np.clip(share, 0, 1)).astype(np.uint8)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert with the embedded ICC profile; without one, or with an unusable one, by Pillow's own rule."""
    if profile and features.check("littlecms2"):
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" not in ImageCms.getProfileDescription(own).lower():
                converted = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
                if converted is not None:  # None only for a conversion in place
                    return converted
        except Exception:  # a damaged profile, or one for another colour space, must not cost the picture
            pass
    return image.convert("RGB")


def _diagnosis(data: bytes) -> str:
    """Why these bytes are no readable picture, in one or two sentences, judged by how the file begins."""
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    text = head.lower()
    if data[4:8] == b"ftyp":
        if data[8:12] in (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"):
            return "This is a HEIC photograph, which cannot be read here. Export it as JPEG and upload that."
        if data[8:12] not in (b"avif", b"avis"):
            return "This is a video, not a picture. Save one frame as JPEG or PNG and upload that file."
    if b"<svg" in text:
        return "This is an SVG drawing, which has no pixels. Export it as PNG and upload that file."
    if head.startswith(b"%PDF"):
        return "This is a PDF document, not a picture. Export the page as PNG and upload that file."
    if head.startswith(b"PK\x03\x04"):
        return "This is an archive or an office document, not a picture. Upload the picture inside it."
    if not head or _is_text(data[:1024]):
        return "This is a text file, not a picture. Choose a picture in JPEG or PNG format."
    if data.startswith(_SIGNATURES) or data[4:8] == b"ftyp":
        return f"The picture is damaged or incomplete. Open it in an image program. {_WAY_OUT}"
    return f"This file is not a picture in a format that can be read ({', '.join(FORMATS)}). {_WAY_OUT}"


def _is_text(data: bytes) -> bool:
    """Whether this beginning of a file is UTF-8 without control characters; its last character may be cut."""
    readable = data.decode("utf-8", "ignore").encode()
    controls = any(byte < 0x20 and byte not in b"\t\n\r\f" for byte in data)
    return len(readable) >= len(data) - 3 and not controls
