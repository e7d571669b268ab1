"""The picture with two objects, for the pages that compare two classes."""

import streamlit as st

from vizcore.ui.cache import View

DEMO, CLASSES = "dog_bicycle_car", ("malamute", "bicycle-built-for-two")


def demo_button(view: View) -> None:
    """Offers the picture with two objects, unless it is there; the pages' second class is `?versus=`."""
    if st.session_state["image"] != DEMO or st.session_state.get("use_own"):
        st.button("Try the dog and the bicycle", icon=":material/pets:", key="demo", on_click=_show, args=(view,))


def _show(view: View) -> None:
    """Choose the picture, and two classes that the default network separates well in it, where the network has them."""
    names = list(view.net.categories)
    known = all(name in names for name in CLASSES)
    chosen = [str(names.index(name)) for name in CLASSES] if known else ["auto", "auto"]
    st.session_state.update({"image": DEMO, "use_own": False, "class": chosen[0], "versus": chosen[1]})
