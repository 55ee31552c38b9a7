"""Snakemake, forked from a process that has it imported.

Importing it takes most of a short call, and the tests make some two hundred. What is forked is its
own command line, in a process of its own, with the arguments, the environment and the working
directory of the call.

    python imported.py SOCKET     serve calls at SOCKET, until the standard input ends
"""

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ONE_SERVER = threading.Lock()


def call(command, *, cwd, env):
    """Call Snakemake as `subprocess.run` would; return its status and what it printed."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as connection:
        printed = [f"{folder}/output", f"{folder}/error"]
        request = {"command": command, "cwd": str(cwd), "env": env, "printed": printed}
        with ONE_SERVER:
            connection.connect(server())
        connection.sendall(json.dumps(request).encode() + b"\n")
        status = os.waitstatus_to_exitcode(int(connection.makefile().readline()))
        texts = [Path(path).read_text() for path in printed]
    return subprocess.CompletedProcess(command, status, *texts)


@functools.cache
def server():
    """Start the server of this process, which ends with it; return its socket."""
    folder = tempfile.TemporaryDirectory(prefix="snakemake-")  # sockets have short paths
    path = Path(folder.name) / "socket"
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.Popen(
        [sys.executable, "-P", __file__, path], stdin=subprocess.PIPE, env=kept, cwd=folder.name
    )

    def stop():
        process.stdin.close()
        process.wait()
        folder.cleanup()

    atexit.register(stop)
    while not path.exists():
        if process.poll() is not None:
            raise RuntimeError(f"the server of Snakemake ended with status {process.returncode}")
        time.sleep(0.02)
    return str(path)


def serve(path):
    """Fork a process for each call; it has no thread, so it may."""
    import snakemake.cli  # noqa: F401, PLC0415 - what all this is for

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that answer
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{path}.new")
        listening.listen(64)
        Path(f"{path}.new").rename(path)
        while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
            connection, _ = listening.accept()
            if not os.fork():
                listening.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                answer(connection)
                os._exit(0)
            connection.close()


def answer(connection):
    """Do what one call asks for, and tell its status."""
    request = json.loads(connection.makefile().readline())
    child = os.fork()
    if not child:
        connection.close()
        become(**request)
    _, status = os.waitpid(child, 0)
    connection.sendall(f"{status}\n".encode())


def become(command, cwd, env, printed):
    """Be the process of the command line, and end as it does."""
    from snakemake.cli import main  # noqa: PLC0415 - imported long ago

    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, path in enumerate([os.devnull, *printed]):
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.argv = command
    sys.exit(main())


if __name__ == "__main__":
    serve(sys.argv[1])
