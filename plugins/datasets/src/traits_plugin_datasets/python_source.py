"""The dataset `python-source`: excerpts of Python's standard library, each token labelled by `tokenize`."""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from traits_core import Example, PositionLabels, TraitLabels
from traits_plugin_datasets.config import PythonSourceConfig
from traits_plugin_datasets.excerpts import Spans
from traits_plugin_datasets.minilm_files import MiniLMTokenizer
from traits_plugin_datasets.python_excerpts import LabelledExcerpt, labelled_excerpts
from traits_plugin_datasets.python_syntax import TRAITS
from traits_plugin_datasets.python_tokens import CLASSES, OTHER
from traits_plugin_datasets.selection import SPLITS, content_digest, known_split, spread

MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    "train": (
        *("argparse", "ast", "bdb", "cmd", "contextlib", "csv", "difflib", "enum", "fractions"),
        *("ftplib", "functools", "gettext", "inspect", "mailbox", "pickle", "plistlib", "random"),
        *("selectors", "shutil", "statistics", "tarfile", "textwrap", "tokenize", "uuid"),
    ),
    "test": (
        *("calendar", "configparser", "dataclasses", "doctest", "heapq", "imaplib", "ipaddress"),
        *("optparse", "pdb", "platform", "pprint", "shlex", "smtplib", "socketserver"),
        *("subprocess", "tempfile", "threading", "trace", "traceback", "typing", "warnings"),
        *("wave", "weakref", "webbrowser"),
    ),
}
"""Modules of one file each, which every supported version of Python has."""
PER_MODULE: Final = 48


class PythonSource:
    """Excerpts of 48 modules, all of equally many tokens; no module is in both splits.

    Parameters
    ----------
    config: its options
    spans_of: where the tokens of a text are; as MiniLM cuts it, which needs the extra `text`
    library: directory of the modules; that of the Python which runs this
    """

    def __init__(
        self,
        config: PythonSourceConfig,
        spans_of: Callable[[str], Spans] | None = None,
        library: Path | None = None,
    ) -> None:
        self._limit = config.limit
        spans_of = spans_of or MiniLMTokenizer()
        library = library or Path(sysconfig.get_path("stdlib"))
        self._parts: Mapping[str, Sequence[LabelledExcerpt]] = {
            split: [
                part
                for module in modules
                for part in labelled_excerpts(
                    library / f"{module}.py", config.tokens, PER_MODULE, spans_of
                )
            ]
            for split, modules in MODULES.items()
        }

    @property
    def digest(self) -> str:
        """Made from all texts, tokens and labels, which differ between versions of Python."""
        return content_digest(*self._parts["train"], *self._parts["test"], self._limit)

    @property
    def splits(self) -> Sequence[str]:
        """`train` and `test`, about 1,150 examples each."""
        return SPLITS

    def examples(self, split: str) -> Sequence[Example]:
        """The excerpts of a split by module and line; an id names both."""
        return tuple(
            Example(id=part.id, text=part.text, spans=part.spans, caption=part.id)
            for part in self._chosen(split)
        )

    def traits(self, split: str) -> TraitLabels:
        """Which syntax begins in each excerpt, in the order of `examples(split)`."""
        parts = self._chosen(split)
        return TraitLabels(
            labels_nt=np.array([[trait in part.traits for trait in TRAITS] for part in parts]),
            names=TRAITS,
            groups=("syntax",) * len(TRAITS),
        )

    def position_labels(self, split: str) -> PositionLabels:
        """What each token is, in the order of `examples(split)`; `other` is ignored."""
        return PositionLabels(
            labels_np=np.array([part.classes for part in self._chosen(split)], np.int64),
            class_names=CLASSES,
            ignore=(OTHER,),
        )

    def _chosen(self, split: str) -> Sequence[LabelledExcerpt]:
        known_split("python-source", split)
        parts = self._parts[split]
        return [parts[index] for index in spread(len(parts), self._limit).tolist()]
