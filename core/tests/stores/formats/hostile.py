"""What the tests of malicious input have in common."""

import os


class Bomb:
    """Executes code when it is unpickled: a directory `executed` is there afterwards."""

    def __reduce__(self):
        return os.mkdir, ("executed",)
