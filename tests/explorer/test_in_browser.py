"""The explorer in a real browser, on a run of a shipped model: paths by mouse and keyboard, on two screens."""

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("uvicorn", reason="the extra serve is not installed")
from tests.chromium import NEEDS_CHROMIUM, insert_foreign
from tests.explorer.served import CLUSTERS, LAYER, on_loopback

pytestmark = NEEDS_CHROMIUM
WIDTHS = (390, pytest.param(1280, marks=pytest.mark.slow))
# What a screen reader or a mouse cannot tell: fields and links without a name, two elements of one id.
UNNAMED = """[...document.querySelectorAll('a, button, input, select, textarea, [role=region]')].filter((e) =>
    !(e.textContent.trim() || e.ariaLabel || (e.labels && e.labels.length))).map((e) => e.outerHTML)"""
TWICE = """[...document.querySelectorAll('[id]')].map((e) => e.id).filter((id, i, all) => all.indexOf(id) !== i)"""
# A box that scrolls has to be reached by the keyboard.
STUCK = """[...document.querySelectorAll('main *')].filter((e) =>
    ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)
    && e.scrollWidth > e.clientWidth && e.tabIndex < 0 && e.tagName !== 'TEXTAREA').map((e) => e.outerHTML)"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with on_loopback(tmp_path_factory.mktemp("served") / "run") as at:
        yield at


class Visit:
    """A window, and what it said and asked for."""

    def __init__(self, browser: Any, address: str, width: int) -> None:
        self.address, self.width = address, width
        self.said: list[str] = []
        self.page = browser.new_page(viewport={"width": width, "height": 900})
        self.page.set_default_timeout(60_000)  # milliseconds, of a machine that is busy with other tests
        self.page.on("console", lambda m: self.said.append(m.text))
        self.page.on("pageerror", lambda e: self.said.append(str(e)))
        self.page.on("request", lambda r: None if r.url.startswith((address, "data:")) else self.said.append(r.url))
        self.page.goto(address)

    def click(self, selector: str, then: str) -> None:
        """Follow a link to a page with this heading."""
        self.page.locator(selector).first.click()
        self.on(then)

    def on(self, heading: str) -> None:
        """The page has the heading, and nothing is wrong with it."""
        self.page.locator("h1", has_text=heading).wait_for()
        assert self.said == []
        assert self.page.evaluate("document.documentElement.scrollWidth") <= self.width
        for wrong in (UNNAMED, TWICE, STUCK):
            assert self.page.evaluate(wrong) == []


@pytest.fixture(params=WIDTHS)
def visit(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Visit]:
    opened = Visit(browser, address, request.param)
    yield opened
    opened.page.close()


def test_from_the_run_to_the_values_over_code(visit: Visit) -> None:
    """The run, a layer in the order of a ranking, a neuron, its values over the code of a token, a like neuron."""
    visit.on("neurosieve/decoder")
    visit.click("#layers a >> text=layer 2", "Layer 2")
    visit.click("main a >> text=lca", "Layer 2")
    visit.click("#table-neurons a", "Neuron 2:")
    visit.page.locator("text=its values over this code").first.click()
    heat = visit.page.locator("#code")
    heat.wait_for()
    assert heat.locator("mark, [class*=high-], [class*=low-]").count() > 0
    assert "/neurons/2/" in visit.page.url  # put in place: the page stays
    (label,) = visit.page.select_option("select[name=label]", index=0)
    visit.page.click("#values button")
    visit.page.locator(f"text=Bars: tokens with {label}").wait_for()
    visit.on("Neuron 2:")
    before = visit.page.url
    visit.click("#table-alike a", "Neuron ")
    assert visit.page.url != before
    visit.click("text=Tokens that it promotes", "promotes")


def test_the_pages_of_the_bar(visit: Visit) -> None:
    bar = {"Sets": "Sets of neurons", "Properties": "", "Clusters": "Latent concepts", "Modules": "Modules",
           "Paste code": "Paste code", "All runs": ""}  # fmt: skip
    for link, heading in bar.items():
        visit.page.locator(f"header a >> text={link}").click()
        visit.page.wait_for_load_state()
        visit.on(heading)


def test_two_people_name_a_cluster(visit: Visit) -> None:
    visit.page.goto(f"{visit.address}/runs/run/clusters")
    visit.click(f"main a >> text=layer {LAYER}, {CLUSTERS} clusters", f"Layer {LAYER}")
    visit.click(".links a >> text=0", "Cluster 0")
    for who, meaning in (("ann", "Yes"), ("bob", "No")):
        visit.page.fill("input[name=annotator]", who)
        visit.page.check(f"input[value={meaning}]")
        visit.page.fill("input[name=labels]", f"signs of {who}")
        visit.page.click("form.fields button")
        visit.page.locator("#table-answers td", has_text=f"signs of {who}").wait_for()
        visit.on("Cluster 0")
    visit.page.goto(f"{visit.address}/runs/run/clusters/{LAYER}/{CLUSTERS}")
    visit.on(f"Layer {LAYER}")
    assert "cohen" in visit.page.locator("#table-agreement").text_content()


def test_pasted_code_with_an_edit(visit: Visit) -> None:
    """Code that does not parse is read all the same; what is wrong is said beside the code."""
    visit.page.goto(f"{visit.address}/runs/run/live")
    visit.page.fill("textarea", "def f(x):\n  return ((x <b>")
    visit.page.fill("input[name=neurons]", "1:3, 0:5")
    visit.page.select_option("select[name=edit]", "raise")
    visit.page.click("form.fields button")
    visit.page.locator("#table-predictions").wait_for()
    assert "random sets of like neurons" in visit.page.locator("#result").text_content()
    assert "((x <b>" in visit.page.locator("#result pre").first.text_content()
    visit.on("Paste code")
    visit.page.fill("input[name=neurons]", "99:3")
    visit.page.click("form.fields button")
    visit.page.locator("#result", has_text="neuron 99:3").wait_for()
    assert "((x <b>" in visit.page.locator("#result").text_content()
    assert [text for text in visit.said if "422" not in text] == []  # a browser says the status of the answer


def test_by_keyboard_alone(visit: Visit) -> None:
    page = visit.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("Shift+Tab")  # back into the bar
    for _ in range(20):
        if page.evaluate("document.activeElement.name") == "q":
            break
        page.keyboard.press("Shift+Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.type("L4/123")
    page.locator("main a", has_text="neuron 4:123").wait_for()  # as it is typed
    assert "q=L4" in page.url
    page.keyboard.press("Enter")
    visit.on("Search: L4/123")
    page.locator("main a", has_text="neuron 4:123").focus()
    page.keyboard.press("Enter")
    visit.on("Neuron 4:123")
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.tagName"))
    assert {"A", "INPUT", "SELECT", "BUTTON", "DIV"} <= reached


def test_a_missing_neuron_is_one_line(visit: Visit) -> None:
    visit.page.goto(f"{visit.address}/runs/run/neurons/77/1")
    visit.page.locator("h1", has_text="no such page").wait_for()
    assert "neuron 77:1" in visit.page.locator("main").text_content()


def test_nothing_foreign_runs(visit: Visit) -> None:
    """Whatever text should get into a page as markup: the policy lets neither scripts nor requests act."""
    insert_foreign(visit.page)
    assert sum("Content Security Policy" in text for text in visit.said) >= 2
