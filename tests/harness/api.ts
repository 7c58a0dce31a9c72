import { until } from './program.js';

/** What the tests read of a run; the whole is described by the coordinator's OpenAPI page. */
export interface RunView {
  readonly id: string;
  readonly state: string;
  readonly code: string | null;
  readonly round: number;
  readonly modelDigest: string | null;
  readonly sites: readonly {
    name: string;
    decision: string;
    connected: boolean;
    step: number;
    steps: number;
    bytesUp: number;
    metrics: { auc: { value: number } | null } | null;
  }[];
  readonly history: readonly {
    round: number;
    attempt: number;
    outcome: string;
    contributors: readonly string[];
    modelDigest: string | null;
  }[];
}

/** The coordinator's HTTP interface with a bearer token. */
export class Api {
  constructor(
    readonly url: string,
    readonly token: string,
  ) {}

  async request(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async get<T>(path: string): Promise<T> {
    return this.#json<T>(await this.request('GET', path));
  }

  async post<T>(path: string, body: unknown): Promise<T> {
    return this.#json<T>(await this.request('POST', path, body));
  }

  /** Waits until the run has ended and gives its last view. */
  async ended(run: string, withinMs = 180_000): Promise<RunView> {
    return until(
      async () => {
        const view = await this.get<RunView>(`/runs/${run}`).catch(() => undefined);
        return view && ['finished', 'failed', 'cancelled'].includes(view.state) ? view : undefined;
      },
      `the end of ${run}`,
      withinMs,
    );
  }

  async #json<T>(response: Response): Promise<T> {
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return JSON.parse(text) as T;
  }
}
