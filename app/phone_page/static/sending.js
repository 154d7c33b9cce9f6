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
const LONGEST_TRY = 45 * 1000;
const LONGEST_PAUSE = 5 * 60 * 1000;
const TRY_AGAIN = [429, 502, 503, 504];
const DONE = ["thanks", "answered", "conflict", "withdrawn", "closed", "revoked"];
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
  if (fit && (!window.fetch || previewed())) return;
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
