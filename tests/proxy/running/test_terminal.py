"""Whether a terminal is behind a process: the sign by which a closed window is told from a wish for new workers."""

import os
import pty
import subprocess
import sys

WATCHES = """
import fcntl, signal, sys, termios
from proxy.running.terminal import tell, terminal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
before = terminal()
fcntl.ioctl(0, termios.TIOCSCTTY)
print(before, terminal(), flush=True)
signal.sigwait({signal.SIGHUP})
tell("nobody reads this")
print(terminal(), flush=True)
"""


def test_a_terminal_is_there_until_its_window_is_closed() -> None:
    window, inside = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", WATCHES],
        stdin=inside,
        stderr=inside,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        os.close(inside)
        assert process.stdout is not None
        with process.stdout as told:
            assert told.readline() == "False True\n"
            os.close(window)
            assert told.readline() == "False\n"
        assert process.wait() == 0
    finally:
        process.kill()
        process.wait()
