"""Lines that change, shown until they are final."""

from tuning_playbook.report.watch import watch


def looks(*shown):
    """Return one look after the other; the last one ends the watching."""
    left = list(shown)
    return lambda: (left.pop(0), not left)


def test_where_no_terminal_is_lines_are_printed_when_they_change(capsys):
    watch(looks(["none done"], ["none done"], ["one done", "more"], ["all done"]), every=0.0)
    assert capsys.readouterr().out.splitlines() == ["none done", "one done", "more", "all done"]


def test_on_a_terminal_they_are_drawn_in_place(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    watch(looks(["none done [bold]"], ["all done"]), every=0.0)
    assert "all done" in capsys.readouterr().out


def test_ctrl_c_ends_it_quietly(capsys):
    def stopped():
        raise KeyboardInterrupt

    watch(stopped, every=0.0)
    assert capsys.readouterr() == ("", "")
