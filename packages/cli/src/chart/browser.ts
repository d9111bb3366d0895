/**
 * Draws the charts of a page (`page.ts`) in the reader's browser with ECharts, which the page has loaded before. It is written
 * into the page without its types, as one script: it imports types alone. It knows nothing of options, and asks nobody anything.
 */
import type { ECharts, EChartsOption } from "echarts";
import type { Axis, BarChart, Chart, Field, HeatMap, LineChart, Quantity, Series, Value } from "./page.ts";

interface Element {
  readonly dataset: Readonly<Record<string, string | undefined>>;
  readonly classList: { toggle(name: string, on: boolean): void };
  readonly parentElement: Element;
  hidden: boolean;
  addEventListener(name: string, handle: () => void): void;
  querySelectorAll(selector: string): Iterable<Element>;
  closest(selector: string): Element;
}
interface Canvas {
  width: number;
  height: number;
  getContext(kind: "2d"): { fillStyle: string; fillRect(x: number, y: number, width: number, height: number): void };
  toDataURL(): string;
}
interface Page {
  readonly charts: readonly Chart[];
  readonly echarts: {
    init(element: Element, theme: null, options: { renderer: "svg" }): ECharts;
    connect(group: string): void;
  };
  readonly document: Element & {
    readonly documentElement: { readonly dataset: Record<string, string> };
    createElement(name: "canvas"): Canvas;
  };
  ready: boolean;
  matchMedia(query: string): { readonly matches: boolean };
  addEventListener(name: string, handle: () => void): void;
}

const page = globalThis as unknown as Page;
const shown = new Map<Element, ECharts>();
/** The label of the x axis that the reader chose last. */
let axisChosen: string | undefined;
let dark = page.matchMedia("(prefers-color-scheme: dark)").matches;

interface Colours {
  readonly text: string;
  readonly quiet: string;
  readonly line: string;
  readonly ground: string;
  readonly series: readonly string[];
  readonly warning: string;
  readonly sequential: readonly string[];
  readonly diverging: readonly string[];
}

const colours = (): Colours => (dark ? darkColours : lightColours);
// Series: distinguishable with the usual colour blindnesses (after Okabe and Ito). Diverging: loss orange-red, gain blue.
const lightColours: Colours = {
  text: "#1b2430",
  quiet: "#5d6b7c",
  line: "#d9dde3",
  ground: "#ffffff",
  series: ["#1f63c9", "#d9730d", "#148f77", "#a4408f", "#7a6a00", "#4aa3df", "#8a4b2a", "#5b5fc7"],
  warning: "#c0261c",
  sequential: ["#f2f0f7", "#b9d3ea", "#6aaed6", "#2f7fbc", "#14508f", "#08264d"],
  diverging: ["#a63603", "#e6803c", "#fbd3b3", "#f4f4f4", "#b7d4ec", "#4f97d0", "#0b4a8f"],
};
const darkColours: Colours = {
  text: "#e4e9f0",
  quiet: "#94a3b5",
  line: "#313b48",
  ground: "#12161c",
  series: ["#6ea8fe", "#f5a04a", "#3fc9a8", "#d98ac9", "#d6c247", "#8fd0f5", "#d19a76", "#a4a7f2"],
  warning: "#ff7a6e",
  sequential: ["#16202c", "#1c3d5e", "#24639a", "#3f90c9", "#7fc0e4", "#dff1fb"],
  diverging: ["#ff8a4a", "#c25a1e", "#5e3418", "#222a33", "#1d405f", "#2f7fc0", "#8cc8f7"],
};

function formatValue(value: Value | undefined, quantity: Axis): string {
  if (value === null || value === undefined || value !== value) return "–";
  if (quantity.scale === "time") return new Date(value).toISOString().slice(0, 23).replace("T", " ");
  const { format = "number", decimals, unit } = quantity;
  const number = format === "percent" ? 100 * value : value;
  const digits = decimals ?? Math.max(0, Math.min(8, 5 - Math.floor(Math.log10(Math.abs(number) || 1))));
  const text = number.toLocaleString("en-US", { minimumFractionDigits: decimals ?? 0, maximumFractionDigits: digits });
  return format === "percent" ? `${text} %` : unit === undefined ? text : `${text} ${unit}`;
}

/** On an axis the ticks are round already, and the unit stands in its name. */
function formatTick(value: number, { format }: Quantity): string {
  const number = format === "percent" ? 100 * value : value;
  const text = number.toLocaleString("en-US", { maximumSignificantDigits: 6 });
  return format === "percent" ? `${text} %` : text;
}

const nameOf = ({ label, unit }: Quantity): string => (unit === undefined ? label : `${label} (${unit})`);

function axisOption(axis: Axis, position: "x" | "y") {
  const { quiet, line, text } = colours();
  return {
    type: axis.scale === "logarithmic" ? "log" : axis.scale === "time" ? "time" : "value",
    name: nameOf(axis),
    nameLocation: "middle",
    nameGap: position === "x" ? 30 : 70,
    nameTextStyle: { color: text, fontSize: 13 },
    scale: true,
    ...(axis.range === undefined ? {} : { min: axis.range[0], max: axis.range[1] }),
    axisLine: { show: true, onZero: false, lineStyle: { color: quiet } },
    axisLabel: {
      color: quiet,
      hideOverlap: true,
      ...(axis.scale === "time" ? {} : { formatter: (value: number) => formatTick(value, axis) }),
      ...(axis.scale === "logarithmic" ? { showMinLabel: false, showMaxLabel: false } : {}),
    },
    splitLine: { lineStyle: { color: line } },
    axisPointer: { label: { formatter: ({ value }: { value: number }) => formatValue(value, axis) } },
  };
}

function baseOption() {
  const { text, quiet, ground, line, series } = colours();
  return {
    animation: false,
    useUTC: true,
    backgroundColor: ground,
    color: [...series],
    textStyle: { color: text, fontFamily: "inherit" },
    legend: { type: "scroll", top: 4, left: 60, width: "78%", textStyle: { color: text }, inactiveColor: quiet },
    grid: { left: 92, right: 28, top: 44, bottom: 52, containLabel: false },
    tooltipStyle: { backgroundColor: ground, borderColor: line, textStyle: { color: text, fontSize: 13 } },
    toolbox: {
      right: 8,
      top: 0,
      iconStyle: { borderColor: quiet },
      feature: { dataZoom: {}, restore: {}, saveAsImage: { type: "svg" } },
    },
  };
}

function lineOption(chart: LineChart): EChartsOption {
  const axis = Math.max(
    0,
    chart.x.findIndex(({ label }) => label === axisChosen),
  );
  const base = baseOption();
  const option = {
    ...base,
    xAxis: { ...axisOption(chart.x[axis]!, "x"), ...logarithmicEnds(chart, axis) },
    yAxis: axisOption(chart.y, "y"),
    dataZoom: [{ type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseMove: "ctrl" }],
    tooltip: {
      ...base.tooltipStyle,
      trigger: "axis",
      axisPointer: { type: "line", snap: false },
      formatter: (items: readonly { axisValue: number }[]) => tooltipOf(chart, axis, items[0]!.axisValue),
    },
    series: [
      ...(chart.field === undefined ? [] : [fieldOption(chart.field)]),
      ...chart.series.map((series, index) => seriesOption(chart, series, index, axis)),
    ],
  };
  return option as unknown as EChartsOption;
}

/** Pixels of the picture per pixel of the chart. */
const fieldPixels = 2;

/** One picture over the whole plot, drawn anew whenever the axes are zoomed: as large as what is seen, however deep the zoom. */
function fieldOption(field: Field) {
  return {
    type: "custom",
    silent: true,
    z: 0,
    // The corners, so that the axes reach over all of it.
    data: [
      [field.x[0], field.y[0]],
      [field.x[1], field.y[1]],
    ],
    renderItem: ({ dataIndex, coordSys }: { dataIndex: number; coordSys: Rectangle }, api: RangeApi) => {
      // Any of the corners that is in sight: when both are out of it the first is asked for all the same.
      if (dataIndex !== 0) return null;
      const [left, bottom] = api.coord([field.x[0], field.y[0]]);
      const [right, top] = api.coord([field.x[1], field.y[1]]);
      const image = fieldImage(
        field,
        { x: left - coordSys.x, y: top - coordSys.y, width: right - left, height: bottom - top },
        coordSys,
      );
      const { x, y, width, height } = coordSys;
      return { type: "image", style: { image, x, y, width, height } };
    },
  };
}

interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The cells as they lie in `place`, as far as the plot shows them. */
function fieldImage({ cells }: Field, place: Rectangle, plot: Rectangle): string {
  const { diverging } = colours();
  const canvas = page.document.createElement("canvas");
  canvas.width = Math.ceil(fieldPixels * plot.width);
  canvas.height = Math.ceil(fieldPixels * plot.height);
  const context = canvas.getContext("2d");
  let most = 0;
  for (const row of cells) for (const value of row) most = Math.max(most, Math.abs(value ?? 0));
  const columnsCount = cells[0]?.length ?? 0;
  const edgeX = (column: number): number => Math.round(fieldPixels * (place.x + (place.width * column) / columnsCount));
  const edgeY = (row: number): number => Math.round(fieldPixels * (place.y + place.height * (1 - row / cells.length)));
  for (const [index, row] of cells.entries()) {
    const [bottom, top] = [edgeY(index), edgeY(index + 1)];
    if (bottom <= 0 || canvas.height <= top) continue;
    for (const [column, value] of row.entries()) {
      const [left, right] = [edgeX(column), edgeX(column + 1)];
      if (value === null || value === 0 || right <= 0 || canvas.width <= left) continue;
      context.fillStyle = mixed(diverging, 0.5 + value / (2 * most));
      context.fillRect(left, top, Math.max(1, right - left), Math.max(1, bottom - top));
    }
  }
  return canvas.toDataURL();
}

/** The colour at `part` of the way along a list of colours. */
function mixed(list: readonly string[], part: number): string {
  const at = Math.max(0, Math.min(list.length - 1, part * (list.length - 1)));
  const [from, to] = [list[Math.floor(at)]!, list[Math.ceil(at)]!];
  const channels = [1, 3, 5].map((place) => {
    const [one, other] = [from, to].map((colour) => parseInt(colour.slice(place, place + 2), 16)) as [number, number];
    return Math.round(one + (other - one) * (at - Math.floor(at)));
  });
  return `rgb(${channels.join(" ")})`;
}

/** A logarithmic axis ends near its data, and not at powers of ten. */
function logarithmicEnds(chart: LineChart, axis: number) {
  if (chart.x[axis]!.scale !== "logarithmic") return {};
  const values = chart.series.flatMap(({ x }) => x[axis] ?? []).filter((value) => value !== null);
  return { min: Math.min(...values) / 1.2, max: Math.max(...values) * 1.2 };
}

function toneOf(chart: LineChart, series: Series, index: number): string {
  const { series: palette, quiet, warning } = colours();
  if (series.tone === "quiet") return quiet;
  if (series.tone === "warning") return warning;
  if (chart.colours === "ordered") return rampAt(index / Math.max(1, chart.series.length - 1));
  return palette[index % palette.length]!;
}

/** From blue over green to orange-red, bright enough on either ground. */
function rampAt(part: number): string {
  return `hsl(${Math.round(230 - 215 * part)} 65% ${dark ? 62 : 44}%)`;
}

function seriesOption(chart: LineChart, series: Series, index: number, axis: number) {
  const colour = toneOf(chart, series, index);
  const x = series.x[axis] ?? [];
  const common = { name: series.name, itemStyle: { color: colour }, ...(index === 0 ? markerOption(chart, axis) : {}) };
  if (series.mark === "range") {
    const data = x.map((value, row) => [value, series.low?.[row] ?? null, series.high?.[row] ?? null]);
    return { ...common, type: "custom", data, encode: { x: 0, y: [1, 2] }, renderItem: rangeItem(colour), z: 1 };
  }
  const data = x.map((value, row) => [value, series.y[row] ?? null]);
  if (series.mark === "points") return { ...common, type: "scatter", data, symbolSize: 6, z: 3 };
  return {
    ...common,
    type: "line",
    data,
    ...(series.stepped === true ? { step: "end" } : {}),
    showSymbol: series.mark === "line-and-points",
    symbol: "circle",
    symbolSize: 6,
    lineStyle: { color: colour, width: 2, type: series.dashed === true ? "dashed" : "solid" },
    z: 2,
  };
}

function markerOption({ markers = [] }: LineChart, axis: number) {
  const { quiet, text } = colours();
  if (markers.length === 0) return {};
  return {
    markLine: {
      silent: true,
      symbol: "none",
      lineStyle: { color: quiet, type: "dotted" },
      label: { color: text, formatter: ({ name }: { name: string }) => name, position: "insideEndTop" },
      data: markers.map(({ label, x }) => ({ name: label, xAxis: x[axis] })),
    },
  };
}

interface RangeApi {
  value(index: number): number;
  coord(point: readonly number[]): [number, number];
}

/** An upright bar with caps; a side that is missing is left open. */
function rangeItem(colour: string) {
  return (_: unknown, api: RangeApi) => {
    const [low, high] = [api.value(1), api.value(2)];
    if (low !== low && high !== high) return null;
    const [x, bottom] = api.coord([api.value(0), low === low ? low : high]);
    const [, top] = api.coord([api.value(0), high === high ? high : low]);
    const style = { stroke: colour, lineWidth: 1.5 };
    const line = (x1: number, y1: number, x2: number, y2: number) => ({
      type: "line",
      shape: { x1, y1, x2, y2 },
      style,
    });
    const caps = [
      ...(low === low ? [line(x - 3, bottom, x + 3, bottom)] : []),
      ...(high === high ? [line(x - 3, top, x + 3, top)] : []),
    ];
    return { type: "group", children: [line(x, bottom, x, top), ...caps] };
  };
}

/** Every series at the pointer: lines between their points, the others at the nearest of theirs. */
function tooltipOf(chart: LineChart, axis: number, at: number): string {
  const rows = chart.series.flatMap((series, index) => {
    const text = textAt(chart, series, axis, at);
    const mark = `<span style="color:${toneOf(chart, series, index)}">●</span>`;
    return text === undefined
      ? []
      : [
          `<tr><td>${mark} ${escaped(series.name)}</td><td style="padding-left:12px;text-align:right">${text}</td></tr>`,
        ];
  });
  return `<b>${escaped(chart.x[axis]!.label)} ${formatValue(at, chart.x[axis]!)}</b><table>${rows.join("")}</table>`;
}

function textAt(chart: LineChart, series: Series, axis: number, at: number): string | undefined {
  const x = series.x[axis] ?? [];
  if (series.mark === "line") {
    const value = series.stepped === true ? standing(x, series.y, at) : interpolated(x, series.y, at);
    return value === undefined ? undefined : formatValue(value, chart.y);
  }
  const row = nearestRow(x, at);
  if (row === undefined) return undefined;
  const place = `<small> at ${formatValue(x[row], chart.x[axis]!)}</small>`;
  const label = series.labels?.[row] === undefined ? "" : `<br><small>${escaped(series.labels[row]!)}</small>`;
  if (series.mark !== "range") return `${formatValue(series.y[row], chart.y)}${place}${label}`;
  return `${formatValue(series.low?.[row], chart.y)} … ${formatValue(series.high?.[row], chart.y)}${place}${label}`;
}

function interpolated(x: readonly Value[], y: readonly Value[], at: number): number | undefined {
  for (let row = 1; row < x.length; row++) {
    const [left, right, from, to] = [x[row - 1], x[row], y[row - 1], y[row]];
    if (typeof left !== "number" || typeof right !== "number" || typeof from !== "number" || typeof to !== "number")
      continue;
    if ((at - left) * (at - right) <= 0)
      return left === right ? from : from + ((to - from) * (at - left)) / (right - left);
  }
  return undefined;
}

/** The last value at or before a place: places rise. */
function standing(x: readonly Value[], y: readonly Value[], at: number): number | undefined {
  const row = x.findLastIndex((value) => value !== null && value <= at);
  return y[row] ?? undefined;
}

function nearestRow(x: readonly Value[], at: number): number | undefined {
  let [best, distance]: [number | undefined, number] = [undefined, Infinity];
  for (const [row, value] of x.entries()) {
    if (value === null || distance <= Math.abs(value - at)) continue;
    [best, distance] = [row, Math.abs(value - at)];
  }
  return best;
}

function categoryAxis(label: string, categories: readonly string[], position: "x" | "y") {
  const { quiet, text } = colours();
  return {
    type: "category",
    data: categories,
    name: label,
    nameLocation: "middle",
    nameGap: position === "x" ? 30 : 84,
    nameTextStyle: { color: text, fontSize: 13 },
    axisLine: { lineStyle: { color: quiet } },
    axisLabel: { color: quiet, hideOverlap: true },
    splitArea: { show: false },
  };
}

function barOption(chart: BarChart): EChartsOption {
  const base = baseOption();
  const option = {
    ...base,
    xAxis: categoryAxis(chart.x.label, chart.x.categories, "x"),
    yAxis: { ...axisOption(chart.y, "y"), scale: false },
    tooltip: {
      ...base.tooltipStyle,
      trigger: "axis",
      axisPointer: { type: "shadow" },
      valueFormatter: (value: Value) => formatValue(value, chart.y),
    },
    series: chart.series.map(({ name, y }) => ({ name, type: "bar", data: y, barGap: "0%", barCategoryGap: "10%" })),
  };
  return option as unknown as EChartsOption;
}

function heatOption(chart: HeatMap): EChartsOption {
  const base = baseOption();
  const { text, sequential, diverging, ground } = colours();
  const data = chart.cells.flatMap((row, y) =>
    row.flatMap((value, x) => (value === null ? [] : [[x, y, value] as const])),
  );
  const values = data.map(([, , value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const reach = Math.max(Math.abs(low), Math.abs(high)) || 1;
  const isDiverging = chart.palette === "diverging";
  const option = {
    ...base,
    legend: undefined,
    grid: { ...base.grid, left: 108, right: 150, top: 30 },
    xAxis: categoryAxis(chart.x.label, chart.x.categories, "x"),
    yAxis: categoryAxis(chart.y.label, chart.y.categories, "y"),
    visualMap: {
      min: isDiverging ? -reach : low,
      max: isDiverging ? reach : high === low ? low + 1 : high,
      calculable: true,
      orient: "vertical",
      right: 8,
      top: "middle",
      itemHeight: 220,
      text: [nameOf(chart.value), ""],
      textStyle: { color: text },
      inRange: { color: isDiverging ? diverging : sequential },
      formatter: (value: number) => formatValue(value, { ...chart.value, unit: "" }),
    },
    tooltip: {
      ...base.tooltipStyle,
      formatter: ({ value: [x, y, value] }: { value: readonly [number, number, number] }) =>
        `${escaped(chart.y.label)} <b>${escaped(chart.y.categories[y]!)}</b><br>${escaped(chart.x.label)} <b>${escaped(chart.x.categories[x]!)}</b><br>${escaped(chart.value.label)} <b>${formatValue(value, chart.value)}</b>`,
    },
    series: [
      {
        type: "heatmap",
        data,
        itemStyle: { borderColor: ground, borderWidth: 1 },
        label: {
          show: data.length <= 240,
          fontSize: 11,
          formatter: ({ value }: { value: readonly number[] }) => formatCell(value[2]!, chart.value),
        },
      },
    ],
  };
  return option as unknown as EChartsOption;
}

/** Short, as it stands inside a cell. */
function formatCell(value: number, { format, decimals }: Quantity): string {
  const number = format === "percent" ? 100 * value : value;
  if (decimals !== undefined) return number.toLocaleString("en-US", { maximumFractionDigits: decimals });
  return number.toLocaleString("en-US", { maximumSignificantDigits: 3 });
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function optionOf(chart: Chart): EChartsOption {
  if (chart.kind === "lines") return lineOption(chart);
  return chart.kind === "bars" ? barOption(chart) : heatOption(chart);
}

/** Draws what can be seen and has not been drawn, or all that was drawn anew. */
function draw(anew: boolean): void {
  for (const element of page.document.querySelectorAll(".chart")) {
    if (element.closest("[hidden]") !== null) continue;
    const known = shown.get(element);
    if (known !== undefined && !anew) {
      known.resize();
      continue;
    }
    const chart = known ?? page.echarts.init(element, null, { renderer: "svg" });
    shown.set(element, chart);
    const drawn = page.charts[Number(element.dataset["chart"])]!;
    if (drawn.kind === "lines" && drawn.x[0]!.scale === "time") chart.group = "time";
    chart.setOption(optionOf(page.charts[Number(element.dataset["chart"])]!), true);
  }
}

function setTheme(): void {
  page.document.documentElement.dataset["theme"] = dark ? "dark" : "light";
  drawAll();
}

/** Hidden charts are forgotten, so that they are drawn in the new way when they are shown. */
function drawAll(): void {
  for (const [element, chart] of shown) {
    if (element.closest("[hidden]") === null) continue;
    chart.dispose();
    shown.delete(element);
  }
  draw(true);
}

function choose(tab: Element): void {
  const choice = tab.closest(".choice");
  for (const other of choice.querySelectorAll("[data-tab]")) other.classList.toggle("on", other === tab);
  for (const panel of choice.querySelectorAll("[data-panel]"))
    panel.hidden = panel.dataset["panel"] !== tab.dataset["tab"];
  draw(false);
}

function chooseAxis(button: Element): void {
  axisChosen = button.dataset["axis"];
  for (const caption of page.document.querySelectorAll(".axes")) {
    const buttons = [...caption.querySelectorAll("[data-axis]")];
    const on = buttons.find((one) => one.dataset["axis"] === axisChosen) ?? buttons[0];
    for (const one of buttons) one.classList.toggle("on", one === on);
  }
  drawAll();
}

for (const tab of page.document.querySelectorAll("[data-tab]")) tab.addEventListener("click", () => choose(tab));
for (const button of page.document.querySelectorAll("[data-axis]"))
  button.addEventListener("click", () => chooseAxis(button));
for (const button of page.document.querySelectorAll("#theme"))
  button.addEventListener("click", () => {
    dark = !dark;
    setTheme();
  });
page.addEventListener("resize", () => draw(false));
setTheme();
// Charts over time are zoomed together.
page.echarts.connect("time");
page.ready = true;
