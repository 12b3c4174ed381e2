/** The panes of the side panel as tabs (WAI-ARIA Authoring Practices: tabs with automatic activation). */

import { element } from "./dom";

/** Where the keys lead from tab `at` of `count`; null for a key that is none of theirs. */
export function tabAfter(key: string, at: number, count: number): number | null {
  switch (key) {
    case "ArrowRight":
      return (at + 1) % count;
    case "ArrowLeft":
      return (at + count - 1) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}

/** Shows one pane at a time; `shown` hears the `data-pane` of each that is chosen. */
export function tabs(shown: (pane: string) => void): void {
  const bar = element("tabs");
  const all = Array.from(bar.querySelectorAll<HTMLElement>("[role=tab]"));

  function choose(chosen: HTMLElement): void {
    for (const tab of all) {
      const isChosen = tab === chosen;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      element(tab.getAttribute("aria-controls") ?? "").hidden = !isChosen;
    }
    const pane = chosen.dataset.pane ?? "";
    element("desk").dataset.pane = pane;
    shown(pane);
  }

  for (const tab of all) tab.addEventListener("click", () => choose(tab));
  bar.addEventListener("keydown", (event) => {
    const next = tabAfter(event.key, all.indexOf(event.target as HTMLElement), all.length);
    const tab = next === null ? undefined : all[next];
    if (tab === undefined) return;
    event.preventDefault();
    choose(tab);
    tab.focus();
  });
}
