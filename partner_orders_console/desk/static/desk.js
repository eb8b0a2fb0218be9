// What the pages need beside htmx: charts, the theme's colours in them, and no requests from a page nobody looks at.
"use strict";

const drawn = new WeakMap();

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function shown(value, unit) {
  if (value === null || value === undefined) return "–";
  return value.toLocaleString("en", { maximumFractionDigits: 2 }) + (unit ? " " + unit : "");
}

function options(data, width) {
  const lines = ["--line-1", "--line-2", "--line-3", "--line-4"].map(colour);
  const hours = (_, splits) => splits.map((seconds) => new Date(seconds * 1000).toISOString());
  const days = data.times.length > 1 && data.times[1] - data.times[0] >= 86400;
  const times = (plot, splits) => hours(plot, splits).map((text) => {
    if (days || text.slice(11, 16) === "00:00") return text.slice(5, 10);
    return text.slice(11, 16);
  });
  const axis = { stroke: colour("--text"), grid: { stroke: colour("--grid") }, ticks: { stroke: colour("--grid") } };
  return {
    width,
    height: 170,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    series: [
      { value: (_, seconds) => (seconds === null ? "–" : new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")) },
      ...data.lines.map((line, number) => ({
        label: line.label,
        stroke: lines[number % lines.length],
        dash: number ? [6, 4] : undefined,
        width: 2,
        spanGaps: false,
        points: { show: line.values.filter((value) => value !== null).length < 60 },
        value: (_, value) => shown(value, data.unit),
      })),
    ],
    axes: [{ ...axis, values: times }, { ...axis, size: 56 }],
    scales: { y: { range: (_, least, most) => [0, Math.max(most || 0, 1)] } },
  };
}

function draw(plot, anew) {
  const text = plot.dataset.chart;
  const before = drawn.get(plot);
  if (before && !anew && before.text === text && before.width === plot.clientWidth) return;
  if (before) before.chart.destroy();
  const data = JSON.parse(text);
  const width = Math.max(plot.clientWidth, 200);
  const chart = new uPlot(options(data, width), [data.times, ...data.lines.map((line) => line.values)], plot);
  drawn.set(plot, { text, chart, width: plot.clientWidth });
}

function drawAll(anew) {
  document.querySelectorAll("[data-chart]").forEach((plot) => draw(plot, anew === true));
}

// The desk runs on this machine, so the browser's clock is that of the page.
function noteTime() {
  const read = document.getElementById("read-at");
  const now = new Date().toISOString().slice(0, 19);
  if (read) { read.dateTime = now + "Z"; read.textContent = now.replace("T", " "); }
}

document.addEventListener("DOMContentLoaded", drawAll);
document.addEventListener("htmx:after:swap", () => { drawAll(); noteTime(); });
window.addEventListener("resize", () => drawAll());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(true));

// A page in the background asks for nothing; when it is looked at again, its next turn comes by itself.
document.addEventListener("htmx:before:request", (event) => {
  if (document.hidden) event.preventDefault();
});

const offline = () => document.getElementById("offline");
document.addEventListener("htmx:error", () => { if (!document.hidden) offline().hidden = false; });
document.addEventListener("htmx:after:request", () => { offline().hidden = true; });
