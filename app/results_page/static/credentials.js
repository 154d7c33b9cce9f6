// Whose page it is: from the address's fragment, which browsers send to nobody, or from the form.

const KEPT = "xinsheng.results";

// What the fragment says, `#CLIENT_ID:CLIENT_SECRET`. It is taken out of the address bar, since
// walls are photographed and screens are shared; a window keeps it until it is closed.
export function fromAddress() {
  const [id, secret] = decoded(location.hash.slice(1)).split(/:(.*)/s);
  if (!id || !secret) return null;
  history.replaceState(history.state, "", location.pathname + location.search);
  return keep({ id, secret });
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function keep(credentials) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(credentials));
  } catch {
    // A browser that keeps nothing asks again after a reload.
  }
  return credentials;
}

export function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT));
  } catch {
    return null;
  }
}

export function forget() {
  try {
    sessionStorage.removeItem(KEPT);
  } catch {
    // Nothing was kept.
  }
}
