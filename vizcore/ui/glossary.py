"""The words the pages use, each explained in a sentence."""

import html

GLOSSARY = {
    "activation": "The output of a layer for one input.",
    "attribution": "A number for every input pixel: how much it counts for a result.",
    "backpropagation": "The chain rule, applied layer by layer from the output back to the input.",
    "cell": "One position (row, column) of a feature map.",
    "channel": "One of the maps an activation consists of; for an image red, green or blue.",
    "confidence": "The probability the network gives to a class. It can be high and wrong.",
    "cut": "The layer at which the graph is taken apart: gradients stop there.",
    "dead map": "A feature map that is zero everywhere for this input.",
    "feature map": "One channel of a layer's output: where in the picture the network found one thing.",
    "filter": "The weights that are slid over an input; also called a kernel.",
    "fine-grained": "With as many details as the input has pixels.",
    "gradient": "For every number that goes in: how fast the result changes with it.",
    "ground truth": "The answer that is known to be right, from a person or by construction.",
    "heat map": "An array of numbers, drawn in colours.",
    "IoU": "Intersection over union of two masks: the share of their joint area that both cover, 0 to 1.",
    "kernel": "The weights that are slid over an input; also called a filter.",
    "logit": "The score of a class before the softmax. It has no upper limit and is not a probability.",
    "loss": "A number that training makes small; here the cross-entropy, -log of the class's probability.",
    "pointing game": "Whether a map's maximum lies on the object.",
    "rank correlation": "How alike two maps order their values: 1 same order, 0 unrelated, -1 reversed.",
    "receptive field": "The input pixels that can influence one cell of a layer.",
    "ReLU": "max(0, x): keeps what is positive, drops the rest.",
    "saliency": "The size of the gradient of a class score at every pixel.",
    "saturation": "Where a function is so flat that its gradient is nearly zero.",
    "signed": "With positive values for and negative values against.",
    "softmax": "Turns logits into probabilities that add up to one.",
    "stride": "How many pixels a filter moves at a time.",
    "target": "The class, or the neuron, that is explained.",
    "top-5": "The five most probable classes.",
    "unit": "One channel of a layer, or one neuron of a fully connected one.",
    "upsampling": "Enlarging a small map to the size of the picture.",
}


def term(name: str, text: str | None = None) -> str:
    """The word with its explanation as a tooltip, as HTML for Markdown; `text` is shown instead of the name.

    Raises:
        KeyError: the glossary does not have the word.
    """
    return f'<abbr title="{html.escape(GLOSSARY[name])}" tabindex="0">{html.escape(text or name)}</abbr>'
