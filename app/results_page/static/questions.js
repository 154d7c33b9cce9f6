// What is asked, question by question: rates with intervals, and how people answered.

import { shares } from "./bars.js";
import { h, table } from "./dom.js";
import { lacking } from "./headline.js";
import { count, indicator, inWords, percent, span, t } from "./texts.js";
import { whiskers } from "./whiskers.js";

const LONGEST = 26;

// The indicator questions with their rows, in the questionnaire's order.
function asked(seen) {
  const rows = new Map((seen.questions?.rows ?? []).map((row) => [row.question, row]));
  const { questionnaire } = seen;
  return flat(questionnaire.questions).flatMap((question) => {
    const row = rows.get(question.code);
    if (!question.indicator || !row) return [];
    const whole = inWords(question.label);
    const short = indicator(questionnaire.code, question.code) ?? clipped(whole);
    return [{ row, whole, short, options: optionsOf(questionnaire, question) }];
  });
}

// A matrix asks one question a row: `code.row`.
const flat = (questions) => questions.flatMap((one) =>
  one.type !== "matrix" ? [one] : one.rows.map((row) => ({
    ...one, code: `${one.code}.${row.value}`, label: row.label,
  })));

const clipped = (text) =>
  [...text].length > LONGEST ? `${[...text].slice(0, LONGEST - 1).join("")}…` : text;

const optionsOf = (questionnaire, question) =>
  (question.options ?? questionnaire.scales?.[question.scale] ?? []).map((option) => ({
    value: option.value, label: inWords(option.label), counts_as: option.counts_as ?? "excluded",
  }));

const rateOf = (row) => (row.comparable === false ? null : row.rate);
const why = (row) => (row.comparable === false ? t("not_same") : lacking(row));

export function questions(section, seen) {
  const all = asked(seen);
  const rated = all.filter(({ row }) => rateOf(row) !== null);
  const sorted = [...rated].sort((a, b) => b.row.rate - a.row.rate);
  const [best, worst] = [sorted[0], sorted[sorted.length - 1]];
  section.show({
    key: JSON.stringify([seen.language, all]),
    title: t("questions"),
    says: rated.length
      ? [
        best.row.rate > worst.row.rate
          ? h("span", { class: "fact" }, t("questions_say", {
            best: best.short, high: percent(best.row.rate), worst: worst.short,
            low: percent(worst.row.rate),
          }))
          : null,
        h("span", { class: "fact not-on-walls" }, t("lines")),
      ]
      : [all.length ? why(all[0].row) : t(seen.questions ? "no_answers" : "unreleased")],
    rows: all,
    table: (rows) => table(
      t("questions"),
      [t("question"), [t("rate"), "n"], [t("interval", { interval: "" }), "n"],
        [t("dont_know", { share: "" }), "n"], [t("answered"), "n"]],
      rows.map(({ row, whole }) => rateOf(row) === null
        ? [whole, "–", why(row), "–", row.answered === null ? "–" : count(row.answered)]
        : [whole, percent(row.rate), row.interval ? span(row.interval) : t("none"),
          percent(row.dont_know_share), count(row.answered)]),
    ),
    build: rated.length
      ? whiskers(all.map(({ row, short }) =>
        ({ name: short, rate: rateOf(row), interval: row.interval })))
      : null,
  });
}

export function answers(section, seen) {
  const all = asked(seen).filter(({ row }) => row.counts);
  const scale = all[0]?.options ?? [];
  const values = scale.map((option) => option.value).join();
  const alike = all.filter(({ options }) => options.map((one) => one.value).join() === values);
  const rows = alike.filter(({ row }) => row.answered > 0).map(({ row, short, whole }) => ({
    name: short, whole, answered: row.answered,
    shares: Object.fromEntries(
      Object.entries(row.counts).map(([value, n]) => [value, n / row.answered])),
  }));
  section.show({
    key: JSON.stringify([seen.language, rows, scale]),
    title: t("shares"),
    says: [t(rows.length ? "shares_say" : !seen.questions ? "unreleased"
      : all.length ? "no_answers" : "hidden")],
    rows,
    table: (some) => table(
      t("shares"),
      [t("question"), ...scale.map((option) => [option.label, "n"]), [t("answered"), "n"]],
      some.map((row) => [row.whole,
        ...scale.map((option) => percent(row.shares[option.value] ?? 0)), count(row.answered)]),
    ),
    build: rows.length ? shares(rows, scale) : null,
  });
}
