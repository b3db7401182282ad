"""The slow plain way to a unit's activations: one unpadded call a window, one character and one row at a time."""

import functools
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase

from neurosieve.activations import ActivationStore
from neurosieve.typing import SPLITS, Pooling, Site
from tests.tiny import BLOCKS, family, pool, quiet_transformers, tiny_dataset, tiny_model

Unit = tuple[str, int, int]
START = {"t5": 1, "bart": 2, "plbart": 2}  # T5 starts with the pad token, BART with the end token


@functools.cache
def plain_network(name: str) -> tuple[Any, PreTrainedTokenizerBase]:
    with quiet_transformers():
        folder = tiny_model(name)
        network = AutoModel.from_pretrained(folder).eval()
        return network, AutoTokenizer.from_pretrained(folder)


def plain_states(name: str, ids: list[int], site: Site = "hidden", types: list[int] | None = None) -> torch.Tensor:
    """transformers' own hidden states of one sequence, its feed-forward units or its heads' outputs.

    Shape [layers, tokens, width].
    """
    row, (network, _) = family(name), plain_network(name)
    units: list[torch.Tensor] = []
    path = row.heads if site == "attention" else row.units
    paths = [path.replace("*", str(block)) for block in range(BLOCKS if "*" in path else 1)]
    modules = [network.get_submodule(path) for path in paths]
    hooks = [m.register_forward_hook(lambda _, inputs, __: units.append(inputs[0].flatten(0, -2))) for m in modules]
    inputs = torch.tensor([ids])
    with torch.no_grad():
        if row.stack == "encoder":
            states = network.encoder(inputs, output_hidden_states=True).hidden_states
        elif row.stack:
            later = torch.tensor([[START[row.type], *ids]])
            states = network(inputs, decoder_input_ids=later, output_hidden_states=True).decoder_hidden_states
        else:
            typed = {} if types is None else {"token_type_ids": torch.tensor([types])}
            states = network(inputs, output_hidden_states=True, **typed).hidden_states
    for hook in hooks:
        hook.remove()
    read = torch.stack(units if site != "hidden" else [s[0] for s in states])
    return read[:, 1:] if row.stack == "decoder" else read


def overlaps(text: str, token: tuple[int, int], start: int, end: int) -> bool:
    """Do token and unit share a character, where white space before a token's visible part is not its own?"""
    characters = list(range(*token))
    while text[slice(*token)].strip() and characters and text[characters[0]].isspace():
        characters.pop(0)
    return any(start <= c < end for c in characters)


def plain_windows(tokens: int, capacity: int) -> list[range]:
    windows, start = [], 0
    while True:
        windows.append(range(start, min(start + capacity, tokens)))
        if start + capacity >= tokens:
            return windows
        start += capacity // 2


def plain_choice(tokens: list[int], windows: list[range]) -> range:
    """The window where the unit's nearer edge is farthest; where none holds all of it, the one that holds most."""
    best, best_key = windows[0], (-1, -1)
    for window in windows:
        held = sum(t in window for t in tokens)
        key = (held, min(tokens[0] - window[0], window[-1] - tokens[-1]))
        if key[0] > best_key[0] or (held == len(tokens) and key > best_key):
            best, best_key = window, key
    return best


@functools.cache
def plain_rows(name: str, pooling: Pooling = "mean", site: Site = "hidden") -> dict[Unit, torch.Tensor]:
    """Each unit of the tiny data set → [layers · width]; units without a subword are left out."""
    _, tokenizer = plain_network(name)
    rows = {}
    for example in tiny_dataset().examples:
        whole = tokenizer(example.text, return_offsets_mapping=True, return_special_tokens_mask=True, verbose=False)
        special = whole["special_tokens_mask"]
        content = [i for i, s in enumerate(special) if not s]
        before, behind = whole["input_ids"][: content[0]], whole["input_ids"][content[-1] + 1 :]
        capacity = family(name).max_tokens - len(before) - len(behind)
        windows = plain_windows(len(content), capacity)
        states: dict[range, torch.Tensor] = {}
        for start, end, _label in example.spans:
            tokens = [
                i for i, t in enumerate(content) if overlaps(example.text, whole["offset_mapping"][t], start, end)
            ]
            if not tokens:
                continue
            window = plain_choice(tokens, windows)
            if window not in states:
                ids = [whole["input_ids"][content[i]] for i in window]
                states[window] = plain_states(name, [*before, *ids, *behind], site)
            places = [t - window[0] + len(before) for t in tokens if t in window]
            rows[example.id, start, end] = pool([states[window][:, p] for p in places], pooling).flatten()
    return rows


def stored_rows(store: ActivationStore) -> dict[Unit, torch.Tensor]:
    """The same mapping, from a store."""
    rows = {}
    for split in SPLITS:
        values = store.read(split).values
        for value, row in zip(values, store.table(split).to_pylist(), strict=True):
            assert row["split"] == split
            rows[row["example"], row["start"], row["end"]] = value
    return rows


def assert_same_rows(came: dict[Unit, torch.Tensor], expected: dict[Unit, torch.Tensor], layers: int) -> None:
    """Equal units, and values equal within float32's rounding, relative to each layer's largest value."""
    assert came.keys() == expected.keys()
    keys = sorted(expected)
    ours = torch.stack([came[k] for k in keys]).reshape(len(keys), layers, -1)
    theirs = torch.stack([expected[k] for k in keys]).reshape(len(keys), layers, -1)
    scale = theirs.abs().amax((0, 2))
    assert (theirs.std(0).amax(1) > 1e-2 * scale).all(), "rows of the tiny model do not differ: the test shows nothing"
    assert ((ours - theirs).abs().amax((0, 2)) <= 1e-5 * scale).all()
