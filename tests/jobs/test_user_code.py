"""An error of a user's code is told with the user's lines, and without JAX's."""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.jobs.wrong_classes import Right
from tuning_playbook.errors import WorkloadError
from tuning_playbook.jobs.job import logged
from tuning_playbook.jobs.user_code import LONGEST_MESSAGE, explain, is_of_a_user, own_file
from tuning_playbook.workloads.digits_mlp import DigitsMLP


def raised(function, *arguments):
    with pytest.raises((Exception, SystemExit)) as caught:
        function(*arguments)
    return caught.value


def of_jax(x):
    return 1 if x > 0 else 2


def layer(x):
    return x @ jnp.ones((3, 2))


def network(x):
    return layer(x + 1)


def test_the_lines_that_it_came_through_are_named_the_innermost_last():
    said = explain(raised(jax.jit(network), jnp.ones((4, 4))))
    assert said.startswith("TypeError: dot_general requires")
    assert said.index("in network: return layer(x + 1)") < said.index("in layer: return x @")
    assert "site-packages" not in said and "\n" not in said


def test_what_jax_says_of_its_own_workings_is_left_out():
    error = raised(jax.jit(of_jax), 1.0)
    assert "jax.errors.TracerBoolConversionError" in str(error)
    said = explain(error)
    assert said.startswith("TracerBoolConversionError: Attempted boolean conversion")
    assert "See https" not in said and "The error occurred" not in said
    assert "in of_jax: return 1 if x > 0 else 2" in said


def test_a_long_message_is_cut():
    def shout():
        raise ValueError("no" * 10_000)

    assert len(explain(raised(shout))) < LONGEST_MESSAGE + 300


def test_an_end_of_the_process_is_told_as_that():
    def leave():
        raise SystemExit(3)

    assert explain(raised(leave)).startswith("it called sys.exit(3)")


def test_an_error_that_came_through_no_line_of_a_user_is_not_theirs():
    def theirs():
        np.zeros(3).reshape(2, 2)

    assert is_of_a_user(raised(theirs))
    ours = raised(theirs)
    ours.__traceback__ = None
    assert not is_of_a_user(ours)


def test_a_class_of_a_user_has_a_file_and_one_of_this_package_has_none():
    assert own_file(Right()).endswith("wrong_classes.py")
    assert own_file(DigitsMLP()) == ""


def test_the_whole_traceback_is_in_the_jobs_log(tmp_path):
    log = tmp_path / "job.log"
    error = raised(network, jnp.ones((4, 4)))
    with pytest.raises(SystemExit, match=r"^WorkloadError: one line$"), logged(str(log)):
        raise WorkloadError("one line") from error
    assert "Traceback" in log.read_text()
    assert "in layer" in log.read_text()
    logging.getLogger("tuning_playbook").setLevel(logging.NOTSET)
