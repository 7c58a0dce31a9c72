import { Fault } from '@consilium/stdx';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT`, an IPv6 address in brackets; REQUEST_INVALID for any other form. */
export function addressOf(address: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (!match || port < 1 || port > 65_535)
    throw new Fault('REQUEST_INVALID', { field: 'address', expected: 'HOST:PORT' });
  return { host: match[1] ?? match[2]!, port };
}
