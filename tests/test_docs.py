"""The documentation lists what exists, and its script draws our plot without this project."""

import ast
import re
import runpy
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tests.analysis.synthetic import ADAM, NESTEROV, make_study
from tuning_playbook.dataset.searched import read_searched
from tuning_playbook.plots.axis_plot import axis_plot
from tuning_playbook.workloads.cifar10 import CIFAR10
from tuning_playbook.workloads.digits_mlp import DigitsMLP
from tuning_playbook.workloads.mnist5k_cnn import Mnist5kCNN
from tuning_playbook.workloads.mnist5k_resnet import Mnist5kResNet
from tuning_playbook.workloads.text_transformer import TextTransformer

DOCS = Path(__file__).parents[1] / "docs"
SCRIPT = DOCS / "plot_study.py"


def test_ten_lines_with_xarray_and_matplotlib_alone():
    tree = ast.parse(SCRIPT.read_text())
    imported = [node for node in tree.body if isinstance(node, ast.Import)]
    names = {alias.name for node in imported for alias in node.names}
    assert names == {"sys", "matplotlib.pyplot", "xarray"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    statements = [n for n in ast.walk(tree) if isinstance(n, ast.stmt) and n is not tree.body[0]]
    assert len(statements) - len(imported) <= 10


@pytest.mark.parametrize(
    "workload", [DigitsMLP, Mnist5kCNN, Mnist5kResNet, TextTransformer, CIFAR10]
)
def test_the_hyperparameters_of_the_built_in_workloads_are_listed_with_their_defaults(workload):
    """They are in the row of the workload's module, or in the row of all workloads."""
    table = (DOCS / "workloads.md").read_text().partition("| workload | hyperparameters |")[2]
    rows = dict(re.findall(r"^\| ([^|]+) \| (.+) \|$", table, re.MULTILINE))
    own = rows[f"`{workload.__module__.rpartition('.')[2]}`"] + rows["all of them"]
    listed = dict(re.findall(r"`(\w+)` \((\w+)", own))
    declared = {item.name: item.default for item in workload.hyperparameters}
    assert listed == {
        name: f"{value:g}" if isinstance(value, float) else str(value).lower()
        for name, value in declared.items()
    }


def points(axes):
    """Return every drawn point, sorted, and each once though the best have a second mark."""
    drawn = np.concatenate([np.asarray(item.get_offsets()) for item in axes.collections])
    return np.unique(drawn[np.isfinite(drawn).all(axis=1)].round(12), axis=0)


def test_its_points_are_those_of_our_plot(tmp_path, monkeypatch):
    study = make_study()
    study.to_netcdf(tmp_path / "study.nc")
    target = tmp_path / "plot.png"
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(tmp_path / "study.nc"), str(target)])
    made = runpy.run_path(str(SCRIPT))
    assert target.read_bytes().startswith(b"\x89PNG")
    theirs = points(made["axes"])
    assert {text.get_text() for text in made["axes"].get_legend().get_texts()} == {ADAM, NESTEROV}
    plt.close(made["figure"])
    made["study"].close()
    ours = [
        points(axis_plot(study, item).axes[0])
        for item in read_searched(study)
        if item.name == "learning_rate"
    ]
    assert theirs == pytest.approx(np.unique(np.concatenate(ours), axis=0))
