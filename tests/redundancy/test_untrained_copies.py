"""Untrained copies in bfloat16: only where it is quick and their probe scores as in float32."""

import numpy as np
import pytest
import torch

from neurosieve.activations.extraction import ExtractionOptions
from neurosieve.redundancy import untrained_copies as untrained_module
from neurosieve.redundancy.untrained_copies import Untrained, quick_in_bfloat16, read_untrained
from neurosieve.results.codec import from_json, to_json
from neurosieve.typing import CopyPrecision, Precision
from tests.tiny import tiny_dataset, tiny_loaded, tiny_sample

MODELS = ("bert", "gpt2")


def copied(name: str, precision: CopyPrecision) -> Untrained:
    parts = tiny_loaded(name), tiny_dataset(), tiny_sample(), ExtractionOptions()
    return read_untrained(*parts, seed=3, path=12, precision=precision)


def assert_same(a: Untrained, b: Untrained) -> None:
    assert (a.precision, a.lam, a.validation) == (b.precision, b.lam, b.validation)
    np.testing.assert_array_equal(a.predicted, b.predicted)
    np.testing.assert_array_equal(a.layers, b.layers)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("quick", "agrees", "expected"),
    [(True, 1.0, "bfloat16"), (True, -1.0, None), (False, 1.0, None)],
    ids=["agrees", "differs", "slow"],
)
def test_auto_is_one_of_both(
    name: str, quick: bool, agrees: float, expected: Precision | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(untrained_module, "quick_in_bfloat16", lambda _: quick)
    monkeypatch.setattr(untrained_module, "AGREES", agrees)
    found = copied(name, "auto")
    assert_same(found, copied(name, expected or "model"))
    assert found.precision == expected
    assert_same(from_json(Untrained, to_json(found), "here"), found)


def test_only_float32_is_made_quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_loaded("bert")
    for able in (True, False):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: {"avx512_bf16": able})
        assert quick_in_bfloat16(model) == able
