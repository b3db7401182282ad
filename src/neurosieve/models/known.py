"""Models that are known by name: the two that come with the package, and those of the published study."""

from pathlib import Path
from typing import NamedTuple

from neurosieve.errors import ModelError

_OWNER = "neurosieve/"
_FOLDER = Path(__file__).parent / "shipped"


class KnownModel(NamedTuple):
    """A model: its name, what `--model` takes, its kind and what to know before using it."""

    name: str
    hub: str
    kind: str
    note: str


KNOWN = (
    KnownModel("encoder", "neurosieve/encoder", "encoder", "in this package: ModernBERT 4 × 256, Python, Java and C"),
    KnownModel("decoder", "neurosieve/decoder", "decoder", "in this package: Llama 4 × 256, Python, Java and C"),
    KnownModel("BERT", "bert-base-uncased", "encoder", "lower-cases the code; not trained on code"),
    KnownModel("CodeBERT", "microsoft/codebert-base", "encoder", "weights may be pickled: then --allow-pickle"),
    KnownModel(
        "GraphCodeBERT",
        "microsoft/graphcodebert-base",
        "encoder",
        "read without the data-flow input of its training; weights may be pickled: then --allow-pickle",
    ),
    KnownModel(
        "UniXcoder",
        "microsoft/unixcoder-base",
        "encoder",
        "trained with a mode prefix such as <encoder-only>, which is not added; weights may be pickled",
    ),
    KnownModel("RoBERTa", "roberta-base", "encoder", "not trained on code"),
    KnownModel(
        "CodeGPT-java",
        "microsoft/CodeGPT-small-java",
        "decoder",
        "its pad token may be outside the embeddings; padding is masked, so any id will do; weights may be pickled",
    ),
    KnownModel(
        "CodeGPT-py",
        "microsoft/CodeGPT-small-py",
        "decoder",
        "its pad token may be outside the embeddings; padding is masked, so any id will do; weights may be pickled",
    ),
    KnownModel(
        "JavaBERT",
        "CAUKiel/JavaBERT",
        "encoder",
        "trained on code with its case kept; take care that its tokenizer does not lower-case",
    ),
)


def located(name: str) -> str:
    """The place of a model: the folder of one that comes with the package; any other name is its own place.

    Raises:
        ModelError: The package has no model of that name.
    """
    if not name.startswith(_OWNER) or Path(name).is_dir():
        return name
    folder = _FOLDER / name.removeprefix(_OWNER)
    shipped = [m.hub for m in KNOWN if m.hub.startswith(_OWNER)]
    if name not in shipped or not folder.is_dir():
        raise ModelError(
            f"model {name}",
            expected=f"a model of this package ({', '.join(shipped)})",
            got="no such model",
            remedy="install the package again" if name in shipped else "check --model",
        )
    return str(folder)
