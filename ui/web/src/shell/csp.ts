/** The nonce under which the editor may add its style sheet, where the server's policy asks for one. */

import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

export function pageNonce(): Extension {
  const meta = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]');
  const nonce = meta?.nonce ?? "";
  return nonce === "" ? [] : EditorView.cspNonce.of(nonce);
}
