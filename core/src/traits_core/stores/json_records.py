"""Strict JSON for the records of a store: nothing coerced, nothing ignored, one canonical spelling."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
import cattrs
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError

from traits_core.errors import StoreError
from traits_core.stores.header import FORMAT_VERSION, StoreHeader

HEADER_FILE: Final = "store.json"
LARGEST_RECORD: Final = 1 << 26
"""Bytes of a record at most: a longer file or line is none, and is not read."""

T = TypeVar("T")


def _strict_converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=False)

    def exactly(kind: type) -> None:
        def structure(value: Any, _: type) -> Any:
            if type(value) is not kind:
                raise TypeError(f"{value!r} is no {kind.__name__}")
            return value

        converter.register_structure_hook(kind, structure)

    for kind in (bool, int, float, str):
        exactly(kind)
    return converter


_CONVERTER: Final = _strict_converter()


def parse(text: bytes) -> Any:
    """Parse JSON; raises ValueError for anything else, NaN and infinity included."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(text.decode("utf-8"), parse_constant=refuse)


def structure(value: Any, kind: type[T]) -> T:
    """Build the attrs record `kind` from plain JSON values.

    Raises ValueError when a field is missing, unknown or of another type.
    """
    try:
        return _CONVERTER.structure(value, kind)
    except KeyError as error:
        raise ValueError(f"field {error} is missing") from error
    except (TypeError, AttributeError, BaseValidationError, ForbiddenExtraKeysError) as error:
        raise ValueError(str(error)) from error


def canonical(record: attrs.AttrsInstance) -> bytes:
    """The one spelling of a record as JSON: sorted keys, no spaces, ASCII."""
    value = attrs.asdict(record)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def header_digest(header: StoreHeader) -> str:
    """sha256 of the canonical header, in hex."""
    return hashlib.sha256(canonical(header)).hexdigest()


def load_header(root: Path) -> StoreHeader:
    """Read and validate `store.json`.

    Raises StoreError when there is none, when it is damaged, or of an unknown format version.
    """
    try:
        value = parse(_text(root / HEADER_FILE))
        version = value.get("version") if isinstance(value, dict) else None
        if version == FORMAT_VERSION:
            return structure(value, StoreHeader)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreError(f"{root}: no store is here: {HEADER_FILE} is missing") from error
    except (ValueError, RecursionError, OSError, StoreError) as error:
        raise StoreError(f"{root / HEADER_FILE}: {error}") from error
    raise StoreError(
        f"{root / HEADER_FILE}: store format {version!r}; "
        f"this version of traits reads format {FORMAT_VERSION}"
    )


def _text(path: Path) -> bytes:
    with path.open("rb") as file:
        text = file.read(LARGEST_RECORD + 1)
    if len(text) > LARGEST_RECORD:
        raise ValueError(f"it is longer than {LARGEST_RECORD:,} bytes")
    return text
