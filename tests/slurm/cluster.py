"""A whole Slurm cluster with accounting on this machine, started from nothing in a folder.

Every daemon runs in the foreground as a child of the test, so that stopping them is no search for
processes; all of them, and whatever jobs they start, carry the path of this cluster's `slurm.conf`
in their environment, by which what they leave behind is told from anybody else's.
"""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PROGRAMS = (
    "munged",
    "mariadbd",
    "mariadb-install-db",
    "mariadb",
    "slurmdbd",
    "slurmctld",
    "slurmd",
    "sbatch",
    "srun",
    "sacct",
    "sacctmgr",
)

CPUS = 6
"""More than there may be, because most jobs of the tests start, wait or sleep."""

GPUS = 2
"""Empty files in place of devices: jobs may ask for them, and find none."""

SLURM_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={slurmctld_port}
SlurmUser=root
AuthType=auth/munge
# A job that was requeued begins again when credentials of its first start have expired.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
ReturnToService=2
KillWait=60
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={slurmdbd_port}
AccountingStoragePass={folder}/munge.socket
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
JobAcctGatherType=jobacct_gather/linux
# As cgroups do on other clusters, a job that takes more memory than it asked for is killed.
JobAcctGatherParams=OverMemoryKill
JobAcctGatherFrequency=task=1
# The nodes are said to have what the tests ask for, whatever this machine has.
SlurmdParameters=config_overrides
# Enough grace for a job that still compiles beside others; one that is quick ends at once.
PartitionName=spare Nodes=ALL MaxTime=INFINITE PriorityTier=1 GraceTime=60
PartitionName=normal Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=2 PreemptMode=OFF
NodeName=DEFAULT CPUs={cpus} RealMemory=64000 Gres=gpu:{gpus}
"""

SLURMDBD_CONF = """
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdPort={slurmdbd_port}
SlurmUser=root
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={mysql_port}
StorageUser=slurm
StoragePass={password}
StorageLoc=slurm
"""


def missing() -> str:
    """Return what keeps a cluster from being started here; nothing if it can be."""
    if os.geteuid() != 0:
        return "a cluster can be started by root alone"
    absent = [name for name in PROGRAMS if not shutil.which(name, path=_path())]
    if absent:
        packages = "slurm-wlm slurmdbd munge mariadb-server"
        return f"{', '.join(absent)} not found: apt-get install {packages}"
    return ""


@dataclass
class Cluster:
    """A running cluster; commands reach it in `environment`."""

    folder: Path
    nodes: tuple[str, ...] = ("node",)
    daemons: list[subprocess.Popen] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What a user of this cluster has in the environment."""
        path = f"{self.folder}/bin{os.pathsep}{_path()}"
        return {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": path}

    def call(self, *command: str | int) -> str:
        """Return what a command of Slurm's prints; it must succeed."""
        done = subprocess.run(
            [str(part) for part in command],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr}")
        return done.stdout.strip()

    def succeeds(self, *command: str | int) -> bool:
        """Return whether a command succeeds."""
        try:
            self.call(*command)
        except RuntimeError:
            return False
        return True

    def start(self) -> None:
        """Start every daemon, and wait until the node takes jobs."""
        for name in ("bin", "state", "mysql", *(f"spool/{node}" for node in self.nodes)):
            (self.folder / name).mkdir(parents=True)
        # Snakemake's executor takes every variable of Slurm's from the steps that it starts.
        srun = self.folder / "bin" / "srun"
        conf, real = self.environment["SLURM_CONF"], shutil.which("srun", path=_path())
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={conf} exec {real} "$@"\n')
        srun.chmod(0o755)
        password = secrets.token_hex()
        ports = ("slurmctld_port", "slurmdbd_port", "mysql_port")
        values = dict(zip(ports, free_ports(len(ports)), strict=True)) | {
            "folder": self.folder,
            "host": socket.gethostname().partition(".")[0],
            "cpus": CPUS,
            "gpus": GPUS,
            "password": password,
        }
        nodes = zip(self.nodes, free_ports(len(self.nodes)), strict=True)
        here = "NodeHostname={host} NodeAddr=127.0.0.1"
        listed = "".join(f"NodeName={node} Port={port} {here}\n" for node, port in nodes)
        files = {"slurm.conf": SLURM_CONF + listed, "slurmdbd.conf": SLURMDBD_CONF}
        for name, text in files.items():
            (self.folder / name).touch(mode=0o600)
            (self.folder / name).write_text(text.format(**values))
        for number in range(GPUS):
            (self.folder / f"gpu{number}").touch()
        (self.folder / "gres.conf").write_text(f"Name=gpu File={self.folder}/gpu[0-{GPUS - 1}]\n")
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))

        self._start(
            "munged",
            "--foreground",
            "--force",  # whatever the permissions of the folders above this one
            f"--key-file={key}",
            f"--socket={self.folder}/munge.socket",
            *(f"--{kind}-file={self.folder}/munged.{kind}" for kind in ("pid", "log", "seed")),
        )
        self._start_database(values["mysql_port"], password)
        self._start("slurmdbd", "-D")
        self._wait("slurmdbd", lambda: self.succeeds("sacctmgr", "-n", "list", "cluster"))
        self.call("sacctmgr", "-i", "add", "cluster", "test")
        self.call("sacctmgr", "-i", "add", "account", "a")
        self.call("sacctmgr", "-i", "add", "user", "root", "account=a")
        self._start("slurmctld", "-D")
        for node in self.nodes:
            self._start("slurmd", "-D", "-N", node)
        self._wait("the nodes", lambda: self.state() == "idle")

    def state(self) -> str:
        """Return the state of the node, empty while nobody answers."""
        try:
            return self.call("sinfo", "-h", "-p", "normal", "-o", "%T")
        except RuntimeError:
            return ""

    def stop(self) -> None:
        """End every job and every daemon, and whatever either has left."""
        self.succeeds("scancel", "--user=root", "--full", "--signal=KILL")
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for process in self.processes():
            process.kill()

    def processes(self) -> list[psutil.Process]:
        """Return every process that belongs to this cluster, told by its environment."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("SLURM_CONF") == self.environment["SLURM_CONF"]:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def _start(self, *command: str) -> None:
        """Start a daemon that ends when this process ends, however that comes about."""
        with (self.folder / f"{command[0]}.out").open("w") as output:
            daemon = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *command],
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.daemons.append(daemon)

    def _start_database(self, port: int, password: str) -> None:
        data, server = self.folder / "mysql", self.folder / "mysql.socket"
        self.call(
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={data}",
            "--user=root",
            "--skip-test-db",
        )
        self._start(
            "mariadbd",
            "--no-defaults",
            "--user=root",
            f"--datadir={data}",
            f"--socket={server}",
            f"--pid-file={self.folder}/mysql.pid",
            "--bind-address=127.0.0.1",
            f"--port={port}",
            "--innodb-flush-log-at-trx-commit=0",
        )
        client = ("mariadb", "--no-defaults", "--user=root", f"--socket={server}", "-e")
        self._wait("the database", lambda: self.succeeds(*client, "select 1"))
        user = "'slurm'@'127.0.0.1'"
        self.call(
            *client,
            f"create user {user} identified by '{password}'; grant all on slurm.* to {user}",
        )

    def _wait(self, what: str, condition: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            ended = [daemon for daemon in self.daemons if daemon.poll() is not None]
            if ended or time.monotonic() > deadline:
                said = {path.name: path.read_text()[-2000:] for path in self.folder.glob("*.out")}
                raise RuntimeError(f"{what} did not start: {said}")
            time.sleep(0.1)


@contextmanager
def running_cluster(folder: Path, *nodes: str) -> Iterator[Cluster]:
    """Give a cluster that is stopped in the end, whatever happened.

    Args:
        folder: An empty one; its path must be short enough for a socket in it.
        nodes: Their names, where there are to be several.
    """
    cluster = Cluster(folder, nodes or ("node",))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def _path() -> str:
    """Return where programs are looked for; a login shell may leave out those of root."""
    return f"{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/usr/local/sbin"


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
