/** Writes the model into the page. Every element stands in index.html from the start: nothing jumps. */

import { element, write } from "../shell/dom";
import { NONE, duration, integer, percent, rate } from "./format";
import {
  PAST_KEPT,
  type Model,
  type Past,
  aPass,
  context,
  drafted,
  exactness,
  headline,
  lastSentence,
} from "./model";

const SVG = "http://www.w3.org/2000/svg";
const CHART_WIDTH = 256;
const CHART_HEIGHT = 44;

function spelled(ms: number | null): string {
  const { value, unit } = duration(ms);
  return unit === "" ? value : `${value} ${unit}`;
}

function writeBig(id: string, ms: number | null): void {
  const { value, unit } = duration(ms);
  write(id, value);
  write(`${id}-unit`, unit);
}

/** Shares a bar among its parts; an empty bar shows its track only. */
function writeSplit(id: string, parts: readonly number[]): void {
  const whole = parts.reduce((sum, part) => sum + part, 0);
  Array.from(element(id).children).forEach((child, at) => {
    const share = whole > 0 ? ((parts[at] ?? 0) / whole) * 100 : 0;
    (child as HTMLElement).style.width = `${share.toFixed(2)}%`;
  });
}

function renderTimes(model: Model): void {
  const { trace } = model;
  const writing = trace ? Math.max(0, trace.totalMs - trace.queueMs - trace.promptMs) : null;
  writeBig("first", trace?.firstTokenMs ?? null);
  writeBig("total", trace?.totalMs ?? null);
  write("queue", spelled(trace?.queueMs ?? null));
  write("prompt", spelled(trace?.promptMs ?? null));
  write("writing", spelled(writing));
  writeSplit("time-split", trace ? [trace.queueMs, trace.promptMs, writing ?? 0] : []);
}

function renderTokens({ trace }: Model): void {
  const { kept = 0, shifted = 0, computed = 0 } = trace?.reuse ?? {};
  const cached = kept + shifted;
  write("kept", integer(trace ? kept : null));
  write("shifted", integer(trace ? shifted : null));
  write("encoded", integer(trace ? computed : null));
  write("repaired", integer(trace?.reuse.repaired ?? null));
  write("generated", integer(trace?.generated ?? null));
  write("rate", trace ? rate(trace.generated, trace.firstTokenMs, trace.totalMs) : NONE);
  write("drafted", drafted(trace));
  write("a-pass", aPass(trace));
  write("exactness", exactness(trace));
  write("context", context(trace));
  write("saved", trace ? `${percent(cached, cached + computed)} reused` : "");
  writeSplit("token-split", [kept, shifted, computed]);
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle];
  if (high === undefined) return null;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? high)) / 2;
}

function bar(className: string, slot: number, height: number): SVGRectElement {
  const rect = document.createElementNS(SVG, "rect");
  const pitch = CHART_WIDTH / PAST_KEPT;
  rect.setAttribute("class", className);
  rect.setAttribute("x", String(slot * pitch + 1));
  rect.setAttribute("width", String(pitch - 2));
  rect.setAttribute("y", String(CHART_HEIGHT - height));
  rect.setAttribute("height", String(height));
  return rect;
}

function renderChart(past: readonly Past[]): void {
  const longest = Math.max(1, ...past.map((one) => one.totalMs));
  const tall = (ms: number) => Math.max(2, (ms / longest) * (CHART_HEIGHT - 2));
  const offset = PAST_KEPT - past.length;
  const bars = past.flatMap(({ totalMs, firstMs }, at) => {
    const total = bar("total", offset + at, tall(totalMs));
    return firstMs === null ? [total] : [total, bar("first", offset + at, tall(firstMs))];
  });
  element("chart").replaceChildren(...bars);
  const middle = median(past.map((one) => one.totalMs));
  write("median", middle === null ? "" : `median ${spelled(middle)}`);
}

function renderState(model: Model): void {
  const { tone, short, sentence } = headline(model);
  const pill = element("state");
  pill.dataset.tone = tone;
  pill.title = sentence;
  write("state-short", short);
  write("engine-text", sentence);
  const notice = element("notice");
  notice.hidden = tone !== "bad" && model.engine?.state !== "loading";
  notice.dataset.tone = tone;
  write("notice-text", sentence);
  element("retry").hidden = model.link.kind !== "lost";
}

/** Shows `next`; `previous` is what is on the page, null at first. */
export function render(next: Model, previous: Model | null): void {
  renderState(next);
  const failed = next.asking.kind === "failed";
  element("last").classList.toggle("bad", failed);
  write("last", lastSentence(next));
  write("asked", integer(next.asked));
  write("accepted", integer(next.accepted));
  write("local", integer(next.local));
  write("model", next.engine?.model ?? NONE);
  write("device", next.engine?.device ?? NONE);
  write("weights", next.engine?.weights ?? NONE);
  write("cache", next.engine?.cache ?? NONE);
  if (previous?.trace !== next.trace || next.trace === null) {
    renderTimes(next);
    renderTokens(next);
    renderChart(next.past);
  }
}
