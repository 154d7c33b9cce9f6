// Rates over campaigns: a line for each population, with whiskers.

import { bounds, legend, scale } from "./drawing.js";
import { percent } from "./texts.js";

const SYMBOLS = ["circle", "rect", "triangle", "diamond"];
const COLOURS = ["brand", "poor", "fair", "soft"];

// names: of the campaigns; lines: {name, points: [{rate, interval} or null for each campaign]}.
export function waves(names, lines) {
  return (look) => {
    const { colour, small, rem } = look;
    const rates = lines.flatMap((line) => line.points.filter((one) => one && one.rate !== null)
      .flatMap((one) => one.interval ?? [one.rate]));
    const [min, max] = bounds(rates.length ? rates : [0, 1]);
    const key = lines.length > 1 ? legend(look, lines.map((line) => line.name)) : null;
    const left = 3.4 * small;
    // Room for the last figure, beside a point half a step from the edge.
    const steps = 2 * names.length;
    const right = Math.max(
      1.6 * small, (steps * (3.4 * small + 6) - (look.width - left)) / (steps - 1));
    // Of many only the latest has its figure.
    const roomy = (look.width - left - right) / names.length > 4.2 * small;
    return {
      height: look.given ?? 15 * rem,
      legend: key?.option ?? { show: false },
      grid: { left, right, top: (key?.height ?? 1.2 * small) + 0.8 * small, bottom: 2.2 * small },
      xAxis: {
        type: "category", data: names, axisTick: { show: false },
        axisLine: { lineStyle: { color: colour("line") } },
        axisLabel: { color: colour("ink"), fontSize: small, hideOverlap: true },
      },
      yAxis: scale(look, min, max, true),
      series: lines.flatMap((line, at) => {
        const mine = colour(COLOURS[at % COLOURS.length]);
        return [
          {
            type: "line", name: line.name, silent: true, symbol: SYMBOLS[at % SYMBOLS.length],
            symbolSize: 0.75 * small, color: mine, lineStyle: { width: 0.18 * small },
            data: line.points.map((one, n) => ({
              value: one?.rate ?? null, label: { show: roomy || n === names.length - 1 },
            })),
            label: {
              position: "right", distance: 6, color: colour("ink"), fontSize: small,
              fontWeight: 600, backgroundColor: colour("card"), padding: 1,
              formatter: ({ value }) => percent(value),
            },
            labelLayout: { moveOverlap: "shiftY" },
          },
          {
            type: "custom", silent: true, animation: false, encode: { x: 0, y: [1, 2] },
            data: line.points.flatMap((one, n) => (one?.interval ? [[n, ...one.interval]] : [])),
            renderItem: (_, api) => whisker(api, mine, small),
          },
        ];
      }),
    };
  };
}

function whisker(api, stroke, small) {
  const [x, low] = api.coord([api.value(0), api.value(1)]);
  const [, high] = api.coord([api.value(0), api.value(2)]);
  const cap = 0.3 * small;
  const line = (x1, y1, x2, y2) => ({
    type: "line", shape: { x1, y1, x2, y2 }, style: { stroke, lineWidth: 0.11 * small },
  });
  return {
    type: "group",
    children: [
      line(x, low, x, high), line(x - cap, low, x + cap, low), line(x - cap, high, x + cap, high),
    ],
  };
}
