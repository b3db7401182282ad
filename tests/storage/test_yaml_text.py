"""YAML is plain values: no objects, no blow-up, no endless depth."""

import pytest

from neurosieve.storage.yaml_text import parse_yaml

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
)
REFUSED = {
    "object": "!!python/object/apply:os.system ['true']",
    "aliases": LAUGHS,
    "holds itself": "&a [*a, *a]",
    "depth": "[" * 100_000,
    "a day of no month": "2026-13-45",
    "broken": "a: [",
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_yaml(REFUSED[case])
    assert "\n" not in str(caught.value)


def test_an_alias_is_fine() -> None:
    assert parse_yaml("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}
