"use strict";
// The browser of side-by-side answers. What models wrote is only ever set as textContent.

(() => {
  const PAGE = 10, LONG = 600;
  const byId = (id) => document.getElementById(id);
  const holder = byId("examples-data");
  if (!holder) return;
  const data = JSON.parse(holder.textContent);
  const everyone = data.variants.map((_, i) => i);
  let found = data.items, start = 0, shown = everyone;

  function make(tag, kind, text) {
    const one = document.createElement(tag);
    if (kind) one.className = kind;
    if (text !== undefined) one.textContent = text;
    return one;
  }

  /* Filters */

  const marks = (item, of) => of.map((v) => item.a[v][0]);
  const KINDS = [
    ["all", "All items", () => true],
    ["differ", "Answers differ in success", (item) => new Set(marks(item, shown)).size > 1],
    ["allwrong", "All wrong", (item) => marks(item, shown).every((m) => m === 0)],
    ["allright", "All right", (item) => marks(item, shown).every((m) => m === 1)],
    ["errors", "No answer or not scored", (item) => shown.some((v) => item.a[v][0] === null || item.a[v][1] === null)],
  ];
  data.variants.forEach((name, v) => {
    KINDS.push([`only:${v}`, `Only ${name} is right`,
      (item) => item.a[v][0] === 1 && shown.every((other) => other === v || item.a[other][0] !== 1)]);
  });
  data.variants.forEach((name, v) => {
    KINDS.push([`fail:${v}`, `Failures of ${name}`, (item) => item.a[v][0] !== 1]);
  });

  function option(value, text) {
    const one = make("option", "", text);
    one.value = value;
    return one;
  }

  function fillControls() {
    const groups = [["", "Items"], ["only:", "Only one is right"], ["fail:", "Failures"]];
    groups.forEach(([prefix, label]) => {
      const group = make("optgroup");
      group.label = label;
      KINDS.filter(([value]) => (prefix ? value.startsWith(prefix) : !value.includes(":"))).forEach(([value, text, test]) =>
        group.append(option(value, `${text} (${data.items.filter(test).length})`)));
      byId("f-kind").append(group);
    });
    const slices = new Map();
    data.items.forEach((item) => Object.entries(item.sl).forEach(([key, value]) => {
      if (!slices.has(key)) slices.set(key, new Map());
      slices.get(key).set(value, (slices.get(key).get(value) || 0) + 1);
    }));
    byId("f-slice").append(option("", "All groups"));
    slices.forEach((values, key) => {
      const group = make("optgroup");
      group.label = key;
      [...values].sort(([a], [b]) => a.localeCompare(b)).forEach(([value, n]) =>
        group.append(option(JSON.stringify([key, value]), `${key}: ${value} (${n})`)));
      byId("f-slice").append(group);
    });
  }

  function haystack(item) {
    if (item.hay === undefined) {
      item.hay = [item.id, ...item.q.map((turn) => turn[1]), ...item.ref, ...item.req, ...item.forb,
        ...item.a.map((answer) => answer[1] || "")].join("\n").toLowerCase();
    }
    return item.hay;
  }

  function filter() {
    const kind = KINDS.find(([value]) => value === byId("f-kind").value)[2];
    const slice = byId("f-slice").value ? JSON.parse(byId("f-slice").value) : null;
    const words = byId("f-text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const picked = [...document.querySelectorAll("#browser input[name=variant]:checked")].map((box) => Number(box.value));
    shown = picked.length ? picked : everyone;
    found = data.items.filter((item) => kind(item) && (!slice || item.sl[slice[0]] === slice[1])
      && words.every((word) => haystack(item).includes(word)));
    start = 0;
    draw();
  }

  /* Drawing */

  function text(content, kind) {
    const box = make("div");
    const body = make("p", `text ${kind || ""}`, content);
    body.dir = "auto";
    box.append(body);
    if (content.length > LONG || content.split("\n").length > 12) {
      body.classList.add("clamp");
      const button = make("button", "more", `Show all ${content.length.toLocaleString("en")} characters`);
      button.type = "button";
      button.setAttribute("aria-expanded", "false");
      button.addEventListener("click", () => {
        const open = !body.classList.toggle("clamp");
        button.setAttribute("aria-expanded", String(open));
        button.textContent = open ? "Show less" : `Show all ${content.length.toLocaleString("en")} characters`;
      });
      box.append(button);
    }
    return box;
  }

  function mark(value) {
    if (value === 1) return make("span", "mark right", "✓ right");
    return value === 0 ? make("span", "mark wrong", "✗ wrong") : make("span", "mark none", "not scored");
  }

  function passages(list, item) {
    const box = make("details");
    box.append(make("summary", "", `${list.length} retrieved passage${list.length === 1 ? "" : "s"}`));
    list.forEach(([id, score]) => {
      const [title, body] = Object.hasOwn(data.passages, id) ? data.passages[id] : [id, "n/a: the text of this passage was not kept"];
      const source = item.src.includes(id.split("#")[0]);
      const one = make("div", source ? "passage source" : "passage");
      one.append(make("b", "", title), make("span", "quiet", `${id} · similarity ${score.toFixed(2)}${source ? " · holds the answer" : ""}`), text(body));
      box.append(one);
    });
    return box;
  }

  function reply(item, v) {
    const [value, answer, note, list] = item.a[v];
    const box = make("article", `reply s${data.colours[v]}`);
    const head = make("h4", "", data.variants[v]);
    head.append(mark(value));
    box.append(head, answer === null ? make("p", "na", "n/a") : answer === "" ? make("p", "quiet", "(empty answer)") : text(answer));
    if (note) box.append(make("p", "why", note));
    if (list.length) box.append(passages(list, item));
    return box;
  }

  function expectations(item) {
    const list = make("dl", "expect");
    const add = (name, value) => list.append(make("dt", "", name), value);
    const said = (content) => { const dd = make("dd"); dd.append(text(content)); return dd; };
    if (item.abs) add("Expected", make("dd", "", "to say that the knowledge base does not hold it"));
    if (item.ref.length) add("Reference", said(item.ref[0]));
    if (item.req.length) add("Must say", said(item.req.join("  ·  ")));
    if (item.forb.length) add("Must not say", said(item.forb.join("  ·  ")));
    if (item.src.length) add("Stands in", make("dd", "", item.src.join(", ")));
    return list;
  }

  function entry(item) {
    const box = make("div", "item");
    const tags = Object.entries(item.sl).map(([key, value]) => `${key}: ${value}`);
    box.append(make("h3", "", [item.id, ...tags].join("  ·  ")));
    item.q.forEach(([who, content], i) => {
      const turn = make("div", i === item.q.length - 1 ? "turn last" : "turn");
      if (item.q.length > 1) turn.append(make("span", "who", who));
      turn.append(text(content));
      box.append(turn);
    });
    const answers = make("div", "answers");
    shown.forEach((v) => answers.append(reply(item, v)));
    box.append(expectations(item), answers);
    return box;
  }

  function draw() {
    byId("f-items").replaceChildren(...found.slice(start, start + PAGE).map(entry));
    byId("f-status").textContent = found.length
      ? `${start + 1}–${Math.min(start + PAGE, found.length)} of ${found.length.toLocaleString("en")} item${found.length === 1 ? "" : "s"}` : "No item matches.";
    ["f-prev", "f-prev2"].forEach((id) => { byId(id).disabled = start === 0; });
    ["f-next", "f-next2"].forEach((id) => { byId(id).disabled = start + PAGE >= found.length; });
  }

  function turn(step) {
    start = Math.max(0, start + step * PAGE);
    draw();
    byId("browser").scrollIntoView();
  }

  fillControls();
  ["f-kind", "f-slice"].forEach((id) => byId(id).addEventListener("change", filter));
  document.querySelectorAll("#browser input[name=variant]").forEach((box) => box.addEventListener("change", filter));
  let waiting = 0;
  byId("f-text").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 120); });
  [["f-prev", -1], ["f-prev2", -1], ["f-next", 1], ["f-next2", 1]].forEach(([id, step]) =>
    byId(id).addEventListener("click", () => turn(step)));
  byId("browser").hidden = false;
  draw();
})();
