"""Registers what runs in the browser: the files `NAME.js` and `NAME.css` beside this module."""

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

HERE = Path(__file__).parent


def register(name: str, html: str, isolate: bool = True) -> ComponentRenderer:
    """The component made of the two files and the HTML it begins with. Called once, when its module is imported.

    Args:
        isolate: in a shadow root; otherwise the page's style sheet holds inside it too, and its own for the page.
    """
    css, js = ((HERE / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return st.components.v2.component(f"vizcore.{name}", html=html, css=css, js=js, isolate_styles=isolate)
