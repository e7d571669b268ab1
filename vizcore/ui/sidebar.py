"""The choices all pages share: picture, class and model, and what the network says about them."""

import html
import io
from contextvars import ContextVar
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from vizcore.figures import bars as bar_figures
from vizcore.figures.bars import percent
from vizcore.ui import cache, picture, widgets
from vizcore.ui.address import AUTO
from vizcore.ui.progress import first_time
from vizcore.ui.view import View
from vizcore.ui.widgets import class_select, linked_select

if TYPE_CHECKING:
    from vizcore.models import Net

WITH_MAPS = "digits_cnn", "squeezenet1_1"  # offered where the chosen network has no maps

_under_model: ContextVar[st.delta_generator.DeltaGenerator | None] = ContextVar("under_model", default=None)


def draw(of_class: bool = True) -> View:
    """Draw the choices that all pages share, in the sidebar and in the row on top, and return what was chosen.

    Args:
        of_class: whether the page explains a class; otherwise none is offered.
    """
    first = "image" not in st.session_state
    with st.sidebar:
        photograph = st.container(key="picture")
        if first:
            photograph = photograph.empty()
            photograph.skeleton(height=180)
        bars = st.container(key="bars")
        model_slot = st.container(key="model_slot")
        settings = st.container(key="picture_settings")
    with model_slot:
        net, model = _choose_model()
        _under_model.set(st.container(key="under_model"))
    with settings:
        chosen, frame = picture.choose(net)
    view = cache.make_view(model, net, *chosen, frame=frame)
    with widgets.choices():
        st.container(key="now", width=40).html(summary(view))
        picture.picture_controls(view)
        explained = "The class that every page explains; the top prediction until you pick one. Type to search."
        view = cache.look(view, target=class_select(view, "class", help=explained, width=230, hidden=not of_class))
    photograph.image(_photograph(view), alt=view.alt or view.title, output_format="JPEG", width="stretch")
    bars.html(_bars(view))
    return view


def own_network(sentence: str) -> None:
    """Say under the model of the sidebar that the page uses a network or a picture of its own."""
    if slot := _under_model.get():
        slot.caption(sentence)


def offer(sentence: str, *names: str) -> None:
    """Say what the chosen network cannot do here, name networks that can, and choose one at a click.

    Args:
        sentence: a sentence without what to do about it.
        names: the networks; one for digits and one for photographs, both with maps, when omitted.
    """
    from vizcore import models

    titles = {name: models.MODELS[name].title for name in names or WITH_MAPS}
    st.info(f"{sentence.rstrip('.')}: choose {' or '.join(titles.values())}.", icon=":material/info:")
    with st.container(key="offer", horizontal=True):
        for name, title in titles.items():
            if st.button(f"Choose {title}", key=f"offer_{name}", on_click=_choose, args=(name,)):
                st.rerun()  # in a fragment, the rest of the page is to know it too


def _choose(name: str) -> None:
    from vizcore import models

    st.session_state["model"] = AUTO if name == models.DEFAULT else name


# Model.


def _choose_model() -> tuple["Net", str]:
    with first_time("Starting", "vizcore.models"):
        from vizcore import models

    specs = models.MODELS
    states = {name: models.status(name) for name in models.names()}

    def describe(name: str) -> str:
        where = {
            "embedded": "",
            "on disk": " (on this computer)",
            "missing": f" (download, {specs[name].megabytes:.3g} MB)",
        }
        return specs[name].title + where[states[name]]

    # Those for digits come last: most pages are about photographs.
    order = sorted(models.names(), key=lambda name: len(specs[name].mean) == 1)
    chosen = linked_select(
        "Model", list(models.names()), "model", default=models.DEFAULT, order=order, format_func=describe
    )
    if states[chosen] == "missing" and not _download(chosen):
        st.caption(f"{specs[chosen].title} is not on this computer. Shown: {specs[models.DEFAULT].title}.")
        chosen = models.DEFAULT
    else:
        st.caption(specs[chosen].summary)
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
    """The whole picture with what the network sees of it, as a JPEG, as good as can be."""
    from vizcore.images import framing

    if picture.for_digits(view.net):
        shown = view.picture.resize((448, 448), Image.Resampling.NEAREST)
    elif view.frame.fit:
        shown = view.picture
    else:
        shown = framing.marked(view.image, view.frame, view.net.input_size / view.net.resize)
    file = io.BytesIO()
    shown.save(file, "JPEG", quality=100)
    return file.getvalue()


@cache.per_picture(entries=256)
def summary(view: View) -> str:
    """The picture and its prediction in small, for where the sidebar is folded away."""
    from vizcore.figures import render

    top = view.top(1)[0]
    said = html.escape(f"{view.title}: {view.net.categories[top]} {percent(view.probabilities[top])}", quote=True)
    thumbnail = render.data_uri(view.picture.resize((80, 80)), "jpeg")
    return f'<div class="viz-now"><img alt="{said}" title="{said}" src="{thumbnail}"></div>'
