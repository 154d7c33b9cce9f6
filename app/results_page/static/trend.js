// How rates have moved over campaigns, and whether that means anything.

import { h, table } from "./dom.js";
import { lacking } from "./headline.js";
import { count, nameOf, percent, period, points, pValue, span, t } from "./texts.js";
import { waves } from "./waves.js";

const called = (wave, all) => {
  const named = period(wave.period) || wave.title;
  return all.filter((one) => one.period === wave.period).length > 1 ? wave.title : named;
};

function compared(row) {
  const { change } = row;
  if (!change) return row.not_compared ? t("not_compared", { why: t(row.not_compared) }) : "–";
  return `${points(change.difference)} · ${significance(change)}`;
}

const significance = ({ significant, p }) =>
  t(significant ? "significant" : "not_significant", { p: p === null ? "–" : pValue(p) });

function sentence(line) {
  const row = line.rows[line.rows.length - 1];
  const before = line.rows[line.rows.length - 2];
  if (!row.change) {
    const why = row.not_compared ? t("not_compared", { why: t(row.not_compared) }) : lacking(row);
    return [`${nameOf(line.population)}: ${why}`];
  }
  return [
    t("change", {
      population: nameOf(line.population), before: called(before, line.rows),
      points: points(row.change.difference), significance: significance(row.change),
    }),
    row.change.same_mode ? null : t("other_mode"),
  ].filter(Boolean);
}

export function trend(section, seen) {
  const lines = seen.trends;
  const known = new Map(lines.flatMap((line) => line.rows.map((row) => [row.campaign, row])));
  const campaigns = [...known.values()].sort((a, b) => (a.opens_at < b.opens_at ? -1 : 1));
  const rows = lines.flatMap((line) => [...line.rows].reverse().map((row) => [line, row]));
  section.element.parentNode.classList.toggle("first-wave", lines.length === 0);
  section.show({
    key: JSON.stringify([seen.language, lines.map(({ as_of: _, ...line }) => line)]),
    title: t("trend"),
    says: lines.length
      ? lines.flatMap(sentence).map((text) => h("span", { class: "fact" }, text))
      : [t("first_wave")],
    rows,
    table: (some) => table(
      t("trend"),
      [t("campaign"), [t("rate"), "n"], [t("compared"), "n"], [t("people"), "n"]],
      some.map(([line, row]) => [
        lines.length > 1 ? `${called(row, line.rows)} · ${nameOf(line.population)}`
          : called(row, line.rows),
        row.rate === null ? lacking(row)
          : [h("strong", {}, percent(row.rate)),
            row.interval ? h("span", { class: "small" }, span(row.interval)) : null],
        compared(row), count(row.respondents),
      ]),
    ),
    build: lines.length
      ? waves(campaigns.map((one) => called(one, campaigns)), lines.map((line) => ({
        name: nameOf(line.population),
        points: campaigns.map((one) =>
          line.rows.find((row) => row.campaign === one.campaign) ?? null),
      })))
      : null,
  });
}
