// How far each unit is with what was to be reached.

import { changed } from "./address.js";
import { reached } from "./bars.js";
import { h, table } from "./dom.js";
import { mostRows } from "./drawing.js";
import { count, day, given, nameOf, percent, t } from "./texts.js";


// The targets of the populations that are shown.
function targets({ campaign, population, populations }) {
  const shown = population === undefined ? populations : [population];
  return shown.flatMap((code) => (campaign.populations[code]?.targets ?? []).map((target) => ({
    population: code, ...target, key: `${code}.${target.name}`,
    label: shown.length > 1 ? `${nameOf(code)} · ${nameOf(target.name)}` : nameOf(target.name),
  })));
}

const said = (row) => [
  t("coverage_say", {
    unit: row.unit.name, responded: count(row.responded), required: count(row.required),
    progress: row.required ? percent(row.responded / row.required) : "–",
  }),
  row.met ? t("coverage_met") : null,
  row.basis_missing ? t("basis_missing", { n: count(row.basis_missing) }) : null,
  row.met || !row.expected_on ? null : t("expected", { day: day(row.expected_on) }),
  row.met || row.on_time !== false ? null : t("late"),
];

const gapOf = (row) => row.gap ?? Math.max(0, row.required - row.responded);

export function coverage(section, seen) {
  const all = targets(seen);
  const chosen = all.find((one) => one.key === seen.target) ?? all[0];
  const mine = (row) => row.population === chosen?.population && row.target === chosen?.name;
  const rows = chosen ? seen.coverage.rows.filter(mine) : [];
  const whole = seen.here.rows.find((row) => mine(row) && row.unit.code === seen.unit.code);
  const behind = rows.filter((row) => row.share !== null)
    .sort((a, b) => a.share - b.share || (a.unit.code < b.unit.code ? -1 : 1))
    .slice(0, mostRows(rows.length));
  const expects = rows.some((row) => row.expected_on);
  section.show({
    key: JSON.stringify([seen.language, all, chosen, rows, whole]),
    title: t("coverage"),
    says: chosen ? says(all, chosen, rows, whole, behind) : [t("no_targets")],
    rows,
    table: (some) => table(
      `${t("coverage")} · ${chosen.label}`,
      [t("unit"), [t("responded"), "n"], [t("required"), "n"], [t("share"), "n"], [t("gap"), "n"],
        ...(expects ? [[t("expected_on"), "n"]] : [])],
      some.map((row) => [
        row.unit.name, count(row.responded), row.required === null ? "–" : count(row.required),
        row.share === null ? t("no_basis") : percent(row.share),
        row.met ? t("met") : row.required === null ? "–" : count(gapOf(row)),
        ...(expects ? [h("span", { class: "whole" }, row.expected_on ?? "–")] : []),
      ]),
    ),
    build: behind.length
      ? reached(behind.map((row) => ({ name: row.unit.name, share: row.share, met: row.met })),
        chosen.share)
      : null,
  });
}

function says(all, chosen, rows, whole, behind) {
  const known = rows.filter((row) => row.met !== null);
  const met = known.filter((row) => row.met).length;
  const choices = all.length > 1 && h("nav", { class: "choices", "aria-label": t("target") },
    all.map((one) => h("a", {
      href: changed({ target: one.key }), "aria-current": one === chosen ? "true" : null,
    }, one.label)));
  const target = t("target_is", {
    name: chosen.label, basis: t(chosen.basis), share: given(chosen.share),
  });
  const lags = whole && whole.required !== null && !whole.met;
  const more = [
    lags ? t("coverage_gap", { n: count(gapOf(whole)) }) : null,
    lags && whole.pace
      ? t("pace", { n: whole.pace.toFixed(whole.pace < 10 ? 1 : 0) }) : null,
  ];
  return [
    choices || null,
    h("p", {}, [
      target, ...(whole && whole.required !== null ? said(whole) : []),
      known.length > 1 ? t("units_met", { met, all: known.length }) : null,
      behind.length && behind.length < rows.length ? t("furthest", { n: behind.length }) : null,
    ].filter(Boolean).map((text) => h("span", { class: "fact" }, text)),
    more.filter(Boolean).map((text) => h("span", { class: "fact not-on-walls" }, text))),
  ];
}
