"use strict";
// The page itself: shows an entry, takes a key, shows the next. Strangers' text enters through textContent alone.

(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("sample").textContent);
  const entries = data.entries;
  const pairs = data.kind === "pairs";
  const LABELS = pairs
    ? { a: "a", arrowleft: "a", b: "b", arrowright: "b", t: "tie", arrowdown: "tie" }
    : { 1: 1, 0: 0, 2: 0 };
  const MOVES = pairs
    ? { arrowup: back, n: next, u: undo }
    : { arrowleft: back, arrowright: next, u: undo };
  const SAID = { 1: "Pass", 0: "Fail", a: "A is better", b: "B is better", tie: "Tie" };
  const remembered = `harness-label/${data.sample}`;
  const vault = openVault();
  const narrow = matchMedia("(max-width: 900px)").matches;
  let rater = null;
  let keeper = null;
  let at = 0;
  let seen = 0; // when the entry was shown
  let reviewing = false;
  let unsaved = null;

  function element(tag, text, kind) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  function only(name) {
    for (const id of ["welcome", "work", "done"]) byId(id).hidden = id !== name;
  }

  const isOpen = (entry) => keeper.of(entry.id) === null;
  const nOpen = () => entries.filter(isOpen).length;

  // ---- what is shown

  function show(index) {
    at = index;
    seen = performance.now();
    only("work");
    const entry = entries[at];
    byId("turns").replaceChildren(...entry.turns.map(([role, text], i) => {
      const turn = element("div", undefined, i === entry.turns.length - 1 ? "turn last" : "turn");
      if (entry.turns.length > 1) turn.append(element("p", { user: "Customer", assistant: "Assistant", system: "Instruction" }[role], "who"));
      turn.append(element("p", text, "text"));
      return turn;
    }));
    entry.texts.forEach((text, i) => { byId(`text-${i}`).textContent = text; });
    const facts = [];
    if (entry.abstain) facts.push(["Right answer", "Not in the knowledge base: only saying so is right."]);
    for (const fact of entry.required) facts.push(["Must say", fact.slice(0, 3).join(" or ")]);
    for (const claim of entry.forbidden) facts.push(["Must not say", claim]);
    if (entry.reference) facts.push(["A good answer", entry.reference]);
    byId("facts").replaceChildren(...facts.flatMap(([term, text]) => [element("dt", term), element("dd", text, "text")]));
    byId("know").hidden = !facts.length;
    window.scrollTo(0, 0);
    refresh();
  }

  function refresh() {
    const done = entries.length - nOpen();
    byId("bar").value = done;
    byId("count").textContent = `${done} of ${entries.length} done${left(entries.length - done)}`;
    byId("back").disabled = at === 0;
    byId("next").disabled = at === entries.length - 1 && nOpen() > 0;
    const said = keeper.of(entries[at].id);
    for (const button of document.querySelectorAll("[data-label]")) {
      button.setAttribute("aria-pressed", String(said !== null && button.dataset.label === String(said)));
    }
    byId("q-h").textContent = `Question ${at + 1} of ${entries.length}`;
    warn();
  }

  // From the median of the latest: a coffee break does not count.
  function left(open) {
    const times = keeper.times().filter((s) => s !== null && s !== undefined).slice(-20).sort((a, b) => a - b);
    if (times.length < 3 || !open) return "";
    const minutes = (open * times[Math.floor(times.length / 2)]) / 60;
    return minutes < 1 ? ", less than a minute left" : `, about ${Math.round(minutes)} min left`;
  }

  function warn() {
    const text = keeper && !keeper.storing() && !data.served
      ? "This browser keeps nothing for this page: export your labels before you close it."
      : unsaved;
    byId("trouble").hidden = !text;
    byId("trouble").textContent = text ?? "";
  }

  function finish() {
    only("done");
    const open = nOpen();
    byId("done-h").textContent = open ? `${open} still without a label` : `All ${entries.length} done`;
    byId("done-text").textContent = open
      ? "You can go back to them, or hand in what you have."
      : `Thank you.${data.served ? "" : " One thing is left: export your labels and hand in the file."}`;
    byId("again").textContent = open ? "Go to the first of them" : "Look through them again";
    byId("done-h").focus();
    warn();
  }

  // ---- what is done

  function choose(value) {
    const seconds = Math.round(performance.now() - seen) / 1000;
    keeper.label(entries[at].id, value, seconds);
    const from = at;
    advance(from);
    const where = byId("work").hidden ? "All done." : `Question ${at + 1} of ${entries.length}.`;
    byId("heard").textContent = `${SAID[value]}. ${where}`;
  }

  function advance(from) {
    const open = entries.map((entry, i) => (isOpen(entry) ? i : -1)).filter((i) => i >= 0);
    if (open.length) show(open.find((i) => i > from) ?? open[0]);
    else if (reviewing && from + 1 < entries.length) show(from + 1);
    else finish();
  }

  function undo() {
    const entry = keeper.undo();
    if (entry === null) return;
    show(entries.findIndex((e) => e.id === entry));
    byId("heard").textContent = `Taken back. Question ${at + 1} of ${entries.length}.`;
  }

  function back() {
    if (!byId("done").hidden) show(entries.length - 1);
    else if (at > 0) show(at - 1);
  }

  function next() {
    if (!byId("done").hidden) return;
    if (at + 1 < entries.length) show(at + 1);
    else if (!nOpen()) finish();
  }

  function hand() {
    const file = {
      format: data.format,
      scenario: data.scenario,
      sample: data.sample,
      rater,
      exported: new Date().toISOString(),
      marks: keeper.marks(),
    };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(file, null, 1) + "\n"], { type: "application/json" }));
    const slug = rater.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "") || "rater";
    link.download = `labels-${data.scenario}-${data.sample.slice(0, 8)}-${slug}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  // ---- who is there

  async function begin(name) {
    rater = name;
    keeper?.close();
    unsaved = null;
    byId("saved").textContent = "";
    const mine = (keeper = makeKeeper({
      sample: data.sample,
      rater,
      served: data.served,
      known: new Set(entries.map((entry) => entry.id)),
      vault,
      heard: { changed: () => mine === keeper && changed(), saved: (...told) => mine === keeper && saved(...told) },
    }));
    byId("who").textContent = rater;
    try {
      localStorage.setItem(remembered, rater);
    } catch {
      // told by the keeper
    }
    vault.put(remembered, rater, () => true);
    await Promise.race([keeper.ready, new Promise((resolve) => setTimeout(resolve, 2000))]);
    if (mine === keeper) resume();
  }

  function resume() {
    reviewing = nOpen() === 0;
    if (reviewing) finish();
    else show(entries.findIndex(isOpen));
  }

  // Another tab or the server knows more. What is being read stays: it must not move under the reader's hand.
  function changed() {
    if (!byId("work").hidden) refresh();
    else if (!byId("done").hidden) finish();
  }

  function saved(waiting, problem) {
    byId("saved").textContent = waiting ? `${waiting} not saved yet` : "saved";
    unsaved = problem ? `Not saved: ${problem}. Go on: this browser keeps your labels and sends them later.` : null;
    warn();
  }

  function clean(name) {
    return (name ?? "").replace(/[\p{C}\s]+/gu, " ").trim().slice(0, byId("name").maxLength).trim();
  }

  function welcome() {
    only("welcome");
    byId("name").value = rater ?? "";
    if (!narrow) byId("name").focus(); // on a phone the guideline comes first, not the keyboard
  }

  byId("welcome").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = clean(byId("name").value);
    if (name) begin(name);
  });
  byId("change").addEventListener("click", welcome);
  byId("undo").addEventListener("click", undo);
  byId("back").addEventListener("click", back);
  byId("next").addEventListener("click", next);
  byId("export").addEventListener("click", hand);
  byId("export-done").addEventListener("click", hand);
  byId("again").addEventListener("click", () => {
    reviewing = nOpen() === 0;
    show(reviewing ? 0 : entries.findIndex(isOpen));
  });
  for (const button of document.querySelectorAll("[data-label]")) {
    const value = pairs ? button.dataset.label : Number(button.dataset.label);
    button.addEventListener("click", () => choose(value));
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !byId("welcome").hidden || !byId("keys").checked) return;
    const key = event.key.toLowerCase();
    const move = MOVES[key];
    const value = byId("work").hidden ? undefined : LABELS[key];
    if (!move && value === undefined) return;
    event.preventDefault();
    if (value === undefined) move();
    else if (!event.repeat) choose(value); // a key held down labels once
  });
  window.addEventListener("beforeunload", (event) => {
    if (keeper && !keeper.storing() && keeper.marks().length) event.preventDefault();
  });
  if (narrow) byId("guide").open = false;

  async function start() {
    let before = null;
    try {
      before = localStorage.getItem(remembered);
    } catch {
      // asked again
    }
    before ??= (await vault.all(remembered)).find(([key]) => key === remembered)?.[1];
    const named = clean(new URLSearchParams(location.search).get("rater")) || clean(before);
    if (named) begin(named);
    else welcome();
  }
  start();
})();
