"""A run's report, filled with numbers that are consistent and pictures that cost nothing to make."""

import shutil

import attrs
import numpy as np
import pytest

from traits_core.reporting.content import Exemplar, ReportContent, TraitPanel
from traits_core.reporting.page import render

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
ROWS = {"constant": 0.0, "permuted": 0.01, "gaussian": 0.3, "activations": 0.75, "method": 0.7}
N_TRAITS = 40


def make_exemplar(seed, **changes):
    rng = np.random.default_rng(seed)
    image = np.kron(rng.integers(0, 256, (8, 8, 3), np.uint8), np.ones((16, 16, 1), np.uint8))
    heat_hw = rng.normal(size=(8, 8)).astype(np.float32)
    defaults = {
        "image": image,
        "heat_hw": heat_hw,
        "caption": f"picture {seed}",
        "positive": seed % 3 != 0,
        "score": float(heat_hw.max()),
    }
    return Exemplar(**(defaults | changes))


def make_panel(seed=0, kind="best", **changes):
    defaults = {
        "trait": f"trait {seed}",
        "group": "colour",
        "prototype": 40 + seed,
        "ap": 0.5,
        "lift": 0.45,
        "prevalence": 0.1,
        "n_positive": 12,
        "exemplars": tuple(make_exemplar(8 * seed + i) for i in range(8)),
    }
    return TraitPanel(kind=kind, **(defaults | changes))


def make_traits():
    rng = np.random.default_rng(0)
    prevalence = rng.uniform(0.005, 0.4, N_TRAITS)
    skill = rng.beta(1, 2, N_TRAITS) - 0.02
    return tuple(
        {
            "row": row,
            "trait": f"trait {t}",
            "group": ("colour", "shape", "size")[t % 3],
            "prototype": None if row == "constant" else int(rng.integers(256)),
            "ap_train": float(prevalence[t]),
            "ap": float(prevalence[t] + (1 - prevalence[t]) * skill[t] * strength),
            "prevalence": float(prevalence[t]),
            "lift": float(skill[t] * strength),
            "n_positive": int(prevalence[t] * 900),
            "n_positive_train": int(prevalence[t] * 1100),
        }
        for row, strength in ROWS.items()
        for t in range(N_TRAITS)
    )


def make_headline(traits):
    means = {row: np.mean([entry["ap"] for entry in traits if entry["row"] == row]) for row in ROWS}
    return tuple(
        {
            "row": row,
            "map": float(value),
            "map_ci95_low": float(value * 0.97),
            "map_ci95_high": float(value * 1.03),
            "n_traits": N_TRAITS,
        }
        for row, value in means.items()
    )


@pytest.fixture
def exemplar():
    """A function `(seed, **changes)` that makes an Exemplar."""
    return make_exemplar


@pytest.fixture
def panel():
    """A function `(seed, kind, **changes)` that makes a TraitPanel of eight exemplars."""
    return make_panel


@pytest.fixture
def content():
    traits = make_traits()
    return ReportContent(
        title="k-means on squares",
        method="k-means",
        dataset="squares",
        backbone="tiny",
        layer="block.3",
        run_name="kmeans-squares-0a1b",
        created="1 May 2026, 09:30 UTC",
        facts={"Examples": "1,100 train, 900 test", "Seed": "0"},
        headline=make_headline(traits),
        traits=traits,
        other_tables={"utilisation": ({"prototype": 3, "share": 0.125, "dead": False},)},
        panels=(make_panel(0), make_panel(1, kind="worst")),
        config={"method": {"n_clusters": 256}},
        command="traits run --method kmeans --dataset squares",
    )


@pytest.fixture
def change(content):
    """A function that makes `content` with other values of some fields."""
    return lambda **changes: attrs.evolve(content, **changes)


@pytest.fixture(scope="session")
def chromium():
    api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
    if CHROMIUM is None:
        pytest.skip("neither chromium nor google-chrome is installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
                *("--disable-component-update", "--disable-sync"),
            ],
        )
        yield browser
        browser.close()


@attrs.define
class Visit:
    """An open page, what it wrote to the console, and what it asked the network for."""

    page: object
    complaints: list
    requests: list


@pytest.fixture
def visit(chromium, tmp_path):
    """Opens a report, or a page; at the end of the test, nothing may have been fetched or complained about."""
    contexts, visits = [], []

    def open_report(content, **options):
        path = tmp_path / "index.html"
        path.write_text(content if isinstance(content, str) else render(content), "utf-8")
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        opened = Visit(page, [], [])
        visits.append(opened)
        page.on("console", lambda message: opened.complaints.append(message.text))
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        page.on("request", lambda request: opened.requests.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_report
    for opened in visits:
        fetched = [url for url in opened.requests if not url.startswith("data:")]
        assert fetched == [(tmp_path / "index.html").as_uri()]
        assert opened.complaints == []
    for context in contexts:
        context.close()
