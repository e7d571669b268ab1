"""12 Detecting bias: a lab with a known truth, a blind game, a repair, and the pretrained network's own mistakes."""

import streamlit as st

from vizcore import ui
from vizcore.evaluation import bias, bias_lab
from vizcore.ui.sections import bias as section

view, words = ui.begin(__file__), ui.words(__file__)
view = section.fitting(view)
with ui.choices():
    choice, cutout = section.choose()


@ui.fragment
def lab() -> None:
    figure, side = ui.beside()
    with side:
        st.html(section.accuracies(view, choice))
        opacity = ui.opacity()
        linked = ui.toggle("Same scale for both", True, key="linked")
        st.caption(words.text("caption: the lab"))
    with figure:
        section.main_figure(view, choice, cutout, opacity, linked)


lab()


def sweep() -> None:
    words.part("How strong must the tie be?")
    method = ui.segmented_control("Share on the background of", list(section.TITLES), "Grad-CAM", key="lab_method")
    section.show_sweep(view, choice, method)
    st.markdown(section.verdict(view, choice))
    words.say("how the band is found", networks=bias.SEEDS, band=section.networks_of_band(view, choice.kind))


def game() -> None:
    words.part("Which network has which?")
    with ui.controls("game_controls"):
        number = ui.number_input("Game", 1, 99, 1, 1, key="game", width=110)
        animal = section.animal("game_animal", "tiger")
        ground = ui.segmented_control("Background", list(section.GROUNDS), key="game_ground")
        look = ui.segmented_control("Picture is", list(section.LOOKS), key="game_look")
        method = ui.segmented_control("Map", list(section.TITLES), "Grad-CAM", key="game_map")
    several = section.players(view, number)
    shot = bias_lab.Shot(animal, section.GROUNDS[ground], section.LOOKS[look])
    section.show_players(view, several, shot, method, number)
    guesses = section.guess(several)
    ready = section.UNSAID not in guesses.values()
    if not ready:
        st.caption(words.text("guess first"))
    if ui.toggle("Reveal", key="reveal", disabled=not ready) and ready:
        section.reveal(view, several, guesses)


def repair() -> None:
    words.part("Refit the last layer on a few balanced pictures")
    few, rates = st.columns([1, 3], vertical_alignment="center")
    with few:
        animals = ui.select_slider("Animals of each class", section.FEW, 8, key="balanced")
    with rates:
        section.rates_of_repair(view, choice, animals)
    section.show_repair(view, choice, cutout, animals)


def backgrounds() -> None:
    words.part("One animal, many backgrounds")
    with ui.controls("ground_controls"):
        chosen = section.cutout()
        maps = ui.toggle("Grad-CAM of each answer", key="lab_maps")
    found = section.on_backgrounds(view, chosen)
    section.show_backgrounds(found, maps)
    st.markdown(section.several_names(found, chosen))


def own() -> None:
    words.part("The picture of the row on top")
    section.show_own(view, choice)


def mistakes() -> None:
    words.part("Wrong predictions, the surest first")
    found = section.mistakes(view)
    section.show_mistakes(view, found)


ui.tabs(
    ("Strength", sweep),
    ("Blind game", game),
    ("Repair", repair),
    ("Many backgrounds", backgrounds),
    ("Wrong predictions", mistakes),
    ("Your picture", own),
)
words.end(
    functions=[bias_lab.fit, bias_lab.replaced, bias.background_share, bias.band, bias.threshold, bias.repair],
    snippet=section.program(view, choice),
    network=view.net.title,
    measured=section.measured(),
)
