import { Fault, toHex, type Code } from '@consilium/stdx';

/** AlgorithmIdentifier of ecdsa-with-SHA256 (RFC 5758, 3.2), the one with which anything of ours is signed. */
const ECDSA_SHA256 = '300a06082a8648ce3d040302';

/** What certificates and requests for them are alike: something signed, and its signature. */
export interface SignedDer {
  /** The very bytes that were signed, which a parsed object no longer shows. */
  readonly signed: Uint8Array;
  /** DER of the two numbers of an ECDSA signature. */
  readonly signature: Uint8Array;
}

/** Takes an X.509 certificate or a PKCS #10 request apart; `code` if it is none that ECDSA with SHA-256 has signed. */
export function signedDer(der: Uint8Array, code: Code): SignedDer {
  const [signed, algorithm, signature, ...more] = sequenceOf(der, code);
  if (!signed || !algorithm || !signature || more.length > 0 || toHex(algorithm) !== ECDSA_SHA256) {
    throw new Fault(code, { expected: 'something signed by ECDSA with SHA-256' });
  }
  return { signed, signature: bitsOf(signature, code) };
}

/** The elements inside a DER SEQUENCE (X.690), each with tag and length, if they fill it and it fills the bytes. */
export function sequenceOf(der: Uint8Array, code: Code): readonly Uint8Array[] {
  const outer = elementAt(der, 0, code);
  if (der[0] !== 0x30 || outer.end !== der.byteLength) throw new Fault(code, { expected: 'one DER SEQUENCE' });
  const elements: Uint8Array[] = [];
  for (let at = outer.content; at < outer.end;) {
    const { end } = elementAt(der, at, code);
    elements.push(der.subarray(at, end));
    at = end;
  }
  return elements;
}

/** What a BIT STRING of whole bytes holds. */
function bitsOf(element: Uint8Array, code: Code): Uint8Array {
  const { content, end } = elementAt(element, 0, code);
  if (element[0] !== 0x03 || element[content] !== 0) throw new Fault(code, { expected: 'a BIT STRING of whole bytes' });
  return element.subarray(content + 1, end);
}

/** Where an element's content begins and ends: definite lengths in their shortest form, below 64 KiB. */
function elementAt(der: Uint8Array, at: number, code: Code): { content: number; end: number } {
  const first = der[at + 1] ?? 0x80;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  let length = first < 0x80 ? first : 0;
  for (let i = 0; i < lengthBytes && i < 3; i++) length = length * 256 + (der[at + 2 + i] ?? 0);
  const shortest = [0, 0x80, 0x100][lengthBytes];
  const content = at + 2 + lengthBytes;
  const end = content + length;
  if (first === 0x80 || shortest === undefined || length < shortest || end > der.byteLength) {
    throw new Fault(code, { expected: 'DER' });
  }
  return { content, end };
}
