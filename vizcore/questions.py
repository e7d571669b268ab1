"""The six questions the lesson leaves open, and what is to be said about each in words.

In running text {word} stands for a word of the glossary, which the page explains; what depends on the network, the
picture or the class is not here but computed by the page.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from vizcore.inspection import cam_steps, chain_rule, relu_step, top_patches, unit_gradients
from vizcore.methods import cam, relu_rules


class Question(NamedTuple):
    """One question.

    Attributes:
        short: for a button. question: as in the lesson.
        answer: at most four sentences. notice, misleads: two points each.
        check: a question to try oneself on the figure, and its answer.
        formula: lines of LaTeX. steps: how the figure is computed.
        functions: what computed it. sources: papers, as Markdown.
        links: pages that show more, as (stem, label or None).
        method: the registered method whose short program is shown, if any.
    """

    short: str
    question: str
    answer: str
    notice: Sequence[str]
    misleads: Sequence[str]
    check: tuple[str, str]
    formula: Sequence[str]
    steps: Sequence[str]
    functions: Sequence[Callable]
    sources: Sequence[str]
    links: Sequence[tuple[str, str | None]]
    method: str | None = None


_ZEILER = "Zeiler & Fergus: [Visualizing and Understanding](https://arxiv.org/abs/1311.2901) (ECCV 2014)"
_SPRINGENBERG = "Springenberg et al.: [Striving for Simplicity](https://arxiv.org/abs/1412.6806) (ICLR 2015 workshop)"
_NIE = "Nie et al.: [A Theoretical Explanation](https://arxiv.org/abs/1805.07039) (ICML 2018)"
_SELVARAJU = "Selvaraju et al.: [Grad-CAM](https://arxiv.org/abs/1610.02391) (ICCV 2017)"
_ADEBAYO = "Adebayo et al.: [Sanity Checks for Saliency Maps](https://arxiv.org/abs/1810.03292) (NeurIPS 2018)"
_BINDER = "Binder et al.: [Shortcomings of Sanity Checks](https://arxiv.org/abs/2211.12486) (CVPR 2023)"
_SIMONYAN = "Simonyan et al.: [Deep Inside Convolutional Networks](https://arxiv.org/abs/1312.6034) (arXiv 2013)"

QUESTIONS = (
    Question(
        "Any gradient",
        "How is the gradient of any layer with respect to the input calculated?",
        "Run forward and cut the graph behind the layer. Choose one neuron there and give it the {gradient} 1. "
        "Going back, multiply by the slope of every edge, and add where edges meet. What arrives at the input says how "
        "fast the neuron changes with each number that went in.",
        [
            "Move the {cut}: everything behind it turns faint and no longer counts; the values before it stay.",
            "A shut {ReLU} has slope 0: no gradient passes, whatever arrives.",
        ],
        [
            "A gradient holds for small changes. Move a slider until a ReLU opens or shuts: the numbers jump.",
            "The gradient of one neuron is not that of its layer: each neuron has its own.",
        ],
        (
            "In the small network take x₁ = 1, x₂ = 1, weight 2 and the cut at s. Which two paths lead from x₁ to s "
            "through a₂, and what do they add to the gradient?",
            "x₁ → z₂ → a₂ → m₁ → s: 2 · 1 · (−2) · 2 = −8, and x₁ → z₂ → a₂ → m₂ → s: 2 · 1 · 1 · 1 = 2. "
            "Together −6; the paths through a₁ add 3, and the sum is −3, as the graph says.",
        ),
        [
            r"\frac{\partial n}{\partial x} = \sum_j \frac{\partial n}{\partial h_j}\, "
            r"\frac{\partial h_j}{\partial x}",
            r"\frac{\partial n}{\partial x_i} = \sum_{\text{paths } x_i \to n} \;\; \prod_{\text{edges}} "
            r"\text{slope of the edge}",
        ],
        [
            "Small network: the slopes are the weights; at a ReLU 1 where it is open, 0 where it is shut.",
            "Real network: find the strongest neuron of the layer (before its ReLU, which could be shut or full).",
            "In one go: differentiate the neuron with respect to the picture.",
            "In two pieces: differentiate it with respect to the middle layer, at which the graph is cut; then hand "
            "that gradient to a second backward pass, from the middle layer to the picture.",
        ],
        [chain_rule.backward, chain_rule.two_pieces],
        [
            _SIMONYAN,
            "Rumelhart, Hinton & Williams: [Learning representations by back-propagating errors]"
            "(https://doi.org/10.1038/323533a0) (Nature 1986)",
        ],
        [("gradients", None), ("neuron_gradient", None)],
    ),
    Question(
        "Guided backprop",
        "How does guided backpropagation work?",
        "It is {backpropagation} with another rule at every {ReLU}. Backpropagation asks whether the input f was "
        "positive on the way forward. Deconvnet asks instead whether the arriving gradient R is positive. "
        "Guided backpropagation asks both and lets through only what passes twice.",
        [
            "Move f: backprop and guided change their places, deconvnet does not look at f.",
            "No number that deconvnet or guided backpropagation sends on is negative.",
        ],
        [
            "What would lower the score is dropped on the way: the picture is not the gradient any more.",
            "Sharp does not mean right. Nie et al. show that guided backpropagation and deconvnet tend to restore the "
            "image; Adebayo et al., that guided backpropagation hardly reacts to random top weights.",
        ],
        (
            "Set both sliders to 0. In which columns do deconvnet and guided backpropagation differ, and why?",
            "In the first and the sixth: there R is positive, so deconvnet sends it on, but f was not positive, so "
            "guided backpropagation does not.",
        ),
        [
            r"\text{backprop: } [f > 0] \odot R \qquad \text{deconvnet: } [R > 0] \odot R \qquad "
            r"\text{guided: } [f > 0] \odot [R > 0] \odot R"
        ],
        [
            "The row of numbers goes through the very functions that make the pictures.",
            "For the pictures the same rule replaces every ReLU of the network (a ReLU6 is open between 0 and 6); the "
            "way back starts at the {logit} of the class.",
        ],
        [relu_step.through_relu, relu_rules.relu_rule, relu_rules.backpropagate],
        [_SPRINGENBERG, _ZEILER, _NIE, _ADEBAYO, _BINDER],
        [("guided_backprop", None)],
        "guided_backprop",
    ),
    Question(
        "VGG by layer",
        "What do you learn from VGG layer-by-layer visualization generated by deconvolution?",
        "The patches say what excites a {unit}; the deconvolution draws which of their pixels speak to it. Zeiler and "
        "Fergus saw edges and colours in early layers, then textures, then parts of objects and whole ones. A late "
        "unit can tell parts because it sees more of the picture. A sketch alone proves little: below it stands how "
        "much of it is the unit's own.",
        [
            "The {receptive field} grows with depth: from a few pixels to most or all of the picture.",
            "Early patches are often nearly the same nine times. Late ones are unlike in their pixels: is there "
            "something they all show?",
        ],
        [
            "The sketch is made from this patch. It is not what the unit stands for, nor what it would draw by itself.",
            "Nie et al. (2018) show that deconvnet with max-pooling and guided backpropagation partly recover the "
            "image: clear outlines do not show that the network uses them.",
        ],
        (
            "Take the next unit. Which of the three depths can you name from its patches alone, without the sketch? "
            "And from the sketch alone?",
            "Try it with a neighbour: write both names down before you compare. Patches show what the unit prefers; "
            "where you can name only the sketch, you may be reading the image, not the unit.",
        ),
        [r"R^{\,l} = [\,R^{\,l+1} > 0\,] \odot R^{\,l+1} \quad \text{at every ReLU (deconvnet)}"],
        [
            "Run the gallery's pictures once; of every unit keep the nine best and the strongest cell in each.",
            "Order the units of a layer by how strongly your picture excites them, as a share of the mean of their own "
            "nine best.",
            "Cut each picture to the cell's receptive field, at most half the picture's side.",
            "Go back from that cell to the pixels by the chosen rule; each sketch has its own scale, grey is zero.",
        ],
        [top_patches.build, unit_gradients.gradient],
        [_ZEILER, _SPRINGENBERG, _NIE],
        [("layer_by_layer", None), ("unit", None)],
    ),
    Question(
        "Grad-CAM",
        "How does Grad-CAM work?",
        "Take the feature maps of the last convolutional layer. Give each map one weight: the mean, over its cells, of "
        "the class score's {gradient}. Add the weighted maps. Keep what is positive, enlarge it, lay it over the "
        "picture.",
        [
            "Maps and weights differ in kind: the maps are the picture's, only the weights know the class.",
            "Add more and more maps: the correlation says how soon the few strongest make the whole.",
        ],
        [
            "The outline is interpolation: the map has only as many numbers as the layer has {cell}s.",
            "The overlay is on a scale of its own: a class with weak evidence has a hot spot too. Read the numbers.",
        ],
        (
            "Choose another class in the sidebar. What changes: the feature maps, the weights, or both?",
            "The weights. The maps are the same, but other ones may now be the four strongest, and so be shown.",
        ),
        [
            r"\alpha_k^c = \frac{1}{h\,w} \sum_{i,j} \frac{\partial y^c}{\partial A^k_{ij}}, \qquad "
            r"L^c = \mathrm{ReLU}\Big(\sum_k \alpha_k^c A^k\Big)"
        ],
        [
            "Run the picture forward; keep the maps of the last convolutional layer.",
            "Differentiate the class's {logit} with respect to them and average each gradient map.",
            "Order the maps by what they add to the sum; add the strongest as many as chosen, in their order.",
            "Drop what is below zero; enlarge bilinearly.",
        ],
        [cam_steps.unroll, cam.grad_cam_weights],
        [
            _SELVARAJU,
            "Zhou et al.: [CAM](https://arxiv.org/abs/1512.04150) (CVPR 2016)",
            "Draelos & Carin: [Use HiResCAM instead of Grad-CAM](https://arxiv.org/abs/2011.08891) (arXiv 2020)",
        ],
        [("grad_cam", None)],
        "grad_cam",
    ),
    Question(
        "Guided Grad-CAM",
        "How does Guided Grad-CAM work?",
        "Grad-CAM knows the place, but only in coarse {cell}s. Guided backpropagation draws fine lines, but often "
        "hardly knows the class. Enlarge the first to the picture and multiply the two, pixel by pixel.",
        [
            "Compare the columns: which factor changes with the class, and which hardly does?",
            "Where Grad-CAM is zero the product is zero, however strong the lines are there.",
        ],
        [
            "The fine lines come from guided backpropagation, which tends to restore the image (Nie et al.); only "
            "their selection is Grad-CAM's.",
            "Guided Grad-CAM fails the sanity check with random top weights, Grad-CAM passes (Adebayo et al.); "
            "the check cannot rank methods (Binder et al.).",
        ],
        (
            "As second class take one that is surely not in the picture. Is its product empty?",
            "It need not be. If any cell speaks for that class, its lines are drawn on their own scale as brightly as "
            "those of a right class. Put both on one scale, and read the numbers.",
        ),
        [r"\text{Guided Grad-CAM}^c = \text{guided backprop}^c \odot \text{enlarge}(L^c_{\text{Grad-CAM}})"],
        [
            "Guided backpropagation of the class's {logit}, for every pixel and colour.",
            "Grad-CAM at the last convolutional layer, enlarged bilinearly to the picture.",
            "Their product, the same factor for the three colours of a pixel.",
        ],
        [cam.guided_grad_cam, cam.grad_cam, relu_rules.guided_backprop],
        [_SELVARAJU + ", section 3.2", _NIE, _ADEBAYO, _BINDER],
        [("guided_grad_cam", None)],
        "guided_grad_cam",
    ),
    Question(
        "Newest methods",
        "What are some of the most advanced gradient visualization methods, when and where are they published?",
        "The table lists them, newest first, with venue and known failure. Since Grad-CAM, one line of work weights "
        "maps in other ways, one integrates gradients along a path, one follows relevance backwards, one is made for "
        "transformers. No test ranks them all: newer does not mean better.",
        [
            "Where the methods agree, and where only one of them is hot.",
            "Which of them look at gradients at all: some only run the network forward.",
        ],
        [
            "Each map has its own scale, since their units differ: compare where they are hot, not how hot.",
            "That maps of several methods agree is no proof: they share the same feature maps.",
        ],
        (
            "Choose a class that is not in the picture. Which method shows most clearly that there is no evidence?",
            "Read the ends of the scales: a signed map that is blue nearly everywhere says it; a map with a final "
            "ReLU hides it, and may even look the same.",
        ),
        [r"L = \sum_k w_k \odot A^k \qquad \text{what differs between the CAM methods is } w_k"],
        [
            "The table comes from the list of works behind the timeline; sorted by year.",
            "Each chosen method runs on your picture, class and network, with its standard settings.",
        ],
        [cam.layer_cam, cam.hires_cam],
        [],
        [("timeline", None)],
        "layer_cam",
    ),
)
