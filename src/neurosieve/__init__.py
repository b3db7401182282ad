"""Find the few neurons of a code language model that carry a task, and show how far that can be believed.

    model = load_model("DIR_OR_NAME")
    dataset = read_tagging("DIR")
    store = extract(model, dataset, sample_rows(dataset), "activations")
    data = selection_data(store.read("train"), store.read("validation"))
    oracle = fit_oracle(data)
    ranking = lca(data, oracle, seed=0)

or all of it with every control: `run_study(make_config(options={"model": …, "data": …}), "RUN")`.
"""

import warnings as _warnings
from typing import Any as _Any

from lazy_loader import attach_stub as _attach_stub

from neurosieve import interrupts as _interrupts  # noqa: F401  # first, as it watches over all other imports
from neurosieve import renamed as _renamed

__version__ = "0.1.0"

_renamed.install()

_named, __dir__, __all__ = _attach_stub(__name__, __file__)


def __getattr__(name: str) -> _Any:
    """Names are loaded when they are asked for; those of earlier releases with a warning."""
    if name == "Summary":
        text = "neurosieve.Summary is neurosieve.RedundancyResult now; the old name goes with the next release"
        _warnings.warn(text, DeprecationWarning, stacklevel=2)
        name = "RedundancyResult"
    return _named(name)
