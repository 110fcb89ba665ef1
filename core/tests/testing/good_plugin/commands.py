"""A group of commands."""

import typer

app = typer.Typer(help="Count.")


@app.command()
def up(n: int = 3) -> None:
    """Count up to a number."""
    typer.echo(" ".join(map(str, range(n))))


@app.command()
def down(n: int = 3) -> None:
    """Count down to 0."""
    typer.echo(" ".join(map(str, range(n)[::-1])))
