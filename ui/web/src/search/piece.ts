/** The dialog that shows a result as a whole. Nothing in it can be edited. */

import { element, write } from "../shell/dom";
import { type Hit, about, numbers } from "./hits";

/** Makes the dialog close by its button and by a click beside it; returns what opens it. */
export function pieceDialog(): (hit: Hit) => void {
  const dialog = element("piece") as HTMLDialogElement;
  element("piece-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  return (hit) => {
    write("piece-title", hit.path);
    write("piece-about", about(hit));
    write("piece-numbers", numbers(hit) ?? "");
    write("piece-text", hit.text.replace(/\n$/, ""));
    dialog.showModal();
    element("piece-code").scrollTo(0, 0);
  };
}
