"""People's names for clusters, saved in the run: a file an annotator, whole or not at all; and how far they agree."""

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from neurosieve.concepts.latent.annotators import Kappa, annotator_agreement
from neurosieve.concepts.latent.sheets import (
    MEANINGFUL,
    Answer,
    ClusterToken,
    read_conceptnet,
    write_conceptnet,
)
from neurosieve.errors import ConfigError, DataError
from neurosieve.report.numbers import NONE, count, ratio
from neurosieve.report.tables import Table, make_table
from neurosieve.results.codec import to_json
from neurosieve.results.latent_clusters import LatentClusters
from neurosieve.storage.folder import Folder
from neurosieve.storage.records import write_object
from neurosieve.storage.sole_writer import sole_writer
from neurosieve.studies.concepts.copies import PARTS
from neurosieve.studies.concepts.peoples_answers import ANSWERS, SHEETS

DRAWS = 500  # of the agreement's interval
LABELS, LENGTH = 10, 200  # of an answer, and characters of each
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")  # also the file's name: no dot, no slash


@dataclass(frozen=True)
class CutSheet:
    """The clusters of one layer at one number of them, to be named.

    Attributes:
        run: The run folder.
        cut: Which clusters.
    """

    run: Path
    cut: LatentClusters
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _tokens: dict[int, list[ClusterToken]] = field(default_factory=dict)

    def tokens(self) -> Mapping[int, Sequence[ClusterToken]]:
        """Tokens by cluster, read when they are first asked for.

        Raises:
            DataError: The sheet is damaged.
            StoreError: It is missing.
        """
        with self._lock:
            if not self._tokens and (name := self.cut.files.get("conceptnet")):
                self._tokens.update(read_conceptnet(f"{self.run}/{PARTS}/{SHEETS}/{name}")[0])
        return self._tokens

    @property
    def _folder(self) -> Folder:
        alignment = self.cut.alignment
        return Folder(f"{self.run}/{PARTS}/{SHEETS}/{ANSWERS}/layer-{alignment.layer}-clusters-{alignment.k}")

    def answers(self) -> dict[str, dict[int, Answer]]:
        """What each annotator said.

        Raises:
            DataError: A damaged file.
        """
        folder = self._folder
        names = [name.removesuffix(".json") for name in folder.names() if name.endswith(".json")]
        return {name: read_conceptnet(f"{folder.url}/{name}.json")[1] for name in names if _NAME.fullmatch(name)}

    def save(self, annotator: str, cluster: int, answer: Answer) -> None:
        """Add an answer to the annotator's file, or replace the one that is there.

        Raises:
            ConfigError: A name that is no simple word; no such cluster; an answer that is too long, or not known.
            ResourceError: The run folder cannot be written.
            RunFolderError: Another server is just saving an answer.
        """
        _check(annotator, answer)
        tokens = self.tokens()
        if cluster not in tokens:
            remedy = "follow the links of the clusters' page"
            raise ConfigError(f"cluster {cluster}", expected="one of the sheet", got=str(cluster), remedy=remedy)
        with self._lock, sole_writer(self._folder.url):  # other servers may show the same run
            said = self.answers().get(annotator, {}) | {cluster: answer}
            own = {c: list(tokens[c]) for c in sorted(said) if c in tokens}
            write_conceptnet(f"{self._folder.url}/{annotator}.json", own, {c: said[c] for c in own})
            self._save_agreement()

    def _save_agreement(self) -> None:
        """Beside the folder of answers, whose files are people's."""
        kappas = agreement(self.answers())
        beside, _, name = self._folder.url.rpartition("/")
        write_object(Folder(beside), f"{name}-agreement.json", {"agreement": [to_json(k) for k in kappas]})


def _check(annotator: str, answer: Answer) -> None:
    long = len(answer.labels) > LABELS or any(len(label) > LENGTH for label in answer.labels)
    for subject, expected, got, wrong in (
        ("annotator", "a name of letters, digits, - and _", annotator, not _NAME.fullmatch(annotator)),
        ("meaningful", f"one of {', '.join(MEANINGFUL)}", str(answer.meaningful), answer.meaningful not in MEANINGFUL),
        ("labels", f"{LABELS} at most, of {LENGTH} characters each", "more", long),
    ):
        if wrong:
            raise ConfigError(subject, expected=expected, got=repr(got[:60]), remedy="mend the form and send it again")


def answer_of(meaningful: str, labels: str) -> Answer:
    """An answer as a form gives it; labels are separated by commas."""
    return Answer(meaningful, tuple(word for part in labels.split(",") if (word := " ".join(part.split()))))


def agreement(answers: Mapping[str, Mapping[int, Answer]]) -> tuple[Kappa, ...]:
    """Kappa of all annotators; none where there are fewer than two, or no cluster that both have named."""
    try:
        return annotator_agreement(answers, draws=DRAWS)
    except DataError:
        return ()


def agreement_table(answers: Mapping[str, Mapping[int, Answer]]) -> Table:
    """The same, a row an answer."""
    rows = [
        (
            k.field,
            k.method,
            count(k.annotators),
            count(k.n),
            NONE if k.observed is None else f"{k.observed:.2f}",
            NONE if k.value is None else ratio(k.value, k.interval),
            k.reason or "",
        )
        for k in agreement(answers)
    ]
    heads = ("answer", "kappa by", "annotators", "clusters", "agreement", "kappa", "note")
    return make_table("Agreement of annotators", heads, rows)
