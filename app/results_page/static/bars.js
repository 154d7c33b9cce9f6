// Shares as bars: of answers, one upon the other, with patterns besides colours; and of people
// who took part, beside the target.

import { legend, namedRows, scale } from "./drawing.js";
import { given, percent } from "./texts.js";

const PATTERNS = {
  positive: [null, { dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: Math.PI / 4 }],
  negative: [
    { symbol: "circle", dashArrayX: [[7, 7], [0, 7, 7, 0]], dashArrayY: [7, 0], symbolSize: 0.55 },
  ],
  excluded: [{ dashArrayX: [1, 0], dashArrayY: [1.5, 6] }],
};
const COLOURS = {
  positive: ["good", "fair", "fair"], negative: ["poor", "poor"], excluded: ["unknown"],
};

const cycled = (list, at) => list[Math.min(at, list.length - 1)];

// rows: {name, shares: by option value}; options: {value, label, counts_as}, in their order.
export function shares(rows, options) {
  return (look) => {
    const { colour, small, rem, narrow } = look;
    const key = legend(look, options.map((option) => option.label));
    const top = key.height;
    const bottom = 0.5 * small;
    const names = rows.map((row) => row.name);
    const { pitch, height, grid, yAxis, above } = namedRows(look, names, top + bottom);
    const seen = {};
    const series = options.map((option) => {
      const at = (seen[option.counts_as] = (seen[option.counts_as] ?? -1) + 1);
      const pattern = cycled(PATTERNS[option.counts_as], at);
      return {
        type: "bar", name: option.label, stack: "all", silent: true,
        barWidth: narrow ? 1.3 * small : Math.min(2 * rem, pitch * 0.6),
        itemStyle: {
          color: colour(cycled(COLOURS[option.counts_as], at)), borderColor: colour("card"),
          borderWidth: 1,
          decal: pattern ? { ...pattern, color: colour("decal") } : { symbol: "none" },
        },
        label: {
          fontSize: small * 0.92, color: colour("ink"), padding: [1, 3],
          backgroundColor: colour("card"), borderRadius: 3,
          formatter: ({ value }) => percent(value, 0),
        },
        data: rows.map((row) => row.shares[option.value] ?? 0).map((value) => ({
          value, label: { show: value >= (narrow ? 0.12 : 0.08) },
        })),
      };
    });
    return {
      height,
      grid: { ...grid, top, bottom, right: 6 },
      legend: key.option,
      xAxis: { type: "value", min: 0, max: 1, show: false },
      yAxis,
      series: [
        ...above,
        ...series,
      ],
    };
  };
}

// rows: {name, share}; `target`: the share that is to be reached.
export function reached(rows, target) {
  return (look) => {
    const { colour, small, rem, narrow } = look;
    const most = Math.max(target * 1.15, ...rows.map((row) => row.share ?? 0));
    const top = 1.8 * small;
    // On a wall the bars say it.
    const bottom = look.given ? 0.4 * small : 2 * small;
    const names = rows.map((row) => row.name);
    const { pitch, height, grid, yAxis, above } = namedRows(look, names, top + bottom);
    const shares = scale(look, 0, most);
    return {
      height,
      grid: { ...grid, top, bottom, right: 4 * small },
      yAxis,
      xAxis: look.given ? { ...shares, axisLabel: { show: false } } : shares,
      series: [
        ...above,
        {
          type: "bar", silent: true,
          barWidth: narrow ? 1.1 * small : Math.min(1.4 * rem, pitch * 0.6),
          itemStyle: { color: colour("brand") },
          data: rows.map((row) => ({
            value: row.share ?? 0,
            itemStyle: { color: colour(row.share >= target ? "good" : "fair") },
          })),
          label: {
            show: true, position: "right", color: colour("ink"),
            fontSize: Math.min(small, 0.85 * pitch),
            formatter: ({ dataIndex }) => {
              const { share, met } = rows[dataIndex];
              return share === null ? "–" : percent(share) + (met ? " ✓" : "");
            },
          },
          markLine: {
            silent: true, symbol: "none", animation: false, precision: 9,
            lineStyle: { color: colour("poor"), type: "solid", width: 2 },
            label: {
              formatter: given(target), color: colour("ink"), fontSize: small, position: "start",
              distance: 4,
            },
            data: [{ xAxis: target }],
          },
        },
      ],
    };
  };
}
