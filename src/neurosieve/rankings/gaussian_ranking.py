"""Gaussian probe (Torroba Hennigen et al. 2020, arXiv 2010.02812): neurons by how well they decode the label together.

Each class has a Gaussian on the chosen neurons; Bayes' rule makes them a decoder. The neuron that raises the mean log-
likelihood of the train labels most is chosen next. A Gaussian's covariance is that of its class with one row's worth of
the overall variances added, so that it can be inverted (the paper's prior counts the same way). Its Cholesky factor
grows by one row a neuron, and a candidate needs its own new row only.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from neurosieve.probes.features import SelectionData
from neurosieve.probes.probe import Oracle
from neurosieve.rankings.base import Ranking, blocks, ranked

GREEDY = 100
ROWS_EACH = 5  # rows of the smallest class for each neuron of a covariance
ROWS = 2000
PRIOR = 1.0  # rows
TIE = 1e-5  # nats; smaller differences of likelihoods are rounding errors
_FLOOR = 1e-6
_BLOCK = 2**18


def gaussian(data: SelectionData, oracle: Oracle, seed: int) -> Ranking:  # noqa: ARG001
    """Order neurons by greedy forward selection, the rest by how well each decodes alone.

    The greedy part ends after 100 neurons, or a fifth of the rows of the smallest class, or where no further neuron
    raises the likelihood. A pair's neuron enters with both features. Means and covariances are those of all train
    rows; likelihoods are taken on at most 2,000 of them, spread evenly over the classes' rows. The score is the mean
    log-likelihood (nats a row) once a neuron has entered, of the others alone.

    Cost: 2,000 rows × neurons × classes × chosen multiplications a step, and memory for classes × chosen × (features +
    2,000 rows).
    """
    counts = data.label.bincount(minlength=data.classes)
    limit = min(GREEDY, len(data.neurons), max(1, int(counts[counts > 0].min()) // ROWS_EACH))
    decoder = _Decoder(data, limit)
    score = alone = decoder.likelihoods()
    place, now = np.full(len(alone), limit), decoder.nothing
    result = alone.copy()
    for step in range(limit):
        best = _first_of_best(data, score)
        if score[best] <= now + TIE:
            break
        now = score[best]
        place[best], result[best] = step, now
        decoder.add(best)
        score = np.where(place < limit, -np.inf, decoder.likelihoods())
    return ranked("gaussian", data, [place, -(alone / TIE).round()], result)


def _first_of_best(data: SelectionData, score: Float[np.ndarray, " neurons"]) -> int:
    """The neuron of the highest score; ties by (layer, index)."""
    near = np.flatnonzero(score >= score.max() - TIE)
    ids = data.neurons[near]
    return int(near[np.lexsort([ids[:, 1], ids[:, 0]])[0]])


class _Decoder:
    """The classes' Gaussians on the neurons chosen so far.

    Given these, feature f of class c is `line[c, f]` times `base[c]` and a rest: the first entry of `line` is the mean,
    the others are f's row of the Cholesky factor, and `base` holds a one and the chosen features, made independent and
    of unit variance. `rest` is the covariance of what remains, between a neuron's own features.
    """

    def __init__(self, data: SelectionData, limit: int) -> None:
        counts = data.label.bincount(minlength=data.classes)
        present = counts.nonzero()[:, 0]
        rows = data.label.argsort(stable=True)
        if len(rows) > ROWS:
            rows = rows[torch.linspace(0, len(rows) - 1, ROWS, device=rows.device).long()]
        self.data = data
        self.x = data.x.index_select(1, rows)
        self.ends = torch.searchsorted(data.label[rows], torch.stack([present, present + 1])).T.tolist()
        self.count = counts[present].to(data.x)
        self.member = (data.label == present[:, None]).to(data.x) / self.count[:, None]
        share = (self.count / self.count.sum()).log()
        self.joint = share[:, None].repeat(1, len(rows))
        self.nothing = self._likelihood(self.joint[:, None])[0].item()
        chosen = 1 + limit * data.copies
        self.line = self.x.new_zeros(len(present), len(data.x), chosen)
        self.base = self.x.new_zeros(len(present), chosen, len(rows))
        self.line[:, :, 0], self.base[:, 0], self.known = self.member @ data.x.T, 1, 1
        self.rest = torch.cat([self._own(x) for x in blocks(data)], 1)
        self.rest -= self._outer(self.line[:, :, 0])
        total = data.x.var(1, correction=0).view(len(data.neurons), -1)
        self.rest = self._with_prior(self.rest, total.diag_embed())

    def _own(self, x: Float[Tensor, "some copies rows"]) -> Float[Tensor, "classes some copies copies"]:
        """Mean products of a neuron's own features."""
        return torch.stack([(x * m) @ x.transpose(1, 2) for m in self.member])

    def _outer(self, line: Float[Tensor, "classes features"]) -> Float[Tensor, "classes neurons copies copies"]:
        per_neuron = line.view(len(line), len(self.data.neurons), self.data.copies)
        return per_neuron[..., None] * per_neuron[..., None, :]

    def _with_prior(self, covariance: Tensor, prior: Tensor) -> Tensor:
        count = self.count.view(-1, *[1] * (covariance.ndim - 1))
        return (count * covariance + PRIOR * prior) / (count + PRIOR)

    def add(self, neuron: int) -> None:
        """Take a neuron in, feature by feature."""
        copies = self.data.copies
        for i, f in enumerate(range(neuron * copies, (neuron + 1) * copies)):
            products = (self.member * self.data.x[f]) @ self.data.x.T
            means = self.line[:, :, 0]
            covariance = self._with_prior(products - means * means[:, f, None], products.new_zeros(()))
            chosen = self.line[:, f, 1 : self.known, None]
            scale = self.rest[:, neuron, i, i].clamp_min(_FLOOR).sqrt()[:, None]
            line = (covariance - (self.line[:, :, 1 : self.known] @ chosen)[..., 0]) / scale
            explained = self.line[:, f, None, : self.known] @ self.base[:, : self.known]
            white = (self.x[f] - explained[:, 0]) / scale
            self.rest -= self._outer(line)
            self.joint -= white.square() / 2 + scale.log()
            self.line[:, :, self.known], self.base[:, self.known] = line, white
            self.known += 1

    def likelihoods(self) -> Float[np.ndarray, " neurons"]:
        """Mean log-likelihood of the labels with each neuron in turn added to the chosen ones."""
        size, copies = max(1, _BLOCK // self.x.shape[1]), self.data.copies
        parts = []
        for begin in range(0, len(self.data.neurons), size):
            x = self.x[begin * copies : (begin + size) * copies]
            scores = torch.stack([self._scores(c, begin, x) for c in range(len(self.count))])
            parts.append(self._likelihood(scores))
        return torch.cat(parts).double().cpu().numpy()

    def _scores(self, c: int, begin: int, x: Float[Tensor, "features rows"]) -> Float[Tensor, "some rows"]:
        """Log of share and density of a class, for some neurons in turn."""
        copies, first = self.data.copies, begin * self.data.copies
        line = self.line[c, first : first + len(x), : self.known]
        left = torch.addmm(x, line, self.base[c, : self.known], alpha=-1).view(-1, copies, x.shape[1])
        rest = self.rest[c, begin : begin + len(left)]
        factor = torch.linalg.cholesky(rest + _FLOOR * torch.eye(copies).to(rest))
        white = torch.linalg.solve_triangular(factor, left, upper=False)
        shift: Tensor = factor.diagonal(dim1=1, dim2=2).log().sum(1, keepdim=True)
        scores: Tensor = self.joint[c] - shift - white.square().sum(1) / 2
        return scores

    def _likelihood(self, scores: Float[Tensor, "classes some rows"]) -> Float[Tensor, " some"]:
        most = scores.amax(0)
        # Clamped, since numbers too small for float32 are slow and add nothing.
        total = ((scores - most).clamp_(min=-80).exp_().sum(0).log_() + most).sum(1)
        right = torch.stack([s[:, a:b].sum(1) for s, (a, b) in zip(scores, self.ends, strict=True)]).sum(0)
        mean: Tensor = (right - total) / scores.shape[2]
        return mean
