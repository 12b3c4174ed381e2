/** The elements of index.html by their ids; a missing one stops the start with its name. */

export function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element called ${id}.`);
  return found;
}

/** Writes only what differs, so that nothing is laid out anew or read aloud again. */
export function write(id: string, text: string): void {
  const target = element(id);
  if (target.textContent !== text) target.textContent = text;
}
