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
    "depth of mappings": "{a: " * 101 + "1" + "}" * 101,
    "depth of blocks": "".join(f"{' ' * i}a:\n" for i in range(102)),
    "depth behind aliases": "\n".join(f"a{i}: &a{i} [*a{i - 1}]" if i else "a0: &a0 [x]" for i in range(101)),
    "a day of no month": "2026-13-45",
    "broken": "a: [",
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_yaml(REFUSED[case])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", [name for name in REFUSED if name.startswith("depth")])
def test_depth_has_a_bound(case: str) -> None:
    with pytest.raises(ValueError, match=r"^values more than 100 deep in others$"):
        parse_yaml(REFUSED[case])


def test_what_the_bound_allows_is_read() -> None:
    value = parse_yaml("[" * 100 + "1" + "]" * 100)
    for _ in range(100):
        (value,) = value
    assert value == 1


def test_an_alias_is_fine() -> None:
    assert parse_yaml("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}
