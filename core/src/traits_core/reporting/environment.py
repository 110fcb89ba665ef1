"""The templates of pages: everything is escaped, styles and script are inlined, nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from traits_core.reporting.numbers import column_title, show


def render_template(name: str, **values: Any) -> str:
    """Fill a template in; it gets `style`, `script` and the script's hash besides `values`.

    A Content-Security-Policy in the page forbids whatever is not inlined, so that a browser fetches
    nothing and runs no script but the page's own.
    """
    script = _resource("sort.js")
    return (
        _environment()
        .get_template(name)
        .render(
            style=_resource("style.css"),
            script=script,
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
            **values,
        )
    )


def _resource(name: str) -> Markup:
    text = (files("traits_core.reporting") / "templates" / name).read_text("utf-8")
    return Markup(text)  # noqa: S704  # ours, not user's


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("traits_core.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(show=show, column_title=column_title)
    return environment
