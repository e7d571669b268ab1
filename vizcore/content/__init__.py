"""The lesson's words as data: page texts, papers, glossary, the six answers, and the programs that are shown."""

from vizcore.content.glossary import term
from vizcore.content.loader import Text, page

__all__ = ["Text", "page", "term"]
