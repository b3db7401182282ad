"""Who is let in, what is taken, and what no address, form or header can do."""

import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosieve.errors import ResourceError
from tests.tiny import assert_one_line

pytest.importorskip("fastapi", reason="the extra serve is not installed")
from neurosieve.explorer import server
from neurosieve.explorer.guard import BODY, POLICY
from tests.explorer import client_of, explored_run
from tests.studies import contents

RUN = "/runs/run"


@pytest.fixture(scope="module")
def client() -> Any:
    return client_of(explored_run())


@pytest.mark.parametrize(
    "address", ["/", RUN, f"{RUN}/live", "/nothing", "/static/theme.css", f"{RUN}/neurons/0/0.json"]
)
def test_every_answer_has_the_policy(client: Any, address: str) -> None:
    headers = client.get(address).headers
    assert headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "", "127.0.0.1.evil.example", "[::1"])
def test_another_name_is_not_answered(client: Any, host: str) -> None:
    """A page elsewhere cannot make its own name lead here."""
    try:
        answer = client.get(RUN, headers={"host": host})
    except ValueError:  # no address that a browser could ask
        return
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "null"}, {"origin": ""}, {"sec-fetch-site": "cross-site"},
     {"sec-fetch-site": "same-site"}, {"origin": "http://testserver.evil.example"}],
)  # fmt: skip
@pytest.mark.parametrize("address", [f"{RUN}/live", f"{RUN}/clusters/1/4/0"])
def test_forms_of_other_sites_are_refused(client: Any, headers: dict[str, str], address: str) -> None:
    before = contents(explored_run())
    assert client.post(address, content="code=x", headers=headers).status_code == 403
    assert contents(explored_run()) == before


def test_a_long_body_or_address_is_refused(client: Any) -> None:
    assert client.post(f"{RUN}/live", content=b"x" * (BODY + 1)).status_code == 413
    assert client.post(f"{RUN}/live", content=iter([b"x" * 1000] * (BODY // 1000 + 2))).status_code == 413
    assert client.get(f"{RUN}/search?q={'x' * 3000}").status_code == 414
    assert client.post(f"{RUN}/live", content="&".join(f"a{i}=1" for i in range(50))).status_code == 400


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_change_nothing(client: Any, method: str) -> None:
    assert getattr(client, method)(f"{RUN}/neurons/0/0").status_code in (403, 405)


def test_elsewhere_a_token_is_asked_for() -> None:
    client = client_of(explored_run(), token="secret-token")
    assert client.get(RUN).status_code == 401
    assert client.get(f"{RUN}?token=wrong").status_code == 401
    assert client.get(RUN, headers={"cookie": "neurosieve=wrong"}).status_code == 401
    assert client.get("/static/theme.css").status_code == 401
    answer = client.get(f"{RUN}?token=secret-token")
    assert (answer.status_code, answer.headers["location"]) == (303, RUN)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert client.get(RUN).status_code == 200  # with the cookie
    assert client.get("//evil.example?token=secret-token").headers.get("location", "/").startswith("/")


@given(st.text(max_size=60), st.text(max_size=40))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_address_is_answered(client: Any, path: str, query: str) -> None:
    from urllib.parse import quote

    for base in (
        "/",
        f"{RUN}/",
        f"{RUN}/neurons/",
        f"{RUN}/properties/",
        f"{RUN}/neurons/0/0?label=",
        f"{RUN}/search?q=",
    ):
        answer = client.get(f"{base}{quote(path, errors='replace')}", params={"page": query, "table": query})
        assert answer.status_code in (200, 303, 307, 404, 405, 414)
        assert "Traceback" not in answer.text


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_body_is_answered(client: Any, body: bytes) -> None:
    for address in (f"{RUN}/live", f"{RUN}/clusters/1/4/0"):
        assert client.post(address, content=body).status_code in (400, 422)


def test_a_port_in_use_gives_the_next_free_one(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        served = server.serve([explored_run()], port=port)
        with served.sock:
            own = served.sock.getsockname()[1]
            assert port < own <= port + 50
            assert served.address == f"http://127.0.0.1:{own}/"
    assert f"port {port} is in use; {own} is the next free one" in capsys.readouterr().err


def test_elsewhere_the_address_has_a_token() -> None:
    served = server.serve([explored_run()], host="0.0.0.0", port=0)
    with served.sock:
        assert len(served.address.partition("?token=")[2]) >= 30


def test_an_address_that_the_machine_has_not() -> None:
    with pytest.raises(ResourceError) as caught:
        server.listening("203.0.113.7", 8765)
    assert_one_line(caught.value)


def test_names_of_folders_are_words(tmp_path: Path) -> None:
    taken: set[str] = set()
    names = [server._name(tmp_path / name, taken) for name in ("a b", "a b", "../x", "é", "<b>")]
    assert names == ["a-b", "a-b-2", "x", "run", "b"]


def test_headers_that_are_no_addresses_are_refused() -> None:
    client = client_of(explored_run())
    assert client.get(RUN, headers={"host": "[::1"}).status_code == 403
    assert client.post(f"{RUN}/live", headers={"origin": "http://[x"}).status_code == 403


def test_the_way_in_leads_to_the_page_that_was_asked_for() -> None:
    client = client_of(explored_run(), token="secret-token")
    asked = client.get(f"{RUN}/layers/0?token=secret-token&page=1")
    assert (asked.status_code, asked.headers["location"]) == (303, f"{RUN}/layers/0?page=1")
