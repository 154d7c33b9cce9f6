// Everything that the page shows, read from the public API: one object, in which parts that
// cannot be had yet are null.

const KINDS = ["province", "city", "county", "district", "school", "grade", "class"];
const MOST_WAVES = 8;
const v1 = (path) => `/v1/${path}`;
const part = encodeURIComponent;
const query = (values) => {
  const said = Object.entries(values).filter(([, value]) => value !== undefined);
  return said.length ? `?${new URLSearchParams(said)}` : "";
};

// `asked`: within, level, population, target, as the address has them. Errors: Failure.
export async function read(api, code, asked) {
  const base = v1(`campaigns/${part(code)}`);
  const campaign = await api.get(base);
  const populations = Object.keys(campaign.populations);
  const population = asked.population ?? (populations.length === 1 ? populations[0] : undefined);
  const unit = await place(api, campaign, asked.within);
  const levels = await below(api, unit);
  const level = asked.level ?? levels[0] ?? unit.kind;
  const named = population ?? populations[0];
  const within = unit.code;
  const [parent, questionnaire, totals, questions, here, coverage, ranking, trends, others] =
    await Promise.all([
      above(api, campaign, unit),
      asks(api, campaign.populations[named]),
      released(api.get(base + "/results" + query({ by: "population", within }))),
      released(api.get(base + "/results" + query({ by: "question", within, population }))),
      api.get(base + "/coverage" + query({ level: unit.kind, within })),
      api.get(base + "/coverage" + query({ level, within })),
      released(api.get(base + "/ranking" + query({ level, within, population }))),
      history(api, campaign, unit, population ? [population] : populations),
      besides(api, base),
    ]);
  return {
    code, campaign, populations, population, named, unit, parent, levels, level, questionnaire,
    totals, questions, here, coverage, ranking, trends, ...others, target: asked.target,
  };
}

// Null instead of a failure where nothing is released yet.
const released = (reading) => unless(reading, ["no_release"]);

async function unless(reading, kinds, otherwise = null) {
  try {
    return await reading;
  } catch (failure) {
    if (kinds.includes(failure.kind)) return otherwise;
    throw failure;
  }
}

// The unit that is shown: the one asked for, else the campaign's region or, for a client that
// sees only a part of that, the highest unit that it sees.
async function place(api, campaign, within) {
  if (within !== undefined) return api.get(v1(`units/${part(within)}`));
  const region = await unless(api.get(v1(`units/${part(campaign.region)}`)), ["unknown"]);
  if (region) return region;
  for (const kind of KINDS) {
    const { items } = await api.get(v1(`units${query({ kind, limit: 1 })}`));
    if (items.length) return items[0];
  }
  return api.get(v1(`units/${part(campaign.region)}`));
}

// The unit above it, where that is still part of the campaign and of what the client sees.
async function above(api, campaign, unit) {
  if (unit.parent === null || unit.code === campaign.region) return null;
  return unless(api.get(v1(`units/${part(unit.parent)}`)), ["unknown"]);
}

// The levels below a unit that have units, down to schools.
async function below(api, unit) {
  const lower = KINDS.slice(KINDS.indexOf(unit.kind) + 1, KINDS.indexOf("school") + 1);
  const found = await Promise.all(lower.map((kind) =>
    api.get(v1(`units${query({ within: unit.code, kind, limit: 1 })}`))));
  return lower.filter((_, at) => found[at].items.length);
}

const asks = (api, population) =>
  api.get(v1(`questionnaires/${part(population.questionnaire)}`) +
    query({ version: population.version }));

// Earlier campaigns of the same region and population, then this one; null for a population
// that has no earlier one.
async function history(api, campaign, unit, populations) {
  if (campaign.sandbox) return [];
  const all = await api.list(v1(`campaigns${query({ within: campaign.region, limit: 100 })}`))
    .catch((failure) => {
      if (failure.kind === "unknown") return api.list(v1(`campaigns${query({ limit: 100 })}`));
      throw failure;
    });
  const earlier = all.filter((one) =>
    one.region === campaign.region && one.state !== "draft" && one.code !== campaign.code &&
    one.opens_at < campaign.opens_at);
  earlier.sort((a, b) => (a.opens_at < b.opens_at ? -1 : 1));
  const found = await Promise.all(populations.map(async (population) => {
    const waves = earlier.filter((one) => population in one.populations).slice(1 - MOST_WAVES);
    const codes = [...waves, campaign].map((one) => one.code);
    return codes.length < 2 ? null : trend(api, codes, unit, population);
  }));
  return found.filter((one) => one && one.rows.length > 1);
}

async function trend(api, codes, unit, population) {
  const ask = (campaigns) =>
    released(api.get(v1(`trends${query({ unit: unit.code, population, campaigns })}`)));
  const whole = await ask(codes.join());
  if (whole) return whole;
  const shown = [];
  for (const code of codes) {
    const { items } = await api.get(v1(`campaigns/${part(code)}/releases?limit=1`));
    if (items.length) shown.push(code);
  }
  return shown.length > 1 ? ask(shown.join()) : null;
}

// The latest release, and the publications where this server has any.
async function besides(api, base) {
  const [releases, publications] = await Promise.all([
    api.get(`${base}/releases?limit=1`),
    unless(api.get(`${base}/publications?limit=10`), ["unknown", "scope", "other"]),
  ]);
  return { release: releases.items[0] ?? null, publications: publications?.items ?? [] };
}
