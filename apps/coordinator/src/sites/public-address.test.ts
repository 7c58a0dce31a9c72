import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { PublicAddress } from './public-address.js';

const told = (host: string, advertise?: string): [string, readonly string[]] => {
  const address = new PublicAddress(host, advertise);
  address.listening(7443);
  return [address.text, address.hosts];
};

describe('the address that agents are told', () => {
  it.each([
    ['10.0.0.7', undefined, '10.0.0.7:7443', ['10.0.0.7']],
    ['::1', undefined, '[::1]:7443', ['::1']],
    ['hub.example.org', undefined, 'hub.example.org:7443', ['hub.example.org']],
    ['10.0.0.7', 'hub.example.org:443', 'hub.example.org:443', ['hub.example.org', '10.0.0.7']],
    ['10.0.0.7', '[2001:db8::1]:443', '[2001:db8::1]:443', ['2001:db8::1', '10.0.0.7']],
  ])('on %s, advertised as %s, is %s', (host, advertise, text, hosts) => {
    expect(told(host, advertise)).toEqual([text, hosts]);
  });

  it('on all addresses is the first name of the identity, where that has some', () => {
    const address = new PublicAddress('0.0.0.0', undefined, ['hub.example.org', '10.0.0.7']);
    address.listening(7443);
    expect([address.text, address.hosts]).toEqual(['hub.example.org:7443', ['hub.example.org', '10.0.0.7']]);
  });

  it.each(['0.0.0.0', '::'])('on all addresses (%s) is this machine’s name', (host) => {
    expect(told(host)).toEqual([`${hostname()}:7443`, [hostname()]]);
  });

  it('is known only once the coordinator listens', () => {
    expect(() => new PublicAddress('10.0.0.7').text).toThrow(/listens/);
  });
});
