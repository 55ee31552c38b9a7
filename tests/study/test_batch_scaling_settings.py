"""What a spec of the procedure `batch_scaling` may say."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from tests.procedures.probes import probe, saturating
from tuning_playbook.analysis.best_result import conclusion_of
from tuning_playbook.errors import SpecError
from tuning_playbook.files import write_json
from tuning_playbook.planning.chain import plan_chain
from tuning_playbook.procedures.conclude import conclusion_json
from tuning_playbook.procedures.planned import first_plan
from tuning_playbook.procedures.procedure_history import Conclusion, History
from tuning_playbook.study.batch_scaling_settings import BatchScalingSettings
from tuning_playbook.study.batch_sizes_settings import BatchSizesSettings
from tuning_playbook.study.read import written_spec
from tuning_playbook.study.settled import settle

SIZES = BatchSizesSettings(name="batch_sizes")
PROBES = saturating((8, 16), 1.0, 0.5)

SPEC = """\
goal: From which batch size on do larger ones hardly save steps?
workload: digits_mlp
objective: {metric: validation/error_rate, mode: min, target: 0.05}
training: {max_train_steps: 400, eval_every: 10}
procedure: {name: batch_scaling, SETTINGS}
"""


def read(settings="from: 16", *, old="", new=""):
    text = SPEC.replace("SETTINGS", settings).replace(old, new)
    return written_spec(Path("scaling.yaml"), YAML(typ="safe").load(text), text)


@pytest.mark.parametrize(
    ("settings", "sizes"),
    [
        ("", (8, 16, 32, 64, 128, 256, 512)),
        ("from: 16", (16, 32, 64, 128, 256, 512, 1024)),
        ("from: 3, to: 30", (3, 6, 12, 24)),
        ("batch_sizes: [64, 16, 100]", (16, 64, 100)),
    ],
)
def test_batch_sizes_are_doubled_or_listed(settings, sizes):
    found = BatchScalingSettings.model_validate(
        YAML(typ="safe").load(f"{{name: batch_scaling, {settings}}}")
    )
    assert found.sizes == sizes


def test_the_spec_is_that_of_a_study_with_an_arm_for_each_batch_size():
    spec = read("batch_sizes: [16, 32, 64]")
    assert spec.shape.scientific == {"batch_size": [16, 32, 64]}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("batch_sizes: [16, 32]", "at least 3"),
        ("batch_sizes: [16, 32, 16, 64]", "given twice under batch_sizes: name each once"),
        ("batch_sizes: [16, 32, 64], to: 64", "give batch_sizes, or from and to, not both"),
        ("from: 16, to: 32", "from 16 to 32 there are 2 batch sizes"),
        ("from: 16, to: 8", "from 16 to 8 there are 1 batch sizes"),
        ("from: 1, to: 8192", "there are 14 batch sizes, each twice the one before; give 3 to 12"),
        ("budget: time", "must be 'steps' or 'epochs', not 'time'"),
        ("step_times: [{batch_size: 8, seconds: 0}]", "greater than 0"),
        ("branch: true, budget: epochs", "take 'budget' away"),
        ("branch: true, step_times: [{batch_size: 8, seconds: 1}]", "take 'step_times' away"),
        ("branch: true, batch_sizes: [16, 32, 100]", "16 does not divide 100"),
        ("compare: 64", "add 'branch: true'"),
    ],
)
def test_settings_that_make_no_comparison_are_refused(settings, said):
    with pytest.raises(SpecError, match=r"scaling.yaml:5: procedure") as error:
        read(settings)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (", target: 0.05", "", "objective: batch_scaling compares the steps"),
        ("eval_every: 10", "eval_every: 10, batch_size: 8", "training.batch_size: batch_scaling"),
        (
            "workload:",
            "scientific: {depth: [1, 2]}\nsearch: {algorithm: random, trials: 1}\nworkload:",
            "scientific: batch_scaling compares",
        ),
    ],
)
def test_what_such_a_spec_lacks_or_may_not_have_is_said_with_its_line(old, new, said):
    with pytest.raises(SpecError, match=r"scaling.yaml:\d+: ") as error:
        read(old=old, new=new)
    assert said in str(error.value)


def test_the_largest_batch_size_may_be_what_a_probe_of_the_machine_finds(tmp_path):
    probe = SPEC.replace("{name: batch_scaling, SETTINGS}", "{name: batch_sizes}")
    probe = probe.replace("eval_every: 10", "eval_every: 10, batch_size: 8")
    (tmp_path / "sizes.yaml").write_text(probe)
    path = tmp_path / "scaling.yaml"
    for smallest in (8, 64):
        asked = f"from: {smallest}, to: {{from: sizes, of: largest}}, step_times: {{from: sizes}}"
        path.write_text(SPEC.replace("SETTINGS", asked))
        assert set(plan_chain([path])) == {"sizes", "scaling"}


def probed(folder, *, workload="digits_mlp", probes=PROBES):
    """Return what a procedure concludes that probed a machine, read from its file."""
    history = History({"workload": workload, "goal": "?"}, SIZES, probes=tuple(probes))
    said = conclusion_json("sizes", history, Conclusion("", {"largest": 16}, "", "", {}))
    write_json(folder / "sizes/conclusion.json", said)
    return {("sizes", ""): conclusion_of(folder / "sizes")}


def test_the_times_of_steps_may_be_what_the_probes_of_a_machine_measured(tmp_path):
    spec = read("step_times: {from: sizes}")
    settled = settle(spec, probed(tmp_path), SimpleNamespace(name="digits_mlp"))
    assert [item.model_dump() for item in settled.procedure.step_times] == [
        {"batch_size": 8, "seconds": 5.0, "devices": 1},
        {"batch_size": 16, "seconds": 9.0, "devices": 1},
    ]
    assert settled.taken[0].value == "the times of 2 batch sizes"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"workload": "other"}, "are of the workload 'other', and this one's is 'digits_mlp'"),
        ({"probes": []}, "measured no times of a step on one machine"),
        (
            {"probes": [probe(8, 1.0), probe(16, 1.0, device="another")]},
            "measured no times of a step on one machine",
        ),
    ],
)
def test_times_that_mean_nothing_here_are_refused(tmp_path, given, said):
    with pytest.raises(SpecError, match=said):
        settle(
            read("step_times: {from: sizes}"),
            probed(tmp_path, **given),
            SimpleNamespace(name="digits_mlp"),
        )


def test_a_largest_batch_size_of_one_is_refused(tmp_path):
    path = tmp_path / "scaling.yaml"
    path.write_text(SPEC.replace("SETTINGS", "to: 1"))
    with pytest.raises(SpecError, match="leaves no batch sizes to compare"):
        first_plan(path)
