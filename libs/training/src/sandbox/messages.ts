import { isCode, type Code, type Facts } from '@consilium/stdx';

/** What a child offers: for each name what it is given, what it answers, and what it tells meanwhile. */
export type Protocol = Record<string, { request: unknown; response: unknown; progress: unknown }>;

/** From parent to child. */
export type ParentMessage =
  | { readonly type: 'call'; readonly id: number; readonly name: string; readonly request: unknown }
  | { readonly type: 'cancel'; readonly id: number };

/** From child to parent. `detail` is for the parent's own log and goes no further. */
export type ChildMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly id: number; readonly progress: unknown }
  | { readonly type: 'response'; readonly id: number; readonly response: unknown }
  | {
      readonly type: 'fault';
      readonly id: number;
      readonly code: Code;
      readonly facts: Facts;
      readonly detail: string;
    };

/** The message, or undefined for anything else: a library in the other process may send what it likes. */
export function readChildMessage(value: unknown): ChildMessage | undefined {
  if (!isRecord(value)) return undefined;
  if (value['type'] === 'ready') return { type: 'ready' };
  const id = value['id'];
  if (typeof id !== 'number') return undefined;
  switch (value['type']) {
    case 'progress':
      return { type: 'progress', id, progress: value['progress'] };
    case 'response':
      return { type: 'response', id, response: value['response'] };
    case 'fault':
      return { type: 'fault', id, ...readFault(value) };
    default:
      return undefined;
  }
}

/** The message, or undefined for anything else. */
export function readParentMessage(value: unknown): ParentMessage | undefined {
  if (!isRecord(value)) return undefined;
  const { type, id, name, request } = value;
  if (typeof id !== 'number') return undefined;
  if (type === 'cancel') return { type, id };
  return type === 'call' && typeof name === 'string' ? { type, id, name, request } : undefined;
}

function readFault(value: Record<string, unknown>): { code: Code; facts: Facts; detail: string } {
  const { code, facts, detail } = value;
  return {
    code: typeof code === 'string' && isCode(code) ? code : 'INTERNAL',
    facts: isRecord(facts) ? Object.fromEntries(Object.entries(facts).filter(isFact)) : {},
    detail: typeof detail === 'string' ? detail : '',
  };
}

const isFact = (entry: [string, unknown]): entry is [string, string | number | boolean] =>
  ['string', 'number', 'boolean'].includes(typeof entry[1]);

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
