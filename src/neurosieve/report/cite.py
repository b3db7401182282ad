"""How to cite: the tool, the study that it follows, and a run's settings as a paragraph for a paper."""

from neurosieve.report.numbers import count, counted, metric_of
from neurosieve.report.story import short_model
from neurosieve.report.tables import lookup_name, of_classes, of_tokens
from neurosieve.results.concepts import ConceptResult
from neurosieve.results.redundancy import RedundancyResult
from neurosieve.results.redundancy_controls import Control
from neurosieve.results.redundancy_parts import UntrainedScores

_STUDY = """@article{sharma2023redundancy,
  title   = {Redundancy and Concept Analysis for Code-trained Language Models},
  author  = {Sharma, Arushi and Hu, Zefu and Quinn, Christopher and Jannesari, Ali},
  journal = {arXiv preprint arXiv:2305.00875},
  year    = {2023}
}"""
_RANKINGS = {
    "lca": "by the weights of the probe on all neurons (LCA)",
    "probeless": "by the distance of the classes' means (Probeless)",
}


def bibtex(version: str) -> str:
    """Entries of the tool and of the study whose method it follows."""
    tool = f"""@software{{neurosieve,
  title   = {{neurosieve}},
  author  = {{{{The neurosieve authors}}}},
  version = {{{version}}}
}}"""
    return f"{tool}\n\n{_STUDY}"


def methods(summary: RedundancyResult | None, concepts: ConceptResult | None) -> str:
    """The run's settings in running text; empty where it has neither a study nor concepts."""
    texts = [_study(summary)] if summary else []
    return " ".join([*texts, *([_concepts(concepts)] if concepts else [])])


def _study(result: RedundancyResult) -> str:
    return " ".join([_data(result), _probe(result), *_sets(result), _controls(result)])


def _data(result: RedundancyResult) -> str:
    version, rows = result.versions.get("neurosieve", ""), result.rows
    units = {"mlp": "feed-forward units", "attention": "outputs of the attention heads"}
    where = units.get(result.site or "hidden", "outputs")
    revision = f" (revision {result.revision})" if result.revision else ""
    labels = f"{len(result.labels)} classes ({', '.join(result.labels)})" if of_classes(result) else "numeric labels"
    return (
        f"We analysed {short_model(result.model)}{revision} with neurosieve {version}, which follows Sharma et al."
        f" (2023). The {where} of {counted(result.layers, 'layer')} give {counted(result.neurons, 'neuron')}, of which"
        f" {count(result.dead)} do not vary. The task is {result.task} with {labels}; {count(rows['train'])} train,"
        f" {count(rows['validation'])} validation and {count(rows['test'])} test rows were used."
    )


def _probe(result: RedundancyResult) -> str:
    kind = "logistic" if of_classes(result) else "linear"
    return (
        f"The probe is a {kind} regression on standardised neurons with an elastic-net penalty (equal shares of L1 and"
        f" L2), whose strength was chosen on validation from {len(result.oracle.path)} values."
    )


def _sets(result: RedundancyResult) -> list[str]:
    if not result.sets:
        return []
    best, metric = result.sets[0], metric_of(result)
    rule = "the one-sided 95 % bound of the loss" if best.select == "safe" else "the loss"
    return [
        f"Neurons were ordered {_RANKINGS.get(best.ranking, f'by {best.ranking}')} on train rows; the smallest set is"
        f" the smallest number of first neurons for which {rule} of a new probe, compared with the probe on all"
        f" neurons, is at most {metric.allowed(best.delta)} on validation, for it and for all larger sizes tried."
    ]


def _controls(result: RedundancyResult) -> str:
    base, parts = result.baselines, [f"{count(result.seeds.get('random_draws', 0))} random orders of the neurons"]
    parts.append(f"a {lookup_name(result)}")
    if isinstance(base.untrained, UntrainedScores):
        parts.append(f"{counted(len(base.untrained.seeds), 'copy').replace('copys', 'copies')} with random weights")
    if isinstance(result.control, Control):
        parts.append("random labels of token types" if of_tokens(result) else "random labels")
    return (
        f"It is compared with {', '.join(parts[:-1])} and {parts[-1]}. Intervals are 95 %, by a bootstrap over files,"
        f" or lines or functions where files are not known ({count(result.seeds.get('bootstrap', 0))} resamples, seed"
        f" {result.seeds.get('study', 0)})."
    )


def _concepts(result: ConceptResult) -> str:
    views = f"{'views' if len(result.views) > 1 else 'view'} {' and '.join(f'`{name}`' for name in result.views)}"
    return (
        f"For each property value of code, the {counted(result.neurons, 'neuron')} of {short_model(result.model)} were"
        f" ordered by average precision on train files, and the first ones tested on held-out files ({views})."
        " A neuron is claimed for a value if the lower bounds of its 95 % intervals reach an average precision of 0.8,"
        " an AUROC of 0.9, and a lead over the best of several rules that need no training."
    )
