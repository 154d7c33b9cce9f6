// After a tap on the one answer to a question the next comes into view: by as little as it takes,
// once, and only where it was not in view, so that the answer just given mostly stays there too.
// The focus stays where it is. Whoever uses keys, asks for less motion, changes an answer or does
// anything at all meanwhile is left alone: a second tap must never land on something else.
const PAUSE = 400;
const MARGIN = 16;
let tapped = false;
let advancing = 0;

const note = (event) => {
  tapped = event.type !== "keydown" && event.type !== "wheel";
  window.clearTimeout(advancing);
};
const bringIntoView = (first, last) => {
  const bottom = last.getBoundingClientRect().bottom + MARGIN - window.innerHeight;
  const padding = parseFloat(getComputedStyle(root).scrollPaddingTop) || MARGIN;
  const top = first.getBoundingClientRect().top - padding;
  const by = Math.min(bottom, top);
  if (by > 0) window.scrollBy({ top: by, behavior: "smooth" });
};
const advance = (question) => {
  const still = !window.matchMedia("(prefers-reduced-motion: no-preference)").matches;
  if (!tapped || still || !("scrollBehavior" in root.style)) return;
  const after = questions.slice(questions.indexOf(question) + 1).filter((one) => !one.hidden);
  const next = after.find((one) => one.matches(".question"));
  if (next && answers.get(next.dataset.code) !== null) return;
  const last = next || form.querySelector(".send");
  window.clearTimeout(advancing);
  advancing = window.setTimeout(() => {
    if (form && !form.hidden) bringIntoView(after[0] || last, last);
  }, PAUSE);
};
