// Drawing with Apache ECharts, which comes after the figures: charts enhance the page's tables.

import { given } from "./texts.js";

let library;

const loaded = () => {
  library ??= import(root.dataset.echarts).catch((error) => {
    library = undefined;
    throw error;
  });
  return library;
};

const still = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");

// Paper is white, whatever the screen is.
const root = document.documentElement;
const printing = (event) => root.toggleAttribute("data-paper", event.type === "beforeprint");
addEventListener("beforeprint", printing);
addEventListener("afterprint", printing);

// The page's own colours and sizes, as its style has them at the moment.
function look(holder) {
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const rem = parseFloat(style.fontSize);
  return {
    colour, rem, small: Math.max(12, 0.85 * rem), font: getComputedStyle(document.body).fontFamily,
    width: holder.clientWidth, narrow: holder.clientWidth < 30 * rem,
    // A tile of a wall says how high it is; elsewhere a chart is as high as it needs.
    given: getComputedStyle(holder).position === "relative" ? holder.clientHeight : null,
  };
}

// A chart in a holder. `show(build, said)` draws what `build(look)` returns, an ECharts option
// with the `height` in pixels that it wants, and draws it anew when the holder or the colours
// change; `said` is told to those who hear the page. Resolves to whether it could be drawn.
export function chart(holder) {
  let drawn;
  let build;
  let said;

  function draw() {
    const seen = look(holder);
    if (!drawn || !build || !seen.width) return;
    const { height, ...option } = build(seen);
    const high = seen.given ?? height;
    if (seen.given === null) holder.style.height = `${height}px`;
    drawn.resize({ width: seen.width, height: high });
    drawn.setOption({
      textStyle: { fontFamily: seen.font, fontSize: seen.small, color: seen.colour("ink") },
      animation: !still.matches && !root.hasAttribute("data-paper"),
      animationDuration: 300,
      animationDurationUpdate: 300,
      aria: { enabled: true, label: { description: said } },
      ...option,
    }, { notMerge: true });
  }

  new ResizeObserver(draw).observe(holder);
  dark.addEventListener("change", draw);
  addEventListener("beforeprint", draw);
  addEventListener("afterprint", draw);

  return {
    async show(next, label) {
      build = next;
      said = label;
      if (!drawn) {
        const echarts = await loaded();
        holder.hidden = false;
        drawn ??= echarts.init(holder, null, { renderer: "svg", width: 10, height: 10 });
      }
      holder.hidden = false;
      draw();
    },
    hide() {
      build = undefined;
      holder.hidden = true;
    },
  };
}

const wall = matchMedia("(min-width: 1600px) and (min-height: 800px)");

// How many of so many rows a chart shows: on a wall no more than can be read from afar.
export const mostRows = (all) => (!wall.matches ? 20 : all <= 12 ? 12 : 8);

// Where a scale of rates begins and ends: whole twentieths around all that is shown.
export function bounds(rates) {
  const low = Math.max(0, Math.floor((Math.min(...rates) - 0.01) * 20) / 20);
  const high = Math.min(1, Math.ceil((Math.max(...rates) + 0.01) * 20) / 20);
  return high - low < 0.1 ? [Math.max(0, high - 0.1), high] : [low, high];
}

// A scale of shares that holds these bounds, from a round number to another, with as many marks
// as have room.
export function scale({ colour, small, narrow, width: wide }, min, max, upright = false) {
  const most = upright ? 4 : Math.max(1, Math.min(narrow ? 4 : 7, wide / (3.4 * small) - 2));
  const span = max - min;
  const round = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2];
  const interval = round.find((one) => span / one <= most) ?? 0.25;
  const steps = (at) => Number((at * interval).toFixed(4));
  return {
    type: "value", interval,
    min: Math.max(0, steps(Math.floor(min / interval + 1e-6))),
    max: Math.min(1, steps(Math.ceil(max / interval - 1e-6))),
    axisLabel: {
      color: colour("soft"), fontSize: small, formatter: given,
      ...(narrow && !upright ? { alignMinLabel: "left" } : {}),
    },
    splitLine: { lineStyle: { color: colour("line") } },
  };
}

// What the colours mean, above a chart, and how high that is.
export function legend({ width: wide, small, colour }, names) {
  let [lines, used] = [1, 0];
  for (const name of names) {
    const own = (width(name) + 2.7) * small;
    if (used && used + own - small > wide) [lines, used] = [lines + 1, 0];
    used += own;
  }
  return {
    height: (lines * 2.3 + 0.3) * small,
    option: {
      top: 0, left: 0, padding: [5, 0], itemWidth: 1.3 * small, itemHeight: 0.9 * small,
      itemGap: small, selectedMode: false,
      textStyle: { color: colour("ink"), fontSize: small },
    },
  };
}

// Names beside the rows, or above them where the chart is narrow; `around` is what the chart
// needs in pixels above and below its rows.
export function namedRows(look, names, around) {
  const wide = look.given ? 15 : 12;
  const { narrow, rem, small, colour } = look;
  const lines = names.map((name) => Math.ceil(width(name) / wide));
  const wanted = narrow ? 4 * small : Math.max(2 * rem, 1.5 * small * Math.max(...lines) + 4);
  const pitch = look.given ? (look.given - around) / names.length : wanted;
  const size = Math.min(small, 0.85 * pitch);
  const room = look.given ? Math.max(1, Math.floor(pitch / (1.3 * size))) * (wide - 1) : Infinity;
  const longest = Math.min(wide, Math.max(...names.map(width)));
  return {
    pitch,
    height: look.given ?? names.length * pitch + around,
    grid: {
      outerBoundsMode: "none",
      left: narrow ? 2 : Math.min(longest * 1.02 * small + 14, look.width * 0.42),
    },
    yAxis: {
      type: "category", data: names, inverse: true,
      axisLine: { show: false }, axisTick: { show: false },
      axisLabel: {
        show: !narrow, color: colour("ink"), interval: 0,
        fontSize: size, overflow: "break", lineHeight: 1.3 * size,
        formatter: (name) => fitted(name, room),
        width: Math.min(wide * small, look.width * 0.38),
      },
    },
    above: narrow ? above(look, names) : [],
  };
}

// The names above narrow rows, and a bar of nothing that keeps their place above real ones.
function above({ colour, small, font }, names) {
  const renderItem = (params, api) => {
    const [, y] = api.coord([0, api.value(1)]);
    const style = {
      text: fitted(names[api.value(1)], params.coordSys.width / small + 2.5),
      x: params.coordSys.x, y: y - 1.5 * small,
      fill: colour("ink"), font: `${small}px ${font}`, verticalAlign: "top",
    };
    return { type: "text", style };
  };
  const data = names.map((_, at) => [0, at]);
  return [
    { type: "custom", silent: true, animation: false, clip: false, z: 5, data, renderItem },
    { type: "bar", stack: "names", silent: true, barWidth: 1.6 * small, barGap: "0%",
      data: names.map(() => 0) },
  ];
}

// The width of a text in Chinese characters.
const width = (text) => [...text].reduce((sum, one) => sum + (one > "\u2e80" ? 1 : 0.55), 0);

// A name that is too long, with its middle left out: schools of a place begin alike.
function fitted(name, room) {
  if (width(name) <= room) return name;
  const signs = [...name];
  let [head, tail] = ["", ""];
  for (;;) {
    const longer = head.length <= tail.length
      ? [head + signs.shift(), tail] : [head, signs.pop() + tail];
    if (width(longer.join("")) > room - 1) return `${head}…${tail}`;
    [head, tail] = longer;
  }
}
