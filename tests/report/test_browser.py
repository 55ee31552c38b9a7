"""The report in a real browser: it loads, sorts, filters, and names a trial under the pointer."""

import numpy as np
import pytest

from tests.report.browser import CHROMIUM, Browser
from tests.report.browser_example import drawn
from tests.report.example import make_example

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
