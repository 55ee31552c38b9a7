"""What a study takes from earlier ones, line by line."""

from types import SimpleNamespace

from tuning_playbook.report.taken_lines import taken_lines
from tuning_playbook.study.origin import concluded, take


def test_what_a_procedure_concludes_is_of_no_trial():
    result = concluded("stable", "digits_mlp", {"unstable_rate": 0.5}, "It is unstable from 0.5.")
    taken = [take("fixed.learning_rate", "0.25", result)]
    plan = SimpleNamespace(study=SimpleNamespace(taken=taken))
    said = "fixed.learning_rate is 0.25, from stable"
    assert taken_lines(plan, known=True) == [said]
    assert taken_lines(plan, known=True, outdated=["stable"]) == [
        f"{said} (stable changed since then, and runs again)"
    ]
