"""Checks of what a workload's `init` and `apply` return while they are traced."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from tuning_playbook.engine.whole_split import whole_metrics
from tuning_playbook.jobs.shown_values import (
    floating,
    is_array,
    is_key,
    listed,
    named,
    shape_remedy,
    shaped,
    type_name,
)
from tuning_playbook.workloads.protocol import Workload

Say = Callable[..., None]
"""Records a mistake and, optionally, its subject: each subject is reported once."""


class FoundMistakesError(Exception):
    """Raised where the mistakes found leave nothing to continue with."""


def check_variables(say: Say, given: Any) -> dict[str, Any]:
    """Return the variables that `init` returned, after checking them.

    Args:
        say: Records a mistake.
        given: What `init` returned.

    Raises:
        FoundMistakesError: They have mistakes.
    """
    wrong = False

    def found(mistake: str) -> None:
        nonlocal wrong
        wrong = True
        say(mistake)

    if not isinstance(given, Mapping):
        found(
            f"init returns {named(given)}; it must return a mapping, {{'params': ...}} and "
            "any collections that the model updates itself"
        )
        raise FoundMistakesError
    if "params" not in given:
        found(f"init returns {listed(given)} and no 'params': put what is trained under 'params'")
    leaves = jax.tree_util.tree_leaves_with_path(dict(given))
    for path, leaf in leaves:
        place = jax.tree_util.keystr(path)
        if is_key(leaf):
            found(
                f"init returns a random key at {place}: apply gets a key of its own for each "
                "step; keep none in the variables"
            )
        elif not is_array(leaf):
            found(
                f"init returns {named(leaf)} at {place}, which is no array: keep functions "
                "and settings out of the variables, on the class or in a closure"
            )
        elif path[0] == jax.tree_util.DictKey("params") and not floating(leaf):
            found(
                f"init returns {type_name(leaf)} at {place}: what is trained is of a floating "
                "type; put the rest into a collection of its own beside 'params'"
            )
    if "params" in given and not jax.tree.leaves(given["params"]):
        found("init returns no array under 'params': there is nothing to train")
    if wrong:
        raise FoundMistakesError
    return dict(given)


def check_returned(
    say: Say, workload: Workload, given: Any, variables: Any, size: int, when: str, *, train: bool
) -> None:
    """Record the mistakes in what `apply` returned.

    Args:
        say: Records a mistake.
        workload: The workload.
        given: What `apply` returned.
        variables: The variables that it was given, as shapes.
        size: The number of examples in the batch.
        when: Which call it was, in words.
        train: Whether the call is a training step, whose collections are kept.

    Raises:
        FoundMistakesError: There is nothing to continue with.
    """
    if not isinstance(given, tuple) or len(given) != 2:
        say(
            f"apply returns {named(given)} {when}; it must return two things: the metrics of "
            "each example, and the collections that it updates ({} where there are none)",
            "tuple",
        )
        raise FoundMistakesError
    metrics, updated = given
    if isinstance(metrics, Mapping):
        _check_metrics(say, workload, metrics, size, when)
    else:
        say(
            f"apply returns {named(metrics)} {when} as its metrics; it must be a mapping from "
            "each metric's name to its value for each example",
            "metrics",
        )
    if not isinstance(updated, Mapping):
        say(
            f"apply returns {named(updated)} {when} as the updated collections; it must be a "
            "mapping, {} where there are none",
            "updated",
        )
    elif train:
        _check_updated(say, updated, variables)


def _check_metrics(
    say: Say, workload: Workload, metrics: Mapping[str, Any], size: int, when: str
) -> None:
    whole = whole_metrics(workload)
    declared = [item.name for item in workload.metrics if not item.whole]
    for name in declared:
        if name not in metrics:
            say(
                f"apply does not return the metric '{name}' {when}, which 'metrics' declares: "
                "return it, or take it out of 'metrics'",
                f"missing {name}",
            )
    for name, value in metrics.items():
        if name in whole:
            say(
                f"apply returns the metric '{name}' {when}, which is declared with whole=True: "
                "summarize returns it, once for a whole split; leave it out here",
                f"whole {name}",
            )
            continue
        if name not in declared:
            say(
                f"apply returns the metric '{name}' {when}, which 'metrics' does not declare: "
                f'declare it as Metric("{name}", ...), or leave it out',
                f"undeclared {name}",
            )
            continue
        if not is_array(value) or jnp.shape(value) != (size,):
            came = shaped(value) if is_array(value) else named(value)
            say(
                f"apply returns the metric '{name}' {when} as {came}; expected is one number "
                f"for each example, [batch] = [{size}]: {shape_remedy(value, size)}",
                f"shape of {name}",
            )
        elif name == "loss" and not floating(value):
            say(
                f"apply returns 'loss' {when} as {type_name(value)}; it is differentiated, so it "
                "must be of a floating type",
                "type of loss",
            )


def _check_updated(say: Say, updated: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
    for name, part in updated.items():
        if name == "params":
            say(
                "apply returns 'params' among the updated collections: the optimizer alone "
                "changes them; leave them out"
            )
        elif name not in variables:
            say(
                f"apply returns the collection '{name}', which init does not have (it has "
                f"{listed(variables)}): let init return it too, or leave it out"
            )
        else:
            _check_collection(say, name, part, variables[name])


def _check_collection(say: Say, name: str, after: Any, before: Any) -> None:
    came, was = (str(jax.tree.structure(tree)) for tree in (after, before))
    if came != was:
        say(
            f"apply returns the collection '{name}' with another structure than init's "
            f"({came}, init {was}): return all of its arrays under the same names"
        )
        return
    leaves = jax.tree_util.tree_leaves_with_path(before)
    for (path, first), now in zip(leaves, jax.tree.leaves(after), strict=True):
        place = f"'{name}'{jax.tree_util.keystr(path)}"
        if not is_array(now) or jnp.shape(now) != first.shape:
            came = shaped(now) if is_array(now) else named(now)
            say(
                f"apply returns {place} as {came}, and init as {shaped(first)}: a collection "
                "keeps its shapes"
            )
        elif jnp.result_type(now) != first.dtype:
            say(
                f"apply returns {place} as {type_name(now)}, and init as {type_name(first)}: a "
                f"collection keeps its types; cast it with .astype(jnp.{first.dtype})"
            )
