"use strict";
(() => {
  const table = document.getElementById("trials-table");
  if (table) {
    const trials = Array.from(table.tBodies);
    const texts = new Map(trials.map((body) => [body, body.rows[0].textContent.toLowerCase()]));
    const filter = document.getElementById("filter");
    const status = document.getElementById("filter-status");

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
    };
    for (const button of table.tHead.querySelectorAll("button")) {
      button.addEventListener("click", () => sort(button.closest("th"), button.dataset.sort));
    }

    // Filtering: a trial stays that holds every word typed.
    const show = () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const body of trials) {
        body.hidden = !words.every((word) => texts.get(body).includes(word));
        shown += body.hidden ? 0 : 1;
      }
      status.textContent = words.length ? `${shown} of ${trials.length} trials` : "";
    };
    filter.addEventListener("input", show);
    filter.parentElement.hidden = false;

    // A link to a trial that is filtered out brings it back.
    addEventListener("hashchange", () => {
      const target = document.getElementById(location.hash.slice(1));
      if (target && target.hidden) {
        filter.value = "";
        show();
        target.scrollIntoView();
      }
    });
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
