"""The page table. Run it with `streamlit run dashboard.py`.

Adding a page: one file in pages/ and one line here. A page's address is its file name. A section of the lesson whose
file is not there yet stands in the overview's map as one to come, and nowhere else.
"""

from vizcore.ui import Page, route

PAGES = {
    "Start": [
        Page("overview", None, "Overview", "explore", "Given a trained model, what did it learn?"),
    ],
    "Part 1. Weights and activations": [
        Page("weights", 1, "Visualizing weights", "grid_on",
             "What a network learned is in its weights. Scaled from 0 to 255 they are pictures: what do they show?",
             of_class=False),
        Page("output_maps", 2, "Output maps", "view_module",
             "Every channel of a layer draws its own picture of the input. What does each of them find?",
             of_class=False),
        Page("small_outputs", 3, "Small output sizes", "grid_4x4",
             "A deep feature map has only a few cells. Which part of the picture does one of them see?",
             of_class=False),
        Page("cnn_explainer", 4, "CNN explainer", "hub",
             "One digit goes through a small network, number by number; and the gradient comes back.",
             of_class=False),
        Page("embeddings", 5, "Dimensionality reduction", "scatter_plot",
             "Thousands of numbers for each picture, drawn on a plane. Which of its groups are real?",
             of_class=False),
        Page("unit", 6, "Inside one unit", "psychology",
             "One feature map of one layer: what excites it, and which classes does it feed?",
             of_class=False),
        Page("caveats", 7, "Caveats", "report",
             "A picture may convince and still say nothing about the network. How to test it?"),
        Page("predict", 8, "Predict the mistake", "psychology_alt",
             "Does an explanation help people foresee what a network will say? Your class is the study.",
             of_class=False),
    ],
    "Part 2. Gradients": [
        Page("gradients", 9, "Gradients of every layer", "south",
             "One backward pass gives the gradient at every layer. Where is it large?"),
        Page("saliency", 10, "Saliency maps", "grain",
             "Which pixels would change the class score most, if they changed a little?"),
        Page("segmentation", 11, "Object segmentation for free", "content_cut",
             "Outlines were never taught, yet a tool finds one. Is it the network's?"),
        Page("bias", 12, "Detecting bias", "balance",
             "A network that learned the background instead of the animal: do its maps show it?",
             of_class=False),
        Page("neuron_gradient", 13, "Gradient of an activation", "ads_click",
             "One neuron, deep in the network: which pixels would change its answer?",
             of_class=False),
        Page("guided_backprop", 14, "Guided backpropagation", "filter_alt",
             "Gradients pass a ReLU only where they are positive and it was open. What is left?"),
        Page("layer_by_layer", 15, "VGG layer by layer", "stacks",
             "From edges to parts: what excites the units of each block most.",
             of_class=False),
        Page("grad_cam", 16, "Grad-CAM", "layers",
             "Where in the picture do a network's last maps see evidence for a class?"),
        Page("guided_grad_cam", 17, "Guided Grad-CAM", "center_focus_strong",
             "The place from Grad-CAM, the detail from guided backpropagation: their product."),
        Page("timeline", 18, "Summary and the methods since", "timeline",
             "The lesson in three sentences; what came after it, to compare and to run."),
    ],
    "Part 3. Beyond the slides": [
        Page("robustness", 19, "Robustness", "shield",
             "Noise, blur, an attack: what changes first, the prediction or its explanation?"),
        Page("arena", 20, "Method arena", "leaderboard",
             "Every method measured against a known truth. Do the measures agree?"),
        Page("questions", 21, "Questions and answers", "quiz",
             "The lesson's six open questions, each answered with something to try."),
        Page("instructor", 22, "Instructor", "co_present",
             "Present the lesson, lead a class through it, and see what it answered.",
             of_class=False),
        Page("references", None, "References", "menu_book",
             "The lesson's own list, part by part, and everything else that these pages cite.",
             of_class=False),
    ],
}  # fmt: skip

if __name__ == "__main__":
    route(PAGES)
