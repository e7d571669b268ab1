"""18 Summary and the methods since: the lesson in three sentences, the works by year, and most of them to run."""

import streamlit as st

from vizcore import methods, ui
from vizcore.content import papers
from vizcore.evaluation import compare
from vizcore.figures import tables
from vizcore.figures import timeline as timeline_figures
from vizcore.ui.address import AUTO
from vizcore.ui.components import timeline
from vizcore.ui.progress import progress_here

WORKS, RUNS = papers.WORKS, frozenset(methods.METHODS)
FAMILY = {words: family for family, words in papers.FAMILIES.items()}

view = ui.begin(__file__)
DEFAULT = "layer_cam" if view.net.cam_layer else "saliency"


def choose(key: str) -> None:
    """A work was clicked: show it, and run it where it runs here."""
    method = papers.find(key).method
    runs = method in RUNS
    st.session_state["work"] = AUTO if runs else key
    if runs:
        st.session_state["method"] = AUTO if method == DEFAULT else method


def group(name: str) -> str:
    """The family of a method, in words."""
    return papers.FAMILIES.get(methods.METHODS[name].family, methods.METHODS[name].family)


for column, (sentence, stems) in zip(st.columns(3, gap="large"), papers.SUMMARY, strict=True):
    with column:
        st.markdown(sentence)
        with st.container(gap=None):
            for stem in stems:
                ui.link(stem)

st.header("What came since", anchor=False)
words = st.pills("Family", ["all", *FAMILY], default="all", required=True, key="family", bind="query-params", wrap=True)
family = FAMILY.get(words)
figure, card = st.container(), st.container(border=True)
st.header("Run it here", anchor=False)
panel = st.container()
with panel, ui.controls("method_controls"):
    method = ui.linked_select(
        "Method",
        methods.names(),
        "method",
        default=DEFAULT,
        width=330,
        format_func=lambda name: f"{methods.METHODS[name].title} ({group(name)})",
    )
of_method = papers.of_method(method)

with card:
    left, right = st.columns([3, 1], gap="large")
    with left:
        shown = ui.linked_select(
            "Work",
            [work.key for work in WORKS],
            "work",
            default=of_method.key if of_method else "sanity_checks",
            format_func=lambda key: f"{papers.find(key).name} ({papers.find(key).venue})",
            order=[work.key for work in papers.in_family(None)],
        )
        work = papers.find(shown)
        where = f"[{work.venue}]({work.url})" if work.url else work.venue
        st.markdown(f"**{work.title}**  \n{work.authors}. {where}")
        st.markdown(f"**Idea.** {work.idea}\n\n**Known failure or limit.** {work.failure}")
    with right:
        st.caption(f"Family: {papers.FAMILIES[work.family]}")
        if work.method == method:
            st.caption("It runs below, on your picture.")
        elif work.method in RUNS:
            st.button("Run it here", icon=":material/play_arrow:", key="run_work", on_click=choose, args=(work.key,))
        elif not work.page:
            st.caption("It does not run here: read it at its source.")
        if work.page:
            ui.link(work.page, **dict(work.address))
with figure:
    timeline(
        "timeline",
        timeline_figures.chart(WORKS, RUNS, family, work.key),
        timeline_figures.tips(WORKS),
        choose,
        chosen=work.key,
        label="Works by year and family; the arrow keys move from one to the next",
    )


def listing() -> None:
    """The chosen family as a list, and what the tests found."""
    several = papers.in_family(family)
    if family is None:
        with st.expander(f"All {len(several)} works as a list", icon=":material/list:"):
            st.html(tables.works_table(several, RUNS, "All works"))
    else:
        st.header(f"The list: {words}", anchor=False)
        st.html(tables.works_table(several, RUNS, f"Works on {words}"))
    st.header("Does a picture show what the network does?", anchor=False)
    st.html(tables.verdicts(papers.VERDICTS, papers.QUESTIONS, WORKS, "What four tests found"))
    st.caption(
        "As published, for the networks tested there; – where no verdict is listed here. LRP: its rule with positive "
        "weights. SmoothGrad: the plain mean; the mean of the squared gradients did better. ROAD (Rong et al. 2022) "
        "asks the last question without training again. Such tests reject; the first one cannot rank what passes "
        "(Binder et al. 2023)."
    )
    st.header("Does it help people?", anchor=False)
    st.html(tables.works_table(papers.in_family("user study"), RUNS, "User studies", "What it found"))


def words_below(layer: str | None, params: dict) -> None:
    """What to notice, and the folded sections."""
    ui.explain(
        notice=[
            "Within a lane, ask what changes from one work to the next: the path, the weight, the mask, or only the "
            "picture's looks.",
            "Methods that use no gradient pay with forward passes: read the cost under the picture, then compare "
            "Ablation-CAM and LayerCAM.",
            "The first tests came in 2017 and 2018, years after the first maps.",
        ],
        misleads=[
            "A venue is no proof, and a later year no progress: look at the known failure first.",
            "“By construction” marks a limit that follows from the definition; nobody had to find it.",
            "A sharper picture is not a truer one: guided backpropagation looks sharp, and fails all four tests above.",
        ],
    )
    entry = methods.METHODS[method]
    ui.more(
        exercises=[
            (
                "Run Eigen-CAM, then choose another class. What changes, and what does that say?",
                "Nothing: it never asks for the class. It shows what dominates the layer; often that is the object.",
            ),
            (
                "Compare HiResCAM and Grad-CAM at the last layer, and then at an early one. Where do they differ?",
                "Where only average pooling and one linear layer follow, the gradient is the same in every cell, and "
                "so are both maps, up to the final ReLU. Earlier it differs within a map, and so do they.",
            ),
            (
                "Which test would you trust to choose between two methods that both pass the randomization test?",
                "None alone. Removing pixels tests whether they matter (and what fills the holes), a user study "
                "whether the map helps with a task. Ask what you want the map for.",
            ),
        ],
        functions=[entry.run],
        snippet=ui.snippet(view, method, layer=layer, **params),
        sources=papers.sources(),
    )


@ui.fragment
def live() -> None:
    """The chosen method on the current picture with its cost; below it what does not have to wait for it."""
    entry = methods.METHODS[method]
    takes_layer = any(param.kind == "layer" for param in entry.params)
    has_maps = view.net.cam_layer is not None
    top, layer, beside = st.container(), None, False
    with top, ui.controls("live_controls"):
        if takes_layer and has_maps:
            layer = ui.layer_select(view, keep=lambda item: item.spatial)
        params = ui.param_widgets(entry, f"run_{method}")
        if has_maps and method != "grad_cam":
            beside = st.toggle("Grad-CAM beside it", True, key="beside", bind="query-params")
        opacity = ui.opacity()
    listing()
    words_below(layer, params)
    with top:
        maps = ui.feature_maps(view, layer) if layer else None
        cost = entry.cost(view.net, params, maps) if entry.cost else None
        with progress_here():
            result = ui.attribution(view, method, layer=layer, **params)
        alt = f"{entry.title} of {view.class_name} for {view.title}"
        panels = [ui.Panel(result, f"{entry.title}, “{view.class_name}”", alt, view.picture, opacity=opacity)]
        if result.values.ndim == 2:
            panels.append(ui.Panel(result, f"{entry.title} alone", f"{alt}, the map alone"))
        lines = [cost.sentence()] if cost else []
        lines.append(f"It took {result.meta['seconds']:.2g} s when it was computed, for you or for someone before you.")
        if beside:
            old = ui.attribution(view, "grad_cam", layer=layer)
            panels.append(
                ui.Panel(old, "Grad-CAM, on its own scale", f"Grad-CAM for {view.title}", view.picture, opacity=opacity)
            )
            alike = compare.in_words(compare.likeness(result.values, old.values, view.net.input_size))
            lines.append(f"{ui.term('rank correlation', 'Rank correlation')} with Grad-CAM: {alike}.")
        ui.compare(panels, share=False, columns=3)
        ui.notes(result)
        st.markdown(" ".join(lines), unsafe_allow_html=True)
        control = "A control: it does not look at the network's answer at all." if entry.family == "control" else ""
        st.caption(f"{entry.title}: {entry.paper}. {of_method.failure if of_method else control}")


with panel:
    live()
