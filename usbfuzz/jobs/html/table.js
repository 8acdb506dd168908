"use strict";
// Tables with the class "sortable": a click on a column's head sorts by it, a field above filters rows. A cell is
// compared by data-v where it has one, else by its text; numbers as numbers, what is empty always last. Of a long table
// (data-limit) only so many rows are laid out at a time: the first of those that match.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells], rows = [...body.rows];
  const line = document.querySelector(`.filter[data-for="${table.id}"]`), told = line?.querySelector("output");
  const value = (row, at) => { const cell = row.cells[at]; return cell.dataset.v ?? cell.textContent.trim(); };
  let order = rows, limit = Number(table.dataset.limit ?? Infinity), words = [], texts = null;
  const show = () => {
    let matching = 0;
    for (const row of order) {
      const fits = words.every((word) => texts.get(row).includes(word));
      row.hidden = !fits || matching >= limit;
      matching += fits;
    }
    if (!told) return;
    const cut = matching > limit;
    const count = (number) => number.toLocaleString("en");
    told.textContent = words.length ? `${count(matching)} of ${count(rows.length)}` : cut ? count(rows.length) : "";
    if (!cut) return;
    const all = document.createElement("button");
    all.type = "button";
    all.textContent = "show all";
    all.addEventListener("click", () => { limit = Infinity; show(); });
    told.append(`, the first ${limit} are shown: `, all);
  };
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const first = head.classList.contains("number") ? "descending" : "ascending";
      const second = first === "ascending" ? "descending" : "ascending";
      const way = head.getAttribute("aria-sort") === first ? second : first;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", way);
      const sign = way === "ascending" ? 1 : -1;
      const keyed = rows.map((row, was) => [value(row, at), was, row]);
      keyed.sort(([a, i], [b, j]) => {
        if (a === "" || b === "") return (a === "") - (b === "") || i - j;
        const x = Number(a), y = Number(b);
        const compared = Number.isNaN(x) || Number.isNaN(y) ? (a > b) - (a < b) : x - y;
        return sign * compared || i - j;
      });
      order = keyed.map(([, , row]) => row);
      order.forEach((row) => { row.hidden = true; });
      body.append(...order);
      show();
    });
  });
  if (!line) continue;
  const field = line.querySelector("input");
  field.addEventListener("input", () => {
    texts ??= new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
    words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    show();
  });
  line.hidden = false;
  if (rows.length > limit) show();
}
