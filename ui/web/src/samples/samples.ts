/** The sample file of each language. A mark in it says where the cursor goes. */

const files = import.meta.glob<string>("./files/*", { query: "?raw", import: "default" });

/** Stands in a sample where typing is meant to go on; never part of a document. */
export const CURSOR_MARK = "⟨cursor⟩";

export interface Sample {
  text: string;
  cursor: number;
}

/** Takes the mark out; without one the cursor goes to the end. */
export function parseSample(source: string): Sample {
  const at = source.indexOf(CURSOR_MARK);
  if (at < 0) return { text: source, cursor: source.length };
  return { text: source.slice(0, at) + source.slice(at + CURSOR_MARK.length), cursor: at };
}

export async function loadSample(file: string): Promise<Sample> {
  const load = files[`./files/${file}`];
  if (!load) throw new Error(`There is no sample called ${file}.`);
  return parseSample(await load());
}
