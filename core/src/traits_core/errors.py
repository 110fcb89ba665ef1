"""Every error that a user can cause or mend: one base class, one line of text, one exit code."""


class TraitsError(Exception):
    """Say what is wrong, which value, what is allowed and what to do next.

    The command line prints the message without a traceback and exits with `exit_code`.
    """

    exit_code = 2


class ConfigError(TraitsError):
    """An option or a configuration file asks for something that does not exist or is ill-typed."""


class PluginError(TraitsError):
    """A plugin is missing, broken, or breaks its contract."""


class DataError(TraitsError):
    """A dataset, or the activations made from it, cannot be used as asked."""


class StoreError(TraitsError):
    """A store on disk is incomplete, damaged, or not what the caller takes it for."""


class DiskFullError(StoreError):
    """There is no room for a store: what is committed stays, and the same command goes on later."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h


class StageError(TraitsError):
    """A stage cannot start: an input is missing, or has changed since the stage began."""


class BusyError(TraitsError):
    """Another process holds the store or the run."""
