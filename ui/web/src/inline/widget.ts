/** How ghost text is drawn: behind the cursor, pushing what follows as accepting it would. */

import { WidgetType } from "@codemirror/view";

export class GhostWidget extends WidgetType {
  constructor(private readonly text: string) {
    super();
  }

  override eq(other: GhostWidget): boolean {
    return other.text === this.text;
  }

  override toDOM(): HTMLElement {
    const dom = document.createElement("span");
    dom.className = "cm-ghost";
    // Screen readers hear of it from the live region, not in the middle of the user's own text.
    dom.setAttribute("aria-hidden", "true");
    this.write(dom);
    return dom;
  }

  override updateDOM(dom: HTMLElement): boolean {
    this.write(dom);
    return true;
  }

  override get lineBreaks(): number {
    return this.text.split("\n").length - 1;
  }

  override ignoreEvent(): boolean {
    return false;
  }

  private write(dom: HTMLElement): void {
    const lines = this.text.split("\n");
    dom.replaceChildren(
      ...lines.flatMap((line, at) => (at === 0 ? [line] : [document.createElement("br"), line])),
    );
  }
}
