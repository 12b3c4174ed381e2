/** Questions over HTTP. Whatever goes wrong comes out as one sentence. */

import { fields, optionalText } from "../json";
import { AWAY } from "./socket";

export type Reply = { ok: true; body: unknown } | { ok: false; sentence: string };

/** Rejects only when `signal` was aborted. */
export type Ask = (path: string, signal: AbortSignal) => Promise<Reply>;

/** The sentence of an answer that is an error; its body is JSON of ours, or anything. */
export function refusalOf(status: number, body: unknown): string {
  const told = optionalText(fields(fields(body).error).message);
  return told ?? `The server refused with status ${status}.`;
}

export async function bodyOf(answer: Response): Promise<unknown> {
  try {
    return (await answer.json()) as unknown;
  } catch {
    return null;
  }
}

export const getJson: Ask = async (path, signal) => {
  try {
    const answer = await fetch(path, { cache: "no-store", signal });
    const body = await bodyOf(answer);
    signal.throwIfAborted();
    return answer.ok ? { ok: true, body } : { ok: false, sentence: refusalOf(answer.status, body) };
  } catch (error) {
    if (signal.aborted) throw error;
    return { ok: false, sentence: AWAY };
  }
};
