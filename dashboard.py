"""The page table. Run it with `streamlit run dashboard.py`.

Adding a page: one file in pages/ and one line here. A page's address is its file name.
"""

from vizcore.ui import Page, route

PAGES = {
    "Start": [
        Page("overview", None, "Overview", "explore", "Given a trained model, what did it learn?"),
    ],
    "Part 2. Gradients": [
        Page("saliency", 10, "Saliency maps", "grain",
             "Which pixels would change the class score most, if they changed a little?"),
        Page("guided_backprop", 14, "Guided backpropagation", "filter_alt",
             "A gradient that is only let through where it is positive: sharp, but what does it still say?"),
        Page("grad_cam", 16, "Grad-CAM", "layers",
             "Where in the picture does the last convolutional layer see evidence for a class?"),
        Page("guided_grad_cam", 17, "Guided Grad-CAM", "center_focus_strong",
             "The place from Grad-CAM, the detail from guided backpropagation: their product."),
    ],
}  # fmt: skip

if __name__ == "__main__":
    route(PAGES)
