"""Where each layer's neurons pass in the running network, and a way to act on them there during a call."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import Any, Literal
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from neurosieve.errors import SelfCheckError
from neurosieve.models.adapters import block_modules, final_norm, spread, unit_modules
from neurosieve.models.code_model import CodeModel
from neurosieve.typing import Site

Act = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Place:
    """Where a layer's values pass.

    Attributes:
        module: Of the running network.
        side: Whether they go into it or come out of it.
        call: At which of the module's calls in a forward pass; other than 0 only where blocks share a module.
    """

    module: torch.nn.Module
    side: Literal["input", "output"]
    call: int = 0


def find_places(model: CodeModel, site: Site) -> list[Place]:
    """The place of each layer of a site.

    What is changed there is seen by all that follows, and by the states that the model gives: at `hidden` the
    embeddings where they come to the first block, then what a block puts out, last the final norm's output where the
    network has one; at `mlp` what goes into each block's second feed-forward projection, at `attention` what
    goes into its output matrix.

    Raises:
        ModelError: The blocks, the feed-forward units or the heads are not found.
    """
    adapter, stack = model.adapter, model.stack
    network: Any = model.network
    blocks = adapter.blocks(network.config)
    if site != "hidden":
        return _in_order(spread(unit_modules(network, adapter, site, model.name), blocks), "input")
    modules = block_modules(stack, adapter, blocks, model.name)
    first = adapter.embeddings
    places = [Place(stack.get_submodule(first), "output") if first else Place(modules[0], "input")]
    places += _in_order(modules, "output")
    behind = adapter.behind_first and dict(stack.named_modules()).get(adapter.behind_first)
    if behind:
        places[1] = Place(behind, "output")
    if norm := final_norm(stack, modules[-1]):
        places[-1] = Place(norm, "output")
    return places


def _in_order(modules: list[torch.nn.Module], side: Literal["input", "output"]) -> list[Place]:
    """One place a block; a module that comes again is at its next call."""
    return [Place(module, side, sum(m is module for m in modules[:i])) for i, module in enumerate(modules)]


class _Tap:
    """What is done at some calls of a module; calls are counted from the beginning of each forward pass."""

    def __init__(self) -> None:
        self.acts: dict[int, Act] = {}
        self.calls = 0

    def __call__(self, values: Tensor) -> Tensor:
        act = self.acts.get(self.calls)
        self.calls += 1
        return values if act is None else act(values)


# transformers records hidden states by hooks of its own, which must see what is changed here. So ours run before all
# others; one hook a module then goes through the taps in the order in which they were opened.
_OUTPUTS: WeakKeyDictionary[torch.nn.Module, tuple[Any, list[_Tap]]] = WeakKeyDictionary()


def _tap_output(module: torch.nn.Module, tap: _Tap) -> Callable[[], None]:
    """Open a tap at a module's output; returns what closes it."""
    if module not in _OUTPUTS:
        taps: list[_Tap] = []

        def hook(_: torch.nn.Module, __: Any, output: Any) -> Any:
            several = isinstance(output, tuple | list)  # GPT-1's blocks give lists
            values = output[0] if several else output
            for opened in taps:
                values = opened(values)
            return type(output)([values, *output[1:]]) if several else values

        _OUTPUTS[module] = module.register_forward_hook(hook, prepend=True), taps
    handle, taps = _OUTPUTS[module]
    taps.append(tap)

    def close() -> None:
        taps.remove(tap)
        if not taps:
            handle.remove()
            del _OUTPUTS[module]

    return close


def _tap_input(module: torch.nn.Module, tap: _Tap) -> Callable[[], None]:
    """Open a tap at a module's input; returns what closes it."""

    def hook(_: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        if args:
            return (tap(args[0]), *args[1:]), kwargs
        return args, kwargs | {"hidden_states": tap(kwargs["hidden_states"])}

    close: Callable[[], None] = module.register_forward_pre_hook(hook, with_kwargs=True).remove
    return close


@contextlib.contextmanager
def acting(
    model: CodeModel, places: Sequence[tuple[Place, Act]], begin: Callable[[Tensor | None], None] | None = None
) -> Iterator[None]:
    """Let each act turn the values at its place into others, in every call of the model within the context.

    Contexts within each other act in the order in which they were opened. The network is left as it was found.

    Args:
        model: Its stack is watched, also where it is part of a larger network.
        places: Acts get values as they pass, [batch, tokens, width], or [batch · tokens, width] in some families, and
            give the same shape.
        begin: Called at the beginning of each forward pass of the stack with its token ids, None if it gets none.
    """
    taps: defaultdict[tuple[torch.nn.Module, str], _Tap] = defaultdict(_Tap)
    for place, act in places:
        taps[place.module, place.side].acts[place.call] = act

    def start(_: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for tap in taps.values():
            tap.calls = 0
        if begin is not None:
            begin(args[0] if args else kwargs.get("input_ids"))

    with contextlib.ExitStack() as closing:
        closing.callback(model.stack.register_forward_pre_hook(start, with_kwargs=True).remove)
        for (module, side), tap in taps.items():
            closing.callback((_tap_input if side == "input" else _tap_output)(module, tap))
        yield


def check_places(model: CodeModel, site: Site) -> None:
    """See that the model's states say what passes at a site's places, bit for bit, by a call of 3 tokens.

    All values are changed there, so that the states of a family that records them before would not show an edit.

    Raises:
        SelfCheckError: A layer's place is not passed, other values pass there, or changed ones do not show.
        ModelError: As `find_places`.
    """
    places = find_places(model, site)
    seen: dict[int, Tensor] = {}

    def note(layer: int) -> Act:
        return lambda values: seen.setdefault(layer, values + 1)

    with acting(model, [(place, note(layer)) for layer, place in enumerate(places)]):
        # Not special ones: transformers warns of padding without a mask.
        special = set(model.tokenizer.all_special_ids)
        ids = islice((i for i in count() if i not in special), 3)
        states = replace(model, site=site).plain_states(torch.tensor([list(ids)]))
    skipped = int(model.adapter.start is not None)
    for layer, state in enumerate(states):
        value = seen.get(layer)
        if value is None or not torch.equal(value.reshape(1, -1, value.shape[-1])[:, skipped:], state):
            raise SelfCheckError(
                f"place of layer {layer} of {model.name}",
                expected="the values that the model gives as its states",
                got="no call" if value is None else "others",
                remedy=f"the family {model.adapter.family!r} works otherwise: choose another site or model",
            )
