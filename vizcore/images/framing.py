"""Which part of a picture a network sees: a square that can be moved along the long side, or all of it on a ground."""

from typing import NamedTuple

from PIL import Image, ImageDraw, ImageEnhance


class Frame(NamedTuple):
    """Where the square lies.

    Attributes:
        at: 0 at the left or upper end of the long side, 100 at the other one.
        fit: instead, the whole picture, the rest of the square filled.
    """

    at: int = 50
    fit: bool = False

    @property
    def name(self) -> str:
        """Part of a cache key; nothing for the centre, which is what a network sees unless told otherwise."""
        return "" if self == CENTRE else " fitted" if self.fit else f" at {self.at}"


CENTRE = Frame()
Sides = tuple[float, float, float, float]  # left, top, right, bottom in pixels


def movable(size: tuple[int, int]) -> bool:
    """Whether a picture of this width and height is so far from a square that a part of it can be chosen."""
    return max(size) > 1.02 * min(size)


def seen(size: tuple[int, int], frame: Frame = CENTRE, share: float = 1.0) -> Sides:
    """The part of a picture of this width and height that the network sees.

    Args:
        share: side of the square over the picture's short side; a network that cuts a margin away sees less than all.
    """
    width, height = size
    if frame.fit:
        return 0.0, 0.0, float(width), float(height)
    side = share * min(size)
    across, down = (frame.at / 100, 0.5) if width >= height else (0.5, frame.at / 100)
    left, top = (width - side) * across, (height - side) * down
    return left, top, left + side, top + side


def square(
    image: Image.Image,
    frame: Frame,
    side: int,
    share: float = 1.0,
    ground: tuple[int, int, int] = (128, 128, 128),
    interpolation: Image.Resampling = Image.Resampling.BILINEAR,
) -> Image.Image:
    """The (side x side) RGB picture that the network is shown.

    Args:
        share: as for :func:`seen`. ground: the colour around a picture that is fitted.
    """
    image = image.convert("RGB")
    if not frame.fit:
        return image.resize((side, side), interpolation, box=seen(image.size, frame, share))
    scale = side / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    page = Image.new("RGB", (side, side), ground)
    page.paste(image.resize((width, height), interpolation), ((side - width) // 2, (side - height) // 2))
    return page


def marked(image: Image.Image, frame: Frame = CENTRE, share: float = 1.0, longest: int = 480) -> Image.Image:
    """The whole picture, at most `longest` pixels long, with what the network does not see dimmed."""
    scale = min(1.0, longest / max(image.size))
    width, height = (max(1, round(length * scale)) for length in image.size)
    small = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    left, top, right, bottom = (round(edge) for edge in seen(small.size, frame, share))
    if (left, top, right, bottom) == (0, 0, width, height):
        return small
    page = ImageEnhance.Brightness(small).enhance(0.4)
    page.paste(small.crop((left, top, right, bottom)), (left, top))
    ImageDraw.Draw(page).rectangle((left, top, right - 1, bottom - 1), outline=(255, 255, 255), width=2)
    return page
