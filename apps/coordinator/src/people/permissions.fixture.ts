/**
 * Who may do what, written out by hand as the specification. It is not made from the decorators: a wrong decorator
 * differs from it and fails, and so does a route that has no row here.
 *
 * all: on every object · own: on objects of their study or site only (of a list, they see those only) · –: never.
 * `object` says what the route is about: a thing in its path, one that its body names (body:), or a list of them (list:).
 * `step-up` asks for a proof that is at most five minutes old. `open` routes ask for no token at all.
 */
export const HTTP_TABLE = `
                                              | admin | coordinator | researcher | site-operator | data-protection-officer | auditor | object     | step-up
GET  /health                                  | open
GET  /metrics                                 | all   | all         | –          | –             | –                       | all     |            |

GET  /api/v1/login                            | open
GET  /api/v1/login/oidc                       | open
GET  /api/v1/login/oidc/callback              | open
POST /api/v1/login/code                       | open
POST /api/v1/login/local                      | open
POST /api/v1/login/setup                      | open
POST /api/v1/login/setup/complete             | open
POST /api/v1/login/refresh                    | open
POST /api/v1/login/logout                     | open
GET  /api/v1/whoami                           | all   | all         | all        | all           | all                     | all     |            |

GET  /api/v1/accounts                         | all   | –           | –          | –             | –                       | –       |            |
POST /api/v1/accounts                         | all   | –           | –          | –             | –                       | –       |            | yes
POST /api/v1/accounts/{person}/grant          | all   | –           | –          | –             | –                       | –       |            | yes
POST /api/v1/accounts/{person}/revoke         | all   | –           | –          | –             | –                       | –       |            | yes
POST /api/v1/accounts/{person}/disable        | all   | –           | –          | –             | –                       | –       |            | yes
POST /api/v1/accounts/{person}/invite         | all   | –           | –          | –             | –                       | –       |            | yes
POST /api/v1/accounts/{person}/erase          | all   | –           | –          | –             | –                       | –       |            | yes

GET  /api/v1/roster                           | all   | all         | all        | all           | all                     | all     |            |
PUT  /api/v1/roster                           | all   | –           | –          | –             | –                       | –       |            | yes
GET  /api/v1/sites                            | all   | all         | own        | own           | own                     | all     | list:site  |
POST /api/v1/sites/invites                    | all   | –           | –          | –             | –                       | –       |            |
GET  /api/v1/sites/enrolments                 | all   | –           | –          | –             | –                       | –       |            |
POST /api/v1/sites/enrolments/{site}/admit    | all   | –           | –          | –             | –                       | –       |            | yes
POST /api/v1/sites/enrolments/{site}/refuse   | all   | –           | –          | –             | –                       | –       |            |
POST /api/v1/sites/{name}/revoke              | all   | –           | –          | –             | –                       | –       |            | yes

GET  /api/v1/studies                          | all   | all         | own        | own           | own                     | all     | list:study |
POST /api/v1/studies                          | all   | all         | –          | –             | –                       | –       |            |
GET  /api/v1/studies/{name}                   | all   | all         | own        | own           | own                     | all     | study      |
POST /api/v1/studies/{name}/plans/complete    | all   | all         | own        | –             | –                       | –       | study      |
POST /api/v1/studies/{name}/plans             | all   | all         | own        | –             | –                       | –       | study      |
GET  /api/v1/plans/{digest}                   | all   | all         | own        | own           | own                     | all     | plan       |
POST /api/v1/plans/{digest}/signatures        | all   | all         | own        | –             | –                       | –       | plan       | yes

GET  /api/v1/runs                             | all   | all         | own        | own           | own                     | all     | list:run   |
POST /api/v1/runs                             | –     | all         | own        | –             | –                       | –       | body:plan  |
GET  /api/v1/runs/{id}                        | all   | all         | own        | own           | own                     | all     | run        |
GET  /api/v1/runs/{id}/events                 | all   | all         | own        | own           | own                     | all     | run        |
POST /api/v1/runs/{id}/pause                  | –     | all         | own        | –             | –                       | –       | run        |
POST /api/v1/runs/{id}/resume                 | –     | all         | own        | –             | –                       | –       | run        |
POST /api/v1/runs/{id}/cancel                 | –     | all         | own        | –             | –                       | –       | run        |

GET  /api/v1/models                           | all   | all         | own        | own           | own                     | all     | list:model |
GET  /api/v1/models/{digest}                  | all   | all         | own        | own           | own                     | all     | model      |
GET  /api/v1/models/{digest}/weights          | all   | all         | own        | own           | own                     | all     | model      |

GET  /api/v1/ledger                           | all   | all         | –          | –             | –                       | all     |            |
GET  /api/v1/ledger/documents/{digest}        | all   | all         | –          | –             | –                       | all     |            |
GET  /api/v1/ledger/models/{digest}           | all   | all         | –          | –             | –                       | all     |            |
GET  /api/v1/ledger/retained/{digest}         | all   | all         | –          | –             | –                       | all     |            |
GET  /api/v1/ledger/{shard}/checkpoint        | all   | all         | –          | –             | –                       | all     |            |
GET  /api/v1/ledger/{shard}/tile/{path}       | all   | all         | –          | –             | –                       | all     |            |
`;

/**
 * The same for the hospitals’ door. A peer is whoever its certificate says: none at all, a site of the run (own), another
 * site of the federation, or the coordinator itself. in: reaches the method · cut off: the connection is closed before
 * anything is asked, since the coordinator's certificate is a server's · a code: is refused with it. Enrolment is for
 * those who have no certificate yet; there the request itself proves who asks, and noise proves nothing.
 */
export const GRPC_TABLE = `
                  | nobody                   | own              | another          | coordinator
Sites.Greet       | PEER_CERTIFICATE_MISSING | in               | in               | cut off
Rounds.Session    | PEER_CERTIFICATE_MISSING | in               | in               | cut off
Updates.Query     | PEER_CERTIFICATE_MISSING | in               | SITE_NOT_IN_PLAN | cut off
Updates.Upload    | PEER_CERTIFICATE_MISSING | in               | SITE_NOT_IN_PLAN | cut off
Models.Download   | PEER_CERTIFICATE_MISSING | in               | NOT_FOUND        | cut off
Enrolment.Join    | ENVELOPE_INVALID         | ENVELOPE_INVALID | ENVELOPE_INVALID | cut off
Enrolment.Collect | ENVELOPE_INVALID         | ENVELOPE_INVALID | ENVELOPE_INVALID | cut off
Enrolment.Renew   | ENVELOPE_INVALID         | ENVELOPE_INVALID | ENVELOPE_INVALID | cut off
Enrolment.Rekey   | ENVELOPE_INVALID         | ENVELOPE_INVALID | ENVELOPE_INVALID | cut off
`;

/** The rows of a table by their first cell, each a mapping from column to cell. */
export function readTable(table: string): ReadonlyMap<string, Readonly<Record<string, string>>> {
  const [head = '', ...rows] = table.split('\n').filter((line) => line.trim() !== '');
  const cells = (line: string): string[] => line.split('|').map((cell) => cell.trim().replace(/\s+/g, ' '));
  const [, ...columns] = cells(head);
  return new Map(
    rows.map((row) => {
      const [name = '', ...values] = cells(row);
      return [name, Object.fromEntries(columns.map((column, i) => [column, values[i] ?? '']))];
    }),
  );
}
