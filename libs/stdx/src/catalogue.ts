/**
 * Everything that may go wrong, once. A code is stable: scripts, the journal and both ends of the wire rely on it.
 * `grpc` is a status name of the gRPC specification, `http` a status of RFC 9110, `sentence` may be shown to anybody:
 * it says what was expected and what to do, and never carries a value.
 */
export type GrpcStatusName =
  | 'CANCELLED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DATA_LOSS'
  | 'UNAUTHENTICATED';

export interface CatalogueEntry {
  readonly grpc: GrpcStatusName;
  readonly http: number;
  readonly sentence: string;
}

const entry = (grpc: GrpcStatusName, http: number, sentence: string): CatalogueEntry => ({ grpc, http, sentence });

export const CATALOGUE = {
  // Anything
  INTERNAL: entry('INTERNAL', 500, 'Something went wrong inside; the log of this program has the cause.'),
  CANCELLED: entry('CANCELLED', 499, 'The work was cancelled before it finished.'),
  TIMEOUT: entry('DEADLINE_EXCEEDED', 504, 'The answer did not come in time; try again.'),
  UNAVAILABLE: entry(
    'UNAVAILABLE',
    503,
    'The other side cannot be reached; check that it runs and that the address is right.',
  ),
  OVERLOADED: entry('RESOURCE_EXHAUSTED', 429, 'Too much at once; wait and try again.'),
  REQUEST_INVALID: entry('INVALID_ARGUMENT', 400, 'The request does not have the expected form.'),
  NOT_FOUND: entry('NOT_FOUND', 404, 'There is no such thing here.'),
  ALREADY_EXISTS: entry('ALREADY_EXISTS', 409, 'Something of this name exists already with other content.'),
  TOKEN_MISSING: entry(
    'UNAUTHENTICATED',
    401,
    'This address needs a bearer token: log in with consilium login, or name the coordinator’s token file.',
  ),

  // Settings, files and this machine
  USAGE: entry('INVALID_ARGUMENT', 400, 'The command line is not understood; --help shows what is.'),
  SETTINGS_UNREADABLE: entry('NOT_FOUND', 400, 'The settings file cannot be read or is not YAML.'),
  SETTINGS_INVALID: entry('INVALID_ARGUMENT', 400, 'A setting is missing or wrong.'),
  STATE_LOCKED: entry(
    'FAILED_PRECONDITION',
    409,
    'Another program already uses this state directory; stop it or choose another.',
  ),
  STATE_UNREADABLE: entry('DATA_LOSS', 500, 'The state directory holds something this release cannot read.'),
  PORT_IN_USE: entry('UNAVAILABLE', 503, 'The port is taken by another program; stop it or choose another port.'),
  DISK_FULL: entry('RESOURCE_EXHAUSTED', 507, 'The disk is full; nothing was changed. Free some space and try again.'),
  DATABASE_UNAVAILABLE: entry('UNAVAILABLE', 503, 'The database cannot be reached or refuses the connection.'),
  MIGRATION_REFUSED: entry('FAILED_PRECONDITION', 500, 'The database belongs to another release of the coordinator.'),
  NOT_BUILT: entry(
    'FAILED_PRECONDITION',
    500,
    'A program of this repository is not built yet; run npm start or npm run build.',
  ),
  CLOCK_SKEWED: entry(
    'FAILED_PRECONDITION',
    412,
    'This machine’s clock differs from the coordinator’s by more than a minute; set it.',
  ),
  PROGRAM_DIED: entry(
    'UNAVAILABLE',
    503,
    'A program of the federation ended by itself too often; its log has the cause.',
  ),

  // Peers
  PEER_CERTIFICATE_MISSING: entry('UNAUTHENTICATED', 401, 'The peer showed no certificate.'),
  PEER_CERTIFICATE_FOREIGN: entry('UNAUTHENTICATED', 401, 'The peer’s certificate was not issued by this federation.'),
  PEER_NOT_A_SITE: entry('PERMISSION_DENIED', 403, 'The peer’s certificate is not that of a site.'),
  PEER_NOT_THE_COORDINATOR: entry('PERMISSION_DENIED', 403, 'The peer’s certificate is not that of the coordinator.'),
  CERTIFICATE_INVALID: entry(
    'INVALID_ARGUMENT',
    400,
    'The certificate or key cannot be read, has expired, or names other than exactly one SPIFFE URI.',
  ),
  CERTIFICATE_REFUSED: entry(
    'UNAUTHENTICATED',
    401,
    'The other side refused our certificate; check that it was issued by this federation and has not expired.',
  ),
  ROOT_PIN_MISMATCH: entry(
    'UNAUTHENTICATED',
    401,
    'The address belongs to another federation than the one that the token or the pinned root names.',
  ),
  TLS_INTERCEPTED: entry(
    'UNAUTHENTICATED',
    502,
    'Something between here and the coordinator answered with a certificate of its own; have this address exempted from TLS inspection, or check it.',
  ),
  PROTOCOL_VERSION_UNSUPPORTED: entry(
    'FAILED_PRECONDITION',
    412,
    'The peer speaks another version of the protocol; install matching releases.',
  ),
  HANDSHAKE_MISSING: entry('FAILED_PRECONDITION', 412, 'The first message of a session must be its handshake.'),
  MESSAGE_MALFORMED: entry('INVALID_ARGUMENT', 400, 'A message does not have the expected form.'),
  SESSION_REPLACED: entry(
    'ABORTED',
    409,
    'Another agent of this site opened a session; only the newest one is served.',
  ),
  JOIN_TOKEN_INVALID: entry(
    'PERMISSION_DENIED',
    403,
    'The one-time token is incomplete, unknown, expired, used already, or made for another site or federation.',
  ),
  ROSTER_INVALID: entry(
    'INVALID_ARGUMENT',
    400,
    'The roster is not one of this federation, is older than one that was accepted before, or does not fit the plan.',
  ),
  IDENTITY_MISSING: entry(
    'NOT_FOUND',
    404,
    'This site has no identity yet; ask an admin for an invitation and run consilium agent join.',
  ),
  FINGERPRINT_MISMATCH: entry(
    'PERMISSION_DENIED',
    403,
    'The six words at the site are not those of the key that waits at the coordinator: it is another’s; refuse it.',
  ),
  SITE_NOT_ENROLLED: entry('FAILED_PRECONDITION', 409, 'The roster lists no such site; invite and admit it first.'),
  SITE_REVOKED: entry('PERMISSION_DENIED', 403, 'The federation’s admins have revoked this site.'),
  ENROLMENT_REFUSED: entry('PERMISSION_DENIED', 403, 'The federation’s admins have refused this enrolment.'),
  REQUEST_REPLAYED: entry('ALREADY_EXISTS', 409, 'This very request was served before; make a new one.'),
  CERTIFICATE_LAPSED: entry(
    'FAILED_PRECONDITION',
    403,
    'The site’s last certificate ended too long ago to be renewed; the site must be invited again.',
  ),
  SITE_NOT_IN_PLAN: entry('PERMISSION_DENIED', 403, 'The plan does not list this site.'),

  // People
  ACCESS_DENIED: entry(
    'PERMISSION_DENIED',
    403,
    'Your roles do not allow this, or not for this study or site; ask an admin of the federation.',
  ),
  STEP_UP_REQUIRED: entry(
    'UNAUTHENTICATED',
    401,
    'This needs a proof of who you are that is less than five minutes old; run consilium login --step-up.',
  ),
  LOGIN_FAILED: entry(
    'UNAUTHENTICATED',
    401,
    'The login failed: the name, password or one-time code is wrong, or it took too long.',
  ),
  LOGIN_REQUIRED: entry('UNAUTHENTICATED', 401, 'You are not logged in, or no longer; run consilium login.'),
  LOGIN_METHOD_UNAVAILABLE: entry(
    'UNIMPLEMENTED',
    404,
    'This coordinator does not offer this way to log in; its settings name those that it does.',
  ),
  IDENTITY_PROVIDER_UNAVAILABLE: entry(
    'UNAVAILABLE',
    503,
    'The identity provider of the federation cannot be reached; try again, or ask an admin.',
  ),
  PASSWORD_TOO_WEAK: entry(
    'INVALID_ARGUMENT',
    400,
    'The password must have at least 12 characters and no known pattern.',
  ),
  ACCOUNT_UNKNOWN: entry(
    'PERMISSION_DENIED',
    403,
    'You are known, but nobody has given you a role here; ask an admin of the federation.',
  ),
  ACCOUNT_LOCKED: entry('RESOURCE_EXHAUSTED', 429, 'Too many failed logins; wait and try again.'),

  // Keys, signatures and signed documents
  ENVELOPE_INVALID: entry(
    'INVALID_ARGUMENT',
    400,
    'The signed document is not of the expected type, form or canonical encoding.',
  ),
  SIGNATURE_INVALID: entry(
    'UNAUTHENTICATED',
    401,
    'A signature does not fit the document, or is of a key that may not sign it.',
  ),
  SIGNATURE_MISSING: entry('UNAUTHENTICATED', 401, 'The document lacks the signature of somebody who has to sign it.'),
  CSR_INVALID: entry(
    'INVALID_ARGUMENT',
    400,
    'The certificate request names somebody, asks for more than a key’s certificate, or is not signed by its own P-256 key.',
  ),
  KEY_INVALID: entry('INVALID_ARGUMENT', 400, 'The signing key or its file cannot be read or is not sound.'),
  KEY_LOCKED: entry(
    'FAILED_PRECONDITION',
    400,
    'The key file is sealed, and the passphrase is missing or another one.',
  ),
  ACCESS_TOKEN_INVALID: entry(
    'UNAUTHENTICATED',
    401,
    'The access token has expired, or was not made by this coordinator for this use; log in again.',
  ),

  // Plans, runs and rounds
  PLAN_UNREADABLE: entry('INVALID_ARGUMENT', 400, 'The plan cannot be read or is neither YAML nor JSON.'),
  PLAN_INVALID: entry('INVALID_ARGUMENT', 400, 'The plan does not have the expected form.'),
  PLAN_NOT_SUPPORTED: entry('UNIMPLEMENTED', 400, 'The plan asks for a mode that this release does not support yet.'),
  PLAN_DIGEST_MISMATCH: entry('DATA_LOSS', 400, 'The plan that came does not have the announced SHA-256.'),
  PLAN_NOT_APPROVED: entry('FAILED_PRECONDITION', 409, 'The site has not approved this plan.'),
  PLAN_REJECTED: entry('FAILED_PRECONDITION', 409, 'The site rejected this plan.'),
  GRAPH_INVALID: entry('INVALID_ARGUMENT', 400, 'The model’s layers do not fit together.'),
  PLAN_INCOMPLETE: entry(
    'FAILED_PRECONDITION',
    409,
    'The plan names no governance or no roster; let the coordinator complete it before it is signed.',
  ),
  PLAN_NOT_SIGNED: entry(
    'FAILED_PRECONDITION',
    409,
    'The plan lacks the signature of a proposer or of an admin, two different people of the roster.',
  ),
  ETHICS_EXPIRED: entry('FAILED_PRECONDITION', 409, 'The plan’s ethics approval has expired.'),
  JURISDICTION_REFUSED: entry(
    'PERMISSION_DENIED',
    403,
    'A site of the plan lies outside the jurisdictions that the plan allows.',
  ),
  ROSTER_CHANGED: entry(
    'FAILED_PRECONDITION',
    409,
    'The roster no longer has the keys that the plan was signed with; another roster is another plan.',
  ),
  PLAN_WITHDRAWN: entry('FAILED_PRECONDITION', 409, 'The site has taken its approval of this plan back.'),
  PLAN_SUSPENDED: entry('FAILED_PRECONDITION', 409, 'The site has suspended this plan until it resumes it.'),
  APPROVAL_INVALID: entry('INVALID_ARGUMENT', 400, 'The site’s approval is not of this plan in this run.'),
  APPROVAL_EXPIRED: entry('FAILED_PRECONDITION', 409, 'The site’s approval of this plan has expired.'),
  ROUND_MODEL_CONFLICT: entry(
    'ABORTED',
    409,
    'The site has already accepted another model for this round of this run; it answers for one only.',
  ),
  RUN_TRANSITION_REFUSED: entry('FAILED_PRECONDITION', 409, 'The run is not in a state that allows this.'),
  RUN_FAILED: entry('ABORTED', 409, 'The run ended without a model.'),
  ROUND_TRANSITION_REFUSED: entry('FAILED_PRECONDITION', 409, 'The round is not in a state that allows this.'),
  NOT_A_PARTICIPANT: entry('PERMISSION_DENIED', 403, 'The site does not take part in this round.'),

  // Weights and updates
  SAFETENSORS_MALFORMED: entry('INVALID_ARGUMENT', 400, 'The bytes are not a well-formed safetensors file.'),
  WEIGHTS_MISMATCH: entry('INVALID_ARGUMENT', 400, 'The tensors are not those of the plan’s model.'),
  UPDATE_NOT_FINITE: entry('INVALID_ARGUMENT', 400, 'The update holds a value that is not a finite number.'),
  UPDATE_NORM_EXCEEDED: entry('INVALID_ARGUMENT', 400, 'The update is larger than the plan’s norm bound.'),
  UPDATE_TOO_LARGE: entry('OUT_OF_RANGE', 413, 'More bytes came than the plan’s model has.'),
  UPDATE_TRUNCATED: entry('DATA_LOSS', 400, 'The upload ended before all announced bytes had come.'),
  UPDATE_DIGEST_MISMATCH: entry('DATA_LOSS', 400, 'The bytes that came do not have the announced SHA-256.'),
  UPDATE_STATEMENT_INVALID: entry(
    'INVALID_ARGUMENT',
    400,
    'The update does not come with what its site signed about it in this attempt of this round.',
  ),
  UPDATE_CONFLICT: entry('ALREADY_EXISTS', 409, 'The site already sent another update for this round.'),
  MODEL_DIGEST_MISMATCH: entry('DATA_LOSS', 502, 'The model that came does not have the announced SHA-256.'),

  // A site's own data and training
  DATA_UNREADABLE: entry('INVALID_ARGUMENT', 400, 'The data folder or a file in it cannot be read.'),
  DATA_TOO_LARGE: entry('RESOURCE_EXHAUSTED', 413, 'The data are larger than the agent accepts at once.'),
  DATA_LABELS_INVALID: entry('INVALID_ARGUMENT', 400, 'The labels file does not have the expected form.'),
  DATA_PATH_REFUSED: entry(
    'PERMISSION_DENIED',
    403,
    'A path in the labels leads out of the data folder or through a symbolic link.',
  ),
  DATA_TRANSFER_SYNTAX_UNSUPPORTED: entry(
    'UNIMPLEMENTED',
    415,
    'A DICOM file is compressed, deflated or big-endian; convert it to Explicit VR Little Endian.',
  ),
  DATA_EMPTY: entry(
    'FAILED_PRECONDITION',
    400,
    'The data folder holds no usable sample for a split that the plan needs.',
  ),
  DATA_NOT_CONFIGURED: entry('FAILED_PRECONDITION', 400, 'The site’s settings name no data folder for this study.'),
  DATA_NOT_AN_IMAGE: entry('INVALID_ARGUMENT', 400, 'A file listed in the labels is not an image of a supported kind.'),
  DATA_LABEL_UNKNOWN: entry('INVALID_ARGUMENT', 400, 'A sample carries a label that the plan does not know.'),
  DATA_PATIENT_IN_TWO_SPLITS: entry(
    'FAILED_PRECONDITION',
    400,
    'A patient stands in both the training and the test split.',
  ),
  DATA_CHANGED: entry('FAILED_PRECONDITION', 409, 'The data changed since the site approved it.'),
  ENGINE_UNAVAILABLE: entry('UNAVAILABLE', 503, 'The training engine cannot be started on this machine.'),
  ENGINE_SELF_TEST_FAILED: entry(
    'FAILED_PRECONDITION',
    503,
    'The training engine computes wrong gradients on this machine and was refused.',
  ),
  ENGINE_UNSUPPORTED: entry(
    'UNIMPLEMENTED',
    422,
    'The training engine cannot compute something that the plan asks for; choose another engine.',
  ),
  ENGINE_DIED: entry(
    'ABORTED',
    500,
    'The training engine’s own program ended, or answered no more; start the round again.',
  ),
  OUT_OF_MEMORY: entry(
    'RESOURCE_EXHAUSTED',
    507,
    'The training needs more memory than there is, even for one sample at a time; use a smaller model or smaller images.',
  ),
  SANDBOX_UNAVAILABLE: entry(
    'FAILED_PRECONDITION',
    503,
    'Training cannot be cut off from the network here; allow network namespaces or set sandbox: off in the site’s settings.',
  ),
  TRAINING_NOT_FINITE: entry(
    'FAILED_PRECONDITION',
    422,
    'The loss became infinite or not a number; lower the learning rate.',
  ),
  TRAINING_DIED: entry('ABORTED', 500, 'The training process ended before it answered.'),
  DATA_CONTRACT_UNMET: entry(
    'FAILED_PRECONDITION',
    409,
    'The site’s data do not hold what the study’s data contract asks for.',
  ),
  METRICS_TOO_FEW: entry(
    'FAILED_PRECONDITION',
    409,
    'The site measures no metrics on fewer than ten patients, since they could point to one of them.',
  ),
  EGRESS_BLOCKED: entry(
    'FAILED_PRECONDITION',
    409,
    'The site’s guard refused to let a message out that its rules do not allow.',
  ),

  // Logs that nobody can rewrite
  LEDGER_CORRUPT: entry(
    'DATA_LOSS',
    500,
    'The log was changed or damaged; nothing goes on from it until it is restored.',
  ),
  LEDGER_ENTRY_INVALID: entry('INVALID_ARGUMENT', 400, 'A log entry is not one of the closed set in canonical form.'),
  LEDGER_ID_NOT_ENROLLED: entry('INVALID_ARGUMENT', 400, 'A log entry names a site that the roster does not list.'),
  LEDGER_PROOF_INVALID: entry('INVALID_ARGUMENT', 400, 'The proof does not lead to the root of the checkpoint.'),
  LEDGER_NOTE_INVALID: entry('INVALID_ARGUMENT', 400, 'The checkpoint is not a signed note in canonical form.'),
  LEDGER_SIGNATURE_INVALID: entry(
    'UNAUTHENTICATED',
    401,
    'The checkpoint does not carry the signature of the log that it speaks for, or one of its signatures is wrong.',
  ),
  LEDGER_NOT_WITNESSED: entry('FAILED_PRECONDITION', 412, 'Too few sites have cosigned the checkpoint.'),
  LEDGER_EVIDENCE_INVALID: entry(
    'INVALID_ARGUMENT',
    400,
    'What came as evidence does not show that the entry stands in the log.',
  ),
  LEDGER_ROLLED_BACK: entry(
    'FAILED_PRECONDITION',
    409,
    'The log is shorter than one that was witnessed before; it was restored from an old copy.',
  ),
  LEDGER_FORKED: entry('DATA_LOSS', 409, 'The log shows another past than one that was witnessed before.'),
  LEDGER_UNWRITABLE: entry(
    'DATA_LOSS',
    500,
    'The log cannot be written; the program does nothing more, since nothing may happen unrecorded.',
  ),
} as const satisfies Record<string, CatalogueEntry>;

/** The closed union of all codes. */
export type Code = keyof typeof CATALOGUE;

export const CODES = Object.keys(CATALOGUE) as readonly Code[];

/** Whether a string that came from elsewhere is one of our codes. */
export const isCode = (text: string): text is Code => Object.hasOwn(CATALOGUE, text);
