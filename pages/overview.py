"""Start: given a trained model, what did it learn?"""

from vizcore import ui

view = ui.begin(__file__)

saliency = ui.attribution(view, "saliency")
grad_cam = ui.attribution(view, "grad_cam")
ui.compare(
    [
        ui.Panel(view.picture, "The picture, as the network sees it", view.alt),
        ui.Panel(saliency, "Saliency: pixels the score depends on", "Saliency map"),
        ui.Panel(
            grad_cam, "Grad-CAM: where the evidence lies", "Grad-CAM over the picture", photo=view.picture
        ),
    ],
    share=False,
)
