// What the phone keeps: answers by page and child, and the form while it waits to be sent.
// Nothing in it says who answers; where a browser refuses it, the page goes without.
const PREFIX = "xinsheng:";
const WEEK = 7 * 24 * 3600 * 1000;
let unsaved = 0;
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
// A preview keeps nothing, here as little as there.
const previewed = () => document.querySelector("main").dataset.page === "preview";
const write = (record) => {
  if (previewed()) return false;
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
