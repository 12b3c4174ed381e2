// @vitest-environment happy-dom

import { beforeEach, describe, expect, it } from "vitest";
import { renderContext } from "../../src/panel/context";
import { readTrace } from "../../src/protocol";

const piece = { path: "<b>a</b>.py", firstLine: 3, lastLine: 10, why: "edited", score: 0.5 };

beforeEach(() => {
  document.body.innerHTML = '<i id="context-count"></i><p id="context-none"></p><ol id="context"></ol>';
});

describe("the context of a completion", () => {
  it("is listed in the order of the prompt, and paths are only text", () => {
    renderContext(readTrace({ trace: { model: "m", context: [piece, { ...piece, lastLine: 3 }] } }));
    const rows = [...document.querySelectorAll("#context li")].map((row) => row.textContent);
    expect(rows).toEqual([
      "<b>a</b>.py3–10edited a moment ago · 0.50",
      "<b>a</b>.py3edited a moment ago · 0.50",
    ]);
    expect(document.querySelector("#context b")).toBeNull();
    expect(document.getElementById("context-count")?.textContent).toBe("2 pieces");
    expect(document.getElementById("context-none")?.hidden).toBe(true);
  });

  it("is told to be none where a server lists none", () => {
    renderContext(readTrace({ trace: { model: "m" } }));
    expect(document.querySelectorAll("#context li")).toHaveLength(0);
    expect(document.getElementById("context-none")?.textContent).toBe("None: the file stood alone.");
  });
});
