// What the page does more where scripts run: it hides questions that the answers put out of
// place, as the server would, and takes a double tap for one. ES2015, for old phones.
(() => {
  "use strict";
  const form = document.querySelector("form");
  const notice = document.querySelector(".notice");
  if (notice) notice.focus();

  const questions = Array.from(form.querySelectorAll("[data-type]"));
  const conditions = new Map();
  for (const question of questions) {
    if (question.dataset.visibleIf) conditions.set(question, JSON.parse(question.dataset.visibleIf));
  }
  for (const hint of form.querySelectorAll("[data-without-script]")) hint.hidden = true;

  // The same rules as app/phone_page/forms.py.
  const NUMBER = /^[+-]?(?:(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)$/;
  const typedNumber = (text) => {
    const plain = text.normalize("NFKC").replace(/\u2212/g, "-").replace(/\s/g, "");
    return NUMBER.test(plain) ? Number(plain.replace(/,/g, "")) : text;
  };
  const answerOf = (question) => {
    const fields = Array.from(question.querySelectorAll("input, textarea"));
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

  const update = () => {
    const answers = new Map();
    for (const question of questions) {
      const visible = !conditions.has(question) || holds(conditions.get(question), answers);
      question.hidden = !visible;
      for (const field of question.querySelectorAll("input, textarea")) field.disabled = !visible;
      if (visible && question.dataset.code) answers.set(question.dataset.code, answerOf(question));
    }
  };
  if (conditions.size) {
    form.addEventListener("input", update);
    form.addEventListener("change", update);
    update();
  }

  form.addEventListener("change", (event) => {
    const field = event.target;
    if (field.type !== "checkbox" || !field.checked) return;
    for (const other of form.querySelectorAll("input[type=checkbox]")) {
      const parted = "alone" in field.dataset || "alone" in other.dataset;
      if (other !== field && other.name === field.name && parted) other.checked = false;
    }
    if (conditions.size) update();
  });

  const button = form.querySelector("button[type=submit]");
  const label = button.textContent;
  let sending = false;
  const ready = () => {
    sending = false;
    button.textContent = label;
    button.removeAttribute("aria-disabled");
  };
  form.addEventListener("submit", (event) => {
    if (sending) {
      event.preventDefault();
      return;
    }
    sending = true;
    button.textContent = button.dataset.sending;
    button.setAttribute("aria-disabled", "true");
    // Where the network is lost the browser stays here, and the person must be able to try again.
    window.setTimeout(ready, 10000);
  });
  // Coming back with the back button shows the page as it was left; fields may be filled again.
  window.addEventListener("pageshow", () => {
    ready();
    if (conditions.size) update();
  });
})();
