"use strict";
// The assumptions as sliders. The arithmetic is that of comparison/utility.py, in the same order of operations.

(() => {
  const byId = (id) => document.getElementById(id);
  const holder = byId("assumptions-data");
  if (!holder) return;
  const { model, fields, symbol, lacking } = JSON.parse(holder.textContent);
  const PREFIX = "#terms:", STEPS = 1000, inf = Infinity;
  const variants = model.variants;
  const stated = Object.fromEntries(fields.map((f) => [f.name, f.stated]));
  let now = { ...stated };

  /* Arithmetic */

  function termsOf(values) {
    const t = { ...model.terms, ...values };
    if (!model.terms.weights) return t;
    t.weights = Object.fromEntries(Object.entries(model.terms.weights).map(([name, swing]) =>
      [name, swing && { ...swing, weight: values[`weights.${name}`] ?? swing.weight }]));
    return t;
  }

  const serving = (v, t) => (v.machine_s === null ? null
    : v.monthly_per_replica !== null ? Math.max(1, Math.ceil(t.monthly_requests / v.monthly_per_replica - 1e-9))
      * 730.5 * t.serving_price_per_hour / t.monthly_requests + v.other_per_request
    : v.machine_s / 3600 * t.serving_price_per_hour / t.utilisation + v.other_per_request);
  const training = (v, t) => v.training_hours * t.training_price_per_hour + v.other_once;
  const fixed = (v, t) => training(v, t) / t.retraining_months + v.per_month;

  function utility(v, t, month, per1000) {
    if (t.value_of_success !== null) {
      if (v.expected_success === null || month === null || (t.cost_of_harm > 0 && v.expected_harm === null)) return null;
      return t.monthly_requests * (v.expected_success * t.value_of_success - (v.expected_harm ?? 0) * t.cost_of_harm) - month;
    }
    if (!t.weights) return null;
    let total = 0, score = 0;
    for (const [swing, figure] of [[t.weights.quality, v.expected_quality], [t.weights.latency, v.latency_s], [t.weights.cost, per1000]]) {
      if (!swing) continue;
      if (figure === null) return null;
      total += swing.weight;
      score += swing.weight * Math.min(Math.max((figure - swing.worst) / (swing.best - swing.worst), 0), 1);
    }
    return score / total;
  }

  function outcome(v, t) {
    const each = serving(v, t), limit = t.max_cost_per_1000;
    const month = each === null ? null : t.monthly_requests * each + fixed(v, t);
    const per1000 = month === null ? null : 1000 * month / t.monthly_requests;
    const said = limit === null ? "" : `the limit of ${money(limit, 6)} per 1,000 requests`;
    const over = limit === null || (per1000 !== null && per1000 <= limit) ? null
      : per1000 === null ? `its cost is unknown, so ${said} cannot be checked` : `costs ${money(per1000)}, above ${said}`;
    return {
      v, month, per1000, perSuccess: per1000 !== null && v.success_rate ? per1000 / v.success_rate : null,
      utility: utility(v, t, month, per1000), ruledOut: v.ruled_out ?? over,
    };
  }

  const by = (...keys) => (a, b) => { for (const key of keys) { const x = key(a), y = key(b); if (x !== y) return x < y ? -1 : 1; } return 0; };

  function rank(outcomes) {
    const index = (o) => outcomes.indexOf(o), price = (o) => o.per1000 ?? inf;
    const sign = model.higher_is_better ? -1 : 1;
    const allowed = outcomes.filter((o) => o.ruledOut === null);
    if (!allowed.length) return [];
    if (allowed.some((o) => o.utility !== null)) return allowed.sort(by((o) => (o.utility === null ? inf : -o.utility), price, index));
    const byQuality = allowed.sort(by((o) => (o.v.quality === null ? inf : sign * o.v.quality), price, index));
    const best = byQuality[0].v.variant;
    const tied = byQuality.filter((o) => !o.v.worse_than.includes(best));
    return [...[...tied].sort(by(price, (o) => byQuality.indexOf(o))), ...byQuality.filter((o) => !tied.includes(o))];
  }

  function breakEven(a, b, t) {
    for (const v of [a, b]) {
      if (serving(v, t) === null || !v.success_rate || v.monthly_per_replica !== null) return [a, b, null];
    }
    const line = (v) => [serving(v, t) / v.success_rate, fixed(v, t) / v.success_rate];
    let [sa, fa] = line(a), [sb, fb] = line(b);
    if (sb < sa || (sb === sa && fb < fa)) [a, sa, fa, b, sb, fb] = [b, sb, fb, a, sa, fa];
    const [low, high] = t.volume_range;
    if (fa <= fb) return [a, b, null];
    const crossing = sb > sa ? (fa - fb) / (sb - sa) : inf;
    return [a, b, crossing < low || crossing > high ? null : crossing];
  }

  function evaluate(t) {
    const outcomes = variants.map((v) => outcome(v, t));
    const pairs = variants.flatMap((a, i) => variants.slice(i + 1).map((b) => breakEven(a, b, t)));
    return { outcomes, ranking: rank(outcomes), pairs };
  }

  /* Words, as figures.py has them */

  const grouped = (value, digits) => value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });

  function money(value, figures = 3) {
    const size = Math.abs(value), sign = value < 0 ? "\u2212" : "";
    if (size === 0) return `${symbol}0`;
    const exponent = Math.floor(Math.log10(size)), place = 10 ** (exponent - figures + 1);
    const rounded = exponent >= figures ? Math.floor(size / place + 0.5) * place : size;
    const digits = rounded >= 100 ? 0 : Math.min(20, Math.max(2, figures - 1 - exponent));
    const [whole, cents = ""] = grouped(rounded, digits).split(".");
    return sign + symbol + whole + (cents && `.${cents.slice(0, 2)}${cents.slice(2).replace(/0+$/, "")}`);
  }

  function count(value) {
    const place = 10 ** (Math.floor(Math.log10(value)) - 1);
    const rounded = place >= 1 ? Math.round(value / place) * place : Number(value.toPrecision(2));
    return rounded >= 1e6 ? `${Number((rounded / 1e6).toPrecision(10)).toLocaleString("en-US")} million` : grouped(rounded, 0);
  }

  const inMoney = (t) => t.value_of_success !== null;
  const worth = (value, t) => (value === null ? null : inMoney(t) ? money(value) : value.toFixed(3));

  function sentence(ranking, t) {
    if (!ranking.length) return ["No variant qualifies", ""];
    const [first, second] = ranking;
    const bill = first.month === null ? "Its cost is unknown." : `${money(first.per1000)} for 1,000 requests, ${money(first.month)} a month.`;
    const other = second && second.utility !== null ? second : null;
    let said = "";
    if (first.utility !== null && inMoney(t)) {
      said = ` Worth ${money(first.utility)} a month${other ? `, ${money(first.utility - other.utility)} more than ${other.v.variant}` : ""}.`;
    } else if (first.utility !== null) {
      said = ` Weighted score ${worth(first.utility, t)}${other ? `, ${other.v.variant} ${worth(other.utility, t)}` : ""}.`;
    }
    return [`Use ${first.v.variant}`, bill + said];
  }

  /* The page */

  function make(tag, kind, text) {
    const one = document.createElement(tag);
    if (kind) one.className = kind;
    if (text !== undefined) one.textContent = text;
    return one;
  }

  const keys = new Map([...document.querySelectorAll("#assumptions-rows tr")].map((row) => [row.dataset.variant, row.querySelector(".key")]));

  function cell(text, why) {
    const box = make("td", "num", text ?? undefined);
    if (text !== null) return box;
    const none = make("span", "na", "n/a");
    Object.assign(none, { title: why, tabIndex: 0 });
    none.append(make("span", "vh", ` (${why})`));
    box.append(none);
    return box;
  }

  function row(o, place, t) {
    const line = make("tr", place === 1 ? "chosen" : "");
    line.dataset.variant = o.v.variant;
    const head = Object.assign(make("th"), { scope: "row" });
    head.append(keys.get(o.v.variant));
    if (o.ruledOut !== null) head.append(" ", make("span", "verdict", o.ruledOut));
    const figures = [o.per1000, o.perSuccess, o.month].map((value) => (value === null ? null : money(value)));
    line.append(head, make("td", "num", place ? String(place) : "out"),
      ...[...figures, worth(o.utility, t)].map((text, i) => cell(text, lacking[i])));
    return line;
  }

  function pairLine([above, other, volume]) {
    const line = make("li", "", `Above ${count(volume)} requests a month ${above.variant} costs less per success than ${other.variant}.`);
    Object.assign(line.dataset, { above: above.variant, other: other.variant, volume: String(volume) });
    return line;
  }

  const shown = (field, value) => (value === null ? "not stated" : field.money ? money(value)
    : field.times === 100 ? `${Number((100 * value).toPrecision(6))}%` : `${value.toLocaleString("en-US", { maximumSignificantDigits: 6 })}${field.after}`);

  function draw() {
    const t = termsOf(now), found = evaluate(t);
    const [title, text] = sentence(found.ranking, t);
    byId("assumptions-choice").textContent = title;
    byId("assumptions-said").textContent = text;
    const out = found.outcomes.filter((o) => o.ruledOut !== null);
    byId("assumptions-rows").replaceChildren(...found.ranking.map((o, i) => row(o, i + 1, t)), ...out.map((o) => row(o, 0, t)));
    byId("assumptions-worth").textContent = inMoney(t) ? "Worth a month" : "Weighted score";
    byId("assumptions-table").classList.toggle("no-worth", !inMoney(t) && !t.weights);
    const pairs = found.pairs.filter((pair) => pair[2] !== null).sort(by((pair) => pair[2]));
    byId("assumptions-pairs").replaceChildren(...(pairs.length ? pairs.map(pairLine) : [make("li", "", "None in the range of volumes.")]));
    const changed = fields.filter((f) => now[f.name] !== stated[f.name]);
    byId("assumptions-state").textContent = changed.length
      ? `Not the report's assumptions: ${changed.map((f) => `${f.short} ${shown(f, now[f.name])} (report: ${shown(f, stated[f.name])})`).join("; ")}.`
      : "These are the report's own assumptions.";
    byId("assumptions").classList.toggle("changed", changed.length > 0);
    byId("assumptions-reset").disabled = !changed.length;
    remember(changed);
  }

  function remember(changed) {
    const text = changed.map((f) => `${f.name}=${now[f.name] ?? ""}`).join("&");
    if (text) history.replaceState(null, "", PREFIX + text);
    else if (location.hash.startsWith(PREFIX)) history.replaceState(null, "", location.pathname + location.search);
  }

  /* Controls */

  const allowed = (f, value) => (value === null ? f.optional : Number.isFinite(value) && value <= f.most && (f.positive ? value > 0 : value >= 0));
  const position = (f, value) => Math.round(STEPS * (f.log ? Math.log(value / f.low) / Math.log(f.high / f.low) : (value - f.low) / (f.high - f.low)));
  const valueAt = (f, at) => Number((f.log ? f.low * (f.high / f.low) ** (at / STEPS) : f.low + (f.high - f.low) * at / STEPS).toPrecision(3));
  const parts = (f) => ["", "-slider"].map((end) => byId(`t-${f.name}${end}`));

  function slide(f) {
    const slider = parts(f)[1], value = now[f.name];
    slider.value = value === null || (f.log && value <= 0) ? 0 : position(f, value);
    slider.setAttribute("aria-valuetext", shown(f, value));
  }

  function fill(f) {
    const [field] = parts(f), value = now[f.name];
    field.value = value === null ? "" : String(Number((value * f.times).toPrecision(12)));
    field.setCustomValidity("");
    slide(f);
  }

  function listen(f) {
    const [field, slider] = parts(f);
    slider.addEventListener("input", () => { now[f.name] = valueAt(f, Number(slider.value)); fill(f); draw(); });
    field.addEventListener("input", () => {
      const bad = field.validity.badInput, value = field.value.trim() === "" ? null : Number(field.value) / f.times;
      const good = !bad && allowed(f, value);
      field.setCustomValidity(good ? "" : "Not possible; the last possible value is used.");
      if (!good) return field.reportValidity();
      now[f.name] = value;
      slide(f);
      draw();
    });
    field.addEventListener("change", () => fill(f));
  }

  function restore() {
    if (!location.hash.startsWith(PREFIX)) return;
    const given = new URLSearchParams(location.hash.slice(PREFIX.length));
    now = { ...stated };
    fields.forEach((f) => {
      const text = given.get(f.name), value = text === "" ? null : Number(text);
      if (text !== null && allowed(f, value)) now[f.name] = value;
    });
    fields.forEach(fill);
    draw();
    byId("assumptions").scrollIntoView();
  }

  fields.forEach((f) => { listen(f); fill(f); });
  byId("assumptions-form").addEventListener("submit", (event) => event.preventDefault());
  byId("assumptions-reset").addEventListener("click", () => { now = { ...stated }; fields.forEach(fill); draw(); });
  window.addEventListener("hashchange", restore);
  byId("assumptions-form").hidden = false;
  restore();
})();
