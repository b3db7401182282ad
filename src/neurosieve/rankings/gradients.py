"""|value| · |gradient| of a language model's own loss at each neuron and token, read like activations.

A decoder's loss is that of the next token, summed over a text. An encoder's is that of masked tokens: every seventh
token is masked, in `ROUNDS` passes that begin at other tokens. Texts do not depend on each other, so the values of a
text are the same in any batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from neurosieve.defaults import MASKED_PARTS
from neurosieve.errors import ModelError
from neurosieve.models import LanguageModel, acting, check_places, find_places
from neurosieve.models.places import Act

ROUNDS = 3


@dataclass(frozen=True)
class GradientModel(LanguageModel):
    """A language model whose `states` are |value| · |∂ loss / ∂ value|, in nats, at each neuron of its site."""

    @staticmethod
    def of(model: LanguageModel) -> "GradientModel":
        """The same network, read for its gradients.

        Raises:
            ModelError: An encoder without a mask token; places of neurons that are not found.
            SelfCheckError: The places do not hold the model's states.
        """
        if model.adapter.kind == "encoder" and not isinstance(model.tokenizer.mask_token_id, int):
            raise cannot_give(model.name, "a mask token, since an encoder predicts what is masked", "none")
        check_places(model, model.site)
        return GradientModel(**{f.name: getattr(model, f.name) for f in fields(LanguageModel)})

    def states(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        mask: Int[Tensor, "batch tokens"],
        types: Int[Tensor, "batch tokens"] | None = None,
    ) -> tuple[Float[Tensor, "batch tokens width"], ...]:
        """|value| · |gradient| of each layer, the mean over the passes; see `CodeModel.states`."""
        passes = [self._pass(*asked, mask, types) for asked in self._questions(input_ids, mask)]
        return tuple(torch.stack(layer).mean(0) for layer in zip(*passes, strict=True))

    def _pass(
        self, ids: Tensor, target: Tensor, mask: Tensor, types: Tensor | None
    ) -> tuple[Float[Tensor, "batch tokens width"], ...]:
        values: dict[int, Tensor] = {}

        def note(layer: int) -> Act:
            def act(passing: Tensor) -> Tensor:
                values[layer] = passing if passing.requires_grad else passing.detach().requires_grad_()
                return values[layer].clone()  # a block may change in place what it gets

            return act

        places = [(place, note(layer)) for layer, place in enumerate(find_places(self, self.site))]
        with torch.enable_grad(), acting(self, places):
            loss = self._losses(ids, target, mask, types).sum()
            layers = [values[i] for i in range(len(places))]
            slopes = torch.autograd.grad(loss, layers)
        begin = int(self.adapter.start is not None)
        products = ((v.detach() * g).abs().float() for v, g in zip(layers, slopes, strict=True))
        return tuple(p.reshape(len(ids), -1, p.shape[-1])[:, begin:] for p in products)

    @torch.inference_mode()
    def loss(self, input_ids: Int[Tensor, "batch tokens"], mask: Int[Tensor, "batch tokens"]) -> tuple[float, int]:
        """Sum of the losses in nats, and of how many tokens: what the gradients are of."""
        losses = torch.cat([self._losses(*asked, mask, None) for asked in self._questions(input_ids, mask)])
        return float(losses.double().sum()), len(losses)

    def _losses(self, ids: Tensor, target: Tensor, mask: Tensor, types: Tensor | None) -> Float[Tensor, " asked"]:
        """The loss at each place that has a target."""
        logits = self.whole(**self.inputs(ids, mask, types)).logits[:, int(self.adapter.start is not None) :]
        where = (target >= 0).to(logits.device)
        asked = logits[where].to(torch.promote_types(logits.dtype, torch.float32))
        return cross_entropy(asked, target.to(logits.device)[where], reduction="none")

    def _questions(self, ids: Tensor, mask: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """What is read in each pass, and the true token at each place that is asked, elsewhere −1."""
        nothing = torch.full_like(ids, -1)
        real = mask.bool()
        if self.adapter.kind == "decoder":
            after, both = ids.roll(-1, 1), real & real.roll(-1, 1)
            both[:, -1] = False
            yield ids, torch.where(both, after, nothing)
            return
        special = torch.isin(ids, torch.tensor(self.tokenizer.all_special_ids))
        place = torch.arange(ids.shape[1])[None]
        for number in range(ROUNDS):
            hidden = real & ~special & ((place + number) % MASKED_PARTS == 0)
            yield ids.masked_fill(hidden, self.tokenizer.mask_token_id), torch.where(hidden, ids, nothing)


def cannot_give(model: str, expected: str, got: str) -> ModelError:
    """The error of a model that has no loss of its own."""
    remedy = "leave token_gradient out of --rankings, or choose a checkpoint with its language-model head"
    return ModelError(f"ranking token_gradient of {model}", expected=expected, got=got, remedy=remedy)
