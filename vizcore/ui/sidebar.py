"""The choices all pages share: picture, class and model, and what the network says about them."""

import html
import io
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st
from PIL import Image

from vizcore.figures import bars as bar_figures
from vizcore.figures.bars import percent
from vizcore.ui import address, cache
from vizcore.ui.address import bound_value
from vizcore.ui.components import thumbnails
from vizcore.ui.progress import first_time
from vizcore.ui.view import View
from vizcore.ui.widgets import class_select, linked_select

if TYPE_CHECKING:
    from vizcore.models import Net

OWN = "own"
MEGABYTES = 20
SUFFIXES = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"]


class Own(NamedTuple):
    """A visitor's own picture; it lives in their session only."""

    image: Image.Image
    digest: str
    title: str


def draw() -> View:
    """Draw the sidebar and return what was chosen in it."""
    first = "image" not in st.session_state
    with st.sidebar:
        picture = st.container(key="picture")
        if first:
            picture = picture.empty()
            picture.skeleton(height=240)
        bars = st.container(key="bars")
        class_slot = st.container(key="class_slot")
        image, digest, title, alt = _choose_image()
        net, model = _choose_model()
    view = cache.make_view(model, net, image, digest, title, alt)
    with class_slot:
        explained = "The class that every page explains; the top prediction until you pick one. Type to search."
        view = cache.look(view, target=class_select(view, "class", help=explained))
    picture.image(_photograph(view), alt=alt or title, output_format="JPEG", width="stretch")
    bars.html(_bars(view))
    return view


# Model.


def _choose_model() -> tuple["Net", str]:
    with first_time("Starting", "vizcore.models"):
        from vizcore import models

    specs = models.MODELS
    states = {name: models.status(name) for name in models.names()}

    def describe(name: str) -> str:
        where = f"download, {specs[name].megabytes:.3g} MB" if states[name] == "missing" else states[name]
        return f"{specs[name].title} ({where})"

    # Networks for grey pictures are on the page about weights; here they come by a link only.
    colour = [name for name in models.names() if len(specs[name].mean) == 3]
    asked = address.asked("model")
    offered = [*colour, asked] if asked in specs and asked not in colour else colour
    chosen = linked_select(
        "Model", list(models.names()), "model", default=models.DEFAULT, order=offered, format_func=describe
    )
    if states[chosen] == "missing" and not _download(chosen):
        st.caption(f"{specs[chosen].title} is not on this computer. Shown: {specs[models.DEFAULT].title}.")
        chosen = models.DEFAULT
    else:
        st.caption(specs[chosen].summary)
        if chosen not in colour:
            st.caption("It was not trained on photographs: what it says about this picture means little.")
    with first_time(f"Loading {specs[chosen].title}", ("net", chosen)):
        return cache.load_net(chosen), chosen


def _download(name: str) -> bool:
    """Offer the download; whether the weights are here afterwards."""
    from vizcore import models

    size = models.MODELS[name].megabytes
    if not st.button(f"Download {size:.3g} MB", icon=":material/download:", key="download", width="stretch"):
        return False
    bar = st.progress(0.0, "Connecting")

    def report(done: int, total: int | None) -> None:
        if total:
            bar.progress(min(1.0, done / total), f"{done / 1e6:.1f} of {total / 1e6:.1f} MB")
        else:  # the server does not say
            bar.progress(0.0, f"{done / 1e6:.1f} MB")

    try:
        models.download(name, report)
    except models.ModelError as error:
        bar.empty()
        st.warning(str(error), icon=":material/cloud_off:")
        return False
    bar.empty()
    return True


# Image.


def _choose_image() -> tuple[Image.Image, str, str, str]:
    """The picture, its digest, its title and a sentence that describes it."""
    from vizcore.images import gallery

    assets = {asset.id: asset for asset in gallery.records("gallery")}
    ids, titles = list(assets), {key: asset.title for key, asset in assets.items()}
    own: Own | None = st.session_state.get("own_picture")
    if own:
        titles[OWN] = own.title
    name = bound_value("image", ids)
    shown = OWN if own and st.session_state.get("use_own") else name

    def take(choice: str) -> None:
        st.session_state["use_own"] = choice == OWN
        st.session_state["own_error"] = None
        if choice != OWN:
            st.session_state["image"] = choice

    st.session_state["pick_image"] = shown
    st.selectbox(
        "Picture",
        [OWN, *ids] if own else ids,
        key="pick_image",
        format_func=lambda option: titles[option],
        on_change=lambda: take(st.session_state["pick_image"]),
    )
    grid = st.popover(
        "Browse pictures", icon=":material/grid_view:", key="image_grid", on_change="rerun", width="stretch"
    )
    if grid.open:
        with grid:
            thumbnails("thumbnails", ids, [titles[i] for i in ids], shown, take)
    _own_picture()
    if own and shown == OWN:
        return own.image, own.digest, own.title, "Your own picture."
    return *cache.open_gallery(name), assets[name].title, assets[name].description


def _own_picture() -> None:
    with st.expander("Your own picture", icon=":material/add_photo_alternate:", key="own_panel"):
        st.file_uploader(
            "Upload a picture", SUFFIXES, key="upload", max_upload_size=MEGABYTES, on_change=_take_own, args=("upload",)
        )
        if error := st.session_state.get("own_error"):
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
        st.session_state["own_error"] = str(error)
        return
    title = "Photograph" if key == "camera" else file.name
    st.session_state["own_picture"] = Own(image, images.digest(image), title)
    st.session_state["use_own"] = True


# What the network says.


def _bars(view: View) -> str:
    """The five most probable classes as bars, and the chosen one where it is not among them."""
    order, probabilities = view.top(len(view.logits)), view.probabilities
    rows = order[:5] + ([view.target] if view.target not in order[:5] else [])
    return bar_figures.bars(
        [view.net.categories[index] for index in rows],
        [probabilities[index] for index in rows],
        rows.index(view.target),
        [order.index(index) + 1 for index in rows],
        "Most probable classes",
    )


@cache.per_picture(entries=256, size="30MB")
def _photograph(view: View) -> bytes:
    """What the network sees as a JPEG, as good as can be."""
    file = io.BytesIO()
    view.picture.save(file, "JPEG", quality=100)
    return file.getvalue()


@cache.per_picture(entries=256)
def _thumbnail(view: View) -> str:
    from vizcore.figures import render

    return render.data_uri(view.picture.resize((80, 80)), "jpeg")


def summary(view: View) -> str:
    """The picture and its prediction in one line, for where the sidebar is folded away."""
    top = view.top(1)[0]
    prediction = f"{view.net.categories[top]} {percent(view.probabilities[top])}"
    explained = "" if view.target == top else f"; explained: {view.class_name}"
    return (
        f'<div class="viz-now"><img alt="" src="{_thumbnail(view)}">'
        f"<span>{html.escape(view.title)}: {html.escape(prediction + explained)}</span></div>"
    )
