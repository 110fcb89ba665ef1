"""A plugin whose dependency is not installed."""

import no_such_package  # noqa: F401  # that is the point
