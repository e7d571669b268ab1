"""The written parts of a page: notes, what to notice, where it misleads, and the folded sections."""

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from vizcore.ui.cache import View, image_file

if TYPE_CHECKING:
    from vizcore.methods import Attribution


def notes(attribution: "Attribution") -> None:
    """What the method says about itself, as calm callouts."""
    for note in attribution.meta.get("notes", ()):
        st.info(note, icon=":material/info:")


def explain(notice: Sequence[str], misleads: Sequence[str]) -> None:
    """Two short columns under the figure. Markdown; terms from :func:`vizcore.ui.term` may stand in it."""
    for column, title, points in zip(
        st.columns(2, gap="large"), ("What to notice", "Where it misleads"), (notice, misleads), strict=True
    ):
        with column:
            st.header(title, anchor=False)
            st.markdown("\n".join(f"- {point}" for point in points), unsafe_allow_html=True)


def snippet(view: View, method: str, layer: str | None = None, **params: Any) -> str:
    """The program that makes the picture of a registered method alone, for :func:`more`."""
    from vizcore import methods, snippets

    defaults = {param.name: param.default for param in methods.METHODS[method].params if param.kind != "layer"}
    layer = layer or view.net.cam_layer
    return snippets.code(method, view.model, image_file(view), view.target, layer, defaults | params)


def more(
    *,
    formula: str | Sequence[str] = (),
    steps: Sequence[str] = (),
    exercises: Sequence[tuple[str, str]] = (),
    functions: Sequence[Callable] = (),
    snippet: str = "",
    sources: Sequence[str] = (),
) -> None:
    """The folded sections: how it is computed, exercises, code, sources.

    Args:
        formula: LaTeX, one or several lines.
        steps: how it is computed, in order.
        exercises: (question, answer) pairs; each answer opens by itself.
        functions: shown as their real source.
        snippet: a short PyTorch program that makes the picture alone.
        sources: Markdown, one per paper or page.
    """
    formulas = [formula] if isinstance(formula, str) and formula else list(formula)
    if formulas or steps:
        with st.expander("How it is computed", icon=":material/function:"):
            for line in formulas:
                st.latex(line)
            st.markdown("\n".join(f"{n}. {step}" for n, step in enumerate(steps, 1)), unsafe_allow_html=True)
    if exercises:
        with st.expander("Exercises", icon=":material/edit_note:"):
            for number, (question, answer) in enumerate(exercises, 1):
                st.markdown(f"**{number}.** {question}", unsafe_allow_html=True)
                with st.expander("Answer", type="compact"):
                    st.markdown(answer, unsafe_allow_html=True)
    if functions or snippet:
        with st.expander("Code", icon=":material/code:"):
            if snippet:
                st.caption("A short PyTorch program that makes the picture alone; it runs from the project's folder")
                st.code(inspect.cleandoc(snippet), language="python")
            for function in functions:
                st.caption(f"What this page ran: {function.__module__}.{function.__name__}")
                st.code(inspect.getsource(function), language="python")
    if sources:
        with st.expander("Sources", icon=":material/menu_book:"):
            st.markdown("\n".join(f"- {source}" for source in sources))
