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

// The receipt, for those who would rather paste it somewhere than keep a picture of the page.
const copy = (box) => {
  const code = document.querySelector(".code");
  const said = box.querySelector("[role=status]");
  const tell = (done) => { said.textContent = done ? box.dataset.copied : ""; };
  // WeChat's browser and pages without https have only the old way.
  window.getSelection().selectAllChildren(code);
  const done = document.execCommand("copy");
  tell(done);
  if (!done && navigator.clipboard) {
    navigator.clipboard.writeText(code.textContent).then(() => tell(true), () => tell(false));
  }
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
  answers = new Map();
  complaints = new Map();
  for (const one of questions) {
    if (one.dataset.visibleIf) conditions.set(one, JSON.parse(one.dataset.visibleIf));
  }
  for (const hint of all("[data-without-script]")) hint.hidden = true;
  for (const link of all(".size")) link.addEventListener("click", resize);
  for (const one of all(".copy")) {
    one.hidden = false;
    one.querySelector("button").addEventListener("click", () => copy(one));
  }
  for (const button of all(".state button")) {
    button.addEventListener("click", () => ways[button.value]());
  }
  if (!form) return;
  const button = form.querySelector("button[type=submit]");
  button.dataset.ready = button.textContent;
  const changed = (event) => {
    const question = event.target.closest("[data-code]");
    const first = question && answers.get(question.dataset.code) === null;
    partOthers(event.target);
    update();
    if (question && answerOf(question) !== null) settle(question);
    if (first && event.target.type === "radio") advance(question);
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
for (const one of ["pointerdown", "touchstart", "mousedown", "keydown", "wheel"]) {
  document.addEventListener(one, note, { capture: true, passive: true });
}
window.addEventListener("pagehide", () => { if (unsaved) save(); });
// Coming back with the back button shows the page as it was left; fields may be filled again.
window.addEventListener("pageshow", () => {
  if (form) update();
  attempt();
});
