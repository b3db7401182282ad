"""Edits in the running model: a context in which it computes with edited neurons, and which leaves it as it was."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from neurosieve.errors import ConfigError, ModelError, NeurosieveError, unknown_name
from neurosieve.interventions.edits import Action, Edit
from neurosieve.models import CodeModel, Place, acting, check_places, find_places
from neurosieve.models.lower_blocks import blocks_kept, blocks_once
from neurosieve.typing import Site

# Which tokens of the text are edited; a function gives it for the token ids of each forward pass.
Mask = Bool[Tensor, "batch tokens"]
Positions = Mask | Callable[[Int[Tensor, "batch tokens"]], Mask]

_SITES: tuple[Site, ...] = ("hidden", "mlp", "attention")
# Of each network the sites that were looked at, each with what is wrong there.
_CHECKED: WeakKeyDictionary[torch.nn.Module, dict[Site, NeurosieveError | None]] = WeakKeyDictionary()


@contextlib.contextmanager
def live(
    model: CodeModel, edits: Sequence[Edit], positions: Positions | None = None, *, site: str | None = None
) -> Iterator[None]:
    """Every forward pass of the model within the context computes with the edits, in their order.

    It changes what the model's `states` give and all that follows from the edited values, also where the network is
    part of a language model. Contexts may be nested; the outer one acts first. Hooks are removed when the
    context is left, also by an error. The first time a network is edited one short call proves that the edited places
    hold the values that its states say.

    Examples:
        >>> study = ns.load("runs/java")
        >>> model = study.model()
        >>> ids = model.tokenizer("x = 1", return_tensors="pt")["input_ids"]
        >>> with ns.live(model, ns.Ablate.mean(study.minimal_sets[0].neurons, study.rows("train"))):
        ...     edited = model.states(ids, ids * 0 + 1)

    Args:
        model: Or a `LanguageModel`.
        edits: Of layers of the site.
        positions: Which tokens of the text are edited, shape [batch, tokens] as it is padded, or a function that gives
            this for the token ids; all by default. The start token of an encoder–decoder's decoder is none of them.
        site: The model's own by default.

    Raises:
        ConfigError: No edit, no such layer, neuron or site, a wrong width; from the forward pass: a mask of another
            shape.
        SelfCheckError: The places do not hold the model's states.
        ModelError: The family's places are not found; no forward pass of the model came to the edited places.
    """
    where = _known(site or model.site)
    places = _proved_places(model, where)
    width = model.adapter.size(model.network, where, model.name)[1]
    passing = _Passing(model, positions)
    layers = _actions(model, edits, len(places), width)
    steps = [(places[layer], passing.edited(layer, actions)) for layer, actions in layers.items()]
    with acting(model, steps, passing.begin):
        yield
    if passing.reached < len(steps):
        raise ModelError(
            f"edited model {model.name}",
            expected=f"forward passes through the {len(steps)} edited layers",
            got=f"{passing.passes} passes, {passing.reached} layers",
            remedy="run the same model, or the language model it is part of, within the context",
        )


@contextlib.contextmanager
def shared_below(model: CodeModel, edits: Sequence[Edit]) -> Iterator[None]:
    """Within the context the blocks below the lowest edited layer are computed once for each input.

    Sets of edits that are tried one after the other on the same inputs begin at that layer; all values stay the same
    bit for bit, see `blocks_once`.

    Args:
        model: Not edited yet; at its own site.
        edits: What has the lowest layer of all that will be done within the context.
    """
    _proved_places(model, model.site)  # by a call in which all layers are changed
    with blocks_once(model, min((edit.layer for edit in edits), default=0)):
        yield


def _known(site: str) -> Site:
    for known in _SITES:
        if site == known:
            return known
    raise unknown_name("site", site, _SITES)


def _proved_places(model: CodeModel, site: Site) -> list[Place]:
    """The site's places; all sites are looked at when the network is first met, as later another edit may be open."""
    places = find_places(model, site)
    if model.network not in _CHECKED:
        errors: dict[Site, NeurosieveError | None] = {}
        for each in _SITES:
            try:
                check_places(model, each)
                errors[each] = None
            except NeurosieveError as e:
                errors[each] = e
        _CHECKED[model.network] = errors
    if error := _CHECKED[model.network][site]:
        raise error
    return places


def _actions(model: CodeModel, edits: Sequence[Edit], layers: int, width: int) -> dict[int, list[Action]]:
    """What is done at each edited layer, in order."""
    actions: dict[int, list[Action]] = {}
    for edit in edits:
        if not 0 <= edit.layer < layers:
            raise ConfigError(
                f"edit of layer {edit.layer} of {model.name}",
                expected=f"a layer from 0 to {layers - 1}",
                got=str(edit.layer),
                remedy="give (layer, index) of the same model and site",
            )
        if edit.layer < blocks_kept(model):
            raise ConfigError(
                f"edit of layer {edit.layer} of {model.name}",
                expected=f"layer {blocks_kept(model)} or above, as those below are computed once",
                got=str(edit.layer),
                remedy="compute fewer blocks once",
            )
        actions.setdefault(edit.layer, []).append(edit.action(width, model.device))
    if not actions:
        raise ConfigError(f"edits of {model.name}", expected="at least one", got="none", remedy="pass some edits")
    return actions


class _Passing:
    """What is known of the forward pass that is on its way, and which edited layers were reached so far."""

    def __init__(self, model: CodeModel, positions: Positions | None) -> None:
        self._skipped = int(model.adapter.start is not None)  # the start token, which is not of the text
        self._positions, self._device = positions, model.device
        self._where: Tensor | None = None
        self._reached: set[int] = set()
        self.passes = 0

    @property
    def reached(self) -> int:
        """How many of the edited layers some pass came to."""
        return len(self._reached)

    def begin(self, ids: Tensor | None) -> None:
        """Note which of the pass's positions are edited, as numbers in the flattened batch."""
        self.passes += 1
        self._where = None
        if self._positions is None and not self._skipped:
            return
        if ids is None:
            raise ConfigError("forward pass", expected="token ids", got="none", remedy="edit at all positions")
        text = ids[:, self._skipped :]
        mask = self._positions(text) if callable(self._positions) else self._positions
        mask = torch.ones_like(text, dtype=torch.bool) if mask is None else mask.to(self._device)
        if mask.shape != text.shape or mask.dtype != torch.bool:
            raise ConfigError(
                "positions to edit",
                expected=f"a bool mask of shape {list(text.shape)}, as the texts are padded",
                got=f"{mask.dtype} of shape {list(mask.shape)}",
                remedy="make it from the token ids",
            )
        whole = torch.zeros_like(ids, dtype=torch.bool)
        whole[:, self._skipped :] = mask
        self._where = whole.flatten().nonzero()[:, 0]

    def edited(self, layer: int, actions: Sequence[Action]) -> Callable[[Tensor], Tensor]:
        """What gives a layer's values with its actions done at the pass's positions."""

        def act(values: Tensor) -> Tensor:
            self._reached.add(layer)
            rows = values.reshape(-1, values.shape[-1])
            chosen = rows if self._where is None else rows[self._where]
            for action in actions:
                chosen = action(chosen)
            changed = chosen if self._where is None else rows.index_copy(0, self._where, chosen)
            return changed.reshape(values.shape)

        return act
