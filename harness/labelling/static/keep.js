"use strict";
// Keeps what a rater said, so that neither a reload, a crash nor a second tab loses any of it. Every entry has a key
// of its own in the browser's storage and in the vault: two tabs never write over each other's entries, and of two
// marks on one entry the later holds, here as on the server.

function makeKeeper({ sample, rater, served, known, heard, vault }) {
  const prefix = `harness-label/${sample}/${rater}/`;
  const marks = new Map();
  const mine = []; // entries labelled in this tab, to be undone from the end
  const unsent = new Set();
  let inStorage = true;
  let inVault = true;
  let sending = false;
  let wait = 1000;
  let lastOrder = 0;

  const isMark = (m) => m !== null && typeof m === "object" && Number.isFinite(m.at) && Number.isFinite(m.order);
  const isLater = (a, b) => !b || a.at > b.at || (a.at === b.at && String(a.label) > String(b.label));

  function store(entry, mark) {
    try {
      localStorage.setItem(prefix + entry, JSON.stringify(mark));
    } catch {
      inStorage = false;
    }
    vault.put(prefix + entry, mark, isLater).then((kept) => {
      if (kept || !inVault) return;
      inVault = false;
      heard.changed();
    });
  }

  // A mark from elsewhere (storage, another tab, the server): taken where it is later than what is known.
  function take(entry, mark) {
    if (!known.has(entry) || !isMark(mark) || !isLater(mark, marks.get(entry))) return false;
    marks.set(entry, mark);
    lastOrder = Math.max(lastOrder, mark.order);
    return true;
  }

  function put(entry, mark) {
    const before = marks.get(entry);
    mark.at = Math.max(Date.now(), before ? before.at + 1 : 0);
    marks.set(entry, mark);
    store(entry, mark);
    if (served) {
      unsent.add(entry);
      send();
    }
  }

  function label(entry, value, seconds) {
    const before = marks.get(entry);
    const was = before && before.label !== null ? { label: before.label, order: before.order } : null;
    lastOrder = Math.max(Date.now(), lastOrder + 1);
    put(entry, { label: value, order: lastOrder, seconds, was });
    mine.push([entry, lastOrder]);
  }

  // Takes back this tab's last label, or after a reload the last one of all. Gives its entry, or null.
  function undo() {
    let entry = null;
    while (entry === null && mine.length) {
      const [last, order] = mine.pop();
      if (marks.get(last).order === order && marks.get(last).label !== null) entry = last;
    }
    if (entry === null) {
      for (const [one, m] of marks) {
        if (m.label !== null && (entry === null || m.order > marks.get(entry).order)) entry = one;
      }
    }
    if (entry === null) return null;
    const { was, seconds } = marks.get(entry);
    put(entry, { label: was ? was.label : null, order: was ? was.order : 0, seconds, was: null });
    return entry;
  }

  const wire = ([entry, m]) => ({ entry, label: m.label, at: m.at, order: m.order, seconds: m.seconds ?? null });
  const key = new URLSearchParams(location.search).get("key");
  const headers = { "Content-Type": "application/json", ...(key ? { "X-Label-Key": key } : {}) };

  async function send() {
    if (sending || !unsent.size) return;
    sending = true;
    const batch = [...unsent].slice(0, 200).map((entry) => [entry, marks.get(entry)]);
    try {
      const body = JSON.stringify({ sample, rater, marks: batch.map(wire) });
      const answer = await fetch("marks", { method: "POST", headers, body, keepalive: body.length < 60000 });
      if (!answer.ok) throw new Error(await reason(answer));
      for (const [entry, mark] of batch) if (marks.get(entry) === mark) unsent.delete(entry);
      wait = 1000;
      heard.saved(unsent.size, null);
    } catch (e) {
      heard.saved(unsent.size, e instanceof TypeError ? "the server does not answer" : e.message);
      wait = Math.min(wait * 2, 10000);
    }
    sending = false;
    if (unsent.size) setTimeout(send, wait === 1000 ? 0 : wait);
  }

  async function reason(answer) {
    try {
      return String((await answer.json()).error);
    } catch {
      return `the server says ${answer.status}`;
    }
  }

  // What the server has, and what it lacks.
  async function meet() {
    try {
      const answer = await fetch(`marks?rater=${encodeURIComponent(rater)}`, { headers });
      if (!answer.ok) throw new Error(await reason(answer));
      const found = (await answer.json()).marks;
      const there = new Map(found.map((m) => [m.entry, m]));
      for (const [entry, mark] of there) if (take(entry, { ...mark, was: null })) store(entry, marks.get(entry));
      for (const [entry, mark] of marks) if (isLater(mark, there.get(entry))) unsent.add(entry);
      heard.saved(unsent.size, null);
      heard.changed();
      send();
    } catch (e) {
      heard.saved(unsent.size, e instanceof TypeError ? "the server does not answer" : e.message);
      setTimeout(meet, 5000);
    }
  }

  function read(entry, text) {
    try {
      return take(entry, JSON.parse(text));
    } catch {
      return false; // not ours, or cut off
    }
  }

  function fromStorage(event) {
    if (!event.key || !event.key.startsWith(prefix) || event.newValue === null) return;
    if (read(event.key.slice(prefix.length), event.newValue)) heard.changed();
  }

  try {
    localStorage.setItem(prefix, "");
    localStorage.removeItem(prefix);
    for (const entry of known) {
      const text = localStorage.getItem(prefix + entry);
      if (text !== null) read(entry, text);
    }
  } catch {
    inStorage = false;
  }
  window.addEventListener("storage", fromStorage);

  async function start() {
    for (const [key, mark] of await vault.all(prefix)) take(key.slice(prefix.length), mark);
    if (served) await meet();
  }

  return {
    ready: start(), // whether the server answered or not
    label,
    undo,
    of: (entry) => marks.get(entry)?.label ?? null,
    times: () => [...marks.values()].filter((m) => m.label !== null).sort((a, b) => a.order - b.order).map((m) => m.seconds),
    marks: () => [...marks].map(wire),
    storing: () => inStorage || inVault,
    close: () => window.removeEventListener("storage", fromStorage),
  };
}
