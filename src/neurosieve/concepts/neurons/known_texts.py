"""Whether a claim owes its lead over a table of texts to texts that train does not have."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Num

from neurosieve.concepts.neurons.held_out import MIN_UNSEEN, HeldOut
from neurosieve.concepts.neurons.resampling import Resamples, difference
from neurosieve.concepts.neurons.rivals import Rivals


@dataclass(frozen=True)
class KnownTexts:
    """Test rows whose text the table of texts has, by the number of the row, and resamples of their files."""

    known: Bool[np.ndarray, " rows"]
    resamples: Resamples

    @staticmethod
    def of(rivals: Rivals, held: HeldOut) -> "KnownTexts":
        """Those of some test rows."""
        known = rivals.known[held.order]
        return KnownTexts(known, Resamples(held.groups[known], held.draws, held.seed))

    def owed(
        self,
        scores: Num[np.ndarray, " rows"],
        table: Num[np.ndarray, " rows"],
        positive: Bool[np.ndarray, " rows"],
    ) -> str:
        """That claimed scores beat the table only where a text is new, in words; empty if they do not."""
        known = self.known
        here, n, new = positive[known], int(positive[known].sum()), int(positive[~known].sum())
        if min(n, len(here) - n) < MIN_UNSEEN:
            return (
                f"train has the text of {n} of {n + new} rows with the value: too few to know how a table does on them"
            )
        own, other = (self.resamples.measure(s[known], here) for s in (scores, table))
        above = difference(own, other)
        if above is not None and above.interval[0] > 0:
            return ""
        where = f"above a table of texts only where train lacks the text ({new} of {n + new} rows with the value)"
        return f"{where}; elsewhere its AP is {own.ap:.2f}, the table's {other.ap:.2f}"
