"""An entry point that imports numpy, and with it slows down every command."""

import numpy as np  # noqa: F401
