"use strict";
(() => {
  const table = document.getElementById("trials-table");
  if (table) {
    const trials = Array.from(table.tBodies);
    const texts = new Map(trials.map((body) => [body, body.rows[0].textContent.toLowerCase()]));
    const filter = document.getElementById("filter");
    const status = document.getElementById("filter-status");
    const more = document.getElementById("more");
    const PAGE = 1000; // rows: a browser takes seconds to lay out many more
    let limit = PAGE;

    // Sorting: a header's button sorts by its column, and again the other way round.
    // Cells without a value stay last either way.
    const compare = (first, second, type) =>
      type === "number" ? Number(first) - Number(second) : first.localeCompare(second);
    const sort = (header, type) => {
      const ascending = header.getAttribute("aria-sort") !== "ascending";
      for (const other of header.parentNode.cells) other.setAttribute("aria-sort", "none");
      header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const keys = new Map(
        trials.map((body) => [body, body.rows[0].cells[header.cellIndex].dataset.key]),
      );
      trials.sort((first, second) => {
        const [one, two] = [keys.get(first), keys.get(second)];
        if (one === "" || two === "") return Number(one === "") - Number(two === "");
        return ascending ? compare(one, two, type) : compare(two, one, type);
      });
      table.append(...trials);
      show();
    };
    for (const button of table.tHead.querySelectorAll("button")) {
      button.addEventListener("click", () => sort(button.closest("th"), button.dataset.sort));
    }

    // Filtering: a trial stays that holds every word typed; of many the first are shown.
    const show = () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      let found = 0;
      for (const body of trials) {
        const holds = words.every((word) => texts.get(body).includes(word));
        found += holds ? 1 : 0;
        body.hidden = !holds || found > limit;
      }
      const told = words.length ? [`${found} of ${trials.length} trials`] : [];
      more.hidden = found <= limit;
      if (!more.hidden) told.push(`the first ${limit} are shown`);
      status.textContent = told.join("; ");
    };
    filter.addEventListener("input", show);
    more.addEventListener("click", () => {
      limit += PAGE;
      show();
    });
    filter.parentElement.hidden = false;
    show();

    // A link to a trial that is filtered out, or not among the first, brings it back.
    const bringBack = () => {
      const target = document.getElementById(location.hash.slice(1));
      const folded = target && target.closest("details:not([open])");
      if (folded) {
        folded.open = true;
        target.scrollIntoView();
      }
      if (target && target.hidden) {
        filter.value = "";
        show();
        target.hidden = false;
        target.scrollIntoView();
      }
    };
    addEventListener("hashchange", bringBack);
    bringBack();
  }

  // Hovering over a point of a plot, or going to it with the arrow keys, names its trial.
  const plots = table ? document.querySelectorAll("img[data-points]") : [];
  if (plots.length) {
    const NEAR = 14; // pixels
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.setAttribute("role", "status");
    const ring = document.createElement("div");
    ring.className = "ring";
    tip.hidden = ring.hidden = true;
    document.body.append(ring, tip);
    const hide = () => { tip.hidden = ring.hidden = true; };
    const rowOf = (trial) => document.getElementById(`trial-${trial}`);

    const show = (point) => {
      const { pageX, pageY } = place(point, boxOf(point.plot));
      const row = rowOf(point.trial); // in the table of trials a body of two, in that of reruns one
      const heads = Array.from(
        row.closest("table").tHead.rows[0].cells, (cell) => cell.textContent,
      );
      const lines = Array.from((row.rows ? row.rows[0] : row).cells)
        .map((cell, column) => [heads[column], cell.textContent])
        .filter(([, text]) => text !== "–");
      tip.replaceChildren(...lines.map(([name, text]) => {
        const line = document.createElement("div");
        line.textContent = `${name}: ${text}`;
        return line;
      }));
      tip.hidden = ring.hidden = false;
      ring.style.left = `${pageX}px`;
      ring.style.top = `${pageY}px`;
      const right = scrollX + document.documentElement.clientWidth - tip.offsetWidth - 8;
      tip.style.left = `${Math.max(8, Math.min(pageX + 12, right))}px`;
      tip.style.top = `${pageY + 14}px`;
    };

    // Where a point is on the page: a plot has a padding, and is as wide as there is room.
    const boxOf = (plot) => {
      const box = plot.getBoundingClientRect();
      const pad = parseFloat(getComputedStyle(plot).paddingLeft) + plot.clientLeft;
      return {
        left: scrollX + box.left + pad,
        top: scrollY + box.top + pad,
        width: box.width - 2 * pad,
        height: box.height - 2 * pad,
      };
    };
    const place = ({ x, y }, box) => ({
      pageX: box.left + (x / 100) * box.width,
      pageY: box.top + (y / 100) * box.height,
    });

    for (const plot of plots) {
      const points = plot.dataset.points.split(";").map((text) => {
        const [trial, x, y] = text.split(" ");
        return { plot, trial, x: Number(x), y: Number(y) };
      }).filter((point) => rowOf(point.trial));
      if (!points.length) continue;
      const along = Array.from(points).sort((one, other) => one.x - other.x);
      let current = null;
      const go = () => { location.hash = `trial-${current.trial}`; };
      plot.tabIndex = 0;
      plot.alt += " Arrow keys go from trial to trial, Enter leads to its row in the table.";
      plot.addEventListener("mousemove", (event) => {
        const box = boxOf(plot);
        let nearest = NEAR;
        current = null;
        for (const point of points) {
          const { pageX, pageY } = place(point, box);
          const distance = Math.hypot(pageX - event.pageX, pageY - event.pageY);
          if (distance < nearest) [nearest, current] = [distance, point];
        }
        plot.style.cursor = current ? "pointer" : "";
        if (current) show(current); else hide();
      });
      plot.addEventListener("mouseleave", hide);
      plot.addEventListener("blur", hide);
      plot.addEventListener("click", () => { if (current) go(); });
      plot.addEventListener("focus", () => {
        if (plot.matches(":focus-visible")) show(current = points[0]);
      });
      plot.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (step) {
          const at = current ? along.indexOf(current) + step : 0;
          show(current = along[(at + along.length) % along.length]);
        } else if (event.key === "Enter" && current) {
          go();
        } else if (event.key === "Escape") {
          hide();
          current = null;
        } else {
          return;
        }
        event.preventDefault();
      });
    }
  }

  // The page of all studies: a round stays that has the workload, the decision and every word.
  const rounds = Array.from(document.querySelectorAll(".round"));
  if (rounds.length) {
    const [filter, workload, decision, typed, status] = [
      "rounds-filter", "of-workload", "of-decision", "with-words", "rounds-status",
    ].map((id) => document.getElementById(id));
    const histories = Array.from(document.querySelectorAll(".history"));
    const texts = new Map(rounds.map((round) => [round, round.textContent.toLowerCase()]));
    const show = () => {
      const words = typed.value.toLowerCase().split(/\s+/).filter(Boolean);
      const holds = (round) =>
        ["", round.closest(".history").dataset.workload].includes(workload.value) &&
        ["", round.dataset.decision].includes(decision.value) &&
        words.every((word) => texts.get(round).includes(word));
      for (const round of rounds) round.hidden = !holds(round);
      for (const history of histories) {
        history.hidden = !history.querySelector(".round:not([hidden])");
      }
      const found = rounds.filter((round) => !round.hidden).length;
      status.textContent = `${found} of ${rounds.length} ${rounds.length === 1 ? "study" : "studies"}`;
    };
    for (const control of [workload, decision, typed]) control.addEventListener("input", show);
    filter.hidden = false;
    show();
  }

  // Each plot is in the file once; the checklist shows it small beside its answer.
  for (const link of document.querySelectorAll(".thumbnails a")) {
    const plot = document.getElementById(link.hash.slice(1)).querySelector("img");
    const small = new Image(plot.width, plot.height);
    small.src = plot.src;
    small.alt = "";
    link.prepend(small);
  }

  // A command is copied whole.
  if (navigator.clipboard) {
    for (const block of document.querySelectorAll(".command")) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(block.querySelector("code").textContent);
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 2000);
      });
      block.append(button);
    }
  }
})();
