"""The part of a model's vocabulary that a study's train texts have."""

import numpy as np
from jaxtyping import Int

from neurosieve.activations.align import encode
from neurosieve.compact.vocabulary import Vocabulary
from neurosieve.models import CodeModel
from neurosieve.results.export import KeptVocabulary
from neurosieve.studies.inputs import StudyData


def seen_vocabulary(data: StudyData, model: CodeModel) -> Vocabulary:
    """Tokens of all train texts, whether rows were drawn from them or not, and special tokens."""
    tokenizer, seen = model.tokenizer, set[int]()
    for example in data.dataset.examples:
        if example.split == "train":
            for encoding in encode(tokenizer, [*example.parts, "\n"]):
                seen.update(encoding.ids.tolist(), encoding.prefix, encoding.suffix)
    unknown = tokenizer.unk_token_id
    known = unknown if isinstance(unknown, int) else None
    return Vocabulary.of(seen, tokenizer.all_special_ids, known, model.pad_id, model.rows)


def kept_vocabulary(vocabulary: Vocabulary, test: Int[np.ndarray, " tokens"]) -> KeptVocabulary:
    """What is kept, and what that leaves out of the test tokens."""
    return KeptVocabulary(
        kept=len(vocabulary.kept),
        of=vocabulary.size,
        unseen=vocabulary.unseen(test),
        tokens=len(test),
        mean=vocabulary.mean_row,
    )
