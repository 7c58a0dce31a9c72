export {
  enrolmentChannel,
  type EnrolmentChannel,
  type EnrolmentChannelOptions,
  type RootPin,
} from './enrolment-channel.js';
export type { TlsFiles } from './hub-credentials.js';
export {
  ENVELOPE_BYTES_MAX,
  SESSION_BACKLOG_MAX,
  type EnrolmentHandlers,
  type HubHandlers,
  type HubSession,
} from './hub-handlers.js';
export type { Refusal } from './hub-reception.js';
export { HubServer, type HubLimits, type HubOptions } from './hub-server.js';
export type * from './messages.js';
export {
  CHUNK_BYTES,
  FEATURES,
  helloOf,
  MESSAGE_BYTES_MAX,
  PROTOCOL_VERSION,
  requireVersion,
  sharedFeatures,
  welcomeOf,
} from './protocol.js';
export { services, type Services } from './services.js';
export { siteChannel, type ChannelLimits, type SiteChannel, type SiteChannelOptions } from './site-channel.js';
export type { DownloadJob } from './site-download.js';
export type { Session } from './site-session.js';
export type { UploadJob } from './site-upload.js';
export { fromStatus, toStatus } from './status.js';
