"""What `diagnostics.json` holds."""

import numpy as np
import xarray as xr

from tests.analysis.synthetic import make_study
from tuning_playbook.analysis.checklist import CHECKLIST
from tuning_playbook.analysis.diagnosis import diagnose_study
from tuning_playbook.analysis.findings import read_findings
from tuning_playbook.files import write_json
from tuning_playbook.study.thresholds import Checklist


def diagnosed(folder):
    study = make_study().assign_attrs(study="small")
    study.to_netcdf(folder / "study.nc")
    kept = ("trial", np.ones(study.sizes["trial"], np.int8))
    xr.Dataset({"kept": kept}, coords={"trial": study["trial"]}).to_netcdf(
        folder / "checkpoints.nc"
    )
    files = (folder / name for name in ("study.nc", "checkpoints.nc", "trials"))
    return diagnose_study(*files, Checklist())


def test_it_answers_the_whole_checklist_then_says_what_matters(tmp_path):
    content = diagnosed(tmp_path)
    checks = [finding["check"] for finding in content["findings"]]
    assert content["study"] == "small"
    assert len(checks) == len(CHECKLIST) + 2
    assert checks[-1] == "importance"


def test_findings_are_read_as_they_were_written(tmp_path):
    content = diagnosed(tmp_path)
    write_json(tmp_path / "diagnostics.json", content)
    found = read_findings(tmp_path / "diagnostics.json")
    assert [finding.to_json()["summary"] for finding in found] == [
        finding["summary"] for finding in content["findings"]
    ]
