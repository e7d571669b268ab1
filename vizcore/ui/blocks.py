"""Pictures on a page: heat maps with their scale, comparisons in one row."""

import html
import io
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st
from PIL import Image

from vizcore.ui.cache import digest, once
from vizcore.ui.components.figure import Bar, Picture, Shown, figure

if TYPE_CHECKING:
    from vizcore.methods import Attribution

SIDE = 512  # pixels a small map is enlarged to, so that it is sharp on a projector
# Pixels of the window's height for what stands around a picture once one has scrolled to it; 0 on the first screen,
# where the browser measures it.
ROOM, MAIN_ROOM = 200, 0
CRISP = 112  # maps of this side or more are shown pixel by pixel unless a page asks for smooth ones


class Panel(NamedTuple):
    """One picture of a figure.

    Attributes:
        content: an Attribution, an array (H, W) or (3, H, W), or a PIL image (shown as it is).
        caption, alt: under the picture; for those who cannot see it.
        photo: the picture to lay a map over.
        signed: whether values below zero count; when omitted as the Attribution says, else by the values.
        opacity: of the map over the photo.
        group: panels of one name share a scale, where the figure's panels do.
        unit, clip: of this panel's numbers, where they differ from the rest of the figure.
        like: numbers whose scale it takes, where that is not its own.
        bars: of a PIL image that was drawn from numbers: those it is read with.
    """

    content: Any
    caption: str = ""
    alt: str = ""
    photo: Image.Image | None = None
    signed: bool | None = None
    opacity: float = 0.5
    group: str = ""
    unit: str = ""
    clip: float | None = None
    like: np.ndarray | None = None
    bars: tuple[Bar, ...] = ()

    @property
    def is_picture(self) -> bool:
        """Whether it is shown as it is, and has no values."""
        return isinstance(self.content, Image.Image)

    @property
    def values(self) -> np.ndarray:
        """The numbers of a map (H, W) or (3, H, W), float32; only where it is no picture."""
        assert not self.is_picture
        values = np.asarray(getattr(self.content, "values", self.content), dtype=np.float32)
        return values[0] if values.ndim == 3 and len(values) == 1 else values  # a grey picture's gradient

    @property
    def diverging(self) -> bool:
        if self.signed is not None:
            return self.signed
        return bool(getattr(self.content, "signed", not self.is_picture and self.values.min() < 0))


class Scale(NamedTuple):
    """The end of a scale in raw units, and in words where it is not the largest number."""

    top: float
    said: str = ""


def heat(
    content: "Attribution | np.ndarray",
    photo: Image.Image | None = None,
    *,
    signed: bool | None = None,
    clip: float | None = None,
    caption: str = "",
    alt: str = "",
    opacity: float = 0.5,
    smooth: bool | None = None,
    unit: str = "",
    gain: float = 1,
    room: int = ROOM,
    key: str | None = None,
) -> None:
    """A heat map with its colour bar; over the photo and bare beside it where a photo is given.

    Args:
        content: an Attribution or raw values, (H, W) or (3, H, W).
        smooth: bilinear enlargement, or crisp cells; when omitted small maps are smooth and large ones crisp.
        key: gives the picture and its raw values download links; unique on the page.
        clip, unit, gain, room: as for :func:`compare`.
    """
    bare = Panel(content, caption, alt, signed=signed)
    panels = [bare._replace(photo=photo, opacity=opacity), bare._replace(caption="The map alone")]
    if photo is None or bare.values.ndim == 3:
        panels = [bare]
    name = f"{key}_figure" if key else _place()
    compare(panels, clip=clip, smooth=smooth, unit=unit, gain=gain, room=room, key=name)
    if key:
        _downloads(panels[0], _gained(_scale_of([bare], clip), bare, gain).top, key)


def compare(
    panels: Sequence[Panel],
    *,
    clip: float | None = None,
    share: bool = True,
    smooth: bool | None = None,
    unit: str = "",
    columns: int | None = None,
    scale_bar: bool = True,
    gain: float = 1,
    room: int = ROOM,
    key: str | None = None,
) -> None:
    """Pictures of equal size in rows: one figure, with a colour bar under those that share a scale.

    Args:
        clip: percentile of the values, or of the absolute value where signs count, at which the scale ends; when
            omitted 99.5 for colour pictures and 100, the largest, for maps.
        share: one scale for all panels of a kind; otherwise each has its own, and its own colour bar.
        unit: name of the numbers under the colour bar.
        columns: pictures per row; all in one row when omitted.
        scale_bar: leave it out only for thumbnails that stand for a page.
        gain: signed maps and colour pictures are drawn so many times as strong; the bars say it.
        room: pixels of the window's height that no picture may take: what stands above and below it. With MAIN_ROOM
            the figure and its bars end where the window ends.
        key: unique on the page; when omitted it is the line of the program that draws the figure.
    """
    groups: dict[tuple, list[Panel]] = {}
    for panel in panels:
        if not panel.is_picture:
            groups.setdefault(_kind(panel), []).append(panel)
    scales = {kind: _scale_of(group, clip) for kind, group in groups.items()}
    shown = []
    for panel in panels:
        if panel.is_picture:
            picture = _enlarged(_digest(panel.content), smooth is not False, panel.content)
            shown.append(Shown(picture, panel.caption, panel.alt or panel.caption, panel.bars))
            continue
        end = _gained(scales[_kind(panel)] if share else _scale_of([panel], clip), panel, gain)
        picture = _heat_map(*_content(panel), float(end.top), smooth, panel)
        read = bar(end.top, panel.values.ndim, panel.diverging, panel.unit or unit, end.said)
        shown.append(Shown(picture, panel.caption, panel.alt or panel.caption, (read,) if scale_bar else ()))
    figure(key or _place(), shown, columns or max(2, len(panels)), room)


def image(picture: Image.Image, caption: str = "", alt: str = "", smooth: bool = True, **options: Any) -> None:
    """One picture, as a figure of its own; `options` as for :func:`compare`.

    Args:
        smooth: bicubic enlargement, for photographs; crisp pixels otherwise.
    """
    compare([Panel(picture, caption, alt)], smooth=smooth, columns=1, **{"key": _place()} | options)


def _place() -> str:
    """The line of the program that draws, as a key: it is the same in every run, and no other figure's."""
    frame = sys._getframe()
    while frame.f_code.co_filename == __file__ and frame.f_back:
        frame = frame.f_back
    return f"figure_{Path(frame.f_code.co_filename).stem}_{frame.f_lineno}"


# Pictures as files, drawn and encoded once for everyone.


def _file(picture: Image.Image) -> Picture:
    from vizcore.figures import render

    file = render.encode(picture)
    return Picture(file, *picture.size, f"{zlib.crc32(file):08x}{len(file):x}")


@once(entries=1024, size="40MB")
def _enlarged(name: str, smooth: bool, _picture: Image.Image) -> Picture:
    return _file(_large(_picture, smooth))


def _large(picture: Image.Image, smooth: bool) -> Image.Image:
    factor = SIDE / max(picture.size)
    if factor <= 1:
        return picture
    factor = factor if smooth else max(1, round(factor))
    how = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    width, height = (round(side * factor) for side in picture.size)
    return picture.resize((width, height), how)


@once(entries=2048, size="60MB")
def _heat_map(
    content: str, photo: str, signed: bool, opacity: float, top: float, smooth: bool | None, _panel: Panel
) -> Picture:
    return _file(_large(_drawn(_panel, top, smooth), smooth=False))


def _content(panel: Panel) -> tuple[str, str, bool, float]:
    """Names of what a panel shows, for :func:`_heat_map`: its numbers, its photo, and how they are drawn."""
    numbers = digest(panel.values)
    if panel.photo is None:
        return numbers, "", panel.diverging, 0.0
    return numbers, _digest(panel.photo), panel.diverging, panel.opacity


def _digest(picture: Image.Image) -> str:
    from vizcore import images

    return images.digest(picture)


# Scales.


def bar(
    top: float,
    dimensions: int,
    signed: bool,
    unit: str = "",
    said: str = "",
    ends: tuple[tuple[int, int, int], tuple[int, int, int]] | None = None,
) -> Bar:
    """The colour bar from 0 (or -top) to top; colours as in the pictures.

    Args:
        dimensions: 3 for a colour picture, with a number for each channel. said: where the scale ends.
        ends: of a ramp of other colours.
    """
    from vizcore.figures import render

    if ends:
        colours = np.array(ends)
    elif dimensions == 3:
        colours = np.array([[0] * 3, [128] * 3, [255] * 3])
    else:
        table = (render.DIVERGING if signed else render.HEAT)[1 if signed else 0 :]
        colours = table[np.linspace(0, len(table) - 1, 17).round().astype(int)]
    if dimensions == 3:
        unit = unit or "a number for each colour channel"
    ramp = ",".join("#{:02x}{:02x}{:02x}".format(*colour) for colour in colours.tolist())
    low, middle, high = (render.number(v) for v in ((-top, 0, top) if signed else (0, top / 2, top)))
    return Bar(ramp, (low, middle, high), "; ".join(filter(None, (unit, said))), float(top))


def scale(top: float, dimensions: int, signed: bool, unit: str = "") -> str:
    """HTML of the same bar, for what is no figure."""
    drawn = bar(top, dimensions, signed, unit)
    ticks = "".join(f"<span>{tick}</span>" for tick in drawn.ticks)
    label = f'<div class="label">{html.escape(drawn.label)}</div>' if drawn.label else ""
    return (
        f'<div class="viz-scale" role="img" aria-label="{html.escape(drawn.name)}">'
        f'<div class="ramp" style="background:linear-gradient(to right,{drawn.ramp})"></div>'
        f'<div class="ticks">{ticks}</div>{label}</div>'
    )


def _kind(panel: Panel) -> tuple:
    """Panels of one kind may share a scale."""
    return panel.group, panel.values.ndim, panel.diverging


def _scale_of(panels: Sequence[Panel], clip: float | None) -> Scale:
    """The scale that panels of one kind share."""
    from vizcore.figures import render

    signed, colour = panels[0].diverging, panels[0].values.ndim == 3
    share = panels[0].clip or clip or (99.5 if colour else 100.0)
    numbers = [panel.values if panel.like is None else panel.like for panel in panels]
    tops = {render.limits(values, signed, share)[1] for values in numbers}
    top = max(tops)
    if share == 100 or top >= max(render.limits(values, signed)[1] for values in numbers):
        return Scale(top)
    what = "absolute value" if signed else "values"
    where = " of the strongest picture" if len(tops) > 1 else ""
    return Scale(top, f"the {share:g}th percentile of the {what}{where}")


def _gained(end: Scale, panel: Panel, gain: float) -> Scale:
    """The scale on which signed maps and colour pictures appear so many times as strong, and where it ends."""
    if gain == 1 or not (panel.diverging or panel.values.ndim == 3):
        return Scale(end.top, end.said and f"ends at {end.said}")
    parts: dict[float, str] = {2: "half", 4: "a quarter of", 8: "an eighth of"}
    part = parts.get(gain, f"1/{gain:g} of")
    return Scale(end.top / gain, f"ends at {part} {end.said or 'the largest value'} (gain {gain:g}×)")


def _drawn(panel: Panel, top: float, smooth: bool | None) -> Image.Image:
    from vizcore.figures import render

    values = panel.values
    if values.ndim == 3:
        return render.gradient_image(values, vmax=top, signed=panel.diverging)
    small = max(values.shape) < CRISP
    if panel.photo is not None:
        photo = panel.photo.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        if smooth is False:
            values = render.enlarge(values, photo.size, smooth=False)
        return render.overlay(photo, values, panel.opacity, panel.diverging, top)
    if small if smooth is None else smooth:
        values = render.enlarge(values, (SIDE, SIDE), smooth=True)
    return render.colorize(values, panel.diverging, top)


def _downloads(panel: Panel, top: float, key: str) -> None:
    from vizcore.figures import render

    def picture() -> bytes:
        return render.encode(_drawn(panel, top, smooth=None), "png")

    def raw() -> bytes:
        file = io.BytesIO()
        np.save(file, panel.values)
        return file.getvalue()

    with st.container(key=f"{key}_downloads", horizontal=True, gap="small"):
        for label, data, name, mime in (
            ("Picture", picture, f"{key}.png", "image/png"),
            ("Raw values", raw, f"{key}.npy", "application/octet-stream"),
        ):
            st.download_button(
                label,
                data,
                name,
                mime,
                key=f"{key}_{name[-3:]}",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
            )
