"""The report in a real browser: it loads, sorts, filters, and names a trial under the pointer."""

import numpy as np
import pytest

from tests.report.browser import CHROMIUM, Browser
from tests.report.browser_example import drawn
from tests.report.example import make_example
from tuning_playbook.report.index import render_index
from tuning_playbook.report.tracking import summary_row

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no chromium on this machine to open the report in"
)

ROWS = """[...document.querySelectorAll("#trials-table tbody")].filter((body) => !body.hidden)"""
OBJECTIVES = f"{ROWS}.map((body) => body.rows[0].cells[1].dataset.key)"
TIP = """document.querySelector(".tip:not([hidden])")?.innerText ?? null"""
AXIS, CURVES, RERUNS = (
    f"""document.querySelector("#plot-{stem} img")"""
    for stem in ("axis_weight_decay", "training_curves", "reruns")
)


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The example, and its report as a file."""
    folder = tmp_path_factory.mktemp("report")
    example = make_example()
    file = folder / "report.html"
    file.write_text(example.render(plots=drawn(example, folder)))
    return example, file


@pytest.fixture
def opened(browser, written):
    browser.open(written[1])
    return browser


def numbers(keys):
    return [float(key) for key in keys if key]


def test_loads_without_a_complaint_and_nothing_else(opened, written):
    assert opened.js("document.readyState") == "complete"
    assert not opened.complaints()
    elsewhere = [url for url in opened.requests() if not url.startswith("data:")]
    assert elsewhere == [written[1].as_uri()]
    broken = "[...document.images].filter((image) => !image.naturalWidth).length"
    assert opened.js(broken) == 0


def test_sorts_by_a_column_with_the_keyboard_and_the_mouse(opened):
    button = """document.querySelectorAll("#trials-table thead button")[1]"""
    best_first = opened.js(OBJECTIVES)
    assert numbers(best_first) == sorted(numbers(best_first))
    opened.js(f"{button}.focus()")
    opened.press("Enter")
    worst_first = opened.js(OBJECTIVES)
    assert numbers(worst_first) == sorted(numbers(best_first), reverse=True)
    assert worst_first[-3:] == ["", "", ""]  # what is infeasible stays last
    assert opened.js(f"{button}.closest('th').ariaSort") == "descending"
    opened.js(f"{button}.click()")
    assert opened.js(OBJECTIVES) == best_first


def test_filters_by_every_word(opened, written):
    opened.js("document.getElementById('filter').focus()")
    opened.type("adam diverged")
    shown = opened.js(f"{ROWS}.map((body) => body.rows[0].textContent)")
    assert shown
    assert all("adam" in text and "diverged" in text for text in shown)
    count = written[0].study.sizes["trial"]
    status = opened.js("document.getElementById('filter-status').textContent")
    assert status == f"{len(shown)} of {count} trials"


def test_a_row_leads_to_its_curve_and_its_command(opened, written):
    trial = written[0].launch["candidate"]["trial"]
    opened.js(f"document.querySelector('#trial-{trial} th a').focus()")
    opened.press("Enter")
    detail = opened.js(f"document.querySelector('#trial-{trial} .detail').innerText")
    assert f"reproduce optimizer_choice --trial {trial}" in detail
    drawing = f"document.querySelector('#trial-{trial} .curve svg').getBoundingClientRect().width"
    assert opened.js(drawing) > 200


def test_hovering_over_a_point_names_its_trial_and_hyperparameters(opened, written):
    opened.js(f"{AXIS}.scrollIntoView({{block: 'center'}})")
    for trial, x, y in points(opened, AXIS)[:3] + points(opened, AXIS)[-1:]:
        opened.move_to(x, y)
        tip = opened.js(TIP)
        assert tip.startswith(f"trial: {trial}")
        data = written[0].study.set_index(trial="trial").sel(trial=trial)
        assert f"weight_decay: {data['hp_weight_decay'].item():.4g}" in tip
    opened.move_to(1, 1)
    assert opened.js(TIP) is None


def points(opened, image):
    """The points of a plot, and where the browser has them in its window."""
    where = opened.js(f"""(() => {{
        const plot = {image}, style = getComputedStyle(plot), box = plot.getBoundingClientRect();
        const pad = parseFloat(style.paddingLeft) + parseFloat(style.borderLeftWidth);
        const inside = {{ x: box.x + pad, y: box.y + pad }};
        const size = {{ x: box.width - 2 * pad, y: box.height - 2 * pad }};
        return plot.dataset.points.split(";").map((text) => {{
            const [trial, x, y] = text.split(" ");
            return [trial, inside.x + size.x * x / 100, inside.y + size.y * y / 100];
        }});
    }})()""")
    return [tuple(point) for point in where]


def test_every_trial_is_a_point_of_an_axis_plot(opened, written):
    assert {point[0] for point in points(opened, AXIS)} == set(written[0].study["trial"].to_numpy())


def test_hovering_over_a_curve_names_its_trial(opened, written):
    opened.js(f"{CURVES}.scrollIntoView({{block: 'center'}})")
    along = points(opened, CURVES)
    study = written[0].study
    assert {trial for trial, _, _ in along} == set(study["trial"].to_numpy())
    best = written[0].launch["candidate"]["trial"]
    _, x, y = [point for point in along if point[0] == best][-1]
    opened.move_to(x, y)
    assert opened.js(TIP).startswith("trial: ")
    assert "learning_rate: " in opened.js(TIP)


def test_hovering_over_a_rerun_names_it_and_its_hyperparameters_and_leads_to_it(opened, written):
    reruns = written[0].reruns
    opened.js(f"{RERUNS}.scrollIntoView({{block: 'center'}})")
    named = {trial: (x, y) for trial, x, y in points(opened, RERUNS)}
    assert set(reruns["trial"].to_numpy()[np.isfinite(reruns["objective"])]) <= named.keys()
    rerun = str(reruns["trial"].to_numpy()[0])
    opened.move_to(*named[rerun])
    tip = opened.js(TIP)
    assert rerun in tip
    assert "learning_rate" in tip
    opened.js(f"location.hash = 'trial-{rerun}'")
    opened.js("new Promise((done) => setTimeout(done, 100))")
    assert opened.js(f"document.getElementById('trial-{rerun}').getBoundingClientRect().height") > 0


def test_the_keyboard_goes_from_point_to_point_and_to_the_row(opened):
    opened.js(f"{AXIS}.focus()")
    opened.press("ArrowRight")
    first = opened.js(TIP)
    opened.press("ArrowRight")
    second = opened.js(TIP)
    assert first != second
    opened.press("Enter")
    assert opened.js("location.hash") == f"#trial-{second.splitlines()[0].split(': ')[1]}"


@pytest.mark.parametrize("width", [1280, 400])
def test_fits_the_width_of_the_window(browser, written, width):
    browser.open(written[1], width)
    assert browser.js("document.documentElement.scrollWidth") <= width


ROUNDS = """[...document.querySelectorAll(".round:not([hidden]) h3")].map((h) => h.innerText)"""
HISTORIES = (
    """[...document.querySelectorAll(".history:not([hidden]) h2")].map((h) => h.innerText)"""
)
TOLD = """document.getElementById("rounds-status").innerText"""


@pytest.fixture(scope="module")
def index(written, tmp_path_factory):
    """The page of four studies of two workloads."""
    example, _ = written
    row = summary_row(example.card, example.study, example.launch, example.resources)
    rows = [
        row,
        row | {"study": "depth", "decision": "adopt", "answer": "Deeper is better."},
        row | {"study": "a_name_of_" + "many_" * 20 + "words", "decision": "reject"},
        row | {"study": "kernel", "decision": "adopt", "workload": "mnist5k_cnn"},
    ]
    file = tmp_path_factory.mktemp("index") / "index.html"
    file.write_text(render_index(rows))
    return file


def choose(browser, control, value):
    """Choose one of a list, as its keys do."""
    browser.js(f"""(() => {{
        const control = document.getElementById("{control}");
        control.value = "{value}";
        control.dispatchEvent(new Event("input", {{ bubbles: true }}));
    }})()""")


def test_the_page_of_all_studies_loads_without_a_complaint_and_shows_all(browser, index):
    browser.open(index)
    assert not browser.complaints()
    assert [url for url in browser.requests() if not url.startswith("data:")] == [index.as_uri()]
    assert len(browser.js(ROUNDS)) == 4
    assert browser.js(TOLD) == "4 of 4 studies"


def test_studies_are_filtered_by_workload_decision_and_words_together(browser, index):
    browser.open(index)
    choose(browser, "of-decision", "adopt")
    assert browser.js(ROUNDS) == ["depth", "kernel"]
    choose(browser, "of-workload", "mnist5k_cnn")
    assert (browser.js(ROUNDS), browser.js(HISTORIES)) == (["kernel"], ["mnist5k_cnn"])
    assert browser.js(TOLD) == "1 of 4 studies"
    choose(browser, "of-workload", "")
    browser.js("document.getElementById('with-words').focus()")
    browser.type("BETTER deeper")
    assert (browser.js(ROUNDS), browser.js(HISTORIES)) == (["depth"], ["digits_mlp"])


def test_the_keyboard_reaches_every_filter_and_then_the_reports(browser, index):
    browser.open(index)
    reached = []
    for _ in range(6):
        browser.press("Tab")
        reached.append(browser.js("document.activeElement.id || document.activeElement.innerText"))
    assert reached[1:5] == ["of-workload", "of-decision", "with-words", "The campaign"]
    assert reached[5] == browser.js(ROUNDS)[0]
    browser.js("document.getElementById('of-decision').focus()")
    browser.press("ArrowDown")
    assert browser.js(ROUNDS) == ["depth", "kernel"]


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_of_all_studies_fits_the_width_of_the_window(browser, index, width):
    browser.open(index, width)
    assert browser.js("document.documentElement.scrollWidth") <= width


def test_without_scripts_every_study_is_there_and_no_filter(browser, index):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(index)
        shown = """[...document.querySelectorAll(".round")].every((r) => r.offsetHeight > 0)"""
        assert browser.js(shown)
        assert browser.js("document.getElementById('rounds-filter').offsetHeight") == 0
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_2100_trials_are_sorted_and_filtered_and_all_within_reach(browser, tmp_path):
    example = make_example(2100)
    file = tmp_path / "report.html"
    file.write_text(example.render(plots=drawn(example, tmp_path)))
    assert file.stat().st_size < 8_000_000
    browser.open(file)
    assert not browser.complaints()
    assert browser.js(f"{ROWS}.length") == 1000
    browser.js("document.getElementById('more').click()")
    assert browser.js(f"{ROWS}.length") == 2000
    last = """[...document.querySelectorAll("#trials-table tbody")].at(-1)"""
    browser.js(f"location.hash = {last}.id")
    detail = browser.js(f"{last}.querySelector('.detail').innerText")
    assert f"--trial {browser.js(f'{last}.rows[0].cells[0].textContent')}" in detail
    assert not browser.js(f"{last}.querySelectorAll('.curve').length")  # the best 2000 have one
    browser.js("""document.querySelectorAll("#trials-table thead button")[1].click()""")
    keys = numbers(browser.js(OBJECTIVES))
    assert keys == sorted(keys, reverse=True)
    browser.js("document.getElementById('filter').focus()")
    browser.type("adam")
    assert browser.js("document.getElementById('filter-status').textContent") == (
        "1050 of 2100 trials"
    )
