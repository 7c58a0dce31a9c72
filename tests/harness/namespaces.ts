import { execFileSync } from 'node:child_process';

const ip = (...args: string[]): string =>
  execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const inside = (name: string, ...command: string[]): string =>
  execFileSync('ip', ['netns', 'exec', name, ...command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Whether this machine lets us make network namespaces and filter packets in them. */
export const canMakeNamespaces = ((): boolean => {
  const name = `consilium-probe-${process.pid}`;
  try {
    ip('netns', 'add', name);
    inside(name, 'nft', 'list', 'ruleset');
    return true;
  } catch {
    return false;
  } finally {
    try {
      ip('netns', 'del', name);
    } catch {
      // It was never made.
    }
  }
})();

/**
 * A hub and its sites as network namespaces, each site joined to the hub by a cable of its own. The hub lets in one TCP
 * port and nothing else; sites let nothing in and reach neither each other nor anything outside.
 */
export class Network {
  readonly hub = `consilium-hub-${process.pid}`;
  readonly #sites = new Map<string, { namespace: string; hubAddress: string }>();

  constructor(sites: readonly string[], port: number) {
    ip('netns', 'add', this.hub);
    inside(this.hub, 'ip', 'link', 'set', 'lo', 'up');
    inside(
      this.hub,
      'nft',
      `add table inet guard; add chain inet guard in { type filter hook input priority 0; policy drop; }; add rule inet guard in iif lo accept; add rule inet guard in ct state established,related accept; add rule inet guard in tcp dport ${port} accept; add chain inet guard forward { type filter hook forward priority 0; policy drop; }`,
    );
    sites.forEach((site, index) => this.#join(site, index));
  }

  /** The address under which this site sees the hub. */
  hubAddress(site: string): string {
    return this.#sites.get(site)!.hubAddress;
  }

  /** A command line that runs inside the namespace of the hub, or of a site. */
  enter(where: string, ...command: string[]): [string, string[]] {
    return ['ip', ['netns', 'exec', this.#sites.get(where)?.namespace ?? this.hub, ...command]];
  }

  remove(): void {
    for (const name of [this.hub, ...[...this.#sites.values()].map((site) => site.namespace)]) ip('netns', 'del', name);
  }

  #join(site: string, index: number): void {
    const namespace = `consilium-${site}-${process.pid}`;
    const [near, far] = [`ch${index}p${process.pid % 100_000}`, `cs${index}p${process.pid % 100_000}`];
    ip('netns', 'add', namespace);
    ip('link', 'add', near, 'netns', this.hub, 'type', 'veth', 'peer', 'name', far, 'netns', namespace);
    inside(this.hub, 'ip', 'addr', 'add', `10.78.${index}.1/24`, 'dev', near);
    inside(this.hub, 'ip', 'link', 'set', near, 'up');
    inside(namespace, 'ip', 'addr', 'add', `10.78.${index}.2/24`, 'dev', far);
    inside(namespace, 'ip', 'link', 'set', far, 'up');
    inside(namespace, 'ip', 'link', 'set', 'lo', 'up');
    inside(
      namespace,
      'nft',
      'add table inet guard; add chain inet guard in { type filter hook input priority 0; policy drop; }; add rule inet guard in iif lo accept; add rule inet guard in ct state established,related accept',
    );
    this.#sites.set(site, { namespace, hubAddress: `10.78.${index}.1` });
  }
}
