"""What is known of one neuron, as a notebook and a terminal show it: pure functions of a profile."""

from collections.abc import Iterator

from markupsafe import Markup

from neurosieve.printing import visible
from neurosieve.report.code import marked, near
from neurosieve.report.evidence import COLUMN_KINDS, alike_table, column_facts
from neurosieve.report.interventions import edit_table
from neurosieve.report.numbers import NONE, count, ratio
from neurosieve.report.story import short_model
from neurosieve.report.tables import Table, make_table
from neurosieve.results.concept_evidence import Evidence, Token
from neurosieve.results.neuron_profile import NeuronProfile, SetPlace

_TOKENS = 5  # of each kind


def profile_text(profile: NeuronProfile) -> str:
    """A line a fact; where nothing is known, that."""
    rows = [f"  {name}: {value}" for name, value in profile_table(profile).rows]
    for c in profile.concepts[:_TOKENS]:
        scores = f"AP {ratio(c.score.ap, c.score.interval)} against {ratio(c.rival_ap)} ({c.rival})"
        verdict = "claimed" if c.score.claimed else f"not claimed: {c.score.lacking}"
        rows.append(f"  {c.name}, view {c.view}: {scores}; {verdict}")
    return "\n".join([profile_title(profile), *rows])


def profile_title(profile: NeuronProfile) -> str:
    """Which neuron it is."""
    site = {"mlp": " (feed-forward unit)", "attention": " (of an attention head)"}.get(profile.site or "", "")
    return f"Neuron {profile.neuron}{site} of {short_model(profile.model) if profile.model else 'an unknown model'}"


def profile_table(profile: NeuronProfile) -> Table:
    """What is known of a neuron besides its scores for properties."""
    return make_table("What is known", ("", ""), list(_facts(profile)))


def _facts(profile: NeuronProfile) -> Iterator[tuple[str, str]]:
    if not profile.studied:
        yield "task", "not studied in this run"
    elif profile.dead:
        yield "values", "never vary over train rows"
    else:
        ranks = (f"{name} {count(rank)}" for name, rank in profile.ranks.items())
        yield f"rank among {count(profile.ranked)}", ", ".join(ranks) or NONE
        yield "smallest sets", "; ".join(map(_place, profile.sets)) or "in none"
        steps = ", ".join(f"{t:g}" for t in profile.represents)
        yield "represents similar neurons", f"at distance {steps}" if steps else "at no distance that was cut"
    yield "claimed for", ", ".join(profile.claimed) or ("no value" if profile.concepts else "not among the scored")
    if profile.property_sets:
        yield "sets of properties", ", ".join(profile.property_sets)
    if profile.value_sets:
        yield "claimed sets", "; ".join(f"{s.name}, {s.size} neurons ({s.view})" for s in profile.value_sets)
    if profile.modules:
        yield "modules", ", ".join(profile.modules)
    if profile.texts:
        yield "whole texts", profile.texts.verdict
    for description in dict.fromkeys(e.description for evidence in profile.evidence.values() for e in evidence):
        if description:
            yield "evidence", description
    if profile.edits:
        yield "edits", f"{count(len(profile.edits))} of the live model"


def _place(place: SetPlace) -> str:
    rule = f"{place.ranking}, delta {place.delta:g}, {place.select}"
    return f"place {count(place.place)} of {count(place.size)} ({rule})"


def score_table(profile: NeuronProfile) -> Table:
    """The property values that it was scored on."""
    rows = [
        (
            f"{c.name}{' (low)' if c.score.low else ''}",
            c.view,
            ratio(c.score.ap, c.score.interval),
            ratio(c.score.auroc, c.score.auroc_interval),
            f"{c.rival} {ratio(c.rival_ap)}",
            f"{c.base:.3f}",
            "claimed" if c.score.claimed else f"not claimed: {c.score.lacking}",
        )
        for c in profile.concepts
    ]
    heads = ("value", "view", "AP", "AUROC", "best rival's AP", "base rate", "verdict")
    return make_table("Properties of code", heads, rows)


def weight_table(profile: NeuronProfile) -> Table:
    """Its weights in the smallest sets that it is in."""
    labels = list(dict.fromkeys(label for place in profile.sets for label in place.weights))
    rows = [(_place(s), *(f"{s.weights.get(label, 0.0):.2f}" for label in labels)) for s in profile.sets]
    return make_table("Weights in smallest sets", ("set", *labels), rows)


def profile_tables(profile: NeuronProfile) -> dict[str, Table]:
    """The card of a neuron, in a notebook, on a terminal and in the explorer: by name the tables that have rows."""
    unseen = [(c.name, c.view, f"{c.score.unseen_ap:.2f}") for c in profile.concepts if c.score.unseen_ap is not None]
    tables = {
        "known": profile_table(profile),
        "values": column_facts(profile.column) if profile.column else None,
        "weights": weight_table(profile),
        "properties": score_table(profile),
        "unseen": make_table("AP on rows whose text train does not have", ("value", "view", "AP"), unseen),
        "alike": alike_table(profile.column) if profile.column else None,
        "edits": edit_table(profile.edits),
    }
    return {name: table for name, table in tables.items() if table and table.rows}


def profile_html(profile: NeuronProfile) -> Markup:
    """The tables and the tokens."""
    parts = [table.to_html() for table in profile_tables(profile).values()]
    for title, tokens in profile_tokens(profile):
        parts.append(Markup("<p>{}</p>").format(visible(title)))
        parts += [_token(token) for token in tokens]
    return Markup("<p><b>{}</b></p>").format(visible(profile_title(profile))) + Markup("").join(parts)


def profile_tokens(profile: NeuronProfile) -> list[tuple[str, tuple[Token, ...]]]:
    """Some tokens, with what they are: of the neuron's own column, else those that the report shows."""
    if profile.column:
        kinds = [(COLUMN_KINDS[kind], seen) for kind, seen in profile.column.tokens.items()]
        return [(title, tuple(s.token for s in seen[:_TOKENS])) for title, seen in kinds]
    shown = [(view, e) for view, evidence in profile.evidence.items() for e in evidence]
    return [(evidence_title(view, e), e.top[:_TOKENS]) for view, e in shown]


def evidence_title(view: str, evidence: Evidence) -> str:
    """What its tokens show."""
    how = "low" if evidence.low else "high"
    return f"{how} on {evidence.name}, view {view}: strongest tokens on held-out files"


def _token(token: Token) -> Markup:
    context = token.context
    code = marked(*near(context.text, context.start, context.end))
    place = visible(f"{token.value:+.1f} sd, {context.example}, line {context.line}")
    return Markup("<p><small>{}</small></p>{}").format(place, code)
