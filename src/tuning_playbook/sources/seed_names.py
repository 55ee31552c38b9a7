"""Which parameter of some runs is their seed, where none is called so."""

from collections.abc import Collection, Mapping, Sequence

from tuning_playbook.sources.runs import SEED, Run, listed
from tuning_playbook.sources.seeds import whole_number
from tuning_playbook.sources.table import NOTHING, Cell
from tuning_playbook.sources.told_by_name import is_seed


def seed_of_runs(
    runs: Sequence[Run], names: Mapping[str, str], told: Collection[str], what: str
) -> tuple[str | None, list[str]]:
    """Return the parameter whose name says that it is the seed, and what is said of such names.

    It is None where a parameter is called `seed`, or none has such a name and whole numbers.

    Args:
        runs: As the source has them.
        names: The name here of each parameter, by the source's.
        told: Names, here or there, of parameters that the spec says something else of.
        what: What a parameter is called in messages.

    Raises:
        SourceError: Two may be the seed: both differ between runs.
    """
    alike = [
        name
        for name, here in names.items()
        if here != SEED and is_seed(name) and not {name, here} & {*told}
    ]
    cells = {name: [run.parameters.get(name) for run in runs] for name in alike}
    given = {name: [cell for cell in cells[name] if not _nothing(cell)] for name in alike}
    whole = [name for name in alike if given[name] and all(map(_is_whole, given[name]))]
    varying = [name for name in whole if len({whole_number(cell) for cell in given[name]}) > 1]
    if SEED in names.values():
        return None, [f"{_kept(name)}." for name in varying]
    if len(varying) > 1:
        place = next(n for n, cell in enumerate(cells[varying[0]]) if not _nothing(cell))
        raise runs[place].error(
            what,
            varying[0],
            f"{listed(varying)} are named like seeds and all differ between trials; say which is "
            f"the seed of a trial, 'rename: {{{varying[0]}: seed}}' under 'source', and leave the "
            "others out of 'source.hyperparameters' or give them a role",
        )
    notes = [
        f"{_kept(name)}: '{first}' of {trial} is no whole number, as a seed is."
        for name in alike
        if name not in whole and len({*map(str, given[name])}) > 1
        for trial, first in [_first_other(runs, cells[name])]
    ]
    if not whole:
        return None, notes
    seed = (varying or whole)[0]
    return seed, [
        f"{seed} is read as the seed of a trial, by its name. 'rename: {{{seed}: <another name>}}' "
        "under 'source' makes it a hyperparameter.",
        *notes,
    ]


def _kept(name: str) -> str:
    return (
        f"{name} is read as a hyperparameter (a list of the others under "
        "'source.hyperparameters' leaves it out), though its name is a seed's"
    )


def _first_other(runs: Sequence[Run], cells: Sequence[Cell]) -> tuple[str, Cell]:
    """Return the first run whose cell is no whole number, and the cell."""
    return next(
        (run.name, cell)
        for run, cell in zip(runs, cells, strict=True)
        if not _nothing(cell) and not _is_whole(cell)
    )


def _nothing(cell: Cell) -> bool:
    return cell is None or str(cell).lower() in ("", *NOTHING)


def _is_whole(cell: Cell) -> bool:
    return whole_number(cell) is not None
