"""The commands of the plugin `toy`; nobody may import them to list them."""

import numpy as np
import typer

from traits_core import DataError

app = typer.Typer(help="Play with toys.", no_args_is_help=True)


@app.command()
def play(times: int) -> None:
    """Play a number of times."""
    if times > 3:
        raise DataError(f"{times} times is too often: 3 at most")
    print("played", int(np.int64(times)))


@app.command()
def stop() -> None:
    """Put the toys away."""
