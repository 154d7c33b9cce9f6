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
