// What the address asks for: links that can be shared, and the way back.

const KNOWN = ["within", "level", "population", "target", "lang", "wall"];

export const campaign = () => {
  const last = location.pathname.split("/").pop();
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
};

export function asked() {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries(KNOWN.map((name) => [name, query.get(name) || undefined]));
}

// The address with some of it changed; undefined leaves a part out.
export function changed(changes) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...asked(), ...changes })) {
    if (value !== undefined) query.set(name, value);
  }
  const text = query.toString();
  return location.pathname + (text && `?${text}`);
}

// Follow links to other parts of this page without loading it anew; `shown` shows what is asked.
export function follow(shown) {
  addEventListener("popstate", shown);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const elsewhere = event.button || event.metaKey || event.ctrlKey || event.shiftKey;
    if (!link || elsewhere || link.target || event.defaultPrevented) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || url.pathname !== location.pathname || url.hash) return;
    event.preventDefault();
    if (url.href !== location.href) history.pushState(null, "", url);
    shown();
  });
}
