"use strict";
// Tabs, sortable tables, the quality charts and printing. Text enters the page through textContent alone.

(() => {
  const byId = (id) => document.getElementById(id);

  function tabs(box) {
    const figures = [...box.querySelectorAll("figure[data-tab]")];
    if (figures.length < 2) return;
    const list = document.createElement("div");
    list.className = "tablist";
    list.setAttribute("role", "group");
    list.setAttribute("aria-label", "What the chart shows");
    const buttons = figures.map((figure, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = figure.dataset.tab;
      button.addEventListener("click", () => show(index));
      list.append(button);
      return button;
    });
    function show(chosen) {
      figures.forEach((figure, i) => { figure.hidden = i !== chosen; });
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === chosen)));
    }
    box.prepend(list);
    box.classList.add("ready");
    show(0);
  }

  function sortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (head.tagName !== "TH") return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(head, column));
    });
    function sort(head, column) {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const numbers = head.dataset.type === "number";
      const key = (row) => {
        const cell = row.cells[column];
        if (!numbers) return cell.textContent;
        return cell.dataset.sort === "" || cell.dataset.sort === undefined || cell.dataset.sort === "None"
          ? null : Number(cell.dataset.sort);
      };
      const rows = [...table.tBodies[0].rows].map((row) => [key(row), row]);
      rows.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null); // what is missing stays last
        const order = numbers ? a - b : a.localeCompare(b);
        return up ? order : -order;
      });
      table.tBodies[0].append(...rows.map(([, row]) => row));
    }
  }

  function quality() {
    const holder = byId("quality-data");
    if (!holder) return;
    const data = JSON.parse(holder.textContent);
    const charts = byId("quality-charts"), metric = byId("quality-metric"), key = byId("quality-key");
    const model = charts.querySelector(".multiple").cloneNode(true);

    function drawTicks(svg, ticks) {
      const text = svg.querySelector("text") || document.createElementNS(svg.namespaceURI, "text");
      svg.replaceChildren(...ticks.map(([at, label, anchor]) => {
        const one = text.cloneNode(false);
        one.setAttribute("x", at + "%");
        one.setAttribute("y", "12");
        one.setAttribute("text-anchor", anchor);
        one.textContent = label;
        return one;
      }));
    }

    function line(svg, kind, x1, x2, y1, y2) {
      const one = document.createElementNS(svg.namespaceURI, "line");
      one.setAttribute("class", kind);
      Object.entries({ x1: x1 + "%", x2: x2 + "%", y1, y2 }).forEach(([name, value]) => one.setAttribute(name, value));
      svg.append(one);
    }

    function drawTrack(svg, ticks, [at, low, high]) {
      svg.replaceChildren();
      ticks.forEach(([x]) => line(svg, "grid", x, x, 0, 22));
      if (low !== null && high !== null) line(svg, "bar", low, high, 11, 11);
      if (at === null) return;
      const dot = document.createElementNS(svg.namespaceURI, "circle");
      Object.entries({ class: "dot", cx: at + "%", cy: 11, r: 4.5 }).forEach(([name, value]) => dot.setAttribute(name, value));
      svg.append(dot);
    }

    function span(kind, text) {
      const one = document.createElement("span");
      one.className = kind;
      one.textContent = text;
      return one;
    }

    function drawFigure(cell, [, , , text, interval, n, missing, about, lacking]) {
      const tip = `${data.about[about]}. n = ${n}, ${missing} missing.`;
      const box = span(lacking ? "na" : "fig", lacking ? text : "");
      box.title = tip;
      if (lacking) box.tabIndex = 0;
      else {
        const value = document.createElement("b");
        value.textContent = text;
        box.append(value, " ", span("ci", interval || "no interval"));
      }
      box.append(span("vh", ` (${tip})`));
      cell.replaceChildren(box);
    }

    function drawGroup(value) {
      const table = data.metrics[metric.value], label = metric.selectedOptions[0].textContent;
      const chart = model.cloneNode(true);
      const title = `${label} · ${value ? `${key.value}: ${value}` : "all items"}`;
      chart.querySelector("h3").textContent = title;
      chart.querySelector("caption").textContent = title;
      drawTicks(chart.querySelector(".ticks"), table.ticks);
      const cells = table.cells[value ? `${key.value}=${value}` : "all"];
      [...chart.querySelectorAll("tbody tr")].forEach((row, i) => {
        drawTrack(row.querySelector(".track"), table.ticks, cells[i]);
        drawFigure(row.cells[2], cells[i]);
        row.cells[3].replaceChildren(String(cells[i][5]));
        if (cells[i][6]) row.cells[3].append(" ", span("miss", `${cells[i][6]} missing`));
      });
      return chart;
    }

    function draw() {
      charts.replaceChildren(...data.keys[key.value].map(drawGroup));
      charts.dataset.metric = metric.value;
      charts.dataset.key = key.value;
      byId("quality-status").textContent =
        `${metric.selectedOptions[0].textContent} by ${key.selectedOptions[0].textContent}`;
    }
    metric.addEventListener("change", draw);
    key.addEventListener("change", draw);
    byId("quality-controls").hidden = false;
  }

  function printing() {
    let opened = [];
    window.addEventListener("beforeprint", () => {
      opened = [...document.querySelectorAll(":is(section, .changes, .outcome) > details:not([open])")];
      opened.forEach((one) => { one.open = true; });
    });
    window.addEventListener("afterprint", () => opened.forEach((one) => { one.open = false; }));
  }

  document.querySelectorAll(".tabs").forEach(tabs);
  document.querySelectorAll("table[data-sortable]").forEach(sortable);
  quality();
  printing();
})();
