"use strict";
(() => {
  const source = document.getElementById("rows");
  if (!source) return;
  // A row: see rows.rs.
  const [TIME, SEVERITY, RULE, KIND, VALUE, HOST, PLACE, FLAGS, BEFORE, MATCHED, AFTER] = Array(11).keys();
  const LEVELS = ["informational", "low", "medium", "high", "critical"];
  const LABELS = ["INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"];
  const STEP = 200;

  const rows = JSON.parse(source.textContent);
  const level = (row) => LEVELS.indexOf(row[SEVERITY]);
  const texts = rows.map((row) => row.join("\n").toLowerCase());
  const find = (id) => document.getElementById(id);
  const text = find("filter-text");
  const severity = find("filter-severity");
  const rule = find("filter-rule");
  const host = find("filter-host");
  const body = document.querySelector("#table tbody");
  const heads = [...document.querySelectorAll("#table th")];
  let shown = rows.map((_, at) => at);
  let limit = STEP;

  // Text goes in as text: a log line is never read as markup.
  function element(name, content, className) {
    const made = document.createElement(name);
    if (content) made.textContent = content;
    if (className) made.className = className;
    return made;
  }

  function fill(select, column) {
    const values = [...new Set(rows.map((row) => row[column]))].filter(Boolean).sort();
    for (const value of values.slice(0, 500)) {
      const option = element("option", value.length > 60 ? value.slice(0, 59) + "…" : value);
      option.value = value;
      select.append(option);
    }
    select.parentElement.hidden = values.length < 2;
  }

  function draw(row) {
    const line = element("tr");
    line.append(element("td", row[TIME]));
    const badge = element("td");
    badge.append(element("span", LABELS[level(row)], "badge level-" + LEVELS[level(row)]));
    const what = element("td");
    what.append(element("span", row[RULE], "name"), " ");
    what.append(element("span", row[KIND], "kind"));
    if (row[VALUE] && row[VALUE] !== row[RULE]) what.append(" ", element("code", row[VALUE]));
    if (row[FLAGS]) what.append(element("div", row[FLAGS], "flags"));
    const sample = element("code", "", "sample");
    sample.append(row[BEFORE], element("mark", row[MATCHED]), row[AFTER]);
    if (sample.textContent) what.append(sample);
    line.append(badge, what, element("td", row[HOST]), element("td", row[PLACE]));
    return line;
  }

  function render() {
    body.replaceChildren(...shown.slice(0, limit).map((at) => draw(rows[at])));
    const more = shown.length - limit;
    find("more").hidden = more <= 0;
    find("more").textContent = "Show " + Math.min(more, STEP) + " more";
    find("shown").textContent = shown.length.toLocaleString("en") + " of " + rows.length.toLocaleString("en");
  }

  function compare(one, other, column) {
    if (column === SEVERITY) return level(one) - level(other);
    return one[column] < other[column] ? -1 : one[column] > other[column] ? 1 : 0;
  }

  function update() {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const least = Number(severity.value);
    shown = rows.map((_, at) => at).filter((at) => {
      const row = rows[at];
      return level(row) >= least
        && (!rule.value || row[RULE] === rule.value)
        && (!host.value || row[HOST] === host.value)
        && words.every((word) => texts[at].includes(word));
    });
    const sorted = heads.find((head) => head.ariaSort);
    if (sorted) {
      const column = Number(sorted.dataset.column);
      const sign = sorted.ariaSort === "ascending" ? 1 : -1;
      shown.sort((one, other) => sign * compare(rows[one], rows[other], column) || one - other);
    }
    limit = STEP;
    render();
  }

  for (const head of heads) {
    head.firstElementChild.addEventListener("click", () => {
      const next = head.ariaSort === "ascending" ? "descending" : "ascending";
      for (const other of heads) other.ariaSort = null;
      head.ariaSort = next;
      update();
    });
  }
  for (const control of [text, severity, rule, host]) control.addEventListener("input", update);
  find("more").addEventListener("click", () => { limit += STEP; render(); });
  window.addEventListener("beforeprint", () => {
    for (const group of document.querySelectorAll(".groups details")) group.open = true;
  });
  fill(rule, RULE);
  fill(host, HOST);
  render();
})();
