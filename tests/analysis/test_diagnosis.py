"""What `diagnostics.json` holds."""

from tests.analysis.synthetic import make_study
from tuning_playbook.analysis.checklist import CHECKLIST
from tuning_playbook.analysis.diagnosis import diagnose_study
from tuning_playbook.analysis.findings import read_findings
from tuning_playbook.files import write_json
from tuning_playbook.study.thresholds import Checklist


def test_it_answers_the_whole_checklist_then_says_what_matters(tmp_path):
    make_study().assign_attrs(study="small").to_netcdf(tmp_path / "study.nc")
    content = diagnose_study(tmp_path / "study.nc", tmp_path / "trials", Checklist())
    checks = [finding["check"] for finding in content["findings"]]
    assert content["study"] == "small"
    assert len(checks) == len(CHECKLIST) + 1
    assert checks[-1] == "importance"


def test_findings_are_read_as_they_were_written(tmp_path):
    make_study().assign_attrs(study="small").to_netcdf(tmp_path / "study.nc")
    content = diagnose_study(tmp_path / "study.nc", tmp_path / "trials", Checklist())
    write_json(tmp_path / "diagnostics.json", content)
    found = read_findings(tmp_path / "diagnostics.json")
    assert [finding.to_json()["summary"] for finding in found] == [
        finding["summary"] for finding in content["findings"]
    ]
