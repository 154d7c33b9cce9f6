// What the page does more where scripts run: it asks only what the answers call for, keeps them on
// the phone, and sends them again until there is a reply. The server judges everything anew, and
// by the submission's id takes what comes twice for one. ES2015, for old phones.
(() => {
  "use strict";
  const WEEK = 7 * 24 * 3600 * 1000;
  const LONGEST_TRY = 45 * 1000;
  const LONGEST_PAUSE = 5 * 60 * 1000;
  const TRY_AGAIN = [429, 502, 503, 504];
  const DONE = ["thanks", "answered", "conflict", "withdrawn", "closed", "revoked"];
  const root = document.documentElement;
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));

  // What the phone keeps: answers by page and child, and the form while it waits to be sent.
  // Nothing in it says who answers; where a browser refuses it, the page goes without.
  const PREFIX = "xinsheng:";
  const name = () => `${PREFIX}${location.pathname}#${document.querySelector("main").dataset.child}`;
  const read = (key) => {
    try {
      const record = JSON.parse(localStorage.getItem(key));
      const age = Date.now() - record.at;
      return age >= 0 && age < WEEK && Array.isArray(record.answers) ? record : null;
    } catch (error) {
      return null;
    }
  };
  const forget = (key) => {
    try {
      localStorage.removeItem(key);
    } catch (error) { /* Then nothing was kept. */ }
  };
  const write = (record) => {
    try {
      localStorage.setItem(name(), JSON.stringify(Object.assign({ at: Date.now() }, record)));
      return true;
    } catch (error) {
      return false;
    }
  };
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.indexOf(PREFIX) === 0 && !read(key)) forget(key);
    }
  } catch (error) { /* As above. */ }

  // The same rules as app/phone_page/forms.py.
  const NUMBER = /^[+-]?(?:(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)$/;
  const typedNumber = (text) => {
    const plain = text.normalize("NFKC").replace(/\u2212/g, "-").replace(/\s/g, "");
    return NUMBER.test(plain) ? Number(plain.replace(/,/g, "")) : text;
  };
  const answerOf = (question) => {
    const fields = all("input, textarea", question);
    const chosen = fields.filter((field) => field.checked).map((field) => field.value);
    switch (question.dataset.type) {
      case "multiple_choice": return chosen.length ? chosen : null;
      case "single_choice": return chosen.length ? chosen[0] : null;
      case "rating": return chosen.length ? Number(chosen[0]) : null;
      case "number": return fields[0].value.trim() ? typedNumber(fields[0].value) : null;
      case "date":
      case "text": return fields[0].value.trim() ? fields[0].value : null;
      default: return null;
    }
  };

  // The same rules as app/questionnaires/conditions.py.
  const said = (answer) => {
    if (Array.isArray(answer)) return answer;
    return answer === null || (typeof answer === "number" && !Number.isInteger(answer))
      ? [] : [String(answer)];
  };
  const holds = (condition, answers) => {
    if (condition.all) return condition.all.every((one) => holds(one, answers));
    if (condition.any) return condition.any.some((one) => holds(one, answers));
    if (condition.not) return !holds(condition.not, answers);
    const answer = answers.has(condition.question) ? answers.get(condition.question) : null;
    const among = (values) => said(answer).some((one) => values.map(String).indexOf(one) >= 0);
    if (condition.in) return among(condition.in);
    if (condition.not_in) return !among(condition.not_in);
    // Numbers with numbers, days with days, which compare as they are written.
    if ("gte" in condition) return typeof answer === typeof condition.gte && answer >= condition.gte;
    if ("lte" in condition) return typeof answer === typeof condition.lte && answer <= condition.lte;
    return (answer !== null) === condition.answered;
  };

  // The form: null on a page without questions.
  let form = null;
  let questions = [];
  let conditions = new Map();
  let complaints = new Map();
  let unsaved = 0;

  const update = () => {
    const answers = new Map();
    for (const question of questions) {
      const visible = !conditions.has(question) || holds(conditions.get(question), answers);
      question.hidden = !visible;
      for (const field of all("input, textarea", question)) field.disabled = !visible;
      if (visible && question.dataset.code) answers.set(question.dataset.code, answerOf(question));
    }
    const asked = questions.filter((one) => one.matches(".question:not(.beside):not([hidden])"));
    const answered = asked.filter((one) => answers.get(one.dataset.code) !== null).length;
    const progress = form.querySelector(".progress");
    if (progress) {
      progress.hidden = false;
      const text = progress.dataset.text.replace("{done}", answered).replace("{all}", asked.length);
      progress.querySelector("p").textContent = text;
      const bar = progress.querySelector("progress");
      bar.max = asked.length;
      bar.value = answered;
    }
  };

  const partOthers = (field) => {
    if (field.type !== "checkbox" || !field.checked) return;
    for (const other of all("input[type=checkbox]", form)) {
      const parted = "alone" in field.dataset || "alone" in other.dataset;
      if (other !== field && other.name === field.name && parted) other.checked = false;
    }
  };

  // What is required and missing, said at its question before anything is sent.
  const settle = (question) => {
    if (!complaints.has(question)) return;
    const { message, field, before } = complaints.get(question);
    complaints.delete(question);
    message.remove();
    question.classList.remove("wrong");
    if (before) field.setAttribute("aria-describedby", before);
    else field.removeAttribute("aria-describedby");
    field.removeAttribute("aria-invalid");
  };
  const complain = (question) => {
    const field = question.querySelector("fieldset, textarea, input");
    const before = field.getAttribute("aria-describedby");
    for (const old of all(".error", question)) old.remove();
    const message = document.createElement("p");
    message.className = "error";
    message.id = `q-${question.dataset.code}-error`;
    message.textContent = question.dataset.required;
    const place = question.querySelector(".options, .ratings, .line, textarea");
    place.parentNode.insertBefore(message, place);
    question.classList.add("wrong");
    field.setAttribute("aria-describedby", `${before || ""} ${message.id}`.trim());
    if (field.tagName !== "FIELDSET") field.setAttribute("aria-invalid", "true");
    complaints.set(question, { message, field, before });
  };
  const complete = () => {
    for (const question of questions) settle(question);
    for (const old of all(".notice")) old.remove();
    const missing = questions.filter(
      (one) => !one.hidden && one.dataset.required && answerOf(one) === null);
    if (!missing.length) return true;
    const notice = document.importNode(document.getElementById("missing").content, true)
      .querySelector(".notice");
    for (const question of missing) {
      complain(question);
      const entry = document.createElement("li");
      const link = document.createElement("a");
      link.href = `#q-${question.dataset.code}`;
      link.textContent = question.querySelector(".label").textContent;
      entry.appendChild(link);
      notice.querySelector("ul").appendChild(entry);
    }
    const main = document.querySelector("main");
    main.insertBefore(notice, main.firstChild);
    notice.focus();
    return false;
  };

  // What stands in the form.
  const fields = () => all("input, textarea", form).filter((one) => !one.disabled && one.name
    && (one.checked || (one.type !== "radio" && one.type !== "checkbox")));
  const answersNow = () => fields().filter((one) => one.type !== "hidden" && one.value)
    .map((one) => [one.name, one.value]);
  const draft = () => ({ version: form.dataset.version, answers: answersNow() });
  // As the browser itself would write it, half an emoji among the rest.
  const plain = (text) => text.replace(/\r?\n/g, "\r\n").replace(/[\ud800-\udfff]/gu, "\ufffd");
  const encoded = (some) => some.map((one) =>
    `${encodeURIComponent(one.name)}=${encodeURIComponent(plain(one.value))}`).join("&");
  const save = () => {
    window.clearTimeout(unsaved);
    unsaved = 0;
    const record = read(name());
    // A form that another tab could not send yet is worth more than this one's draft.
    if (form && !pending && !(record && record.body)) write(draft());
  };
  const saveSoon = () => {
    if (!unsaved) unsaved = window.setTimeout(save, 300);
  };
  const restore = (record) => {
    if (record.version !== form.dataset.version) return false;
    const given = new Set(record.answers.map((pair) => pair.join("\0")));
    const texts = new Map(record.answers);
    let found = false;
    for (const field of all("input, textarea", form)) {
      if (field.type === "hidden" || !texts.has(field.name)) continue;
      if (field.type === "radio" || field.type === "checkbox") {
        field.checked = given.has(`${field.name}\0${field.value}`);
        found = found || field.checked;
      } else {
        field.value = texts.get(field.name);
        found = true;
      }
    }
    return found;
  };

  // What the person is told, and may do about it.
  const say = (state, offered) => {
    const box = document.querySelector(".state");
    const buttons = all("button", box);
    if (offered) for (const one of buttons) one.hidden = offered.indexOf(one.value) < 0;
    const line = box.querySelector("[role=status]");
    const text = state ? box.dataset[state] : "";
    if (line.textContent !== text) line.textContent = text;
    const alone = !form || form.hidden || buttons.some((one) => !one.hidden);
    box.classList.toggle("card", Boolean(text) && alone);
    return box;
  };

  // Sending: one form at a time, until a page of ours comes back.
  let pending = null;
  let timer = 0;

  const attempt = () => {
    if (!pending || pending.underway) return;
    const given = pending;
    given.underway = true;
    window.clearTimeout(timer);
    say("sending");
    const request = window.fetch(location.href, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8" },
      body: pending.body,
    }).then((reply) => reply.text().then((html) => judge(given, reply, html)));
    const tooLong = new Promise((_, fail) => window.setTimeout(fail, LONGEST_TRY));
    Promise.race([request, tooLong]).catch(() => {
      if (pending === given) wait("unsent", 0);
    });
  };

  const wait = (reason, seconds) => {
    pending.underway = false;
    pending.tries += 1;
    const shown = form && !form.hidden;
    if (form) form.hidden = true;
    const box = say(pending.kept ? `${reason}_kept` : reason, ["again", form ? "change" : ""]);
    if (shown) {
      window.scrollTo(0, 0);
      box.querySelector("button").focus();
    }
    const pause = Math.min(1000 * Math.pow(2, pending.tries), LONGEST_PAUSE);
    timer = window.setTimeout(
      attempt, Math.max(pause * (.75 + Math.random() / 2), seconds * 1000));
  };

  const focusHeading = () => {
    const heading = document.querySelector(".notice, h1");
    heading.tabIndex = -1;
    heading.focus();
  };

  const judge = (given, reply, html) => {
    if (pending !== given) return;
    const next = new DOMParser().parseFromString(html, "text/html");
    const ours = next.querySelector("main[data-page]");
    // Not ours is what a hotel's network or a proxy says.
    if (!ours || TRY_AGAIN.indexOf(reply.status) >= 0) {
      wait(ours ? "busy" : "unsent", Number(reply.headers.get("Retry-After")) || 0);
      return;
    }
    const record = read(name());
    pending = null;
    window.clearTimeout(timer);
    if (DONE.indexOf(ours.dataset.page) >= 0) forget(name());
    else if (record) write({ version: record.version, answers: record.answers });
    show(next);
    // A reload is to show the receipt again, as it would if the browser had sent the form.
    if (ours.dataset.page === "thanks") window.history.replaceState({ thanks: html }, "");
  };

  const show = (next) => {
    document.title = next.title;
    root.lang = next.documentElement.lang;
    root.dir = next.documentElement.dir;
    root.replaceChild(document.adoptNode(next.body), document.body);
    window.scrollTo(0, 0);
    begin();
    focusHeading();
  };

  const send = (event) => {
    const fit = !pending && complete();
    if (fit && !window.fetch) return;
    event.preventDefault();
    if (!fit) return;
    window.clearTimeout(unsaved);
    unsaved = 0;
    const known = fields();
    // The device is known by its cookie too: what the phone keeps names nobody.
    const body = encoded(known.filter((one) => one.name !== "device_proof"));
    const kept = write(Object.assign({ body }, draft()));
    pending = { body: encoded(known), kept, tries: 0, underway: false };
    const button = form.querySelector("button[type=submit]");
    button.textContent = button.dataset.sending;
    button.setAttribute("aria-disabled", "true");
    say("", []);
    attempt();
  };

  const ready = () => {
    form.hidden = false;
    const button = form.querySelector("button[type=submit]");
    button.textContent = button.dataset.ready;
    button.removeAttribute("aria-disabled");
  };

  const ways = {
    again: attempt,
    change() {
      pending = null;
      window.clearTimeout(timer);
      write(draft());
      ready();
      say("", []);
      focusHeading();
    },
    clear() {
      form.reset();
      for (const question of questions) settle(question);
      update();
      window.clearTimeout(unsaved);
      unsaved = 0;
      forget(name());
      say("cleared", []);
      focusHeading();
    },
  };

  // Large print without another page, so that nothing that was filled in is lost.
  const resize = (event) => {
    event.preventDefault();
    const link = event.currentTarget;
    const size = root.classList.toggle("large") ? "yes" : "no";
    const secure = location.protocol === "https:" ? ";secure" : "";
    document.cookie = `xinsheng_large=${size};path=/;max-age=34560000;samesite=lax${secure}`;
    const query = (address, value) => address.replace(/([?&]large=)\w+/, `$1${value}`);
    window.history.replaceState(window.history.state, "", query(location.href, size));
    for (const one of all("nav a, .steps a")) one.href = query(one.href, size);
    link.href = query(link.href, size === "yes" ? "no" : "yes");
    const words = link.textContent;
    link.textContent = link.dataset.other;
    link.dataset.other = words;
  };

  const begin = () => {
    form = document.querySelector("form[data-version]");
    questions = form ? all("[data-type]", form) : [];
    conditions = new Map();
    complaints = new Map();
    for (const one of questions) {
      if (one.dataset.visibleIf) conditions.set(one, JSON.parse(one.dataset.visibleIf));
    }
    for (const hint of all("[data-without-script]")) hint.hidden = true;
    for (const link of all(".size")) link.addEventListener("click", resize);
    for (const button of all(".state button")) {
      button.addEventListener("click", () => ways[button.value]());
    }
    if (!form) return;
    const button = form.querySelector("button[type=submit]");
    button.dataset.ready = button.textContent;
    const changed = (event) => {
      partOthers(event.target);
      update();
      const question = event.target.closest("[data-code]");
      if (question && answerOf(question) !== null) settle(question);
      saveSoon();
    };
    form.addEventListener("input", changed);
    form.addEventListener("change", changed);
    form.addEventListener("submit", send);
    update();
  };

  const open = () => {
    begin();
    const notice = document.querySelector(".notice");
    if (notice) notice.focus();
    const page = document.querySelector("main").dataset.page;
    const record = read(name());
    const before = window.history.state;
    if (before && before.thanks && page === "answered") {
      show(new DOMParser().parseFromString(before.thanks, "text/html"));
      forget(name());
    } else if (record && record.body && page !== "thanks") {
      if (form && restore(record)) update();
      if (form) form.hidden = true;
      const proof = form && form.elements.device_proof;
      const shown = proof ? `&device_proof=${encodeURIComponent(proof.value)}` : "";
      pending = { body: record.body + shown, kept: true, tries: 0, underway: false };
      attempt();
    } else if (DONE.indexOf(page) >= 0) {
      forget(name());
    } else if (record && form && !notice && restore(record)) {
      update();
      say("restored", ["clear"]);
    }
  };

  open();
  window.addEventListener("online", attempt);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) attempt(); });
  window.addEventListener("pagehide", () => { if (unsaved) save(); });
  // Coming back with the back button shows the page as it was left; fields may be filled again.
  window.addEventListener("pageshow", () => {
    if (form) update();
    attempt();
  });
})();
