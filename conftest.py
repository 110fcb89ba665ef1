"""Whatever starts the tests: they see signals as a command in a terminal does."""

import signal

# A shell lets what it starts in the background ignore Ctrl-C, and their children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
