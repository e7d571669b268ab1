"""5. Dimensionality reduction: the pictures of a collection on a plane, and whether to believe it."""

import streamlit as st

from vizcore import ui
from vizcore.content import programs
from vizcore.inspection import embeddings
from vizcore.ui.sections import embeddings as section
from vizcore.ui.shell import fragment

view, words = ui.begin(__file__), ui.words(__file__)
setting = section.choose(view)
found = section.look(view, setting)
section.warm()


figure, side = ui.beside()
with side:
    place = section.how_drawn(view)
    if found.stopped:
        section.offer_again()


def map_of_pictures() -> None:
    """The map; while it is being made, this part runs again and again and shows how it moves."""
    now = section.look(view, setting)
    section.cloud(view, setting, now, place)
    if section.changed(setting, found, now):
        st.rerun()


with figure:
    fragment(map_of_pictures, section.EVERY if found.job else None)()


def truth() -> None:
    words.part("Is it true?")
    section.facts(setting, found)
    section.show_me()


def seeds() -> None:
    words.part("Other seeds, other perplexities")
    by = ui.segmented_control("Side by side", ["seed", "perplexity"], key="several_by")
    if setting.method == "pca":
        st.caption(words.text("pca has no seed"))
    elif ui.toggle("Make these maps", key="several_maps"):
        section.show_several(view, setting, by)


def table() -> None:
    words.part("The map as a table")
    section.doubtful(view, setting, found)


def check() -> None:
    words.part("Check yourself")
    section.check_noise(setting, found)
    section.check_plane(setting, found)


ui.tabs(("Is it true?", truth), ("Side by side", seeds), ("Check yourself", check), ("Table", table))
shares = section.shares(found)
words.end(
    functions=[embeddings.principal, embeddings.trust, embeddings.quality, embeddings.align],
    snippet=programs.projection(view.model, setting.layer, setting.method, setting.collection == "digits"),
    network=view.net.title,
    layer=setting.layer,
    count=len(section.pictures(setting).labels),
    method=setting.method_title,
    axes=setting.dimensions,
    across=section.across(view, setting),
    seed=setting.seed,
    before=embeddings.BEFORE,
    trust=shares["trust"],
    original=shares["original"],
    projected=shares["projected"],
    noise=shares["noise"],
    width=shares["width"],
    false=shares["false"],
)
