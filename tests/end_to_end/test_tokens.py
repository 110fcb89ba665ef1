"""Runs on tokens of text: probes of their classes, and a report that shades them."""

import re

import pytest
import torch

from traits_core import BackboneSpec, DataError, DatasetSpec, FeatureSpec
from traits_core.config.run_config import resolve_run
from traits_core.progress import Silent
from traits_core.stages.compose import run_all
from traits_core.stages.context import Context
from traits_core.stages.probe import read_result
from traits_plugin_datasets.config import MiniLMConfig, PythonSourceConfig
from traits_plugin_datasets.python_source import PythonSource
from traits_plugin_datasets.python_tokens import CLASSES


def words(text):
    return tuple(match.span() for match in re.finditer(r"\w+|[^\w\s]", text))


class Words(PythonSource):
    """Python source, cut into words and punctuation."""

    def __init__(self, config):
        super().__init__(config, words)


class Letters:
    """A word is its first two letters: what they are, and whether they are capital, digits or others."""

    layers = ("letters",)
    default_layer = "letters"

    def __init__(self, config, *, device):
        self.tokens = config.tokens

    def feature_spec(self, layer):
        return FeatureSpec(
            backbone="letters",
            checkpoint="none",
            layer=layer,
            d_model=8,
            position="token",
            grid=None,
            preprocessing="words",
        )

    def positions_per_example(self, layer):
        return self.tokens

    def __call__(self, examples, layers):
        rows = []
        for example in examples:
            found = words(example.text)
            if found != example.spans:
                raise DataError("other words")
            rows.append([self.word(example.text[start:end]) for start, end in found])
        return {"letters": torch.tensor(rows, dtype=torch.float32)}

    def word(self, text):
        return [
            value
            for letter in (text + " ")[:2]
            for value in (ord(letter) / 64, letter.isupper(), letter.isdigit(), letter.isalpha())
        ]


@pytest.fixture(scope="module")
def registry(registry_with):
    specs = (
        DatasetSpec(
            name="words",
            summary="Python source in words",
            config=PythonSourceConfig,
            factory=f"{__name__}:Words",
            backbone="letters",
        ),
        BackboneSpec(
            name="letters",
            summary="the first letters of words",
            config=MiniLMConfig,
            factory=f"{__name__}:Letters",
        ),
    )
    return registry_with("words", __name__, *specs)


@pytest.fixture(scope="module")
def run(registry, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    context = Context(home=home, registry=registry, device=torch.device("cpu"), progress=Silent())

    def make(probe, pooling="none"):
        raw = {
            "method": {"name": "kmeans", "n_clusters": 24},
            "dataset": {"name": "words", "limit": 96},
            "probe": {"name": probe},
            "run": {"pooling": pooling},
        }
        return run_all(resolve_run(raw, registry), context)

    return make


@pytest.mark.slow
@pytest.mark.parametrize("probe", ["purity", "retrieval", "logistic", "k-sparse"])
def test_classes_of_tokens_are_probed(run, probe):
    result = read_result(run(probe))
    found = {row["row"]: row["map"] for row in result.headline}
    assert found["constant"] == pytest.approx(1 / 6, abs=0.001)
    assert found["method"] > 1.5 * found["constant"]
    shown = {row["trait"] for rows in result.tables.values() for row in rows if "trait" in row}
    assert shown == {*CLASSES} - {"other"}


@pytest.mark.slow
def test_the_report_shades_tokens_and_ticks_those_of_the_class(run):
    html = run("retrieval").report.read_text(encoding="utf-8")
    _, panel = re.split(r"<h4>number</h4>", html, maxsplit=1)
    texts = re.findall(
        r'<li class="(hit|miss)">(.*?)</li>', panel.partition("</article>")[0], re.DOTALL
    )
    assert len(texts) == 8
    for kind, text in texts:
        (hottest,) = re.findall(r'<mark [^>]*class="hot">(.*?)</mark>', text)
        assert hottest[0].isdigit() or kind == "miss"
    assert "hit" in {kind for kind, _ in texts}


@pytest.mark.slow
def test_pooled_scores_are_probed_for_syntax(run):
    finished = run("retrieval", pooling="max")
    assert len({row["trait"] for row in read_result(finished).tables["traits"]}) == 18
    assert "<mark" in finished.report.read_text(encoding="utf-8")
