// Rates over campaigns: a line for each population, with whiskers.

import { bounds, scale } from "./drawing.js";
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
    const several = lines.length > 1;
    return {
      height: look.given ?? 15 * rem,
      legend: {
        show: several, top: 0, left: 0, selectedMode: false,
        textStyle: { color: colour("ink"), fontSize: small },
      },
      grid: { left: 3.4 * small, right: 1.6 * small, top: (several ? 3.4 : 2) * small,
        bottom: 2.2 * small },
      xAxis: {
        type: "category", data: names, axisTick: { show: false },
        axisLine: { lineStyle: { color: colour("line") } },
        axisLabel: { color: colour("ink"), fontSize: small, hideOverlap: true },
      },
      yAxis: scale({ ...look, narrow: true }, min, max),
      series: lines.flatMap((line, at) => {
        const mine = colour(COLOURS[at % COLOURS.length]);
        return [
          {
            type: "line", name: line.name, silent: true, symbol: SYMBOLS[at % SYMBOLS.length],
            symbolSize: 0.75 * small, color: mine, lineStyle: { width: 2.5 },
            data: line.points.map((one) => one?.rate ?? null),
            label: {
              show: true, position: "right", distance: 6, color: colour("ink"), fontSize: small,
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
    type: "line", shape: { x1, y1, x2, y2 }, style: { stroke, lineWidth: 1.5 },
  });
  return {
    type: "group",
    children: [
      line(x, low, x, high), line(x - cap, low, x + cap, low), line(x - cap, high, x + cap, high),
    ],
  };
}
