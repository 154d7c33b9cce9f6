// What the campaign says in one figure, and how far to believe it.

import { changed } from "./address.js";
import { fill, h } from "./dom.js";
import { count, nameOf, percent, span, t } from "./texts.js";

export function lacking(row) {
  if (row.suppressed) return t("hidden");
  return row.respondents === 0 ? t("no_answers") : t("no_rate");
}

const range = (row) =>
  row.interval
    ? t("interval", { interval: span(row.interval) })
    : row.no_interval && row.rate !== null
      ? t("no_interval", { why: t(row.no_interval) })
      : null;

// The row of what is shown, or the composite of several populations.
function main(seen) {
  const { totals, population } = seen;
  if (population === undefined && totals.composite) {
    const respondents = totals.rows.reduce((sum, row) => sum + row.respondents, 0);
    const included = totals.rows.reduce((sum, row) => sum + row.included, 0);
    return { ...totals.composite, respondents, included, suppressed: included < respondents };
  }
  return totals.rows.find((row) => row.population === seen.named);
}

export function headline(tile, seen) {
  const title = h("h2", { id: "headline-title" }, t("headline"));
  const row = seen.totals && main(seen);
  const several = Boolean(row) && seen.population === undefined && seen.totals.rows.length > 1;
  tile.parentNode.classList.toggle("several", several);
  if (!row) {
    const why = seen.totals ? "no_answers" : "unreleased";
    fill(tile, title, h("p", { class: "lacking" }, t(why)));
    return;
  }
  const kind = row.interval_kind;
  const rate = row.rate === null
    ? h("p", { class: "lacking" }, lacking(row))
    : h("p", { class: "rate" }, percent(row.rate),
      kind === "none" ? null : h("span", { class: `kind ${kind}` }, t(kind)));
  const parts = row.populations?.filter((part) => part.share > 0)
    .map((part) => `${nameOf(part.population)} ${percent(part.share, 0)}`);
  fill(tile, title, rate,
    h("p", {}, [
      range(row),
      row.dont_know_share == null ? null : t("dont_know", { share: percent(row.dont_know_share) }),
      t("respondents", { n: count(row.respondents) }),
    ].filter(Boolean).map((text) => h("span", { class: "fact" }, text))),
    row.included < row.respondents
      ? h("p", { class: "soft" },
        row.included ? t("included", { n: count(row.included) }) : t("included_none"))
      : null,
    parts ? h("p", { class: "soft" }, t("composite_of", { parts: parts.join(" · ") })) : null,
    kind === "none" ? null : h("p", { class: "soft" }, t(`${kind}_means`)),
    several ? populations(seen) : null);
}

const populations = (seen) =>
  h("ul", { class: "populations", "aria-label": t("by_population") }, seen.totals.rows.map((row) =>
    h("li", {},
      h("a", { href: changed({ population: row.population, target: undefined }) },
        nameOf(row.population)),
      h("strong", {}, row.rate === null ? "–" : percent(row.rate)),
      h("span", { class: "soft" }, row.rate === null ? lacking(row) : [
        row.interval ? span(row.interval) : t(row.interval_kind),
        " · ", t("respondents", { n: count(row.respondents) }),
      ]))));
