"""Words as subword tokenizers spell them: `Ġreturn`, `play##ing`, `▁x`, lower case, bytes as letters, `[UNK]`."""

import re
import unicodedata
from collections.abc import Sequence

_MARKS = re.compile("##|@@|</w>|[\u0120\u2581]")  # how tokenizers mark that a word begins or continues
_UNKNOWN = re.compile(r"\[UNK\]|<unk>|<0x[0-9A-F]{2}>")
_PRINTED = [*range(33, 127), *range(161, 173), *range(174, 256)]  # bytes that GPT-2's alphabet leaves as they are
_HIDDEN = [b for b in range(256) if b not in _PRINTED]
_BYTES = {chr(b): b for b in _PRINTED} | {chr(256 + i): b for i, b in enumerate(_HIDDEN)}


def same_words(words: Sequence[str], tokens: Sequence[str]) -> bool:
    """Are these words, as a tokenizer may spell them, the tokens? A word that it dropped or does not know passes."""
    return len(words) == len(tokens) and all(w == t or _same(w, t) for w, t in zip(words, tokens, strict=True))


def _same(word: str, token: str) -> bool:
    if not word or _UNKNOWN.search(word):
        return True
    try:
        spelt = bytes(_BYTES[c] for c in word).decode().strip()
    except (KeyError, UnicodeDecodeError):
        spelt = word
    return _plain(token) in (_plain(word), _plain(spelt))


def _plain(text: str) -> str:
    """Without marks, case, accents and control characters."""
    letters = unicodedata.normalize("NFKD", _MARKS.sub("", text)).casefold()
    return "".join(c for c in letters if unicodedata.category(c) not in ("Mn", "Cc", "Cf"))
