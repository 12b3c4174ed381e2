/** System, light or dark; the choice is remembered. public/theme.js applies it before the first paint. */

import { element } from "./dom";

const CHOICES = ["system", "light", "dark"] as const;
export type ThemeChoice = (typeof CHOICES)[number];

const KEY = "splice.theme";

const ICONS: Readonly<Record<ThemeChoice, string>> = {
  system: "M10 3a7 7 0 1 0 0 14a7 7 0 1 0 0-14",
  light:
    "M10 6.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7M10 1.8v1.7M10 16.5v1.7M1.8 10h1.7M16.5 10h1.7M4.2 4.2l1.2 1.2M14.6 14.6l1.2 1.2M15.8 4.2l-1.2 1.2M5.4 14.6l-1.2 1.2",
  dark: "M16.8 11.9A7 7 0 0 1 8.1 3.2a7 7 0 1 0 8.7 8.7z",
};

/** What the button leads to from `choice`. */
export function following(choice: ThemeChoice): ThemeChoice {
  return CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length] ?? "system";
}

function current(): ThemeChoice {
  const { theme } = document.documentElement.dataset;
  return theme === "light" || theme === "dark" ? theme : "system";
}

function remember(choice: ThemeChoice): void {
  try {
    if (choice === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  } catch {
    // Storage may be refused; the choice then lasts as long as the page.
  }
}

function leftHalf(): SVGPathElement {
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M10 3a7 7 0 1 0 0 14z");
  path.setAttribute("class", "filled");
  return path;
}

function show(button: HTMLElement, choice: ThemeChoice): void {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[choice]);
  svg.append(path);
  if (choice === "system") svg.append(leftHalf());
  button.replaceChildren(svg);
  button.setAttribute("aria-label", `Theme: ${choice}`);
  button.title = `Theme: ${choice}`;
}

export function themeButton(): void {
  const button = element("theme");
  show(button, current());
  button.addEventListener("click", () => {
    const choice = following(current());
    if (choice === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    remember(choice);
    show(button, choice);
  });
}
