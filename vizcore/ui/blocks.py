"""Pictures on a page: heat maps with their scale, comparisons in one row."""

import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st
from PIL import Image

from vizcore.ui.cache import digest, once

if TYPE_CHECKING:
    from vizcore.methods import Attribution

SIDE = 512  # pixels a small map is enlarged to, so that it is sharp on a projector
CRISP = 112  # maps of this side or more are shown pixel by pixel unless a page asks for smooth ones


class Panel(NamedTuple):
    """One picture of a row.

    Attributes:
        content: an Attribution, an array (H, W) or (3, H, W), or a PIL image (shown as it is).
        caption, alt: under the picture; for those who cannot see it.
        photo: the picture to lay a map over.
        signed: whether values below zero count; when omitted as the Attribution says, else by the values.
        opacity: of the map over the photo.
    """

    content: Any
    caption: str = ""
    alt: str = ""
    photo: Image.Image | None = None
    signed: bool | None = None
    opacity: float = 0.5

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


def heat(
    content: "Attribution | np.ndarray",
    photo: Image.Image | None = None,
    *,
    signed: bool | None = None,
    vmax: float | None = None,
    clip: float | None = None,
    caption: str = "",
    alt: str = "",
    opacity: float = 0.5,
    smooth: bool | None = None,
    unit: str = "",
    key: str | None = None,
) -> None:
    """A heat map with its colour bar; over the photo and bare beside it where a photo is given.

    Args:
        content: an Attribution or raw values, (H, W) or (3, H, W).
        vmax: end of the scale in raw units; the `clip`-th percentile when omitted (100 for maps, 99.5 for
            image gradients).
        smooth: bilinear enlargement, or crisp cells; when omitted small maps are smooth and large ones crisp.
        unit: name of the numbers under the colour bar.
        key: gives the picture and its raw values download links; unique on the page.
    """
    bare = Panel(content, caption, alt, signed=signed)
    panels = [bare._replace(photo=photo, opacity=opacity), bare._replace(caption="The map alone")]
    if photo is None or bare.values.ndim == 3:
        panels = [bare]
    compare(panels, vmax=vmax, clip=clip, smooth=smooth, unit=unit)
    if key:
        _downloads(panels[0], _top([bare], vmax, clip), key)


def compare(
    panels: Sequence[Panel],
    *,
    vmax: float | None = None,
    clip: float | None = None,
    share: bool = True,
    smooth: bool | None = None,
    unit: str = "",
    columns: int | None = None,
    scale_bar: bool = True,
) -> None:
    """Pictures of equal size in rows, with one colour bar where they share a scale.

    Args:
        share: one scale for all panels of a kind; otherwise each has its own, and its own colour bar.
        columns: pictures per row; all in one row when omitted.
        scale_bar: leave it out only for thumbnails that stand for a page.
    """
    groups: dict[tuple[int, bool], list[Panel]] = {}
    for panel in panels:
        if not panel.is_picture:
            groups.setdefault((panel.values.ndim, panel.diverging), []).append(panel)
    tops = {kind: _top(group, vmax, clip) for kind, group in groups.items()}
    per_row = columns or max(2, len(panels))
    for start in range(0, len(panels), per_row):
        for column, panel in zip(st.columns(per_row), panels[start : start + per_row], strict=False):
            with column:
                if panel.is_picture:
                    image(panel.content, panel.caption, panel.alt, smooth=smooth is not False)
                    continue
                kind = panel.values.ndim, panel.diverging
                top = tops[kind] if share else _top([panel], vmax, clip)
                _show(_heat_map(*_content(panel), float(top), smooth, panel), panel.caption, panel.alt)
                if scale_bar and not share:
                    st.html(scale(top, *kind, unit))
    if scale_bar and share:
        for kind, top in tops.items():
            st.html(scale(top, *kind, unit))


def image(picture: Image.Image, caption: str = "", alt: str = "", smooth: bool = True, width: Any = "stretch") -> None:
    """A picture, enlarged on the server where it is small, so that a projector need not blur it.

    Args:
        smooth: bicubic enlargement, for photographs; crisp pixels otherwise.
    """
    from vizcore import images

    _show(_enlarged(images.digest(picture), smooth, picture), caption, alt, width)


def _show(file: bytes, caption: str, alt: str, width: Any = "stretch") -> None:
    st.image(file, caption or None, width=width, alt=alt or caption or None)


# Pictures as files, drawn and encoded once for everyone.


@once(entries=1024, size="40MB")
def _enlarged(name: str, smooth: bool, _picture: Image.Image) -> bytes:
    from vizcore.figures import render

    return render.encode(_large(_picture, smooth))


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
) -> bytes:
    from vizcore.figures import render

    return render.encode(_large(_drawn(_panel, top, smooth), smooth=False))


def _content(panel: Panel) -> tuple[str, str, bool, float]:
    """Names of what a panel shows, for :func:`_heat_map`: its numbers, its photo, and how they are drawn."""
    from vizcore import images

    numbers = digest(panel.values)
    if panel.photo is None:
        return numbers, "", panel.diverging, 0.0
    return numbers, images.digest(panel.photo), panel.diverging, panel.opacity


def scale(top: float, dimensions: int, signed: bool, unit: str = "") -> str:
    """HTML of a colour bar from 0 (or -top) to top with three numbers; colours as in the pictures."""
    from vizcore.figures import render

    signed = signed or dimensions == 3
    if dimensions == 3:
        colours, unit = (
            np.array([[0] * 3, [128] * 3, [255] * 3]),
            unit or "a number for each colour channel; grey is zero",
        )
    else:
        table = (render.DIVERGING if signed else render.HEAT)[1 if signed else 0 :]
        colours = table[np.linspace(0, len(table) - 1, 17).round().astype(int)]
    ramp = ",".join("#{:02x}{:02x}{:02x}".format(*colour) for colour in colours.tolist())
    low, middle, high = (render.number(v) for v in ((-top, 0, top) if signed else (0, top / 2, top)))
    label = f'<div class="label">{html.escape(unit)}</div>' if unit else ""
    return (
        f'<div class="viz-scale" role="img" aria-label="Colour scale, {low} to {high} {html.escape(unit)}">'
        f'<div class="ramp" style="background:linear-gradient(to right,{ramp})"></div>'
        f'<div class="ticks"><span>{low}</span><span>{middle}</span><span>{high}</span></div>{label}</div>'
    )


def _top(panels: Sequence[Panel], vmax: float | None, clip: float | None) -> float:
    """The end of the scale the panels share."""
    from vizcore.figures import render

    if vmax is not None:
        return vmax
    limits = [
        render.limits(p.values, p.diverging or p.values.ndim == 3, clip or (99.5 if p.values.ndim == 3 else 100.0))
        for p in panels
    ]
    return max(high for _, high in limits)


def _drawn(panel: Panel, top: float, smooth: bool | None) -> Image.Image:
    from vizcore.figures import render

    values = panel.values
    if values.ndim == 3:
        return render.gradient_image(values, vmax=top)
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
