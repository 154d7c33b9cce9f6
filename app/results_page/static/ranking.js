// The units beside each other: ranks only where they may be ranked, with what chance allows.

import { changed } from "./address.js";
import { h, table } from "./dom.js";
import { mostRows } from "./drawing.js";
import { lacking } from "./headline.js";
import { count, nameOf, percent, span, t } from "./texts.js";
import { whiskers } from "./whiskers.js";

const missing = (row) => row.because.includes("suppressed") ? t("hidden") : lacking(row);

// What the chart shows: all, or the first and the last of many.
function charted(ranked, unranked) {
  const all = ranked.length + unranked.length;
  const most = mostRows(all);
  const end = Math.floor(most / 2);
  if (all <= most) return [...ranked, ...unranked];
  if (ranked.length > most) return [...ranked.slice(0, end), ...ranked.slice(-end)];
  return [...ranked, ...unranked.slice(0, most - ranked.length)];
}

export function ranking(section, seen) {
  const rows = seen.ranking?.rows ?? [];
  const ranked = rows.filter((row) => !row.insufficient);
  const unranked = rows.filter((row) => row.insufficient);
  const shown = charted(ranked, unranked.filter((row) => row.rate !== null));
  const all = seen.totals?.rows ?? [];
  const mean = rows.find((row) => row.among_siblings?.parent.code === seen.unit.code)
    ?.among_siblings.parent_rate ?? (all.length === 1 && !seen.ranking?.headline_channels
      ? all[0].rate : null);
  section.show({
    key: JSON.stringify([seen.language, seen.level, rows, mean, shown.length]),
    title: `${nameOf(seen.level)}${seen.language === "en" ? ": ranking" : t("ranking")}`,
    says: seen.ranking ? says(seen, ranked, unranked, shown) : [t("unreleased")],
    rows,
    table: (some) => table(
      t("ranking"),
      [t("unit"), [t("rank"), "n"], [t("rate"), "n"], [t("people"), "n"]],
      some.map((row) => [
        name(seen, row),
        row.rank === null ? because(seen, row)
          : [h("strong", {}, String(row.rank)), rangeOf(row)],
        row.rate === null ? missing(row)
          : [h("strong", {}, percent(row.rate)), row.interval ? small(span(row.interval)) : null],
        row.because.includes("suppressed") ? "–" : count(row.respondents),
      ]),
    ),
    build: shown.length
      ? whiskers(
        shown.map((row) => ({
          name: row.rank === null ? row.unit.name : `${row.rank}  ${row.unit.name}`,
          rate: row.rate, interval: row.interval, hollow: row.insufficient,
        })),
        mean === null ? undefined : { name: seen.unit.name, rate: mean },
      )
      : null,
  });
}

const small = (text) => h("span", { class: "small" }, text);

const rangeOf = (row) => row.rank_range && row.rank_range[0] !== row.rank_range[1]
  ? small(t("ranks", { from: row.rank_range[0], to: row.rank_range[1] }))
  : null;

const joined = (seen, texts) => texts.join(seen.language === "en" ? ", " : "、");

const reasons = (seen, codes) =>
  joined(seen, codes.map((one) => t(one, { n: seen.ranking.min_rank })));

const because = (seen, row) => [t("unranked"), small(reasons(seen, row.because))];

// A unit with units below it leads there.
function name(seen, row) {
  const { code, name: called } = row.unit;
  if (seen.levels.indexOf(seen.level) === seen.levels.length - 1) return called;
  const href = changed({ within: code, level: undefined });
  return h("a", { href, "aria-label": t("below", { name: called }) }, called);
}

function says(seen, ranked, unranked, shown) {
  const { ranking: found } = seen;
  const codes = ["too_few", "below_target", "suppressed"].filter((code) =>
    unranked.some((row) => row.because.includes(code)));
  const { coefficient_of_variation: cv, units } = found.equity;
  const channels = found.headline_channels && joined(seen, found.headline_channels.map(nameOf));
  const many = ranked.length + unranked.filter((row) => row.rate !== null).length > shown.length;
  const end = shown.length / 2;
  const facts = [
    channels ? t("only_channels", { channels }) : null,
    ranked.length ? t("ranking_say", { n: ranked.length }) : t("nobody_ranked"),
    ranked.length && unranked.length ? t("unranked_say", { n: unranked.length }) : null,
    many && ranked.length > shown.length ? t("ends", { top: end, bottom: end })
      : many && shown.length ? t("first_ones", { n: shown.length }) : null,
  ];
  const more = [
    codes.length ? t("unranked_why", { why: reasons(seen, codes) }) : null,
    ranked.length ? t("ranking_means") : null,
    cv === null || ranked.length < 2 ? null : t("equity", { cv: cv.toFixed(4), n: units }),
  ];
  return [
    facts.filter(Boolean).map((text) => h("span", { class: "fact" }, text)),
    more.filter(Boolean).map((text) => h("span", { class: "fact not-on-walls" }, text)),
  ];
}
