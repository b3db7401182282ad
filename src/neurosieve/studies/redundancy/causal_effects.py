"""How far rankings agree with what single neurons do in the running model: its own loss with and without each."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Int

from neurosieve.activations.windows import Window, batches, pad
from neurosieve.interventions import Ablate, live
from neurosieve.interventions.live_model import shared_below
from neurosieve.models import LanguageModel
from neurosieve.probes.features import Scaler
from neurosieve.progress import track
from neurosieve.rankings import GradientModel, Ranking
from neurosieve.rankings.order_likeness import order_likeness
from neurosieve.results.redundancy_rankings import CausalAgreement, CausalRow
from neurosieve.studies.config import StudyConfig
from neurosieve.studies.inputs import StudyData, options_of
from neurosieve.studies.redundancy.selection import Selection

NEURONS = 100
TOKENS = 1000


def causal_agreement(
    load: Callable[[StudyConfig], LanguageModel], config: StudyConfig, data: StudyData, selection: Selection
) -> CausalAgreement:
    """Hold live neurons, drawn by seed, at their train mean one at a time, and compare the orders with what that does.

    The effect is the absolute change of the model's mean loss on about `TOKENS` tokens of validation texts. Draws are
    spread over layers as live neurons are.

    Cost: `NEURONS` passes over those tokens, each from the block of its neuron on.
    """
    model = GradientModel.of(load(config))
    windows = _windows(model, config, data)
    chosen = np.sort(np.random.default_rng(config.seed).permutation(len(selection.scaler.neurons))[:NEURONS])
    effects, tokens = single_effects(model, windows, selection.scaler, chosen, config.batch_tokens)
    rows = []
    for ranking in selection.rankings:
        like = order_likeness(ranking, effects, config.seed)
        rows.append(
            CausalRow(
                ranking=ranking.name,
                value=like.value,
                interval=like.interval,
                chance=like.chance,
                chance_interval=like.chance_interval,
            )
        )
    return CausalAgreement(neurons=len(chosen), tokens=tokens, rankings=tuple(rows))


def single_effects(
    model: GradientModel, windows: Sequence[Window], scaler: Scaler, chosen: Int[np.ndarray, " some"], budget: int
) -> tuple[Ranking, int]:
    """Some neurons in the order of what holding each at its mean does to the mean loss; and the number of tokens.

    Args:
        model: The running model.
        windows: Of its texts.
        scaler: Means on train; a neuron has one feature.
        chosen: Numbers of live neurons, in rising order.
        budget: Padded tokens in one forward pass.
    """
    padded = [pad(batch, model.pad_id, model.padding_side)[:2] for batch in batches(windows, budget)]

    def loss() -> tuple[float, int]:
        parts = [model.loss(ids, mask) for ids, mask in padded]
        return sum(a for a, _ in parts), sum(b for _, b in parts)

    before, tokens = loss()
    change = np.empty(len(chosen))
    for i, number in enumerate(track(chosen, "single neurons")):
        layer, index = (int(v) for v in scaler.neurons[number])
        edit = Ablate(layer, (index,), scaler.mean[number].reshape(1, 1))
        with shared_below(model, [edit]), live(model, [edit]):
            change[i] = abs(loss()[0] - before) / tokens
    ids = scaler.neurons[chosen]
    order = np.lexsort([ids[:, 1], ids[:, 0], -change])
    return Ranking("effect", order, ids[order], change[order]), tokens


def _windows(model: LanguageModel, config: StudyConfig, data: StudyData) -> list[Window]:
    """Validation texts drawn by seed, sorted by length."""
    windows = options_of(config, model.adapter.kind).plan(model, data.dataset, data.sample.rows).windows["validation"]
    chosen, read = [], 0
    for i in np.random.default_rng(config.seed).permutation(len(windows)).tolist():
        if read >= TOKENS:
            break
        chosen.append(i)
        read += len(windows[i].ids)
    return [windows[i] for i in sorted(chosen)]
