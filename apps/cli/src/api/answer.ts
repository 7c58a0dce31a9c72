import { Fault, isCode, parseShape, type Code } from '@consilium/stdx';
import type { z } from 'zod';
import { errorShape } from './shapes.js';

/** Largest JSON answer that is read; the API's own answers are far smaller. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** The parsed JSON of a good answer, or the Fault that a bad one tells of. */
export async function readAnswer<T>(response: Response, shape: z.ZodType<T>): Promise<T> {
  if (!response.ok) throw await faultOf(response);
  return parseShape(shape, await readJson(response), 'MESSAGE_MALFORMED');
}

/** The coordinator's own code and facts if the body has them, else what the status says. */
export async function faultOf(response: Response): Promise<Fault> {
  let told: unknown;
  try {
    told = await readJson(response);
  } catch (error) {
    return new Fault(codeOfStatus(response.status), { status: response.status }, error);
  }
  const parsed = errorShape.safeParse(told);
  if (parsed.success && isCode(parsed.data.error.code))
    return new Fault(parsed.data.error.code, parsed.data.error.facts);
  return new Fault(codeOfStatus(response.status), { status: response.status });
}

/** For answers that are not the coordinator's own, such as a proxy's error page. */
function codeOfStatus(status: number): Code {
  if (status === 401 || status === 403) return 'TOKEN_MISSING';
  if (status === 404) return 'NOT_FOUND';
  if (status === 429) return 'OVERLOADED';
  if (status === 504) return 'TIMEOUT';
  return status >= 500 ? 'UNAVAILABLE' : 'REQUEST_INVALID';
}

async function readJson(response: Response): Promise<unknown> {
  const announced = Number(response.headers.get('content-length') ?? 0);
  if (announced > ANSWER_BYTES_MAX) throw new Fault('MESSAGE_MALFORMED', { bytesMax: ANSWER_BYTES_MAX });
  const parts: Uint8Array[] = [];
  let seen = 0;
  for await (const part of response.body ?? []) {
    seen += part.byteLength;
    if (seen > ANSWER_BYTES_MAX) throw new Fault('MESSAGE_MALFORMED', { bytesMax: ANSWER_BYTES_MAX });
    parts.push(part);
  }
  const text = Buffer.concat(parts).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Fault('MESSAGE_MALFORMED', { expected: 'JSON' }, error);
  }
}
