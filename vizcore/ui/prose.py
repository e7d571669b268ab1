"""The written parts of a page: its text, notes, what to notice, where it misleads, and the folded sections."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from vizcore.content import loader
from vizcore.ui.cache import image_file
from vizcore.ui.view import View

if TYPE_CHECKING:
    from vizcore.methods import Attribution


def words(file: str) -> "Words":
    """The text of a page, `content/pages/<stem>.md`; call it with `__file__`."""
    return Words(Path(file).stem)


@dataclass(frozen=True)
class Words:
    """The text of a page, part by part: the file decides the words, the page where they stand.

    Each call reads the file as it is now. Its values are given by name, as plain strings or numbers, so that a test
    can compare them with the {{names}} of the part; a value may be a sentence that holds [[terms]].
    """

    stem: str

    def part(self, heading: str, /, **values: Any) -> None:
        """The heading, and what stands below it in the text (nothing, where a figure follows at once)."""
        st.header(loader.fill(loader.Item(heading, f"{self.stem}.md"), values), anchor=False)
        self.say(heading, **values)

    def say(self, heading: str, /, **values: Any) -> None:
        """What stands below the heading, without the heading."""
        if text := self.text(heading, **values):
            st.markdown(text, unsafe_allow_html="<abbr" in text)

    def text(self, heading: str, /, **values: Any) -> str:
        """What stands below the heading, as Markdown: for captions, helps and other sentences of a control."""
        part = loader.page(self.stem).parts.get(heading)
        if part is None:
            loader.report(f"content/pages/{self.stem}.md: no '## {heading}'")
            return ""
        return loader.fill(part, values)

    def end(self, *, functions: Sequence[Callable] = (), snippet: str = "", **values: Any) -> None:
        """What to notice and where it misleads, side by side, and the folded sections.

        Args:
            functions: shown as their real source.
            snippet: a short program that makes the picture alone.
            values: of the fixed sections together; a list where an item of the text is {{name}} alone.
        """
        text = loader.page(self.stem)
        lists = {heading: loader.fill_all(items, values) for heading, items in text.lists.items()}
        explain(lists["What to notice"], lists["Where it misleads"])
        more(
            formula=lists["Formula"],
            steps=lists["Steps"],
            exercises=[(loader.fill(one, values), loader.fill(two, values)) for one, two in text.exercises],
            functions=functions,
            snippet=snippet,
            sources=lists["Sources"],
        )


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
    from vizcore import methods
    from vizcore.content import programs

    layer = layer or view.net.cam_layer  # where the method itself looks when no layer is named
    known = methods.METHODS[method].params
    full = {param.name: layer if param.kind == "layer" else param.default for param in known} | params
    return programs.code(method, view.model, image_file(view), view.target, layer, full)


@functools.lru_cache(maxsize=256)
def _source(function: Callable) -> str:
    """The source of a function that is shown, read once: it is asked for at every click."""
    return inspect.getsource(function)


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
                st.code(_source(function), language="python")
    if sources:
        with st.expander("Sources", icon=":material/menu_book:"):
            st.markdown("\n".join(f"- {source}" for source in sources))
