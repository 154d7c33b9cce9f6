// What stands around the sections: the campaign's name, what is shown, and what is wrong just now.

import { changed } from "./address.js";
import { fill, h } from "./dom.js";
import { hour, moment, nameOf, otherLanguage, period, t } from "./texts.js";

export function frame() {
  const title = h("h1");
  const facts = h("p", { class: "facts" });
  const controls = h("nav", { class: "controls" });
  const status = h("p", { class: "problem", role: "status", hidden: true });
  const tiles = h("div", { class: "tiles", id: "results" });
  const method = h("section", { class: "method", "aria-labelledby": "method-title" });
  const header = h("header", {}, h("div", { class: "titles" }, title, facts), controls);
  const element = h("div", { class: "frame" }, header, status, tiles, method);
  const headline = h("section", { class: "tile headline", "aria-labelledby": "headline-title" });

  // What is `expected`, such as no release yet, is no trouble.
  const tell = (text, more, expected = false) => {
    status.classList.toggle("expected", expected);
    status.hidden = !text;
    if (status.textContent !== (text ?? "")) fill(status, text, more);
  };

  return {
    element, tiles, method, headline, tell,

    show(seen, readAt) {
      const name = seen.unit.code === seen.campaign.region ? "" : ` · ${seen.unit.name}`;
      title.textContent = seen.campaign.title + name;
      document.title = title.textContent;
      fill(facts, said(seen, readAt).map((text) => h("span", { class: "fact" }, text)));
      fill(controls, choices(seen));
      controls.setAttribute("aria-label", t("choices"));
      tiles.hidden = method.hidden = false;
    },

    // Where there is nothing to show at all.
    fail(text, more) {
      tiles.hidden = method.hidden = true;
      if (!title.textContent) title.textContent = t("page");
      tell(text, more || null);
    },
  };
}

function said({ campaign, totals, release }, readAt) {
  const named = campaign.contact?.bureau;
  const number = totals?.release && t("release", { n: totals.release }) +
    (release?.final && release.number === totals.release ? ` · ${t("final")}` : "");
  return [
    campaign.sandbox ? t("sandbox") : null, named, period(campaign.period), t(campaign.state),
    totals?.exact ? t("live") : number,
    totals ? t("as_of", { time: moment(totals.as_of) }) : null,
    t("read_at", { time: hour(readAt) }),
  ].filter(Boolean);
}

function choices(seen) {
  const link = (text, changes, current) =>
    h("a", { href: changed(changes), "aria-current": current ? "true" : null }, text);
  const group = (name, ...links) =>
    h("div", { class: "choices", role: "group", "aria-label": name }, links);
  const { parent, levels, level, populations, population } = seen;
  const up = parent && {
    within: parent.code === seen.campaign.region ? undefined : parent.code, level: undefined,
  };
  return [
    parent ? group(t("above", { name: "" }), link(`← ${t("above", { name: parent.name })}`, up))
      : null,
    populations.length > 1 ? group(t("population"),
      link(t("everybody"), { population: undefined, target: undefined }, population === undefined),
      populations.map((one) =>
        link(nameOf(one), { population: one, target: undefined }, one === population))) : null,
    levels.length > 1 ? group(t("level"), levels.map((one) =>
      link(nameOf(one), { level: one }, one === level))) : null,
    group(t("page"), link(t("language"), { lang: otherLanguage() }), link(t("wall"), { wall: 1 })),
  ];
}
