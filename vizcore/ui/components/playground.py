"""A convolution's geometry in the browser: input size, kernel, padding, stride and dilation; it asks no server."""

from vizcore.ui.components.register import register

KEYS = ("grid",)

_HTML = '<div class="playground"></div>'

_component = register("playground", _HTML)


def playground(key: str) -> None:
    """Draw it; what it shows stands in the address as `?grid=`, size.kernel.padding.stride.dilation."""
    _component(key=key, data={})
