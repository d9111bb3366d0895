/**
 * A page of charts and tables as one HTML text that needs nothing else: no network, no second file. What is drawn is said as
 * data (`Page`); `browser.ts` draws it with ECharts, both of which are written into the page. It knows nothing of options.
 * Why ECharts: `docs/decisions/0806-charts.md`.
 */
import { readFileSync } from "node:fs";
import { createRequire, stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";

/** What a number on an axis, in a tooltip or in a table is, and how it is written. */
export interface Quantity {
  readonly label: string;
  /** Written after the label and after values: "USD", "years". Percentages have none: 0.5 is written as 50 %. */
  readonly unit?: string;
  /** "number" when absent. */
  readonly format?: "number" | "percent";
  /** Digits after the point; as many as needed, at most six significant ones, when absent. */
  readonly decimals?: number;
}

/** A missing value is null: a line has a gap there, a point is not drawn. */
export type Value = number | null;

export interface Axis extends Quantity {
  /** "linear" when absent. Values on a logarithmic axis are positive, those on an axis of time milliseconds since 1970, written as UTC. */
  readonly scale?: "linear" | "logarithmic" | "time";
  /** From where to where; around its values when absent. */
  readonly range?: readonly [number, number];
}

export interface Series {
  readonly name: string;
  /** "range" draws an upright bar from `low` to `high` and ignores `y`. "line-and-points" is for few values. */
  readonly mark: "line" | "points" | "range" | "line-and-points";
  /** One column per axis in the chart's `x`, each as long as the series. */
  readonly x: readonly (readonly Value[])[];
  readonly y: readonly Value[];
  readonly low?: readonly Value[];
  readonly high?: readonly Value[];
  /** What a tooltip says of a point, beside its value. */
  readonly labels?: readonly string[];
  /** "quiet" steps back: a bound, a zero line, history. */
  readonly tone?: "plain" | "quiet" | "warning";
  readonly dashed?: boolean;
  /** A value of a line stands until the next one: what is between them is the first, and not a slope. */
  readonly stepped?: boolean;
}

/** A picture beneath the lines: colours by the cells' values, evenly over a rectangle of the axes. */
export interface Field {
  /** From where to where on the (first) x axis and on the y axis. */
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  /** A row per stretch of y, the lowest first. Above zero and below zero have colours of their own; nothing is drawn for null. */
  readonly cells: readonly (readonly Value[])[];
}

export interface LineChart {
  readonly kind: "lines";
  readonly title: string;
  readonly note?: string;
  /** At least one; of several the reader chooses, and every chart that has an axis of this label follows. */
  readonly x: readonly Axis[];
  readonly y: Axis;
  readonly series: readonly Series[];
  /** "ordered": from first to last along a ramp, for expiries and the like; else as different as can be. */
  readonly colours?: "different" | "ordered";
  readonly field?: Field;
  /** "plain" when absent. */
  readonly height?: "plain" | "tall";
  /** Upright lines, such as the forward: one position per axis in `x`. */
  readonly markers?: readonly { readonly label: string; readonly x: readonly number[] }[];
}

export interface BarChart {
  readonly kind: "bars";
  readonly title: string;
  readonly note?: string;
  readonly x: { readonly label: string; readonly categories: readonly string[] };
  readonly y: Axis;
  readonly series: readonly { readonly name: string; readonly y: readonly Value[] }[];
}

export interface HeatMap {
  readonly kind: "heat";
  readonly title: string;
  readonly note?: string;
  readonly x: { readonly label: string; readonly categories: readonly string[] };
  readonly y: { readonly label: string; readonly categories: readonly string[] };
  readonly value: Quantity;
  /** A row per category of `y`, a column per category of `x`. */
  readonly cells: readonly (readonly Value[])[];
  /** "diverging" has its middle at zero: losses and gains. "sequential" when absent. */
  readonly palette?: "sequential" | "diverging";
}

export interface Table {
  readonly kind: "table";
  readonly title: string;
  readonly note?: string;
  readonly columns: readonly Quantity[];
  readonly rows: readonly (readonly (string | Value)[])[];
}

/** Of several blocks the reader chooses which is shown: an expiry, for example. Charts are drawn when they are shown. */
export interface Choice {
  readonly kind: "choice";
  readonly label: string;
  readonly options: readonly { readonly name: string; readonly blocks: readonly Block[] }[];
  /** Index of the option that is shown first; 0 when absent. */
  readonly shown?: number;
}

export type Chart = LineChart | BarChart | HeatMap;
export type Block = Chart | Table | Choice;

export interface Section {
  readonly title: string;
  /** Plain text, a paragraph each. */
  readonly text?: readonly string[];
  readonly blocks: readonly Block[];
}

export interface Page {
  readonly title: string;
  /** One line under the title: where the data is from, and of when. */
  readonly subtitle?: string;
  /** The few numbers that matter most, shown large. */
  readonly facts?: readonly { readonly label: string; readonly value: string }[];
  readonly sections: readonly Section[];
}

/** The page as one HTML text of about 1.2 MB, most of it the library. The same page gives the same bytes. */
export function renderPage(page: Page): string {
  const charts: Chart[] = [];
  const body = [renderHead(page), ...page.sections.map((section, index) => renderSection(section, index, charts))].join(
    "\n",
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">
<title>${escaped(page.title)}</title>
<style>${readBeside("page.css")}</style>
</head>
<body>
${body}
<script>${inScript(readFileSync(createRequire(import.meta.url).resolve("echarts/dist/echarts.min.js"), "utf8"))}</script>
<script>window.charts = ${inScript(JSON.stringify(charts))};</script>
<script type="module">${inScript(stripTypeScriptTypes(readBeside("browser.ts")))}</script>
</body>
</html>
`;
}

function renderHead({ title, subtitle, facts = [], sections }: Page): string {
  const links = sections.map((section, index) => `<a href="#s${index}">${escaped(section.title)}</a>`);
  return `<header>
<div class="bar"><h1>${escaped(title)}</h1><button type="button" id="theme">dark / light</button></div>
${subtitle === undefined ? "" : `<p class="subtitle">${escaped(subtitle)}</p>`}
${facts.length === 0 ? "" : `<dl class="facts">${facts.map(({ label, value }) => `<div><dt>${escaped(label)}</dt><dd>${escaped(value)}</dd></div>`).join("")}</dl>`}
${links.length < 2 ? "" : `<nav>${links.join("")}</nav>`}
</header>`;
}

function renderSection({ title, text = [], blocks }: Section, index: number, charts: Chart[]): string {
  const paragraphs = text.map((line) => `<p>${escaped(line)}</p>`).join("");
  const inner = blocks.map((block) => renderBlock(block, charts)).join("\n");
  return `<section id="s${index}"><h2>${escaped(title)}</h2>${paragraphs}\n${inner}</section>`;
}

function renderBlock(block: Block, charts: Chart[]): string {
  switch (block.kind) {
    case "table":
      return renderTable(block);
    case "choice":
      return renderChoice(block, charts);
    case "lines":
    case "bars":
    case "heat":
      return renderChart(block, charts);
  }
}

function renderChart(chart: Chart, charts: Chart[]): string {
  const index = charts.push(chart) - 1;
  const axes = chart.kind === "lines" && 1 < chart.x.length ? chart.x : [];
  const buttons = axes.map(
    ({ label }, axis) =>
      `<button type="button" data-axis="${escaped(label)}"${axis === 0 ? ' class="on"' : ""}>${escaped(label)}</button>`,
  );
  return `<figure><figcaption><span>${escaped(chart.title)}</span>${buttons.length === 0 ? "" : `<span class="axes">x: ${buttons.join("")}</span>`}</figcaption>
<div class="chart ${chart.kind}${chart.kind === "lines" && chart.height === "tall" ? " tall" : ""}" data-chart="${index}" role="img" aria-label="${escaped(chart.title)}"></div>${noteOf(chart)}</figure>`;
}

function renderTable(table: Table): string {
  const head = table.columns
    .map(
      ({ label, unit }) => `<th>${escaped(label)}${unit === undefined ? "" : `<small>${escaped(unit)}</small>`}</th>`,
    )
    .join("");
  const rows = table.rows.map((row) => {
    const cells = row.map((cell, index) => {
      if (typeof cell === "string") return `<td class="text">${escaped(cell)}</td>`;
      return `<td>${cell === null ? "" : escaped(formatNumber(cell, table.columns[index]!))}</td>`;
    });
    return `<tr>${cells.join("")}</tr>`;
  });
  return `<figure><figcaption><span>${escaped(table.title)}</span></figcaption>
<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>${noteOf(table)}</figure>`;
}

function renderChoice({ label, options, shown = 0 }: Choice, charts: Chart[]): string {
  const tabs = options.map(
    ({ name }, index) =>
      `<button type="button" data-tab="${index}"${index === shown ? ' class="on"' : ""}>${escaped(name)}</button>`,
  );
  const panels = options.map(
    ({ blocks }, index) =>
      `<div class="panel" data-panel="${index}"${index === shown ? "" : " hidden"}>${blocks.map((block) => renderBlock(block, charts)).join("\n")}</div>`,
  );
  return `<div class="choice"><div class="tabs"><span>${escaped(label)}</span>${tabs.join("")}</div>${panels.join("\n")}</div>`;
}

function noteOf({ note }: { readonly note?: string }): string {
  return note === undefined ? "" : `<p class="note">${escaped(note)}</p>`;
}

/** A number as the page writes it; `browser.ts` has the same rule for axes and tooltips. */
export function formatNumber(value: number, { format = "number", decimals }: Quantity): string {
  const shown = format === "percent" ? 100 * value : value;
  const digits = decimals ?? Math.max(0, Math.min(8, 5 - Math.floor(Math.log10(Math.abs(shown) || 1))));
  const text = shown.toLocaleString("en-US", {
    minimumFractionDigits: decimals ?? 0,
    maximumFractionDigits: digits,
  });
  return format === "percent" ? `${text} %` : text;
}

function readBeside(name: string): string {
  return readFileSync(fileURLToPath(new URL(name, import.meta.url)), "utf8");
}

/** Nothing inside may end the element or open a comment that hides its end. */
function inScript(text: string): string {
  return text.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]!);
}
