// The page: whose it is, what it shows, and when it reads again.

import * as address from "./address.js";
import { Api, Failure } from "./api.js";
import { coverage } from "./coverage.js";
import { forget, fromAddress, keep, kept } from "./credentials.js";
import { fill, h } from "./dom.js";
import { frame } from "./frame.js";
import { headline } from "./headline.js";
import { watch } from "./live.js";
import { method } from "./method.js";
import { answers, questions } from "./questions.js";
import { ranking } from "./ranking.js";
import { read } from "./reading.js";
import { Section } from "./section.js";
import { hour, otherLanguage, speak, t } from "./texts.js";
import { trend } from "./trend.js";

const EVERY = 60_000;
const AFTER_FAILURE = 15_000;
const BETWEEN_EVENTS = 5_000;
const TO_BE_TOLD = ["credentials", "scope", "network"];

const page = document.getElementById("page");
const parts = frame();
const sections = {
  questions: new Section("questions"), ranking: new Section("ranking"),
  trend: new Section("trend"), answers: new Section("answers"), coverage: new Section("coverage"),
};
const show = { questions, ranking, trend, answers, coverage };
parts.tiles.append(parts.headline, ...Object.values(sections).map((one) => one.element));
const opened = () => parts.tiles.classList.toggle(
  "opened", !!parts.tiles.querySelector("details[open]:not([hidden])"));
parts.tiles.addEventListener("toggle", opened, true);

let api;
let unwatch = () => {};
let timer;
let seen;
let readAt;
let turn = 0;

function asked() {
  const wanted = address.asked();
  speak(wanted.lang);
  document.documentElement.toggleAttribute("data-wall", wanted.wall === "1");
  return { ...wanted, language: document.documentElement.lang };
}

function render() {
  if (parts.element.parentNode !== page) fill(page, parts.element);
  parts.show(seen, readAt);
  headline(parts.headline, seen);
  for (const [name, section] of Object.entries(sections)) show[name](section, seen);
  method(parts.method, seen);
  opened();
}

// Read everything and show it. A turn that was overtaken by another shows nothing.
async function refresh() {
  const mine = (turn += 1);
  const wanted = asked();
  clearTimeout(timer);
  page.setAttribute("aria-busy", "true");
  let next = EVERY;
  try {
    const found = await read(api, address.campaign(), wanted);
    if (mine !== turn) return;
    seen = { ...found, language: wanted.language };
    readAt = new Date();
    render();
    parts.tell(seen.totals ? null : t("no_release"), null, true);
  } catch (failure) {
    if (mine !== turn) return;
    if (!(failure instanceof Failure)) console.error(failure);
    next = failed(failure instanceof Failure
      ? failure : new Failure("other", { status: failure.name }));
  } finally {
    if (mine === turn) {
      page.removeAttribute("aria-busy");
      if (next) timer = setTimeout(refresh, next);
    }
  }
}

// Say what went wrong and what to do. Returns when to try again, in milliseconds; 0 for never.
function failed(failure) {
  const { kind, status, seconds, reference } = failure;
  if (TO_BE_TOLD.includes(kind)) {
    unwatch();
    forget();
    api = undefined;
    signIn(t(kind === "credentials" ? "wrong" : kind));
    return 0;
  }
  if (parts.element.parentNode !== page) fill(page, parts.element);
  if (kind === "unknown" || kind === "input") {
    const { within, level, population } = address.asked();
    const whole = address.changed({ within: undefined, level: undefined, population: undefined });
    const narrowed = within || level || population;
    parts.fail(narrowed ? t("unknown_part") : t("unknown", { code: address.campaign() }),
      narrowed && h("a", { href: whole }, t("to_whole")));
    return narrowed ? 0 : EVERY;
  }
  const pause = Math.max((seconds ?? 0) * 1000, AFTER_FAILURE);
  parts.tell(
    [
      t(kind === "no_release" ? "other" : kind, { status }),
      seen ? t("old", { time: hour(readAt) }) : "",
      t("again", { seconds: Math.round(pause / 1000) }),
      reference ? t("reference", { id: reference }) : "",
    ].join(""),
    h("button", { type: "button", onclick: refresh }, t("try_now")),
  );
  return pause;
}

let heardAt = 0;
let told;

// The first event tells the state that is being read anyway, unless it is of another release.
function heard(state) {
  const { as_of: _, ...said } = state;
  const [before, now] = [told, JSON.stringify(said)];
  told = now;
  if (before === now || (before === undefined && !news(state))) return;
  const pause = Math.max(0, heardAt + BETWEEN_EVENTS - Date.now());
  heardAt = Date.now() + pause;
  clearTimeout(timer);
  timer = setTimeout(refresh, pause);
}

const news = (state) => seen !== undefined && seen.totals?.release !== state.release;

function begin({ id, secret }) {
  unwatch();
  told = undefined;
  seen = undefined;
  api = new Api(id, secret);
  fill(page, h("p", { class: "notice", role: "status" }, t("loading")));
  refresh();
  unwatch = watch(api, address.campaign(), heard);
}

function signIn(problem) {
  const field = (name, type) => h("label", {}, t(name),
    h("input", { name, type, required: true, autocomplete: "off", spellcheck: "false" }));
  const form = h("form", { class: "sign-in" },
    h("h1", {}, t("sign_in")),
    h("p", { class: "soft" }, t("sign_in_why")),
    problem ? h("p", { class: "problem", role: "alert" }, problem) : null,
    field("client_id", "text"), field("client_secret", "password"),
    h("button", { type: "submit" }, t("enter")),
    h("a", { href: address.changed({ lang: otherLanguage() }) }, t("language")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const said = new FormData(form);
    begin(keep({ id: said.get("client_id").trim(), secret: said.get("client_secret").trim() }));
  });
  fill(page, form);
  document.title = t("page");
  form.elements.client_id.focus();
}

function start() {
  asked();
  const credentials = fromAddress() ?? kept();
  if (credentials) begin(credentials);
  else signIn();
}

address.follow(() => {
  if (api) refresh();
  else start();
});
addEventListener("hashchange", () => {
  const credentials = fromAddress();
  if (credentials) begin(credentials);
});
addEventListener("online", () => { if (api) refresh(); });
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && api && readAt && Date.now() - readAt > EVERY) refresh();
});
start();
