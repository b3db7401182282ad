"""The addresses of the explorer. No part of an address becomes a path: it is looked up among what was opened."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import parse_qs, quote, urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup, escape
from starlette.exceptions import HTTPException

from neurosieve.errors import ConfigError, NeurosieveError
from neurosieve.explorer import cluster_pages, live_pages, neuron_pages, run_pages
from neurosieve.explorer.annotation import CutSheet, answer_of
from neurosieve.explorer.compared_runs import comparison_page
from neurosieve.explorer.live_code import LiveModel
from neurosieve.explorer.open_run import OpenRun
from neurosieve.explorer.searching import search_page
from neurosieve.explorer.views import PACKAGE, View, message
from neurosieve.printing import visible
from neurosieve.report import render_page
from neurosieve.report.page_frame import page_policy
from neurosieve.report.tables import make_table
from neurosieve.report.theme import theme
from neurosieve.results.comparison import ComparisonResult
from neurosieve.typing import NeuronId

Form = Literal["html", "json", "csv"]
FORMS: Mapping[str, Form] = {"": "html", ".json": "json", ".csv": "csv"}
LIVE_SECONDS = 60.0
_STATIC = {"explorer.css": "text/css", "htmx.min.js": "text/javascript"}


class Explorer:
    """All that is served: runs and comparisons by name."""

    def __init__(self, runs: Sequence[OpenRun], comparisons: Mapping[str, ComparisonResult]) -> None:
        self.runs = {run.name: run for run in runs}
        self.comparisons = comparisons
        self.live = {name: LiveModel(run) for name, run in self.runs.items()}
        self.sheets = {
            (name, cut.alignment.layer, cut.alignment.k): CutSheet(run.folder, cut)
            for name, run in self.runs.items()
            for cut in run.cuts
        }

    def run(self, name: str) -> OpenRun:
        """An opened run.

        Raises:
            HTTPException: 404: no such run.
        """
        if name not in self.runs:
            raise HTTPException(404, f"no run is named {name!r} here")
        return self.runs[name]

    def comparison(self, name: str) -> ComparisonResult:
        """An opened comparison.

        Raises:
            HTTPException: 404: no such comparison.
        """
        if name not in self.comparisons:
            raise HTTPException(404, f"no comparison is named {name!r} here")
        return self.comparisons[name]

    def sheet(self, name: str, layer: int, k: int) -> CutSheet:
        """The clusters of a layer.

        Raises:
            HTTPException: 404: there are none.
        """
        if (name, layer, k) not in self.sheets:
            raise HTTPException(404, f"no {k} clusters of layer {layer} in {self.run(name).name}")
        return self.sheets[name, layer, k]

    def home(self) -> View:
        """All runs and comparisons."""
        rows = [(run.name, run.config.model, run.config.task, str(len(run.grid))) for run in self.runs.values()]
        table = make_table("Runs", ("run", "model", "task", "neurons"), rows)
        links = [(run.address, run.name) for run in self.runs.values()]
        return View(title="Runs", template="home.html.j2", tables={"runs": table},
                    shown={"links": links, "comparisons": list(self.comparisons)})  # fmt: skip


def respond(view: View, run: OpenRun | None, form: Form, request: Request) -> Response:
    """A view in one of its three forms."""
    if form == "json":
        return Response(view.json(), view.status, media_type="application/json")
    if form == "csv":
        text = view.csv(request.query_params.get("table"))
        return Response(text, view.status, media_type="text/csv; charset=utf-8")
    around = {"run": run, "cell": run.cell if run else _plain, "address": _Address(request)}
    return HTMLResponse(view.html(around | {"query": ""}), view.status)


class _Address:
    """Where a page is, in its other forms."""

    def __init__(self, request: Request) -> None:
        self.path = quote(request.scope["path"], safe="/=")
        self._query = [(k, v) for k, v in request.query_params.multi_items() if k != "table"]

    def json(self) -> str:
        """Of the page."""
        return self._at(".json", self._query)

    def csv(self, table: str) -> str:
        """Of one of its tables."""
        return self._at(".csv", [*self._query, ("table", table)])

    def _at(self, ending: str, query: Sequence[tuple[str, str]]) -> str:
        return f"{self.path}{ending}{'?' if query else ''}{urlencode(query)}"


def _plain(text: str) -> Markup:
    return escape(visible(text))


def make_app(explorer: Explorer) -> FastAPI:
    """The application, without its guard."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    _add_errors(app)
    _add_home(app, explorer)
    _add_reports(app, explorer)
    _add_pages(app, explorer)
    _add_clusters(app, explorer)
    _add_live(app, explorer)
    return app


Make = Callable[[Request], tuple[View, OpenRun | None]]


def _forms(app: FastAPI, path: str, make: Make) -> None:
    """A view at an address, and at the same with `.json` and `.csv`."""
    for ending in (".json", ".csv", ""):  # the last one would take the others' names
        app.add_api_route(f"{path}{ending}", _answer(make, FORMS[ending]), methods=["GET"])


def _answer(make: Make, form: Form) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        return respond(*make(request), form, request)

    return answer


def _page(app: FastAPI, explorer: Explorer, path: str, make: Callable[[OpenRun, Request], View]) -> None:
    """A view of a run.

    Args:
        app: Gets the addresses.
        explorer: Whose runs.
        path: Below the run's address.
        make: Of the run and the request.
    """

    def of_run(request: Request) -> tuple[View, OpenRun]:
        opened = explorer.run(request.path_params["run"])
        return make(opened, request), opened

    _forms(app, f"/runs/{{run}}{path}", of_run)


def _number(request: Request, key: str) -> int:
    """A number in the address, of few digits."""
    text = str(request.path_params[key])
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise HTTPException(404, f"no page here: {key} has to be a number")
    return int(text)


def _neuron(request: Request) -> NeuronId:
    return NeuronId(_number(request, "layer"), _number(request, "index"))


def _add_pages(app: FastAPI, explorer: Explorer) -> None:
    def layer(run: OpenRun, request: Request) -> View:
        page = request.query_params.get("page", "1")
        number = int(page) if page.isascii() and page.isdecimal() and len(page) <= 9 else 0
        return run_pages.layer_page(run, _number(request, "layer"), number, request.query_params.get("order", "index"))

    pages: dict[str, Callable[[OpenRun, Request], View]] = {
        "": lambda run, _: run_pages.study_page(run),
        "/layers/{layer}": layer,
        "/neurons/{layer}/{index}": lambda run, r: neuron_pages.neuron_page(
            run, _neuron(r), r.query_params.get("label") or None
        ),
        "/neurons/{layer}/{index}/tokens/{row}": lambda run, r: neuron_pages.token_page(
            run, _neuron(r), _number(r, "row")
        ),
        "/neurons/{layer}/{index}/promoted": lambda run, r: live_pages.promoted_page(
            explorer.live[run.name], _neuron(r)
        ),
        "/properties": lambda run, _: run_pages.properties_page(run),
        "/properties/{name:path}": lambda run, r: run_pages.property_page(run, r.path_params["name"]),
        "/sets": lambda run, _: run_pages.sets_page(run),
        "/sets/task/{number}": lambda run, r: run_pages.task_set_page(run, _number(r, "number")),
        "/sets/property/{name:path}": lambda run, r: run_pages.property_set_page(run, r.path_params["name"]),
        "/modules": lambda run, _: run_pages.modules_page(run),
        "/search": lambda run, r: search_page(run, r.query_params.get("q", "")),
        "/clusters": lambda run, _: cluster_pages.clusters_page(run),
    }
    for path, make in pages.items():
        _page(app, explorer, path, make)


def _add_home(app: FastAPI, explorer: Explorer) -> None:
    _forms(app, "/runs", lambda _: (explorer.home(), None))

    @app.get("/")
    def home(request: Request) -> Response:
        if len(explorer.runs) == 1 and not explorer.comparisons:
            return RedirectResponse(next(iter(explorer.runs.values())).address, 303)
        return respond(explorer.home(), None, "html", request)

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        if name == "theme.css":
            return Response(theme(), media_type="text/css", headers={"cache-control": "max-age=3600"})
        if name not in _STATIC:
            raise HTTPException(404, "no such file")
        text = files(PACKAGE).joinpath("static", name).read_bytes()
        return Response(text, media_type=_STATIC[name], headers={"cache-control": "max-age=3600"})


def _add_reports(app: FastAPI, explorer: Explorer) -> None:
    """Whole pages, under the policy that they have as files, and comparisons as views."""

    @app.get("/runs/{run}/report")
    def report(run: str) -> Response:
        found = explorer.run(run).found
        if found.summary is None and found.concepts is None and not found.interventions:
            raise HTTPException(404, "the run has no results yet")
        page = render_page(found.summary, explorer.run(run).name, *found[1:])
        return HTMLResponse(page, headers={"content-security-policy": page_policy()})

    @app.get("/comparisons/{name}/report")
    def comparison(name: str) -> Response:
        page = explorer.comparison(name).to_html()
        return HTMLResponse(page, headers={"content-security-policy": page_policy()})

    def compared(request: Request) -> tuple[View, None]:
        name = request.path_params["name"]
        return comparison_page(name, explorer.comparison(name)), None

    _forms(app, "/comparisons/{name}", compared)


def _add_clusters(app: FastAPI, explorer: Explorer) -> None:
    def sheet(run: OpenRun, request: Request) -> CutSheet:
        return explorer.sheet(run.name, _number(request, "layer"), _number(request, "k"))

    def one(run: OpenRun, request: Request) -> View:
        return cluster_pages.cluster_page(sheet(run, request), _number(request, "cluster"))

    _page(app, explorer, "/clusters/{layer}/{k}", lambda run, r: cluster_pages.cut_page(sheet(run, r)))
    _page(app, explorer, "/clusters/{layer}/{k}/{cluster}", one)

    @app.post("/runs/{run}/clusters/{layer}/{k}/{cluster}")
    async def annotate(request: Request, run: str) -> Response:
        given, opened = await _form(request), explorer.run(run)
        of, cluster = sheet(opened, request), _number(request, "cluster")
        answer = answer_of(given.get("meaningful", ""), given.get("labels", ""))
        try:
            await asyncio.to_thread(of.save, given.get("annotator", ""), cluster, answer)
        except ConfigError as e:
            return respond(cluster_pages.cluster_page(of, cluster, str(e), 422), opened, "html", request)
        return RedirectResponse(request.scope["path"], 303)


def _add_live(app: FastAPI, explorer: Explorer) -> None:
    def empty(run: OpenRun, request: Request) -> View:
        neurons, code = request.query_params.get("neurons", ""), request.query_params.get("code", "")
        return live_pages.live_page(explorer.live[run.name], code, neurons, "", run_it=False)

    _page(app, explorer, "/live", empty)

    @app.post("/runs/{run}/live")
    @app.post("/runs/{run}/live.json")
    @app.post("/runs/{run}/live.csv")
    async def live(request: Request, run: str) -> Response:
        opened, given = explorer.run(run), await _form(request)
        code, neurons, edit = (given.get(key, "") for key in ("code", "neurons", "edit"))
        code = code.replace("\r\n", "\n")  # as every form sends its lines
        make = lambda: live_pages.live_page(explorer.live[run], code, neurons, edit, run_it=True)  # noqa: E731
        try:
            view = await asyncio.wait_for(asyncio.to_thread(make), LIVE_SECONDS)
        except TimeoutError:
            reason = f"the model took more than {LIVE_SECONDS:g} seconds: give less code"
            view = live_pages.refused_page(code, neurons, edit, reason)
        except NeurosieveError as e:
            view = live_pages.refused_page(code, neurons, edit, str(e))
        ending = request.scope["path"].rpartition("/")[2].removeprefix("live")
        return respond(view, opened, FORMS[ending], request)


async def _form(request: Request) -> dict[str, str]:
    """A form's fields, each once."""
    text = (await request.body()).decode("utf-8", "replace")
    try:
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=20)
    except ValueError as e:
        raise HTTPException(400, "a form with fewer fields") from e
    return {key: values[0] for key, values in fields.items()}


def _add_errors(app: FastAPI) -> None:
    """Every error is a page, or an object, of one line."""

    def failed(request: Request, text: str, status: int) -> Response:
        ending = request.scope["path"].rpartition(".")[2]
        form: Form = "json" if ending == "json" else "html"
        return respond(message(_TITLES.get(status, "This cannot be shown"), text, status), None, form, request)

    @app.exception_handler(HTTPException)
    def not_found(request: Request, e: HTTPException) -> Response:
        return failed(request, e.detail, e.status_code)

    @app.exception_handler(RequestValidationError)
    def unfit(request: Request, _: RequestValidationError) -> Response:
        return failed(request, "the address does not fit", 404)

    @app.exception_handler(NeurosieveError)
    def refused(request: Request, e: NeurosieveError) -> Response:
        return failed(request, str(e), 404 if isinstance(e, ConfigError) else 409)


_TITLES: dict[Any, str] = {404: "There is no such page", 405: "This cannot be done here"}
