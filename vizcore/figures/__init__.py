"""Numbers in; a picture, chart, table or sentence out. No torch, no Streamlit."""
