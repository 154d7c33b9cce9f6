// How the figures are made, for those who would check them.

import { fill, h } from "./dom.js";
import { moment, t } from "./texts.js";

export function method(holder, seen) {
  const { campaign, totals, release, publications } = seen;
  const known = totals && release && release.number === totals.release;
  fill(holder,
    h("h2", { id: "method-title" }, t("method")),
    h("ul", {}, [
      t("method_rate"), t("method_interval"),
      totals?.exact ? t("method_live") : t("method_release", { n: campaign.min_cell }),
      known ? t("digest", { digest: release.digest.slice(0, 16) }) : null,
    ].filter(Boolean).map((text) => h("li", {}, text))),
    publications.length ? [
      h("h3", {}, t("publications")),
      h("ul", {}, publications.map((one) => h("li", {}, named(one)))),
    ] : null);
}

const named = (one) => [
  t("publication", { n: one.number }), one.title, moment(one.made_at),
  t("release", { n: one.release }),
  one.corrected_by === null ? null : t("corrected", { n: one.corrected_by }),
].filter(Boolean).join(" · ");
