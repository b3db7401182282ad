"""The page of pasted code: values as a heat map, predictions before and after an edit."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from neurosieve.errors import ConfigError, unknown_name
from neurosieve.explorer.live_code import CHARACTERS, NEURONS, LiveModel
from neurosieve.explorer.open_run import OpenRun
from neurosieve.explorer.views import View
from neurosieve.report.code import plain_code
from neurosieve.report.coloured_code import heat_class, reading_html
from neurosieve.report.live_edit import live_sentence, live_table
from neurosieve.report.tables import Table, make_table
from neurosieve.results.live_effect import LiveEdit
from neurosieve.typing import NeuronId

_PAIR = re.compile(r"[lL]?(\d{1,6})[:/](\d{1,9})")
EDITS: Mapping[str, str] = {
    "": "only show values",
    "mean": "hold them at their mean (ablate)",
    "zero": "set them to zero (ablate)",
    "raise": "hold them 3 standard deviations above their mean (steer)",
}


def live_page(live: LiveModel, code: str, neurons: str, edit: str, *, run_it: bool) -> View:
    """The form, and what the model makes of it.

    Args:
        live: The run's model.
        code: Any text.
        neurons: `0:39, 1:5`; by default the first of the smallest set.
        edit: A key of `EDITS`.
        run_it: The form was sent; else it is shown alone.

    Raises:
        NeurosieveError: What is asked for cannot be done; see `LiveModel`.
    """
    shown: dict[str, Any] = {"code": code, "neurons": neurons or _default(live.run), "edit": edit, "edits": EDITS,
                             "most": CHARACTERS, "heat": None, "sentence": ""}  # fmt: skip
    tables, results = dict[str, Table](), dict[str, object]()
    if run_it:
        chosen = neurons_of(shown["neurons"])
        if edit in get_args(LiveEdit):
            effect = live.edit(code, chosen, edit)  # type: ignore[arg-type]
            shown["sentence"], tables["predictions"] = live_sentence(effect), live_table(effect)
            results["effect"] = effect
        elif edit:
            raise unknown_name("edit", edit, EDITS)
        reading = live.read(code, chosen)
        shown["heat"] = reading_html(reading, heat_class)
        rows = [(t, *(f"{x:+.3f}" for x in v)) for t, v in zip(reading.tokens, reading.values.tolist(), strict=True)]
        tables["values"] = make_table("Values of the neurons", ("token", *map(str, reading.neurons)), rows)
    return View(title="Paste code", template="live.html.j2", tables=tables, results=results, shown=shown)


def refused_page(code: str, neurons: str, edit: str, reason: str) -> View:
    """The form with the reason why nothing was computed; the code is shown all the same."""
    shown = {"code": code, "neurons": neurons, "edit": edit, "edits": EDITS, "most": CHARACTERS,
             "heat": plain_code(code) if code else None, "sentence": reason}  # fmt: skip
    return View(title="Paste code", template="live.html.j2", results={"error": reason}, shown=shown, status=422)


def neurons_of(text: str) -> Sequence[NeuronId]:
    """Neurons as people write them.

    Raises:
        ConfigError: None, or what is no neuron.
    """
    parts = [part for part in re.split(r"[\s,;]+", text) if part]
    matches = [_PAIR.fullmatch(part) for part in parts]
    if not parts or not all(matches):
        got = next((repr(part[:40]) for part, match in zip(parts, matches, strict=True) if not match), "none")
        expected = f"1 to {NEURONS} neurons as layer:index, for example 0:39"
        raise ConfigError("neurons", expected=expected, got=got, remedy="mend the form and send it again")
    return [NeuronId(int(m[1]), int(m[2])) for m in matches if m]


def _default(run: OpenRun) -> str:
    sets = run.found.summary.sets if run.found.summary else ()
    return ", ".join(map(str, list(sets[0].neurons)[:3])) if sets else "0:0"


def promoted_page(live: LiveModel, neuron: NeuronId) -> View:
    """The tokens that a neuron of a decoder promotes.

    Raises:
        ModelError: See `LiveModel.promoted`.
    """
    rows = [(token, f"{value:+.3f}") for token, value in live.promoted(neuron)]
    table = make_table(f"Tokens that {neuron} promotes", ("token", "weight of the head"), rows)
    text = (
        "The head's weights of this neuron. The last norm is left out, and an inner layer reaches the head through the"
        " blocks after it alone."
    )
    return View(title=table.title, template="tables.html.j2", tables={"promoted": table}, shown={"text": text})
