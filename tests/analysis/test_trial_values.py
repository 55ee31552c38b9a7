"""The hyperparameters of trials: of all, and those that one trial has."""

import numpy as np

from tests.analysis.synthetic import ADAM, NESTEROV, choice, make_study, uniform
from tuning_playbook.analysis.trial_values import spec_values_of, value_columns, values_of


def test_a_trial_has_the_hyperparameters_of_its_arm():
    searched = [
        uniform("dropout_rate", 0.0, 0.5, [ADAM]),
        choice("activation", ["relu"], [NESTEROV]),
    ]
    study = make_study(trials=1, searched=searched)
    columns = value_columns(study)
    assert columns["activation"] == ["relu", ""]
    assert np.isnan(columns["dropout_rate"][0])
    assert values_of(study, 0) == {"activation": "relu"}
    assert values_of(study, 1) == {"dropout_rate": columns["dropout_rate"][1]}


def test_a_spec_has_truth_values_where_a_dataset_has_texts():
    searched = [choice("bias", [False, True], [ADAM]), choice("activation", ["relu"], [ADAM])]
    study = make_study(arms=[ADAM], trials=1, searched=searched)
    study["hp_bias"] = ("trial", ["false"])
    assert spec_values_of(study, 0) == {"bias": False, "activation": "relu"}
