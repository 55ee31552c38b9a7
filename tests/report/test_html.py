"""The report: complete, in one file, whatever the study and whatever its texts."""

import base64
import hashlib
import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from tuning_playbook.launches.decision import decide
from tuning_playbook.planning.budget import BudgetRow
from tuning_playbook.study.rule_of_thumb import Advice

from .example import ARMS, SVG, make_example
from .pages import read, structure

HOSTILE = "<script>alert(1)</script></script><!-- \"'><img src=x onerror=alert(1)>{{ 7 * 7 }}&lt;"


def section(page, name):
    return read(page).by_id(name)


def table_rows(element):
    return [
        [cell.text for cell in row.children if not isinstance(cell, str)]
        for row in element.all("tr")
    ]


class TestPage:
    def test_is_one_file_that_loads_nothing(self, page):
        for element in read(page).walk():
            for name in ("src", "href"):
                value = element.attributes.get(name, "#")
                assert value.startswith(("#", "data:")), (element.tag, value)
            assert element.tag not in ("iframe", "object", "embed", "base", "form")
        assert "@import" not in page
        assert "url(" not in page

    def test_policy_forbids_the_network_and_knows_our_script(self, page):
        root = read(page)
        (policy,) = [
            element.attributes["content"]
            for element in root.all("meta")
            if element.attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        script = "".join(root.one("script").children)
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert directives["default-src"] == "'none'"
        assert directives["img-src"] == "data:"
        assert directives["script-src"] == f"'sha256-{digest}'"
        assert "addEventListener" in script

    def test_has_landmarks_and_headings_in_order(self, page):
        root = read(page)
        assert root.one("html").attributes["lang"] == "en"
        assert [len(root.all(tag)) for tag in ("header", "nav", "main", "h1")] == [1, 1, 1, 1]
        assert root.one("a", "skip").attributes["href"] == f"#{root.one('main').attributes['id']}"
        levels = [int(e.tag[1]) for e in root.walk() if e.tag in ("h1", "h2", "h3", "h4")]
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))

    def test_sections_follow_the_playbook(self, page):
        names = [element.attributes["id"] for element in read(page).one("main").all("section")]
        assert names == [
            "goal",
            "decision",
            "rests-on",
            "evidence",
            "checklist",
            "plots",
            "trials",
            "design",
            "roles",
            "reproduce",
            "machine",
        ]
        assert [a.attributes["href"][1:] for a in read(page).one("nav").all("a")] == names

    def test_every_link_and_id_is_sound(self, page):
        elements = list(read(page).walk())
        ids = [element.attributes["id"] for element in elements if "id" in element.attributes]
        assert len(ids) == len(set(ids))
        links = {
            element.attributes["href"][1:]
            for element in elements
            if element.attributes.get("href", "").startswith("#")
        }
        assert len(links) > 20
        assert links <= set(ids)
        for name in ("aria-labelledby", "aria-controls", "for"):
            assert {e.attributes[name] for e in elements if name in e.attributes} <= set(ids)

    def test_what_scrolls_is_reached_by_keyboard_and_named(self, page):
        scrollers = read(page).all("div", "scroller")
        assert len(scrollers) >= 5
        for element in scrollers:
            assert element.attributes["tabindex"] == "0"
            assert element.attributes["role"] == "region"
            assert element.attributes["aria-label"]
        for table in read(page).all("table"):
            assert table.parent is not None
            assert "scroller" in table.parent.classes

    def test_same_input_gives_the_same_bytes(self, example, page):
        assert example.render() == page
        assert make_example().render() == page

    def test_64_trials_stay_small(self):
        example = make_example(64)
        plots = {stem: SVG.format("x" * 100_000) for stem in example.plots}
        assert len(example.render(plots=plots).encode()) < 5_000_000


class TestEscaping:
    def test_text_of_the_user_stays_text(self, example, page):
        card = replace(
            example.card,
            **dict.fromkeys(
                ("name", "goal", "notes", "config", "workload", "workload_description"), HOSTILE
            ),
            spec_yaml=HOSTILE,
            roles=tuple(
                replace(row, hyperparameter=HOSTILE, value=HOSTILE, description=HOSTILE)
                for row in example.card.roles
            ),
            commands=((HOSTILE, HOSTILE),),
            trial_command=f"{HOSTILE} {{trial}}",
            duplicates=(HOSTILE,),
            budget=tuple(replace(row, arm=HOSTILE) for row in example.card.budget),
            advice=tuple(
                replace(advice, text=HOSTILE, reason=HOSTILE, section=HOSTILE)
                for advice in example.card.advice
            ),
        )
        launch = example.launch | {
            "reasons": [HOSTILE, HOSTILE],
            "caveats": [HOSTILE],
            "complexity": HOSTILE,
            "difference": example.launch["difference"] | {"method": HOSTILE},
        }
        findings = tuple(
            finding
            | {"question": HOSTILE, "section": finding["section"] and HOSTILE}
            | {name: HOSTILE for name in ("summary", "advice") if finding[name]}
            for finding in example.findings
        )
        lost = ~np.isfinite(example.study["objective"].to_numpy())
        reasons = np.where(lost, HOSTILE, "").astype(object)
        study = example.study.assign(infeasible_reason=("trial", reasons))
        resources = example.resources.assign(
            host=("trial", np.full(study.sizes["trial"], HOSTILE, dtype=object))
        )
        hostile = example.render(
            card=card, launch=launch, findings=findings, study=study, resources=resources
        )
        # Findings about no hyperparameter by name show every axis plot, so those are compared
        # with the same findings under harmless texts.
        harmless = example.render(
            findings=tuple(
                finding | {name: "harmless" for name in ("summary", "advice") if finding[name]}
                for finding in example.findings
            )
        )
        assert structure(hostile) == structure(harmless)
        root = read(hostile)
        assert root.one("p", "goal").text == HOSTILE
        assert root.one("h1").text == HOSTILE
        assert root.one("title").text.startswith(HOSTILE)
        assert hostile.count("alert(1)") > 40

    def test_names_in_attributes_stay_attributes(self, example):
        hostile = 'a" onfocus="alert(1)'
        study = example.study.assign_coords(
            trial=[f"{hostile}{position}" for position in range(example.study.sizes["trial"])]
        )
        study.attrs["arms"] = [hostile, ARMS[1]]
        study["arm"] = ("trial", np.full(study.sizes["trial"], hostile, dtype=object))
        study = study.rename(error_rate=hostile)
        page = example.render(
            card=replace(example.card, objective_metric=f"validation/{hostile}"),
            study=study,
            launch=example.launch
            | {"candidate": example.launch["candidate"] | {"arm": hostile, "trial": hostile}},
            findings=(),
            plots={f"axis_{hostile}.{hostile}": "<svg/>"},
        )
        names = {name for element in read(page).walk() for name in element.attributes}
        assert not any(name.startswith("on") for name in names)
        assert f"validation/{hostile}, lower is better" in section(page, "rests-on").text


class TestDecision:
    def test_says_the_decision_its_reasons_and_caveats(self, example, page):
        decision = section(page, "decision")
        assert decision.one("p", "word").text == "◐ Provisional"
        items = [item.text for item in decision.all("li")]
        assert items[:2] == example.launch["reasons"]
        assert items[2:] == example.launch["what_would_change"]
        rests_on = section(page, "rests-on")
        assert [item.text for item in rests_on.all("li")] == example.launch["caveats"]
        assert example.launch["complexity"] in rests_on.text
        assert (
            decision.one("p", "difference").text
            == "Improvement over the baseline: +0.0021 (95 % interval −0.0004 to +0.0046)"
        )

    def test_draws_the_interval_in_proportion(self, page):
        drawing = section(page, "decision").one("svg")
        (zero,) = drawing.all("line", "zero")
        (wanted,) = drawing.all("line", "wanted")
        (span,) = drawing.all("line", "span")
        low, high = (float(span.attributes[name]) for name in ("x1", "x2"))
        # From -0.0004 to 0.0046: zero lies 8 % of the way, 0.001 lies 28 %.
        share = [(float(e.attributes["x1"]) - low) / (high - low) for e in (zero, wanted)]
        assert share == pytest.approx([0.08, 0.28], abs=0.002)

    def test_leads_to_the_open_problems(self, page):
        (link,) = [a for a in section(page, "decision").all("a") if a.text == "boundary"]
        assert link.attributes["href"] == "#finding-boundary"

    @pytest.mark.parametrize(
        ("decision", "sign"),
        [("adopt", "✓"), ("reject", "✕"), ("provisional", "◐"), ("undecided", "○")],
    )
    def test_every_decision_has_its_word_and_sign(self, example, decision, sign):
        page = example.render(launch=example.launch | {"decision": decision})
        assert section(page, "decision").one("p", "word").text == f"{sign} {decision.capitalize()}"


class TestEvidence:
    def test_table_holds_the_launch_decisions_own_numbers(self, example, page):
        candidate, (other,) = example.launch["candidate"], example.launch["other_arms"]
        head, *rows = table_rows(section(page, "evidence").all("table")[1])
        assert head[:2] == ["arm", "best trial"]
        assert [row[0] for row in rows] == [f"{ARMS[0]} candidate", ARMS[1], "baseline"]
        assert rows[0][1:5] == [
            candidate["trial"],
            "6 of 8",
            f"{candidate['search_objective']:.4g}",
            f"{candidate['mean']:.4g}",
        ]
        assert rows[1][2] == "7 of 8"
        assert rows[1][5] == f"{other['standard_deviation']:.2g}"
        assert rows[2][1:4] == ["–", "–", "–"]
        assert rows[2][7].split() == [
            f"{value:.4g}" for value in example.launch["baseline"]["rerun_objectives"]
        ]

    def test_lists_every_rerun(self, example, page):
        rows = table_rows(section(page, "evidence").all("details")[0])
        assert len(rows) == 1 + 15
        assert [row[2] for row in rows[1:]] == list(example.reruns["trial"].to_numpy())
        assert [row[1] for row in rows[1:6]] == ["1", "2", "3", "4", "5"]

    def test_shows_what_the_candidate_changes_once(self, page):
        (head, *rows) = table_rows(section(page, "evidence").all("table")[2])
        assert head == ["hyperparameter", "baseline", "candidate"]
        # The rerun of the baseline was drawn with other values; `optimizer` and `activation`
        # are the same, and `one_minus_momentum` only says `momentum` in another way.
        assert [row[0] for row in rows] == ["weight_decay", "learning_rate", "momentum"]
        assert all(row[1] != row[2] for row in rows)

    def test_the_isolation_plot_stands_beside_the_answer_and_reruns_with_the_evidence(self, page):
        (first,) = read(page).one("div", "opening").one("div", "beside").all("figure")
        assert first.attributes["id"] == "plot-isolation"
        (again,) = section(page, "evidence").all("figure")
        assert again.attributes["id"] == "plot-reruns"

    def test_the_answer_is_told_pair_by_pair_and_once_for_one_hyperparameter(self, example, page):
        evidence = section(page, "evidence")
        (heading,) = [h for h in evidence.all("h3") if "differs" in h.text]
        assert heading.text == "optimizer: differs"
        (_, row) = table_rows(evidence.all("table")[0])
        assert row == [*ARMS, "0.0042", "0.0018 to 0.0066", "p = 0.0021"]
        sentence = example.launch["answer"]["sentence"]
        assert section(page, "goal").one("p", "answered").text == sentence

    def test_it_counts_the_checks_that_ask_for_attention(self, page):
        told = section(page, "decision").one("p", "attention")
        assert told.text.startswith("2 of 4 checks ask for attention:")
        assert [link.attributes["href"] for link in told.all("a")][:1] == ["#finding-boundary"]

    def test_without_a_baseline(self, example):
        launch = example.launch | {"baseline": None, "difference": None}
        page = example.render(launch=launch)
        assert not section(page, "decision").all("svg")
        evidence = section(page, "evidence")
        assert "There is no baseline to compare with." in evidence.text
        assert "baseline" not in [row[0] for row in table_rows(evidence.all("table")[1])]
        head, *rows = table_rows(evidence.all("table")[2])
        assert head == ["hyperparameter", "candidate"]
        assert ["activation", "relu"] in rows

    def test_a_difference_that_cannot_be_told(self, example):
        page = example.render(launch=example.launch | {"difference": None})
        assert "do not show whether candidate and baseline differ" in section(page, "evidence").text

    def test_an_infeasible_rerun_is_a_dash(self, example):
        candidate = example.launch["candidate"] | {
            "rerun_objectives": [None, 0.5],
            "standard_deviation": None,
        }
        page = example.render(launch=example.launch | {"candidate": candidate})
        row = table_rows(section(page, "evidence").all("table")[1])[1]
        assert row[5:] == ["–", "2", "– 0.5"]

    def test_nothing_feasible_and_no_reruns(self, example):
        count = example.study.sizes["trial"]
        study = example.study.assign(
            objective=("trial", np.full(count, np.nan)),
            best_step=("trial", np.full(count, -1)),
            error_rate=example.study["error_rate"] * np.nan,
        )
        launch = example.launch | {
            "decision": "reject",
            "candidate": None,
            "baseline": None,
            "other_arms": [
                {"arm": arm, "trials": 8, "feasible_trials": 0, "trial": ""} for arm in ARMS
            ],
            "difference": None,
        }
        page = example.render(study=study, launch=launch, reruns=None)
        rows = table_rows(section(page, "evidence").all("table")[1])
        assert [row[:3] for row in rows[1:]] == [[arm, "–", "0 of 8"] for arm in ARMS]
        assert "16, of which 0 feasible" in section(page, "rests-on").text
        assert not section(page, "evidence").all("details")
        assert not section(page, "trials").all("svg")


class TestNumbers:
    def test_every_number_of_the_decision_is_in_the_launch(self, example):
        """Each is a number of launch.json, rounded; what names the method is no number."""
        launch = decide(example.study, example.reruns, (), min_improvement=0.001).to_json()
        page = example.render(launch=launch)
        known = [text for value in numbers_in(launch) for text in shown_as(value)]
        shown = [section(page, "decision").one("div", "verdict").text]
        shown += [e.text for e in section(page, "decision").all("li")]
        evidence = section(page, "evidence")
        for row in table_rows(evidence.all("table")[1])[1:]:
            shown += row[2:]
        shown += [pair.one("dd").text for pair in evidence.one("dl", "long").all("div")]
        found = re.findall(r"(?<![\w-])[+\N{MINUS SIGN}-]?\d[\d.]*(?:e-?\d+)?", " ".join(shown))
        numbers = [word.strip(".").lstrip("+\N{MINUS SIGN}-") for word in found]
        assert len(numbers) > 50
        assert {number for number in numbers if number not in known} <= {"95"}


def numbers_in(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for item in value for number in numbers_in(item)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


def shown_as(value):
    """How a page may write a number: rounded, as a share, or as the count of a list."""
    size = abs(value)
    rounded = {f"{size:.{n}g}" for n in (2, 3, 4)} | {f"{size:.{n}f}" for n in range(1, 7)}
    return rounded | {f"{100 * size:.3g}", f"{100 * size:.0f}", "5"}


class TestChecklist:
    def test_every_answer_is_a_word_and_a_sign(self, page):
        findings = section(page, "checklist").all("li", "finding")
        assert [finding.one("span", "badge").text for finding in findings] == [
            "✕ problem",
            "! warning",
            "✓ ok",
            "? cannot tell",
        ]
        counts = section(page, "checklist").one("p", "answers").text
        assert counts == "✕ 1 problem ! 1 warning ? 1 cannot tell ✓ 1 ok"

    def test_question_summary_advice_and_source_are_there(self, example, page):
        for finding, element in zip(
            example.findings, section(page, "checklist").all("li", "finding"), strict=True
        ):
            assert element.one("h3").text == finding["question"]
            assert finding["summary"] in element.text
            assert finding["advice"] in element.text
            assert finding["section"] in element.text
            assert ("Advice" in element.text) == bool(finding["advice"])
            linked = [link.attributes["href"] for link in element.all("a", "trial")]
            assert linked == [f"#trial-{trial}" for trial in finding["trials"]]

    def test_numbers_are_facts_and_records_are_tables(self, page):
        boundary = read(page).by_id("finding-boundary")
        assert "significance 0.03" in boundary.one("dl").text
        rows = table_rows(boundary.one("table"))
        assert rows[0] == ["hyperparameter", "arm", "top_ positions"]
        assert rows[-1] == ["learning_rate", ARMS[1], "0.04, 0.1"]
        assert "optimizer=nesterov › infeasible 1" in read(page).by_id("finding-infeasible").text

    def test_two_findings_of_one_check_have_two_ids(self, example):
        page = example.render(findings=(example.findings[0], example.findings[0]))
        ids = [f.attributes["id"] for f in section(page, "checklist").all("li", "finding")]
        assert ids == ["finding-boundary", "finding-boundary-2"]

    def test_without_findings(self, example):
        assert "No question was asked." in section(example.render(findings=()), "checklist").text


class TestPlots:
    def test_every_plot_is_embedded_once_with_its_text(self, example, page):
        sources = {}
        for image in read(page).all("img"):
            kind, data = image.attributes["src"].split(",", 1)
            assert kind == "data:image/svg+xml;base64"
            assert len(image.attributes["alt"]) > 10
            assert (image.attributes["width"], image.attributes["height"]) == ("504", "360")
            sources[image.parent.attributes["id"]] = base64.b64decode(data).decode()
        assert sorted(sources.values()) == sorted(example.plots.values())
        assert sources["plot-isolation"] == example.plots["isolation"]

    def test_order_and_titles(self, page):
        assert [f.one("h3").text for f in section(page, "plots").all("figure")] == [
            "Training curves",
            "Training loss",
            "Gradient norms",
            "weight_decay",
            "learning_rate (optimizer=nesterov)",
            "learning_rate (optimizer=adam)",
            "one_minus_momentum (optimizer=nesterov)",
        ]

    def test_a_study_without_plots(self, example):
        page = example.render(plots={})
        assert "None was drawn." in section(page, "plots").text
        assert not read(page).all("img")
        assert not read(page).all("ul", "thumbnails")


class TestTrials:
    def rows(self, page):
        table = read(page).by_id("trials-table")
        return [
            next(child for child in body.children if not isinstance(child, str))
            for body in table.all("tbody")
        ]

    def cells(self, row):
        return [cell for cell in row.children if not isinstance(cell, str)]

    def test_every_trial_best_first_infeasible_last(self, example, page):
        rows = [self.cells(row) for row in self.rows(page)]
        assert {row[0].text for row in rows} == set(example.study["trial"].to_numpy())
        keys = [row[1].attributes["data-key"] for row in rows]
        numbers = [float(key) for key in keys if key]
        assert numbers == sorted(numbers)
        assert len(numbers) == 13
        assert keys[13:] == ["", "", ""]
        assert rows[-1][1].text == "–"
        assert rows[-1][-2].text == ("diverged the training loss was not finite from step 412 on")

    def test_a_trial_that_ended_early_says_how(self, example):
        ended = np.full(example.study.sizes["trial"], "", dtype=object)
        place = int(np.flatnonzero(np.isfinite(example.study["objective"].to_numpy()))[0])
        ended[place] = "ended at step 50 of 100"
        study = example.study.assign(ended_early=("trial", ended))
        rows = [self.cells(row) for row in self.rows(example.render(study=study))]
        said = [row[0].text for row in rows if row[-2].text == "completed ended at step 50 of 100"]
        assert said == [str(study["trial"].to_numpy()[place])]

    def test_trials_of_unequal_length_say_how_long_they_trained(self, example, page):
        assert "trained for" not in section(page, "trials").text
        steps = np.arange(example.study.sizes["trial"]) * 100 + 1000
        study = example.study.assign(max_train_steps=("trial", steps))
        said = section(example.render(study=study), "trials").text
        assert all(f"trained for {step:,} steps" in said for step in steps)

    def test_keys_are_the_values_in_full(self, example, page):
        study = example.study.set_index(trial="trial")
        for row in self.rows(page):
            cells = self.cells(row)
            trial = study.sel(trial=cells[0].text)
            key = cells[4].attributes["data-key"]
            assert float(key) == trial["hp_learning_rate"].item()
            missing = np.isnan(trial["hp_one_minus_momentum"].item())
            assert (cells[5].attributes["data-key"] == "") == missing

    def test_a_maximized_objective_is_sorted_downwards(self, example):
        study = example.study.assign_attrs(objective_mode="max")
        page = example.render(card=replace(example.card, objective_mode="max"), study=study)
        keys = [self.cells(row)[1].attributes["data-key"] for row in self.rows(page)]
        numbers = [float(key) for key in keys[:13]]
        assert numbers == sorted(numbers, reverse=True)
        assert keys[13:] == ["", "", ""]
        (header,) = [
            th
            for th in read(page).by_id("trials-table").all("th")
            if th.attributes.get("aria-sort") == "descending"
        ]
        assert header.text == "validation/ error_ rate"
        assert "higher is better" in section(page, "rests-on").text

    def test_every_header_is_a_button(self, page):
        head = read(page).by_id("trials-table").one("thead")
        assert [button.text.replace("_ ", "_") for button in head.all("button")] == [
            "trial",
            "validation/ error_rate",
            "arm",
            "weight_decay",
            "learning_rate",
            "one_minus_momentum",
            "best step",
            "status",
            "place",
        ]
        assert {b.attributes["data-sort"] for b in head.all("button")} == {"text", "number"}

    def test_a_row_leads_to_the_trials_command_and_curve(self, example, page):
        trial = example.launch["candidate"]["trial"]
        body = read(page).by_id(f"trial-{trial}")
        (link,) = [a for a in body.all("a") if a.text == trial]
        assert link.attributes["href"] == f"#trial-{trial}"
        detail = body.one("tr", "detail")
        command = f"python -m tuning_playbook reproduce optimizer_choice --trial {trial}"
        assert detail.one("code").text == command
        facts = detail.one("dl").text
        place = list(example.study["trial"].to_numpy()).index(trial)
        assert f"seed {1000 + place}" in facts
        assert "momentum" in facts
        assert "activation" not in facts
        assert "peak memory 300.0 MiB" in facts
        assert len(detail.all("polyline")) == 2
        (columns,) = [cell.attributes["colspan"] for cell in detail.all("td")]
        assert int(columns) == len(self.cells(self.rows(page)[0]))

    def test_one_arm_needs_no_column(self, example):
        count = example.study.sizes["trial"]
        study = example.study.assign(
            arm=("trial", np.full(count, "all trials", dtype=object))
        ).assign_attrs(arms="all trials")
        counts = {"arm": "all trials", "trials": 16, "feasible_trials": 13}
        launch = example.launch | {"candidate": example.launch["candidate"] | counts}
        page = example.render(study=study, launch=launch)
        assert "arm" not in [
            b.text for b in read(page).by_id("trials-table").one("thead").all("button")
        ]
        rows = table_rows(section(page, "evidence").all("table")[1])
        assert rows[1][0] == "all trials candidate"
        assert rows[1][2] == "13 of 16"

    def test_says_which_trials_are_one(self, example, page):
        assert example.card.duplicates[0] in section(page, "trials").text

    def test_no_command_where_there_is_none(self, example):
        page = example.render(card=replace(example.card, trial_command=""))
        assert not section(page, "trials").all("code")


class TestDesign:
    def test_budget_and_the_time_it_took(self, example):
        budget = (
            BudgetRow(ARMS[0], 8, 5, 26_000),
            BudgetRow(ARMS[1], 8, 5, 26_000),
            BudgetRow("baseline", 0, 5, 10_000),
        )
        page = example.render(card=replace(example.card, budget=budget))
        rows = table_rows(section(page, "design").one("tbody"))
        # The trials took 4.0, 4.1, ... seconds, the arms in turn; of reruns nothing is known.
        assert rows == [
            [ARMS[0], "8", "5", "26,000", "37.6 s"],
            [ARMS[1], "8", "5", "26,000", "38.4 s"],
            ["baseline", "0", "5", "10,000", "–"],
            ["in all", "16", "15", "62,000", "–"],
        ]

    def test_advice_with_its_reason(self, example):
        advice = Advice("few_trials", "Fewer than 10.", "An arm may be luckier.", "Striking")
        page = example.render(card=replace(example.card, advice=(advice,)))
        (item,) = section(page, "design").all("li")
        assert item.text == "Fewer than 10. An arm may be luckier. In the playbook: Striking"

    def test_no_advice_is_said(self, example):
        page = example.render(card=replace(example.card, advice=()))
        assert "keeps the playbook's rules of thumb" in section(page, "design").text

    def test_what_the_design_cannot_tell(self, example):
        line = "periodicity: needs 10 evaluations, not 5; training.eval_every: 20"
        shown = section(example.render(card=replace(example.card, cannot_tell=(line,))), "design")
        assert [item.text for item in shown.all("li")][-1] == line
        shown = section(example.render(card=replace(example.card, cannot_tell=())), "design")
        assert "every check has the evaluations, trials and reruns that it needs" in shown.text

    def test_nothing_is_foreseen_of_finished_trials(self, example):
        page = example.render(card=replace(example.card, imported=True))
        assert "What the design cannot tell" not in section(page, "design").text

    def test_a_joint_design_is_said(self, example):
        page = example.render(card=replace(example.card, joint=True))
        assert "Dealt to the arms in turn" in section(page, "rests-on").text


class TestRoles:
    def test_groups_and_what_they_mean(self, page):
        bodies = section(page, "roles").all("tbody")
        assert [body.all("th")[0].text.split(" ")[0:3] for body in bodies] == [
            ["Scientific", "The", "study"],
            ["Nuisance", "Tuned", "anew"],
            ["Fixed", "by", "the"],
            ["Fixed", "by", "default"],
        ]
        nuisance, fixed, default = bodies[1:]
        assert table_rows(nuisance)[2] == [
            "learning_rate",
            "log_uniform [0.001, 1]",
            ARMS[0],
            "peak step size",
        ]
        assert table_rows(fixed)[1][:3] == ["activation", "relu", "every arm"]
        assert table_rows(default)[1][0] == "epsilon"

    def test_a_caveat_is_said_once(self, example):
        caveats = [
            "Fixed by the spec: activation. The conclusion holds at these values and might not "
            "at others.",
            "Left at their defaults: epsilon. Nobody judged for this study.",
        ]
        text = read(example.render(launch=example.launch | {"caveats": caveats})).text
        for words in ("might not at others", "Nobody judged"):
            assert text.lower().count(words.lower()) == 1

    def test_empty_groups_are_left_out(self, example):
        roles = tuple(row for row in example.card.roles if row.role != "fixed")
        page = example.render(card=replace(example.card, roles=roles))
        assert len(section(page, "roles").all("tbody")) == 2
        assert "fixed hyperparameter" not in section(page, "decision").text


class TestReproduce:
    def test_commands_and_spec(self, example, page):
        reproduce = section(page, "reproduce")
        codes = ["".join(code.children) for code in reproduce.all("code")]
        assert codes == [
            example.card.commands[0][1],
            "python -m tuning_playbook reproduce optimizer_choice --trial <trial>",
            example.card.spec_yaml,
        ]
        assert example.card.config in reproduce.text


class TestMachine:
    def test_software_and_totals(self, page):
        facts = {
            pair.one("dt").text: pair.one("dd").text
            for pair in section(page, "machine").one("dl").all("div")
        }
        assert facts == {
            "python": "3.11.7",
            "jax": "0.10.2",
            "backend": "cpu",
            "host": "workstation",
            "time, all trials together": "1 min 16 s",
            "of it compilation": "8.0 s",
            "most memory in use": "300.0 MiB",
            "trained": "2026-01-05T10:00:00Z",
        }

    def test_mixed_software_is_listed(self, example):
        resources = example.resources.copy()
        resources["version_jax"] = resources["version_jax"].copy()
        resources["version_jax"][3] = "0.10.1"
        page = example.render(resources=resources)
        assert "0.10.1, 0.10.2" in section(page, "machine").text

    def test_nothing_recorded(self, example):
        resources = example.resources.drop_vars(list(example.resources.data_vars))
        assert "Not recorded." in section(example.render(resources=resources), "machine").text


def test_datasets_read_from_files_give_the_same_report(example, page, tmp_path):
    read_back = {}
    for name in ("study", "reruns", "resources"):
        getattr(example, name).to_netcdf(tmp_path / f"{name}.nc")
        read_back[name] = xr.load_dataset(tmp_path / f"{name}.nc")
    assert example.render(**read_back) == page


READING = {
    "study": "optimizer_choice",
    "trial": "0123456789",
    "step": 1200,
    "read": "2026-01-31T12:00:00.000000+00:00",
    "examples": 360,
    "metrics": {"error_rate": 0.0312345, "loss": None},
}


class TestWhatIsAskedFor:
    """The test set and the final model: in the report only where the spec asks for them."""

    def test_the_test_set_is_shown_with_when_and_by_which_study(self, example):
        page = example.render(test={"reading": READING, "earlier": []})
        shown = section(page, "test")
        assert "Read on 2026-01-31 by the study optimizer_choice" in shown.text
        assert ["test/error_rate", "0.03123"] in table_rows(shown)
        assert "No earlier reading" in shown.text
        assert "#test" in [a.attributes["href"] for a in read(page).one("nav").all("a")]

    def test_earlier_readings_are_a_warning(self, example):
        other = READING | {"study": HOSTILE, "read": "2025-06-01T00:00:00+00:00"}
        own = READING | {"trial": "9876543210", "read": "2025-07-01T00:00:00+00:00"}
        page = example.render(test={"reading": READING, "earlier": [other, own]})
        shown = section(page, "test")
        assert "had been read before" in shown.text
        first, second = (item.text for item in shown.all("li"))
        assert first.startswith("2025-06-01: by the study <script>")
        assert second.startswith("2025-07-01: by this study")
        assert not shown.all("script")

    def test_a_final_model_has_the_playbooks_warning(self, example):
        final = {
            "trial": "0123456789",
            "steps": 1200,
            "examples": {"train": 1000, "validation": 300},
            "model": None,
        }
        shown = section(example.render(final=final), "final")
        assert "1000 training and 300 validation examples together" in shown.text
        assert "only right where no further launch of this workload will follow" in shown.text

    def test_the_spec_of_the_next_round_is_shown_as_it_is(self, example):
        page = example.render(next_study=HOSTILE)
        assert section(page, "next").one("pre").one("code").text == HOSTILE
        assert "#next" in [a.attributes["href"] for a in read(page).one("nav").all("a")]

    def test_without_a_feasible_trial_there_is_neither(self, example):
        page = example.render(test={"reading": None, "earlier": []}, final={"trial": None})
        assert "was not read" in section(page, "test").text
        assert "no final model" in section(page, "final").text
