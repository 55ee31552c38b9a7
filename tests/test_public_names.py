"""What a user's class imports comes from two places that stay."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import tuning_playbook
from tuning_playbook import workloads

DOCUMENTED = (Path(__file__).parents[1] / "docs/workloads.md").read_text()


@pytest.mark.parametrize("module", ["tuning_playbook", "tuning_playbook.declarations"])
def test_a_declaration_costs_no_import_of_jax_or_numpy(module):
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"jax", "numpy", "pydantic", "ruamel.yaml"} & set(done.stdout.split())


@pytest.mark.parametrize("module", [tuning_playbook, workloads], ids=lambda item: item.__name__)
def test_every_name_is_there_and_documented(module):
    for name in module.__all__:
        assert hasattr(module, name)
        assert re.search(rf"`(tuning_playbook\.)?{name}[`(]", DOCUMENTED), name


def test_the_imports_of_the_documentation_give_what_they_say():
    imports = re.findall(r"^from tuning_playbook\S* import .*$", DOCUMENTED, re.MULTILINE)
    assert len(imports) > 2
    for line in imports:
        exec(line, {})
