"""Numbers in; a picture, chart, table or sentence out. No torch, no Streamlit."""

__all__ = [
    "bars",
    "cam",
    "chain",
    "charts",
    "contact_sheet",
    "graph",
    "masks",
    "patches",
    "render",
    "sentences",
    "sprites",
    "tables",
    "timeline",
]
