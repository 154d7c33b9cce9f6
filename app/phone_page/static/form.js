// What the page does more where scripts run: it asks only what the answers call for, keeps them on
// the phone, and sends them again until there is a reply. The server judges everything anew, and
// by the submission's id takes what comes twice for one. ES2015, for old phones.

const root = document.documentElement;
const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));

// The form: null on a page without questions.
let form = null;
let questions = [];
let conditions = new Map();
let complaints = new Map();
let answers = new Map();

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

const update = () => {
  answers = new Map();
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
