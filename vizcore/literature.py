"""The works of the timeline: what each does, where it was published, what it is known to get wrong.

Years and venues are those of the publication cited; a preprint that came earlier is named beside it.
"""

from collections.abc import Sequence
from typing import NamedTuple

FAMILIES = {
    "gradient": "gradients",
    "relu rule": "ReLU rules",
    "cam": "class activation",
    "perturbation": "perturbation",
    "propagation": "relevance propagation",
    "attention": "attention",
    "feature visualization": "feature visualization",
    "projection": "projection",
    "tool": "teaching tools",
    "evaluation": "tests",
    "robustness": "fragility",
    "bias": "bias",
    "user study": "user studies",
}  # the key in the records, and the words people read


class Work(NamedTuple):
    """One publication.

    Attributes:
        key: its name in an address. name: a label of at most 22 characters. title, authors: as published.
        year: of the first publication named in `venue`, which contains it. venue: where it appeared.
        idea: what it does, at most 140 characters. failure: its known failure or limit, and who showed it.
        url: arXiv, DOI or the publisher's page; None where we are not sure of one.
        family: a key of :data:`FAMILIES`.
        method: its name in the registry of methods where it runs here, else None.
        page: the page of the dashboard that shows it, else None. address: settings of that page.
    """

    key: str
    name: str
    title: str
    authors: str
    year: int
    venue: str
    idea: str
    failure: str
    url: str | None
    family: str
    method: str | None = None
    page: str | None = None
    address: tuple[tuple[str, str], ...] = ()


ARXIV = "https://arxiv.org/abs/"
DOI = "https://doi.org/"
OPEN_ACCESS = "https://openaccess.thecvf.com/"

WORKS = (
    # Gradients
    Work(
        "saliency", "Saliency maps",
        "Deep Inside Convolutional Networks: Visualising Image Classification Models and Saliency Maps",
        "Simonyan, Vedaldi & Zisserman", 2013, "arXiv 2013, ICLR 2014 workshop",
        "The absolute gradient of a class score at every pixel.",
        "Where the score has saturated, the gradient misses what matters (Sundararajan et al. 2017).",
        ARXIV + "1312.6034", "gradient", "saliency", "saliency",
    ),
    Work(
        "input_x_gradient", "Input × gradient",
        "Not Just a Black Box: Learning Important Features Through Propagating Activation Differences",
        "Shrikumar, Greenside, Shcherbina & Kundaje", 2016, "arXiv 2016",
        "The gradient times the pixel's value: a first-order share of the score.",
        "Adding one constant to every input, with the bias corrected, changes the map (Kindermans et al. 2017).",
        ARXIV + "1605.01713", "gradient", "input_x_gradient",
    ),
    Work(
        "integrated_gradients", "Integrated gradients", "Axiomatic Attribution for Deep Networks",
        "Sundararajan, Taly & Yan", 2017, "ICML 2017",
        "Gradients averaged on the way from a baseline to the picture; the values add up to the change of the score.",
        "The map depends on the baseline that was chosen (Kindermans et al. 2017; Sturmfels et al. 2020).",
        ARXIV + "1703.01365", "gradient", "integrated_gradients", "saliency", (("variant", "Integrated gradients"),),
    ),
    Work(
        "smooth_grad", "SmoothGrad", "SmoothGrad: Removing Noise by Adding Noise",
        "Smilkov, Thorat, Kim, Viégas & Wattenberg", 2017, "arXiv 2017",
        "The mean of the gradients of noisy copies of the picture.",
        "Cleaner to the eye; retrained without its pixels, networks lose no more than at random (Hooker et al. 2019).",
        ARXIV + "1706.03825", "gradient", "smooth_grad", "saliency", (("variant", "SmoothGrad"),),
    ),
    Work(
        "fullgrad", "FullGrad", "Full-Gradient Representation for Neural Network Visualization",
        "Srinivas & Fleuret", 2019, "NeurIPS 2019",
        "Input gradients plus the gradients at every bias: together they add up to the score.",
        "One map cannot keep all of that: the picture shown is only an approximation (Srinivas & Fleuret 2019).",
        ARXIV + "1905.00780", "gradient",
    ),
    Work(
        "xrai", "XRAI", "XRAI: Better Attributions Through Regions",
        "Kapishnikov, Bolukbasi, Viégas & Terry", 2019, "ICCV 2019",
        "Integrated gradients added up over image segments, which are then ranked.",
        "By construction: the outlines come from a segmentation that does not know the network.",
        ARXIV + "1906.02825", "gradient",
    ),
    Work(
        "blur_ig", "Blur IG", "Attribution in Scale and Space", "Xu, Venugopalan & Sundararajan", 2020, "CVPR 2020",
        "Integrated gradients on the way from a blurred picture: no colour has to be chosen as the baseline.",
        "By construction: the strongest blur has to be chosen, and the map depends on it.",
        ARXIV + "2004.03383", "gradient",
    ),
    Work(
        "guided_ig", "Guided IG", "Guided Integrated Gradients: An Adaptive Path Method for Removing Noise",
        "Kapishnikov, Venugopalan, Avci, Wedin, Terry & Bolukbasi", 2021, "CVPR 2021",
        "Integrated gradients on a path that moves the pixels of small gradient first, to gather less noise.",
        "By construction: it still needs a baseline, and the path is another choice.",
        ARXIV + "2106.09788", "gradient",
    ),
    # ReLU rules
    Work(
        "deconvnet", "Deconvnet", "Visualizing and Understanding Convolutional Networks", "Zeiler & Fergus", 2014,
        "ECCV 2014", "Backpropagation that passes only positive gradients at each ReLU.",
        "It restores parts of the picture, whichever class is asked for (Nie et al. 2018).",
        ARXIV + "1311.2901", "relu rule", "deconvnet", "guided_backprop",
    ),
    Work(
        "guided_backprop", "Guided backprop", "Striving for Simplicity: The All Convolutional Net",
        "Springenberg, Dosovitskiy, Brox & Riedmiller", 2015, "ICLR 2015 workshop",
        "Passes a gradient at a ReLU only where both it and the forward value are positive.",
        "Hardly changes when upper layers are randomized (Adebayo et al. 2018); ignores the class (Nie et al. 2018).",
        ARXIV + "1412.6806", "relu rule", "guided_backprop", "guided_backprop",
    ),
    # Class activation maps
    Work(
        "cam", "CAM", "Learning Deep Features for Discriminative Localization",
        "Zhou, Khosla, Lapedriza, Oliva & Torralba", 2016, "CVPR 2016",
        "The last feature maps, added up with the weights of the class's output node.",
        "Only for networks that end in average pooling and one linear layer (Selvaraju et al. 2017).",
        ARXIV + "1512.04150", "cam", "cam", "grad_cam", (("variants", "true"),),
    ),
    Work(
        "grad_cam", "Grad-CAM", "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
        "Selvaraju, Cogswell, Das, Vedantam, Parikh & Batra", 2017, "ICCV 2017",
        "Feature maps of any layer, each weighted by its mean gradient; then a ReLU.",
        "Averaging the gradient can light up places the score does not use (Draelos & Carin 2020).",
        ARXIV + "1610.02391", "cam", "grad_cam", "grad_cam",
    ),
    Work(
        "guided_grad_cam", "Guided Grad-CAM",
        "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
        "Selvaraju, Cogswell, Das, Vedantam, Parikh & Batra", 2017, "ICCV 2017",
        "Guided backpropagation times the enlarged Grad-CAM map: fine detail, at the class's place.",
        "Inherits guided backpropagation's failure in the randomization test (Adebayo et al. 2018).",
        ARXIV + "1610.02391", "cam", "guided_grad_cam", "guided_grad_cam",
    ),
    Work(
        "grad_cam_pp", "Grad-CAM++",
        "Grad-CAM++: Generalized Gradient-based Visual Explanations for Deep Convolutional Networks",
        "Chattopadhyay, Sarkar, Howlader & Balasubramanian", 2018, "WACV 2018",
        "Weights from positive gradients, cell by cell, so that several objects of a class are covered.",
        "In practice the same as Grad-CAM with positive gradients only (Lerma & Lucas 2022).",
        ARXIV + "1710.11063", "cam", "grad_cam_pp", "grad_cam", (("variants", "true"),),
    ),
    Work(
        "score_cam", "Score-CAM", "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks",
        "Wang, Wang, Du, Yang, Zhang, Ding, Mardziel & Hu", 2020, "CVPR workshops 2020",
        "No gradient: each feature map masks the picture, and the score of what is left is its weight.",
        "By construction: one forward pass for every map, hundreds to thousands for one picture.",
        ARXIV + "1910.01279", "cam", "score_cam",
    ),
    Work(
        "ablation_cam", "Ablation-CAM",
        "Ablation-CAM: Visual Explanations for Deep Convolutional Network via Gradient-free Localization",
        "Desai & Ramaswamy", 2020, "WACV 2020",
        "No gradient: a map's weight is how much the score falls when the map is set to zero.",
        "By construction: one run for every map, and maps that stand in for each other both look useless.",
        OPEN_ACCESS + "content_WACV_2020/html/Desai_Ablation-CAM_Visual_Explanations_for_Deep_Convolutional_Network_"
        "via_Gradient-free_Localization_WACV_2020_paper.html", "cam", "ablation_cam",
    ),
    Work(
        "xgrad_cam", "XGrad-CAM", "Axiom-based Grad-CAM: Towards Accurate Visualization and Explanation of CNNs",
        "Fu, Hu, Dong, Guo, Gao & Li", 2020, "BMVC 2020",
        "Gradients averaged with the activations as weights, so that the map nearly adds up to the score.",
        "Still one weight for a whole map: it cannot follow a gradient that differs within it (by construction).",
        ARXIV + "2008.02312", "cam", "xgrad_cam", "grad_cam", (("variants", "true"),),
    ),
    Work(
        "eigen_cam", "Eigen-CAM", "Eigen-CAM: Class Activation Map using Principal Components",
        "Muhammad & Yeasin", 2020, "IJCNN 2020",
        "The feature maps, projected on their first principal direction.",
        "By construction it knows no class: the map is the same for every class.",
        ARXIV + "2008.00299", "cam", "eigen_cam",
    ),
    Work(
        "hires_cam", "HiResCAM", "Use HiResCAM instead of Grad-CAM for Faithful Explanations of Convolutional "
        "Neural Networks", "Draelos & Carin", 2020, "arXiv 2020",
        "Gradient times activation in every cell, then the sum over the maps: no averaging.",
        "Faithful by proof only where one linear layer follows the maps; as coarse as their cells (the authors).",
        ARXIV + "2011.08891", "cam", "hires_cam", "grad_cam", (("variants", "true"),),
    ),
    Work(
        "layer_cam", "LayerCAM", "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization",
        "Jiang, Zhang, Hou, Cheng & Wei", 2021, "IEEE Transactions on Image Processing 2021",
        "Each cell weighted by its own positive gradient, so that early, fine layers can be used too.",
        "By construction: negative gradients are dropped, and with them all evidence against the class.",
        DOI + "10.1109/TIP.2021.3089943", "cam", "layer_cam", "grad_cam", (("variants", "true"),),
    ),
    Work(
        "relevance_cam", "Relevance-CAM", "Relevance-CAM: Your Model Already Knows Where To Look",
        "Lee, Kim, Park, Eo & Hwang", 2021, "CVPR 2021",
        "Feature maps weighted by their relevance from LRP instead of gradients, at any depth.",
        "By construction: LRP rules have to be chosen for every kind of layer.",
        OPEN_ACCESS + "content/CVPR2021/html/"
        "Lee_Relevance-CAM_Your_Model_Already_Knows_Where_To_Look_CVPR_2021_paper.html", "cam",
    ),
    Work(
        "finer_cam", "Finer-CAM", "Finer-CAM: Spotting the Difference Reveals Finer Details for Visual Explanation",
        "Zhang, Gu, Chowdhury, Mai, Carlyn, Berger-Wolf, Su & Chao", 2025, "CVPR 2025",
        "Explains the difference to similar classes: what tells this class from them.",
        "By construction: the classes to compare with, and how strongly, have to be chosen.",
        ARXIV + "2501.11309", "cam",
    ),
    # Perturbation
    Work(
        "occlusion", "Occlusion", "Visualizing and Understanding Convolutional Networks", "Zeiler & Fergus", 2014,
        "ECCV 2014", "Covers one patch after another and notes how much the score falls.",
        "The map depends on the patch's size (Ancona et al. 2018), and on what covers it.",
        ARXIV + "1311.2901", "perturbation", "occlusion",
    ),
    Work(
        "lime", "LIME", "“Why Should I Trust You?”: Explaining the Predictions of Any Classifier",
        "Ribeiro, Singh & Guestrin", 2016, "KDD 2016",
        "Switches segments off at random and fits a linear model to the answers.",
        "Unstable under small changes of the input (Alvarez-Melis & Jaakkola 2018); can be fooled (Slack et al. 2020).",
        ARXIV + "1602.04938", "perturbation",
    ),
    Work(
        "meaningful", "Meaningful perturb.", "Interpretable Explanations of Black Boxes by Meaningful Perturbation",
        "Fong & Vedaldi", 2017, "ICCV 2017",
        "Learns the smallest blurred region that makes the score fall.",
        "Terms for size and smoothness have to be balanced by hand (Fong et al. 2019).",
        ARXIV + "1704.03296", "perturbation",
    ),
    Work(
        "rise", "RISE", "RISE: Randomized Input Sampling for Explanation of Black-box Models",
        "Petsiuk, Das & Saenko", 2018, "BMVC 2018",
        "The mean of thousands of random masks, each weighted by the probability of the picture under it.",
        "By construction: thousands of passes; with fewer masks the map changes with the seed.",
        ARXIV + "1806.07421", "perturbation", "rise",
    ),
    Work(
        "extremal", "Extremal perturb.", "Understanding Deep Networks via Extremal Perturbations and Smooth Masks",
        "Fong, Patrick & Vedaldi", 2019, "ICCV 2019",
        "Learns the smooth mask of a given area that keeps the score highest.",
        "By construction: one optimization for every area, hundreds of steps each.",
        ARXIV + "1910.08485", "perturbation",
    ),
    # Relevance propagation
    Work(
        "lrp", "LRP", "On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance "
        "Propagation", "Bach, Binder, Montavon, Klauschen, Müller & Samek", 2015, "PLoS ONE 2015",
        "Hands the score back layer by layer, so that nothing of it is lost on the way.",
        "With its positive-weights rule the map hardly depends on the later layers (Sixt et al. 2020).",
        DOI + "10.1371/journal.pone.0130140", "propagation",
    ),
    Work(
        "deeplift", "DeepLIFT", "Learning Important Features Through Propagating Activation Differences",
        "Shrikumar, Greenside & Kundaje", 2017, "ICML 2017",
        "Propagates differences to a reference input instead of gradients.",
        "Two networks that compute the same can get different maps (Sundararajan et al. 2017).",
        ARXIV + "1704.02685", "propagation",
    ),
    Work(
        "crp", "CRP", "From Attribution Maps to Human-Understandable Explanations through Concept Relevance "
        "Propagation", "Achtibat, Dreyer, Eisenbraun, Bosse, Wiegand, Samek & Lapuschkin", 2023,
        "Nature Machine Intelligence 2023",
        "LRP through one chosen channel at a time: not only where, but also which learned concept.",
        "By construction: a channel stands for a concept; what is spread over many channels falls apart.",
        DOI + "10.1038/s42256-023-00711-8", "propagation",
    ),
    Work(
        "attnlrp", "AttnLRP", "AttnLRP: Attention-Aware Layer-Wise Relevance Propagation for Transformers",
        "Achtibat, Hatefi, Dreyer, Jain, Wiegand, Lapuschkin & Samek", 2024, "ICML 2024",
        "LRP with rules for attention, softmax and normalization: transformers in one backward pass.",
        "No independent failure analysis is known to us; every new kind of layer needs its own rule.",
        ARXIV + "2402.05602", "propagation",
    ),
    # Attention
    Work(
        "rollout", "Attention rollout", "Quantifying Attention Flow in Transformers", "Abnar & Zuidema", 2020,
        "ACL 2020", "Multiplies the attention matrices of all layers, residual paths included.",
        "The same for every class, and it also lights up what does not matter (Chefer et al. 2021).",
        ARXIV + "2005.00928", "attention",
    ),
    Work(
        "chefer", "Chefer et al.", "Transformer Interpretability Beyond Attention Visualization",
        "Chefer, Gur & Wolf", 2021, "CVPR 2021",
        "Attention weighted by relevance and gradient of the class, accumulated over the layers.",
        "By construction: for transformers only, and with relevance rules made for their layers.",
        ARXIV + "2012.09838", "attention",
    ),
    Work(
        "legrad", "LeGrad",
        "LeGrad: An Explainability Method for Vision Transformers via Feature Formation Sensitivity",
        "Bousselham, Boggust, Chaybouti, Strobelt & Kuehne", 2025, "ICCV 2025",
        "The gradient with respect to the attention maps of every layer, added up.",
        "No independent failure analysis is known to us; it needs attention maps, so no convolutional network.",
        ARXIV + "2404.03214", "attention",
    ),
    # Feature visualization, projection, tools
    Work(
        "yosinski", "Deep visualization", "Understanding Neural Networks Through Deep Visualization",
        "Yosinski, Clune, Nguyen, Fuchs & Lipson", 2015, "ICML 2015 workshop",
        "One unit, seen at once: its live map, its best patches, a picture made for it.",
        "One made picture shows one facet; a unit may answer to several unlike things (Nguyen et al. 2016).",
        ARXIV + "1506.06579", "feature visualization", None, "unit", (("made", "true"),),
    ),
    Work(
        "olah", "Feature visualization", "Feature Visualization", "Olah, Mordvintsev & Schubert", 2017, "Distill 2017",
        "Which regularizers turn the ascent for a unit into a readable picture.",
        "Natural pictures told people more about a unit (Borowski et al. 2021); can be fooled (Geirhos et al. 2024).",
        "https://distill.pub/2017/feature-visualization/", "feature visualization", None, "unit", (("made", "true"),),
    ),
    Work(
        "tsne", "t-SNE", "Visualizing Data using t-SNE", "van der Maaten & Hinton", 2008, "JMLR 2008",
        "Places points in the plane so that neighbours stay neighbours.",
        "Sizes of clusters and distances between them mean nothing (Wattenberg et al. 2016).",
        "https://www.jmlr.org/papers/v9/vandermaaten08a.html", "projection", None, "embeddings",
    ),
    Work(
        "misread_tsne", "Reading t-SNE", "How to Use t-SNE Effectively", "Wattenberg, Viégas & Johnson", 2016,
        "Distill 2016", "Shows with toy data what a t-SNE picture does and does not say.",
        "By construction: toy data, judged by eye; it measures nothing.",
        "https://distill.pub/2016/misread-tsne/", "projection", None, "embeddings",
    ),
    Work(
        "umap", "UMAP", "UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction",
        "McInnes, Healy & Melville", 2018, "arXiv 2018",
        "Lays out a graph of nearest neighbours in the plane; faster than t-SNE.",
        "Distorts distances and neighbourhoods strongly (Chari & Pachter 2023).",
        ARXIV + "1802.03426", "projection", None, "embeddings",
    ),
    Work(
        "cnn_101", "CNN 101", "CNN 101: Interactive Visual Learning for Convolutional Neural Networks",
        "Wang, Turko, Shaikh, Park, Das, Hohman, Kahng & Chau", 2020, "CHI 2020 extended abstracts",
        "All maps of a small network in the browser, with the convolution step by step.",
        "Work in progress when published; continued as CNN Explainer (the authors).",
        ARXIV + "2001.02004", "tool", None, "cnn_explainer",
    ),
    Work(
        "cnn_explainer", "CNN Explainer",
        "CNN Explainer: Learning Convolutional Neural Networks with Interactive Visualization",
        "Wang, Turko, Shaikh, Park, Das, Hohman, Kahng & Chau", 2020, "IEEE VIS 2020",
        "From the whole network to one number: overview, elastic view, formula.",
        "One small network and its forward pass only: no gradients (by construction).",
        ARXIV + "2004.15004", "tool", None, "cnn_explainer",
    ),
    # Tests
    Work(
        "sanity_checks", "Sanity checks", "Sanity Checks for Saliency Maps",
        "Adebayo, Gilmer, Muelly, Goodfellow, Hardt & Kim", 2018, "NeurIPS 2018",
        "Randomizes weights or labels: a map that stays the same cannot explain what was learned.",
        "A map can pass and still be wrong: the test cannot rank methods (Binder et al. 2023).",
        ARXIV + "1810.03292", "evaluation", None, "caveats",
    ),
    Work(
        "nie", "Nie et al.",
        "A Theoretical Explanation for Perplexing Behaviors of Backpropagation-based Visualizations",
        "Nie, Zhang & Patel", 2018, "ICML 2018",
        "Proves that guided backprop and deconvnet partly restore the picture, unrelated to the decision.",
        "The proof is for random weights; for trained networks there are experiments (the authors).",
        ARXIV + "1805.07039", "evaluation", None, "guided_backprop",
    ),
    Work(
        "roar", "ROAR", "A Benchmark for Interpretability Methods in Deep Neural Networks",
        "Hooker, Erhan, Kindermans & Kim", 2019, "NeurIPS 2019",
        "Removes the pixels a map calls important, trains again, and sees how much accuracy is lost.",
        "The shape of what was removed tells the class; and every point costs a training (Rong et al. 2022).",
        ARXIV + "1806.10758", "evaluation",
    ),
    Work(
        "sixt", "Sixt et al.", "When Explanations Lie: Why Many Modified BP Attributions Fail",
        "Sixt, Granz & Landgraf", 2020, "ICML 2020",
        "Shows that most modified backpropagations converge to a map that ignores the later layers.",
        "Convergence is proven for matrices without negative entries, measured otherwise (the authors).",
        ARXIV + "1912.09818", "evaluation",
    ),
    Work(
        "road", "ROAD", "A Consistent and Efficient Evaluation Strategy for Attribution Methods",
        "Rong, Leemann, Borisov, Kasneci & Kasneci", 2022, "ICML 2022",
        "Removes pixels by a noisy mean of their neighbours, which hides the mask: no new training.",
        "No independent failure analysis is known to us; the filling is again a choice.",
        ARXIV + "2202.00449", "evaluation",
    ),
    Work(
        "post_hoc", "Post hoc explanations",
        "Post hoc Explanations may be Ineffective for Detecting Unknown Spurious Correlation",
        "Adebayo, Muelly, Abelson & Kim", 2022, "ICLR 2022",
        "Plants a shortcut: maps do not reveal it to those who do not know what to look for.",
        "Its measures are contested: maps may hold what people overlook (Cardozo et al. 2022).",
        ARXIV + "2212.04629", "evaluation", None, "bias",
    ),
    Work(
        "binder", "Binder et al.", "Shortcomings of Top-Down Randomization-Based Sanity Checks for Evaluations of "
        "Deep Neural Network Explanations",
        "Binder, Weber, Lapuschkin, Montavon, Müller & Samek", 2023, "CVPR 2023",
        "A map of noise does well in the randomization test, so the test cannot rank methods.",
        "It shows what the test cannot say; which map is right stays open (by construction).",
        ARXIV + "2211.12486", "evaluation", None, "caveats",
    ),
    # Fragility
    Work(
        "kindermans", "Kindermans et al.", "The (Un)reliability of Saliency Methods",
        "Kindermans, Hooker, Adebayo, Alber, Schütt, Dähne, Erhan & Kim", 2017,
        "arXiv 2017, Springer 2019 (Explainable AI)",
        "A shift of all inputs that the first bias undoes leaves the network, but not every map, as it was.",
        "The shift is one special change; to pass says little about others (by construction).",
        ARXIV + "1711.00867", "robustness",
    ),
    Work(
        "ghorbani", "Ghorbani et al.", "Interpretation of Neural Networks is Fragile", "Ghorbani, Abid & Zou", 2019,
        "AAAI 2019", "Changes too small to see turn the map around while the prediction stays.",
        "By construction: the change is made with the network's own gradients, picture by picture.",
        ARXIV + "1710.10547", "robustness", None, "robustness",
    ),
    Work(
        "heo", "Heo et al.", "Fooling Neural Network Interpretations via Adversarial Model Manipulation",
        "Heo, Joo & Moon", 2019, "NeurIPS 2019",
        "Trains the network a little further, so that its maps mislead while its accuracy stays.",
        "By construction: the attacker needs to change the weights.",
        ARXIV + "1902.02041", "robustness",
    ),
    Work(
        "dombrowski", "Dombrowski et al.", "Explanations Can Be Manipulated and Geometry Is to Blame",
        "Dombrowski, Alber, Anders, Ackermann, Müller & Kessel", 2019, "NeurIPS 2019",
        "Draws any wanted map by an invisible change of the picture; sharp bends of the network allow it.",
        "A smoother ReLU for the map makes the attack much harder (the authors).",
        ARXIV + "1906.07983", "robustness", None, "robustness",
    ),
    Work(
        "corruptions", "Corruptions",
        "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations", "Hendrycks & Dietterich",
        2019, "ICLR 2019", "Noise, blur, weather and digital faults at five strengths: how the accuracy falls.",
        "Gains on such made faults hardly carry over to natural shifts (Taori et al. 2020).",
        ARXIV + "1903.12261", "robustness", None, "robustness",
    ),
    # Bias
    Work(
        "husky_wolf", "Husky or wolf", "“Why Should I Trust You?”: Explaining the Predictions of Any Classifier",
        "Ribeiro, Singh & Guestrin", 2016, "KDD 2016",
        "Explanations show people that a wolf detector looks at the snow.",
        "The flaw was planted, and obvious once shown; unknown ones are harder to see (Adebayo et al. 2022).",
        ARXIV + "1602.04938", "bias", None, "bias",
    ),
    Work(
        "lapuschkin", "Clever Hans", "Unmasking Clever Hans Predictors and Assessing What Machines Really Learn",
        "Lapuschkin, Wäldchen, Binder, Montavon, Samek & Müller", 2019, "Nature Communications 2019",
        "Clusters the maps of many pictures and finds classes that were learned by a watermark.",
        "By construction: the clusters rest on the maps, and a person must say what they mean.",
        DOI + "10.1038/s41467-019-08987-4", "bias", None, "bias",
    ),
    # User studies
    Work(
        "alqaraawi", "Alqaraawi et al.",
        "Evaluating Saliency Map Explanations for Convolutional Neural Networks: A User Study",
        "Alqaraawi, Schuessler, Weiß, Costanza & Berthouze", 2020, "IUI 2020",
        "LRP maps helped people to see some features, but very little to foresee the next answer.",
        "By construction: one kind of map (LRP), tested online.",
        ARXIV + "2002.00772", "user study", None, "predict",
    ),
    Work(
        "nguyen", "Nguyen et al.",
        "The Effectiveness of Feature Attribution Methods and Its Correlation with Automatic Evaluation Scores",
        "Nguyen, Kim & Nguyen", 2021, "NeurIPS 2021",
        "For judging an answer, maps helped no more than the nearest training pictures did.",
        "By construction: one task, to accept or reject an answer.",
        ARXIV + "2105.14944", "user study", None, "predict",
    ),
    Work(
        "hive", "HIVE", "HIVE: Evaluating the Human Interpretability of Visual Explanations",
        "Kim, Meister, Ramaswamy, Fong & Russakovsky", 2022, "ECCV 2022",
        "With an explanation, people believe the answer, the wrong one too.",
        "By construction: four kinds of explanation, two tasks, people hired online.",
        ARXIV + "2112.03184", "user study", None, "predict",
    ),
    Work(
        "colin", "Colin et al.",
        "What I Cannot Predict, I Do Not Understand: A Human-Centered Evaluation Framework for Explainability Methods",
        "Colin, Fel, Cadène & Serre", 2022, "NeurIPS 2022",
        "1150 people: whether maps help to foresee a network depends on the task.",
        "By construction: three tasks; they do not tell which method helps in a fourth.",
        ARXIV + "2112.04417", "user study", None, "predict",
    ),
)  # fmt: skip

CRITICS = (
    ("Ancona", 2018, "Towards Better Understanding of Gradient-based Attribution Methods", "ICLR",
     ARXIV + "1711.06104"),
    ("Sturmfels", 2020, "Visualizing the Impact of Feature Attribution Baselines", "Distill",
     "https://distill.pub/2020/attribution-baselines/"),
    ("Lerma", 2022, "Grad-CAM++ is Equivalent to Grad-CAM With Positive Gradients", "arXiv", ARXIV + "2205.10838"),
    ("Alvarez-Melis", 2018, "On the Robustness of Interpretability Methods", "ICML workshop", ARXIV + "1806.08049"),
    ("Slack", 2020, "Fooling LIME and SHAP", "AIES", ARXIV + "1911.02508"),
    ("Nguyen", 2016, "Multifaceted Feature Visualization", "ICML workshop", ARXIV + "1602.03616"),
    ("Borowski", 2021, "Exemplary Natural Images Explain CNN Activations Better than State-of-the-Art Feature "
     "Visualization", "ICLR", ARXIV + "2010.12606"),
    ("Geirhos", 2024, "Don't Trust Your Eyes: On the (Un)reliability of Feature Visualizations", "ICML",
     ARXIV + "2306.04719"),
    ("Chari", 2023, "The Specious Art of Single-cell Genomics", "PLoS Computational Biology",
     DOI + "10.1371/journal.pcbi.1011288"),
    ("Taori", 2020, "Measuring Robustness to Natural Distribution Shifts in Image Classification", "NeurIPS",
     ARXIV + "2007.00644"),
    ("Cardozo", 2022, "Explainer Divergence Scores", "CIKM workshop", "https://ceur-ws.org/Vol-3318/paper7.pdf"),
)  # fmt: skip
"""Cited for a failure, and not a work of the timeline: first author, year, title, venue, address."""

SUMMARY: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Gradients are important not just for optimization, but also for analyzing what a network has learned.",
        ("gradients", "saliency", "segmentation", "bias", "neuron_gradient"),
    ),
    (
        "Standard backpropagation is not always the most informative for visualization.",
        ("guided_backprop", "layer_by_layer", "caveats"),
    ),
    (
        "There are several ways to modify the gradient flow to improve the pictures.",
        ("guided_backprop", "grad_cam", "guided_grad_cam"),
    ),
)
"""The lesson's summary, and the pages that show each sentence."""

VERDICTS: dict[str, dict[str, bool]] = {
    "sanity_checks": {
        "saliency": True, "grad_cam": True, "guided_backprop": False, "guided_grad_cam": False,
    },
    "nie": {"saliency": True, "deconvnet": False, "guided_backprop": False},
    "sixt": {"deeplift": True, "deconvnet": False, "guided_backprop": False, "lrp": False},
    "roar": {
        "saliency": False, "integrated_gradients": False, "guided_backprop": False, "smooth_grad": False,
    },
}  # fmt: skip
"""What the tests found: test, then method, then whether it passed. What is missing is not said here."""

QUESTIONS = {
    "sanity_checks": "Does the map change when the weights are randomized?",
    "nie": "Does it depend on the class, rather than restore the picture?",
    "sixt": "Does it depend on the later layers?",
    "roar": "Does removing its pixels cost more accuracy than removing random ones?",
}


def find(key: str) -> Work:
    """The work of that key.

    Raises:
        ValueError: no such work.
    """
    for work in WORKS:
        if work.key == key:
            return work
    raise ValueError(f"The timeline has no work called '{key}'.")


def of_method(method: str) -> Work | None:
    """The work that a registered method comes from; None for a control."""
    return next((work for work in WORKS if work.method == method), None)


def in_family(family: str | None) -> Sequence[Work]:
    """The works of a family, or all, by year and then in the order of the list."""
    return sorted((work for work in WORKS if family in (None, work.family)), key=lambda work: work.year)


def sources() -> list[str]:
    """The works that are cited for a failure only, as Markdown."""
    return [f"{author} {year}: [{title}]({url}) ({venue} {year})" for author, year, title, venue, url in CRITICS]
