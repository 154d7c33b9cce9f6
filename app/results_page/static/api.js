// The public API as this page reads it: a token bought and renewed, replies kept with their ETags.

const ROOT = document.documentElement.dataset.root;
const MOST_KEPT = 100;

// What went wrong, by its kind: credentials, scope, network, unknown, no_release, input, offline,
// too_many, busy or other; `seconds` is how long to wait where the server said it.
export class Failure extends Error {
  constructor(kind, { status, seconds, reference } = {}) {
    super(kind);
    Object.assign(this, { kind, status, seconds, reference });
  }
}

const KINDS = {
  "scope-missing": "scope", "network-not-allowed": "network", "not-found": "unknown",
  "no-release": "no_release", "invalid-client": "credentials", "invalid-input": "input",
  "invalid-token-request": "credentials",
};

async function failure(reply) {
  const problem = await reply.json().catch(() => ({}));
  const slug = String(problem.type ?? "").split("/").pop();
  const byStatus = reply.status === 429 ? "too_many" : reply.status >= 500 ? "busy" : "other";
  return new Failure(KINDS[slug] ?? byStatus, {
    status: reply.status,
    seconds: Number(reply.headers.get("Retry-After")) || undefined,
    reference: problem.request_id,
  });
}

async function ask(path, options) {
  try {
    return await fetch(ROOT + path, { cache: "no-store", credentials: "omit", ...options });
  } catch {
    throw new Failure("offline");
  }
}

export class Api {
  #token;
  #buying;
  #kept = new Map();

  constructor(id, secret) {
    this.id = id;
    this.secret = secret;
  }

  // The body of a GET: the very same object as before where nothing has changed.
  async get(path) {
    const kept = this.#kept.get(path);
    const reply = await this.send(path, kept && { "If-None-Match": kept.etag });
    if (reply.status === 304) return kept.body;
    const body = await reply.json();
    const etag = reply.headers.get("ETag");
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    if (etag) this.#kept.set(path, { etag, body });
    return body;
  }

  // All items of a list, page after page, or the first so many pages.
  async list(path, pages = 10) {
    const items = [];
    for (let cursor = null, n = 0; n === 0 || (cursor && n < pages); n += 1) {
      const page = await this.get(cursor ? `${path}&cursor=${encodeURIComponent(cursor)}` : path);
      items.push(...page.items);
      cursor = page.next;
    }
    return items;
  }

  // The address of a campaign's events, good for one connection within a minute.
  async stream(campaign) {
    const path = `/v1/campaigns/${encodeURIComponent(campaign)}/stream`;
    const reply = await this.send(`${path}/tickets`, {}, "POST");
    const { ticket } = await reply.json();
    return `${ROOT}${path}?ticket=${encodeURIComponent(ticket)}`;
  }

  async send(path, headers, method = "GET", again = true) {
    const token = await this.bearer();
    const reply = await ask(path, {
      method, headers: { ...headers, Authorization: `Bearer ${token}` },
    });
    if (reply.ok || reply.status === 304) return reply;
    if (reply.status === 401 && again) {
      if (this.#token?.value === token) this.#token = undefined;
      return this.send(path, headers, method, false);
    }
    throw reply.status === 401 ? new Failure("credentials") : await failure(reply);
  }

  async bearer() {
    if (!this.#token || this.#token.until < Date.now()) {
      this.#buying ??= this.buy().finally(() => { this.#buying = undefined; });
      this.#token = await this.#buying;
    }
    return this.#token.value;
  }

  async buy() {
    const body = new URLSearchParams({
      grant_type: "client_credentials", client_id: this.id, client_secret: this.secret,
    });
    const reply = await ask("/oauth/token", { method: "POST", body });
    if (!reply.ok) throw await failure(reply);
    const { access_token: value, expires_in: seconds } = await reply.json();
    return { value, until: Date.now() + (seconds - Math.min(60, seconds / 4)) * 1000 };
  }
}
