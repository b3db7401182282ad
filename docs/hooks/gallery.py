"""The picture and the paragraph of a study in the gallery: `python docs/hooks/gallery.py NAME RUN MODEL`.

Writes `docs/images/gallery-NAME.png`, the first screen of the run's page, and prints the paragraph for a paper. MODEL
is the model's public name, in place of the folder that the run read it from.
"""

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

from neurosieve.report.cite import methods
from neurosieve.report.page import render_page
from neurosieve.studies.finished import load_summary, read_concepts_of
from neurosieve.studies.run_folder import SUMMARY

IMAGES = Path(__file__).resolve().parents[1] / "images"
SIZE: ViewportSize = {"width": 1280, "height": 1000}
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def page_and_paragraph(run: Path, model: str) -> tuple[str, str]:
    """A finished run's page, and its settings as text."""
    summary = load_summary(run) if (run / SUMMARY).is_file() else None
    concepts = read_concepts_of(run)
    summary = replace(summary, model=model) if summary else None
    concepts = replace(concepts, model=model) if concepts else None
    return render_page(summary, f"runs/{run.name}", concepts), methods(summary, concepts)


def picture(page: str, file: Path) -> None:
    """The first screen of a page as a PNG."""
    browser = next(place for name in _BROWSERS if (place := shutil.which(name)))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as tools:
        (Path(folder) / "page.html").write_text(page, encoding="utf-8")
        started = tools.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        view = started.new_page(viewport=SIZE)
        view.goto((Path(folder) / "page.html").as_uri())
        view.screenshot(path=str(file))
        started.close()


def main(name: str, run: str, model: str) -> None:
    """Both of one run."""
    page, paragraph = page_and_paragraph(Path(run), model)
    picture(page, IMAGES / f"gallery-{name}.png")
    print(paragraph)


if __name__ == "__main__":
    main(*sys.argv[1:])
