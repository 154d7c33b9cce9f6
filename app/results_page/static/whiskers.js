// Rates as dots on their intervals, one row each: what is surely apart is seen to be apart.

import { bounds, namedRows, scale } from "./drawing.js";
import { percent } from "./texts.js";

// rows: {name, rate, interval, hollow}; `reference`: {name, rate} of all of them together.
export function whiskers(rows, reference) {
  return (look) => {
    const { colour, small } = look;
    const shown = rows.filter((row) => row.rate !== null);
    const [min, max] = bounds([
      ...shown.flatMap((row) => row.interval ?? [row.rate]), ...(reference ? [reference.rate] : []),
    ]);
    const top = reference ? 1.8 * small : 0.5 * small;
    const bottom = 2 * small;
    const names = rows.map((row) => row.name);
    const { pitch, height, grid, yAxis, above } = namedRows(look, names, top + bottom);
    return {
      height,
      grid: { ...grid, right: 4.6 * small, top, bottom },
      yAxis,
      xAxis: scale(look, min, max),
      series: [
        {
          type: "custom", clip: false, silent: true, animation: false,
          encode: { x: [1, 2, 3], y: 0 },
          data: rows.map((row, at) => [at, row.rate, ...(row.interval ?? [row.rate, row.rate])]),
          renderItem: (params, api) => row(params, api, rows[api.value(0)], { ...look, pitch }),
          markLine: reference && {
            silent: true, symbol: "none", animation: false,
            // ECharts would move it to the nearest hundredth.
            precision: 9,
            lineStyle: { color: colour("soft"), type: "dashed", width: 1 },
            label: {
              formatter: `${reference.name} ${percent(reference.rate)}`, position: "start",
              distance: 4, color: colour("soft"), fontSize: small,
            },
            data: [{ xAxis: reference.rate }],
          },
        },
        ...above.slice(0, 1),
      ],
    };
  };
}

function row(params, api, shown, look) {
  const { colour, small, narrow, font, pitch } = look;
  const size = Math.min(small, 0.85 * pitch);
  const at = api.value(0);
  const area = params.coordSys;
  const [, middle] = api.coord([0, at]);
  const y = narrow ? middle + 0.7 * small : middle;
  const brand = colour(shown.hollow ? "soft" : "brand");
  const text = {
    type: "text",
    style: {
      text: shown.rate === null ? "–" : percent(shown.rate), x: area.x + area.width + 4.5 * small,
      y,
      align: "right", verticalAlign: "middle", fill: colour("ink"), font: `600 ${size}px ${font}`,
    },
  };
  if (shown.rate === null) return { type: "group", children: [text] };
  const [x] = api.coord([api.value(1), at]);
  const [from] = api.coord([api.value(2), at]);
  const [to] = api.coord([api.value(3), at]);
  const cap = 0.3 * size;
  const line = (x1, y1, x2, y2) => ({
    type: "line", shape: { x1, y1, x2, y2 }, style: { stroke: brand, lineWidth: 0.15 * small },
  });
  const whisker = shown.interval
    ? [line(from, y, to, y), line(from, y - cap, from, y + cap), line(to, y - cap, to, y + cap)]
    : [];
  const dot = {
    type: "circle", shape: { cx: x, cy: y, r: 0.42 * size },
    style: { fill: shown.hollow ? colour("card") : brand, stroke: brand, lineWidth: 0.15 * small },
  };
  return { type: "group", children: [...whisker, dot, text] };
}
