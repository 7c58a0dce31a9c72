import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { type SigningKey } from '@consilium/identity';
import { isErrno } from '@consilium/machine';
import { Fault, verifyEd25519 } from '@consilium/stdx';

/** An Ed25519 key on a smart card or in a hardware module, reached through its PKCS #11 library. */
export interface Pkcs11Key {
  /** The library, as `/usr/lib/softhsm/libsofthsm2.so`. */
  readonly module: string;
  /** CKA_LABEL of the key pair. */
  readonly keyLabel: string;
  /** Which token, where there is more than one. */
  readonly tokenLabel?: string | undefined;
}

/** OpenSC's command line tool: no native code of others runs inside this program. */
const TOOL = 'pkcs11-tool';
const TIMEOUT_MS = 60_000;
const PIN_VARIABLE = 'CONSILIUM_PKCS11_PIN';
const ED25519_SPKI_BYTES = 44;

/**
 * The public key on the token, for which no PIN is needed. Faults: NOT_FOUND (the tool, or the key), KEY_INVALID for a key
 * of another kind.
 */
export function publicKeyOn(key: Pkcs11Key): Uint8Array {
  const { stdout } = run(key, ['--read-object', '--type', 'pubkey', '--label', key.keyLabel]);
  let spki: Buffer;
  try {
    // Releases of the tool write DER or PEM.
    const isPem = stdout.subarray(0, 5).toString('latin1') === '-----';
    const input = isPem ? stdout.toString('latin1') : ({ key: stdout, format: 'der', type: 'spki' } as const);
    spki = createPublicKey(input).export({ format: 'der', type: 'spki' });
  } catch (error) {
    throw new Fault('KEY_INVALID', { expected: 'a public key on the token' }, error);
  }
  if (spki.byteLength !== ED25519_SPKI_BYTES) throw new Fault('KEY_INVALID', { expected: 'an Ed25519 key' });
  return new Uint8Array(spki.subarray(-32));
}

/** Signs on the token (CKM_EDDSA, RFC 8032 without prehash); the secret never leaves it. KEY_LOCKED for another PIN. */
export function tokenKey(key: Pkcs11Key, pin: string): SigningKey {
  const publicKey = publicKeyOn(key);
  const id = idOf(key, publicKey);
  return {
    publicKey,
    sign(message) {
      // By its id: the tool takes the first private key that it finds, whatever the label says.
      const args = ['--login', '--pin', `env:${PIN_VARIABLE}`, '--sign', '--mechanism', 'EDDSA', '--id', id];
      const { stdout } = run(key, args, { input: message, pin });
      const signature = new Uint8Array(stdout);
      if (!verifyEd25519(publicKey, message, signature)) {
        throw new Fault('KEY_INVALID', { expected: 'a signature of the key with this label' });
      }
      return signature;
    },
  };
}

/** CKA_ID, in hexadecimal, of the key pair. */
function idOf(key: Pkcs11Key, publicKey: Uint8Array): string {
  const { stdout } = run(key, ['--list-objects', '--type', 'pubkey']);
  const hex = Buffer.from(publicKey).toString('hex');
  const described = stdout.toString('latin1').split(/^Public Key Object/m);
  // EC_POINT is an OCTET STRING around the 32 bytes, in the releases that show it.
  const own =
    described.find((text) => text.toLowerCase().includes(hex)) ??
    described.find((text) => new RegExp(`^\\s*label:\\s+${escaped(key.keyLabel)}\\s*$`, 'm').test(text));
  const id = own && /^\s*ID:\s+([0-9a-f]+)\s*$/m.exec(own)?.[1];
  if (!id) throw new Fault('NOT_FOUND', { what: 'the id of the key on the token' });
  return id;
}

function run(
  { module, tokenLabel }: Pkcs11Key,
  args: readonly string[],
  { input, pin }: { input?: Uint8Array; pin?: string } = {},
): SpawnSyncReturns<Buffer> {
  const token = tokenLabel === undefined ? [] : ['--token-label', tokenLabel];
  const result = spawnSync(TOOL, ['--module', module, ...token, ...args], {
    input: input ?? '',
    timeout: TIMEOUT_MS,
    maxBuffer: 1024 * 1024,
    // In the environment and not on the command line, which every user of the machine can read.
    env: { ...process.env, ...(pin !== undefined && { [PIN_VARIABLE]: pin }) },
  });
  if (isErrno(result.error, 'ENOENT')) throw new Fault('NOT_FOUND', { what: 'the program pkcs11-tool of OpenSC' });
  if (result.status === 0 && !result.error) return result;
  const said = result.stderr?.toString('latin1') ?? '';
  // What it says decides between codes of ours, and is told to nobody: it may quote what lies on the token.
  if (/CKR_PIN_/.test(said)) throw new Fault('KEY_LOCKED', { expected: 'the PIN of the token' });
  if (/object not found/.test(said)) throw new Fault('NOT_FOUND', { what: 'a key with this label' });
  if (/No slot/.test(said)) throw new Fault('NOT_FOUND', { what: 'a token with this label' });
  if (/load pkcs11 module/.test(said)) throw new Fault('NOT_FOUND', { what: 'the PKCS #11 library' });
  throw new Fault('KEY_INVALID', { expected: 'an Ed25519 key on a token that signs with EDDSA' }, result.error);
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
