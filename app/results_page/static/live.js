// Events of a campaign as they come: a new release, or new figures for who may see them live.

const SHORTEST = 3_000;
const LONGEST = 60_000;

// Calls `heard` with what each event says; a lost stream is opened anew with a new ticket, which
// is worth nothing after its use, ever more slowly while that fails. Returns what ends it.
export function watch(api, campaign, heard) {
  let source;
  let timer;
  let pause = SHORTEST;
  let ended = false;

  const again = () => {
    source?.close();
    clearTimeout(timer);
    if (ended) return;
    timer = setTimeout(open, pause);
    pause = Math.min(2 * pause, LONGEST);
  };
  const told = (event) => {
    pause = SHORTEST;
    heard(JSON.parse(event.data));
  };

  async function open() {
    try {
      const address = await api.stream(campaign);
      if (ended) return;
      source = new EventSource(address);
      source.addEventListener("release", told);
      source.addEventListener("results", told);
      source.addEventListener("end", again);
      source.onerror = again;
    } catch {
      again();
    }
  }

  open();
  return () => {
    ended = true;
    clearTimeout(timer);
    source?.close();
  };
}
