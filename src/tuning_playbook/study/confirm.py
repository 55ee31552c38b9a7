"""An arm that an earlier round passed over, compared again with what a study changes.

    scientific: {residual: [plain, zero_init]}
    fixed: {normalization_position: {from: first, of: best, arm: normalization_position=post}}
    confirm: {arm: normalization_position=pre, trials: 10}

compares `pre` with `post` beside `zero_init`, which the first round did not have. It stands for

    conditional:
      - when: {residual: [plain]}
        scientific: {normalization_position: [post]}
      - when: {residual: [zero_init]}
        scientific: {normalization_position: [post, pre]}

Source: playbook, "Identifying scientific, nuisance, and fixed hyperparameters": a fixed value is a
caveat of the conclusion.
"""

import io
from collections.abc import Mapping
from dataclasses import replace

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tuning_playbook.declarations import Value, same
from tuning_playbook.errors import nearest
from tuning_playbook.study import shape
from tuning_playbook.study.compared_before import new_values
from tuning_playbook.study.draft import Draft
from tuning_playbook.study.searches import QuasiRandomSearch, RandomSearch
from tuning_playbook.study.study import Arm

ARM = ("confirm", "arm")


def with_confirmed(draft: Draft) -> Draft:
    """Return a draft in whose spec the arm to be confirmed is among the arms.

    Where one scientific hyperparameter of the study has values that the earlier round did not
    have, and others, the arm is compared beside the new ones; else beside every value.

    Raises:
        SpecError: The spec has no place for such an arm.
    """
    spec = draft.spec
    if spec.confirm is None:
        return draft
    other = _setting_of(draft, spec.confirm.arm)
    own = {name: spec.fixed[name] for name in other}
    if all(same(own[name], value) for name, value in other.items()):
        raise draft.error(ARM, f"'{spec.confirm.arm}' is what this study has fixed")
    if not any(isinstance(values, list) for values in spec.scientific.values()):
        raise draft.error(
            ("confirm",), "the study has no scientific values to compare the arm beside"
        )
    if spec.design != "separate" or not isinstance(spec.search, QuasiRandomSearch | RandomSearch):
        raise draft.error(
            ("confirm",), "it takes a separate design, and a search by halton or random"
        )
    fixed = {name: value for name, value in spec.fixed.items() if name not in other}
    old, new = _parted(draft, other)
    if old:
        ((name, _),) = old.items()
        scientific = spec.scientific
        parts = [_part(old, own, None), _part(new, own, other)]
    else:
        (name, *_) = other
        scientific = {**spec.scientific, name: [own[name], other[name]]}
        parts = _beside(own, other)
    conditional = [*spec.conditional, *parts]
    update = {"fixed": fixed, "scientific": scientific, "conditional": conditional}
    return replace(draft, spec=spec.model_copy(update=update))


def confirmed(draft: Draft, arm: Arm) -> Arm:
    """Return an arm of a spec, with a number of trials of its own where it is to be confirmed.

    Args:
        draft: The spec, as the user wrote it.
        arm: One of its arms.
    """
    wanted = draft.spec.confirm
    if wanted is None or wanted.trials is None:
        return arm
    setting = _setting_of(draft, wanted.arm)
    there = all(
        name in arm.scientific and same(arm.scientific[name], value)
        for name, value in setting.items()
    )
    return replace(arm, trials=wanted.trials) if there else arm


def _setting_of(draft: Draft, arm: str) -> dict[str, Value]:
    """Return the values that the name of an arm says, as `optimizer=adam, depth=2`.

    Raises:
        SpecError: It is no such name, or of something that the spec has not fixed.
    """
    setting: dict[str, Value] = {}
    for part in arm.split(", "):
        name, _, text = part.partition("=")
        if not text:
            raise draft.error(ARM, f"'{arm}' is no setting, as normalization_position=pre is")
        if name not in draft.spec.fixed:
            raise draft.error(
                ARM,
                f"'{name}' has no value under 'fixed'{nearest(name, draft.spec.fixed)}: what is "
                "confirmed is another value of something that this study has fixed",
            )
        try:
            value = YAML(typ="safe", pure=True).load(io.StringIO(text))
        except YAMLError:
            value = None
        if not isinstance(value, bool | int | float | str):
            raise draft.error(ARM, f"'{text}' is no value of '{name}'")
        setting[name] = value
    return setting


def _parted(
    draft: Draft, other: Mapping[str, Value]
) -> tuple[dict[str, list[Value]], dict[str, list[Value]]]:
    """Return the scientific values that the earlier round had, and the new ones, by one name.

    Both are empty where there is no such one name.
    """
    found = []
    for name, given in draft.spec.scientific.items():
        if isinstance(given, list):
            new = new_values(draft.taken, other, name, given)
            old = [value for value in given if not any(same(value, item) for item in new)]
            if new:
                found.append(({name: old}, {name: new}))
    return found[0] if len(found) == 1 and all(found[0][0].values()) else ({}, {})


def _part(
    when: Mapping[str, list[Value]], own: Mapping[str, Value], other: Mapping[str, Value] | None
) -> shape.Conditional:
    """Return a conditional part that has a study's own values, and those of the arm beside them."""
    (first, *_) = own
    if other is None:
        return shape.Conditional(
            when=dict(when), scientific={name: [value] for name, value in own.items()}
        )
    return shape.Conditional(
        when=dict(when),
        scientific={first: [own[first], other[first]]},
        conditional=_beside(own, other),
    )


def _beside(own: Mapping[str, Value], other: Mapping[str, Value]) -> list[shape.Conditional]:
    """Return what the rest of a setting is beside each value of its first hyperparameter.

    Two settings are compared, not every combination of their values.
    """
    (first, *rest) = own
    if not rest:
        return []
    return [
        shape.Conditional(
            when={first: [setting[first]]}, scientific={name: [setting[name]] for name in rest}
        )
        for setting in (own, other)
    ]
