"""The first blocks of a network computed once for each input, where many edits of later layers read the same inputs."""

import contextlib
from collections.abc import Callable, Iterator
from itertools import count as numbers
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from neurosieve.errors import ModelError
from neurosieve.models.adapters import block_modules
from neurosieve.models.code_model import CodeModel

_MOST_BYTES = 2**30  # of outputs that are kept; inputs beyond them are computed each time
# Of each stack that is in such a context, how many blocks are computed once.
_KEPT: WeakKeyDictionary[torch.nn.Module, int] = WeakKeyDictionary()


def blocks_kept(model: CodeModel) -> int:
    """Number of blocks that are computed once at the moment; what they compute must not be edited."""
    return _KEPT.get(model.stack, 0)


@contextlib.contextmanager
def blocks_once(model: CodeModel, count: int, *, most_bytes: int = _MOST_BYTES) -> Iterator[None]:
    """Within the context the first blocks of a network are computed once for each input, then their outputs are reused.

    Inputs differ by their token ids, masks and types. All that the network gives is the same bit for bit, which
    a short call proves first; where a family does not allow it, as its blocks share weights or hand on more than they
    put out, every call is computed whole. What is edited must come after those blocks: the output of the last of them
    may be edited, as edits act on what leaves a block.

    Args:
        model: Or a `LanguageModel`; not yet edited.
        count: How many blocks: the lowest layer that is edited, at either site.
        most_bytes: Of outputs that are kept.
    """
    try:
        blocks = block_modules(model.stack, model.adapter, model.adapter.blocks(model.network.config), model.name)
    except ModelError:
        blocks = []
    first = blocks[: count if len(set(blocks)) == len(blocks) and not blocks_kept(model) else 0]
    if not first or not _is_same(model, first):
        yield
        return
    with _kept(model, first, most_bytes):
        _KEPT[model.stack] = len(first)
        try:
            yield
        finally:
            del _KEPT[model.stack]


def _is_same(model: CodeModel, blocks: list[torch.nn.Module]) -> bool:
    """Whether a call with kept outputs gives what the first one gave."""
    special = set(model.tokenizer.all_special_ids)
    ids = torch.tensor([list(islice((i for i in numbers() if i not in special), 3))])
    with _kept(model, blocks, _MOST_BYTES):
        plain, again = (model.plain_states(ids) for _ in range(2))
    return all(torch.equal(a, b) for a, b in zip(plain, again, strict=True))


@contextlib.contextmanager
def _kept(model: CodeModel, blocks: list[torch.nn.Module], most_bytes: int) -> Iterator[None]:
    kept = _Outputs(most_bytes)
    before = [block.__dict__.get("forward") for block in blocks]
    hook = model.stack.register_forward_pre_hook(kept.begin, with_kwargs=True)
    try:
        for number, block in enumerate(blocks):
            block.forward = kept.once(number, block.forward)  # hooks stay outside of it
        yield
    finally:
        hook.remove()
        for block, forward in zip(blocks, before, strict=True):
            del block.forward
            if forward is not None:
                block.forward = forward


class _Outputs:
    """What blocks put out, by input."""

    def __init__(self, most_bytes: int) -> None:
        self._room = most_bytes
        self._outputs: dict[tuple[bytes, int], Any] = {}
        self._input = b""

    def begin(self, _: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Note the input of the forward pass that begins."""
        given = [(str(name), value) for name, value in (*enumerate(args), *kwargs.items())]
        distinct = [(n, v) for n, v in given if isinstance(v, Tensor) and not v.is_floating_point()]
        parts = [f"{n} {tuple(v.shape)} ".encode() + v.cpu().numpy().tobytes() for n, v in distinct]
        self._input = b"".join(parts)

    def once(self, number: int, forward: Callable[..., Any]) -> Callable[..., Any]:
        """A block's forward pass that is computed once for each input."""

        def kept_or_computed(*args: Any, **kwargs: Any) -> Any:
            key = (self._input, number)
            if key in self._outputs:
                return _copied(self._outputs[key])
            output = forward(*args, **kwargs)
            size = _values(output).nbytes
            if size <= self._room:
                self._room -= size
                self._outputs[key] = _copied(output)
            return output

        return kept_or_computed


def _values(output: Any) -> Tensor:
    values: Tensor = output[0] if isinstance(output, tuple | list) else output
    return values


def _copied(output: Any) -> Any:
    """With values of its own, since a network may add to a block's output in place."""
    values = _values(output).clone()
    return type(output)([values, *output[1:]]) if isinstance(output, tuple | list) else values
