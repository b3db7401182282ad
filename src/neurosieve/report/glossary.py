"""The words of the report in plain language, and links to them from where they are used."""

import re
from collections.abc import Mapping

from markupsafe import Markup, escape

from neurosieve.printing import visible
from neurosieve.report.concepts import further_parts
from neurosieve.report.origin import Origin
from neurosieve.report.tables import imported, of_classes
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.redundancy import RedundancyResult

GLOSSARY = {
    "neuron": "One dimension of one layer's output, named layer:index. Layer 0 is the embedding, layer k block k.",
    "probe": "A linear classifier that predicts labels from neurons. The model itself is not changed.",
    "oracle": "The probe on all neurons: the best that a linear classifier finds in the model.",
    "delta": "The accuracy that a smaller set may lose compared with the oracle (0.01 = one percentage point).",
    "smallest set": "The fewest neurons of a ranking whose probe stays within delta on validation rows.",
    "random orders": "The same search on shuffled neurons: if few of them are enough, the ranking does not help.",
    "ranking": "An order of importance: LCA by the oracle's weights, Probeless by the distance of class means.",
    "agreement": "The share of a ranking's first neurons that others name too. By chance it is their share of all.",
    "token lookup": "A table of the most frequent label of each exact text in train. It needs no model.",
    "unseen rows": "Test rows whose exact text does not occur in train: a table cannot know them.",
    "untrained copy": "The same architecture with random weights: its score is not due to training.",
    "control task": "Random labels for token types. A probe that learns them as well memorises texts.",
    "selectivity": "Accuracy on the task minus accuracy on the control task, in points.",
    "LayerSelector (LS)": "Keeps the layers up to the first one with which a probe stays within delta of the oracle.",
    "CKA": "How similarly two layers arrange the same rows: 1 is the same up to rotation and scale.",
    "clusters (CC)": "Correlated neurons are grouped; the medoid of each group represents it.",
    "Pareto front": "The combinations for which no other is smaller, less deep and better at the same time.",
    "95 % interval": "The range of the value in 95 of 100 resamplings of whole lines, files or functions.",
}

_NEURONS = {
    "mlp": "One feed-forward unit of a block, named layer:index. Layer k belongs to block k + 1.",
    "attention": "One dimension of what a block's attention heads give, side by side, before the output matrix, named"
    " layer:index. Layer k belongs to block k + 1.",
    "imported": "One dimension of one layer, named layer:index. Layers are numbered from 0 as they are in"
    " the imported files.",
}
_OF_VALUES = {
    "R²": "1 is a perfect prediction, 0 no better than the mean of train; below 0 it is worse than that mean.",
    "probe": "A linear regression that predicts numbers from neurons. The model itself is not changed.",
    "delta": "The R² that a smaller set may lose compared with the oracle.",
    "ranking": "An order of importance: LCA by the oracle's weights, Probeless by correlation with the label.",
    "95 % interval": "The range of the value in 95 of 100 resamplings of whole files or functions.",
}
_OF_TOKENS = ("token lookup", "control task", "selectivity")


_OF_CONCEPTS = {
    "property value": "What a token is, by the syntax tree: `lexical=number`, `role=function`.",
    "concept neuron": "A neuron that separates a property value's tokens from all others on files that did not choose"
    " it.",
    "view detect, view predict": "Neurons are read where the token is seen; or where it is hidden, because it is masked"
    " or comes next, and the model has to predict it.",
    "average precision (AP)": "Tokens ordered by the neuron: the share with the value among the first, averaged over"
    " all that have it. 1 is perfect; a guess has the base rate.",
    "AUROC": "How often the neuron is higher on a token with the value than on one without it: a guess has 0.5.",
    "AUROC among own values": "The same among tokens that have some value of the property.",
    "rival": "What predicts a value without training: the exact place in line, statement and file, length,"
    " frequency, the text, its first and last character; and the best neuron of untrained copies.",
    "p": "How often values that are shifted in circles within their files give an AUROC as high.",
}


_OF_PARTS = {
    "groups": {
        "set that carries a value": "The neurons that take half of the value's weight in the probe on all neurons.",
        "q": "p after Benjamini–Hochberg: of pairs below 0.05, one in twenty is by chance.",
    },
    "latent": {
        "aligned cluster": "Tokens with similar vectors in the model, 90 % of them with one value, on train and on"
        " held-out files.",
        "if words swap values": "What clusters of few words reach by chance: most words have one value wherever they"
        " occur.",
    },
    "examples": {
        "R² above length": "What a property explains of a neuron's values on test texts beyond the length of the text.",
    },
}
_OF_INTERVENTIONS = {
    "ablate, clamp, steer, erase": "Neurons set to a value of train; to the end of their range; a layer moved towards"
    " the value; the value's direction taken out of a layer.",
    "matched random edits": "The same edit of as many random neurons in the same layers with similar variance, or of"
    " random directions.",
    "effect": "The drop of right predictions under the edit, minus the mean drop under random edits, in points.",
    "elsewhere": "Tokens without the value: an edit that harms them as much is not specific to the concept.",
    "loss": "Mean cross-entropy of all predictions, in nats.",
}


_OF_MODULES = {
    "module": "The few neurons of one label with a head that tells it from the rest. No module knows another one.",
    "block": "The neurons with a weight for one label in a probe of all labels.",
    "Jaccard": "Neurons that two sets share, divided by the neurons in either.",
    "equal in every bit": "The scores of modules that were not changed, before and after, on all test rows.",
}


def glossary(
    origin: Origin,
    summary: RedundancyResult | None,
    concepts: ConceptResult | None = None,
    *,
    edited: bool = False,
    modules: bool = False,
) -> dict[str, str]:
    """The words of a report: of a study on classes or on values, of concepts and edits where it has them.

    Args:
        origin: The model and the site.
        summary: What the study found.
        concepts: What was found of them.
        edited: There are edits.
        modules: There are modules.
    """
    words: dict[str, str] = {}
    neuron = _NEURONS.get("imported" if imported(origin.model) else origin.site or "hidden", GLOSSARY["neuron"])
    if summary is not None:
        words = GLOSSARY | ({} if of_classes(summary) else _OF_VALUES)
        words = {k: v for k, v in words.items() if of_classes(summary) or k not in _OF_TOKENS}
    words = words or {k: GLOSSARY[k] for k in ("neuron", "95 % interval")}
    words |= {"neuron": neuron}
    if concepts is not None:
        words |= _OF_CONCEPTS
        for part in further_parts(concepts):
            words |= _OF_PARTS.get(part, {})
    return words | (_OF_INTERVENTIONS if edited else {}) | (_OF_MODULES if modules else {})


# How a word is written in a sentence, where it differs from its entry.
_WRITTEN = {
    "untrained copy": ("untrained copies",),
    "unseen rows": ("rows unseen in train",),
    "LayerSelector (LS)": ("LayerSelector", "LS"),
    "clusters (CC)": ("medoid", "clustering"),
    "Pareto front": ("front of size, depth",),
    "95 % interval": ("95 % intervals",),
    "random orders": ("random order",),
    "average precision (AP)": ("average precision",),
    "probe": ("probes", "Probes"),
    "oracle": ("Oracle",),
}


def place_of(word: str) -> str:
    """The name of a word's entry, for links."""
    return "word-" + re.sub(r"\W+", "-", word.lower()).strip("-")


def linked(text: str, words: Mapping[str, str]) -> Markup:
    """A text in which the first use of each word leads to its entry, and says its meaning when it is pointed at."""
    entries = {written: word for word in words for written in (word, *_WRITTEN.get(word, ()))}
    if not entries:
        return escape(visible(text))
    longest = sorted(entries, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, longest))})(?![\w-])")
    parts, used = [], set[str]()
    link = Markup("<a class='word' href='#{}' title='{}'>{}</a>")
    for i, part in enumerate(pattern.split(visible(text))):
        word = entries[part] if i % 2 else ""
        parts.append(link.format(place_of(word), words[word], part) if word and word not in used else escape(part))
        used.add(word)
    return Markup("").join(parts)
