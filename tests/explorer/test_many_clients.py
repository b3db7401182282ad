"""Fifty clients at once on the loopback get what one gets."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("uvicorn", reason="the extra serve is not installed")
import httpx

from tests.explorer.served import CLUSTERS, LAYER, on_loopback

CLIENTS = 50
PAGES = ("", "/layers/1", "/neurons/1/3", "/neurons/4/200.json", "/search?q=a", f"/clusters/{LAYER}/{CLUSTERS}/0",
         "/sets", "/neurons/0/1/tokens/2")  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with on_loopback(tmp_path_factory.mktemp("many") / "run") as at:
        yield f"{at}/runs/run"


def ask(address: str, first: int, pages: int) -> list[tuple[str, int, str]]:
    with httpx.Client(timeout=120, trust_env=False) as client:
        some = [PAGES[(first + i) % len(PAGES)] for i in range(pages)]
        answers = [(page, client.get(f"{address}{page}")) for page in some]
        return [(page, answer.status_code, answer.text) for page, answer in answers]


def test_fifty_at_once(address: str) -> None:
    alone = {page: text for page, _, text in ask(address, 0, len(PAGES))}
    with ThreadPoolExecutor(CLIENTS) as pool:
        found = list(pool.map(lambda i: ask(address, i, 4), range(CLIENTS)))
    assert {status for some in found for _, status, _ in some} == {200}
    assert all(text == alone[page] for some in found for page, _, text in some)


@pytest.mark.slow
def test_fifty_paste_code_at_once(address: str) -> None:
    """One computes at a time; who waits too long is told so, and nobody gets another's answer."""
    origin = address.rpartition("/runs")[0]

    def paste(i: int) -> tuple[int, int, str]:
        fields = {"code": f"x_{i} = {i}", "neurons": f"1:{i}", "edit": ""}
        with httpx.Client(timeout=120, trust_env=False) as client:
            answer = client.post(f"{address}/live", data=fields, headers={"origin": origin})
        return i, answer.status_code, answer.text

    with ThreadPoolExecutor(CLIENTS) as pool:
        found = list(pool.map(paste, range(CLIENTS)))
    for i, status, text in found:
        assert status == 200 or (status == 422 and "a free moment" in text)
        assert f"x_{i} = {i}</textarea>" in text
    assert sum(status == 200 for _, status, _ in found) > 0
