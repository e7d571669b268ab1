"""The words the pages use, each explained in a sentence: glossary.toml, read again when it has changed."""

import html
import logging
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

PATH = Path(__file__).with_name("glossary.toml")


def words() -> Mapping[str, str]:
    """Word to explanation; what was read last where the file cannot be read, so that a slip of the pen stops nobody."""
    global _last
    try:
        _last = _read(PATH, PATH.stat().st_mtime_ns)
    except (OSError, ValueError) as error:
        logging.getLogger(__name__).warning("%s: %s", PATH, error)
    return _last


_last: Mapping[str, str] = {}


@lru_cache(maxsize=2)
def _read(path: Path, changed: int) -> Mapping[str, str]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def term(name: str, text: str | None = None) -> str:
    """The word with its explanation as a tooltip, as HTML for Markdown; `text` is shown instead of the name.

    Raises:
        KeyError: the glossary does not have the word.
    """
    return f'<abbr title="{html.escape(words()[name])}" tabindex="0">{html.escape(text or name)}</abbr>'
