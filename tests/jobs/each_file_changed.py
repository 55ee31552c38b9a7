"""Say which versions change with another line of code in each file of a copy of the package.

    PYTHONPATH=FOLDER python tests/jobs/each_file_changed.py FOLDER

prints, by the path of each file, the versions of the built-in workloads that change.
"""

import functools
import json
import sys
from pathlib import Path

from tuning_playbook.jobs import describe_workload, versions
from tuning_playbook.jobs.describe_workload import PACKAGE, current_versions
from tuning_playbook.jobs.load_workload import BUILT_IN, load_workload

FOLDERS = {"cifar10": "."}
"""Of data, for those that take one; the data itself is not asked for."""


def versions_now(workloads):
    """The versions of each built-in workload, as the files are now."""
    return {
        f"{part} of {name}": version
        for name, workload in workloads.items()
        for part, version in current_versions(workload, {}, "").items()
    }


def changed_by(path, workloads, usual):
    """The versions that another line of code in a file changes."""
    code = path.read_text(encoding="utf-8")
    path.write_text(f"{code}\nANOTHER = 1\n", encoding="utf-8")
    now = versions_now(workloads)
    path.write_text(code, encoding="utf-8")
    return [name for name in now if now[name] != usual[name]]


def main(folder):
    """Print what each file changes, provided that it is a copy that is changed."""
    if not PACKAGE.is_relative_to(Path(folder).resolve()):
        sys.exit(f"{PACKAGE} is no copy of the package in {folder}")
    # All files but one are as they were, and none moves; so they are looked at once.
    versions.strip_comments = functools.cache(versions.strip_comments)
    describe_workload._source_of = functools.cache(describe_workload._source_of)
    workloads = {name: load_workload(name, "", FOLDERS.get(name, "")) for name in BUILT_IN}
    usual = versions_now(workloads)
    found = {
        path.relative_to(PACKAGE).as_posix(): changed_by(path, workloads, usual)
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
