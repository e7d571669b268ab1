"""19 Robustness: a spoiled picture, an attack on the prediction, an attack on the explanation."""

import streamlit as st

from vizcore import models, ui
from vizcore.content import programs
from vizcore.evaluation import attacks, corruptions, robustness
from vizcore.ui import cache
from vizcore.ui.sections import robustness as section

view, words = ui.begin(__file__), ui.words(__file__)
with ui.choices():
    name = section.corruption_select()
    severity = ui.slider("Severity", 1, 5, 3, key="severity", width=130)
figure, side = ui.beside()
with side:
    first = section.map_select(view, "First map", "first_map", "saliency")
    second = section.map_select(view, "Second map", "second_map", "grad_cam")
    new = ui.toggle("Explain the new class", key="new_class", help=words.text("help: new class"))
    share = ui.toggle("One scale for both", True, key="linked_maps", help=words.text("help: one scale"))
    opacity = ui.opacity()
    hint = words.text("help: seed")
    seed = ui.number_input("Seed", 0, 9999, robustness.SEED, key="corruption_seed", help=hint)
after = section.spoiled(view, name, severity, seed)
target = after.target if new else view.target
pairs = [section.pair(view, after, method, target) for method in dict.fromkeys((first, second))]
with figure:
    section.before_and_after(view, after, pairs, target, opacity, share)
section.summary(view, after, pairs)


def nineteen() -> None:
    """The picture in all nineteen corruptions of the severity."""
    words.part("All nineteen at severity {{severity}}", severity=severity)
    section.all_nineteen(view, name, severity, seed)


def accuracy() -> None:
    """Accuracy of two networks against severity, and the pictures behind each point."""
    words.part("Accuracy against severity")
    with ui.controls("accuracy_controls"):
        relative = ui.toggle("As a share of the clean accuracy", key="relative")
        hint = words.text("help: measure now", network=view.net.title)
        live = ui.toggle(f"Measure {view.net.title} now", key="measure_now", help=hint)
    found = section.measured(view, name, live)
    chart, pictures = st.columns([3, 2], gap="medium")
    with pictures:
        network, at = section.point_controls(found)
        section.behind(network, found[network], name, at)
    with chart:
        section.curves(found, name, relative, network, at)
        words.say("how it was measured", strongest=section.strongest(found))


def attack() -> None:
    """The attack on the prediction, at any of its bounds at once."""
    words.part("The prediction attacked")
    with ui.controls("attack_controls"):
        kind = ui.segmented_control("Attack", section.ATTACKS, key="attack")
        level = ui.select_slider("ε, in grey levels of 255", section.LEVELS, 1, key="epsilon", width=260)
        targeted = ui.toggle("Towards a class", key="targeted")
        toward = ui.class_select(view, "toward", "Class", view.runner_up, width=230) if targeted else None
    found = section.path(view, kind, view.target if toward is None else toward, targeted)
    section.attacked(view, found, level, first, toward)


def explanation() -> None:
    """The attack on the explanation: another map, the same prediction."""
    words.part("The explanation attacked")
    maps = [method for method in attacks.EXPLANATIONS if method in section.maps_for(view)]
    with ui.controls("map_controls"):
        method = ui.linked_select("Map", maps, "attacked_map", width=180, format_func=section.title_of)
        level = ui.select_slider("ε, in grey levels of 255", section.MAP_LEVELS, 2, key="map_epsilon", width=190)
        picture = section.aim_select(view)
        go = ui.toggle("Attack this map", key="attack_map", help=words.text("help: attack this map"))
    if go:
        found = section.move(view, method, level, picture)
        now, aim = section.after_move(view, found, level), picture and section.aim_of(view, picture, method)
        section.explanation_moved(view, now, method, level, aim)
        section.kept_and_moved(view, now, method, level)
    else:
        st.caption(words.text("before the attack"))
    words.part("Measured over several pictures")
    section.over_pictures()


ui.tabs(
    ("All 19", nineteen), ("Accuracy", accuracy), ("Prediction attacked", attack), ("Explanation attacked", explanation)
)
words.end(
    functions=[corruptions.corrupt, attacks.fgsm, attacks.pgd, attacks.move_explanation, attacks.smooth_relu],
    snippet=programs.fgsm(view.model, cache.image_file(view), view.target, 1 / section.GREYS),
    clean=section.clean(),
    turned=section.turned(),
    pictures=section.counted(),
    network=models.MODELS[robustness.MEASURED[0]].title,
)
