"""Gradient of the model's own loss: rank by |activation| · |gradient| in the running network (arXiv 2512.19980)."""

from neurosieve.errors import ConfigError
from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import Oracle
from neurosieve.rankings.base import Ranking, ranked


def token_gradient(data: SelectionData, oracle: Oracle, seed: int) -> Ranking:  # noqa: ARG001
    """Order neurons by the mean over train units of |value| · |∂ loss / ∂ value|, the loss being the model's.

    A decoder's is that of all next tokens, an encoder's that of masked tokens (see `gradients.GradientModel`). Labels
    play no part: the neurons are those that the model's predictions on this code depend on. The score is that mean, in
    nats.

    Raises:
        ConfigError: Nobody has read the gradients: `data.gradients` is None.
    """
    if data.gradients is None:
        raise ConfigError(
            "ranking token_gradient",
            expected="gradients of the model's own loss on the train rows",
            got="none",
            remedy="rank in a study of a language model, or read them with `GradientModel`",
        )
    score = data.gradients.double().mean(1).view(len(data.neurons), data.copies).sum(1).cpu().numpy()
    return ranked("token_gradient", data, [-score], score)
