"""Run a command in its own process group, and end the whole group on request.

    python -I -S command_guard.py CONTROL REPORT LOCK GRACE COMMAND...

The first three are open file descriptors. The group is ended when CONTROL is closed, either because
the job asks for it or because the job was killed, which closes it too. A killed job cannot end
anything itself, so this process outlives it. REPORT receives lines of JSON: the number of the
group, and how the command ended. LOCK is held until no process of the command runs any more.

This file runs alone and imports nothing of the package, because it is started for every trial.
"""

import json
import os
import resource
import select
import signal
import sys
import time

PAUSE = 0.02
"""Seconds between two checks of a group that was told to end."""

LEFT_BEHIND = 2.0
"""Seconds that processes left behind by the command get to end."""

IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Terminals and schedulers send these signals to the job, which decides what to do."""


def main(arguments: list[str]) -> None:
    """Run the command in the arguments until it ends or is ended."""
    control, report, lock = map(int, arguments[:3])
    grace, command = float(arguments[3]), arguments[4:]
    for file in (control, report, lock):
        os.set_inheritable(file, False)
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    reset = [*IGNORED, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ]
    try:
        leader = os.posix_spawnp(command[0], command, os.environ, setpgroup=0, setsigdef=reset)
    except OSError as error:
        send_report(report, {"error": error.strerror or str(error)})
        return
    send_report(report, {"group": leader})  # for whoever has to end it if this process is killed
    ended = wait(leader, control, woken) or end_leader(leader, grace)
    end_rest(leader, min(grace, LEFT_BEHIND))
    _, status, used = ended
    outcome: dict[str, object] = {
        "status": os.waitstatus_to_exitcode(status),
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_memory": used.ru_maxrss,
    }
    send_report(report, outcome)


def wait(leader: int, control: int, woken: int) -> "tuple[int, int, resource.struct_rusage] | None":
    """Return how the command ended; None if a request to end it comes first."""
    while True:
        ended = os.wait4(leader, os.WNOHANG)
        if ended[0]:
            return ended
        ready, _, _ = select.select([control, woken], [], [])
        if control in ready:
            return None
        os.read(woken, 512)


def end_leader(leader: int, grace: float) -> "tuple[int, int, resource.struct_rusage]":
    """Tell the group to end, kill it after `grace` seconds; return how the command ended."""
    send(leader, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline:
        ended = os.wait4(leader, os.WNOHANG)
        if ended[0]:
            return ended
        time.sleep(PAUSE)
    send(leader, signal.SIGKILL)
    return os.wait4(leader, 0)


def end_rest(group: int, grace: float) -> None:
    """End what is left of a group whose first process has ended."""
    deadline = time.monotonic() + grace
    there = send(group, signal.SIGTERM)
    while there and time.monotonic() < deadline:
        time.sleep(PAUSE)
        there = send(group, 0)
    if there:
        send(group, signal.SIGKILL)


def send(group: int, number: int) -> bool:
    """Send a signal to a group; return whether it has any process."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # some systems report this for processes that have ended
        return False
    return True


def send_report(report: int, content: "dict[str, object]") -> None:
    """Write how the command ended, if anyone still reads it."""
    try:
        os.write(report, json.dumps(content).encode() + b"\n")
    except BrokenPipeError:
        return


if __name__ == "__main__":
    main(sys.argv[1:])
