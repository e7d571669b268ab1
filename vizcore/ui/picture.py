"""Choosing the picture: from the gallery, an own one, or a digit for the networks that know digits.

`?image=` names the gallery picture, `?crop=` and `?fit=` the part of it that is seen, `?digit=` the test digit.
"""

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st
from PIL import Image, ImageOps

from vizcore.images.framing import CENTRE, Frame
from vizcore.ui import cache, digits, widgets
from vizcore.ui.address import setting
from vizcore.ui.components import Choice, Sheet, picker
from vizcore.ui.components.picker import CELL
from vizcore.ui.view import View

if TYPE_CHECKING:
    from vizcore.models import Net

OWN = "own"
MEGABYTES = 20  # what a picture may have
LET_IN = 64  # up to here a file that is too large gets our sentence, which says what to do, and not Streamlit's
SUFFIXES = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"]
COLUMNS = 9  # of the sheet of thumbnails
_KEEP = {"crop": CENTRE.at, "fit": CENTRE.fit}


class Chosen(NamedTuple):
    """A picture, the name of its content, its title, and a sentence that describes it."""

    image: Image.Image
    digest: str
    title: str
    alt: str


class Own(NamedTuple):
    """A visitor's own picture; it lives in their session only."""

    image: Image.Image
    digest: str
    title: str


def choose(net: "Net") -> tuple[Chosen, Frame]:
    """Draw what holds the choice, and what can be set of it; the picture chosen and the part of it to be seen."""
    from vizcore import images
    from vizcore.images import framing

    name = setting("image", list(_assets()))
    if for_digits(net):
        digits.number()
        with st.expander("Draw a digit", icon=":material/draw:", key="draw_panel"):
            digits.pad("sidebar_pad")
            st.caption("Mouse, pen or finger. It stays in this session; a link shows the test digit instead.")
        digit = digits.chosen()
        image = digits.picture(digit)
        return Chosen(image, images.digest(image), digit.title, f"Handwritten, white on black: {digit.title}."), CENTRE
    own: Own | None = st.session_state.get("own_picture")
    if own and st.session_state.get("use_own"):
        chosen = Chosen(own.image, own.digest, own.title, "Your own picture.")
    else:
        asset = _assets()[name]
        chosen = Chosen(*cache.open_gallery(name), asset.title, asset.description)
    frame = _frame() if framing.movable(chosen.image.size) else CENTRE
    _own_picture(_shown())
    return chosen, frame


def for_digits(net: "Net") -> bool:
    """Whether the network is shown digits: it takes one grey channel."""
    return net.channels == 1


def picture_controls(view: View) -> None:
    """A row: the picture before, the name of the one chosen, which opens all, and the next one.

    It may stand anywhere on the page, once. What it shows and sets is in the session: :func:`choose` has drawn that.
    """
    number = for_digits(view.net)
    thing = "digit" if number else "picture"
    step = digits.step if number else _step
    with st.container(key="picture_row", horizontal=True, gap="xxsmall", vertical_alignment="center"):
        _arrow("previous", "left", thing, step, -1)
        opened = st.button(
            _plain(view.title),
            icon=":material/grid_view:",
            key="open_pictures",
            width="stretch",
            help=f"Choose a {thing} from all",
        )
        _arrow("next", "right", thing, step, 1)
    if opened and number:
        _all_digits()
    elif opened:
        _all_pictures()


def _arrow(which: str, side: str, thing: str, step: Callable[[int], None], by: int) -> None:
    """A button, and its first letter as a key, that goes on by one."""
    label, letter = f"{which.capitalize()} {thing}", which[0].upper()
    st.button(
        label,
        icon=f":material/chevron_{side}:",
        key=f"{which}_picture",
        shortcut=letter,
        help=f"{label} (key {letter})",
        on_click=step,
        args=(by,),
    )


# The dialogs.


@st.dialog("Choose a picture", width="large")
def _all_pictures() -> None:
    assets, own = _assets(), st.session_state.get("own_picture")
    choices = [Choice(OWN, own.title, "Yours", "own", _own_thumbnail(own.digest, own.image))] if own else []
    choices += [
        Choice(id, asset.title, asset.category.replace("-", ", ").capitalize(), " ".join(asset.classes))
        for id, asset in assets.items()
    ]
    if picker("pictures", choices, _sheet(), _shown(), _take):
        st.rerun()


@st.dialog("Choose a digit", width="large")
def _all_digits() -> None:
    choices, sheet = digits.choices()
    index = digits.chosen().place
    if picker("all_digits", choices, sheet, str(index), lambda id: digits.take(int(id)), "Test digits"):
        st.rerun()


@st.cache_resource(max_entries=1, show_spinner=False)
def _sheet() -> Sheet:
    """All thumbnails of the gallery."""
    from vizcore.images import gallery

    assets = _assets().values()
    rows = -(-len(assets) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL, rows * CELL))
    for index, asset in enumerate(assets):
        thumbnail = ImageOps.fit(gallery.open_image(asset), (CELL, CELL))
        sheet.paste(thumbnail, (index % COLUMNS * CELL, index // COLUMNS * CELL))
    file = io.BytesIO()
    sheet.save(file, "JPEG", quality=82)
    return Sheet(file.getvalue(), "jpeg", COLUMNS, rows)


@cache.once(entries=64)
def _own_thumbnail(digest: str, _image: Image.Image) -> str:
    from vizcore.figures import render

    return render.data_uri(ImageOps.fit(_image, (CELL, CELL)), "jpeg")


# The choice.


def _assets() -> dict:
    from vizcore.images import gallery

    return {asset.id: asset for asset in gallery.records("gallery")}


def _shown() -> str:
    """The id of the picture chosen."""
    own = st.session_state.get("own_picture") and st.session_state.get("use_own")
    return OWN if own else st.session_state["image"]


def _take(choice: str) -> None:
    """Choose a picture; to be called before the page runs again."""
    st.session_state["use_own"] = choice == OWN
    st.session_state["own_error"] = None
    if choice != OWN:
        st.session_state["image"] = choice
    _centre()


def _step(by: int) -> None:
    """Choose the gallery picture so many places on; to be called before the page runs again."""
    ids = list(_assets())
    _take(ids[(ids.index(st.session_state["image"]) + by) % len(ids)])


def _plain(title: str) -> str:
    """A title, which may be the name of a visitor's file, as a label that is no Markdown."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", title)


# The part that is seen.


def _frame() -> Frame:
    """The controls of a picture that is not square."""
    fit = widgets.toggle(
        "Fit the whole picture",
        CENTRE.fit,
        key="fit",
        help="Nothing is cut off: the rest of the square is filled with the network's mean colour.",
    )
    at = widgets.slider(
        "Part that the network sees",
        0,
        100,
        CENTRE.at,
        5,
        format="%d %%",
        key="crop",
        disabled=fit,
        help="Moves the square along the longer side of the picture; 50 % is the middle.",
    )
    return Frame(CENTRE.at if fit else at, fit)


def _centre() -> None:
    """Each picture begins with its middle; to be called before the page runs again."""
    st.session_state.update({key: value for key, value in _KEEP.items() if key in st.session_state})


# Own pictures.


def _own_picture(shown: str) -> None:
    with st.expander("Your own picture", icon=":material/add_photo_alternate:", key="own_panel"):
        st.file_uploader(
            f"Upload a picture, up to {MEGABYTES} MB",
            SUFFIXES,
            key="upload",
            max_upload_size=LET_IN,
            on_change=_take_own,
            args=("upload",),
        )
        error, when = st.session_state.get("own_error") or ("", shown)
        if error and when == shown:
            st.warning(f"{error} The picture before it is still shown.", icon=":material/broken_image:")
        if st.toggle("Use the camera", key="camera_on"):
            st.camera_input("Take a photograph", key="camera", on_change=_take_own, args=("camera",))
        st.caption("It stays in this session: it is not saved, and a link shows the gallery picture instead.")


def _take_own(key: str) -> None:
    """Read a new upload or photograph; keep the picture before it when it cannot be read."""
    from vizcore import images

    file = st.session_state[key]
    st.session_state["own_error"] = None
    if file is None:
        st.session_state["use_own"] = False
        return
    try:
        image = images.load(file)
    except images.ImageError as error:
        st.session_state["own_error"] = str(error), _shown()
        return
    title = "Photograph" if key == "camera" else file.name
    st.session_state["own_picture"] = Own(image, images.digest(image), title)
    st.session_state["use_own"] = True
    _centre()
